// The raw text behind what a page shows, counted in Unicode code points: what offsets and quotes are of, formulas drawn or not.
// A text stands in an element with data-field (question, reasoning, answer) and data-start, the offset of its first character.
"use strict";

const rawText = (() => {
  const { count: points, at } = codePoints;

  const written = (element) =>
    element.classList.contains("math") ? element.dataset.tex
      : element.classList.contains("ctl") ? String.fromCodePoint(parseInt(element.title.slice(2), 16))
        : element.classList.contains("tag") ? "" : null;

  // Stretches of a text in order: a text node, or an element that stands for what is written there.
  function stretches(root) {
    const found = [];
    let start = Number(root.dataset.start);
    const add = (node, raw) => { if (raw) found.push({ node, raw, start, end: start += points(raw) }); };
    const walk = (parent) => {
      for (const node of parent.childNodes) {
        if (node.nodeType === Node.TEXT_NODE) add(node, node.data);
        else if (node.nodeType === Node.ELEMENT_NODE) {
          const raw = written(node);
          if (raw === null) walk(node); else add(node, raw);
        }
      }
    };
    walk(root);
    return found;
  }

  const endOf = (root) => stretches(root).at(-1)?.end ?? Number(root.dataset.start);

  // The offset of a place in the document; within a formula, of its start, or of its end.
  function offset(root, node, inside, toEnd) {
    const place = document.createRange();
    place.setStart(node, inside);
    for (const part of stretches(root)) {
      if (part.node === node) return part.start + points(part.raw.slice(0, inside));
      if (part.node.nodeType === Node.ELEMENT_NODE && part.node.contains(node)) return toEnd ? part.end : part.start;
      const parent = part.node.parentNode;
      if (place.comparePoint(parent, [...parent.childNodes].indexOf(part.node)) >= 0) return part.start;
    }
    return endOf(root);
  }

  // What is selected, as far as it lies in texts: which text, from where to where, and of which scheme's units.
  function selected() {
    const selection = getSelection();
    if (!selection.rangeCount || selection.isCollapsed) return null;
    const range = selection.getRangeAt(0);
    const roots = [...document.querySelectorAll("[data-field]")].filter((root) => range.intersectsNode(root));
    const field = roots[0]?.dataset.field, panel = roots[0]?.closest("#panel");
    const same = roots.filter((root) => root.dataset.field === field && root.closest("#panel") === panel);
    if (!same.length) return null;
    const first = same[0], last = same.at(-1);
    const start = first.contains(range.startContainer) ? offset(first, range.startContainer, range.startOffset, false) : Number(first.dataset.start);
    const end = last.contains(range.endContainer) ? offset(last, range.endContainer, range.endOffset, true) : endOf(last);
    return end > start ? { text: field, start, end, scheme: first.dataset.scheme ?? "" } : null;
  }

  // The part of the document that shows these characters of a text.
  function shownAt(root, start, end) {
    const range = document.createRange();
    let begun = false;
    for (const part of stretches(root)) {
      if (part.end <= start || part.start >= end) continue;
      const plain = part.node.nodeType === Node.TEXT_NODE;
      if (!begun) {
        if (plain) range.setStart(part.node, at(part.raw, Math.max(0, start - part.start)));
        else range.setStartBefore(part.node);
        begun = true;
      }
      if (plain) range.setEnd(part.node, at(part.raw, Math.min(end, part.end) - part.start));
      else range.setEndAfter(part.node);
    }
    return begun ? range : null;
  }

  // What Ctrl+C takes is what is written, not what a formula looks like.
  document.addEventListener("copy", (event) => {
    const selection = getSelection();
    if (!selection.rangeCount || selection.isCollapsed || event.target.closest?.("input, textarea")) return;
    const range = selection.getRangeAt(0), around = range.commonAncestorContainer;
    const inside = (around.nodeType === Node.ELEMENT_NODE ? around : around.parentElement).closest(".math");
    const box = document.createElement("div");
    if (inside) box.textContent = inside.dataset.tex;
    else {
      box.append(range.cloneContents());
      if (!box.querySelector(".math")) return;
      for (const math of box.querySelectorAll(".math")) math.replaceWith(math.dataset.tex);
    }
    box.className = "text aside";
    document.body.append(box);
    event.clipboardData.setData("text/plain", box.innerText);
    box.remove();
    event.preventDefault();
  });

  return { selected, shownAt };
})();
