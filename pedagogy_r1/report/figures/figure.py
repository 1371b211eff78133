"""A figure of the report: drawn when asked, as SVG and PNG files and as part of the page.

    Figure("alpha", "Agreement of each pair of coders …", draw)   →   alpha.svg, alpha.png

``draw(width=7.09)`` makes a matplotlib figure of so many inches. Every figure can be read without colour. Its inks are written into an SVG
file as they are, and become the page's own (light and dark) where the SVG stands in it; the colours of codes are the codebook's
(`codebook/code_colors.py`).
"""

from __future__ import annotations

import io
import re
import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Protocol

from ...formatting import visible
from .figure_fonts import css_families, families, fonts_for
from .pointed_values import PointedValue, as_svg, pointed
from .sheet import INK, MARGIN, MUTED, PAGE, PAPER, RULE, fitted, grown, high, sizes, style, write

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas

VARIABLES = {INK: "var(--ink)", MUTED: "var(--muted)", RULE: "var(--rule)", PAPER: "var(--card)"}

DPI = 300
SAID_LINES = 12
"""At most, above a figure."""


class Drawing(Protocol):
    """Draws on a sheet of so many inches."""

    def __call__(self, *, width: float) -> Canvas:
        """A matplotlib figure of that width."""
        ...


PACKED = 3
"""How hard zlib tries at a PNG: at its usual 6 that takes a fifth of all that a figure takes."""


@dataclass(frozen=True)
class Rendered:
    """One figure's files. ``missing``: letters for which this machine has no font, boxes in the PNG; ``values``: what the page shows
    where one points."""

    svg: str
    png: bytes
    missing: frozenset[str] = frozenset()
    values: tuple[PointedValue, ...] = ()


@dataclass(frozen=True)
class Figure:
    """``caption``: what is drawn and how to read it, complete without the picture."""

    name: str
    caption: str
    draw: Drawing

    def canvas(self, said: Sequence[str] = (), width: float = PAGE) -> tuple[Canvas, frozenset[str]]:
        """The figure drawn, and the letters that no font here has. ``said``: what every output carries, above it."""
        with style(self.name):
            drawn = self._drawn(said, width)
            fonts, missing = fonts_for("".join((*said, *_texts(drawn))))
        if fonts != families():
            with style(self.name, fonts):
                drawn = self._drawn(said, width)
        return drawn, missing

    def _drawn(self, said: Sequence[str], width: float) -> Canvas:
        drawn = self.draw(width=width)
        if said:
            small = sizes(width).small
            lines = "\n".join(fitted(said, small, width - 2 * MARGIN, SAID_LINES))
            grown(drawn, high(lines, small) + MARGIN)
            write(drawn, lines, MARGIN, MARGIN, small, color=MUTED)
        return drawn

    def render(self, said: Sequence[str] = (), width: float = PAGE) -> Rendered:
        """Draw it once and write it twice; the same data and fonts give the same bytes."""
        drawn, missing = self.canvas(said, width)
        svg, png = io.StringIO(), io.BytesIO()
        with style(self.name), warnings.catch_warnings():
            # Said once for all figures, in words (`figure_fonts.warn_of`).
            warnings.filterwarnings("ignore", r"Glyph \d+ .*missing from font", UserWarning)
            drawn.savefig(svg, format="svg", facecolor="white", metadata={"Date": None, "Creator": None})
            drawn.savefig(
                png,
                format="png",
                facecolor="white",
                dpi=DPI,
                metadata={"Software": None},
                pil_kwargs={"compress_level": PACKED},
            )
        return Rendered(
            visible(_smaller(_with_fonts(svg.getvalue()))), png.getvalue(), missing, pointed(drawn)
        )

    def inline(self, svg: str, variables: Mapping[str, str], values: Sequence[PointedValue] = ()) -> str:
        """The SVG as an element of an HTML page. ``variables``: colour → CSS variable; ``values``: what it says where one points."""
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
        label = f'role="img" aria-label="{escape(visible(self.caption))}" style="max-width:{width}"'
        tag = r'<svg [^>]*?(viewBox="[^"]*")[^>]*>'
        text = re.sub(tag, lambda found: f"<svg {found[1]} {label}>", text, count=1)
        end = text.rindex("</svg>")
        return f"{text[:end]}{as_svg(values)}{text[end:]}"


def _texts(drawn: Canvas) -> list[str]:
    from matplotlib.text import Text

    return [text.get_text() for text in drawn.findobj(Text) if isinstance(text, Text)]


def _smaller(svg: str) -> str:
    """The same picture in fewer bytes: places to the hundredth of a point, and each pattern's lines once, whatever it is drawn in."""
    svg = _DRAWN.sub(lambda found: _DECIMALS.sub(r"\1", found[0]), svg)
    many = {d: n for d, n in Counter(_PATTERN.findall(svg)).items() if n > 1}
    names = {d: f"lines{k}" for k, d in enumerate(many)}
    if not names:
        return svg
    svg = _PATTERN.sub(
        lambda found: (
            found[0].replace(f'<path d="{found[1]}"', f'<use xlink:href="#{names[found[1]]}"')
            if found[1] in names
            else found[0]
        ),
        svg,
    )
    shared = "".join(f'<path id="{name}" d="{d}"/>' for d, name in names.items())
    return svg.replace("<defs>", f"<defs>{shared}", 1)


_DRAWN = re.compile(r' d="[^"]*"')
_DECIMALS = re.compile(r"(\d\.\d\d)\d+")
_PATTERN = re.compile(r'<pattern [^>]*>\s*<rect [^>]*/>\s*<path d="([^"]*)"[^>]*/>')

_FAMILY = re.compile(r"font-family: [^;\"]*;? ?")


def _with_fonts(svg: str) -> str:
    """The fonts once for the whole file, with those that whoever opens it may have."""
    return _FAMILY.sub("", svg).replace(
        '<style type="text/css">', f'<style type="text/css">text{{font-family: {css_families()}}}', 1
    )
