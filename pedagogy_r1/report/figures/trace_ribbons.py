"""Chosen traces from their first letter to their last, a ribbon for each coder, units in their codes' colours.

t-017   A     ▓▓▓▓░░░▒▒▒▒▒▒▓▓          a gap: text that the coder was not asked about
        cues  ▓▓░░░░░▒▒▒▒▓▓▓▓▓
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from .axis_ticks import number_ticks
from .figure_legend import HATCH_INK, Legend, Sign
from .sheet import MARGIN, NOTHING, RULE, box, fitted, high, sheet, sizes, widest, write

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas
    from matplotlib.path import Path

RIBBON, BETWEEN = 0.17, 0.05
"""Inches of a ribbon, and of the paper below it."""


BLANK, FINEST = 2, 600
"""Letters of white space between units, and lines an inch that nobody tells apart."""


class Stretch(NamedTuple):
    """A unit: from which letter to which, and the sign of its code; `None` where it was asked about and has no coding."""

    start: int
    end: int
    sign: str | None


class TraceRibbon(NamedTuple):
    """A trace's ribbons: its title, its length in letters, and by coder what was said of it."""

    title: str
    length: int
    coders: Mapping[str, Sequence[Stretch]]


def ribbons(
    traces: Sequence[TraceRibbon], signs: Mapping[str, Sign], *, width: float, axis: str, missing: str
) -> Canvas:
    """``signs``: code → how it is drawn and called; ``missing``: what a unit without a coding is called."""
    size = sizes(width)
    said = {stretch.sign for trace in traces for own in trace.coders.values() for stretch in own}
    used = [sign for code, sign in signs.items() if code in said]
    used += [Sign(missing, NOTHING)] if None in said else []
    legend = Legend(used, width - 2 * MARGIN, size.small)
    coders = list(dict.fromkeys(name for trace in traces for name in trace.coders))
    called = dict(zip(coders, fitted(coders, size.small, 0.25 * width), strict=True))
    left = MARGIN + widest(list(called.values()), size.small) + 0.08
    inside = width - left - 0.15
    title, below = high("x", size.text) + 0.03, high("0", size.tiny) + 0.1
    talls = [(RIBBON + BETWEEN) * max(1, len(trace.coders)) for trace in traces]
    words = high(axis, size.small) + MARGIN
    figure = sheet(width, legend.height + MARGIN + sum(title + tall + below for tall in talls) + words)
    legend.draw(figure, MARGIN, MARGIN / 2)
    top = legend.height + MARGIN
    for trace, tall in zip(traces, talls, strict=True):
        write(figure, fitted([trace.title], size.text, inside)[0], left, top, size.text)
        axes = box(figure, left, top + title, inside, tall)
        _ribbons(axes, trace, signs, inside)
        axes.set_yticks(range(len(trace.coders)), [called[name] for name in trace.coders])
        axes.tick_params(axis="y", length=0, labelsize=size.small)
        axes.tick_params(axis="x", length=2, labelsize=size.tiny)
        axes.spines["left"].set_visible(False)
        number_ticks(axes, inside, size.tiny, over=0.14, thousands=True)
        top += title + tall + below
    write(figure, axis, left + inside / 2, top, size.small, "center")
    return figure


def joined(own: Sequence[Stretch], unseen: float) -> list[Stretch]:
    """Neighbours of the same code as one; the white space between two units, and what is no longer than ``unseen``, parts nothing.

    >>> joined([Stretch(0, 5, "A"), Stretch(6, 9, "A"), Stretch(10, 12, "B"), Stretch(80, 90, "B")], 2)
    [Stretch(start=0, end=9, sign='A'), Stretch(start=10, end=12, sign='B'), Stretch(start=80, end=90, sign='B')]
    """
    found: list[Stretch] = []
    for stretch in sorted(own, key=lambda one: (one.start, one.end)):
        last = found[-1] if found else None
        if last and last.sign == stretch.sign and stretch.start - last.end <= max(unseen, BLANK):
            found[-1] = last._replace(end=max(last.end, stretch.end))
        else:
            found.append(stretch)
    return found


def _ribbons(axes: Axes, trace: TraceRibbon, signs: Mapping[str, Sign], inside: float) -> None:
    """On so many inches of paper."""
    from matplotlib.patches import PathPatch

    high_ = RIBBON / (RIBBON + BETWEEN)
    axes.set_xlim(0, max(1, trace.length))
    axes.set_ylim(max(1, len(trace.coders)) - 0.5, -0.5)
    for row, own in enumerate(trace.coders.values()):
        axes.axhline(row, color=RULE, lw=0.6, zorder=0)
        of: dict[str | None, list[tuple[float, float]]] = {}
        for stretch in joined(own, trace.length / (inside * FINEST)):
            of.setdefault(stretch.sign, []).append((stretch.start, stretch.end - stretch.start))
        for code, spans in of.items():
            sign = Sign("", NOTHING) if code is None else signs[code]
            # One path for all: an element for each unit makes an SVG of megabytes.
            axes.add_patch(PathPatch(
                _bars(spans, row - high_ / 2, row + high_ / 2), facecolor=sign.color, edgecolor=sign.color, lw=0.15,
                hatch=sign.hatch or None, hatchcolor=HATCH_INK,
            ))  # fmt: skip


def _bars(spans: Sequence[tuple[float, float]], low: float, high_: float) -> Path:
    """Rectangles as one path. ``spans``: where each begins, and how long it is."""
    from matplotlib.path import Path

    corners = [[(x, low), (x, high_), (x + long, high_), (x + long, low), (x, low)] for x, long in spans]
    return Path(
        np.array(corners).reshape(-1, 2),
        [Path.MOVETO, Path.LINETO, Path.LINETO, Path.LINETO, Path.CLOSEPOLY] * len(corners),
    )
