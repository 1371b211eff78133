"""What follows what, as a network: codes on a circle in the codebook's order, an arrow for each transition that is drawn.

TR-SP ──▶ IA-SQ          a thick arrow: many times; a large circle: many units; a ring above a circle: the code after itself
   ▲        │
IA-MT ◀─────┘
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from ...formatting import counted
from .sheet import INK, MARGIN, MUTED, PAPER, box, fitted, high, sheet, sizes, widest, write

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

MOST_ARROWS = 60
"""With more, nothing can be followed."""


class CodeNode(NamedTuple):
    """A code: what it is called, its colour, and how many units have it."""

    name: str
    color: str
    units: int


class Arrow(NamedTuple):
    """From one node to another, both by their place, and how many times."""

    start: int
    end: int
    times: int


def transition_network(nodes: Sequence[CodeNode], arrows: Sequence[Arrow], *, width: float) -> Canvas:
    """The numbers are said below: how many times the thickest arrow stands for, and how many units the largest circle."""
    size = sizes(width)
    ring = _Ring(nodes, arrows, width)
    most, units = max((a.times for a in arrows), default=0), max((n.units for n in nodes), default=0)
    legend = f"thickest arrow: {counted(most, 'time')} · largest circle: {counted(units, 'unit')}"
    words = fitted([legend], size.small, width - 2 * MARGIN, 2)[0]
    figure = sheet(width, ring.height + high(words, size.small) + MARGIN)
    axes = box(figure, 0, 0, width, ring.height)
    axes.set_xlim(0, width)
    axes.set_ylim(0, ring.height)
    axes.set_axis_off()
    for arrow in sorted(arrows, key=lambda one: -one.times):
        ring.arrow(axes, arrow, most, nodes[arrow.start].color)
    for k, node in enumerate(nodes):
        ring.node(axes, k, node, units)
    write(figure, words, width / 2, ring.height, size.small, "center", color=MUTED)
    return figure


class _Ring:
    """Where the nodes and their labels are; inches from the lower left corner."""

    def __init__(self, nodes: Sequence[CodeNode], arrows: Sequence[Arrow], width: float) -> None:
        size, count = sizes(width), max(1, len(nodes))
        self.letters = size.small
        step = 2 * math.pi / count
        names = [node.name for node in nodes]
        line, edge = high("x", self.letters), 0.48 if width > 5 else 0.35
        # So far out that neighbouring labels, which stand like the spokes of a wheel, do not touch; the labels take what is left.
        least = 1.1 * line / step - 0.2
        room = width / 2 - MARGIN - edge
        self.names = fitted(names, self.letters, min(0.24 * width, max(0.3, room - least)))
        label = widest(self.names, self.letters)
        across = min(2.1 if width > 5 else 1.2, room - label)
        self.upright = count <= 3 or across * (1 - math.cos(step)) > 1.5 * line
        self.radius = max(0.4, across)
        self.biggest = min(0.16 if width > 5 else 0.1, 0.38 * self.radius * step)
        self.units = max((node.units for node in nodes), default=1) or 1
        self.sizes = [max(0.03, self.biggest * math.sqrt(node.units / self.units)) for node in nodes]
        self.loops = {arrow.start for arrow in arrows if arrow.start == arrow.end}
        self.loop = 0.5 * self.biggest + 0.02
        self.out = self.biggest + (2 * self.loop if self.loops else 0.0) + 0.09
        self.thickest = min(3.5, 2.0 * self.radius)
        reach = self.radius + self.out + (1.2 * line if self.upright else label)
        self.height = 2 * (reach + MARGIN)
        self.middle = (width / 2, self.height / 2)
        self.angles = [math.pi / 2 - k * step for k in range(len(nodes))]

    def place(self, k: int, beyond: float = 0.0) -> tuple[float, float]:
        """Of the node, or of what lies so much farther out."""
        r, (x, y) = self.radius + beyond, self.middle
        return x + r * math.cos(self.angles[k]), y + r * math.sin(self.angles[k])

    def node(self, axes: Axes, k: int, node: CodeNode, units: int) -> None:
        """Circle and label."""
        from matplotlib.patches import Circle

        axes.add_patch(
            Circle(self.place(k), self.sizes[k], fc=node.color if units else PAPER, ec=INK, lw=0.6, zorder=3)
        )
        turn = math.degrees(self.angles[k])
        right, up = math.cos(self.angles[k]), math.sin(self.angles[k])
        x, y = self.place(k, self.sizes[k] + (2 * self.loop if k in self.loops else 0.0) + 0.09)
        if self.upright:
            ha = "left" if right > 0.1 else "right" if right < -0.1 else "center"
            va = "center" if ha != "center" else "bottom" if up > 0 else "top"
            axes.text(x, y, self.names[k], ha=ha, va=va, fontsize=self.letters)
            return
        flipped = right < -1e-9
        axes.text(
            x, y, self.names[k], fontsize=self.letters, ha="right" if flipped else "left", va="center",
            rotation=turn + 180 if flipped else turn, rotation_mode="anchor",
        )  # fmt: skip

    def arrow(self, axes: Axes, arrow: Arrow, most: int, color: str) -> None:
        """In the colour of the code that it leaves, bent to the right of its way, so that both directions are seen; after itself, a ring outside the circle."""
        from matplotlib.patches import Circle, FancyArrowPatch

        thick = 0.5 + (self.thickest - 0.5) * arrow.times / max(1, most)
        if arrow.start == arrow.end:
            centre = self.place(arrow.start, self.sizes[arrow.start] + 0.6 * self.loop)
            axes.add_patch(Circle(centre, self.loop, fc="none", ec=color, lw=thick, alpha=0.9, zorder=2))
            return
        axes.add_patch(
            FancyArrowPatch(
                self.place(arrow.start), self.place(arrow.end), connectionstyle="arc3,rad=0.16", arrowstyle="-|>",
                mutation_scale=4 + 2 * thick, shrinkA=self.sizes[arrow.start] * 72, shrinkB=self.sizes[arrow.end] * 72 + 1,
                lw=thick, color=color, alpha=0.9, zorder=2, joinstyle="miter",
            )
        )  # fmt: skip
