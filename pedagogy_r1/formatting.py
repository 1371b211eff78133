"""Numbers for the eye, the same on a terminal, on the report's page and in LaTeX.

    coefficient .743      share 2.1 %      percent 2 %      points +2.1      p <.001      interval [.684, .801]

What is undefined is a dash. Files that a program reads (JSON, CSV) hold numbers unrounded and never pass through here.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Collection, Sequence
from typing import Any, Literal

Kind = Literal["text", "code", "count", "share", "percent", "points", "coefficient", "number", "signed", "p"]

DASH = "–"


def shown(value: Any, kind: Kind = "coefficient") -> str:
    """A value for the eye; ``None`` is a dash.

    >>> shown(0.7432), shown(-0.0804), shown(1.0), shown(None)
    ('.743', '−.080', '1.000', '–')
    >>> shown(0.0214, "share"), shown(0.0214, "percent"), shown(2.14, "points"), shown(0.0004, "p"), shown(12345, "count")
    ('2.1 %', '2 %', '+2.1', '<.001', '12,345')
    """
    if value is None:
        return DASH
    if isinstance(value, float) and math.isinf(value):
        return "∞" if value > 0 else "−∞"
    return _FORMATS[kind](value)


UNSEEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]|\r(?!\n)"
)
"""Controls, halves of surrogate pairs, and embeddings, overrides and isolates, which, written by an attacker, show a text in
another order than it has, and what stands beside it too. Marks such as U+200F are left alone."""


def visible(text: str) -> str:
    """Text from anybody on a terminal or a page: what would move, hide or turn round what is read is shown by its number.

    >>> visible("a\u202egnp.exe\x1b[2J")
    'a‹U+202E›gnp.exe‹U+001B›[2J'
    """
    return text if UNSEEN.search(text) is None else UNSEEN.sub(lambda m: f"‹U+{ord(m[0]):04X}›", text)


def visible_line(text: str) -> str:
    """The same of what is to be one line, as the name of a file, which may hold the end of one.

    >>> visible_line("a\\nmissing b")
    'a‹U+000A›missing b'
    """
    return re.sub(r"[\t\n\r\u2028\u2029\x85]", lambda m: f"‹U+{ord(m[0]):04X}›", visible(text))


def plain_coder(name: str) -> str:
    """A coder's name without what nobody sees: controls, zero-width characters, doubled spaces; letters composed.

    >>> plain_coder("A\\u200b"), plain_coder(" Jose\\u0301  R.\\x00")
    ('A', 'José R.')
    """
    seen = "".join(" " if c.isspace() else c for c in name)
    seen = "".join(c for c in seen if unicodedata.category(c) not in ("Cc", "Cf", "Cs"))
    return unicodedata.normalize("NFC", " ".join(seen.split()))


def on_page(value: Any) -> Any:
    """`visible`, for everything that a template writes (jinja's ``finalize``); what is markup already stays."""
    return visible(value) if type(value) is str else value


def interval(low: float | None, high: float | None, kind: Kind = "coefficient") -> str:
    """Both limits in brackets; a dash where there is no interval.

    >>> interval(0.25, 0.38), interval(0.021, 0.043, "share"), interval(None, None)
    ('[.250, .380]', '[2.1 %, 4.3 %]', '–')
    """
    return DASH if low is None or high is None else f"[{shown(low, kind)}, {shown(high, kind)}]"


def level_words(level: float, gap: str = " ") -> str:
    """A confidence level, unrounded. ``gap``: nothing in the methods of JSON and CSV, whose words programs may compare.

    >>> level_words(0.95), level_words(0.975), level_words(0.99999999), level_words(0.95, "")
    ('95 %', '97.5 %', '99.999999 %', '95%')
    """
    return f"{100 * level:.15g}{gap}%"


def counted(number: int, one: str, many: str = "") -> str:
    """A number with its noun.

    >>> counted(1, "trace"), counted(1200, "trace")
    ('1 trace', '1,200 traces')
    """
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def sentence(words: str) -> str:
    """With a capital first."""
    return words[:1].upper() + words[1:]


def aligned(lines: Sequence[Sequence[str]], left: Collection[int] = (0,)) -> str:
    """Lines of cells in columns of one width: the columns ``left`` flush left, numbers flush right.

    >>> print(aligned([["", "all"], ["read", "1,948"]]))
            all
    read  1,948
    """
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    pads = [str.ljust if k in left else str.rjust for k in range(len(widths))]
    return "\n".join(
        "  ".join(pad(cell, width) for pad, cell, width in zip(pads, line, widths, strict=True)).rstrip()
        for line in lines
    )


def _text(value: Any) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else visible(str(value))


def _minus(value: float, text: str) -> str:
    return "−" if value < 0 and float(text) else ""


def _coefficient(value: float) -> str:
    text = f"{abs(value):.3f}"
    return _minus(value, text) + (text[1:] if text[0] == "0" else text)


def _p(value: float) -> str:
    return "<.001" if value < 0.001 else _coefficient(value)


def _percent(digits: int) -> Callable[[float], str]:
    def write(value: float) -> str:
        text = f"{100 * abs(value):.{digits}f}"
        return f"{_minus(value, text)}{text} %"

    return write


def _signed(digits: int) -> Callable[[float], str]:
    def write(value: float) -> str:
        text = f"{abs(value):.{digits}f}"
        return (("−" if value < 0 else "+") if float(text) else "") + text

    return write


def _number(value: float) -> str:
    text = f"{abs(value):.2f}"
    if 1000 <= abs(value) < 10**6:  # three figures, as of larger ones, but written out: 6,530
        text = f"{float(f'{abs(value):.3g}'):,.0f}"
    return _minus(value, text) + (text if abs(value) < 10**6 else f"{abs(value):.3g}")


_FORMATS: dict[str, Callable[[Any], str]] = {
    "text": _text,
    "code": _text,
    "count": lambda value: f"{value:,.0f}",
    "share": _percent(1),
    "percent": _percent(0),
    "points": _signed(1),
    "coefficient": _coefficient,
    "number": _number,
    "signed": _signed(2),
    "p": _p,
}
