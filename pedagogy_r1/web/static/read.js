// Keys of the Read pages, and the panel beside a trace. Every page works without this file.
"use strict";

const stops = [...document.querySelectorAll(".unit .open, .traces .stop")];
const panel = document.getElementById("panel");
const help = document.getElementById("help");
const keysOn = document.getElementById("keys-on");
let at = -1;

const unitOf = (link) => link.closest(".unit");
const follow = (selector) => { const link = document.querySelector(selector); if (link) location.href = link.href; };

function go(to) {
  if (to < 0 || to >= stops.length) return;
  if (at >= 0) unitOf(stops[at])?.classList.remove("current");
  at = to;
  const unit = unitOf(stops[at]);
  unit?.classList.add("current");
  stops[at].focus({ preventScroll: true });
  (unit ?? stops[at]).scrollIntoView({ block: "nearest" });
  if (panel && !panel.hidden) open(false);
}

function goWhere(step, name) {
  for (let i = at + step; i >= 0 && i < stops.length; i += step) {
    if (unitOf(stops[i])?.classList.contains(name)) { go(i); return; }
  }
}

let asked = 0;
async function open(focus) {
  const mine = ++asked;
  const url = new URL(stops[at].href);
  url.searchParams.set("part", "1");
  const answer = await fetch(url);
  if (mine !== asked) return;
  if (!answer.ok) { location.href = stops[at].href; return; }
  const html = await answer.text();
  if (mine !== asked) return;
  panel.innerHTML = html;
  const close = document.createElement("button");
  close.type = "button";
  close.className = "plain close";
  close.textContent = "Close";
  close.addEventListener("click", shut);
  panel.prepend(close);
  panel.hidden = false;
  panel.parentElement.classList.add("open");
  // Below, the panel lies over the page: the unit goes to the top, where it can be seen.
  unitOf(stops[at]).scrollIntoView({ block: matchMedia("(min-width: 70rem)").matches ? "nearest" : "start" });
  if (focus) panel.querySelector("h1").focus({ preventScroll: true });
}

function shut() {
  asked++;
  panel.hidden = true;
  panel.parentElement.classList.remove("open");
  stops[at]?.focus();
}

document.addEventListener("click", (event) => {
  const link = event.target.closest(".unit .open");
  if (!link || !panel || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  event.preventDefault();
  panel.hidden = true;
  go(stops.indexOf(link));
  open(true);
});

const keys = {
  j: () => go(at + 1),
  k: () => go(at < 0 ? 0 : at - 1),
  m: () => goWhere(1, "fits"),
  M: () => goWhere(-1, "fits"),
  x: () => goWhere(1, "differ"),
  X: () => goWhere(-1, "differ"),
  n: () => follow('a[rel="next"]'),
  p: () => follow('a[rel="prev"]'),
  t: () => follow(".switch a:not([aria-current])"),
  u: () => follow("#up"),
  "/": () => { const box = document.getElementById("q"); if (box) { box.focus(); box.select(); } else follow("#up"); },
  "?": () => help.showModal(),
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || help?.open) return;
  if (event.key === "Escape" && panel && !panel.hidden) { shut(); return; }
  if (event.target.closest("input, select, textarea, [contenteditable]")) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  if (keysOn && !keysOn.checked && event.key !== "?") return;
  const act = Object.hasOwn(keys, event.key) && keys[event.key];
  if (act) { event.preventDefault(); act(); }
});

const opener = document.getElementById("help-open");
if (opener) {
  opener.hidden = false;
  opener.addEventListener("click", () => help.showModal());
}
if (keysOn) {
  keysOn.checked = localStorage.getItem("pcode-keys") !== "off";
  keysOn.addEventListener("change", () => localStorage.setItem("pcode-keys", keysOn.checked ? "on" : "off"));
}
if (location.hash.startsWith("#u")) {
  const target = document.getElementById(location.hash.slice(1));
  const link = target?.querySelector(".open");
  if (link) go(stops.indexOf(link));
}
