"""Text of traces as it may stand in a page: escaped, and what would not be seen or would mislead is made visible.

    shown("a<b>\\u202egnp.exe")  →  a&lt;b&gt;<span class="ctl" title="U+202E right-to-left override">RLO</span>gnp.exe

Line ends and tabs stay; the style sheet keeps white space.

A codebook's codes in colour, the pages' style sheet (a trace at a glance: `ribbons.py`):

    .c3 { --code: #88CCEE; --on: #000000; --tint: #e2f2fa }

``--code`` is the code's own colour (chips, marks), ``--on`` black or white upon it, ``--tint`` a wash of it under
running text. All pairs reach 4.5 (WCAG 2.2, 1.4.3), whatever colours a codebook has.
"""

from __future__ import annotations

import unicodedata

from markupsafe import Markup, escape

from ..codebook import NONE, Codebook
from ..codebook.code_colors import contrast, on, palette
from ..files.records import whole_text
from ..formatting import UNSEEN


def shown(text: str | None) -> Markup:
    """The text for a page. Nothing of it is markup, no control character takes effect, no lone surrogate breaks it.

    A browser has all its characters, so that offsets can be counted there: of CR LF it would drop the first.
    """
    if not text:
        return Markup()
    if UNSEEN.search(text) is None:
        return _escaped(text)
    parts, at = [], 0
    for match in UNSEEN.finditer(text):
        parts += [_escaped(text[at : match.start()]), _visible(match.group())]
        at = match.end()
    return Markup().join([*parts, _escaped(text[at:])])


def _escaped(text: str) -> Markup:
    return Markup(str(escape(text)).replace("\r\n", "&#13;\n"))  # noqa: S704 - escaped just before


def kept(text: str) -> Markup:
    """The text for a field of a form, which sends back what it is; in the page's source nothing of it takes effect."""
    return Markup(UNSEEN.sub(lambda m: f"&#{ord(m[0])};", str(escape(whole_text(text)))))  # noqa: S704 - escaped just before


def _visible(character: str) -> Markup:
    point = ord(character)
    name, short = unicodedata.name(character, "").lower(), unicodedata.bidirectional(character)
    if not name:
        name = "half of a surrogate pair" if 0xD800 <= point <= 0xDFFF else "control character"
        short = chr(0x2400 + point) if point < 0x20 else f"{point:X}"
    return Markup('<span class="ctl" title="U+{:04X} {}">{}</span>').format(point, name, short)


LIGHT, DARK = ("#fffffe", "#1d1f23"), ("#1e2126", "#e6e6e3")
"""Card and ink, as in style.css."""

READABLE = 4.5


def code_class(book: Codebook, code: str) -> str:
    """The class of a code: ``c`` and its place in the book; ``c-none``; ``c-other`` for what the book does not have."""
    return (
        f"c{book.code_ids.index(code)}" if code in book.code_ids else "c-none" if code == NONE else "c-other"
    )


def stylesheet(book: Codebook) -> str:
    """CSS text."""
    colors = palette(book)
    light = "".join(_rule(book, code, color, *LIGHT) for code, color in colors.light.items())
    dark = "".join(_rule(book, code, color, *DARK) for code, color in colors.dark.items())
    return f"{light}@media screen and (prefers-color-scheme: dark) {{\n{dark}}}\n"


def _rule(book: Codebook, code: str, color: str, card: str, ink: str) -> str:
    return f".{code_class(book, code)} {{ --code: {color}; --on: {on(color)}; --tint: {tint(color, card, ink)} }}\n"


def tint(color: str, card: str, ink: str, share: float = 0.3) -> str:
    """The card with as much of the colour as leaves the ink readable on it."""
    while contrast(mixed := _mixed(color, card, share), ink) < READABLE and share > 0:
        share -= 0.02
    return mixed


def _mixed(color: str, card: str, share: float) -> str:
    pairs = [(int(color[i : i + 2], 16), int(card[i : i + 2], 16)) for i in (1, 3, 5)]
    return "#" + "".join(f"{round(share * a + (1 - share) * b):02x}" for a, b in pairs)
