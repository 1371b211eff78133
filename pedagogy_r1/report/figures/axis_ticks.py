"""Ticks of an axis whose numbers fit beside each other, measured; on a logarithmic one at powers of ten."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from .sheet import MARGIN, wide

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def as_count(value: float) -> str:
    """``12,500``"""
    return f"{value:,.0f}"


OVER = 0.09
"""Inches that a number may go beyond the end of its axis."""


def as_percent(value: float) -> str:
    """``12.5 %``"""
    return f"{100 * value:.4g} %".replace("-", "−")


def as_number(value: float) -> str:
    """``−0.25``"""
    return f"{value:.4g}".replace("-", "−")


def number_ticks(
    axes: Axes,
    width: float,
    size: float,
    *,
    percent: bool = False,
    log: bool = False,
    over: float = OVER,
    thousands: bool = False,
) -> None:
    """Set the horizontal axis's ticks: as many of matplotlib's as have room, no number farther than ``over`` inches beyond the axis's ends."""
    from matplotlib.ticker import MaxNLocator

    say = as_percent if percent else as_count if thousands else as_number
    low, high = axes.get_xlim()
    for many in range(9, 0, -1):
        found = (
            _powers(low, high, many)
            if log
            else [float(x) for x in MaxNLocator(many, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high)]
        )
        found = [x for x in found if low - 1e-12 <= x <= high + 1e-12]
        found = _inside(axes, found, say, width, size, over)
        words = [say(x) for x in found]
        if found and _have_room(axes, found, words, width, size):
            break
    else:
        found, words = [], []
    axes.set_xticks(found, words)
    axes.minorticks_off()


def upward_ticks(axes: Axes, many: int, write: Callable[[float], str] = as_number) -> None:
    """Set the vertical axis's ticks: at most so many and one, all within the axis."""
    from matplotlib.ticker import MaxNLocator

    low, high = axes.get_ylim()
    found = [
        float(x)
        for x in MaxNLocator(many, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high)
        if low <= x <= high
    ]
    axes.set_yticks(found, [write(x) for x in found])


def _places(axes: Axes, found: list[float], width: float) -> list[float]:
    """Inches from the axis's left end."""
    low, high = axes.get_xlim()
    if axes.get_xscale() == "log":
        low, high, found = math.log(low), math.log(high), [math.log(x) for x in found]
    return [(x - low) / (high - low) * width for x in found]


def _inside(
    axes: Axes, found: list[float], say: Callable[[float], str], width: float, size: float, over: float
) -> list[float]:
    """Those whose numbers go no farther beyond the ends than that."""
    half = [wide(say(x), size) / 2 for x in found]
    places = _places(axes, found, width)
    return [
        x for x, at, h in zip(found, places, half, strict=True) if at - h >= -over and at + h <= width + over
    ]


def _have_room(axes: Axes, found: list[float], words: list[str], width: float, size: float) -> bool:
    ends = -math.inf
    for at, word in zip(_places(axes, found, width), words, strict=True):
        half = wide(word, size) / 2
        if at - half < ends:
            return False
        ends = at + half + MARGIN
    return True


def _powers(low: float, high: float, many: int) -> list[float]:
    """1, 2, 5, 10 … or every power of ten, or every few of them."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    powers = range(first, last + 1)
    if many > 6:
        return [base * 10.0**n for n in powers for base in (1, 2, 5)]
    every = 7 - many
    return [10.0**n for n in powers if (n - last) % every == 0]
