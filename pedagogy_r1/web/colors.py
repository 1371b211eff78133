"""The style sheet of a codebook: a class for each code, with colours that text can be read on, light and dark.

    .c3 { --code: #88CCEE; --on: #000000; --tint: #e2f2fa }

``--code`` is the code's own colour (chips, marks), ``--on`` black or white upon it, ``--tint`` a wash of it under
running text. All pairs reach 4.5 (WCAG 2.2, 1.4.3), whatever colours a codebook has.
"""

from __future__ import annotations

from ..codebook import NONE, Codebook
from ..codebook.code_colors import contrast, on, palette

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
