"""What differs between conditions, models, right and wrong answers: one family of tests for each comparison.

measure_contrasts(study).families[0].contrasts[3].points.value

And would another machine coder have led to another conclusion? A multiverse over the machine coders of the runs:

conclusion              cues         gpt-4.1, w4
IA-SQ: cop / generic    more         more             holds
TR-SP: cop / generic    fewer        no difference    flips: significance
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from typing import Any

from ...errors import RunError, did_you_mean
from ...estimate import joined
from ...formatting import counted
from ...stats.code_contrast import CodeContrast, ContrastFamily, contrast
from ...stats.multiverse_analysis import Analysis, Multiverse, conclusions, multiverse
from ..column_contrast import BY, COLUMNS, ColumnContrast, sameness
from ..figures.dot_plot import HOLLOW, Dot, dot_rows
from ..figures.figure import Figure
from ..figures.specification_curve import Effect, Question, specification_curve
from ..section import Gap, ReportTable, Row, Section, columns, estimate_cells, listed, quoted, with_interval
from ..study import NOT_ADDED_UP, Study

MOST_VALUES = 3
"""Columns with more values are not compared pair by pair unless asked: too many comparisons to read."""

FIRST = ("cop", "chain-of-pedagogy")
"""Conditions that are put first, so that a difference reads as what they add."""


@dataclass(frozen=True)
class Contrasts:
    """``families``: one for each comparison; ``gaps``: comparisons that could not be made."""

    comparisons: tuple[ColumnContrast, ...]
    families: tuple[ContrastFamily, ...]
    gaps: tuple[Gap, ...]


def comparisons_of(study: Study) -> tuple[tuple[ColumnContrast, ...], tuple[Gap, ...]]:
    """Those asked for, else all pairs of condition, correctness and model that the main coder's traces allow."""
    if study.settings.contrasts:
        return study.settings.contrasts, ()
    found: list[ColumnContrast] = []
    gaps = []
    own = study.rows_of(study.main)
    for column in COLUMNS[:3]:
        values = sorted(own[column].dropna().unique().tolist(), key=_order)
        if len(values) < 2:
            gaps.append(Gap(f"Differences by {BY.get(column, column)}", sameness(column, values, study.main)))
        elif len(values) > MOST_VALUES:
            why = f"{column} has {len(values)} values; ask for the pairs that matter with --contrast {column}:A:B"
            gaps.append(Gap(f"Differences by {column}", why))
        else:
            found += [ColumnContrast(column, *pair) for pair in combinations(values, 2)]
    return tuple(found), tuple(gaps)


def _order(value: Any) -> tuple[bool, Any]:
    if isinstance(value, bool):
        return (not value, "")
    return (str(value).lower() not in FIRST, str(value))


def measure_contrasts(study: Study) -> Contrasts:
    """All comparisons for the main coder. Raises `RunError` for a family code or a value that does not exist."""
    if study.tally is not None:
        return Contrasts(
            (),
            (),
            (Gap("Differences between conditions, models, and right and wrong answers", NOT_ADDED_UP),),
        )
    family = study.settings.family
    for code in family or ():
        if code not in study.codes:
            raise RunError(f"the family holds {code!r}", did_you_mean(code, list(study.codes)))
    chosen, gaps = comparisons_of(study)
    families, made, lost = [], [], []
    for one in chosen:
        try:
            families.append(contrast_of(study, one, study.main))
            made.append(one)
        except RunError as error:
            if study.settings.contrasts:
                raise
            lost.append(Gap(f"{one.column}: {one.words}", error.message))
    return Contrasts(tuple(made), tuple(families), (*gaps, *lost))


def contrast_of(study: Study, one: ColumnContrast, coder: str) -> ContrastFamily:
    """One comparison by one coder."""
    own, s = study.rows_of(coder), study.settings
    how: dict[str, Any] = {"permutations": s.permutations, "seed": s.seed, "level": s.level}
    return contrast(own, one.column, one.a, one.b, family=s.family, **how)


def contrast_section(study: Study, found: Contrasts) -> Section:
    """A table and a figure for each comparison."""
    title = "What differs"
    if not found.families:
        if study.tally is not None:
            return Section("contrast", title, absent=f"comparisons are {NOT_ADDED_UP}", gaps=found.gaps)
        why = "; ".join(f"{gap.what.lower()}: {gap.why}" for gap in found.gaps)
        return Section("contrast", title, absent=f"there is nothing to compare ({why})", gaps=found.gaps)
    pairs = list(zip(found.comparisons, found.families, strict=True))
    lead = (
        "A χ² on sentences would take sentences of one trace for independent, and may find differences where there are none. "
        "Here whole items (traces, where each has its own) are left out or swapped, and the p of the confirmatory codes is corrected for all of them together"
        "; each comparison is a family of its own (the answer above also corrects for the pairs of one column). A difference that is not shown is not shown to be absent: look at "
        "its interval."
    )
    return Section(
        "contrast",
        title,
        (lead,),
        tuple(_table(one, family) for one, family in pairs),
        tuple(_figure(study, one, family) for one, family in pairs),
        gaps=(*found.gaps, *_undefined(found)),
        cautions=joined(
            *(f"{one.words}: {tasks}." for one, f in pairs if (tasks := tasks_words(study, one, f))),
            *(f"{one.words}: {'; '.join(f.warnings)}." for one, f in pairs if f.warnings),
        ),
    )


def _undefined(found: Contrasts) -> Iterator[Gap]:
    """Codes without a result, then comparisons that were not tested at all."""
    pairs = list(zip(found.comparisons, found.families, strict=True))
    for one, family in pairs:
        for c in family.contrasts:
            if c.why_undefined and c.why_undefined != family.why_untested:
                yield Gap(f"{quoted([c.code])}, {one.words}", c.why_undefined)
    for one, family in pairs:
        if family.why_untested:
            yield Gap(f"The comparison {one.words}", family.why_untested)


def method_words(family: ContrastFamily) -> str:
    """``ContrastFamily.method`` with right and wrong for True and False."""
    return family.method.replace("True against False", "right against wrong")


def shown_effects(family: ContrastFamily) -> list[CodeContrast]:
    """Codes whose corrected p is below 1 − level, the largest difference first."""
    alpha = round(1 - family.level, 9)
    found = [c for c in family.contrasts if c.p is not None and c.p < alpha and c.points.value]
    return sorted(found, key=lambda c: -abs(c.points.value or 0.0))


def clear_of_zero(c: CodeContrast) -> bool:
    """Whether the interval of the difference leaves 0 out, as the test does; with few clusters the two can differ."""
    span = c.points.interval
    return span is not None and not span[0] <= 0 <= span[1]


def tasks_words(study: Study, one: ColumnContrast, family: ContrastFamily) -> str:
    """That both sides answer other items, or hardly the same; nothing where they share them."""
    if family.shared * 2 >= family.clusters or one.column == "domain":
        return ""
    if family.shared:
        return f"{family.shared} of {family.clusters} items have both; on the others the tasks differ as well"
    known = bool(study.rows_of(study.main)["item"].notna().any())
    return (
        "no item has both: the tasks differ as well"
        if known
        else "items are not recorded: the tasks may differ as well"
    )


def _table(one: ColumnContrast, family: ContrastFamily) -> ReportTable:
    a, b = one.sides
    level = family.level
    coded = [
        f"{counted(units, 'unit')} in {counted(traces, 'trace')}"
        for units, traces in zip(family.n_units, family.n_traces, strict=True)
    ]
    return ReportTable(
        one.file_name("contrast"),
        f"{a} against {b}: share of units with each primary code, as {family.coder} coded ({coded[0]} against {coded[1]}).",
        (
            *columns(("code", "code", "code"), (a, "a_value", "share"), (b, "b_value", "share")),
            *with_interval("points", "points", "points", level),
            *with_interval("odds ratio", "odds", "number", level),
            *columns(
                ("h", "h_value", "signed"),
                ("design effect", "design_effect", "number"),
                ("p, corrected", "p", "p"),
            ),
        ),
        tuple(_row(c, level) for c in family.contrasts),
        note=method_words(family),
    )


def _row(c: CodeContrast, level: float) -> Row:
    own: Row = {"code": c.code}
    own |= estimate_cells(
        {"a": c.share_a, "b": c.share_b, "points": c.points, "odds": c.odds_ratio, "h": c.cohens_h}
    )
    own |= {"level": level, "design_effect": c.design_effect, "p": c.p}
    own |= {"confirmatory": c.confirmatory, "p_family": c.p_family, "p_bh": c.p_bh, "p_single": c.p_single}
    own |= {"effective_clusters": c.points.effective_clusters}
    return own | {"why_undefined": c.why_undefined, "warnings": "; ".join(c.points.warnings)}


def _figure(study: Study, one: ColumnContrast, family: ContrastFamily) -> Figure:
    s = study.settings
    clear = {c.code for c in shown_effects(family) if c.confirmatory}
    rows = [
        [Dot(c.points, study.palette[c.code], 0 if c.code in clear else HOLLOW)] for c in family.contrasts
    ]
    a, b = one.sides
    names = study.called_codes(c.code for c in family.contrasts)
    ends = (f"← more in {b}", f"more in {a} →")
    return Figure(
        one.file_name("contrast"),
        f"Difference of the share of units with each code, {one.words}, in percentage points, with {s.percent} "
        f"intervals, as {family.coder} coded. Filled: in the confirmatory family with family p < {s.alpha_words}; hollow: not.",
        partial(dot_rows, names, rows, axis="difference, percentage points", ends=ends, marks={0.0: ""}),
    )


SIGNS = {"more": "▲ more", "fewer": "▼ fewer", "no difference": "· none shown", "undefined": "undefined"}


@dataclass(frozen=True)
class Robustness:
    """One multiverse for each comparison, or ``why`` there is none."""

    universes: tuple[tuple[ColumnContrast, Multiverse], ...] = ()
    gaps: tuple[Gap, ...] = ()
    why: str | None = None


def measure_robustness(study: Study) -> Robustness:
    """The same comparisons by every machine coder."""
    contrasts = study.once(measure_contrasts)
    if study.tally is not None:
        return Robustness(why=f"comparisons are {NOT_ADDED_UP}")
    if len(study.machines) < 2:
        return Robustness(why="it needs two machine coders or more, with another model, prompt or window")
    if not contrasts.comparisons:
        return Robustness(why="there is no comparison to repeat")
    universes, gaps = [], []
    for one in contrasts.comparisons:
        analyses = []
        for name in study.machines:
            try:
                found = contrast_of(study, one, name)
            except RunError as error:
                gaps.append(Gap(f"{one.words} as coded by {name}", error.message))
                continue
            analyses.append(
                Analysis(
                    name,
                    conclusions(found, alpha=study.settings.alpha, against=one.words),
                    choices_of(study, name),
                )
            )
        if len(analyses) >= 2:
            universes.append((one, multiverse(analyses)))
    why = None if universes else "fewer than two machine coders coded both sides of a comparison"
    return Robustness(tuple(universes), tuple(gaps), why)


def choices_of(study: Study, coder: str) -> dict[str, Any]:
    """What was chosen for a coder's run: the plugin and its plain parameters."""
    for label, run in study.labelled:
        m = run.manifest
        if coder in {c.name for c in m.coders} | {f"{c.name}@{label}" for c in m.coders}:
            plain = {k: v for k, v in m.parameters.items() if isinstance(v, str | int | float | bool)}
            return {"coder": m.coder, "codebook": run.codebook.stamp, **plain}
    return {}


def robustness_section(study: Study, found: Robustness) -> Section:
    """A table of verdicts and a specification curve for each comparison."""
    title = "Would another coder conclude otherwise?"
    if found.why:
        gap = Gap("Robustness over coders", found.why)
        return Section("multiverse", title, absent=found.why, gaps=(*found.gaps, gap))
    lead = []
    for one, universe in found.universes:
        flips = [row.question.split(":")[0] for row in universe.rows if row.flips]
        defined = sum(row.kind != "undefined" for row in universe.rows)
        which = f" ({listed(flips)})" if flips else ""
        of = counted(
            defined, "conclusion that two coders or more allow", "conclusions that two coders or more allow"
        )
        lead.append(
            f"{one.words}: of {of}, {len(flips)} {'changes' if len(flips) == 1 else 'change'} with the coder{which}."
        )
    return Section(
        "multiverse",
        title,
        tuple(lead),
        tuple(_multiverse_table(study, one, universe) for one, universe in found.universes),
        tuple(figure for one, u in found.universes if (figure := _curve_figure(study, one, u)) is not None),
        gaps=found.gaps,
        cautions=joined(
            *(f"{one.words}: {'; '.join(u.warnings)}." for one, u in found.universes if u.warnings)
        ),
    )


def _curve_figure(study: Study, one: ColumnContrast, universe: Multiverse) -> Figure | None:
    """The specification curve of the codes that two coders or more allow; `None` where there is none."""
    questions = []
    for row in universe.rows:
        code = row.question.split(":")[0]
        effects = [
            Effect(n, c.value, c.low, c.high, c.verdict in ("more", "fewer"))
            for n, c in enumerate(row.conclusions)
            if c is not None and c.value is not None
        ]
        if len(effects) > 1:
            questions.append(Question(study.labels.get(code, code), study.palette[code], effects))
    if not questions:
        return None
    # Where not all have room: those on which the coders come to different conclusions, then those of the largest effects.
    labels = [study.labels.get(row.question.split(":")[0]) for row in universe.rows if row.flips]
    first = sorted(
        range(len(questions)),
        key=lambda k: (questions[k].name not in labels, -max(abs(e.value) for e in questions[k].effects)),
    )
    chosen = [choices_of(study, name) for name in universe.analyses]
    varying = [
        key
        for key in dict.fromkeys(k for c in chosen for k in c)
        if len({str(c.get(key)) for c in chosen}) > 1
    ]
    own = [
        frozenset({name, *(f"{key}: {c[key]}" for key in varying if key in c and str(c[key]) != name)})
        for name, c in zip(universe.analyses, chosen, strict=True)
    ]
    lines = dict.fromkeys([*universe.analyses, *(line for held in own for line in sorted(held))])
    return Figure(
        one.file_name("multiverse"),
        f"{one.words}, as each machine coder's codings have it: the difference of each code's share in percentage points with its {study.settings.percent} interval, from "
        f"the smallest to the largest. Filled: corrected p below {study.settings.alpha_words}. Below: whose codings it is of, and what was chosen for them.",
        partial(
            specification_curve,
            questions,
            own,
            list(lines),
            axis="percentage points",
            title=one.words,
            key=(f"corrected p below {study.settings.alpha_words}", "not"),
            first=first,
        ),
    )


def _multiverse_table(study: Study, one: ColumnContrast, universe: Multiverse) -> ReportTable:
    rows: list[Row] = []
    for row in universe.rows:
        own: Row = {"code": row.question.split(":")[0]}
        for name, conclusion in zip(universe.analyses, row.conclusions, strict=True):
            own[name] = SIGNS[conclusion.verdict] if conclusion else "not asked"
            own[f"{name}_points"] = conclusion.value if conclusion else None
            own[f"{name}_p"] = conclusion.p if conclusion else None
        rows.append(
            own | {"kind": row.kind} | dict(zip(("low", "high"), row.range or (None, None), strict=True))
        )
    alpha = study.settings.alpha_words
    return ReportTable(
        one.file_name("multiverse"),
        f"{one.words}: what each machine coder's codings say of each code, at a corrected p of {alpha}.",
        columns(
            ("code", "code", "code"),
            *((name, name, "text") for name in universe.analyses),
            ("", "kind"),
            ("points, from – to", ("low", "high"), "points"),
        ),
        tuple(rows),
        note=f"“None shown” is not “no difference”: two coders of which one reaches {alpha} and the other does not need not disagree.",
    )


def section(study: Study) -> tuple[Section, ...]:
    """For the page."""
    robustness = robustness_section(study, study.once(measure_robustness))
    return contrast_section(study, study.once(measure_contrasts)).at(50), robustness.at(90)
