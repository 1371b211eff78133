"""Estimates as dots with their intervals, one row for each name; groups side by side in the row, or in panels where there are many.

IA-SQ  ├──●──┤                       ├──●──┤  │     ├─●─┤
       ├───◇───┤        or    IA-SQ   cop     │   generic
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ...estimate import Estimate
from ...formatting import Kind, interval, shown
from .axis_ticks import number_ticks
from .figure_legend import Legend, Sign
from .pointed_values import point
from .sheet import INK, MARGIN, MUTED, PAPER, TALL, box, fitted, high, sheet, sizes, wide, widest, write

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

SHAPES = ("o", "D", "s", "^", "v", "P", "X", "p")
HOLLOW = len(SHAPES)
"""A group of hollow circles."""

LEAST_PANEL = 0.95
"""Inches of a panel that can still be read."""


@dataclass(frozen=True)
class Dot:
    """An estimate in a row: ``thin`` is a second, usually shorter, interval drawn as a hair line."""

    estimate: Estimate
    color: str = INK
    group: int = 0
    thin: tuple[float, float] | None = None


class DotAxis(NamedTuple):
    """What the horizontal axis is: its words, what lies towards its ``ends``, marks with their words, and how it is divided."""

    words: str
    ends: tuple[str, str] = ("", "")
    marks: Mapping[float, str] = {}
    percent: bool = False
    limits: tuple[float | None, float | None] = (None, None)
    log: bool = False


def dot_rows(
    names: Sequence[str],
    rows: Sequence[Sequence[Dot]],
    *,
    width: float,
    axis: str,
    groups: Sequence[str] = (),
    ends: tuple[str, str] = ("", ""),
    marks: Mapping[float, str] | None = None,
    percent: bool = False,
    limits: tuple[float | None, float | None] = (None, None),
    log: bool = False,
) -> Canvas:
    """One row for each name, with a dot for each estimate. ``marks``: vertical lines by place, with their words; ``log``: a logarithmic
    axis, where values of 0 stand at the left edge."""
    line = DotAxis(axis, ends, marks or {}, percent, limits, log and _can_be_log(rows))
    most = max((len(row) for row in rows), default=1)
    used = sorted({dot.group for row in rows for dot in row})
    step = _step(len(rows), most)
    if step is None and len(groups) > 1:
        return _panels(names, rows, line, groups, width)
    plot = _Plot(names, rows, line, width, step or 0.085 * most + 0.07, groups)
    signs = [
        Sign(groups[n], MUTED, shape=SHAPES[n % len(SHAPES)], hollow=n % 2 == 1) for n in used
    ] if len(groups) > 1 else []  # fmt: skip
    legend = Legend(signs, width - 2 * MARGIN, plot.size.small)
    figure = sheet(width, legend.height + plot.head + plot.height + plot.foot)
    legend.draw(figure, MARGIN, MARGIN / 2)
    plot.draw(
        figure,
        MARGIN + plot.label_room,
        legend.height + plot.head,
        width - 2 * MARGIN - plot.label_room - plot.right,
    )
    return figure


def _step(rows: int, most: int) -> float | None:
    """Inches of a row: roomy, or dense where the figure would be too tall; `None` where that is not enough."""
    for step in (0.13 * most + 0.13, 0.1 * most + 0.09, 0.085 * most + 0.07):
        if step * rows <= TALL - 1.5:
            return step
    return None


def _panels(
    names: Sequence[str], rows: Sequence[Sequence[Dot]], line: DotAxis, groups: Sequence[str], width: float
) -> Canvas:
    """A panel for each group, on one scale, as many side by side as can be read."""
    numbers = sorted({dot.group for row in rows for dot in row})
    low, high_ = _reach([dot for row in rows for dot in row], line)
    line = line._replace(limits=(low, high_))
    step = next((s for s in (0.2, 0.165) if s * len(rows) <= TALL - 1.5), 0.13)
    plots = [
        _Plot(names, [[replace(dot, group=0) for dot in row if dot.group == n] for row in rows], line._replace(words="", ends=("", "")), width, step, [groups[n]])
        for n in numbers
    ]  # fmt: skip
    first = plots[0]
    size, gap = first.size, 0.22
    room = width - 2 * MARGIN - first.label_room - first.right
    across = max(1, min(len(plots), int((room + gap) / (LEAST_PANEL + gap))))
    across = -(-len(plots) // -(-len(plots) // across))
    panel = (room - gap * (across - 1)) / across
    titles = fitted([groups[n] for n in numbers], size.small, panel + gap - MARGIN, 2)
    title = max(high(words, size.small) for words in titles) + 0.03
    down = -(-len(plots) // across)
    one = title + first.head + first.height + first.foot
    words = fitted([line.words], size.text, room, 2)[0]
    figure = sheet(width, one * down + high(words, size.text) + MARGIN)
    for number, (plot, words_) in enumerate(zip(plots, titles, strict=True)):
        row, column = divmod(number, across)
        left, top = MARGIN + first.label_room + column * (panel + gap), row * one + MARGIN / 2
        write(figure, words_, left, top, size.small)
        plot.draw(figure, left, top + title + first.head, panel, named=column == 0, marked=column == 0)
    write(figure, words, MARGIN + first.label_room + room / 2, one * down, size.text, "center")
    return figure


def _can_be_log(rows: Sequence[Sequence[Dot]]) -> bool:
    return any((dot.estimate.value or 0) > 0 for row in rows for dot in row)


def _reach(dots: Sequence[Dot], line: DotAxis) -> tuple[float, float]:
    """Both ends of the axis: all estimates, intervals and marks, and what was asked for."""
    seen = [
        x for dot in dots for x in (dot.estimate.value, *(dot.estimate.interval or ()), *(dot.thin or ()))
    ]
    found = [*(float(x) for x in seen if x is not None and np.isfinite(x)), *line.marks]
    if line.log and line.limits[0] and line.limits[1]:
        return line.limits[0], line.limits[1]
    if line.log:
        above = [x for x in found if x > 0]
        return min(above) / 1.6, max(above) * 1.25
    low = min(found, default=0.0) if line.limits[0] is None else line.limits[0]
    high_ = max(found, default=1.0) if line.limits[1] is None else line.limits[1]
    if high_ <= low:
        high_ = low + 1
    pad = 0.03 * (high_ - low)
    return (
        low - pad if line.limits[0] is None or line.limits[0] == 0 else low,
        high_ + pad if line.limits[1] is None else high_,
    )


def as_limits(values: Sequence[float]) -> tuple[float, float]:
    """Both ends of an axis for the values, with some room."""
    low, up = min(values), max(values)
    pad = 0.06 * ((up - low) or 1.0)
    return low - pad, up + pad


class _Plot:
    """One panel: what it needs around it is known before it is drawn. Inches."""

    def __init__(
        self,
        names: Sequence[str],
        rows: Sequence[Sequence[Dot]],
        line: DotAxis,
        width: float,
        step: float,
        groups: Sequence[str] = (),
    ) -> None:
        self.rows, self.line, self.step = rows, line, step
        self.full, self.groups = names, groups
        self.size = sizes(width)
        self.letters = min(self.size.text, step * 72 / 1.12)
        lines = max(1, int(step * 72 / (self.letters * 1.25)))
        self.names = fitted(names, self.letters, 0.36 * width, min(3, lines))
        self.label_room = widest(self.names, self.letters) + 0.08
        self.right = 0.2
        self.height = max(step * len(rows), 0.45)
        self.inside = width - 2 * MARGIN - self.label_room - self.right
        self.reach = _reach([dot for row in rows for dot in row], line)
        self.words = fitted([line.words], self.size.text, width - 2 * MARGIN, 2)[0] if line.words else ""
        self.marks = self._levels()
        self.head = max((level for _, _, level in self.marks), default=-1) * high("x", self.size.tiny)
        self.head = self.head + high("x", self.size.tiny) + 0.04 if self.marks else MARGIN
        self.ticks = high("0", self.size.small) + 0.06
        self.ends = fitted(line.ends, self.size.small, self.inside / 2 - MARGIN, 2) if any(line.ends) else []
        self.end_height = max((high(words, self.size.small) for words in self.ends), default=0.0)
        self.foot = (
            self.ticks + self.end_height + (high(self.words, self.size.text) if self.words else 0) + MARGIN
        )

    def _levels(self) -> list[tuple[float, str, int]]:
        """Words above the marks: where two would touch, the next stands a line higher."""
        found: list[tuple[float, str, int]] = []
        ends: list[float] = []
        for at, words in sorted(self.line.marks.items()):
            if words:
                half = wide(words, self.size.tiny) / 2
                x = self.place(at) * self.inside
                level = next((n for n, end in enumerate(ends) if end < x - half), len(ends))
                ends[level : level + 1] = [x + half + MARGIN]
                found.append((at, words, level))
        return found

    def place(self, value: float) -> float:
        """Where on the axis, from 0 to 1."""
        low, high_ = self.reach
        if self.line.log:
            return float((np.log(value) - np.log(low)) / (np.log(high_) - np.log(low)))
        return (value - low) / (high_ - low)

    def draw(
        self,
        figure: Canvas,
        left: float,
        top: float,
        width: float,
        *,
        named: bool = True,
        marked: bool = True,
    ) -> None:
        axes = box(figure, left, top, width, self.height)
        for place, row in enumerate(self.rows):
            for number, dot in enumerate(row):
                y = place + (number - (len(row) - 1) / 2) * 0.8 / max(1, len(row))
                self._dot(axes, dot, y)
                self._point(axes, dot, self.full[place], y, 0.4 / max(1, len(row)))
        for at in self.line.marks:
            axes.axvline(at, color=INK if at else MUTED, lw=0.9, ls=(0, (4, 2.5)), zorder=1)
        for at, words, level in self.marks if marked else ():
            x = min(
                max(self.place(at) * width, wide(words, self.size.tiny) / 2 - 0.1),
                width + self.right - wide(words, self.size.tiny) / 2,
            )
            write(
                figure,
                words,
                left + x,
                top - 0.03 - (level + 1) * high("x", self.size.tiny),
                self.size.tiny,
                "center",
                color=MUTED,
            )
        self._frame(axes, width, named)
        below = top + self.height + self.ticks
        if self.ends:
            first, last = self.ends
            write(figure, first, left, below, self.size.small, color=MUTED)
            write(figure, last, left + width, below, self.size.small, "right", color=MUTED)
        if self.words:
            middle = min(
                max(left + width / 2, wide(self.words, self.size.text) / 2 + MARGIN),
                figure.get_size_inches()[0] - wide(self.words, self.size.text) / 2 - MARGIN,
            )
            write(figure, self.words, middle, below + self.end_height, self.size.text, "center")

    def _frame(self, axes: Axes, width: float, named: bool) -> None:
        axes.set_yticks(range(len(self.rows)), self.names if named else [""] * len(self.rows))
        axes.set_ylim(len(self.rows) - 0.5, -0.5)
        axes.tick_params(axis="y", length=0, labelsize=self.letters)
        axes.tick_params(axis="x", length=2.5, labelsize=self.size.small)
        axes.spines["left"].set_visible(False)
        axes.grid(axis="x")
        axes.set_axisbelow(True)
        if self.line.log:
            axes.set_xscale("log")
        axes.set_xlim(*self.reach)
        number_ticks(
            axes,
            width,
            self.size.small,
            percent=self.line.percent,
            log=self.line.log,
            over=self.right if self.line.words else 0.09,
        )

    def _dot(self, axes: Axes, dot: Dot, y: float) -> None:
        value, span = dot.estimate.value, dot.estimate.interval
        if value is None or not np.isfinite(value):
            return
        ms = min(6.0, self.step * 72 * 0.55 / max(1, max(map(len, self.rows))) + 1.4)
        if span:
            axes.plot(self._seen(span), [y, y], color=dot.color, lw=ms / 3, solid_capstyle="round", zorder=2)
        if dot.thin:
            axes.plot(self._seen(dot.thin), [y + 0.12, y + 0.12], color=MUTED, lw=0.8, zorder=1.5)
        filled = dot.group % 2 == 0 and dot.group != HOLLOW
        axes.plot(
            self._seen([value]), [y], SHAPES[dot.group % len(SHAPES)], ms=ms, mfc=dot.color if filled else PAPER,
            mec=INK if filled else dot.color, mew=0.5 if filled else ms / 4.5, zorder=3, clip_on=False,
        )  # fmt: skip

    def _point(self, axes: Axes, dot: Dot, name: str, y: float, half: float) -> None:
        """What stands there, over the whole interval."""
        value, span = dot.estimate.value, dot.estimate.interval
        if value is None or not np.isfinite(value):
            return
        near_one = max(map(abs, self.reach)) < 2
        kind: Kind = "share" if self.line.percent else "coefficient" if near_one else "number"
        who = f"{name}, {self.groups[dot.group]}" if dot.group < len(self.groups) else name
        limits = f" {interval(*span, kind)}" if span else ""
        ends = self._seen([x for x in (value, *(span or ())) if np.isfinite(x)])
        point(axes, (min(ends), max(ends)), (y - half, y + half), f"{who}: {shown(value, kind)}{limits}")

    def _seen(self, values: Sequence[float]) -> Any:
        return np.maximum(values, self.reach[0]) if self.line.log else values
