// The codebook beside the work: found by words, chosen by keys of one or two digits, as first or second code.
"use strict";

let second = false;
let pressed = "";     // the first key of a code of two

function setSecond(on) {
  second = on && !!find("as-second");
  find("as-second")?.setAttribute("aria-pressed", second);
  if (second) say("The next code is a second code");
}

// Codes of two keys: the first opens a family (or is t, for ten more).
function setPressed(key) {
  pressed = key;
  for (const group of document.querySelectorAll(".family")) {
    if (key) group.open = group.dataset.key === key;
    group.classList.toggle("awaited", group.dataset.key === key && !!key);
  }
  const name = document.querySelector(".awaited")?.dataset.title;
  if (key) say(name ? `${name}: now the code` : "Now the number of the code, ten more");
}

const byKeys = (keys) => document.querySelector(`li[data-keys="${keys}"]`);
const begins = (keys) => document.querySelector(`li[data-keys^="${keys}"]`) !== null;

function type(key, asSecond) {
  const item = byKeys(pressed + key);
  if (!item) {
    if (!pressed && begins(key)) setPressed(key); else { setPressed(""); say("No code has these keys"); }
    return;
  }
  pressed = "";
  clearFilter();
  choose(item, asSecond);
}

function choose(item, asSecond) {
  if ("over" in desk().dataset) return;
  setPressed("");
  ask((asSecond && item.querySelector(".second")?.value) || `first ${item.dataset.code}`);
}

// Found codes stand in a list of their own, the likeliest first: by id, by name, by what is said of them.
const homes = new Map([...document.querySelectorAll("li[data-code]")].map((item) => [item, item.parentElement]));
const words = new Map([...homes.keys()].map((item) =>
  [item, `${item.dataset.code} ${item.querySelector(".name").textContent} ${item.querySelector("details").textContent}`.toLowerCase()]));
function filter(text) {
  const wanted = text.toLowerCase().split(/\s+/).filter(Boolean);
  const hits = find("hits");
  for (const [item, home] of homes) { home.append(item); item.hidden = false; }
  find("families").hidden = wanted.length > 0;
  hits.hidden = !wanted.length;
  const rank = (item) => {
    const id = item.dataset.code.toLowerCase(), name = item.querySelector(".name").textContent.toLowerCase();
    const all = wanted.join(" ");
    if (id === all || id.replace(/[^a-z0-9]/g, "") === all) return 0;
    if (wanted.every((word) => id.startsWith(word))) return 1;
    if (wanted.every((word) => id.includes(word))) return 2;
    if (wanted.every((word) => name.split(/[^\p{L}\p{N}]+/u).some((part) => part.startsWith(word)))) return 3;
    return wanted.every((word) => `${id} ${name}`.includes(word)) ? 4 : 5;
  };
  const left = wanted.length
    ? [...homes.keys()].filter((item) => wanted.every((word) => words.get(item).includes(word)))
      .map((item) => [rank(item), item]).sort((a, b) => a[0] - b[0]).map(([, item]) => item)
    : [...homes.keys()];
  if (wanted.length) hits.append(...left);
  for (const item of homes.keys()) item.querySelector("details").open = wanted.length > 0 && left.length < 4 && left.includes(item);
  find("found").textContent = wanted.length ? `${left.length} of ${homes.size} codes${left.length ? ": Enter takes the first" : ""}` : "";
  return left;
}

function clearFilter() {
  if (!find("filter").value) return;
  find("filter").value = "";
  filter("");
}
