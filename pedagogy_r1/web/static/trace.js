// The text of a trace on the coding pages: one's own codes in place, the ribbon, and which units are meant.
"use strict";

const find = (id) => document.getElementById(id);
let units = [], rects = new Map(), colours = new Map();
let picked = [];   // units behind the current one that the next code goes to as well

const head = () => find("head");
const current = () => Number(head().dataset.number);
const numberOf = (unit) => Number(unit.dataset.n);

// Once for each text.
function readTrace() {
  units = [...document.querySelectorAll("#reading .u")];
  rects = new Map([...document.querySelectorAll("#ribbon rect")].map((rect) => [Number(rect.dataset.n), rect]));
  colours = new Map([...document.querySelectorAll("#book li[data-code]")].map((item) => [item.dataset.code, item.className]));
}

// After every answer of the server: what it says of each unit is what the text shows.
function paint() {
  const at = new Map(units.map((unit) => [numberOf(unit), unit]));
  const own = JSON.parse(head().dataset.own);
  for (const [number, codes, letters] of own) {
    const unit = at.get(number);
    if (!unit) continue;
    const colour = codes ? colours.get(codes.split(" ")[0]) ?? "c-none" : "open";
    if (unit.dataset.said !== codes || unit.dataset.marks !== letters || !unit.classList.contains(colour)) {
      unit.className = `u ${colour}${unit.classList.contains("practice") ? " practice" : ""}`;
      if (codes) unit.dataset.said = codes; else delete unit.dataset.said;
      if (letters) unit.dataset.marks = letters; else delete unit.dataset.marks;
      rects.get(number)?.setAttribute("class", colour);
    }
  }
  const now = current();
  for (const unit of document.querySelectorAll("#reading .now, #reading [aria-current]")) {
    unit.classList.remove("now");
    unit.removeAttribute("aria-current");
    unit.removeAttribute("tabindex");
  }
  const unit = at.get(now);
  unit?.classList.add("now");
  unit?.setAttribute("aria-current", "true");
  unit?.setAttribute("tabindex", "-1");
  pick([]);
  mark(units.indexOf(unit));
  for (const link of document.querySelectorAll(".traces a")) {
    const here = link.dataset.go === head().dataset.trace;
    if (here) link.setAttribute("aria-current", "true"); else link.removeAttribute("aria-current");
    if (here && head().dataset.traceCount) link.querySelector(".count").textContent = head().dataset.traceCount;
  }
}

function mark(place) {
  const here = find("here");
  if (!here) return;
  here.hidden = place < 0;
  here.style.left = `${100 * (place + .5) / units.length}%`;
}

// The unit stands where it can be read with what comes before it.
function centre() {
  const pane = find("reading"), unit = pane.querySelector(".now");
  if (!unit) return;
  const boxes = unit.getClientRects(), top = boxes[0].top, end = boxes[boxes.length - 1].bottom;
  const inside = pane.getBoundingClientRect();
  const room = Math.max(8, Math.min(.35 * inside.height, inside.height - (end - top) - 8));
  pane.scrollTop += top - inside.top - room;
}

// Several units: from the current one to this one, in the order of the text.
function pick(those) {
  for (const unit of document.querySelectorAll("#reading .picked")) unit.classList.remove("picked");
  picked = those;
  for (const unit of picked) unit.classList.add("picked");
}

function pickTo(unit) {
  const [from, to] = [units.findIndex((one) => numberOf(one) === current()), units.indexOf(unit)];
  if (from < 0 || to < 0) return 0;
  pick(from === to ? [] : units.slice(Math.min(from, to), Math.max(from, to) + 1));
  return picked.length;
}

let far = null;   // where Shift+j and Shift+k have come to
function stretch(step) {
  const from = units.findIndex((one) => numberOf(one) === current());
  if (!picked.length || far === null) far = from;
  far = Math.min(units.length - 1, Math.max(0, far + step));
  const count = pickTo(units[far]);
  units[far].scrollIntoView({ block: "nearest" });
  return count;
}

// "7-9,12"
function range() {
  const numbers = picked.map(numberOf).sort((a, b) => a - b), parts = [];
  for (const n of numbers) {
    const last = parts.at(-1);
    if (last && last[1] === n - 1) last[1] = n; else parts.push([n, n]);
  }
  return parts.map(([a, b]) => (a === b ? `${a}` : `${a}-${b}`)).join(",");
}

const unitAt = (event, box) => units[Math.floor(units.length * (event.clientX - box.left) / box.width)];

document.addEventListener("mousemove", (event) => {
  const bar = event.target.closest?.("#ribbon svg"), unit = bar && unitAt(event, bar.getBoundingClientRect());
  hintOver(event, bar, unit && `${unit.dataset.n}  ${unit.dataset.said ?? "open"}  ${inShort(unit.textContent)}`);
});
