"""The sheet that a figure is drawn on: as wide as a column, laid out in inches from its upper left corner, every text measured.

    figure = sheet(width, height)
    axes = box(figure, left, top, width, height)
    write(figure, "from cop", left, top, size)
    fitted(["planning the next move"], 7, room=1.1, lines=2)      ["planning the\nnext move"]

Pictures are drawn with matplotlib's object-oriented interface; pyplot is never imported.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from itertools import takewhile
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, cast

from .figure_fonts import families, without_glyph

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

INK, MUTED, RULE, PAPER = "#1d1f23", "#666b73", "#d8dade", "#fffffe"
NOTHING = "#eceef1"
"""Of what has no value: a cell, a stretch of a trace that nobody coded."""

Width = Literal["single", "double"]
WIDTHS: dict[Width, float] = {"single": 85 / 25.4, "double": 180 / 25.4}
"""Inches of one column of a journal's page, and of two."""

PAGE = WIDTHS["double"]
TALL = 9.0
"""Inches: a figure that would be taller is drawn denser, or in panels side by side."""

MARGIN = 0.06
"""Inches that stay empty along every edge, and between two texts at least."""

LINE = 1.25
"""Height of a line, in sizes of its letters."""

LEAST = 5.0
"""Points: no smaller letters."""

Align = Literal["left", "center", "right"]


class Sizes(NamedTuple):
    """Sizes of letters, in points."""

    text: float
    small: float
    tiny: float


def sizes(width: float) -> Sizes:
    """For a sheet of that width."""
    return Sizes(8.5, 7.5, 6.5) if width > (WIDTHS["single"] + PAGE) / 2 else Sizes(7.0, 6.5, 5.5)


@contextmanager
def style(salt: str, fonts: Sequence[str] = ()) -> Iterator[None]:
    """The look of all figures, put back afterwards. ``salt`` makes ids, and so the bytes, repeatable."""
    import matplotlib as mpl

    look: dict[str, Any] = {
        "svg.fonttype": "none",
        "svg.hashsalt": salt,
        "text.hinting": "none",
        "font.family": list(
            fonts or families()
        ),  # of several families the first that has a letter is taken; of "sans-serif" one
        "font.size": 8.5,
        "axes.facecolor": "none",
        "axes.edgecolor": MUTED,
        "axes.linewidth": 0.7,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.unicode_minus": True,
        "text.color": INK,
        "text.parse_math": False,
        "axes.labelcolor": INK,
        "axes.titlecolor": INK,
        "xtick.color": MUTED,
        "ytick.color": MUTED,
        "xtick.labelcolor": INK,
        "ytick.labelcolor": INK,
        "xtick.major.pad": 2.5,
        "ytick.major.pad": 3,
        "grid.color": RULE,
        "grid.linewidth": 0.6,
        "hatch.linewidth": 0.6,
    }
    with mpl.rc_context(cast(Any, look)):
        yield


def sheet(width: float, height: float) -> Canvas:
    """An empty figure of that many inches, with a renderer to measure by."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure as Canvas

    figure = Canvas(figsize=(width, height))
    FigureCanvasAgg(figure)
    return figure


def box(figure: Canvas, left: float, top: float, width: float, height: float) -> Axes:
    """Axes of so many inches, so far from the upper left corner."""
    across, down = figure.get_size_inches()
    return figure.add_axes((left / across, 1 - (top + height) / down, width / across, height / down))


def write(
    figure: Canvas,
    text: str,
    left: float,
    top: float,
    size: float,
    align: Align = "left",
    va: str = "top",
    **more: Any,
) -> None:
    """Text whose first line has its top there, in inches from the upper left corner; ``va``: or what else of the text."""
    place = figure.dpi_scale_trans
    height = figure.get_size_inches()[1]
    figure.text(
        left, height - top, text, transform=place, fontsize=size, ha=align, va=va, linespacing=LINE / 1.2, **more
    )  # fmt: skip


def grown(figure: Canvas, more: float) -> None:
    """Put so many inches of empty paper above what is drawn."""
    width, height = figure.get_size_inches()
    share = height / (height + more)
    for axes in figure.axes:
        place = axes.get_position()
        axes.set_position((place.x0, place.y0 * share, place.width, place.height * share))
    figure.set_size_inches(width, height + more)


@lru_cache(maxsize=1)
def _renderer() -> Any:
    from matplotlib.backends.backend_agg import RendererAgg

    return RendererAgg(1, 1, _DPI)  # type: ignore[no-untyped-call]


_DPI = 288
LONGEST_LABEL = 300
"""Letters of a line that are measured: more than any page is wide."""


def wide(text: str, size: float) -> float:
    """Inches that the longest line of a text needs; a letter that no font here has counts as wide as where one has it."""
    import matplotlib as mpl

    fonts = tuple(mpl.rcParams["font.family"])
    return max((_wide(line[:LONGEST_LABEL], size, fonts) for line in text.split("\n")), default=0.0)


@lru_cache(maxsize=20_000)
def _wide(line: str, size: float, fonts: tuple[str, ...]) -> float:
    from matplotlib.font_manager import FontProperties

    missing = without_glyph(line, fonts)
    known = "".join(letter for letter in line if letter not in missing)
    own = FontProperties(size=size)
    width: float = _renderer().get_text_width_height_descent(known, own, False)[0] / _DPI if known else 0.0
    em = size / 72
    return width + sum(
        em if unicodedata.east_asian_width(c) in "WF" else 0.65 * em for c in line if c in missing
    )


def high(text: str, size: float) -> float:
    """Inches that the lines of a text need."""
    return (text.count("\n") + 1) * size * LINE / 72


def fitted(labels: Sequence[str], size: float, room: float, lines: int = 1) -> list[str]:
    """Each label in at most so many lines of ``room`` inches: as it is, else broken, else shortened in its middle; never two alike."""
    found: list[str] = []
    for label in labels:
        plain = _ends_of(" ".join(label.split()), lines * LONGEST_LABEL)
        short = _fitted(plain, size, room, lines)
        n = 2
        while short in found and labels[found.index(short)] != label:
            mark = f"·{n}"
            short = _shortened(plain, size, room - wide(mark, size)) + mark
            n += 1
        found.append(short)
    return found


def _ends_of(label: str, most: int) -> str:
    """Both ends of a label that no page has room for: measuring it again and again takes minutes, and drawing it fails."""
    if len(label) <= most:
        return label
    tail = most * 2 // 5
    return f"{label[: most - tail - 1]}…{label[-tail:]}"


def _fitted(label: str, size: float, room: float, lines: int) -> str:
    if wide(label, size) <= room:
        return label
    for few in range(2, lines + 1):
        if (broken := _broken(label, size, room, few)) is not None:
            return broken
    if lines == 1:
        return _shortened(label, size, room)
    # The first lines as they come, as far as they fit, the rest in the last one.
    head = list(
        takewhile(lambda line: wide(line.strip(), size) <= room, _lines(label, size, room)[: lines - 1])
    )
    rest = label[len("".join(head)) :].strip()
    head = [line.strip() for line in head]
    return "\n".join([*head, _shortened(rest, size, room)])


def _broken(label: str, size: float, room: float, lines: int) -> str | None:
    found = _lines(label, size, room)
    fits = len(found) <= lines and all(wide(line.strip(), size) <= room for line in found)
    return "\n".join(line.strip() for line in found) if fits else None


_PIECES = re.compile(r"[^\s\-–_./:]*[\s\-–_./:]+|[^\s\-–_./:]+")


HANGUL = "\uac00", "\ud7a3"
"""The first and the last syllable: Korean has blanks between words."""


def _pieces(label: str) -> list[str]:
    """Between which a line may end: after blanks and joints, and between the letters of scripts that have no blanks."""
    found: list[str] = []
    for piece in _PIECES.findall(label):
        rest = ""
        for letter in piece:
            if unicodedata.east_asian_width(letter) in "WF" and not HANGUL[0] <= letter <= HANGUL[1]:
                found += [rest + letter]
                rest = ""
            else:
                rest += letter
        if rest:
            found.append(rest)
    return found


def _lines(label: str, size: float, room: float) -> list[str]:
    lines = [""]
    for piece in _pieces(label):
        if lines[-1] and wide((lines[-1] + piece).strip(), size) > room:
            lines.append("")
        lines[-1] += piece
    return lines


def _shortened(label: str, size: float, room: float) -> str:
    """As much of both ends as fits, with ``…`` between; the beginning is the longer one."""
    if wide(label, size) <= room:
        return label
    label = _ends_of(label, LONGEST_LABEL)
    head = bisect_right(
        range(len(label)), room, key=lambda n: wide(label[:n], size)
    )  # three fifths of what is kept
    for kept in range(min(len(label) - 1, (head + 2) * 5 // 3), 0, -1):
        tail = kept * 2 // 5
        short = f"{label[: kept - tail].rstrip()}…{label[len(label) - tail :].lstrip() if tail else ''}"
        if wide(short, size) <= room:
            return short
    return "…"


def widest(labels: Sequence[str], size: float) -> float:
    """Inches of the widest of them."""
    return max((wide(label, size) for label in labels), default=0.0)
