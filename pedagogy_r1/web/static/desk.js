// Saving and moving on, for Code, Train and Adjudicate, and the keys that all of them have. The pages of units work without this file, as
// plain forms. The rule: what is on the screen has been confirmed. A choice appears when the server has it on its disk, not before.
// Which text there is (readTrace, paint, centre, units, picked), what a form says beside its fields (fill: nothing to be sent, or what follows), what follows a memo (onward) and
// the keys (keys, and which of them go on while they are held) is for the page to say: code.js with trace.js for units, spans.js with drawn.js for spans.
"use strict";

const desk = () => find("desk");
const memo = () => find("memo");
const codes = () => desk().dataset.codes.split(" ").filter(Boolean);
const query = () => new URL(desk().action).search;   // the list that is gone through, where one was picked
const small = matchMedia("(max-width: 40rem), (max-height: 34rem)");   // where the text needs the room

let chain = Promise.resolve();
let moving = false;   // keys pressed while the page goes on would be meant for a unit that nobody has seen
let round = 0;        // what waits behind a failure is dropped
let typing = 0;
let aim = 0;          // where j and k have come to while the page is on its way
let owed = 0;         // steps from a unit that is still on its way: taken when it is there

// While the page goes on nothing can be typed: it would be lost with the unit that it is about.
function goOn(on) {
  moving = on;
  for (const field of [memo(), find("comment")]) if (field) field.readOnly = on;
}

// A comment goes along with whatever is decided; not with a memo, which is saved while the comment may be half written.
function ask(action) {
  if (moving) return;
  if (action !== "comment" && action !== "memo") askComment();
  const several = picked.length > 1;
  const goes = action === "next" || action === "check"
    || (!several && find("once")?.checked && /^(first |none$|missing$)/.test(action));
  goOn(goes);
  const mine = round;
  chain = chain.then(() => (mine === round ? send(action, goes) : null));
}

function askComment() { if (find("comment")?.value.trim()) ask("comment"); }

async function send(action, goes) {
  clearTimeout(typing);
  const form = desk();
  const data = new URLSearchParams(new FormData(form));
  if (action.startsWith("undo") && !form.dataset.undo) return;
  data.set("do", action.startsWith("undo") ? `undo ${form.dataset.undo}` : action);
  data.set("move", goes ? "1" : "0");
  const then = fill(data, action);
  if (!then) return;
  if (action !== "comment") data.delete("comment");
  const typed = memo()?.value, talk = data.get("comment") ?? "";
  say("Saving …");
  const found = await part(form.action, { method: "POST", body: data }, action);
  if (!found) return;
  if (!found.go) { settle(typed); location.assign(found.done ?? location.href); return; }
  find("trouble").hidden = true;   // this one is on the disk: what could not be saved before is no longer the last word
  if (action === "memo") kept(found.body, typed); else show(found.body, found.go, typed, talk);
  if (goes) arrived();
  if (typeof then === "function") then();
}

// One answer of the server, or none after having said why.
async function part(url, how, again) {
  const answer = await answerOf(url, { ...how, headers: { "X-Part": "1", "X-View": head().dataset.view } });
  const body = await answer?.text().catch(() => null);
  if (body == null) {
    fail("the server does not answer.", "Is pcode still running? Nothing that was shown as saved is lost.", again);
    return null;
  }
  if (!answer.ok) {
    const page = new DOMParser().parseFromString(body, "text/html").querySelector(".problem");
    const why = page?.querySelector("h1")?.textContent ?? String(answer.status);
    fail(why.replace(/^Not saved: /, ""), page?.querySelector("p")?.textContent ?? "", answer.status === 409 ? "" : again);
    return null;
  }
  const go = answer.headers.get("X-Go");
  return answer.status === 204 || !go ? { done: go } : { body, go };
}

// Another unit: what is typed is saved first. Further steps while the page is on its way are counted, not lost.
function visit(number) {
  aim = number;
  if (moving) return;
  askComment();
  if (memo() && memo().value !== desk().elements.memo_was.value) ask("memo");
  goOn(true);
  const mine = round;
  chain = chain.then(async () => {
    while (mine === round && aim !== current()) {
      const wanted = aim;
      const found = await part(`${desk().dataset.path}/${wanted}${query()}`, {}, "");
      if (!found) return;
      show(found.body, found.go, undefined);
      if (aim === wanted) break;
    }
    arrived();
  });
}

function arrived() {
  goOn(false);
  const [by, times] = [Math.sign(owed), Math.abs(owed)];
  aim = owed = 0;
  for (let i = 0; i < times; i++) step(by);
}

function step(by) {
  const from = units.findIndex((unit) => numberOf(unit) === (aim || current()));
  const there = from < 0 || owed || (moving && !aim) ? undefined : units[from + by];
  if (there) visit(numberOf(there));
  else if (moving) owed += by;
  else press(by > 0 ? "go-on" : "go-back");
}

// A memo was saved while it is being typed: the field stays as it is.
function kept(body, typed) {
  const fresh = new DOMParser().parseFromString(body, "text/html");
  desk().dataset.undo = fresh.getElementById("desk").dataset.undo;
  find("do-undo").disabled = !desk().dataset.undo;
  for (const part of ["#desk .verdict", "#head .far"]) document.querySelector(part).replaceWith(fresh.querySelector(part));
  head().dataset.own = fresh.getElementById("head").dataset.own;
  if ("lacks" in fresh.getElementById("desk").dataset) desk().dataset.lacks = ""; else delete desk().dataset.lacks;
  settle(typed);
  say(saved());
}

// A decision without a reason is kept, and does not count yet.
const lacks = () => "lacks" in desk().dataset;
const saved = () => (lacks() ? "Kept. It counts once it has a reason" : "Saved");

function settle(typed) { if (typed !== undefined) desk().elements.memo_was.value = typed; }

// What was typed while the answer was on its way, about what is still shown: the field, its text, where one is in it.
function typedSince(typed, talk) {
  const found = [];
  for (const [field, sent] of [[memo(), typed], [find("comment"), talk]]) {
    if (!field) continue;
    const more = field.id === "comment" && field.value.startsWith(sent) ? field.value.slice(sent.length) : field.value;
    found.push({ id: field.id, more: sent !== undefined && more !== (field.id === "memo" ? sent : "") ? more : null, from: field.selectionStart - (field.value.length - more.length), to: field.selectionEnd - (field.value.length - more.length) });
  }
  return found;
}

function show(body, go, typed, talk = "") {
  const fresh = new DOMParser().parseFromString(body, "text/html");
  const same = new URL(desk().action).pathname === go;
  const about = same && desk().elements.span?.value === fresh.getElementById("desk").elements.span?.value;
  const focused = document.activeElement?.id;
  const since = about ? typedSince(typed, talk) : [];
  const rules = same && document.querySelector(".rules")?.open;
  const talking = about && find("talk")?.open;
  for (const id of ["head", "ribbon", "reading", "beside", "desk"]) {
    if (fresh.getElementById(id)) find(id).replaceWith(document.adoptNode(fresh.getElementById(id)));
  }
  if (!units.length || !units[0].isConnected) readTrace();
  if (talking && find("talk")) find("talk").open = true;
  for (const { id, more, from, to } of since) {
    if (!find(id)) continue;
    if (more !== null) find(id).value = more;
    find(id).setSelectionRange(Math.max(0, from), Math.max(0, to));
  }
  ready();
  if (rules && document.querySelector(".rules")) document.querySelector(".rules").open = true;
  find("trouble").hidden = true;
  if (typed !== undefined) say(same ? saved() : `Saved. ${head().dataset.number} of ${head().dataset.total}`); else say("");
  if (same) { if (focused) find(focused)?.focus(); centre(); return; }
  history.pushState(null, "", go + query());
  document.title = head().dataset.title;
  clearFilter();
  setSecond(false);
  setPressed("");
  for (const group of document.querySelectorAll(".family")) group.open = group.querySelector("[aria-pressed=true]") !== null;
  look();
  // Who is typing goes on typing: the letters are no keys.
  if (focused === "memo" && memo()) memo().focus();
  if (focused === "comment" && find("comment")) writeComment();
}

function writeComment() { find("talk").open = true; find("comment").focus(); }

// The current unit, on the screen and in the focus: keys are about it.
function look() {
  (document.querySelector("#reading .now[tabindex]") ?? find("reading")).focus({ preventScroll: true });
  centre();
}

// After each change: the codebook, which stays, shows what is chosen.
function ready() {
  paint();
  if (small.matches) document.querySelector(".rules")?.removeAttribute("open");
  const chosen = codes();
  for (const item of document.querySelectorAll("li[data-code]")) {
    const code = item.dataset.code, [first, other] = [item.querySelector(".first"), item.querySelector(".second")];
    first.setAttribute("aria-pressed", chosen[0] === code);
    first.disabled = "over" in desk().dataset;
    if (!other) continue;
    const has = chosen.indexOf(code) > 0;
    other.setAttribute("aria-pressed", has);
    other.value = `${has ? "drop" : "second"} ${code}`;
    other.disabled = !chosen.length || chosen[0] === code || first.disabled;
  }
  const once = find("once");
  if (once) { once.closest("label").hidden = false; once.checked = stored("pcode-once", "off") === "on"; }
}

function say(text) { find("status").textContent = text; }

function fail(what, hint, again) {
  round++;
  goOn(false);
  aim = owed = 0;
  say("");
  const box = find("trouble");
  const which = `Not saved, ${head().dataset.number} of ${head().dataset.total}: ${what}`;
  box.replaceChildren(Object.assign(document.createElement("b"), { textContent: which }), ` ${hint} `);
  if (again) {
    const button = Object.assign(document.createElement("button"), { type: "button", textContent: "Try again", id: "again" });
    button.addEventListener("click", () => { box.hidden = true; ask(again); });
    box.append(button);
  }
  box.hidden = false;
}

// Into a field of what is on its way, once it is there; what is typed until then is no key.
let waiting = false;
function field(there, enter) {
  if (there()) { enter(); return; }
  const mine = round;
  waiting = true;
  chain = chain.then(() => { waiting = false; if (mine === round && there()) enter(); });
}
document.addEventListener("keydown", (event) => { if (waiting && !event.ctrlKey && !event.metaKey) { event.preventDefault(); event.stopImmediatePropagation(); } }, true);

const press = (id) => { const it = find(id); if (it && !it.disabled) it.click(); };
const trace = (by) => {
  const links = [...document.querySelectorAll(".traces a")];
  const there = links[links.findIndex((link) => link.dataset.go === head().dataset.trace) + by];
  if (there) visit(Number(there.pathname.split("/").pop()));
};

function inField(event) {
  const { key, target } = event;
  const ends = key === "Enter" && (event.ctrlKey || event.metaKey);
  if (target === memo()) {
    if (key === "Escape") look();
    if (ends) { event.preventDefault(); look(); onward(); }
  } else if (target === find("comment")) {
    if (key === "Escape") { find("talk").open = false; look(); }
    if (ends) { event.preventDefault(); press("do-comment"); }
  } else if (target === find("filter")) {
    if (key === "Escape") { clearFilter(); find("sheet").checked = false; look(); }
    if (key === "Enter") {
      event.preventDefault();
      const [found] = target.value.trim() ? filter(target.value) : [];
      if (!found) return;
      clearFilter();
      find("sheet").checked = false;
      look();
      choose(found, event.shiftKey || second);
      setSecond(false);
    }
  } else if (key === "Escape") look();
}

document.addEventListener("keydown", (event) => {
  const { target } = event, key = keyOf(event);
  if (event.isComposing || find("help").open) return;
  if (target.closest("textarea, select, input:not([type=checkbox])")) { inField(event); return; }
  if ((event.ctrlKey || event.metaKey) && key === "z") { event.preventDefault(); press("do-undo"); return; }
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (!find("keys-on").checked && key !== "?") return;
  // By its place, since Shift+1 is another character on every keyboard; by its name on a number pad.
  const digit = /^(?:Digit|Numpad)(\d)$/.exec(event.code)?.[1] ?? (key === "t" && (pressed || begins("t")) ? "t" : undefined);
  if (digit !== undefined) {
    event.preventDefault();
    if (event.repeat || moving) return;
    const before = pressed;
    type(digit, event.shiftKey || second);
    if (pressed === before || !pressed) setSecond(false);
    return;
  }
  // Enter on the code that is chosen goes on; elsewhere it does what the button says.
  if (key === "Enter" && target.closest("button:not(.first[aria-pressed=true]), a, summary")) return;
  const act = Object.hasOwn(keys, key) && keys[key];
  if (!["s", "Shift"].includes(key) && pressed) setPressed("");
  if (act && (!event.repeat || repeats.test(key))) { event.preventDefault(); act(); }
});

document.addEventListener("submit", (event) => {
  if (event.target.id === "jump") {
    event.preventDefault();
    const number = Number(event.target.elements.n.value);
    if (number >= 1 && number <= Number(head().dataset.total)) { event.target.reset(); visit(number); if (number === current()) look(); }
    else say(`Numbers go from 1 to ${head().dataset.total}`);
    return;
  }
  if (event.target !== desk()) return;
  const action = event.submitter?.value ?? "memo";
  event.preventDefault();
  if (second && action.startsWith("first ")) {
    const other = event.submitter.closest("[data-code]").querySelector(".second");
    if (!other.disabled) ask(other.value);
  } else ask(action);
  setSecond(false);
});

// Going elsewhere by a link waits for what is not saved yet.
document.addEventListener("click", (event) => {
  const link = event.target.closest("a[href]");
  if (!link || event.defaultPrevented || event.shiftKey || event.ctrlKey || event.metaKey || event.button) return;
  const number = /\/(\d+)$/.exec(link.pathname)?.[1];
  if (number && link.pathname === `${desk().dataset.path}/${number}`) { event.preventDefault(); visit(Number(number)); return; }
  if (!memo() || (memo().value === desk().elements.memo_was.value && !find("comment")?.value.trim() && !moving)) return;
  event.preventDefault();
  const mine = round;
  askComment();
  ask("memo");
  chain = chain.then(() => { if (mine === round) location.assign(link.href); });
});

document.addEventListener("input", (event) => {
  if (event.target === find("filter")) filter(event.target.value);
  if (event.target !== memo()) return;
  clearTimeout(typing);
  say("");
  typing = setTimeout(() => ask("memo"), 400);
});

document.addEventListener("change", (event) => {
  if (event.target.id === "once") store("pcode-once", event.target.checked ? "on" : "off");
  if (event.target.id === "keys-on") store("pcode-keys", event.target.checked ? "on" : "off");
});

addEventListener("beforeunload", (event) => {
  if (find("comment")?.value.trim()) event.preventDefault();
  if (memo() && memo().value !== desk().elements.memo_was.value) event.preventDefault();
});
addEventListener("popstate", () => location.reload());
addEventListener("resize", () => centre());
addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });

// Once all scripts of the page are there: what only they can do is offered now.
function begin() {
  readTrace();
  ready();
  look();
  for (const id of ["help-open", "as-second"]) if (find(id)) find(id).hidden = false;
  document.querySelector(".find").hidden = false;
}
find("help-open")?.addEventListener("click", () => find("help").showModal());
find("as-second")?.addEventListener("click", () => setSecond(!second));
find("keys-on").checked = stored("pcode-keys", "on") !== "off";
