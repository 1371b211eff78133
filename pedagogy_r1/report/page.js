// What makes the report alive: tables that sort and filter, values of figures under the pointer, downloads of figures, folding.
// The page says everything without it.
"use strict";

const root = document.documentElement;
const made = (tag, more = {}, ...inside) => {
  const element = Object.assign(document.createElement(tag), more);
  element.append(...inside);
  return element;
};
root.classList.add("alive");

// Tables

const FEWEST = 6; // Rows from which on a table has a filter.

function value(row, column) {
  const cell = row.cells[column];
  return cell.classList.contains("n") ? ("v" in cell.dataset ? Number(cell.dataset.v) : null) : cell.textContent.trim();
}

function compared(a, b) {
  if (typeof a === "number") return a - b;
  return a.localeCompare(b, "en", { numeric: true });
}

function sortable(table) {
  const body = table.tBodies[0];
  const asWritten = [...body.rows];
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const button = made("button", { type: "button" }, ...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const numbers = head.classList.contains("n");
      // Numbers from the largest, texts from A; then the other way round; then as the table was.
      const ways = numbers ? ["descending", "ascending", null] : ["ascending", "descending", null];
      const way = ways[(ways.indexOf(head.getAttribute("aria-sort")) + 1) % 3];
      for (const other of heads) other.removeAttribute("aria-sort");
      if (way) head.setAttribute("aria-sort", way);
      const sign = way === "descending" ? -1 : 1;
      const empty = (one) => one === null || one === "" || one === "–";
      const rows = way ? [...asWritten].sort((r, s) => {
        const [a, b] = [value(r, column), value(s, column)];
        // What has no value stands last, whichever way.
        return empty(a) || empty(b) ? empty(a) - empty(b) : sign * compared(a, b);
      }) : asWritten;
      body.append(...rows);
    });
  });
}

function filterable(figure, table) {
  const rows = [...table.tBodies[0].rows];
  if (rows.length < FEWEST) return;
  const told = made("output", {});
  const field = made("input", { type: "search", placeholder: "Filter rows", autocomplete: "off" });
  field.setAttribute("aria-label", `Filter rows: ${figure.querySelector("figcaption").textContent}`);
  const texts = rows.map((row) => [...row.cells].map((cell) => cell.textContent).join(" ").toLowerCase());
  field.addEventListener("input", () => {
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    let left = 0;
    rows.forEach((row, at) => {
      row.hidden = !words.every((word) => texts[at].includes(word));
      left += !row.hidden;
    });
    told.textContent = words.length ? `${left} of ${rows.length} rows` : "";
  });
  figure.querySelector(".scroll").before(made("div", { className: "tools" }, field, told));
}

// Under a table that does not fit it is said that there is more to its right; while it is folded away it has no width.
function measurable(figure) {
  const box = figure.querySelector(".scroll");
  const said = made("div", { className: "tools hint", hidden: true }, "wider than the page: scroll →");
  box.after(said);
  new ResizeObserver(() => { said.hidden = box.scrollWidth <= box.clientWidth + 1; }).observe(box);
}

for (const figure of document.querySelectorAll("figure.table")) {
  const table = figure.querySelector("table");
  sortable(table);
  filterable(figure, table);
  measurable(figure);
}

// Figures

function lightColors() {
  const found = new Map();
  for (const rule of document.styleSheets[0].cssRules) {
    if (rule.selectorText !== ":root") continue;
    for (const name of rule.style) if (name.startsWith("--")) found.set(name, rule.style.getPropertyValue(name).trim());
  }
  return found;
}

function asFile(svg) {
  const copy = svg.cloneNode(true);
  copy.querySelector(".values")?.remove();
  const [, , width, height] = svg.getAttribute("viewBox").split(" ");
  copy.setAttribute("width", `${width}pt`);
  copy.setAttribute("height", `${height}pt`);
  copy.removeAttribute("style");
  const colors = lightColors();
  const text = new XMLSerializer().serializeToString(copy);
  return text.replace(/var\((--[\w-]+)\)/g, (all, name) => colors.get(name) ?? all);
}

function save(blob, name) {
  const link = made("a", { href: URL.createObjectURL(blob), download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

const SHARPNESS = 4; // Pixels of a PNG for each of the page's.

function savePng(svg, name) {
  const url = URL.createObjectURL(new Blob([asFile(svg)], { type: "image/svg+xml" }));
  const image = new Image();
  image.onload = () => {
    const canvas = made("canvas", { width: SHARPNESS * image.width, height: SHARPNESS * image.height });
    const pen = canvas.getContext("2d");
    pen.fillStyle = "#fff";
    pen.fillRect(0, 0, canvas.width, canvas.height);
    pen.drawImage(image, 0, 0, canvas.width, canvas.height);
    URL.revokeObjectURL(url);
    canvas.toBlob((blob) => save(blob, name), "image/png");
  };
  image.src = url;
}

for (const figure of document.querySelectorAll("figure.picture")) {
  const svg = figure.querySelector("svg");
  const line = figure.querySelector(".file");
  const name = line.dataset.name;
  const button = (words, does) => {
    const one = made("button", { type: "button", className: "link" }, words);
    one.addEventListener("click", does);
    return one;
  };
  const svgButton = button(`${name}.svg`, () => save(new Blob([asFile(svg)], { type: "image/svg+xml" }), `${name}.svg`));
  line.prepend("Save ", svgButton, ", ", button(`${name}.png`, () => savePng(svg, `${name}.png`)), ". ");
}

const tip = made("div", { className: "tip", hidden: true });
tip.setAttribute("aria-hidden", "true"); // The table beside a figure says the same.
document.body.append(tip);
for (const title of document.querySelectorAll(".values title")) {
  title.parentNode.dataset.words = title.textContent;
  title.remove();
}
function point(event) {
  const words = event.target.dataset?.words;
  tip.hidden = !words;
  if (!words) return;
  tip.textContent = words;
  const [x, y] = [event.clientX + 14, event.clientY + 18];
  const { offsetWidth: width, offsetHeight: height } = tip;
  tip.style.left = `${Math.max(4, Math.min(x, innerWidth - width - 8))}px`;
  tip.style.top = `${y + height > innerHeight - 4 ? event.clientY - height - 10 : y}px`;
}
for (const kind of ["pointermove", "pointerdown"]) document.addEventListener(kind, point);
document.addEventListener("scroll", () => { tip.hidden = true; }, { passive: true, capture: true });

// Folding, and the contents

const folds = [...document.querySelectorAll("main details")];
const contents = document.querySelector(".contents details");
const beside = matchMedia("(min-width: 75rem)");

function reveal(id) {
  const target = id && document.getElementById(id);
  if (!target) return;
  for (let at = target; at; at = at.parentElement) if (at.tagName === "DETAILS") at.open = true;
  const own = target.querySelector(":scope > details");
  if (own) own.open = true;
  target.scrollIntoView();
}

const named = () => decodeURIComponent(location.hash.slice(1));
addEventListener("hashchange", () => reveal(named()));
document.addEventListener("click", (event) => {
  const link = event.target.closest('a[href^="#"]');
  if (!link) return;
  if (!beside.matches) contents.open = false;
  if (link.hash === location.hash) reveal(named());
});

const all = made("button", { type: "button", className: "link fold" }, "Fold all");
all.addEventListener("click", () => {
  const open = all.textContent === "Open all";
  for (const fold of folds) fold.open = open;
  all.textContent = open ? "Fold all" : "Open all";
});
contents.append(all);
const fitted = () => { contents.open = beside.matches; };
beside.addEventListener("change", fitted);
fitted();

let foldedForPrint = [];
addEventListener("beforeprint", () => {
  foldedForPrint = [...document.querySelectorAll("details")].filter((fold) => !fold.open);
  for (const fold of foldedForPrint) fold.open = true;
});
addEventListener("afterprint", () => { for (const fold of foldedForPrint) fold.open = false; });

const links = new Map([...contents.querySelectorAll("a")].map((link) => [link.hash.slice(1), link]));
const heads = [...links.keys()].map((id) => document.getElementById(id)).filter(Boolean);
function mark() {
  const above = heads.filter((head) => head.getBoundingClientRect().top < innerHeight / 3);
  const current = (above.at(-1) ?? heads[0])?.id;
  for (const [id, link] of links) {
    if (id === current) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
}
let asked = false;
addEventListener("scroll", () => {
  if (asked) return;
  asked = true;
  requestAnimationFrame(() => { asked = false; mark(); });
}, { passive: true });
mark();
if (location.hash) reveal(named());
