"""Where in the trace each code appears: a small picture for each, a line with its interval as a band, each on its own scale."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ...estimate import Estimate
from .axis_ticks import upward_ticks
from .pointed_values import point
from .sheet import MARGIN, TALL, box, fitted, high, sheet, sizes, wide, write

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

HEIGHTS = (0.85, 0.65, 0.5)
"""Inches of a picture; the tallest at which the sheet is not too tall."""


def profiles(
    names: Sequence[str],
    edges: Sequence[float],
    shares: Sequence[Sequence[Estimate]],
    colors: Sequence[str],
    *,
    width: float,
    axis: str,
    of: str,
    write_share: Callable[[float], str],
) -> Canvas:
    """``axis``: what is along the trace; ``of``: what is upwards."""
    size = sizes(width)
    few, many = (4, 6) if width > 5 else (2, 3)
    across = min(few if len(names) <= 4 * few else many, max(1, len(names)))
    down = -(-len(names) // across)
    side = high("x", size.small) + MARGIN
    ticks = wide("00.0 %", size.tiny) + 0.06
    one = (width - 2 * MARGIN - side) / across
    inside = one - ticks - 0.1
    titles = fitted(names, size.small, one - 0.1 - ticks / 2, 2)
    title = max((high(words, size.small) for words in titles), default=0.0) + 0.09
    below = high("x", size.tiny) + 0.08
    tall = next((h for h in HEIGHTS if (h + title + below) * down <= TALL), HEIGHTS[-1])
    step = title + tall + below
    figure = sheet(width, step * down + high("x", size.small) + MARGIN)
    for number, words in enumerate(titles):
        row, column = divmod(number, across)
        left, top = MARGIN + side + column * one + ticks, row * step + title
        write(figure, words, left - ticks / 2, top - 0.06, size.small, va="bottom")
        axes = box(figure, left, top, inside, tall)
        _profile(axes, edges, shares[number], colors[number], write_share, size.tiny)
        for k, e in enumerate(shares[number]):
            if e.value is not None:
                limits = (
                    f" [{write_share(e.interval[0])}, {write_share(e.interval[1])}]" if e.interval else ""
                )
                where = f"{names[number]}, {100 * edges[k]:.0f} to {100 * edges[k + 1]:.0f} % of the trace"
                point(
                    axes,
                    (edges[k], edges[k + 1]),
                    axes.get_ylim(),
                    f"{where}: {write_share(e.value)}{limits}",
                )
    bottom = step * down
    write(figure, axis, MARGIN + side + (width - 2 * MARGIN - side) / 2, bottom, size.small, "center")
    figure.text(
        MARGIN + high("x", size.small) / 2, figure.get_size_inches()[1] - bottom / 2, of, fontsize=size.small, rotation=90,
        ha="center", va="center", transform=figure.dpi_scale_trans,
    )  # fmt: skip
    return figure


def _profile(
    axes: Axes, edges: Sequence[float], shares: Sequence[Estimate], color: str, write_share: Callable[[float], str], size: float
) -> None:  # fmt: skip
    middle = (np.asarray(edges)[1:] + np.asarray(edges)[:-1]) / 2
    own = np.array([np.nan if e.value is None else e.value for e in shares])
    low, up = np.array([e.interval or (np.nan, np.nan) for e in shares]).T
    axes.fill_between(middle, low, up, color=color, alpha=0.25, lw=0)
    axes.plot(middle, own, color=color, lw=1.6)
    top = max(float(np.nanmax(np.concatenate([own, up]), initial=0.0)), 0.01)
    axes.set_ylim(0, min(1.0, top * 1.04))
    axes.set_xlim(0, 1)
    axes.set_xticks([0, 0.5, 1], ["start", "", "end"])
    for label, align in zip(axes.get_xticklabels(), ("left", "center", "right"), strict=True):
        label.set_horizontalalignment(align)  # type: ignore[arg-type]
    upward_ticks(axes, 2, write_share)
    axes.tick_params(length=2, labelsize=size)
    axes.grid(axis="y")
    axes.set_axisbelow(True)
