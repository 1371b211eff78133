// Units that are given: their keys, several at once, a click on the text. The pages work without this file, as plain forms.
"use strict";

const several = (count) => say(count > 1 ? `${count} units: the next code goes to all of them, Esc lets go` : "");
const still = () => !moving;
const keys = {
  Enter: () => { if (lacks()) { memo().focus(); say("Say why, then it counts"); } else press("do-next"); }, ArrowLeft: () => press("go-back"), ArrowRight: () => press("go-on"),
  j: () => step(1), k: () => step(-1), J: () => several(stretch(1)), K: () => several(stretch(-1)),
  "[": () => trace(-1), "]": () => trace(1), g: () => document.querySelector("#jump input").focus(),
  n: () => press("do-none"), x: () => press("do-missing"), f: () => press("do-flag"), c: () => press("do-clear"),
  u: () => press("do-undo"), s: () => setSecond(!second), o: () => press("once"), m: () => field(still, () => memo()?.focus()),
  y: () => field(still, () => { if (find("talk")) writeComment(); }),
  a: () => press("as-0"), b: () => press("as-1"), d: () => press("as-2"), e: () => press("as-3"),
  "/": () => { find("sheet").checked = true; find("filter").focus(); find("filter").select(); }, "?": () => find("help").showModal(),
  Escape: () => { pick([]); setPressed(""); setSecond(false); say(""); find("sheet").checked = false; },
};

const repeats = /^[jk]$/;
const onward = () => press("do-next");

// Several units are said the same of.
function fill(data, action) {
  data.set("range", /^(next|check|comment|memo|undo)/.test(action) ? "" : range());
  return true;
}

// A unit in the text or in the ribbon.
document.addEventListener("click", (event) => {
  const { target } = event;
  const plain = !(event.ctrlKey || event.metaKey || event.button);
  const unit = target.closest("#reading .u") ?? (target.closest("#ribbon svg") && unitAt(event, target.closest("svg").getBoundingClientRect()));
  if (unit && plain) {
    if (event.shiftKey) { far = units.indexOf(unit); several(pickTo(unit)); getSelection()?.removeAllRanges(); }
    else if (getSelection()?.isCollapsed !== false) visit(numberOf(unit));
  }
});

begin();
