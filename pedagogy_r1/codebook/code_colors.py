"""Colours: one for each code, the same everywhere, on light and on dark.

IA-SQ   #88CCEE from the codebook     in figures, chips, tables and pages alike
TR-X    no colour given: the first of `DISTINCT` that nobody could take for another one
C-31    of forty codes: its family's colour, and a pattern of its own (`HATCHES`)

A colour is never the only sign: codes are named beside their marks.
"""

from __future__ import annotations

import colorsys
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import cycle

from .codebook import NONE, Code, Codebook

NO_CODE = "#BBBBBB"

DISTINCT = (
    "#CC6677", "#332288", "#DDCC77", "#117733", "#88CCEE", "#882255", "#44AA99", "#999933", "#AA4499", "#EE7733",
    "#0077BB", "#CC3311", "#661100", "#6699CC", "#888888", "#775500", "#DD99EE", "#005555", "#77CC77", "#FFAAAA",
    "#666699", "#BB9977", "#008899", "#445500", "#885555", "#004477", "#997799", "#AA7711", "#BBBBFF", "#996644",
    "#777744", "#559944", "#FF88BB", "#554466", "#9988DD", "#00DDBB",
)  # fmt: skip
"""Paul Tol's muted and vibrant schemes without near doubles, distinguishable under the common kinds of colour blindness; then those of a
chroma up to 58 that lie farthest from all before them (CIEDE2000, at least 13; greedy over a grid)."""

MOST_COLORS = 24
"""Codes that have a colour each; in a larger codebook a family has one, and its codes a pattern."""

APART = 10.0
"""Least distance of two codes' colours in CIELAB (ΔE of 1976). Colours that the codebook gives are left as they are."""

HATCHES = ("", "//", "..", "xx", "--", r"\\", "||", "++", "//--")
"""Patterns of a family's codes, in matplotlib's signs; the first is the plain colour. An SVG file holds each sign of an inch: denser
ones made files of megabytes."""

DARK_CARD = "#1e2126"
CONTRAST = 3.0
"""Least contrast of a mark with what it stands on (WCAG 2.2, 1.4.11)."""


@dataclass(frozen=True)
class Palette:
    """``light``: code → hex on white; ``dark``: code → hex on a dark card, lightened where it would drown; ``hatch``: code → pattern of
    `HATCHES`, for codes that share a colour."""

    light: Mapping[str, str]
    dark: Mapping[str, str]
    hatch: Mapping[str, str] = field(default_factory=dict)

    def __getitem__(self, code: str) -> str:
        return self.light[code]

    def pattern(self, code: str) -> str:
        """The code's pattern; empty where its colour is enough."""
        return self.hatch.get(code, "")

    def variable(self, code: str) -> str:
        """The CSS variable's name of a code."""
        return f"--code-{list(self.light).index(code)}"


def palette(book: Codebook) -> Palette:
    """The codebook's colours; for codes without one the next of `DISTINCT` that is `APART` from all others, or family and pattern."""
    given = {code.id: code.color.upper() for code in book.codes if code.color}
    free = [code for code in book.codes if code.id not in given]
    spare = _apart(DISTINCT, [*given.values(), NO_CODE])
    hatch: dict[str, str] = {}
    if len(book.codes) <= MOST_COLORS and len(spare) >= len(free):
        found = dict(zip((code.id for code in free), spare, strict=False))
    else:
        signs = dict(_signs(free, spare or list(DISTINCT)))
        found = {code: color for code, (color, _) in signs.items()}
        hatch = {code: pattern for code, (_, pattern) in signs.items() if pattern}
    light = {code.id: given.get(code.id) or found[code.id] for code in book.codes}
    light[NONE] = NO_CODE
    return Palette(light, _on_dark(light), hatch)


def _signs(codes: Iterable[Code], colors: list[str]) -> Iterator[tuple[str, tuple[str, str]]]:
    """Code → colour of its family and pattern; a family that has used all patterns goes on with another colour."""
    nexts = cycle(colors)
    own: dict[str, str] = {}
    used: Counter[str] = Counter()
    for code in codes:
        if code.family not in own or used[own[code.family]] >= len(HATCHES):
            own[code.family] = next(nexts)
        color = own[code.family]
        yield code.id, (color, HATCHES[used[color] % len(HATCHES)])
        used[color] += 1


def _apart(colors: Iterable[str], used: Iterable[str]) -> list[str]:
    """Those at least `APART` from the used ones."""
    taken = [_lab(color) for color in used]
    return [color for color in colors if all(math.dist(_lab(color), other) >= APART for other in taken)]


def _on_dark(light: Mapping[str, str]) -> dict[str, str]:
    """Each colour as `lightened`, and lighter still where two would look alike then that did not on white."""
    dark: dict[str, str] = {}
    for color in dict.fromkeys(light.values()):
        own = lightened(color)
        others = [_lab(other) for source, other in dark.items() if source != color]
        while min((math.dist(_lab(own), other) for other in others), default=APART) < APART:
            hue, lightness, saturation = colorsys.rgb_to_hls(*_rgb(own))
            if lightness > MOST_LIGHT:
                break
            own = _hex(colorsys.hls_to_rgb(hue, lightness + 0.02, saturation))
        dark[color] = own
    return {code: dark[color] for code, color in light.items()}


MOST_LIGHT = 0.92
"""Lightness (HLS) beyond which a colour is as good as white."""

_D65 = (0.95047, 1.0, 1.08883)


def _lab(color: str) -> tuple[float, float, float]:
    """CIELAB under D65, from sRGB (IEC 61966-2-1; CIE 15)."""
    linear = _linear(color)
    rows = (
        (0.4124564, 0.3575761, 0.1804375),
        (0.2126729, 0.7151522, 0.0721750),
        (0.0193339, 0.1191920, 0.9503041),
    )
    x, y, z = (
        _cube_root(sum(weight * part for weight, part in zip(row, linear, strict=True)) / white)
        for row, white in zip(rows, _D65, strict=True)
    )
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def _cube_root(t: float) -> float:
    return float(t ** (1 / 3)) if t > 216 / 24389 else (24389 / 27 * t + 16) / 116


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
    red, green, blue = _linear(color)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(color: str) -> tuple[float, ...]:
    return tuple(c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in _rgb(color))


def _rgb(color: str) -> tuple[float, float, float]:
    return int(color[1:3], 16) / 255, int(color[3:5], 16) / 255, int(color[5:7], 16) / 255


def _hex(rgb: tuple[float, float, float]) -> str:
    return "#" + "".join(f"{round(255 * c):02x}" for c in rgb)
