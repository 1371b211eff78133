// What the scripts of several pages share: settings, keys, code points, characters nobody sees, the words over a ribbon, a server that is gone.
"use strict";

// Settings of this browser (or, with sessionStorage, of this window). A private window keeps nothing, and some refuse to be asked.
const stored = (name, otherwise, where = "localStorage") => { try { return window[where].getItem(name) ?? otherwise; } catch { return otherwise; } };
const store = (name, value, where = "localStorage") => { try { window[where].setItem(name, value); } catch { /* it is forgotten with the page */ } };

// A letter goes by Shift, not by its case: Caps Lock changes no key.
const keyOf = ({ key, shiftKey }) => (key.length > 1 ? key : shiftKey ? key.toUpperCase() : key.toLowerCase());

// The server counts code points, the browser UTF-16. Half a pair by itself is one of each.
const codePoints = (() => {
  const isPair = (text, i) => text.charCodeAt(i) >= 0xd800 && text.codePointAt(i) > 0xffff;

  function count(text) {
    let found = text.length;
    for (let i = 0; i < text.length; i++) if (isPair(text, i)) { found--; i++; }
    return found;
  }

  // Where in a text so many code points have passed.
  function at(text, point) {
    let i = 0;
    for (; point > 0 && i < text.length; point--) i += isPair(text, i) ? 2 : 1;
    return i;
  }

  // For a text that is asked often: the point of every place, the place of every point; null where they are the same.
  function table(text) {
    if (count(text) === text.length) return null;
    const points = new Uint32Array(text.length + 1), places = [];
    for (let i = 0; i < text.length; i++) {
      points[i] = places.length;
      if (isPair(text, i)) points[i + 1] = places.length;
      places.push(i);
      if (isPair(text, i)) i++;
    }
    points[text.length] = places.length;
    return { points, places: Uint32Array.from([...places, text.length]) };
  }
  return { count, at, table };
})();

// As in pedagogy_r1/formatting.py: what would not be seen or would mislead is shown by its number. A half of a pair counts by itself only.
const UNSEEN = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]|\r(?!\n)/gu;

// Words under the pointer, below a ribbon; none hide them.
const hintOver = (() => {
  let box = null;
  return (event, bar, words) => {
    if (!words) { if (box) box.hidden = true; return; }
    if (!box) { box = Object.assign(document.createElement("div"), { className: "hint", ariaHidden: "true" }); document.getElementById("main").append(box); }
    box.textContent = words;
    box.hidden = false;
    box.style.top = `${bar.getBoundingClientRect().bottom + 6}px`;
    box.style.left = `${Math.max(8, Math.min(event.clientX - 20, innerWidth - box.offsetWidth - 8))}px`;
  };
})();
const inShort = (text) => { const said = text.trim().replace(/\s+/g, " "); return said.length > 90 ? `${said.slice(0, 90)}…` : said; };

// An answer, or null where nobody answers; and what is said of that. Every request says whose page it is from: the browser may
// meanwhile have been let in as somebody else, in another window.
const GONE = "The server does not answer. Is pcode still running?";
const answerOf = (url, { headers, ...how } = {}) =>
  fetch(url, { ...how, headers: { ...headers, "X-CSRF-Token": document.querySelector("meta[name=csrf]").content } }).catch(() => null);
