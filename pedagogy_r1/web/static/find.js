// Search within a trace: the server says where the words stand, in all of it; here they are marked, and gone to.
"use strict";

const finder = (() => {
  const form = document.querySelector(".finder"), box = document.getElementById("words"), told = document.getElementById("found");
  const before = document.getElementById("hit-before"), after = document.getElementById("hit-after");
  const trace = document.querySelector(".beside").dataset.trace;
  const roots = [...document.querySelectorAll(".page [data-field]")];
  const starts = roots.filter((root) => root.dataset.field === "reasoning");
  let hits = [], at = -1, words = "", asked = 0, waiting = 0;
  form.hidden = false;

  const paint = (name, ranges) => { if (CSS.highlights) CSS.highlights.set(name, new Highlight(...ranges)); };

  function rootOf([text, start]) {
    if (text !== "reasoning") return roots.find((root) => root.dataset.field === text) ?? null;
    if (!overview.onPage(start)) return null;
    let low = 0, high = starts.length;
    while (low < high) { const mid = (low + high) >> 1; if (Number(starts[mid].dataset.start) > start) high = mid; else low = mid + 1; }
    return starts[low - 1] ?? starts[0] ?? null;
  }
  function rangeOf(hit) {
    const root = rootOf(hit);
    return root && rawText.shownAt(root, hit[1], hit[2]);
  }

  const MOST = 2000;   // marked at once
  function mark() {
    const ranges = hits.slice(0, MOST).map(rangeOf).filter(Boolean);
    paint("hit", ranges);
    const now = at >= 0 ? rangeOf(hits[at]) : null;
    paint("hit-now", now ? [now] : []);
    if (now && !CSS.highlights) { getSelection().removeAllRanges(); getSelection().addRange(now); }
    const place = at < 0 ? "" : `${at + 1} of `, unseen = at >= 0 && !now ? ", in no unit" : "";
    told.textContent = !words ? "" : hits.length ? `${place}${hits.length}${unseen}` : "none";
    before.disabled = after.disabled = !hits.length;
    form.classList.toggle("none", Boolean(words) && !hits.length);
    return now;
  }

  // come: this is the page to which the server led for it. It does not show what lies behind or between units.
  function go(to, come = false) {
    if (!hits.length) return;
    at = (to + hits.length) % hits.length;
    const root = rootOf(hits[at]);
    if (!root && !come) { overview.leave({ at: hits[at][1], words, hit: at }); return; }
    for (let fold = root?.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
    const now = mark(), place = now?.getBoundingClientRect();
    if (place && (place.top < 70 || place.bottom > innerHeight - 70)) scrollBy(0, place.top - innerHeight / 3);
  }

  // The first that stands on the screen or below it.
  function nearest() {
    const seen = overview.firstSeen(), top = seen ? Number(seen.dataset.from) : 0;
    if (scrollY < 40) return 0;
    const found = hits.findIndex(([text, start]) => text === "answer" || text === "reasoning" && start >= top);
    return found < 0 ? 0 : found;
  }

  async function look(move, hit = -1) {
    const wanted = box.value.trim(), mine = ++asked;
    clearTimeout(waiting);
    if (!wanted) { clear(); return; }
    const answer = await answerOf(`/read/find?${new URLSearchParams({ id: trace, words: wanted })}`);
    const found = answer?.ok ? await answer.json().catch(() => null) : [];
    if (mine !== asked) return;
    if (!answer || !found) { clear(); told.textContent = GONE; return; }
    [hits, at, words] = [found, -1, wanted];
    overview.marks(hits.filter(([text]) => text === "reasoning").map(([, start]) => start));
    if (hits.length && move) go(hit >= 0 ? hit : nearest(), hit >= 0); else mark();
  }

  function clear() {
    asked++;
    [hits, at, words] = [[], -1, ""];
    overview.marks([]);
    mark();
  }

  function step(by) {
    if (box.value.trim() !== words) look(true);
    else go(at < 0 ? nearest() : at + by);
  }

  box.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(() => look(false), 150); });
  // Not left to the form: its button is off until the places are known, and Enter would be lost.
  box.addEventListener("keydown", (event) => { if (event.key === "Enter" && !event.isComposing) { event.preventDefault(); step(event.shiftKey ? -1 : 1); } });
  form.addEventListener("submit", (event) => { event.preventDefault(); step(1); });
  before.addEventListener("click", () => step(-1));

  // Side by side or running text: what was looked for comes along, and where one was in it.
  for (const link of document.querySelectorAll(".switch a")) {
    link.addEventListener("click", () => {
      const url = new URL(link.href), wanted = box.value.trim();
      for (const name of ["words", "hit"]) url.searchParams.delete(name);
      if (wanted) url.searchParams.set("words", wanted);
      if (wanted && wanted === words && at >= 0) url.searchParams.set("hit", at);
      link.href = url;
    });
  }

  // What was looked for on another page of the trace, else what the traces were searched for.
  const asks = new URLSearchParams(location.search);
  box.value = asks.get("words") ?? asks.get("q") ?? "";
  if (box.value) look(asks.has("words"), Number(asks.get("hit") ?? -1));

  return { step, again: mark, focus: () => { box.focus({ preventScroll: true }); box.select(); } };
})();
