// Drawing spans: words are chosen by mouse or keys, a code (or Enter) draws a span of them; a span's ends are pulled, it is split and merged.
"use strict";

let edge = "end";       // the end that Shift and an arrow move
let whole = stored("pcode-snap", "words") === "sentences";   // what the mouse takes
const those = () => (whole ? steps : tokens);
const quoted = (from, to) => { const said = text.slice(from, to).replace(/\s+/g, " "); return `“${said.length > 60 ? `${said.slice(0, 59)}…` : said}”`; };

// Everything happens in the order of the keys, each when its turn comes; what waits behind a failure is dropped.
function later(act) {
  const mine = round;
  chain = chain.then(() => (mine === round && !moving ? act() : null));
}

// What is typed is saved before its span is left.
function keep() {
  askComment();
  if (memo().value !== desk().elements.memo_was.value) ask("memo");
}
function chooseWords(make) { keep(); later(() => aimAt(make())); }
function take(which) { keep(); later(() => fetchSpan(which())); }

// Words instead of a span; or the span that they are in.
function aimAt(found) {
  if (!found) return null;
  if (found.take) return fetchSpan(found.take);
  chosen = found;
  if (now) leave();
  draw();
  ribbon();
  centre();
  tell(quoted(...found), "chosen: a code draws it");
  say("");
  return null;
}

async function fetchSpan(id) {
  if (!id || id === now) return;
  const found = await part(`${desk().dataset.path}/${current()}?span=${id}`, {}, "");
  if (found?.go) show(found.body, found.go, undefined);
}

// Where the line is too short, the quote is cut, never what there is to do.
function tell(quote, words) {
  const line = document.createElement("span"), said = document.createElement("span");
  line.className = "told";
  said.className = "quote";
  said.textContent = quote;
  line.append(said, ` ${words}`);
  desk().querySelector(".verdict").replaceChildren(line);
}

function leave() {
  now = head().dataset.span = desk().elements.span.value = "";
  cut = null;
  desk().dataset.codes = "";
  memo().value = desk().elements.memo_was.value = "";
  find("do-flag").setAttribute("aria-pressed", "false");
  desk().querySelector(".verdict").replaceChildren(find("nothing").content.cloneNode(true));
  ready();
}

// Where the next step begins: what is chosen, the span, or the first sentence that is on the screen.
function here() {
  const span = spanOf(now);
  if (chosen) return chosen;
  if (span) return [span.from, span.to];
  const top = pane.getBoundingClientRect().top;
  const block = blocks.find((one) => one.element.getBoundingClientRect().bottom > top + 8) ?? blocks[0];
  return [block.from, block.from];
}

function stepped(by, list) {
  const [from, to] = here();
  if (from === to) return unspanned(list[firstBehind(list, from)], by);
  let next = list[by > 0 ? firstBehind(list, to) : lastBefore(list, from)];
  // Behind a span that ends within a sentence comes the rest of it, before one that begins within it what is before.
  if (next && now && by > 0 && next[0] < to) next = [to, next[1]];
  if (next && now && by < 0 && next[1] > from) next = [next[0], from];
  const found = unspanned(next, by);
  // A sentence with a span in it has several parts that are in none.
  const same = chosen && found && found[0] === from && found[1] === to;
  return same ? unspanned(by > 0 ? [to, next[1]] : [next[0], from], by) ?? list[list.indexOf(next) + by] ?? null : found;
}

// What of a stretch is in no span yet, where spans may not overlap; where all of it is in one, that span.
function unspanned(stretch, by) {
  if (!stretch || "overlap" in pane.dataset) return stretch ?? null;
  let [from, to] = stretch;
  const narrow = () => {   // to whole words
    from = Math.max(from, tokens[firstBehind(tokens, from)]?.[0] ?? from);
    to = Math.min(to, tokens[lastBefore(tokens, to)]?.[1] ?? to);
  };
  narrow();
  const inside = own.filter((one) => one.from < to && one.to > from);
  for (const one of by > 0 ? inside : [...inside].reverse()) {
    if (by > 0) { if (one.from <= from) from = one.to; else { to = Math.min(to, one.from); break; } }
    else if (one.to >= to) to = one.from;
    else { from = Math.max(from, one.to); break; }
    narrow();
  }
  narrow();
  if (from < to) return [from, to];
  const span = by > 0 ? inside[0] : inside.at(-1);
  return span && span.id !== now ? { take: span.id } : null;
}

// The chosen words, longer or shorter at their end.
function longer(by, list) {
  if (!chosen) return stepped(by, list);
  const to = moved(chosen[1], by, list);
  return to > chosen[0] ? [chosen[0], to] : chosen;
}

// An end one word (sentence) further on or back; a beginning likewise.
function moved(at, by, list) {
  let i = by > 0 ? firstBehind(list, at) : lastBefore(list, at);
  if (by < 0 && list[i]?.[1] >= at) i--;
  return list[i]?.[1] ?? at;
}
function movedStart(at, by, list) {
  let i = by > 0 ? firstBehind(list, at) : lastBefore(list, at);
  if (by > 0 && list[i]?.[0] <= at) i++;
  return list[i]?.[0] ?? at;
}

function shifted(by, list) {
  if (now) ask(`trim ${by} ${list === steps ? "sentence" : "word"} ${edge}`);
  else chooseWords(() => longer(by, list));
}

// Of several words that are chosen the first, or the last.
function within(by) {
  if (!chosen) return null;
  const [a, b] = [tokens[firstBehind(tokens, chosen[0])], tokens[lastBefore(tokens, chosen[1])]];
  return a === b ? null : by > 0 ? a : b;
}

// Within a span the arrows move the place where it would be split.
function arrow(by) {
  if (!now) { chooseWords(() => within(by) ?? stepped(by, tokens)); return; }
  later(() => {
    const span = spanOf(now);
    if (!span) return;
    const inside = tokens.filter(([from]) => from > span.from && from < span.to).map(([from]) => from);
    if (!inside.length) { say("It is one word: nothing to split"); return; }
    const at = cut === null ? (by > 0 ? -1 : inside.length) : inside.indexOf(cut);
    cut = inside[Math.min(inside.length - 1, Math.max(0, at + by))];
    draw();
    say(`Split before ${quoted(cut, span.to)}: v`);
  });
}

function neighbour(by) {
  const [from, to] = here();
  const at = own.findIndex((one) => one.id === now);
  if (at >= 0) return own[at + by]?.id;
  return (by > 0 ? own.find((one) => one.from >= to || one.to > to) : own.findLast((one) => one.from < from))?.id;
}

// What the form says beside its fields, and what follows it; false where there is nothing to be said.
function fill(data, action) {
  const span = spanOf(now);
  data.set("range", "");
  const draws = (from, to, code) => { data.set("do", `draw ${points(from)} ${points(to)}${code ? ` ${code}` : ""}`); quote(data, from, to); return code && find("onwards").checked ? () => aimAt(stepped(1, steps)) : true; };
  if (/^(next|undo|comment|memo)/.test(action)) return true;
  if (action === "draw" && !chosen) { aimAt(stepped(1, steps)); return false; }
  if (!span && chosen && (action === "draw" || action.startsWith("first "))) return draws(...chosen, action.slice(6));
  if (!span) { say(chosen ? "First draw it: a code, or Enter" : "First choose words, or a span"); return false; }
  if (action.startsWith("trim ")) {
    const [, by, what, side] = action.split(" ");
    let [from, to] = by === "to" ? ghost ?? [span.from, span.to] : [span.from, span.to];
    const list = what === "sentence" ? steps : tokens;
    if (side === "end") to = moved(to, Number(by), list);
    if (side === "start") from = movedStart(from, Number(by), list);
    if (from >= to || (from === span.from && to === span.to)) { ghost = null; draw(); say(""); return false; }
    data.set("do", `trim ${now} ${points(from)} ${points(to)}`);
    quote(data, from, to);
  } else if (action === "split") {
    if (cut === null) { say("Where? ← and → choose the word, or click it"); return false; }
    data.set("do", `split ${now} ${points(cut)}`);
  } else if (action.startsWith("merge")) {
    const other = action.slice(6) || own[own.indexOf(span) + 1]?.id;
    if (!other) { say("No span comes behind it"); return false; }
    data.set("do", `merge ${now} ${other}`);
  } else if (action === "remove") data.set("do", `remove ${now}`);
  else if (action === "flag") data.set("do", find("do-flag").value);
  return true;
}

function quote(data, from, to) { if (to - from < 20000) data.set("quote", text.slice(from, to)); }

const onward = () => look();
const held = () => Boolean(now);
const repeats = /^[jkJK]$|^Arrow/;
const keys = {
  Enter: () => { keep(); ask("draw"); },
  j: () => chooseWords(() => stepped(1, steps)), k: () => chooseWords(() => stepped(-1, steps)),
  J: () => shifted(1, steps), K: () => shifted(-1, steps),
  ArrowRight: () => arrow(1), ArrowLeft: () => arrow(-1),
  ".": () => take(() => neighbour(1)), ",": () => take(() => neighbour(-1)),
  b: () => { edge = edge === "end" ? "start" : "end"; say(edge === "end" ? "Shift and arrows move the end" : "Shift and arrows move the beginning"); },
  v: () => ask("split"), w: () => ask("merge"), Delete: () => ask("remove"), Backspace: () => ask("remove"),
  r: () => press("do-next"), q: () => press("snap"), o: () => press("onwards"),
  "[": () => trace(-1), "]": () => trace(1), g: () => document.querySelector("#jump input").focus(),
  f: () => ask("flag"), c: () => ask("clear"), u: () => ask("undo"), s: () => setSecond(!second),
  m: () => field(held, () => memo().focus()), y: () => field(held, writeComment),
  "/": () => { find("sheet").checked = true; find("filter").focus(); find("filter").select(); }, "?": () => find("help").showModal(),
  Escape: () => { if (chosen) desk().querySelector(".verdict").replaceChildren(find("nothing").content.cloneNode(true)); chosen = cut = null; setPressed(""); setSecond(false); say(""); find("sheet").checked = false; draw(); ribbon(); },
};

document.addEventListener("keydown", (event) => {
  const { key, shiftKey, target } = event;
  if (!shiftKey || !/^Arrow(Left|Right)$/.test(key) || event.ctrlKey || event.metaKey || event.altKey || target.closest("textarea, select, input")) return;
  if (find("help").open || !find("keys-on").checked) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  shifted(key === "ArrowRight" ? 1 : -1, tokens);
}, true);

// The mouse: words that are marked are chosen; a click takes a span, or the word before which it would be split.
function takeSelection() {
  const marked = getSelection();
  if (!marked || marked.isCollapsed || !marked.rangeCount) return false;
  const range = marked.getRangeAt(0);
  const [from, to] = [placeAt(range.startContainer, range.startOffset), placeAt(range.endContainer, range.endOffset)];
  if (from === null || to === null || from >= to) return false;
  const found = snapped(from, to, those());
  marked.removeAllRanges();
  if (found) chooseWords(() => found);
  return true;
}

let touched = 0, touching = 0;
document.addEventListener("pointerdown", (event) => {
  const held = event.target.closest?.(".grip");
  if (!held || event.button) return;
  event.preventDefault();
  const side = held.dataset.edge, span = spanOf(now);
  const pull = (move) => {
    const at = placeUnder(move.clientX, move.clientY);
    if (at === null) return;
    const list = those();
    const border = side === "end" ? list[lastBefore(list, at)]?.[1] : list[firstBehind(list, at)]?.[0];
    if (border === undefined) return;
    const pulled = side === "end" ? [span.from, border] : [border, span.to];
    if (pulled[0] < pulled[1]) { ghost = pulled; draw(); }
  };
  const drop = () => {
    removeEventListener("pointermove", pull);
    removeEventListener("pointerup", drop);
    removeEventListener("pointercancel", drop);
    if (ghost) ask("trim to word");
  };
  addEventListener("pointermove", pull);
  addEventListener("pointerup", drop);
  addEventListener("pointercancel", drop);
});
let taken = false;   // the click that ends the pull of a mouse is none
document.addEventListener("mousedown", (event) => {
  taken = false;
  if (event.shiftKey && event.target.closest?.("#running")) event.preventDefault();   // the browser would mark all from where it was last
});
document.addEventListener("mouseup", (event) => { if (event.target.closest?.("#reading")) taken = takeSelection(); });
document.addEventListener("touchstart", () => { touched = Date.now(); }, { passive: true });
document.addEventListener("selectionchange", () => {
  if (Date.now() - touched > 10000) return;
  clearTimeout(touching);
  touching = setTimeout(takeSelection, 600);
});

document.addEventListener("click", (event) => {
  const { target } = event;
  if (target.closest("#ribbon svg")) {
    const box = target.closest("svg").getBoundingClientRect();
    const at = Math.floor(text.length * (event.clientX - box.left) / box.width);
    const hit = own.find((one) => one.from <= at && at < one.to);
    if (hit) take(() => hit.id); else chooseWords(() => steps[Math.min(steps.length - 1, firstBehind(steps, at))] ?? null);
    return;
  }
  if (taken || !target.closest("#running") || event.ctrlKey || event.metaKey || getSelection()?.isCollapsed === false) return;
  const span = target.closest(".g"), at = placeUnder(event.clientX, event.clientY);
  if (span && event.shiftKey && now && span.dataset.id !== now) { ask(`merge ${span.dataset.id}`); return; }
  if (span && span.dataset.id !== now && !target.closest(`.g[data-id="${now || "none"}"]`)) { take(() => span.dataset.id); return; }
  if (span && at !== null) {
    const word = tokens[Math.max(0, lastBefore(tokens, at + 1))];
    const mine = spanOf(now);
    if (word && mine && word[0] > mine.from && word[0] < mine.to) { cut = word[0]; draw(); say(`Split before ${quoted(cut, mine.to)}: v`); }
    return;
  }
  if (at !== null && event.shiftKey && chosen) chooseWords(() => snapped(Math.min(chosen[0], at), Math.max(chosen[1], at + 1), those()));
  else if (at !== null) chooseWords(() => those()[firstBehind(those(), at)] ?? null);
});

document.addEventListener("change", (event) => { if (event.target.id === "onwards") store("pcode-once", event.target.checked ? "on" : "off"); });
function snaps() { find("snap").textContent = whole ? "Mouse takes sentences" : "Mouse takes words"; }
find("snap").addEventListener("click", () => { whole = !whole; store("pcode-snap", whole ? "sentences" : "words"); snaps(); });
find("snap").hidden = false;
snaps();
begin();
