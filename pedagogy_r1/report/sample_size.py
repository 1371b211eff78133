"""How many units do people have to code? The precision of α and of a code's frequency against n.

    units  traces   α ±    shown ≥ .667   α of the code ±   frequency 95 %
    200    8        .09    .34            .28               1.1–13.6 %
    800    32       .045   .93            .14               2.7–8.3 %

α by simulation (`planned_precision`), the frequency by formula; both from assumptions, which a
pilot run can replace. Without the machine: what a machine run adds (DSL, PPI++) makes frequencies more precise, never less by much.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..agreement.alpha import krippendorff_alpha
from ..agreement.comparison import ReliabilityData, reliability_of
from ..agreement.profile import MISSING
from ..errors import InputError, RunError, did_you_mean
from ..estimate import Estimate
from ..formatting import level_words, shown
from ..limits import ALPHA_TENTATIVE, ICC, LEVEL
from ..runs.codings_table import frame_of
from ..runs.run import CoderRun, require_complete
from ..runs.run_columns import read_columns
from ..stats.code_frequency import frequency
from .figures.figure import Figure
from .figures.figure_legend import Legend, Sign
from .figures.sheet import INK, MARGIN, MUTED, box, fitted, high, sheet, sizes, write
from .planned_precision import AlphaPrecision, Coders, alpha_precision, icc_of, share_precision, units_needed

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

GRID = (50, 100, 200, 400, 800, 1600, 3200)
LEVEL_WORDS = level_words(LEVEL)
LEAST, MOST = 0.01, 0.99
"""Between what an α is simulated; a pilot's beyond that is taken for the nearer of the two, and the plan says what it was."""
DEFAULTS = {"alpha": 0.75, "prevalence": 0.05, "per_trace": 25, "icc": ICC}


@dataclass(frozen=True)
class Assumptions:
    """``shares``: of all codes; ``prevalence``: of the code of interest, ``code``; ``origin``: where each figure is from."""

    alpha: float
    code_alpha: float
    prevalence: float
    per_trace: int
    icc: float
    coders: int
    code: str
    shares: tuple[float, ...]
    origin: Mapping[str, str]


@dataclass(frozen=True)
class SampleSize:
    """``alpha``: of all codes, ``code_alpha``: of the presence of the code of interest, ``share``: its frequency, each along
    `GRID`. ``needed``: units for the precision asked for, by what; None where no number of units in reach gives it."""

    assumed: Assumptions
    precision: float
    seed: int
    runs: int
    alpha: tuple[AlphaPrecision, ...]
    code_alpha: tuple[AlphaPrecision, ...]
    share: tuple[Estimate, ...]
    needed: Mapping[str, int | None]

    def rows(self) -> list[dict[str, Any]]:
        """The table, shares as fractions."""
        found = []
        for share, a, c in zip(self.share, self.alpha, self.code_alpha, strict=True):
            values = {"alpha_low": a.low, "alpha_high": a.high, "alpha_half": a.half, "alpha_shown": a.shown}
            values |= {"code_alpha_half": c.half, "code_alpha_undefined": c.undefined_share}
            values |= {"code_low": share.low, "code_high": share.high, "code_half": share.half}
            values |= {"code_expected": share.n * self.assumed.prevalence}
            rounded = {name: None if value is None else round(value, 5) for name, value in values.items()}
            found.append({"n_units": share.n, "n_traces": a.clusters} | rounded)
        return found

    def figure(self) -> Figure:
        """The picture."""
        caption = (
            f"Half the {LEVEL_WORDS} interval to be expected around α = {self.assumed.alpha:g}, and the {LEVEL_WORDS} interval to be expected for a "
            f"code of {level_words(self.assumed.prevalence)}, against the number of coded units."
        )
        return Figure("plan", caption, partial(_drawn, self))


def assume(
    *,
    codes: int,
    run: str | Path | None = None,
    code: str | None = None,
    coders: int = 2,
    alpha: float | None = None,
    prevalence: float | None = None,
    per_trace: int | None = None,
    icc: float | None = None,
) -> Assumptions:
    """What is given, else what the pilot ``run`` shows, else `DEFAULTS`. ``codes``: how many the codebook has."""
    given = {"alpha": alpha, "prevalence": prevalence, "per_trace": per_trace, "icc": icc}
    if run is None and code is not None:
        raise InputError("--code needs a pilot that shows its share", "give --run RUN, or --prevalence")
    pilot: dict[str, Any] = _pilot(CoderRun(run), code) if run is not None else {}
    sources = {"given": given, f"from {run}": pilot, "assumed": DEFAULTS}
    origin = {name: next(w for w, of in sources.items() if of.get(name) is not None) for name in DEFAULTS}
    found: dict[str, Any] = {name: sources[where][name] for name, where in origin.items()}
    own = None if alpha is not None else pilot.get("code_alpha")
    origin |= {"code_alpha": "as of all codes" if own is None else f"from {run}"}
    for name, value in pilot.get("beyond", {}).items():
        if origin.get(name, f"from {run}") == f"from {run}":
            origin[name] = f"from {run}, where it is {shown(value)}"
    return Assumptions(
        **found,
        code_alpha=found["alpha"] if own is None else own,
        shares=pilot.get("shares") or (1 / max(2, codes),) * max(2, codes),
        coders=max(2, coders),
        code=pilot.get("code") or "the code",
        origin=origin | {"shares": f"from {run}" if pilot else "assumed equal"},
    )


def _pilot(run: CoderRun, code: str | None) -> dict[str, Any]:
    """Shares, clustering and, where people coded together, α. Figures of the person (else coder) who coded most."""
    require_complete([run], None)
    columns = read_columns([run])
    data = reliability_of(columns)
    human = data.rows("human")
    first = _who_coded_most(run, data, human)
    own = frequency(frame_of(columns), cluster="trace")
    share = {s.code: s for s in own if s.coder == first and s.share.value}
    if code is not None and code not in share:
        why = "does not occur in" if code in data.categories else "is no code of"
        raise RunError(f"{code} {why} {run.folder}", did_you_mean(code, list(share)))
    if len(share) < 2:
        raise RunError(f"{run.folder}: {first} gave one code only", "choose another pilot")
    chosen = share[code] if code is not None else min(share.values(), key=lambda s: float(s.share.value or 0))
    m, effect = chosen.total / max(1, chosen.n_traces), chosen.share.design_effect
    return _pilot_alpha(data, human, chosen.code) | {
        "code": chosen.code,
        "prevalence": chosen.share.value,
        "per_trace": max(1, round(m)),
        # One trace shows no spread between traces, and traces of one unit none within.
        "icc": icc_of(effect, m) if effect is not None and m > 1 else None,
        "shares": tuple(float(s.share.value or 0) for s in share.values()),
    }


def _who_coded_most(run: CoderRun, data: ReliabilityData, human: list[int]) -> str:
    coded = (data.primary != MISSING).sum(axis=1)
    if not coded.any():
        raise RunError(f"{run.folder} holds no coding", "choose another pilot")
    rows = human if coded[human].any() else range(len(coded))
    return data.names[max(rows, key=lambda row: int(coded[row]))]


def _pilot_alpha(data: ReliabilityData, human: list[int], code: str) -> dict[str, Any]:
    """People's α of all codes, and of the presence of one; where there are two people."""
    if len(human) < 2:
        return {}
    both = krippendorff_alpha(data.primary[human], data.cluster, len(data.categories), replicates=0)
    one = krippendorff_alpha(data.presence(code)[human], data.cluster, 2, replicates=0)
    seen = {"alpha": both.value, "code_alpha": one.value}
    used = {name: None if value is None else min(MOST, max(LEAST, value)) for name, value in seen.items()}
    return used | {"beyond": {name: value for name, value in seen.items() if value != used[name]}}


def sample_size(
    assumed: Assumptions, *, precision: float = 0.05, runs: int = 500, seed: int = 0
) -> SampleSize:
    """Along `GRID`, and the number of units at which each half width comes down to ``precision``; the frequency's at least to
    half the frequency itself, since ±5 points say nothing of a code of 5 %."""
    m = assumed.per_trace
    every = Coders(assumed.alpha, assumed.shares, m, assumed.icc, assumed.coders)
    rare = (1 - assumed.prevalence, assumed.prevalence)
    one = Coders(assumed.code_alpha, rare, m, assumed.icc, assumed.coders)
    traces = [max(2, round(n / m)) for n in GRID]
    alphas, code_alphas = (
        tuple(alpha_precision(c, t, threshold=ALPHA_TENTATIVE, runs=runs, seed=seed) for t in traces)
        for c in (every, one)
    )
    needed = {
        "alpha": _needed(alphas, m, precision),
        "code_alpha": _needed(code_alphas, m, precision),
        "share": units_needed(
            assumed.prevalence, min(precision, assumed.prevalence / 2), per_trace=m, icc=assumed.icc
        ),
    }
    shares = tuple(share_precision(assumed.prevalence, n, per_trace=m, icc=assumed.icc) for n in GRID)
    return SampleSize(assumed, precision, seed, runs, alphas, code_alphas, shares, needed)


def _needed(found: tuple[AlphaPrecision, ...], m: int, half: float) -> int | None:
    """Half widths fall with √n: read off the largest simulated study, which has the least of the small ones' curvature."""
    last = found[-1]
    return None if last.half is None else int(np.ceil(last.clusters * m * (last.half / half) ** 2))


def _drawn(size: SampleSize, *, width: float) -> Canvas:
    """Two pictures side by side, or one under the other where the sheet is one column wide."""
    letters = sizes(width)
    beside = width > 5
    y_room, x_room, between = 0.62, high("0", letters.small) + high("x", letters.text) + 0.12, 0.3
    inside = (width - 2 * MARGIN - (2 * y_room + between if beside else y_room)) / (2 if beside else 1) - 0.1
    titles = fitted(
        [
            f"α = {size.assumed.alpha:.2g}, half the {LEVEL_WORDS} interval",
            f"Frequency of {size.assumed.code}, {100 * size.assumed.prevalence:.3g} %, {LEVEL_WORDS} interval",
        ],
        letters.small, inside, 2,
    )  # fmt: skip
    named = {
        "all codes": (INK, "o-"),
        fitted([f"presence of {size.assumed.code}"], letters.small, inside - 0.4)[0]: (MUTED, "D--"),
    }
    legend = Legend(
        [Sign(words, color, shape=mark[0]) for words, (color, mark) in named.items()], inside, letters.small
    )
    head = max(high(title, letters.small) for title in titles) + 0.04 + legend.height
    tall = 1.9
    one = head + tall + x_room + MARGIN
    figure = sheet(width, one * (1 if beside else 2))
    corners = [
        (MARGIN + y_room, 0.0),
        (MARGIN + 2 * y_room + inside + between, 0.0) if beside else (MARGIN + y_room, one),
    ]
    legend.draw(figure, corners[0][0], head - legend.height)
    for number, ((left, top), title) in enumerate(zip(corners, titles, strict=True)):
        write(figure, title, left, top + MARGIN / 2, letters.small)
        axes = box(figure, left, top + head, inside, tall)
        (_draw_share if number else _draw_alpha)(axes, size, list(named.values()))
        axes.set_xscale("log")
        axes.set_xlim(GRID[0] * 0.85, GRID[-1] * 1.15)
        shown = [g for k, g in enumerate(GRID) if k % (1 if inside > 0.42 * len(GRID) else 2) == 0]
        axes.set_xticks(shown, [f"{g:,}" for g in shown])
        axes.minorticks_off()
        axes.tick_params(length=2.5, labelsize=letters.small)
        axes.grid(axis="y")
        axes.set_axisbelow(True)
        under = top + head + tall + high("0", letters.small) + 0.07
        write(figure, "units that people code", left + inside / 2, under, letters.text, "center")
    return figure


def _draw_alpha(axes: Axes, size: SampleSize, looks: Sequence[tuple[str, str]]) -> None:
    for found, (color, look) in zip((size.alpha, size.code_alpha), looks, strict=True):
        half = np.array([np.nan if a.half is None else a.half for a in found])
        axes.plot(np.array(GRID, float), half, look, color=color, ms=3.5, lw=1.2, mec=INK, mew=0.5)
    axes.axhline(size.precision, color=INK, lw=0.9, ls=(0, (4, 2.5)))
    axes.set_ylim(0, None)


def _draw_share(axes: Axes, size: SampleSize, _: Sequence[tuple[str, str]]) -> None:
    n = np.array(GRID, float)
    low, up = (np.array([getattr(s, end) for s in size.share], dtype=float) for end in ("low", "high"))
    axes.fill_between(n, low, up, color=MUTED, alpha=0.25, lw=0)
    axes.plot(n, low, color=INK, lw=1)
    axes.plot(n, up, color=INK, lw=1)
    axes.axhline(size.assumed.prevalence, color=INK, lw=0.9, ls=(0, (4, 2.5)))
    axes.set_ylim(0, min(1.0, 1.05 * float(np.nanmax(up, initial=0.01))))
    axes.yaxis.set_major_formatter(lambda value, _: f"{100 * value:.4g} %")
