// Keys of the list of disagreements. The page works without this file.
"use strict";

const boxes = [...document.querySelectorAll("#several input[type=checkbox]")];
const row = (box) => box.closest("tr");
let at = -1;

function go(to) {
  if (!boxes.length) return;
  at = Math.max(0, Math.min(boxes.length - 1, to));
  boxes[at].focus({ preventScroll: true });
  row(boxes[at]).scrollIntoView({ block: "nearest" });
}

function counted() {
  const count = boxes.filter((box) => box.checked).length;
  document.getElementById("chosen").textContent = count ? `${count} chosen` : "Several alike, one reason:";
  for (const box of boxes) row(box).classList.toggle("picked", box.checked);
}

// On a phone the list comes first: what is above it is folded.
const phone = matchMedia("(max-width: 40rem)");
const fold = () => { for (const part of document.querySelectorAll(".fold")) part.open = !phone.matches; };
phone.addEventListener("change", fold);
fold();

const keys = {
  j: () => go(at + 1), k: () => go(at - 1),
  x: () => { if (at >= 0) { boxes[at].checked = !boxes[at].checked; counted(); } },
  a: () => { const on = boxes.some((box) => !box.checked); for (const box of boxes) box.checked = on; counted(); },
  d: () => document.querySelector("#several select").focus(),
  r: () => document.querySelector("#several input[name=memo]").focus(),
  Enter: () => { if (at >= 0) location.href = row(boxes[at]).querySelector("a").href; },
};

document.addEventListener("keydown", (event) => {
  const { target } = event;
  const key = keyOf(event);
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (target.closest("input:not([type=checkbox]), select, textarea")) {
    if (key === "Escape") target.blur();
    if (key === "Enter" && target.value && target.closest("#several select")) { event.preventDefault(); keys.r(); }
    return;
  }
  if (key === "Enter" && target.closest("a, button, summary")) return;
  if (stored("pcode-keys", "on") === "off") return;
  const act = Object.hasOwn(keys, key) && keys[key];
  if (act) { event.preventDefault(); act(); }
});
document.addEventListener("change", (event) => { if (boxes.includes(event.target)) { at = boxes.indexOf(event.target); counted(); } });
document.addEventListener("submit", (event) => {
  if (event.target.id === "several" && !boxes.some((box) => box.checked)) {
    event.preventDefault();
    document.getElementById("chosen").textContent = "Choose the units first: j, k and x";
  }
});
