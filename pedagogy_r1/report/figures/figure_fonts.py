"""Fonts of figures: DejaVu Sans, and for letters that it lacks whatever font of this machine has them.

families()                       ("DejaVu Sans", "Noto Sans CJK JP")
without_glyph("α 안녕", …)       {"안", "녕"} where no font has Hangul
"""

from __future__ import annotations

import unicodedata
import warnings
from collections.abc import Iterable, Sequence
from functools import lru_cache

from ...errors import FontWarning
from ...formatting import counted

MAIN = "DejaVu Sans"
"""Comes with matplotlib, so that figures are the same everywhere."""

FALLBACK = (
    "Noto Sans CJK SC", "Noto Sans CJK KR", "Noto Sans CJK JP", "Noto Sans CJK TC", "Noto Sans SC", "Noto Sans KR", "Noto Sans JP",
    "Source Han Sans SC", "Source Han Sans K", "Source Han Sans", "Malgun Gothic", "Apple SD Gothic Neo", "PingFang SC",
    "Hiragino Sans", "Microsoft YaHei", "Yu Gothic", "MS Gothic", "SimHei", "NanumGothic", "WenQuanYi Zen Hei", "Arial Unicode MS",
)  # fmt: skip
"""Of Chinese, Japanese and Korean, in the order in which they are taken; an SVG file names all of them, for whoever opens it."""

SHOWN = 6


@lru_cache(maxsize=1)
def families() -> tuple[str, ...]:
    """The fonts of figures that this machine has."""
    from matplotlib.font_manager import fontManager

    installed = {font.name for font in fontManager.ttflist}
    return MAIN, *(name for name in FALLBACK if name in installed)


@lru_cache(maxsize=1024)
def _file(family: str) -> str:
    """The font's upright file nearest to the usual weight."""
    from matplotlib.font_manager import fontManager

    weight = {"normal": 400, "regular": 400, "book": 400}
    return min(
        (font for font in fontManager.ttflist if font.name == family),
        key=lambda font: (font.style != "normal", abs(weight.get(str(font.weight), 0) - 400) if isinstance(font.weight, str) else abs(font.weight - 400)),
    ).fname  # fmt: skip


@lru_cache(maxsize=8192)
def has_glyph(family: str, letter: str) -> bool:
    """Whether the font can show the letter."""
    from matplotlib.font_manager import get_font

    return bool(get_font(_file(family)).get_char_index(ord(letter)))


@lru_cache(maxsize=64)
def _others_with(letters: frozenset[str]) -> tuple[tuple[str, ...], frozenset[str]]:
    """Fonts beyond `families` that together have most of the letters, and the rest of these."""
    from matplotlib.font_manager import fontManager

    found: list[str] = []
    for family in sorted({font.name for font in fontManager.ttflist} - set(families())):
        rest = without_glyph("".join(letters), [family])
        if len(rest) < len(letters):
            found, letters = [*found, family], rest
        if not letters:
            break
    return tuple(found), letters


def without_glyph(text: str, among: Sequence[str]) -> frozenset[str]:
    """Letters that none of the fonts can show; blanks and marks that nobody sees need none."""
    return frozenset(
        letter
        for letter in set(text)
        if letter.isprintable()
        and not letter.isspace()
        and unicodedata.category(letter) != "Cf"
        and not any(has_glyph(family, letter) for family in among)
    )


def fonts_for(text: str) -> tuple[tuple[str, ...], frozenset[str]]:
    """The fonts of a figure with that text, and the letters that no font of this machine has."""
    missing = without_glyph(text, families())
    more, missing = _others_with(missing) if missing else ((), missing)
    return (*families(), *more), missing


def css_families() -> str:
    """For an SVG file, which is shown with the fonts of whoever opens it."""
    return ", ".join((*(f"'{name}'" for name in (MAIN, *FALLBACK)), "sans-serif"))


def warn_of(missing: Iterable[str]) -> None:
    """One sentence on the letters that stand as boxes in PNG files; nothing where there are none."""
    letters = sorted(set(missing))
    if not letters:
        return
    some = " ".join(letters[:SHOWN]) + (" …" if len(letters) > SHOWN else "")
    warnings.warn(
        f"no font on this machine has {counted(len(letters), 'letter')} of the figures ({some}): PNG files show boxes there, SVG files hold "
        f"the text and show it where a font has it. Install one, as Noto Sans CJK for Chinese, Japanese and Korean, and draw again.",
        FontWarning,
        stacklevel=3,
    )
