"""The legend of a figure, inside it: swatches or marks with their words, in as many columns as have room.

legend = Legend([Sign("TR-SP", "#CC6677"), Sign("cop", MUTED, shape="o")], width=7.0, size=7.5)
legend.height          inches, known before the sheet is made
legend.draw(figure, left, top)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from .sheet import INK, MARGIN, PAPER, fitted, high, wide, write

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas


class Sign(NamedTuple):
    """One entry: a swatch of the colour and pattern, or the mark ``shape``, filled or ``hollow``."""

    words: str
    color: str
    hatch: str = ""
    shape: str = ""
    hollow: bool = False


HATCH_INK = "#ffffffcc"
"""Patterns are white lines in the colour."""


MIDDLE = 0.55
"""Of a line of letters, in their size, from its top."""


class Legend:
    """Columns of equal width, filled row by row; words that no column has room for are broken, then shortened."""

    def __init__(self, signs: Sequence[Sign], width: float, size: float) -> None:
        self.signs, self.size, self.width = list(signs), size, width
        self.swatch = size / 72 * 1.15
        gap = self.swatch + 0.05
        need = [wide(sign.words, size) + gap + 2 * MARGIN for sign in self.signs]
        self.one_row = sum(need) <= width
        self.needs = need
        self.columns = max(1, min(len(self.signs) or 1, int(width / max(need, default=width))))
        if self.columns == 1 and len(self.signs) > 3 and width > 2:
            self.columns = 2
        room = width if self.one_row else width / self.columns
        self.words = fitted([sign.words for sign in self.signs], size, room - gap - MARGIN, 2)
        self.line = max((high(words, size) for words in self.words), default=0.0) + 0.02

    @property
    def rows(self) -> int:
        """How many rows of entries."""
        return 1 if self.one_row else -(-len(self.signs) // self.columns)

    @property
    def height(self) -> float:
        """Inches, with the space below; 0 without entries."""
        return self.rows * self.line + MARGIN if self.signs else 0.0

    def draw(self, figure: Canvas, left: float, top: float) -> None:
        """From that corner, in inches from the sheet's upper left one."""
        at = left
        for number, (sign, words) in enumerate(zip(self.signs, self.words, strict=True)):
            row, column = (0, number) if self.one_row else divmod(number, self.columns)
            x = at if self.one_row else left + column * self.width / self.columns
            y = top + row * self.line
            self._sign(figure, sign, x, y)
            write(figure, words, x + self.swatch + 0.05, y, self.size)
            at += self.needs[number]

    def _sign(self, figure: Canvas, sign: Sign, x: float, y: float) -> None:
        from matplotlib.lines import Line2D
        from matplotlib.patches import Rectangle

        height = figure.get_size_inches()[1]
        middle = height - y - self.size * MIDDLE / 72
        place = figure.dpi_scale_trans
        if sign.shape:
            figure.add_artist(
                Line2D([x + self.swatch / 2], [middle], marker=sign.shape, ls="", ms=self.size * 0.72, transform=place,
                       mfc=PAPER if sign.hollow else sign.color, mec=sign.color if sign.hollow else INK, mew=1.2 if sign.hollow else 0.6)
            )  # fmt: skip
            return
        half = self.swatch * 0.38
        figure.add_artist(
            Rectangle((x, middle - half), self.swatch, 2 * half, transform=place, fc=sign.color, lw=0, ec=sign.color,
                      hatch=sign.hatch * 2 or None, hatchcolor=HATCH_INK)
        )  # fmt: skip
