"""Square cells coloured by their values: what follows what, what comes together, what one coder said where another said something else.

           IA-SQ  TR-SP  KA-RO
    IA-SQ    12      3      .        below -reach ▒▒▒░░░  ░░▓▓▓ above
    TR-SP     1     20      4

Where the columns of all codes have no room beside each other they stand in panels, one under another; numbers stand in the cells where
they fit.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ...codebook.code_colors import on
from ...estimate import Floats
from ...formatting import shown
from .axis_ticks import as_number
from .pointed_values import point
from .sheet import MARGIN, MUTED, PAPER, RULE, Sizes, box, fitted, high, sheet, sizes, wide, widest, write

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap, Normalize
    from matplotlib.figure import Figure as Canvas

LEAST_CELL, SPLIT_CELL = 0.082, 0.1
"""Inches of a cell: less, and its column's label cannot be read; then the columns are split, with so much for each."""

SLANT = 0.7072
"""Sine and cosine of the labels' slant, 45°."""


class Shades(NamedTuple):
    """The colours: of values from ``low`` to ``high``; what they mean, and the numbers under the bar."""

    colors: Colormap
    norm: Normalize
    words: str
    ticks: Sequence[tuple[float, str]]


def heat_map(
    rows: Sequence[str],
    names: Sequence[str],
    values: Floats,
    texts: Sequence[Sequence[str]],
    *,
    width: float,
    row_axis: str = "",
    axis: str = "",
    scale: str,
    reach: float | None = None,
    ticks: Sequence[tuple[float, str]] = (),
) -> Canvas:
    """(rows, columns) values as colours with their texts; NaN stays empty. ``scale``: what the colours mean.

    Shares in one hue; with ``reach`` two of them, for what lies above 0 and below, as far as that. ``ticks``: numbers under the bar of
    colours, where they are not the values themselves; the texts are then what is coloured.
    """
    shades = _shades(scale, reach, ticks)
    plan = _CellLayout(rows, names, width, row_axis, axis)
    head = _bar_height(plan.size)
    figure = sheet(
        width, head + sum(plan.panel_height(part) for part in plan.parts) + plan.axis_height + MARGIN
    )
    _bar(figure, shades, plan.size)
    size = _letters(texts, plan.cell, plan.size)
    top = head
    for part in plan.parts:
        axes = _cells(figure, plan, part, values, shades, top)
        for i, j in (
            (i, j) for i in range(len(rows)) for j in part if texts[i][j] or np.isfinite(values[i, j])
        ):
            which = f"{row_axis} {rows[i]}, {axis} {names[j]}".replace("  ", " ").strip(" ,")
            words = f"{scale}: {texts[i][j]}" if ticks else _said(texts[i][j], values[i, j], scale, reach)
            point(axes, (j - part.start, j - part.start + 1), (i, i + 1), f"{which}: {words}")
        _numbers(figure, plan, part, values, texts if size else (), size, shades, top)
        _labels(figure, plan, part, top)
        top += plan.panel_height(part)
    if axis:
        words = fitted([axis], plan.size.text, width - 2 * MARGIN)[0]
        half = wide(words, plan.size.text) / 2
        middle = min(
            max(plan.left + plan.cell * len(plan.parts[0]) / 2, half + MARGIN), width - half - MARGIN
        )
        write(figure, words, middle, top, plan.size.text, "center")
    return figure


def _said(text: str, value: float, scale: str, reach: float | None) -> str:
    """``12; z: 3.2``"""
    number = shown(None if np.isnan(value) else float(value), "number" if reach else "share")
    return "; ".join([*([text] if text else []), f"{scale}: {number}"])


class _CellLayout:
    """Where everything goes. Inches."""

    def __init__(
        self, rows: Sequence[str], names: Sequence[str], width: float, row_axis: str, axis: str
    ) -> None:
        self.size = size = sizes(width)
        self.row_axis = row_axis
        self.row_words = high("x", size.text) if row_axis else 0.0
        room = 0.3 * width
        first = min(widest(rows, size.small), room)
        self.left = MARGIN + self.row_words + first + 0.07
        inside = width - self.left - MARGIN
        parts = (
            1 if inside / max(1, len(names)) >= LEAST_CELL else int(np.ceil(len(names) * SPLIT_CELL / inside))
        )
        per = -(-len(names) // parts)
        self.parts = [range(k, min(k + per, len(names))) for k in range(0, len(names), per)]
        most = 0.5 if width > 5 else 0.3
        self.cell = min(most, inside / max(1, per))
        self.letters = min(size.small, self.cell * 72 / 1.15)
        self.slanted = self.cell * SLANT * 72 >= self.letters * 1.15
        self.rows = fitted(rows, self.letters, first, 2 if self.cell * 72 > 2.5 * self.letters else 1)
        self.names = fitted(names, self.letters, 0.24 * width)
        if self.slanted:
            over = [self._low(name) - self.cell * (j % per + 0.5) for j, name in enumerate(self.names)]
            self.left = max(self.left, MARGIN + max(over, default=0.0))
            self.cell = min(self.cell, (width - self.left - MARGIN) / max(1, per))
        self.axis_height = high("x", size.text) if axis else 0.0

    def _low(self, name: str) -> float:
        return (wide(name, self.letters) + high("x", self.letters)) * SLANT + 0.03

    def panel_height(self, part: range) -> float:
        """Of the cells and the columns' labels."""
        names = [self.names[j] for j in part]
        below = max(map(self._low, names)) if self.slanted else widest(names, self.letters) + 0.06
        return self.cell * len(self.rows) + below + MARGIN


def _shades(scale: str, reach: float | None, ticks: Sequence[tuple[float, str]]) -> Shades:
    from matplotlib import colormaps
    from matplotlib.colors import Normalize

    norm = Normalize(-reach if reach else 0, reach or 1, clip=True)
    own = [-reach, -reach / 2, 0.0, reach / 2, reach] if reach else [0.0, 0.25, 0.5, 0.75, 1.0]
    words = [as_number(round(x, 2)) if reach else f"{100 * x:.0f} %" for x in own]
    return Shades(
        colormaps["RdBu_r" if reach else "Blues"], norm, scale, ticks or list(zip(own, words, strict=True))
    )


def _bar_height(size: Sizes) -> float:
    return high("x", size.small) + 0.1 + high("0", size.tiny) + 0.16


def _bar(figure: Canvas, shades: Shades, size: Sizes) -> None:
    """The bar of colours with its words above and its numbers below, in the upper left corner."""
    width = float(figure.get_size_inches()[0])
    long = min(2.2, 0.6 * width)
    words = fitted([shades.words], size.small, width - 2 * MARGIN)[0]
    write(figure, words, MARGIN, MARGIN / 2, size.small)
    top = MARGIN / 2 + high("x", size.small) + 0.01
    left = MARGIN + wide(shades.ticks[0][1], size.tiny) / 2
    axes = box(figure, left, top, long, 0.09)
    low, high_ = float(shades.norm.vmin or 0), float(shades.norm.vmax or 1)
    steps = np.linspace(low, high_, 65)
    axes.pcolormesh(
        steps,
        [0, 1],
        [(steps[1:] + steps[:-1]) / 2],
        cmap=shades.colors,
        norm=shades.norm,
        edgecolors="face",
        linewidth=0.2,
    )
    axes.set_axis_off()
    end = -1.0
    for at, said in shades.ticks:
        x = left + (at - low) / (high_ - low) * long
        half = wide(said, size.tiny) / 2
        if x - half > end + MARGIN:
            write(figure, said, x, top + 0.1, size.tiny, "center", color=MUTED)
            end = x + half


def _letters(texts: Sequence[Sequence[str]], cell: float, size: Sizes) -> float:
    """Points of the numbers in the cells; 0 where the longest does not fit."""
    longest = [text for row in texts for text in row]
    for points in (size.small, size.tiny, 5.5, 5.0):
        if widest(longest, points) <= cell - 0.03 and high("0", points) <= cell:
            return points
    return 0.0


def _cells(
    figure: Canvas, plan: _CellLayout, part: range, values: Floats, shades: Shades, top: float
) -> Axes:
    axes = box(figure, plan.left, top, plan.cell * len(part), plan.cell * len(plan.rows))
    shown = np.ma.masked_invalid(values[:, part.start : part.stop])
    axes.pcolormesh(
        np.arange(len(part) + 1), np.arange(len(plan.rows) + 1), shown, cmap=shades.colors, norm=shades.norm,
        edgecolors=PAPER, linewidth=min(1.2, plan.cell * 4),
    )  # fmt: skip
    axes.set_ylim(len(plan.rows), 0)
    axes.set_xlim(0, len(part))
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set(visible=True, color=RULE, linewidth=0.5)
    return axes


def _numbers(
    figure: Canvas, plan: _CellLayout, part: range, values: Floats, texts: Sequence[Sequence[str]], size: float, shades: Shades, top: float
) -> None:  # fmt: skip
    from matplotlib.colors import to_hex

    down = figure.get_size_inches()[1]
    for i, row in enumerate(texts):
        for at, j in enumerate(part):
            if row[j]:
                value = values[i, j]
                ink = MUTED if np.isnan(value) else on(to_hex(shades.colors(shades.norm(value))))
                figure.text(
                    plan.left + (at + 0.5) * plan.cell, down - top - (i + 0.5) * plan.cell, row[j], fontsize=size, color=ink,
                    transform=figure.dpi_scale_trans, ha="center", va="center",
                )  # fmt: skip


def _labels(figure: Canvas, plan: _CellLayout, part: range, top: float) -> None:
    down = figure.get_size_inches()[1]
    own: dict[str, Any] = {"transform": figure.dpi_scale_trans, "fontsize": plan.letters}
    for i, name in enumerate(plan.rows):
        figure.text(
            plan.left - 0.05,
            down - top - (i + 0.5) * plan.cell,
            name,
            ha="right",
            va="center",
            linespacing=1.0,
            **own,
        )
    bottom = down - top - plan.cell * len(plan.rows) - 0.03
    for at, j in enumerate(part):
        x = plan.left + (at + 0.5) * plan.cell
        how: dict[str, Any] = (
            {"rotation": 45, "va": "top"} if plan.slanted else {"rotation": 90, "va": "center"}
        )
        figure.text(x, bottom, plan.names[j], ha="right", rotation_mode="anchor", **how, **own)
    if plan.row_axis:
        long = max(plan.cell * len(plan.rows), 0.6)
        words = fitted([plan.row_axis], plan.size.text, long)[0]
        middle = max(plan.cell * len(plan.rows) / 2, wide(words, plan.size.text) / 2)
        figure.text(
            MARGIN + plan.row_words / 2, down - top - middle, words, fontsize=plan.size.text, rotation=90, ha="center",
            va="center", transform=figure.dpi_scale_trans,
        )  # fmt: skip
