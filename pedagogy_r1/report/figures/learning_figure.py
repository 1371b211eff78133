"""What more traces teach a learned coder: its α with people on traces set aside, against how many it learned from.

α   .667 ─ ─ ─ ─ ─ ─ ─ ─
           ·  ●──○           single draws, and their mean
      ·●───
    ──────────────── traces learned from
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ...codebook.code_colors import DISTINCT
from .axis_ticks import number_ticks, upward_ticks
from .dot_plot import as_limits
from .figure_legend import Legend, Sign
from .sheet import INK, MARGIN, MUTED, box, fitted, high, sheet, sizes, wide, write

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

BLUE = DISTINCT[10]
TALL_CURVE = 2.2


def learning_curve(
    points: Sequence[tuple[int, float, Sequence[float]]],
    *,
    width: float,
    marks: Mapping[float, str],
    reading: str,
    said: str = "",
) -> Canvas:
    """``points``: traces learned from, mean α, single α; ``marks``: α with their words; ``reading``: whose agreement it is; ``said``: a
    sentence below, of what more traces would bring."""
    size = sizes(width)
    signs = [Sign("mean of the draws", BLUE, shape="o"), Sign("single draw", MUTED, shape="D", hollow=True)]
    legend = Legend(signs, width - 2 * MARGIN, size.small)
    words = fitted(list(marks.values()), size.tiny, 0.24 * width)
    left = MARGIN + high("x", size.small) + wide("−0.00", size.small) + 0.1
    inside = width - left - max((wide(word, size.tiny) for word in words), default=0.1) - 2 * MARGIN
    note = fitted([said], size.small, width - 2 * MARGIN, 6)[0]
    top = legend.height + MARGIN
    below = top + TALL_CURVE + high("0", size.small) + 0.06
    figure = sheet(
        width, below + high("x", size.text) + (high(note, size.small) + MARGIN if said else 0) + MARGIN
    )
    legend.draw(figure, MARGIN, MARGIN / 2)
    axes = box(figure, left, top, inside, TALL_CURVE)
    for n, _, single in points:
        axes.plot([n] * len(single), single, "D", ms=2.6, mfc="none", mec=MUTED, mew=0.7, zorder=2)
    means = [(n, alpha) for n, alpha, _ in points]
    axes.plot(*zip(*means, strict=True), "o-", color=BLUE, ms=4.5, lw=1.5, mec=INK, mew=0.5, zorder=3)
    axes.set_ylim(*as_limits([*(x for _, alpha, single in points for x in (alpha, *single)), *marks]))
    axes.set_xlim(0, max(n for n, _ in means) * 1.06)
    _marks(figure, axes, dict(zip(marks, words, strict=True)), left + inside, top, size.tiny)
    axes.tick_params(length=2.5, labelsize=size.small)
    axes.grid(axis="y")
    axes.set_axisbelow(True)
    number_ticks(axes, inside, size.small)
    upward_ticks(axes, 6)
    write(figure, "traces learned from", left + inside / 2, below, size.text, "center")
    write(figure, note, MARGIN, below + high("x", size.text) + MARGIN, size.small, color=MUTED)
    figure.text(
        MARGIN + high("x", size.small) / 2, figure.get_size_inches()[1] - top - TALL_CURVE / 2, fitted([reading], size.small, TALL_CURVE)[0],
        rotation=90, ha="center", va="center", fontsize=size.small, transform=figure.dpi_scale_trans,
    )  # fmt: skip
    return figure


def _marks(
    figure: Canvas, axes: Axes, marks: Mapping[float, str], right: float, top: float, size: float
) -> None:
    """Dashed lines with their words beside them; words that would touch stand a line apart."""
    low, up = axes.get_ylim()
    line, free = high("x", size), float("-inf")
    for at in sorted(marks):
        axes.axhline(at, color=INK, lw=0.9, ls=(0, (4, 2.5)), zorder=1)
        y = (at - low) / (up - low) * TALL_CURVE
        y = max(y, free)
        free = y + line
        write(figure, marks[at], right + MARGIN, top + TALL_CURVE - y, size, va="center", color=MUTED)
