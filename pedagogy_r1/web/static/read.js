// Keys of the Read pages, and the panel beside a trace. Every page works without this file.
"use strict";

const stops = [...document.querySelectorAll(".unit .open, .traces .stop")];
const panel = document.getElementById("panel");
const help = document.getElementById("help");
const keysOn = document.getElementById("keys-on");
let at = -1;

const unitOf = (link) => link.closest(".unit");
const follow = (selector) => { const link = document.querySelector(selector); if (link) location.href = link.href; };

function go(to, block = "nearest") {
  if (to < 0 || to >= stops.length) return;
  if (at >= 0) unitOf(stops[at])?.classList.remove("current");
  at = to;
  const unit = unitOf(stops[at]);
  unit?.classList.add("current");
  stops[at].focus({ preventScroll: true });
  (unit ?? stops[at]).scrollIntoView({ block });
  if (panel && !panel.hidden) open(false);
}

function show(unit) {
  go(stops.indexOf(unit.querySelector(".open")), "center");
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
  const answer = await answerOf(url);
  if (mine !== asked) return;
  if (!answer) { tell(GONE); return; }
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
  panel.hidden = false;   // first: in a panel that is not laid out every formula would count as wider than its column
  maths.draw(panel);
  panel.parentElement.classList.add("open");
  maths.refit();
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

let saying = 0;
function tell(words) {
  const box = document.getElementById("told");
  box.textContent = words;
  clearTimeout(saying);
  saying = setTimeout(() => { box.textContent = ""; }, 10_000);
}

// What is selected, else the unit: word for word, with trace, unit and offsets, which the server says.
async function quote() {
  const unit = at >= 0 && unitOf(stops[at]);
  const place = rawText.selected()
    ?? (unit && { start: unit.dataset.from, end: unit.dataset.to, scheme: unit.querySelector("[data-scheme]")?.dataset.scheme ?? "" });
  if (!place) { tell("Select some text, or go to a unit first (j)."); return; }
  const trace = document.querySelector(".beside").dataset.trace;
  const answer = await answerOf(`/read/quote?${new URLSearchParams({ id: trace, ...place })}`);
  if (!answer) { tell(GONE); return; }
  const text = await answer.text();
  tell(answer.ok && await copied(text) ? `Copied: ${text.slice(text.lastIndexOf("\n") + 3)}` : "Nothing was copied.");
}

async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {   // a page that came without encryption from another machine has no clipboard
    const box = document.createElement("textarea"), focus = document.activeElement;
    box.value = text;
    box.className = "aside";
    document.body.append(box);
    box.select();
    const done = document.execCommand("copy");
    box.remove();
    focus?.focus({ preventScroll: true });
    return done;
  }
}

const mathsButton = document.getElementById("maths"), quoteButton = document.getElementById("quote");
async function setMaths(wanted) {
  mathsButton.setAttribute("aria-pressed", String(wanted));
  try {
    const words = await maths.set(wanted, document, at >= 0 ? unitOf(stops[at]) : null);
    if (words) tell(words);
  } catch (error) {
    mathsButton.setAttribute("aria-pressed", "false");
    tell(`Formulas stay as they are written: ${error.message}.`);
  }
  overview.follow();
  finder.again();
}
if (mathsButton) {
  mathsButton.hidden = quoteButton.hidden = false;
  mathsButton.addEventListener("click", () => setMaths(!maths.on));
  quoteButton.addEventListener("mousedown", (event) => event.preventDefault());   // which would take the selection away
  quoteButton.addEventListener("click", quote);
  if (maths.kept) setMaths(true);
}

document.addEventListener("click", (event) => {
  if (event.target.closest(".quote-link") && panel) { event.preventDefault(); getSelection().empty(); quote(); return; }
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
  f: () => goWhere(1, "fits"),
  F: () => goWhere(-1, "fits"),
  x: () => goWhere(1, "differ"),
  X: () => goWhere(-1, "differ"),
  n: () => follow('a[rel="next"]'),
  p: () => follow('a[rel="prev"]'),
  t: () => follow(".switch a:not([aria-current])"),
  u: () => follow("#up"),
  g: () => document.getElementById("jump")?.focus({ preventScroll: true }),
  h: () => { if (panel) finder.step(1); },
  H: () => { if (panel) finder.step(-1); },
  m: () => { if (mathsButton) setMaths(!maths.on); },
  c: () => { if (quoteButton) quote(); },
  "/": () => { if (panel) { finder.focus(); return; } const box = document.getElementById("q"); if (box) { box.focus(); box.select(); } else follow("#up"); },
  "?": () => help.showModal(),
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || help?.open) return;
  if (event.key === "Escape" && panel && !panel.hidden) { shut(); return; }
  if (event.target.closest("input, select, textarea, [contenteditable]")) {
    if (event.key === "Escape") { event.preventDefault(); event.target.blur(); }   // what is looked for stays
    return;
  }
  if (keysOn && !keysOn.checked && event.key !== "?") return;
  const key = keyOf(event), act = Object.hasOwn(keys, key) && keys[key];
  if (act) { event.preventDefault(); act(); }
});

const opener = document.getElementById("help-open");
if (opener) {
  opener.hidden = false;
  opener.addEventListener("click", () => help.showModal());
}
if (keysOn) {
  keysOn.checked = stored("pcode-keys", "on") !== "off";
  keysOn.addEventListener("change", () => store("pcode-keys", keysOn.checked ? "on" : "off"));
}
if (location.hash.startsWith("#u")) {
  const target = document.getElementById(location.hash.slice(1));
  const link = target?.querySelector(".open");
  if (link) go(stops.indexOf(link));
}
