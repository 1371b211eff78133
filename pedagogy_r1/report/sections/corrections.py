"""What the shares would be if people had coded everything, from the units that they did code.

code     machine alone   people alone         DSL, corrected       PPI++
IA-SQ    4.1 %           1.9 % [0.8, 4.3]     2.2 % [1.2, 4.0]     2.1 % [1.1, 3.9]

The correction needs the probability with which each unit was given to people (``--inclusion``). Without it a simple
plan is assumed, and said: traces drawn at random where whole traces were coded, units drawn at random otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np

from ...agreement.profile import MISSING
from ...estimate import Estimate, Flags, Floats, Ints, joined, no_interval
from ...formatting import Kind, counted, sentence, shown
from ...limits import FEW_WITH_CODE
from ...sampling.inclusion import InclusionPlan, plan_of, recorded_plan
from ...stats.corrected import corrected_logistic, corrected_prevalence
from ...stats.corrected_verdict import Corrected
from ..column_contrast import BY, ColumnContrast
from ..figures.dot_plot import Dot, dot_rows
from ..figures.figure import Figure
from ..section import (
    Gap,
    ReportTable,
    Row,
    Section,
    TableColumn,
    columns,
    estimate_cells,
    quoted,
    with_interval,
)
from ..study import NOT_ADDED_UP, Study
from ..study_cascades import why_not_corrected
from .contrasts import measure_contrasts

MOST_WORK = 2_000_000
"""Units times codes beyond which corrected odds ratios are skipped, and the report says so: some 20 seconds."""


@dataclass(frozen=True)
class Corrections:
    """``prevalence``: by code; ``contrasts``: log odds ratios by code for ``comparison``. ``why``: why there is nothing;
    ``people``: whose codes it is corrected with."""

    machine: str
    plan: InclusionPlan | None = None
    n_units: int = 0
    n_coded: int = 0
    prevalence: Mapping[str, Corrected] = field(default_factory=dict)
    comparison: ColumnContrast | None = None
    contrasts: Mapping[str, Corrected] | None = None
    gaps: tuple[Gap, ...] = ()
    why: str | None = None
    people: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Seen:
    """What is corrected: ``units`` that the machine coded, (units,) its codes ``f``, and those of ``people``, (people, units) ``y``
    with their ``pi``; ``left_out``: people who coded too little, and why."""

    units: Ints
    f: Ints
    y: Ints
    people: tuple[str, ...]
    pi: Floats
    plan: InclusionPlan
    left_out: tuple[Gap, ...]

    def human(self, code: int, inside: Flags | None = None) -> Floats:
        """(people, units) 1 where a person gave the code, NaN where they coded nothing."""
        own = np.where(self.y == MISSING, np.nan, self.y == code)
        return own if inside is None else own[:, inside]

    @property
    def coded(self) -> Flags:
        """(units,) where any of them coded."""
        return np.asarray((self.y != MISSING).any(axis=0))

    def options(self, study: Study) -> dict[str, Any]:
        """For `corrected_prevalence` and `corrected_logistic`."""
        s = study.settings
        return {"level": s.level, "seed": s.seed, "people": self.people, "assumed": self.plan.assumed}


def measure_corrections(study: Study) -> Corrections:
    """Correct the machine that `Study.machine` names, against each person; the first contrast too, for the family's codes."""
    machine = study.machine or ""
    if not study.humans or not machine:
        why = "no machine coder is in these runs" if study.humans else "no run holds codings by people"
        return Corrections(machine, why=why)
    if study.tally is not None:
        return Corrections(machine, why=f"the correction is {NOT_ADDED_UP}")
    if machine in study.overlaps:
        return Corrections(machine, why=study.overlaps[machine])
    f = study.row(machine)
    units = np.flatnonzero(f != MISSING)
    seen = np.vstack([study.row(name)[units] for name in study.humans]) != MISSING
    if not seen.any():
        return Corrections(machine, n_units=len(units), why=f"people and {machine} coded no unit in common")
    if refused := why_not_corrected(study, machine, units, seen.any(axis=0)):
        return Corrections(machine, n_units=len(units), why=refused)
    what = _seen(study, units, f[units])
    if lost := int((~what.coded & (np.broadcast_to(what.plan.pi, len(units)) >= 1)).sum()):
        sure = f"{counted(lost, 'unit')} had probability 1 of being given to people, and nobody coded them"
        return Corrections(machine, what.plan, len(units), int(what.coded.sum()), why=sure)
    prevalence: dict[str, Corrected] = {}
    gaps: list[Gap] = list(what.left_out)
    for k, code in enumerate(study.codes):
        try:
            prevalence[code] = corrected_prevalence(
                what.human(k), what.f == k, what.pi, study.item[units], **what.options(study)
            )
        except ValueError as error:
            gaps.append(Gap(f"Corrected share of {code}", str(error)))
    n_coded = int(what.coded.sum())
    found = Corrections(
        machine, what.plan, len(units), n_coded, prevalence, gaps=tuple(gaps), people=what.people
    )
    if not prevalence:
        return replace(found, why=gaps[-1].why)
    return _with_contrasts(study, found, what)


def _seen(study: Study, units: Ints, f: Ints) -> _Seen:
    """Everybody who coded enough for an interval, or all where nobody did; each drawn, it is assumed, among what people coded."""
    item = study.item[units]
    every = np.vstack([study.row(name)[units] for name in study.humans])
    why = {name: _too_few(name, item[row != MISSING]) for name, row in zip(study.humans, every, strict=True)}
    people = tuple(name for name in study.humans if why[name] is None) or tuple(
        name for name, row in zip(study.humans, every, strict=True) if (row != MISSING).any()
    )
    out = tuple(Gap(f"Correction against {n}", why[n] or "") for n in study.humans if n not in people)
    y = every[[study.humans.index(name) for name in people]]
    coded = (y != MISSING).any(axis=0)
    shares = (y != MISSING).sum(axis=1) / coded.sum()
    plan = _by_each(_plan(study, units, coded), people, shares)
    pi = np.minimum(np.broadcast_to(plan.pi, len(units)) * shares[:, None], 1.0)
    return _Seen(units, f, y, people, pi, plan, out)


def _by_each(plan: InclusionPlan, people: Sequence[str], shares: Floats) -> InclusionPlan:
    """The plan where not everybody coded all of what people coded; ``shares``: what each of them did."""
    if (shares >= 1).all():
        return plan
    each = ", ".join(f"{name} {shown(s, 'percent')}" for name, s in zip(people, shares, strict=True))
    part = f"what each of them coded of it ({each}) was drawn at random"
    assumed = f"{plan.assumed}, and {part}" if plan.assumed else part
    return replace(plan, words=f"{plan.words}; it is assumed that {part}", assumed=assumed)


def _too_few(name: str, item: Ints) -> str | None:
    """Why what a person coded gives no interval; ``item``: of each unit coded."""
    if not len(item):
        return f"{name} coded none of these units"
    return no_interval(np.unique(item, return_counts=True)[1], f"items or traces that {name} coded")


def _plan(study: Study, units: Ints, coded: Flags) -> InclusionPlan:
    """How people's units were chosen: as recorded, else as what they coded suggests."""
    data, inclusion = study.data, study.settings.inclusion
    if inclusion is None:
        return plan_of(coded, data.cluster[units])
    ids = [data.unit_ids[u] for u in units], [data.traces[t] for t in data.cluster[units]]
    return recorded_plan(inclusion, *ids, coded)


def _with_contrasts(study: Study, found: Corrections, what: _Seen) -> Corrections:
    contrasts = study.once(measure_contrasts)
    if not contrasts.families:
        return found
    one, codes = contrasts.comparisons[0], contrasts.families[0].family
    title = f"Corrected odds ratios, {one.words}"
    side = _sides(study, one)[what.units]
    inside = side >= 0
    size = int(inside.sum())
    if size * len(codes) > MOST_WORK:
        most = MOST_WORK // max(1, size)
        why = f"{len(codes)} codes on {size:,} units would take minutes; name a family of at most {most} with --family"
        return replace(found, gaps=(*found.gaps, Gap(title, why)))
    if any(not (what.coded & (side == s)).any() for s in (0, 1)):
        return replace(found, gaps=(*found.gaps, Gap(title, "people coded units of one side only")))
    made, gaps = {}, list(found.gaps)
    pi, item = what.pi[:, inside], study.item[what.units][inside]
    for code in codes:
        k = study.codes.index(code)
        human, how = what.human(k, inside), what.options(study) | {"names": [one.words]}
        try:
            made[code] = corrected_logistic(human, (what.f == k)[inside], pi, side[inside], item, **how)[1]
        except ValueError as error:
            gaps.append(Gap(f"{title}: {code}", str(error)))
    return replace(found, comparison=one, contrasts=made, gaps=tuple(gaps))


def _sides(study: Study, one: ColumnContrast) -> Ints:
    """(units,) 1 where a, 0 where b, −1 elsewhere."""
    rows = study.codings.drop_duplicates("trace_id")
    value = dict(zip(rows["trace_id"].astype(str), rows[one.column].astype(object), strict=True))
    known = {one.a: 1, one.b: 0}
    own = [known.get(value.get(trace), -1) for trace in study.data.traces]
    return np.array(own, dtype=np.int64)[study.data.cluster]


def correction_section(study: Study, found: Corrections) -> Section:
    """The section, or why nothing can be corrected."""
    title = "Corrected for the machine's errors"
    if found.plan is None or found.why:
        gap = Gap("Shares corrected for the machine's errors", found.why or "")
        absent = found.why or ""
        if found.machine:
            absent += f", so that the frequencies of {found.machine} cannot be checked"
        return Section("corrected", title, absent=absent, gaps=(gap,))
    figure = Figure(
        "corrected",
        f"Share of each code four ways: {found.machine} at face value, people alone, DSL and PPI++, with {study.settings.percent} intervals clustered by item (by trace where each has its own).",
        partial(
            dot_rows,
            study.called_codes(found.prevalence),
            [
                [Dot(e, study.palette[code], group) for group, e in enumerate(c.estimates)]
                for code, c in found.prevalence.items()
            ],
            axis="share of units",
            groups=list(WAYS.values()),
            percent=True,
            limits=(0, None),
            log=study.settings.scale == "log",
        ),
    )
    return Section(
        "corrected",
        title,
        _lead(found, found.plan),
        tuple(_tables(found, study.settings.level)),
        (figure,),
        gaps=(
            *found.gaps,
            *(
                Gap(f"Corrected {what} of {quoted([code])}", c.dsl.why_undefined)
                for what, some in (("share", found.prevalence), ("odds ratio", found.contrasts or {}))
                for code, c in some.items()
                if c.dsl.why_undefined
            ),
        ),
        cautions=_cautions(found.prevalence),
    )


def _lead(found: Corrections, plan: InclusionPlan) -> tuple[str, ...]:
    moved = [c for c in found.prevalence.values() if c.bias.interval and not c.bias.covers(0.0)]
    checked = [c for c in found.prevalence.values() if c.bias.interval]
    if plan.recorded:
        chosen = f"{sentence(plan.words)}."
    elif plan.assumed:
        chosen = (
            f"{sentence(plan.words)}. No --inclusion file records how units came to be coded; if people chose them by what they found there, "
            "the corrected figures are biased."
        )
    else:
        chosen = f"People coded every unit that {found.machine} coded, so that nothing has to be assumed of how units were chosen."
    return (
        f"{found.machine} coded {counted(found.n_units, 'unit')}; {_who(found.people)} coded {found.n_coded:,} of them. DSL (design-based "
        "supervised learning) uses people's codes to remove what the machine gets wrong on average; PPI++ does so another "
        "way; the people's own share needs no machine. The machine's own share, taken at face value, is shown for "
        "comparison only.",
        chosen,
        _people(found.people),
        _reported(found.prevalence),
        f"The machine's share is shown to differ from the corrected one for {len(moved)} of {counted(len(checked), 'code')}."
        if checked
        else "Whether the machine's shares differ from the corrected ones cannot be told: none has an interval.",
    )


def _who(people: Sequence[str]) -> str:
    return people[0] if len(people) == 1 else f"{', '.join(people[:-1])} and {people[-1]} together"


def _people(people: Sequence[str]) -> str:
    if len(people) == 1:
        return f"The corrected figures are what {people[0]} would have found; how others differ is in no interval."
    return (
        f"The machine is corrected against each of {len(people)} people, and the figures are the means; the intervals hold the "
        "difference between people, as if others like them had coded."
    )


def _reported(prevalence: Mapping[str, Corrected]) -> str:
    """Which figure is to be reported of which codes."""
    of: dict[str, list[str]] = {"DSL": [], "human only": [], "": []}
    for code, c in prevalence.items():
        of[c.recommended.name if c.recommended else ""].append(code)
    said = {
        "DSL": "the corrected share (DSL) of {}",
        "human only": "people's own, whose interval is not wider, of {}",
        "": "no figure for {} (the CSV says why)",
    }
    return f"To be reported: {'; '.join(said[k].format(quoted(some)) for k, some in of.items() if some)}."


def _cautions(prevalence: Mapping[str, Corrected]) -> tuple[str, ...]:
    """Each warning once; codes that people hardly gave are named together."""
    warnings = [
        f"{sentence(w)}." for c in prevalence.values() for w in c.warnings if not w.endswith(" the code")
    ]
    few = [
        f"Codes that fewer than {FEW_WITH_CODE} human-coded units {verb}: {quoted(rare)}."
        for verb, said in (("have", "ha(s|ve) the code"), ("lack", "lacks? the code"))
        if (rare := [code for code, c in prevalence.items() if any(re.search(said, w) for w in c.warnings)])
    ]
    return joined(*warnings, *few)


WAYS = {"naive": "machine alone", "human": "people alone", "dsl": "DSL", "ppi": "PPI++"}
"""The four estimates, as cells and as the page name them."""


def _tables(found: Corrections, level: float) -> Iterator[ReportTable]:
    def shown(kind: Kind) -> tuple[TableColumn, ...]:
        first = columns(("code", "code", "code"), (WAYS["naive"], "naive_value", kind))
        return first + tuple(
            c for way in ("human", "dsl", "ppi") for c in with_interval(WAYS[way], way, kind, level)
        )

    yield ReportTable(
        "corrected",
        f"Share of units with each primary code, four ways ({found.machine} and people).",
        (
            *shown("share"),
            *with_interval("machine − DSL, points", "points", "points", level),
            *columns(
                ("coded items or traces, effective", "effective_clusters", "number"), ("report", "report")
            ),
        ),
        tuple(_prevalence_row(code, c, level) for code, c in found.prevalence.items()),
        note="The CSV has a sentence on each code that can be quoted.",
    )
    if found.contrasts and found.comparison:
        yield ReportTable(
            "corrected_contrast",
            f"Odds ratio of each code, {found.comparison.words}, four ways ({found.machine} and people).",
            (*shown("number"), *columns(("report", "report"))),
            tuple(_odds_row(code, c, level) for code, c in found.contrasts.items()),
            note=f"Log odds by logistic regression on {BY.get(found.comparison.column, found.comparison.column)} alone, errors clustered by "
            "item (by trace where each has its own), exponentiated.",
        )


def _prevalence_row(code: str, c: Corrected, level: float) -> Row:
    own: Row = {"code": code, "level": level}
    for name in (*WAYS, "bias"):
        e = getattr(c, name)
        own |= estimate_cells({name: e}) | {f"{name}_se": e.se, f"{name}_why_undefined": e.why_undefined}
    own |= {f"dsl_{e.name}": e.value for e in c.people}
    return own | estimate_cells({"points": _changed(c.bias, lambda x: 100 * x)}) | _to_report(c)


def _odds_row(code: str, c: Corrected, level: float) -> Row:
    own: Row = {"code": code, "level": level}
    for name in WAYS:
        e = _changed(getattr(c, name), lambda x: float(np.exp(min(x, 700.0))))
        own |= estimate_cells({name: e}) | {f"{name}_why_undefined": e.why_undefined}
    return own | _to_report(c)


def _to_report(c: Corrected) -> Row:
    """Which of the four, and the sentences; and on how many traces it rests."""
    best = {"DSL": WAYS["dsl"], "human only": WAYS["human"]}.get(
        c.recommended.name if c.recommended else "", "none"
    )
    return {"effective_clusters": c.dsl.effective_clusters, "report": best, "verdict": c.verdict()}


def _changed(e: Estimate, scale: Callable[[float], float]) -> Estimate:
    """The estimate on another scale."""
    value, low, high = (None if x is None else scale(x) for x in (e.value, e.low, e.high))
    return replace(e, value=value, low=low, high=high)


def section(study: Study) -> Section:
    """For the page."""
    return correction_section(study, study.once(measure_corrections)).at(60)
