"""A figure of the report: drawn when asked, as SVG and PNG files and as part of the page.

    Figure("alpha", "Agreement of each pair of coders …", draw)   →   alpha.svg, alpha.png

``draw`` makes a matplotlib figure with its object-oriented interface; pyplot is never imported. In the page the SVG's
ink becomes the page's own, so that it follows light and dark.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any, cast

from .palette import INK, MUTED, RULE, VARIABLES

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas

DPI = 200
WIDTH = 7.2
"""Inches; 9 point text is then the size of the page's small print."""


@dataclass(frozen=True)
class Rendered:
    """One figure's files."""

    svg: str
    png: bytes


@dataclass(frozen=True)
class Figure:
    """``caption``: what is drawn and how to read it, complete without the picture."""

    name: str
    caption: str
    draw: Callable[[], Canvas]

    def render(self) -> Rendered:
        """Draw it once and write it twice; the same data give the same bytes."""
        with style(self.name):
            canvas = self.draw()
            svg, png = io.StringIO(), io.BytesIO()
            canvas.savefig(svg, format="svg", facecolor="white", metadata={"Date": None, "Creator": None})
            canvas.savefig(png, format="png", facecolor="white", dpi=DPI, metadata={"Software": None})
        return Rendered(svg.getvalue(), png.getvalue())

    def inline(self, svg: str, variables: Mapping[str, str]) -> str:
        """The SVG as an element of an HTML page. ``variables``: colour → CSS variable."""
        start = svg.index("<svg")
        text = re.sub(r"<metadata>.*?</metadata>", "", svg[start:], flags=re.DOTALL)
        text = re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL)
        # The first patch is the sheet of paper.
        text = re.sub(r'<g id="patch_1">.*?</g>', "", text, count=1, flags=re.DOTALL)
        text = re.sub(r' xmlns(:xlink)?="[^"]*"', "", text)
        text = re.sub(r'(id="|href="#|url\(#)', rf"\1{self.name}-", text)
        for color, variable in {**VARIABLES, **variables}.items():
            text = re.sub(re.escape(color) + r"\b", variable, text, flags=re.IGNORECASE)
        size = re.search(r'viewBox="[\d.]+ [\d.]+ ([\d.]+)', text)
        width = f"{float(size[1]) * 4 / 3:.0f}px" if size else "100%"
        label = f'role="img" aria-label="{escape(self.caption)}" style="max-width:{width}"'
        return re.sub(r'<svg [^>]*?(viewBox="[^"]*")[^>]*>', rf"<svg \1 {_safe(label)}>", text, count=1)


def _safe(replacement: str) -> str:
    """A replacement in which a backslash is no escape."""
    return replacement.replace("\\", r"\\")


@contextmanager
def style(salt: str) -> Iterator[None]:
    """The look of all figures, put back afterwards. ``salt`` makes ids, and so the bytes, repeatable."""
    import matplotlib as mpl

    look: dict[str, Any] = {
        "svg.fonttype": "none",
        "svg.hashsalt": salt,
        "font.family": "sans-serif",
        "font.sans-serif": ["DejaVu Sans"],
        "font.size": 9,
        "axes.titlesize": 9,
        "axes.titleweight": "bold",
        "axes.titlelocation": "left",
        "axes.labelsize": 9,
        "axes.facecolor": "none",
        "axes.edgecolor": MUTED,
        "axes.linewidth": 0.7,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.unicode_minus": True,
        "text.color": INK,
        "text.parse_math": False,
        "axes.labelcolor": INK,
        "axes.titlecolor": INK,
        "xtick.color": MUTED,
        "ytick.color": MUTED,
        "xtick.labelcolor": INK,
        "ytick.labelcolor": INK,
        "xtick.labelsize": 8.5,
        "ytick.labelsize": 9,
        "grid.color": RULE,
        "grid.linewidth": 0.7,
        "legend.frameon": False,
        "legend.fontsize": 8.5,
    }
    with mpl.rc_context(cast(Any, look)):
        yield


def canvas(width: float, height: float) -> Canvas:
    """An empty figure of that many inches."""
    from matplotlib.figure import Figure as Canvas

    return Canvas(figsize=(width, height), layout="constrained")
