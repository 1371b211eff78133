"""Text of traces as it may stand in a page: escaped, and what would not be seen or would mislead is made visible.

    shown("a<b>\\u202egnp.exe")  →  a&lt;b&gt;<span class="ctl" title="U+202E right-to-left override">RLO</span>gnp.exe

Line ends and tabs stay; the style sheet keeps white space.

A codebook's codes in colour: the pages' style sheet, and a trace at a glance.

    .c3 { --code: #88CCEE; --on: #000000; --tint: #e2f2fa }
    <svg class="strip" viewBox="0 0 4 1" role="img" aria-label="A: KA-RO 3, IA-SQ 1"><path class="c1" d="M0 .5h3"/>…

``--code`` is the code's own colour (chips, marks), ``--on`` black or white upon it, ``--tint`` a wash of it under
running text. All pairs reach 4.5 (WCAG 2.2, 1.4.3), whatever colours a codebook has.
"""

from __future__ import annotations

import unicodedata
from array import array
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import groupby

from markupsafe import Markup, escape

from ..codebook import NONE, Codebook
from ..codebook.code_colors import contrast, on, palette
from ..files.records import whole_text
from ..formatting import UNSEEN
from ..runs.run import primary_code
from .index import CoderColumn


def shown(text: str | None) -> Markup:
    """The text for a page. Nothing of it is markup, no control character takes effect, no lone surrogate breaks it."""
    if not text:
        return Markup()
    if UNSEEN.search(text) is None:
        return escape(text)
    parts, at = [], 0
    for match in UNSEEN.finditer(text):
        parts += [escape(text[at : match.start()]), _visible(match.group())]
        at = match.end()
    return Markup().join([*parts, escape(text[at:])])


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


NEARLY = 0.9


def lead(coded: Mapping[int, int], columns: Sequence[CoderColumn]) -> int | None:
    """Whose codes colour a trace, given how many units each column coded: none if nobody coded any.

    Of those who coded nearly as much as the one who coded most, the first person; a machine where there is none.
    """
    most = max(coded.values(), default=0)
    fit = [column for column, count in coded.items() if count and count >= NEARLY * most]
    return min(fit, key=lambda column: (columns[column].kind != "human", column), default=None)


def strip(
    said: Sequence[array[int]], column: int, sets: Sequence[tuple[str, ...] | None], book: Codebook, who: str
) -> Markup:
    """The bar of one coder's primary codes; what is missing is a gap."""
    primary = [primary_code(sets[cells[column]]) for cells in said]
    paths: dict[str, list[str]] = {}
    at = 0
    for code, run in groupby(primary):
        width = len(list(run))
        if code is not None:
            paths.setdefault(code, []).append(f"M{at} .5h{width}")
        at += width
    counts = Counter(code for code in primary if code is not None)
    label = f"{who}: " + ", ".join(f"{code} {n}" for code, n in counts.most_common())
    drawn = Markup().join(
        Markup('<path class="{}" d="{}"/>').format(code_class(book, code), "".join(parts))
        for code, parts in paths.items()
    )
    return Markup(
        '<svg class="strip" viewBox="0 0 {} 1" preserveAspectRatio="none" role="img" aria-label="{}">{}</svg>'
    ).format(max(1, at), label, drawn)
