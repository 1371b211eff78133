// Keys and saving for Code, Train and Adjudicate. The pages work without this file, as plain forms.
// The rule: what is on the screen has been confirmed. A choice appears when the server has it on its disk, not before.
"use strict";

const find = (id) => document.getElementById(id);
const desk = () => find("desk");
const memo = () => find("memo");
const codes = () => desk().dataset.codes.split(" ").filter(Boolean);
const stored = (name, otherwise) => { try { return localStorage.getItem(name) ?? otherwise; } catch { return otherwise; } };
const store = (name, value) => { try { localStorage.setItem(name, value); } catch { /* a private window keeps nothing */ } };

let chain = Promise.resolve();
let moving = false;   // keys pressed while the page goes on would be meant for a unit that nobody has seen
let round = 0;        // what waits behind a failure is dropped
let second = false;
let tens = 0;         // how many tens the next number counts more
let typing = 0;

function ask(action) {
  if (moving) return;
  const goes = action === "next" || action === "check" || (find("once")?.checked && /^(first |none$|missing$)/.test(action));
  moving = goes;
  const mine = round;
  chain = chain.then(() => (mine === round ? send(action, goes) : null));
}

async function send(action, goes) {
  clearTimeout(typing);
  const form = desk();
  const data = new URLSearchParams(new FormData(form));
  data.set("do", action.startsWith("undo") ? `undo ${form.dataset.undo}` : action);
  data.set("move", goes ? "1" : "0");
  const typed = memo()?.value;
  say("Saving …");
  let answer, body;
  try {
    answer = await fetch(form.action, { method: "POST", headers: { "X-Part": "1" }, body: data });
    body = await answer.text();
  } catch {
    fail("Not saved: the server does not answer.", "Is pcode still running? Nothing that was shown as saved is lost.", action);
    return;
  }
  if (!answer.ok) {
    const page = new DOMParser().parseFromString(body, "text/html").querySelector(".problem");
    const why = page?.querySelector("h1")?.textContent ?? String(answer.status);
    fail(why.startsWith("Not saved") ? why : `Not saved: ${why}`, page?.querySelector("p")?.textContent ?? "", answer.status === 409 ? "" : action);
    return;
  }
  const go = answer.headers.get("X-Go");
  if (answer.status === 204 || !go) { settle(typed); location.assign(go ?? location.href); return; }
  if (action === "memo") kept(body, typed); else show(body, go, typed);
  moving = false;
}

// A memo was saved while it is being typed: the field stays as it is.
function kept(body, typed) {
  const fresh = new DOMParser().parseFromString(body, "text/html");
  desk().dataset.undo = fresh.getElementById("desk").dataset.undo;
  find("do-undo").disabled = !desk().dataset.undo;
  for (const part of ["#desk .verdict", "#see .far"]) document.querySelector(part).replaceWith(fresh.querySelector(part));
  settle(typed);
  say("Saved");
}

function settle(typed) { if (typed !== undefined) desk().elements.memo_was.value = typed; }

function show(body, go, typed) {
  const fresh = new DOMParser().parseFromString(body, "text/html");
  const same = new URL(desk().action).pathname === go;
  const focused = document.activeElement?.id;
  const more = same && memo() && memo().value !== typed ? memo().value : null;
  for (const id of same ? ["question", "earlier", "later"] : []) {
    if (find(id) && fresh.getElementById(id)) fresh.getElementById(id).open = find(id).open;
  }
  for (const id of ["see", "desk"]) find(id).replaceWith(document.adoptNode(fresh.getElementById(id)));
  if (more !== null) memo().value = more;
  ready();
  say(same ? "Saved" : `Saved. Unit ${go.split("/").pop()}`);
  if (same) { if (focused) find(focused)?.focus(); return; }
  history.pushState(null, "", go);
  document.title = find("see").dataset.title;
  find("unit-title").focus({ preventScroll: true });
  scrollTo({ top: 0, behavior: "instant" });
}

// After each change: the codebook, which stays, shows what is chosen.
function ready() {
  const chosen = codes();
  for (const item of document.querySelectorAll("[data-code]")) {
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
  moving = false;
  say("");
  const box = find("trouble");
  box.replaceChildren(Object.assign(document.createElement("b"), { textContent: what }), ` ${hint} `);
  if (again) {
    const button = Object.assign(document.createElement("button"), { type: "button", textContent: "Try again", id: "again" });
    button.addEventListener("click", () => { box.hidden = true; ask(again); });
    box.append(button);
  }
  box.hidden = false;
  box.scrollIntoView({ block: "nearest" });
}

function setSecond(on) {
  second = on && !!find("as-second");
  find("as-second")?.setAttribute("aria-pressed", second);
  if (second) say("The next number is a second code");
}

function setTens(count) {
  const most = Math.ceil(document.querySelectorAll("[data-code]").length / 10);
  tens = count % most;
  if (most > 1) say(`The next number is a code from ${tens * 10 + 1} to ${tens * 10 + 10}`);
}

function choose(number, asSecond) {
  const item = document.querySelectorAll("[data-code]")[number];
  if (!item || "over" in desk().dataset) return;
  ask((asSecond && item.querySelector(".second")?.value) || `first ${item.dataset.code}`);
}

function filter(text) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const items = [...document.querySelectorAll("[data-code]")];
  for (const item of items) item.hidden = !words.every((word) => item.textContent.toLowerCase().includes(word));
  const left = items.filter((item) => !item.hidden);
  for (const item of items) item.querySelector("details").open = words.length > 0 && left.length < 4 && !item.hidden;
  find("found").textContent = words.length ? `${left.length} of ${items.length} codes` : "";
  return left;
}

const press = (id) => { const it = find(id); if (it && !it.disabled) it.click(); };
const keys = {
  Enter: () => press("do-next"), ArrowLeft: () => press("go-back"), ArrowRight: () => press("go-on"),
  n: () => press("do-none"), x: () => press("do-missing"), f: () => press("do-flag"), c: () => press("do-clear"),
  u: () => press("do-undo"), s: () => setSecond(!second), t: () => setTens(tens + 1), o: () => press("once"), m: () => memo()?.focus(),
  a: () => press("as-0"), b: () => press("as-1"), d: () => press("as-2"), e: () => press("as-3"),
  "/": () => { find("filter").focus(); find("filter").select(); }, "?": () => find("help").showModal(),
};

document.addEventListener("keydown", (event) => {
  const { key, target } = event;
  if (event.isComposing || find("help").open) return;
  if (target === memo()) {
    if (key === "Escape") memo().blur();
    if (key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); press("do-next"); }
    return;
  }
  if (target === find("filter")) {
    if (key === "Escape") { target.value = ""; filter(""); target.blur(); }
    if (key === "Enter") { event.preventDefault(); const left = filter(target.value); if (left.length === 1) left[0].querySelector(".first").focus(); }
    return;
  }
  if ((event.ctrlKey || event.metaKey) && key === "z") { event.preventDefault(); press("do-undo"); return; }
  if (event.ctrlKey || event.metaKey || event.altKey || target.closest("input:not([type=checkbox]), select, textarea")) return;
  if (!find("keys-on").checked && key !== "?") return;
  // By its place, since Shift+1 is another character on every keyboard; by its name on a number pad.
  const digit = /^(?:Digit|Numpad)(\d)$/.exec(event.code)?.[1];
  if (digit !== undefined) {
    event.preventDefault();
    if (event.repeat) return;
    choose(10 * tens + (Number(digit) + 9) % 10, event.shiftKey || second);
    setSecond(false);
    tens = 0;
    return;
  }
  if (key === "Enter" && target.closest("button, a, summary")) return;
  const act = Object.hasOwn(keys, key) && keys[key];
  if (!["s", "t", "Shift"].includes(key)) tens = 0;
  if (act && !event.repeat) { event.preventDefault(); act(); }
});

document.addEventListener("submit", (event) => {
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
  if (!link || !memo() || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  if (memo().value === desk().elements.memo_was.value && !moving) return;
  event.preventDefault();
  const mine = round;
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
  if (memo() && memo().value !== desk().elements.memo_was.value) event.preventDefault();
});
addEventListener("popstate", () => location.reload());
addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });

for (const id of ["help-open", "as-second"]) if (find(id)) find(id).hidden = false;
document.querySelector(".find").hidden = false;
find("help-open")?.addEventListener("click", () => find("help").showModal());
find("as-second")?.addEventListener("click", () => setSecond(!second));
find("keys-on").checked = stored("pcode-keys", "on") !== "off";
ready();
