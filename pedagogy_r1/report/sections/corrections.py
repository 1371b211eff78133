"""What the shares would be if people had coded everything, from the units that they did code.

code     machine alone   people alone         DSL, corrected       PPI++
IA-SQ    4.1 %           1.9 % [0.8, 4.3]     2.2 % [1.2, 4.0]     2.1 % [1.1, 3.9]

The correction needs the probability with which each unit was given to people (``--inclusion``). Without it a simple
plan is assumed, and said: traces drawn at random where whole traces were coded, units drawn at random otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ...agreement import MISSING
from ...stats.corrected import Corrected, corrected_logistic, corrected_prevalence
from ..figures import Dot, Figure, dot_rows
from ..section import Gap, ReportTable, Row, Section, columns, counted, distinct
from ..study import ColumnContrast, Ints, Study
from .code_contrasts import Contrasts, measure_contrasts

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas

WHOLE = 0.95
"""From which share of coded units on a trace counts as coded whole."""

MOST_WORK = 2_000_000
"""Units times codes beyond which corrected odds ratios are skipped, and the report says so: some 20 seconds."""

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class InclusionPlan:
    """How people's units were chosen. ``pi``: the probability of each unit, or (units,) of them; ``words``: the plan.

    ``recorded``: by the sampling plan; otherwise it is read off the codings, which is an assumption.
    """

    pi: float | Floats
    words: str
    recorded: bool = False


@dataclass(frozen=True)
class Corrections:
    """``prevalence``: by code; ``contrasts``: log odds ratios by code for ``comparison``. ``why``: why there is nothing."""

    machine: str
    plan: InclusionPlan | None
    n_units: int
    n_coded: int
    prevalence: Mapping[str, Corrected]
    comparison: ColumnContrast | None = None
    contrasts: Mapping[str, Corrected] | None = None
    gaps: tuple[Gap, ...] = ()
    why: str | None = None


def measure_corrections(study: Study) -> Corrections:
    """Correct the machine that `Study.machine` names; the first contrast too, for the family's codes."""
    machine = study.machine or ""
    reference = study.reference
    if reference is None or not machine:
        why = "no run holds codings by people" if reference is None else "no machine coder is in these runs"
        return Corrections(machine, None, 0, 0, {}, why=why)
    f = study.row(machine)
    units = np.flatnonzero(f != MISSING)
    y = reference.primary[units]
    coded = y != MISSING
    if not coded.any():
        return Corrections(
            machine, None, len(units), 0, {}, why=f"people and {machine} coded no unit in common"
        )
    plan = _recorded(study, units, coded) or plan_of(coded, study.data.cluster[units])
    prevalence: dict[str, Corrected] = {}
    gaps: list[Gap] = []
    for k, code in enumerate(study.codes):
        try:
            prevalence[code] = corrected_prevalence(
                np.where(coded, y == k, np.nan),
                f[units] == k,
                plan.pi,
                study.item[units],
                seed=study.settings.seed,
            )
        except ValueError as error:
            gaps.append(Gap(f"Corrected share of {code}", str(error)))
    found = Corrections(machine, plan, len(units), int(coded.sum()), prevalence, gaps=tuple(gaps))
    return _with_contrasts(study, found, study.once(measure_contrasts), units, y)


def _recorded(study: Study, units: Ints, coded: Bools) -> InclusionPlan | None:
    """The plan of `ReportSettings.inclusion`; it must know every unit that the machine coded."""
    inclusion = study.settings.inclusion
    if inclusion is None:
        return None
    data = study.data
    keys = [data.unit_ids[u] for u in units], [data.traces[t] for t in data.cluster[units]]
    pi, drawn = np.array(inclusion.of(*keys)), inclusion.were_drawn(*keys)
    low, high, expected = float(pi.min()), float(pi.max()), float(pi.sum())
    open_still = ""
    missed = int((np.array(drawn) & ~coded).sum()) if drawn is not None else 0
    if drawn is not None and 0 < missed < sum(drawn):
        answered = 1 - missed / sum(drawn)
        pi = pi * answered
        open_still = (
            f". Of the {sum(drawn):,} units drawn, {missed:,} were not coded; it is assumed that they are like the others, and every "
            f"probability is multiplied by the share that was coded, {answered:.3g}"
        )
    spread = f"π = {low:.4g}" if low == high else f"π from {low:.4g} to {high:.4g}"
    what = "units" if inclusion.by == "unit_id" else "traces"
    return InclusionPlan(
        pi,
        f"{int(coded.sum()):,} of {len(coded):,} units were coded, and the probability with which each of the {what} was "
        f"drawn is recorded in {Path(inclusion.source).name} ({spread}, expected {expected:,.0f} units){open_still}",
        recorded=True,
    )


def plan_of(coded: Bools, trace: Ints) -> InclusionPlan:
    """The simplest plan that fits what was coded."""
    found, place = np.unique(trace, return_inverse=True)
    share = np.bincount(place, coded) / np.bincount(place)
    touched = share > 0
    if coded.all():
        return InclusionPlan(1.0, "people coded every unit, so nothing has to be assumed")
    if (share[touched] >= WHOLE).all():
        pi = float(touched.sum() / len(found))
        chosen = f"{int(touched.sum())} of {len(found)} traces"
        return InclusionPlan(
            pi,
            f"whole traces were coded, and it is assumed that the {chosen} were drawn at random (π = {pi:.4g})",
        )
    pi = float(coded.mean())
    chosen = f"{int(coded.sum()):,} of {len(coded):,} units"
    return InclusionPlan(
        pi, f"it is assumed that the {chosen} were drawn at random, each with the same chance (π = {pi:.4g})"
    )


def _with_contrasts(
    study: Study, found: Corrections, contrasts: Contrasts, units: Ints, y: Ints
) -> Corrections:
    if not contrasts.families or found.plan is None:
        return found
    one, family = contrasts.comparisons[0], contrasts.families[0]
    what = f"Corrected odds ratios, {one.words}"
    side = _sides(study, one)[units]
    inside = side >= 0
    if int(inside.sum()) * len(family.family) > MOST_WORK:
        most = MOST_WORK // max(1, int(inside.sum()))
        why = f"{len(family.family)} codes on {int(inside.sum()):,} units would take minutes; name a family of at most {most} with --family"
        return _plus(found, Gap(what, why))
    coded = y != MISSING
    if any(not (coded & (side == s)).any() for s in (0, 1)):
        return _plus(found, Gap(what, "people coded units of one side only"))
    made: dict[str, Corrected] = {}
    gaps = []
    f = study.row(found.machine)[units]
    pi = np.broadcast_to(found.plan.pi, len(units))
    for code in family.family:
        k = study.codes.index(code)
        try:
            made[code] = corrected_logistic(
                np.where(coded, y == k, np.nan)[inside], (f == k)[inside], pi[inside], side[inside],
                study.item[units][inside], names=[one.words], seed=study.settings.seed,
            )[1]  # fmt: skip
        except ValueError as error:
            gaps.append(Gap(f"{what}: {code}", str(error)))
    full = Corrections(**{**vars(found), "comparison": one, "contrasts": made})
    return _plus(full, *gaps)


def _plus(found: Corrections, *gaps: Gap) -> Corrections:
    return Corrections(**{**vars(found), "gaps": (*found.gaps, *gaps)})


def _sides(study: Study, one: ColumnContrast) -> Ints:
    """(units,) 1 where a, 0 where b, −1 elsewhere."""
    import pandas as pd

    rows = study.table.drop_duplicates("trace_id")
    value = pd.Series(rows[one.column].to_numpy(dtype=object), index=rows["trace_id"].astype(str))
    side = {
        t: 1 if v is not pd.NA and v == one.a else 0 if v is not pd.NA and v == one.b else -1
        for t, v in value.items()
    }
    own = np.array([side.get(trace, -1) for trace in study.data.traces], dtype=np.int64)
    return own[study.data.cluster]


def correction_section(study: Study, found: Corrections) -> Section:
    """The section, or why nothing can be corrected."""
    title = "Corrected for the machine's errors"
    if found.why or found.plan is None:
        why = found.why or "nothing could be estimated"
        return Section(
            "corrected", title, absent=f"{why}, so the machine's own frequencies cannot be checked",
            gaps=(Gap("Shares corrected for the machine's errors", why),),
        )  # fmt: skip
    moved = [c for c in found.prevalence.values() if c.bias.interval and not c.bias.covers(0.0)]
    lead = (
        f"{found.machine} coded {counted(found.n_units, 'unit')}; people coded {found.n_coded:,} of them. DSL (design-based "
        "supervised learning) uses people's codes to remove what the machine gets wrong on average; PPI++ does so another "
        "way; the people's own share needs no machine but is wider. The machine's own share, taken at face value, is shown for "
        "comparison only.",
        f"{found.plan.words[0].upper()}{found.plan.words[1:]}."
        if found.plan.recorded
        else f"On how the units came to be coded, {found.plan.words}. No --inclusion file records it; if people chose which "
        "units to code by what they found there, the corrected figures are biased."
        if np.any(np.asarray(found.plan.pi) < 1)
        else "People coded every unit that the machine coded: their own shares are the ones to report, and the table shows how "
        "far the machine's lie from them.",
        f"The machine's share differs from the corrected one for {counted(len(moved), 'code')} of {len(found.prevalence)}.",
    )
    tables = [_prevalence_table(found)]
    if found.contrasts and found.comparison:
        tables.append(_contrast_table(found, found.comparison, found.contrasts))
    figure = Figure(
        "corrected",
        f"Share of each code four ways: {found.machine} at face value, people alone, DSL (the corrected figure to report) and "
        "PPI++, with 95 % intervals clustered by item.",
        lambda: _draw(study, found),
    )
    gaps = [
        *found.gaps,
        *(Gap(f"Corrected share of {code}", c.dsl.why_undefined) for code, c in found.prevalence.items() if c.dsl.why_undefined),
        *(Gap(f"Corrected odds ratio of {code}", c.dsl.why_undefined) for code, c in (found.contrasts or {}).items() if c.dsl.why_undefined),
    ]  # fmt: skip
    warnings = [
        f"{w[0].upper()}{w[1:]}."
        for c in found.prevalence.values()
        for w in c.warnings
        if "units have" not in w
    ]
    rare = [code for code, c in found.prevalence.items() if any("units have" in w for w in c.warnings)]
    cautions = distinct(
        [
            *warnings,
            f"Fewer than ten human-coded units have {', '.join(rare)}: their intervals may cover less than stated."
            if rare
            else None,
        ]
    )
    return Section("corrected", title, lead, tuple(tables), (figure,), gaps=tuple(gaps), cautions=cautions)


def _cells(c: Corrected) -> Row:
    own: Row = {}
    for name, e in (("naive", c.naive), ("human", c.human), ("dsl", c.dsl), ("ppi", c.ppi), ("bias", c.bias)):
        low, high = e.interval or (None, None)
        own |= {name: e.value, f"{name}_low": low, f"{name}_high": high, f"{name}_se": e.se}
        own |= {f"{name}_why_undefined": e.why_undefined}
    return own


def _prevalence_table(found: Corrections) -> ReportTable:
    rows = []
    for code, c in found.prevalence.items():
        bias = c.bias.value
        low, high = c.bias.interval or (None, None)
        rows.append(
            {"code": code, **_cells(c)}
            | {"points": None if bias is None else 100 * bias}
            | {
                "points_low": None if low is None else 100 * low,
                "points_high": None if high is None else 100 * high,
            }
            | {"verdict": c.verdict()}
        )
    return ReportTable(
        "corrected",
        f"Share of units with each primary code, four ways ({found.machine} and people).",
        columns(
            ("code", "code", "code"),
            ("machine alone", "naive", "share"),
            ("people alone", "human", "share"),
            ("95 %", ("human_low", "human_high"), "share"),
            ("DSL", "dsl", "share"),
            ("95 % ", ("dsl_low", "dsl_high"), "share"),
            ("PPI++", "ppi", "share"),
            ("95 %  ", ("ppi_low", "ppi_high"), "share"),
            ("machine − DSL, points", "points", "points"),
            ("95 %   ", ("points_low", "points_high"), "points"),
        ),
        tuple(rows),
        note="The CSV has a sentence on each code that can be quoted.",
    )


def _contrast_table(
    found: Corrections, one: ColumnContrast, contrasts: Mapping[str, Corrected]
) -> ReportTable:
    def odds(value: float | None) -> float | None:
        return None if value is None else float(np.exp(min(value, 700.0)))

    rows = []
    for code, c in contrasts.items():
        own: Row = {"code": code}
        for name, e in (("naive", c.naive), ("human", c.human), ("dsl", c.dsl), ("ppi", c.ppi)):
            low, high = e.interval or (None, None)
            own |= {name: odds(e.value), f"{name}_low": odds(low), f"{name}_high": odds(high)}
            own |= {f"{name}_why_undefined": e.why_undefined}
        rows.append(own | {"verdict": c.verdict()})
    return ReportTable(
        "corrected_contrast",
        f"Odds ratio of each code, {one.words}, four ways ({found.machine} and people).",
        columns(
            ("code", "code", "code"),
            ("machine alone", "naive", "number"),
            ("people alone", "human", "number"),
            ("95 %", ("human_low", "human_high"), "number"),
            ("DSL", "dsl", "number"),
            ("95 % ", ("dsl_low", "dsl_high"), "number"),
            ("PPI++", "ppi", "number"),
            ("95 %  ", ("ppi_low", "ppi_high"), "number"),
        ),
        tuple(rows),
        note="Log odds by logistic regression on the condition alone, errors clustered by item, exponentiated.",
    )


WAYS = ("machine alone", "people alone", "DSL", "PPI++")


def _draw(study: Study, found: Corrections) -> Canvas:
    rows = []
    for code, c in found.prevalence.items():
        row = []
        for group, e in enumerate(c.estimates):
            low, high = e.interval or (None, None)
            row.append(Dot(e.value, low, high, study.palette[code], group))
        rows.append(row)
    return dot_rows(
        list(found.prevalence), rows, axis="share of units", groups=WAYS, percent=True, limits=(0, None)
    )


def section(study: Study) -> Section:
    """For the page."""
    return correction_section(study, study.once(measure_corrections)).at(60)
