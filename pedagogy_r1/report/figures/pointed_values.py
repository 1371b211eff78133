"""What a figure says where one points at it: the value under the pointer, in words, for the page.

    point(axes, (0.3, 0.6), (1.6, 2.4), "IA-SQ, A: 45.1 % [30.2 %, 60.7 %]")      in the axes' own numbers
    pointed(drawn)      (PointedValue(left=201.5, top=88.2, width=90.0, height=18.4, words="IA-SQ, A: …"),)      in points

A place is an invisible rectangle in the drawing, so that it moves with everything else; files do not hold it.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, NamedTuple

from ...formatting import visible

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

LEAST = 10.0
"""Points that a place is wide and high at least, or nobody would hit it."""

PLACE = "value: "
"""How the id of such a rectangle begins; its words follow."""


class PointedValue(NamedTuple):
    """A place on the sheet, in points from its upper left corner, and its words."""

    left: float
    top: float
    width: float
    height: float
    words: str


def point(axes: Axes, across: tuple[float, float], up: tuple[float, float], words: str) -> None:
    """Whoever points there reads ``words``. ``across``, ``up``: from where to where, in data coordinates."""
    from matplotlib.patches import Rectangle

    corner, width, height = (across[0], up[0]), across[1] - across[0], up[1] - up[0]
    axes.add_artist(Rectangle(corner, width, height, visible=False, gid=f"{PLACE}{words}"))


def pointed(drawn: Canvas) -> tuple[PointedValue, ...]:
    """All places of a drawn figure."""
    points = 72 / drawn.dpi
    tall = float(drawn.get_size_inches()[1]) * 72
    found = []
    for axes in drawn.axes:
        for patch in axes.patches:
            gid = patch.get_gid() or ""
            if gid.startswith(PLACE):
                box = patch.get_window_extent()
                width, height = (max(LEAST, points * side) for side in (box.width, box.height))
                left = points * (box.x0 + box.x1) / 2 - width / 2
                top = tall - points * (box.y0 + box.y1) / 2 - height / 2
                found.append(PointedValue(left, top, width, height, gid.removeprefix(PLACE)))
    return tuple(found)


def as_svg(values: Sequence[PointedValue]) -> str:
    """Transparent rectangles with titles, which browsers show without any script."""
    places = (
        f'<rect x="{v.left:.1f}" y="{v.top:.1f}" width="{v.width:.1f}" height="{v.height:.1f}"><title>{escape(visible(v.words))}</title></rect>'
        for v in values
    )
    return f'<g class="values" fill="none" pointer-events="all">{"".join(places)}</g>' if values else ""
