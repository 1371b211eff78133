// The text of a trace in which spans are drawn: one's own spans in place, the words that are chosen, and offsets.
// Everything here is UTF-16 but what comes from and goes to the server, which counts code points (see points, place).
"use strict";

const find = (id) => document.getElementById(id);
const units = [], picked = [];   // none are given here
const head = () => find("head");
const current = () => Number(head().dataset.number);
const numberOf = () => 0;
const pick = () => {};

let pane = null, text = "";
let counts = null;   // of code points (page.js); null where the text has nothing beyond the basic plane
let blocks = [], steps = [], tokens = [];
let own = [];         // [{id, from, to, codes, letters}], in the order of the text
let levels = new Map();   // of spans that overlap others: how far below the text each one's line is
let now = "";         // the span that keys are about
let chosen = null;    // [from, to]: words chosen for the next span, while no span is
let cut = null;       // where the span would be split
let ghost = null;     // [from, to]: where a border is being pulled to
let colours = new Map();
const starts = new WeakMap();   // where in the text a text node begins

const points = (i) => (counts ? counts.points[i] : i);
const place = (p) => (counts ? counts.places[p] : p);

// Once for each text.
function readTrace() {
  if (pane === find("reading")) return;
  pane = find("reading");
  if (matchMedia("(max-height: 34rem)").matches) find("question")?.removeAttribute("open");
  text = JSON.parse(pane.dataset.text);
  counts = codePoints.table(text);
  const at = JSON.parse(pane.dataset.cuts).map(place);
  const ends = [...at.slice(1), text.length];
  steps = at.map((from, i) => [from, from + text.slice(from, ends[i]).trimEnd().length]);
  tokens = cutWords();
  const p = find("running");
  p.replaceChildren();
  blocks = (at.length ? [0, ...at.slice(1)] : [0]).map((from, i) => {
    const element = p.appendChild(document.createElement("span"));
    return { from, to: at.length ? ends[i] : text.length, element, key: null };
  });
  colours = new Map([...document.querySelectorAll("#book li[data-code]")].map((item) => [item.dataset.code, item.className]));
  chosen = cut = ghost = null;
  now = "";
}

// What lies between white space; in scripts without it, words as the browser knows them.
function cutWords() {
  const found = [];
  const segmenter = globalThis.Intl?.Segmenter ? new Intl.Segmenter(pane.lang || undefined, { granularity: "word" }) : null;
  for (const match of text.matchAll(/\S+/gu)) {
    const from = match.index;
    if (segmenter && /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u.test(match[0])) {
      for (const part of segmenter.segment(match[0])) found.push([from + part.index, from + part.index + part.segment.length]);
    } else found.push([from, from + match[0].length]);
  }
  return found;
}

// The first of these stretches that ends behind a place, and the last that begins before it.
function firstBehind(those, at) {
  let [low, high] = [0, those.length];
  while (low < high) { const mid = (low + high) >> 1; if (those[mid][1] > at) high = mid; else low = mid + 1; }
  return low;
}
function lastBefore(those, at) {
  let [low, high] = [0, those.length];
  while (low < high) { const mid = (low + high) >> 1; if (those[mid][0] < at) low = mid + 1; else high = mid; }
  return low - 1;
}

// A stretch as whole words (or sentences): all that it touches.
function snapped(from, to, those) {
  const [a, b] = [firstBehind(those, from), lastBefore(those, Math.max(to, from + 1))];
  return a < those.length && b >= 0 && a <= b ? [those[a][0], those[b][1]] : null;
}

const spanOf = (id) => own.find((one) => one.id === id);

// After every answer of the server: what it says is what the text shows.
function paint() {
  own = JSON.parse(head().dataset.own).map(([id, start, end, codes, letters]) => ({ id, from: place(start), to: place(end), codes, letters }));
  levels = stacked();
  ghost = null;
  const before = now;
  now = head().dataset.span;
  if (now) chosen = null;
  const there = spanOf(now);
  if (now !== before || !there || cut <= there.from || cut >= there.to) cut = null;
  draw();
  ribbon();
  for (const link of document.querySelectorAll(".traces a")) {
    const here = link.dataset.go === head().dataset.trace;
    if (here) link.setAttribute("aria-current", "true"); else link.removeAttribute("aria-current");
    if (here) link.querySelector(".count").textContent = head().dataset.traceCount;
  }
}

// Where spans overlap, each has a line of its own under the text: the shortest nearest to it.
function stacked() {
  const found = new Map();
  if (!("overlap" in pane.dataset)) return found;
  for (const one of [...own].sort((a, b) => (a.to - a.from) - (b.to - b.from))) {
    const others = own.filter((other) => other !== one && other.from < one.to && other.to > one.from);
    if (others.length) found.set(one.id, 1 + Math.max(-1, ...others.map((other) => found.get(other.id) ?? -1)));
  }
  return found;
}
const levelOf = (one) => levels.get(one.id) ?? 0;

// Only blocks (a sentence each) in which something changed are made anew.
function draw() {
  const pulled = ghost ?? chosen;
  const reach = [];   // how far any of the spans up to each goes
  for (const one of own) reach.push(Math.max(reach.at(-1) ?? 0, one.to));
  let first = 0;
  for (const block of blocks) {
    const { from, to } = block;
    while (first < own.length && reach[first] <= from) first++;
    const there = [];
    for (let i = first; i < own.length && own[i].from < to; i++) if (own[i].to > from) there.push(own[i]);
    const picks = pulled && pulled[0] < to && pulled[1] > from ? pulled : null;
    const key = JSON.stringify([there, there.map(levelOf), picks, there.some((one) => one.id === now) ? [now, cut] : 0]);
    if (key === block.key) continue;
    block.key = key;
    block.element.replaceChildren(...segments(from, to, there, picks));
  }
  for (const element of pane.querySelectorAll("[aria-current]")) element.removeAttribute("aria-current");
  pane.querySelector(".g.now")?.setAttribute("aria-current", "true");
  const free = !now;
  find("onwards").checked = stored("pcode-once", "off") === "on";
  desk().classList.toggle("free", free);
  for (const [id, off] of [["do-draw", !chosen], ["do-split", !now || cut === null], ["do-merge", !now || own.at(-1)?.id === now], ["do-remove", !now], ["do-flag", !now], ["do-clear", !now || !spanOf(now)?.codes]]) {
    if (find(id)) find(id).disabled = off;
  }
}

function segments(from, to, there, picks) {
  const ends = new Set([from, to]);
  for (const one of there) { ends.add(Math.max(from, one.from)); ends.add(Math.min(to, one.to)); }
  if (picks) { ends.add(Math.max(from, picks[0])); ends.add(Math.min(to, picks[1])); }
  if (cut !== null && cut > from && cut < to) ends.add(cut);
  const order = [...ends].sort((a, b) => a - b), found = [];
  for (let i = 0; i + 1 < order.length; i++) {
    const [a, b] = [order[i], order[i + 1]];
    const over = there.filter((one) => one.from <= a && one.to >= b).sort((x, y) => levelOf(y) - levelOf(x));
    let inner = textNodes(a, b);
    if (picks && picks[0] <= a && picks[1] >= b) inner = [made("span", "sel", inner)];
    if (cut === a && over.some((one) => one.id === now)) inner.unshift(made("i", "cut", []));
    for (const one of over.reverse()) {
      const colour = one.codes ? colours.get(one.codes.split(" ")[0]) ?? "c-none" : "open";
      const element = made("span", `g ${colour}${one.id === now ? " now" : ""}${levels.has(one.id) ? ` overlapping under${Math.min(3, levelOf(one))}` : ""}`, inner);
      element.dataset.id = one.id;
      if (one.from === a) element.dataset.said = one.codes || "no code";
      if (one.to === b && one.letters) element.dataset.marks = one.letters;
      if (one.id === now && one.from === a) element.prepend(grip("start"));
      if (one.id === now && one.to === b) element.append(grip("end"));
      inner = [element];
    }
    found.push(...inner);
  }
  return found;
}

function made(tag, name, children) {
  const element = document.createElement(tag);
  element.className = name;
  element.append(...children);
  return element;
}

function grip(edge) {
  const element = made("i", "grip", []);
  element.dataset.edge = edge;
  element.title = edge === "start" ? "Pull the beginning" : "Pull the end";
  return element;
}

// As on all pages (UNSEEN); a line end is one character on the screen.
function textNodes(from, to) {
  const found = [];
  const plain = (a, b) => {
    for (const match of text.slice(a, b).matchAll(/(?:[^\r]|\r(?!\n))+/g)) {
      const node = document.createTextNode(match[0]);
      starts.set(node, a + match.index);
      found.push(node);
    }
  };
  let at = from;
  for (const match of text.slice(from, to).matchAll(UNSEEN)) {
    const here = from + match.index;
    plain(at, here);
    const sign = made("span", "ctl", []);
    const node = document.createTextNode(`U+${match[0].codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}`);
    starts.set(sign, here);
    sign.append(node);
    found.push(sign);
    at = here + 1;
  }
  plain(at, to);
  return found;
}

// The place in the text of a point in the page, or none where it is not in the text.
function placeAt(node, offset) {
  const p = find("running");
  if (!p.contains(node)) return null;
  const sign = (node.nodeType === Node.TEXT_NODE ? node.parentElement : node).closest(".ctl");
  if (sign) return starts.get(sign) + (offset > 0 ? 1 : 0);
  if (node.nodeType === Node.TEXT_NODE && starts.has(node)) return starts.get(node) + offset;
  const before = node.childNodes[offset - 1], behind = node.childNodes[offset];
  const side = (root, last) => {
    const walk = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    let found = root.nodeType === Node.TEXT_NODE ? root : null;
    while (walk.nextNode()) { found = walk.currentNode; if (!last) break; }
    if (!found) return null;
    const inSign = found.parentElement.closest(".ctl");
    if (inSign) return starts.get(inSign) + (last ? 1 : 0);
    return starts.get(found) + (last ? found.length : 0);
  };
  return (behind && side(behind, false)) ?? (before && side(before, true)) ?? null;
}

function placeUnder(x, y) {
  const range = document.caretRangeFromPoint?.(x, y);
  if (range) return placeAt(range.startContainer, range.startOffset);
  const caret = document.caretPositionFromPoint?.(x, y);
  return caret ? placeAt(caret.offsetNode, caret.offset) : null;
}

// What is meant is on the screen; what is there already stays where it is.
function centre() {
  const mark = pane.querySelector(".sel") ?? pane.querySelector(".g.now");
  if (!mark) return;
  const box = mark.getClientRects()[0], inside = pane.getBoundingClientRect();
  if (!box || (box.top >= inside.top + 12 && box.bottom <= inside.bottom - 24)) return;
  pane.scrollTop += box.top - inside.top - .35 * inside.height;
}

function ribbon() {
  const svg = find("ribbon").querySelector("svg");
  svg.setAttribute("viewBox", `0 0 ${Math.max(1, text.length)} 1`);
  const lines = 1 + Math.max(0, ...levels.values());
  svg.replaceChildren(...own.map((one) => {
    const rect = document.createElementNS("http://www.w3.org/2000/svg", "rect");
    rect.setAttribute("x", one.from);
    rect.setAttribute("width", Math.max(one.to - one.from, text.length / 600));
    rect.setAttribute("y", levelOf(one) / lines);
    rect.setAttribute("height", levels.has(one.id) ? 1 / lines : 1);
    rect.setAttribute("class", one.codes ? colours.get(one.codes.split(" ")[0]) ?? "c-none" : "uncoded");
    return rect;
  }));
  const mark = chosen?.[0] ?? spanOf(now)?.from;
  find("here").hidden = mark === undefined;
  if (mark !== undefined) find("here").style.left = `${100 * mark / Math.max(1, text.length)}%`;
}
