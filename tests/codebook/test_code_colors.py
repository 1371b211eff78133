"""Codes can be told apart: by colour up to 24 of them, then by their family's colour and a pattern."""

from __future__ import annotations

from itertools import combinations, product

import numpy as np
import pytest

from pedagogy_r1.codebook import Codebook, load_codebook, parse_codebook
from pedagogy_r1.codebook.code_colors import CONTRAST, DARK_CARD, HATCHES, NO_CODE, contrast, palette
from pedagogy_r1.codebook.codebook import NONE


def lab(color: str) -> np.ndarray:
    """CIELAB under D65 by the XYZ of sRGB's primaries, apart from the package's own."""
    srgb = np.array([int(color[k : k + 2], 16) for k in (1, 3, 5)]) / 255
    linear = np.where(srgb > 0.04045, ((srgb + 0.055) / 1.055) ** 2.4, srgb / 12.92)
    primaries = np.array([[0.64, 0.33], [0.30, 0.60], [0.15, 0.06]])
    xyz = np.array([[x / y, 1, (1 - x - y) / y] for x, y in primaries]).T
    white = np.array([0.3127 / 0.3290, 1, (1 - 0.3127 - 0.3290) / 0.3290])
    ratios = (xyz * np.linalg.solve(xyz, white)) @ linear / white
    f = np.where(ratios > (6 / 29) ** 3, np.cbrt(ratios), ratios / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def nearest(colors: list[str]) -> float:
    return min(float(np.linalg.norm(lab(a) - lab(b))) for a, b in combinations(colors, 2))


def book_of(codes: int, families: int, colors: dict[int, str] | None = None) -> Codebook:
    """A codebook of so many codes, some with a colour."""
    lines = ["id: many", "version: 1.0.0", "title: t", "unit: sentence", "families:"]
    lines += [f"- {{id: F{k}, name: family {k}}}" for k in range(families)]
    lines += ["codes:"]
    for k in range(codes):
        color = f', color: "{colors[k]}"' if colors and k in colors else ""
        lines.append(
            f"- {{id: C{k}, name: code {k}, family: F{k % families}, short: s, definition: d{color}}}"
        )
    return parse_codebook("\n".join(lines))


def test_lab_of_known_colours() -> None:
    """Red, green and white of sRGB, as the standard's calculators give them."""
    assert lab("#ff0000") == pytest.approx([53.24, 80.09, 67.20], abs=0.05)
    assert lab("#00ff00") == pytest.approx([87.73, -86.18, 83.18], abs=0.05)
    assert lab("#ffffff") == pytest.approx([100, 0, 0], abs=0.05)


@pytest.mark.parametrize("codes", [3, 10, 18, 24])
@pytest.mark.parametrize("given", [{}, {0: "#CC6677", 2: "#0088AA"}, {1: "#999933", 2: "#BBBBFF"}])
def test_up_to_24_codes_have_a_colour_each(codes: int, given: dict[int, str]) -> None:
    colors = palette(book_of(codes, 5, given))
    assert nearest(list(colors.light.values())) >= 10
    assert nearest(list(colors.dark.values())) >= 10
    assert colors.hatch == {}
    assert colors.light[NONE] == NO_CODE
    assert {k: colors[f"C{k}"] for k in given} == given
    assert all(contrast(color, DARK_CARD) >= CONTRAST for color in colors.dark.values())


@pytest.mark.parametrize(("codes", "families"), [(25, 5), (40, 8), (40, 1), (40, 40), (120, 3)])
def test_more_codes_share_a_familys_colour_and_have_a_pattern(codes: int, families: int) -> None:
    book = book_of(codes, families)
    colors = palette(book)
    signs = [(colors[code.id], colors.pattern(code.id)) for code in book.codes]
    assert len(set(signs)) == codes
    assert {hatch for _, hatch in signs} <= set(HATCHES)
    own = {code.id: code.family for code in book.codes}
    for one, other in combinations(own, 2):
        if colors[one] == colors[other]:
            assert own[one] == own[other] or families > 24
    if codes / families <= len(HATCHES) and families <= 24:
        assert len({colors[code] for code in own}) == families
        assert families == 1 or nearest(sorted({colors[code] for code in own})) >= 10


@pytest.mark.parametrize(("name", "dark"), list(product(["schoen", "schoenfeld"], [False, True])))
def test_our_codebooks(name: str, dark: bool) -> None:
    book = load_codebook(name)
    colors = palette(book)
    found = [(colors.dark if dark else colors.light)[code.id] for code in book.codes]
    assert nearest(found) >= 10
