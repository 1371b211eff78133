// Formulas of a trace, drawn by KaTeX (static/katex) when a reader asks for it. What is written stays in the element's data-tex.
"use strict";

const maths = (() => {
  const MARK = /\n[ \t\r]*\n|(`+)|\\\\(?![()[\]])|\\\$|(\$\$?)|(\\[([])|(\\[)\]])|\\(begin|end)[ \t]*\{([A-Za-z]{1,24}\*?)\}|\\boxed[ \t]*(\{)/g;
  const CLOSES = { "\\(": "\\)", "\\[": "\\]" };
  const PROSE = /[A-Za-z]{2}[,;:.]?\s+[A-Za-z]{2}/;   // of whole words it would be sought from each of their letters
  const WORDS = /\\[A-Za-z]+\*?(?:\s*\{[^{}]*\})?/g;
  // What could hide, recolour or move what is read, or reach out of the page, stays as it is written.
  const LEFT = new RegExp("\\\\(?:" + [
    "colorbox", "fcolorbox", "textcolor", "color", "[hv]?phantom", "(?:math)?[lrc]lap", "smash", "rule", "m?kern", "[hm]skip",
    "[hm]?space", "raisebox", "vcenter", "pmb", "href", "url", "html[A-Za-z]*", "includegraphics", "[gex]?def", "g?let",
    "futurelet", "global", "long", "(?:re)?newcommand", "providecommand", "char", "tag", "cssId", "class",
  ].join("|") + ")(?![A-Za-z])");

  // Where the bracket closes that opens at a place.
  function closing(text, at) {
    for (let depth = 0, i = at; i < text.length; i++) {
      if (text[i] === "\\") i++;
      else if (text[i] === "{") depth++;
      else if (text[i] === "}" && --depth === 0) return i + 1;
      else if (text[i] === "\n" && /^\n[ \t\r]*\n/.test(text.slice(i, i + 80))) return -1;
    }
    return -1;
  }

  // Between single dollars: a formula, or the prices in "$5 and $7"? As in pedagogy_r1/unit/sentence.py, and stricter.
  function isFormula(text, opened, closed) {
    const inner = text.slice(opened + 1, closed);
    if (!inner || inner.includes("\n") || /^\s|\s$/.test(inner)) return false;
    if (/[\p{L}\p{N}]/u.test(text.slice(closed + 1, closed + 2)) || /[\p{L}\p{N}]/u.test(text.slice(0, opened).slice(-1))) return false;
    const rest = inner.replace(WORDS, " ");
    if (PROSE.test(rest)) return false;
    return !(/^\d/.test(inner) && /[A-Za-z]{2,}/.test(rest));
  }

  // The formulas of a text: from where to where, what KaTeX is to draw, and whether in a line of its own.
  function formulas(text) {
    const found = [];
    let maths = null, dollar = null, ticks = new Map(), environments = [];
    const add = (start, end, tex, display) => {
      while (found.length && found.at(-1).start >= start) found.pop();
      if (!found.length || found.at(-1).end <= start) found.push({ start, end, tex, display });
    };
    MARK.lastIndex = 0;
    for (let m; (m = MARK.exec(text));) {
      const [mark, code, dollars, open, close, side, name, boxed] = m, end = m.index + mark.length;
      if (mark[0] === "\n") { maths = dollar = null; ticks = new Map(); environments = []; }
      else if (code) {
        const from = ticks.get(code.length);
        if (from !== undefined && (code.length > 2 || !text.slice(from, m.index).includes("\n"))) {
          while (found.length && found.at(-1).end > from) found.pop();
          ticks = new Map();
          maths = dollar = null; environments = [];
        } else ticks.set(code.length, m.index);
      } else if (dollars) {
        if (dollar?.mark !== dollars) dollar = { mark: dollars, at: m.index };
        else if (dollars === "$$" ? m.index > dollar.at + 2 : isFormula(text, dollar.at, m.index)) {
          add(dollar.at, end, text.slice(dollar.at + dollars.length, m.index), dollars === "$$");
          dollar = null;
        } else dollar = { mark: dollars, at: m.index };
      } else if (open) {
        if (maths === null || text[m.index - 1] !== "\\") maths = { mark: open, at: m.index };
      } else if (close) {
        if (maths && CLOSES[maths.mark] === close) add(maths.at, end, text.slice(maths.at + 2, m.index), close === "\\]");
        maths = null;
      } else if (side === "begin") environments.push({ name, at: m.index });
      else if (side) {
        if (environments.at(-1)?.name === name) { const { at } = environments.pop(); if (!environments.length && !maths && !dollar) add(at, end, text.slice(at, end), true); }
      } else if (boxed && !maths && !dollar && !environments.length) {
        const stop = closing(text, end - 1);
        if (stop > 0) { add(m.index, stop, text.slice(m.index, stop), false); MARK.lastIndex = stop; }
      }
    }
    return found;
  }

  let asked = null;
  const katexThere = () => asked ??= new Promise((resolve, reject) => {
    const style = document.createElement("link"), script = document.createElement("script");
    style.rel = "stylesheet";
    style.href = "/static/katex/katex.min.css";
    script.src = "/static/katex/katex.min.js";
    script.addEventListener("load", resolve);
    script.addEventListener("error", () => { asked = null; reject(new Error("KaTeX could not be read")); });
    document.head.append(style, script);
  });

  let drawn = 0, left = 0;

  function element({ tex, display }, raw) {
    if (LEFT.test(tex)) return null;
    const span = document.createElement("span");
    span.className = display ? "math display" : "math";
    span.dataset.tex = raw;
    try {
      // In a trace % is a percent sign; to TeX it would begin a comment, and hide what follows.
      katex.render(tex.replace(/(^|[^\\])((?:\\\\)*)%/g, "$1$2\\%"), span,
        { displayMode: display, throwOnError: true, strict: "ignore", trust: false, maxSize: 10, maxExpand: 200, macros: {} });
    } catch { return null; }
    return span;
  }

  // Draws what is in a text node; the elements that came of it.
  function drawText(node) {
    const text = node.data, parts = [], maths = [];
    let at = 0;
    for (const one of formulas(text)) {
      const made = element(one, text.slice(one.start, one.end));
      if (!made) { left++; continue; }
      drawn++;
      let { start, end } = one;
      if (one.display) {   // stands in a line of its own, as it does by the line ends around it
        if (start > at && text[start - 1] === "\n") start--;
        if (text[end] === "\n") end++;
        made.dataset.tex = text.slice(start, end);
      }
      if (start > at) parts.push(text.slice(at, start));
      parts.push(made);
      maths.push(made);
      at = end;
    }
    if (!maths.length) return [];
    if (at < text.length) parts.push(text.slice(at));
    node.replaceWith(...parts);
    return maths;
  }

  function drawIn(root) {
    const nodes = [], walker = document.createTreeWalker(root, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT, (node) =>
      node.nodeType === Node.TEXT_NODE ? (/[$\\]/.test(node.data) ? NodeFilter.FILTER_ACCEPT : NodeFilter.FILTER_SKIP)
        : node.matches(".math, .tag, .ctl") ? NodeFilter.FILTER_REJECT : NodeFilter.FILTER_SKIP);
    while (walker.nextNode()) nodes.push(walker.currentNode);
    return nodes.flatMap(drawText);
  }

  function undrawIn(root) {
    for (const math of root.querySelectorAll(".math")) {
      const parent = math.parentNode;
      math.replaceWith(math.dataset.tex);
      parent.normalize();
    }
    return [];
  }

  // A formula wider than the column scrolls by itself, by the keyboard too.
  function fit(maths) {
    for (const math of maths) {
      if (!math.classList.contains("wide")) continue;   // measured when the column was narrower
      math.classList.remove("wide");
      for (const name of ["tabindex", "role", "aria-label"]) math.removeAttribute(name);
    }
    const wide = maths.filter((math) => {
      if (math.classList.contains("display")) return math.scrollWidth > math.clientWidth + 1;
      return math.getBoundingClientRect().width > math.closest("td, dd, blockquote, p, .running").clientWidth - 11;
    });
    for (const math of wide) {
      math.classList.add("wide");
      math.tabIndex = 0;
      math.setAttribute("role", "group");
      math.setAttribute("aria-label", "formula");
    }
  }

  let on = false, turn = 0;
  const texts = (root) => [...root.querySelectorAll(".text:not(.running), .running .unit, .running:not(:has(.unit))")];
  const pause = () => new Promise((go) => { setTimeout(go); });

  // What is on the screen comes first, the page stays alive, and what is being read does not move. Places are asked for once a
  // stretch: in a running text of a thousand units each asking costs a tenth of a second.
  async function each(roots, work, current) {
    const now = turn;
    const seen = (root) => { const box = root.getBoundingClientRect(); return box.bottom > 60 && box.top < innerHeight; };
    const there = new Set(roots.filter(seen));
    const held = scrollY < 10 ? null : current && seen(current) ? current : [...there][0];
    let made = [], top = held?.getBoundingClientRect().top, since = performance.now();
    const settle = () => {
      fit(made);
      if (held && held.getBoundingClientRect().top !== top) scrollBy(0, held.getBoundingClientRect().top - top);
      made = [];
    };
    for (const root of [...there, null, ...roots.filter((one) => !there.has(one))]) {
      if (root) made.push(...work(root));
      if (root && performance.now() - since < 60) continue;
      settle();
      await pause();
      if (now !== turn) return false;
      top = held?.getBoundingClientRect().top;
      since = performance.now();
    }
    settle();
    return true;
  }

  async function set(wanted, root, current) {
    turn++;
    on = wanted;
    store("pcode-maths", on ? "on" : "off", "sessionStorage");
    if (!on) { await each(texts(root), undrawIn, current); return "Formulas as they are written."; }
    await katexThere();
    [drawn, left] = [0, 0];
    if (!(await each(texts(root), drawIn, current))) return "";
    const rest = left ? `, ${left} left as ${left === 1 ? "it is" : "they are"} written` : "";
    return drawn + left ? `${drawn} ${drawn === 1 ? "formula" : "formulas"} drawn${rest}.` : "No formula in this trace.";
  }

  // The column has another width.
  function refit() { if (on) fit([...document.querySelectorAll(".math")]); }
  addEventListener("resize", refit);

  return {
    formulas, set,
    refit,
    draw: (root) => { if (on) fit(texts(root).flatMap(drawIn)); },
    get on() { return on; },
    get kept() { return stored("pcode-maths", "off", "sessionStorage") === "on"; },
  };
})();
