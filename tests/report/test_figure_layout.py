"""No text of a figure lies on another one or outside, whatever the codes are called and however many there are."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pedagogy_r1.codebook.code_colors import DISTINCT, HATCHES, NO_CODE
from pedagogy_r1.estimate import Estimate
from pedagogy_r1.report.figures.composition_bars import BarPart, stacked_bars, with_other
from pedagogy_r1.report.figures.dot_plot import HOLLOW, Dot, dot_rows
from pedagogy_r1.report.figures.figure import DPI, Figure
from pedagogy_r1.report.figures.figure_legend import Sign
from pedagogy_r1.report.figures.heat_maps import heat_map
from pedagogy_r1.report.figures.learning_figure import learning_curve
from pedagogy_r1.report.figures.pointed_values import pointed
from pedagogy_r1.report.figures.position_panels import profiles
from pedagogy_r1.report.figures.sheet import INK, PAGE, TALL, WIDTHS, style
from pedagogy_r1.report.figures.specification_curve import Effect, Question, specification_curve
from pedagogy_r1.report.figures.trace_ribbons import Stretch, TraceRibbon, joined, ribbons
from pedagogy_r1.report.figures.transition_graph import Arrow, CodeNode, transition_network

from ..make_runs import BOOK, book, make_run, with_fields

CODES = {
    "ids": ["IA-PL", "TR-SP-an-identifier-of-32-signs-", "KA-RO", "OA_ME.meta.evaluation", "UT-NF"],
    "English": ["planning the next move", "self-questioning", "surprise or puzzlement", "knowing-in-action, routine work", "(re)framing"],
    "Korean": ["다음 움직임 계획하기", "스스로에게 묻기", "놀람 또는 당혹", "행위 중 앎과 일상적 작업", "문제를 다시 틀 짓기"],
    "Chinese": ["计划下一步行动", "自我提问", "惊讶或困惑", "行动中的知识与常规工作", "重新界定问题"],
    "endless": ["x" * 5000, "lorem ipsum " * 420, "$_{^" * 1200, "planning", "行动" * 2500],
}  # fmt: skip
CONDITIONS = {
    "ids": ["cop", "generic", "none", "rubric", "few_shot_with_worked_examples", "persona"],
    "English": ["chain of pedagogy", "generic", "no prompt at all", "with a rubric", "few-shot", "persona of a teacher"],
    "Korean": ["교육학 사고 사슬", "일반", "프롬프트 없음", "루브릭 포함", "소수 예시", "교사 역할을 맡긴 프롬프트"],
    "Chinese": ["教学思维链", "通用", "无提示", "带评分标准", "少样本", "教师角色"],
    "endless": ["y" * 5000, "dolor sit amet " * 340, "$\\frac{" * 700, "none", "提示" * 2500, "a-b_" * 1250],
}  # fmt: skip


def estimate(rng: np.random.Generator, value: float, reach: float = 0.1) -> Estimate:
    half = reach * float(rng.uniform(0.2, 1))
    return Estimate(value, value - half, value + half)


def names_of(codes: int, words: str) -> list[str]:
    own = CODES[words]
    return [
        own[k % len(own)][: 32 if words == "ids" else None] + (f"{k}" if k >= len(own) else "")
        for k in range(codes)
    ]


def drawings(codes: int, conditions: int, words: str) -> dict[str, Any]:
    """What the report draws, of so many codes under so many conditions."""
    rng = np.random.default_rng(7)
    names, groups = names_of(codes, words), CONDITIONS[words][:conditions]
    colors = [DISTINCT[k % 24] for k in range(codes)]
    shares = rng.dirichlet(np.full(codes, 0.6), size=conditions)
    rows = [
        [Dot(estimate(rng, float(shares[g, k])), colors[k], g) for g in range(conditions)]
        for k in range(codes)
    ]
    parts, table, _ = with_other(
        [
            BarPart(
                name, colors[k // 5 % 24] if codes > 24 else colors[k], HATCHES[k % 5] if codes > 24 else ""
            )
            for k, name in enumerate(names)
        ],
        shares,
    )
    found = {
        "frequency": partial(dot_rows, names, rows, axis="share of units", groups=groups, percent=True, limits=(0, None)),
        "composition": partial(stacked_bars, groups, parts, table, axis="share of tokens"),
    }  # fmt: skip
    if codes <= 10:
        found["log"] = partial(found["frequency"], log=True)
    if conditions != 2:
        found["multiverse"] = many_analyses(names, colors, groups, rng)
    found["ribbons"] = many_ribbons(names, colors, groups, rng)
    if conditions == 1:
        found |= of_one_coder(names, colors, CONDITIONS[words], rng)
    return found


def many_analyses(
    names: Sequence[str], colors: Sequence[str], groups: Sequence[str], rng: np.random.Generator
) -> Any:
    """As many coders as conditions, and one more, each with choices of its own."""
    coders = [*groups, "gpt-4.1-mini"]
    held = [
        frozenset({name, f"window: {n % 2}", f"prompt: {'a long name of a prompt ' * 2}{n % 3}"})
        for n, name in enumerate(coders)
    ]
    effects = [[(float(rng.normal(0, 5)), 4.0) for _ in coders] for _ in names]
    questions = [
        Question(
            name,
            color,
            [
                Effect(n, value, value - half, value + half, abs(value) > half)
                for n, (value, half) in enumerate(own)
            ],
        )
        for name, color, own in zip(names, colors, effects, strict=True)
    ]
    lines = list(dict.fromkeys([*coders, *(line for one in held for line in sorted(one))]))
    return partial(specification_curve, questions, held, lines, axis="percentage points")


def many_ribbons(
    names: Sequence[str], colors: Sequence[str], groups: Sequence[str], rng: np.random.Generator
) -> Any:
    """A long trace and a short one."""
    signs = {
        name: Sign(name, color, HATCHES[k % len(HATCHES)])
        for k, (name, color) in enumerate(zip(names, colors, strict=True))
    }
    traces = []
    for length in (60, 935):
        ends = np.cumsum(rng.integers(5, 120, length)).tolist()
        own = {
            coder: [
                Stretch(a, b, names[int(rng.integers(len(names)))] if b % 17 else None)
                for a, b in itertools.pairwise([0, *ends])
            ]
            for coder in (*groups, "cues")
        }
        traces.append(TraceRibbon(f"trace-{length} · {groups[-1]}", ends[-1], own))
    return partial(ribbons, traces, signs, axis="letters of the trace", missing="asked about, not coded")


def of_one_coder(
    names: Sequence[str], colors: Sequence[str], conditions: Sequence[str], rng: np.random.Generator
) -> dict[str, Any]:
    """Figures in which the conditions are not told apart."""
    k = len(names)
    alphas = [
        [Dot(estimate(rng, float(rng.uniform(-0.2, 0.95))), colors[i], g) for g in (0, 1)] for i in range(k)
    ]
    differences = [
        [Dot(estimate(rng, float(rng.normal(0, 5)), 4), colors[i], 0 if i % 2 else HOLLOW)] for i in range(k)
    ]
    ends = (f"← more in {conditions[1]}", f"more in {conditions[0]} →")
    counts = rng.integers(0, 2000, (k, k))
    tenths = [[estimate(rng, float(rng.uniform(0, 0.2))) for _ in range(10)] for _ in range(k)]
    times = [(int(i), int(j)) for i, j in rng.integers(0, k, (min(60, 3 * k), 2))]
    nodes = [
        CodeNode(name, color, int(rng.integers(1, 900))) for name, color in zip(names, colors, strict=True)
    ]
    points = [(n, 0.4 + 0.02 * n, [0.35 + 0.02 * n, 0.47 + 0.02 * n]) for n in (3, 6, 12)]
    return {
        "network": partial(transition_network, nodes, [Arrow(i, j, int(rng.integers(5, 400))) for i, j in times]),
        "learning": partial(
            learning_curve, points, said="10 more traces of the same kind would change α by +0.012 [+0.003, +0.021], if the curve goes on as it went.",
            marks={0.667: ".667", 0.8: ".800", 0.66: f"{names[0]} .660"}, reading="α with the teachers, on traces set aside",
        ),
        "alpha": partial(
            dot_rows, names, alphas, axis="α of presence or absence", marks={0.667: ".667", 0.8: ".800"}, limits=(None, 1.02),
            groups=[f"human–human ({names[0]} – B)", "human–machine (A – gpt-4.1-mini)"],
        ),
        "contrast": partial(dot_rows, names, differences, axis="difference, percentage points", ends=ends, marks={0.0: ""}),
        "transitions": partial(
            heat_map, names, names, rng.normal(0, 4, (k, k)), [[f"{n:,}" for n in row] for row in counts], row_axis="from",
            axis="to", scale="z: standard deviations from random order", reach=8.0,
        ),
        "position": partial(
            profiles, names, np.linspace(0, 1, 11).tolist(), tenths, colors, axis="position in the trace", of="share of units",
            write_share=lambda value: f"{100 * value:.3g} %",
        ),
    }  # fmt: skip


def shown_texts(drawn: Any) -> list[Any]:
    """All texts that stand in a figure."""
    found = list(drawn.texts)
    for axes in drawn.axes:
        found += axes.texts
        if axes.axison:
            found += [
                axes.title,
                axes.xaxis.label,
                axes.yaxis.label,
                *axes.get_xticklabels(),
                *axes.get_yticklabels(),
            ]
    return [text for text in found if text.get_visible() and text.get_text().strip()]


NUMBERED = ("frequency", "log", "alpha", "contrast", "composition", "learning", "ribbons")
"""Whose horizontal axes have numbers."""

Corners = list[tuple[float, float]]


def corners_of(text: Any) -> Corners:
    """Of the text's box, turned as the text is; pixels."""
    angle = text.get_rotation()
    if angle % 90 == 0:
        box = text.get_window_extent()
        return [(box.x0, box.y0), (box.x1, box.y0), (box.x1, box.y1), (box.x0, box.y1)]
    assert text.get_rotation_mode() == "anchor"
    text.set_rotation(0)
    box = text.get_window_extent()
    text.set_rotation(angle)
    x, y = text.get_transform().transform(text.get_position())
    turn = math.radians(angle)
    return [
        (x + (a - x) * math.cos(turn) - (b - y) * math.sin(turn), y + (a - x) * math.sin(turn) + (b - y) * math.cos(turn))
        for a, b in ((box.x0, box.y0), (box.x1, box.y0), (box.x1, box.y1), (box.x0, box.y1))
    ]  # fmt: skip


def apart(one: Corners, other: Corners, slack: float) -> bool:
    """Whether a line parallel to a side of one of the boxes divides them; ``slack``: pixels that they may share."""
    for shape in (one, other):
        for (ax, ay), (bx, by) in itertools.pairwise([*shape, shape[0]]):
            length = math.hypot(bx - ax, by - ay) or 1.0
            nx, ny = (by - ay) / length, (ax - bx) / length
            mine = [x * nx + y * ny for x, y in one]
            theirs = [x * nx + y * ny for x, y in other]
            if min(mine) >= max(theirs) - slack or min(theirs) >= max(mine) - slack:
                return True
    return False


def faults(drawn: Any) -> Iterator[str]:
    """Texts that lie on each other, and such as are not wholly inside."""
    drawn.set_dpi(DPI)
    width, height = drawn.get_size_inches() * DPI
    with style("layout"):
        boxes = [(text.get_text(), corners_of(text)) for text in shown_texts(drawn)]
    for text, corners in boxes:
        if not all(-1 <= x <= width + 1 and -1 <= y <= height + 1 for x, y in corners):
            yield f"outside: {text!r} {[(round(x), round(y)) for x, y in corners]} of {width:.0f} × {height:.0f}"
    order = sorted(boxes, key=lambda box: min(x for x, _ in box[1]))
    for n, (text, corners) in enumerate(order):
        for other, theirs in order[n + 1 :]:
            if min(x for x, _ in theirs) >= max(x for x, _ in corners):
                break
            if not apart(corners, theirs, 1):
                yield f"overlap: {text!r} and {other!r}"


IN_EVERY_RUN = [
    (3, 2, "Korean"),
    (3, 2, "endless"),
    (10, 1, "Chinese"),
    (10, 6, "English"),
    (24, 1, "English"),
    (40, 2, "ids"),
]


def cases() -> list[Any]:
    """Every number of codes with every number of conditions and all kinds of words; `IN_EVERY_RUN` each of them comes up."""
    found = []
    for case in itertools.product([3, 10, 24, 40], [1, 2, 6], CODES):
        if case[0] > 10 and case[2] == "endless":
            continue
        marks = [pytest.mark.slow] * (case[0] == 40) + [pytest.mark.whole] * (case not in IN_EVERY_RUN)
        found.append(pytest.param(*case, marks=marks))
    return found


# Of letters that no font here has, measured by matplotlib; the figures' own files are written without (`test_figure_fonts.py`).
@pytest.mark.filterwarnings("ignore:Glyph")
@pytest.mark.parametrize(("codes", "conditions", "words"), cases())
def test_texts_stand_apart_and_inside(codes: int, conditions: int, words: str) -> None:
    for name, draw in drawings(codes, conditions, words).items():
        for width, inches in WIDTHS.items():
            drawn, _ = Figure(name, "", draw).canvas(width=inches)
            assert drawn.get_size_inches()[0] == pytest.approx(inches)
            assert list(faults(drawn)) == [], f"{name}, {width}"
            if name in NUMBERED:
                assert all(len(axes.get_xticklabels()) >= 2 for axes in drawn.axes), f"{name}, {width}"


def test_panels_have_one_logarithmic_scale() -> None:
    """Of six conditions and twenty codes; one condition has none of them at all."""
    rows = [
        [Dot(Estimate(0.0 if g == 5 else 0.001 * 2 ** (k % 8) * (g + 1)), INK, g) for g in range(6)]
        for k in range(20)
    ]
    names, groups = names_of(20, "ids"), CONDITIONS["ids"]
    draw = partial(
        dot_rows, names, rows, axis="share of units", groups=groups, percent=True, limits=(0, None), log=True
    )
    drawn, _ = Figure("log", "", draw).canvas()
    assert len(drawn.axes) == 6
    assert len({axes.get_xlim() for axes in drawn.axes}) == 1
    low, high = drawn.axes[0].get_xlim()
    assert 0 < low < 0.001
    assert high > 0.001 * 2**7 * 5


def test_a_cell_whose_colour_is_no_value_says_its_text() -> None:
    """Lift is coloured by its logarithm: 2 is what is said of 2, not 1."""
    values = np.array([[1.0, np.nan], [-1.0, 0.0]])
    texts = [["2.00", ""], ["0.50", "1.00"]]
    ticks = [(-1.0, "½"), (0.0, "1"), (1.0, "2")]
    draw = partial(heat_map, ["B", "C"], ["A", "B"], values, texts, scale="lift", reach=1.0, ticks=ticks)
    drawn, _ = Figure("lift", "", draw).canvas()
    assert [place.words for place in pointed(drawn)] == [
        "B, A: lift: 2.00",
        "C, A: lift: 0.50",
        "C, B: lift: 1.00",
    ]


def test_other_is_not_taken_for_none() -> None:
    parts = [BarPart(f"C{k}", DISTINCT[k % 24]) for k in range(29)] + [BarPart("none", NO_CODE)]
    shares = np.array([[*np.full(29, 0.5 / 29), 0.5]])
    found, table, rare = with_other(parts, shares)
    assert [part.name for part in found[-2:]] == ["none", "other (7 codes)"]
    assert (found[-1].color, found[-1].hatch) != (found[-2].color, found[-2].hatch)
    assert rare == 7
    assert table.sum() == pytest.approx(1)


def test_files_of_many_codes_are_small() -> None:
    """Patterns are in a file once, neighbours of one code are one path: what had megabytes has a quarter of one, or half."""
    many = drawings(40, 6, "English")
    composition = Figure("composition", "", many["composition"]).render().svg
    assert len(composition) < 350_000
    assert composition.count("<pattern") > composition.count('<path id="lines') > 0
    own = [Stretch(9 * n, 9 * n + 8, "B" if n % 500 == 499 else "A") for n in range(10_000)]
    signs = {name: Sign(name, color) for name, color in zip("AB", DISTINCT, strict=False)}
    long = TraceRibbon("t", 90_000, {"A": own})
    ribbon = partial(ribbons, [long], signs, axis="letters", missing="none")
    assert len(Figure("ribbon", "", ribbon).render().svg) < 30_000
    assert len(joined(own, 0)) == 40


def test_a_curve_of_many_codes_names_those_it_leaves_out() -> None:
    curve = partial(drawings(40, 6, "English")["multiverse"], first=[39], title="cop against generic")
    canvas, _ = Figure("multiverse", "", partial(curve, key=("shown", "not"))).canvas(width=PAGE)
    assert canvas.get_size_inches()[1] < 1.15 * TALL
    texts = [text.get_text() for text in shown_texts(canvas)]
    assert any(text.startswith("not drawn, in the table:") for text in texts)
    assert {"cop against generic", "shown", "not"} <= set(texts)
    names = names_of(40, "English")
    assert any(text and names[39].startswith(text[:6]) and text.endswith(names[39][-2:]) for text in texts)


@pytest.mark.slow
def test_a_report_is_made_whatever_conditions_coders_and_codes_are_called(
    tmp_path: Path, pcode: Callable[..., Any]
) -> None:
    named = book(BOOK.replace("name: a", f"name: {'a' * 5000}").replace("name: b", f"name: {'b c ' * 1250}"))
    people = {"h" + "x" * 5000: ("A", "B", "A", "C") * 8, "lorem ipsum " * 420: ("A", "A", "B", "C") * 8}
    make_run(tmp_path / "people", people, codebook=named)
    endless = CONDITIONS["endless"]
    with_fields(
        tmp_path / "people",
        lambda n: {"condition": endless[n % 2], "model": endless[2 + n % 3], "domain": endless[5]},
    )
    done = pcode(
        "report", tmp_path / "people", "-o", tmp_path / "report", "--replicates", 0, "--permutations", 99
    )
    assert done.exit_code == 0, done.output
    assert len(list((tmp_path / "report/figures").glob("*.png"))) > 8
