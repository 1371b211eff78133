"""Letters that no font of this machine has: one sentence, no raw warning, and the text whole in the SVG file."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from click.testing import Result

from pedagogy_r1.errors import FontWarning
from pedagogy_r1.estimate import Estimate
from pedagogy_r1.report.figures.dot_plot import Dot, dot_rows
from pedagogy_r1.report.figures.figure import Figure
from pedagogy_r1.report.figures.figure_fonts import FALLBACK, MAIN, fonts_for, has_glyph, warn_of
from pedagogy_r1.report.figures.sheet import WIDTHS, fitted, style, wide

from .scenes import QUICK, run_of


def figure_of(name: str) -> Figure:
    draw = partial(dot_rows, [name], [[Dot(Estimate(0.5, 0.4, 0.6))]], axis="share")
    return Figure("f", "a figure", draw)


def test_a_letter_that_no_font_has_is_told_and_not_warned_of() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        files = figure_of("α 怪怪 𒀀𒀁").render()
    known = fonts_for("α 怪 𒀀𒀁")[1]
    assert files.missing == known
    assert "α 怪怪 𒀀𒀁" in files.svg
    with pytest.warns(FontWarning) as said:
        warn_of("한글漢字かなABC")
    assert len(said) == 1
    assert str(said[0].message).startswith("no font on this machine has 9 letters of the figures (")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_of("")


def test_an_svg_file_names_the_fonts_that_its_reader_may_have() -> None:
    svg = figure_of("한글").render().svg
    assert svg.count("font-family") == 1
    assert all(f"'{family}'" in svg for family in (MAIN, *FALLBACK))


def test_letters_are_looked_up_in_the_font_itself() -> None:
    assert has_glyph(MAIN, "α")
    assert not has_glyph(MAIN, "한")
    assert fonts_for("plain α β")[1] == frozenset()


def test_a_missing_letter_is_as_wide_as_where_a_font_has_it() -> None:
    with style("w"):
        if not has_glyph(MAIN, "漢") and fonts_for("漢")[1]:
            assert wide("漢漢漢", 10) == pytest.approx(3 * 10 / 72)
        assert wide("ab", 10) > wide("a", 10) > 0


def test_labels_are_broken_then_shortened_and_never_alike() -> None:
    with style("f"):
        room = wide("planning the", 8)
        assert fitted(["planning the next"], 8, room, 2) == ["planning the\nnext"]
        assert fitted(["다음 움직임 계획하기"], 8, wide("다음 움직임", 8) + 0.01, 2) == [
            "다음 움직임\n계획하기"
        ]
        long = [f"code-number-of-many-{'x' * 30}-{'y' * 30}{k % 2}{'z' * 30}" for k in range(2)]
        short = fitted(long, 8, 0.8)
        assert len(set(short)) == 2
        assert all(wide(text, 8) <= 0.8 for text in short)
        assert fitted(["same", "same"], 8, 0.8) == ["same", "same"]


def test_one_sentence_for_a_whole_report(pcode: Callable[..., Result], tmp_path: Path) -> None:
    """Of a condition's name in a script that no font here has, if there is one."""
    script = "𒀀𒀁𒀂"
    values = [script, "generic"]
    run = run_of(
        tmp_path / "r", {"A": ["A", "B"] * 60}, lambda k: {"condition": values[k % 2], "item": f"i{k // 2}"}
    )
    made = pcode(
        "report",
        run,
        "-o",
        tmp_path / "out",
        "--permutations",
        QUICK.permutations,
        "--replicates",
        20,
        "--figure-width",
        "single",
    )
    assert made.exit_code == 0, made.output
    assert "Glyph" not in made.output
    told = re.findall("no font on this machine has", made.stderr)
    assert len(told) == (1 if fonts_for(script)[1] else 0)
    page = (tmp_path / "out/report.html").read_text(encoding="utf-8")
    svg = (tmp_path / "out/figures/frequency.svg").read_text(encoding="utf-8")
    size = re.search(r'<svg [^>]*width="([\d.]+)pt"', svg)
    assert size
    assert float(size[1]) / 72 == pytest.approx(WIDTHS["single"], abs=0.01)
    assert f"{WIDTHS['double'] * 72:.6f}"[:6] in page
