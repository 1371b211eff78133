"""Whether other coders would have concluded otherwise: for each code what every analysis found, and below which analysis it was.

      │  ●      │   ○            the effect with its interval, from the smallest to the largest; filled: a difference is shown
    ──┼─●───────┼○────
      │         │
    cues   ●    │●               whose codings, and what was chosen for them
    gpt     ●   │ ●
         IA-SQ   TR-SP

Simonsohn, Simmons & Nelson 2020 (*Nature Human Behaviour* 4), a curve for each question.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from .axis_ticks import upward_ticks
from .dot_plot import as_limits
from .figure_legend import Legend, Sign
from .sheet import INK, MARGIN, MUTED, PAPER, RULE, TALL, box, fitted, high, sheet, sizes, widest, write

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

PITCH, LEAST_PITCH = 0.12, 0.085
"""Inches from one analysis to the next."""

TALL_CURVE, ROW = 1.25, 0.14
"""Inches of the effects above, and of each line below."""


class Effect(NamedTuple):
    """What one analysis found: its place among the specifications, the effect with its limits, and whether a difference is shown."""

    specification: int
    value: float
    low: float | None
    high: float | None
    shown: bool


class Question(NamedTuple):
    """A code, its colour, and its effects."""

    name: str
    color: str
    effects: Sequence[Effect]


def specification_curve(
    questions: Sequence[Question], specifications: Sequence[frozenset[str]], lines: Sequence[str], *, width: float, axis: str,
    title: str = "", key: tuple[str, str] = ("shown", "not shown"), first: Sequence[int] = (),
) -> Canvas:  # fmt: skip
    """``specifications``: of each analysis, the ``lines`` that hold for it; ``axis``: what the effect is, and ``title``: of what against
    what; ``key``: what filled and hollow marks say.

    Of more questions than a page has room for, those ``first`` are drawn, and a line below names the others.
    """
    size = sizes(width)
    called = dict(zip(lines, fitted(lines, size.small, 0.27 * width), strict=True))
    left = MARGIN + max(widest(list(called.values()), size.small), 0.55) + 0.08
    inside = width - left - MARGIN
    many = max((len(q.effects) for q in questions), default=1) + 1
    pitch = PITCH if PITCH * many * len(questions) <= inside else LEAST_PITCH
    per = max(1, min(len(questions), int(inside / (pitch * many))))
    per = -(-len(questions) // -(-len(questions) // per))
    group = min(inside / per, max(pitch * many, 0.9))
    names = fitted([q.name for q in questions], size.small, 0.22 * width)
    flat = widest(names, size.small) + MARGIN <= group
    below = high("x", size.small) + 0.04 if flat else widest(names, size.small) + 0.06
    one = MARGIN + TALL_CURVE + 0.06 + ROW * len(lines) + 0.04 + below + MARGIN
    head, draw_head = _head(title, key, width)
    down = min(-(-len(questions) // per), max(1, int((TALL - head) / one)))
    kept = sorted([*first, *(k for k in range(len(questions)) if k not in first)][: down * per])
    rest = [q.name for k, q in enumerate(questions) if k not in kept]
    questions, names = [questions[k] for k in kept], [names[k] for k in kept]
    said = fitted([f"not drawn, in the table: {', '.join(rest)}"], size.small, width - 2 * MARGIN, 8)[0]
    figure = sheet(width, head + one * down + (high(said, size.small) + MARGIN if rest else 0))
    draw_head(figure)
    if rest:
        write(figure, said, MARGIN, head + one * down, size.small, color=MUTED)
    reach = as_limits(
        [x for q in questions for e in q.effects for x in (e.value, e.low, e.high) if x is not None] + [0.0]
    )
    for row in range(down):
        own = questions[row * per : (row + 1) * per]
        top = head + row * one + MARGIN
        upper = box(figure, left, top, group * len(own), TALL_CURVE)
        lower = box(figure, left, top + TALL_CURVE + 0.06, group * len(own), ROW * len(lines))
        for axes in (upper, lower):
            axes.set_xlim(0, len(own))
            axes.set_xticks([])
            axes.spines["bottom"].set_visible(False)
        _effects(figure, upper, reach, axis, top)
        _lines(lower, lines, called, size.small)
        for k, question in enumerate(own):
            _question(upper, lower, k, question, specifications, lines)
            _name(
                figure,
                names[row * per + k],
                left + (k + 0.5) * group,
                top + TALL_CURVE + 0.1 + ROW * len(lines),
                size.small,
                flat,
            )
    return figure


def _head(title: str, key: tuple[str, str], width: float) -> tuple[float, Callable[[Canvas], None]]:
    """Title and key above the curves: their inches, and what draws them."""
    size = sizes(width)
    filled, hollow = key
    legend = Legend(
        [Sign(filled, MUTED, shape="o"), Sign(hollow, MUTED, shape="o", hollow=True)],
        width - 2 * MARGIN,
        size.small,
    )
    words = fitted([title], size.text, width - 2 * MARGIN, 2)[0]
    above = high(words, size.text) + MARGIN if title else 0.0

    def draw(figure: Canvas) -> None:
        write(figure, words, MARGIN, MARGIN / 2, size.text)
        legend.draw(figure, MARGIN, above + MARGIN / 2)

    return above + legend.height, draw


def _effects(figure: Canvas, upper: Axes, reach: tuple[float, float], axis: str, top: float) -> None:
    """The axis of the effects, before they are drawn."""
    width, height = figure.get_size_inches()
    size = sizes(width).small
    upper.set_ylim(*reach)
    upper.axhline(0, color=INK, lw=0.9, ls=(0, (4, 2.5)), zorder=1)
    upper.tick_params(axis="y", length=2.5, labelsize=size)
    upward_ticks(upper, 5)
    upper.grid(axis="y")
    upper.set_axisbelow(True)
    figure.text(
        MARGIN + high("x", size) / 2, height - top - TALL_CURVE / 2, fitted([axis], size, TALL_CURVE)[0], rotation=90, ha="center",
        va="center", fontsize=size, transform=figure.dpi_scale_trans,
    )  # fmt: skip


def _lines(axes: Axes, lines: Sequence[str], called: Mapping[str, str], size: float) -> None:
    axes.set_ylim(len(lines) - 0.5, -0.5)
    axes.set_yticks(range(len(lines)), [called[line] for line in lines])
    axes.tick_params(axis="y", length=0, labelsize=size)
    axes.spines["left"].set_visible(False)
    for row in range(len(lines)):
        axes.axhline(row, color=RULE, lw=0.6, zorder=0)


def _question(
    upper: Axes, lower: Axes, k: int, question: Question, specifications: Sequence[frozenset[str]], lines: Sequence[str]
) -> None:  # fmt: skip
    effects = sorted(question.effects, key=lambda effect: effect.value)
    if k % 2 == 0:
        for axes in (upper, lower):
            axes.axvspan(k, k + 1, color=RULE, alpha=0.35, lw=0, zorder=-1)
    for n, effect in enumerate(effects):
        x = k + (n + 1) / (len(effects) + 1)
        if effect.low is not None and effect.high is not None:
            upper.plot(
                [x, x],
                [effect.low, effect.high],
                color=question.color,
                lw=1.4,
                solid_capstyle="round",
                zorder=2,
            )
        fill = question.color if effect.shown else PAPER
        upper.plot(
            [x],
            [effect.value],
            "o",
            ms=4,
            mfc=fill,
            mec=INK if effect.shown else question.color,
            mew=0.5 if effect.shown else 1.1,
            zorder=3,
        )
        held = [row for row, line in enumerate(lines) if line in specifications[effect.specification]]
        lower.plot([x] * len(held), held, "o", ms=3, color=INK if effect.shown else MUTED, zorder=2)


def _name(figure: Canvas, name: str, x: float, top: float, size: float, flat: bool) -> None:
    y = figure.get_size_inches()[1] - top
    how = (
        {"rotation": 0, "ha": "center", "va": "top"}
        if flat
        else {"rotation": 90, "ha": "center", "va": "top"}
    )
    figure.text(x, y, name, fontsize=size, transform=figure.dpi_scale_trans, **how)  # type: ignore[arg-type]
