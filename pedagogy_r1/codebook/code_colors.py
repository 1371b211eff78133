"""Colours: one for each code, the same everywhere, on light and on dark.

IA-SQ   #88CCEE from the codebook     in figures, chips, tables and pages alike
TR-X    no colour given: the first of Tol's muted colours that the codebook does not use

A colour is never the only sign: codes are named beside their marks.
"""

from __future__ import annotations

import colorsys
from collections.abc import Mapping
from dataclasses import dataclass

from .codebook import NONE, Codebook

NO_CODE = "#BBBBBB"

TOL = (
    "#CC6677", "#332288", "#DDCC77", "#117733", "#88CCEE", "#882255", "#44AA99", "#999933", "#AA4499",
    "#EE7733", "#0077BB", "#33BBEE", "#009988", "#CC3311", "#EE3377", "#661100", "#6699CC", "#888888",
)  # fmt: skip
"""Paul Tol's muted scheme, then his vibrant one: distinguishable under the common kinds of colour blindness."""

DARK_CARD = "#1e2126"
CONTRAST = 3.0
"""Least contrast of a mark with what it stands on (WCAG 2.2, 1.4.11)."""


@dataclass(frozen=True)
class Palette:
    """``light``: code → hex on white; ``dark``: code → hex on a dark card, lightened where it would drown."""

    light: Mapping[str, str]
    dark: Mapping[str, str]

    def __getitem__(self, code: str) -> str:
        return self.light[code]

    def variable(self, code: str) -> str:
        """The CSS variable's name of a code."""
        return f"--code-{list(self.light).index(code)}"


def palette(book: Codebook) -> Palette:
    """The codebook's colours, and for codes without one the next unused of a fixed list."""
    given = {code.id: code.color.upper() for code in book.codes if code.color}
    spare = iter([color for color in TOL if color.upper() not in given.values()])
    light = {code.id: given.get(code.id) or next(spare, None) or _hashed(code.id) for code in book.codes}
    light[NONE] = NO_CODE
    return Palette(light, {code: lightened(color) for code, color in light.items()})


def _hashed(name: str) -> str:
    """A colour from the name, once a codebook has more codes than there are distinguishable colours."""
    import hashlib

    hue = hashlib.sha256(name.encode()).digest()[0] / 256
    return _hex(colorsys.hls_to_rgb(hue, 0.5, 0.45))


def lightened(color: str, against: str = DARK_CARD) -> str:
    """The colour with as much lightness as it needs to be seen on a dark card."""
    hue, lightness, saturation = colorsys.rgb_to_hls(*_rgb(color))
    while contrast(color, against) < CONTRAST and lightness < 1:
        lightness = min(1.0, lightness + 0.02)
        color = _hex(colorsys.hls_to_rgb(hue, lightness, min(saturation, 0.7)))
    return color


def contrast(one: str, other: str) -> float:
    """WCAG contrast ratio of two colours, 1 to 21.

    >>> round(contrast("#000000", "#ffffff"))
    21
    """
    bright, dim = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (bright + 0.05) / (dim + 0.05)


def on(color: str) -> str:
    """Black or white, whichever is easier to read on the colour (at least 4.58); never the page's ink, which changes."""
    return max("#000000", "#ffffff", key=lambda ink: contrast(color, ink))


def _luminance(color: str) -> float:
    red, green, blue = (c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in _rgb(color))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _rgb(color: str) -> tuple[float, float, float]:
    return int(color[1:3], 16) / 255, int(color[3:5], 16) / 255, int(color[5:7], 16) / 255


def _hex(rgb: tuple[float, float, float]) -> str:
    return "#" + "".join(f"{round(255 * c):02x}" for c in rgb)
