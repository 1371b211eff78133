// A trace at a glance: bars of codes and the map of the text show what is on the screen, and lead to what is clicked.
"use strict";

const overview = (() => {
  const units = [...document.querySelectorAll(".unit[data-from]")];
  const bars = [...document.querySelectorAll(".ribbon")];
  const map = document.getElementById("map"), frame = map?.querySelector(".frame");
  const length = Math.max(1, Number(document.querySelector(".beside").dataset.length));
  const from = (unit) => Number(unit.dataset.from), to = (unit) => Number(unit.dataset.to);
  const placeOf = (unit) => Number(unit.id.slice(1));
  const sizeOf = (bar) => Number(bar.querySelector("svg").getAttribute("viewBox").split(" ")[2]);
  // The unit of a bar under the pointer, from 0.
  function unitUnder(bar, event) {
    const box = bar.getBoundingClientRect(), size = sizeOf(bar);
    return Math.max(0, Math.min(size - 1, Math.floor(size * (event.clientX - box.left) / box.width)));
  }
  const firstOf = (bar) => Number(bar.parentElement.dataset.first);

  // The code that is chosen in the legend stands out.
  const chosen = document.querySelector(".legend [aria-current] .chip")?.classList[1];
  if (chosen) for (const path of document.querySelectorAll(".ribbon path, #map .strip path:not(.differ)")) path.classList.toggle("faded", !path.classList.contains(chosen));

  // To what is not on this page, the server knows the way.
  function leave(query) {
    const url = new URL(location.href);
    url.hash = "";
    for (const name of ["jump", "at", "words", "hit"]) url.searchParams.delete(name);
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    location.href = url;
  }

  const unitOfPlace = (place) => document.getElementById(`u${place}`);
  const unitAt = (offset) => units.find((unit) => to(unit) > offset) ?? null;
  // Whether this page shows the text there: a long trace has several.
  const whole = document.querySelector(".running") !== null;
  const [first, last] = units.length ? [placeOf(units[0]) === 0 ? 0 : from(units[0]) - 1, Math.max(...units.map(to))] : [0, 0];
  const onPage = (offset) => whole || (offset >= first && offset < last);

  function toPlace(place) {
    const unit = unitOfPlace(place);
    if (unit) show(unit); else leave({ jump: place + 1 });
  }
  function toOffset(offset) {
    const unit = onPage(offset) ? unitAt(offset) : null;
    if (unit) show(unit); else leave({ at: offset });
  }

  for (const bar of bars) {
    const here = document.createElement("span");
    here.className = "here";
    bar.append(here);
    bar.addEventListener("click", (event) => toPlace(firstOf(bar) + unitUnder(bar, event)));
  }

  // What stands under the pointer, in words.
  function describe(place, coder) {
    const unit = unitOfPlace(place);
    if (!unit) return `unit ${place + 1}`;
    const cell = coder && [...unit.querySelectorAll(".cell")].find((one) => one.dataset.coder === coder);
    const code = cell ? cell.innerText.trim().replace(/\s+/g, " ") : "";
    return `unit ${place + 1}${code ? `  ${code}` : ""}  ${inShort((unit.querySelector(".text") ?? unit).textContent)}`;
  }
  document.addEventListener("mousemove", (event) => {
    const bar = event.target.closest?.(".ribbon");
    hintOver(event, bar, bar && describe(firstOf(bar) + unitUnder(bar, event), bar.dataset.coder));
  });

  // The units on the screen: the first and the last of them, found by halves.
  function seen() {
    const below = (edge) => {
      let low = 0, high = units.length;
      while (low < high) { const mid = (low + high) >> 1; if (units[mid].getBoundingClientRect().bottom > edge) high = mid; else low = mid + 1; }
      return low;
    };
    const first = below(60), last = Math.min(units.length - 1, below(innerHeight - 50));
    return first < units.length ? [units[first], units[last]] : null;
  }

  let waits = false;
  function follow() {
    waits = false;
    const ends = units.length ? seen() : null;
    if (frame) {
      frame.hidden = !ends;
      if (ends) {
        frame.style.top = `${100 * from(ends[0]) / length}%`;
        frame.style.height = `max(6px, ${100 * (to(ends[1]) - from(ends[0])) / length}%)`;
      }
    }
    for (const bar of bars) {
      const here = bar.querySelector(".here"), size = sizeOf(bar), start = ends ? placeOf(ends[0]) - firstOf(bar) : -1;
      here.hidden = !ends || start < 0 || start >= size;
      here.style.left = `${100 * start / size}%`;
      here.style.width = `${ends ? 100 * Math.min(size - start, placeOf(ends[1]) - placeOf(ends[0]) + 1) / size : 0}%`;
    }
  }
  const soon = () => { if (!waits) { waits = true; requestAnimationFrame(follow); } };
  addEventListener("scroll", soon, { passive: true });
  addEventListener("resize", soon);
  soon();

  const offsetAt = (event) => {
    const box = map.getBoundingClientRect();
    return Math.max(0, Math.min(length - 1, Math.floor(length * (event.clientY - box.top) / box.height)));
  };
  if (map) {
    map.addEventListener("pointerdown", (event) => { event.preventDefault(); map.setPointerCapture(event.pointerId); drag(event); });
    map.addEventListener("pointermove", (event) => { if (event.buttons && map.hasPointerCapture(event.pointerId)) drag(event); });
    map.addEventListener("pointerup", (event) => { const offset = offsetAt(event); if (!onPage(offset)) leave({ at: offset }); });
  }
  function drag(event) {
    const offset = offsetAt(event), unit = onPage(offset) ? unitAt(offset) : null;
    unit?.scrollIntoView({ block: "center" });
  }

  document.querySelector(".jump").addEventListener("submit", (event) => {
    const box = document.getElementById("jump"), place = Number(box.value) - 1, unit = unitOfPlace(place);
    if (!box.value.trim() || !Number.isInteger(place)) { event.preventDefault(); return; }
    if (unit) { event.preventDefault(); box.value = ""; show(unit); }
  });

  // Lines on the map where the words stand that are looked for.
  function marks(offsets) {
    if (!map) return;
    map.querySelector(".hits")?.remove();
    if (!offsets.length) return;
    const svg = map.querySelector("svg"), lines = svg.cloneNode(false);
    lines.setAttribute("class", "hits");
    lines.setAttribute("aria-hidden", "true");
    lines.removeAttribute("role");
    lines.removeAttribute("aria-label");
    const path = document.createElementNS(svg.namespaceURI, "path");
    path.setAttribute("d", offsets.map((offset) => `M0 ${offset}h1`).join(""));
    lines.append(path);
    map.append(lines);
  }

  return { leave, marks, onPage, seen, follow: soon, firstSeen: () => seen()?.[0] ?? null };
})();
