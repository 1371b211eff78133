"""What the reasoning of each group is made of: bars that are full at 100 %, codes in the codebook's order, rare ones together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ...codebook.code_colors import HATCHES, NO_CODE, on
from ...estimate import Floats
from ...formatting import shown
from .axis_ticks import number_ticks
from .figure_legend import HATCH_INK, Legend, Sign
from .pointed_values import point
from .sheet import MARGIN, PAPER, box, fitted, high, sheet, sizes, wide, widest, write

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas

MOST_PARTS = 24
"""Codes that a bar shows apart; of more, the rarest are drawn as one."""


class BarPart(NamedTuple):
    """A code in the bars."""

    name: str
    color: str
    hatch: str = ""


def with_other(parts: Sequence[BarPart], values: Floats) -> tuple[tuple[BarPart, ...], Floats, int]:
    """The parts and their (names, parts) values, those that are rare in every bar as one, ``other (17 codes)``; and how many these are.

    *None* has the same grey, and no pattern.
    """
    if len(parts) <= MOST_PARTS:
        return tuple(parts), values, 0
    most = np.nan_to_num(values).max(axis=0)
    kept = np.sort(np.argsort(-most, kind="stable")[: MOST_PARTS - 1])
    rest = np.setdiff1d(np.arange(len(parts)), kept)
    together = values[:, rest].sum(axis=1, keepdims=True)
    return (
        (*(parts[k] for k in kept), BarPart(f"other ({len(rest)} codes)", NO_CODE, HATCHES[1])),
        np.hstack([values[:, kept], together]),
        len(rest),
    )


def stacked_bars(
    names: Sequence[str], parts: Sequence[BarPart], values: Floats, *, width: float, axis: str
) -> Canvas:
    """(names, parts) shares in order, large ones with their name."""
    size = sizes(width)
    step = 0.36 if width > 5 else 0.3
    labels = fitted(names, size.text, 0.3 * width, 2)
    left = MARGIN + widest(labels, size.text) + 0.08
    inside = width - left - 0.24
    legend = Legend(
        [Sign(part.name, part.color, part.hatch) for part in parts], width - 2 * MARGIN, size.small
    )
    top = legend.height + MARGIN
    tall = step * len(names)
    figure = sheet(width, top + tall + high("0", size.small) + 0.08 + high(axis, size.text) + MARGIN)
    legend.draw(figure, MARGIN, MARGIN / 2)
    axes = box(figure, left, top, inside, tall)
    begin = np.zeros(len(names))
    for part, share in zip(parts, values.T, strict=True):
        axes.barh(range(len(names)), share, left=begin, color=part.color, height=0.74, lw=0.6, ec=PAPER,
                  hatch=part.hatch or None, hatchcolor=HATCH_INK)  # fmt: skip
        for row, (start, long) in enumerate(zip(begin, share, strict=True)):
            said = f"{names[row]}, {part.name}: {shown(float(long), 'share')}"
            if long > 0:
                point(axes, (start, start + long), (row - 0.37, row + 0.37), said)
            if not part.hatch and wide(part.name, size.tiny) + 0.06 < long * inside:
                axes.text(
                    start + long / 2,
                    row,
                    part.name,
                    ha="center",
                    va="center",
                    fontsize=size.tiny,
                    color=on(part.color),
                )
        begin = begin + share
    axes.set_yticks(range(len(names)), labels)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_xlim(0, 1)
    axes.tick_params(axis="y", length=0, labelsize=size.text)
    axes.tick_params(axis="x", length=2.5, labelsize=size.small)
    axes.spines["left"].set_visible(False)
    number_ticks(axes, inside, size.small, percent=True, over=0.22)
    write(figure, axis, left + inside / 2, top + tall + high("0", size.small) + 0.06, size.text, "center")
    return figure
