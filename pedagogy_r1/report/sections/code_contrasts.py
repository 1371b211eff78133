"""What differs between conditions, models, right and wrong answers: one family of tests for each comparison.

measure_contrasts(study).families[0].contrasts[3].points.value
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ...errors import RunError, did_you_mean
from ...stats.code_contrast import CodeContrast, ContrastFamily, contrast
from ..figures import HOLLOW, Dot, Figure, dot_rows
from ..section import Gap, ReportTable, Row, Section, columns, counted, distinct, estimate_cells
from ..study import COLUMNS, ColumnContrast, Study, sameness, value_words

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas

MOST_VALUES = 3
"""Columns with more values are not compared pair by pair unless asked: too many comparisons to read."""

FIRST = ("cop", "chain-of-pedagogy")
"""Conditions that are put first, so that a difference reads as what they add."""

ALPHA = 0.05


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
    own = study.of_main()
    for column in COLUMNS[:3]:
        values = sorted(own[column].dropna().unique().tolist(), key=_order)
        if len(values) < 2:
            gaps.append(Gap(f"Differences by {column}", sameness(column, values)))
        elif len(values) > MOST_VALUES:
            why = f"{column} has {len(values)} values; ask for the pairs that matter with --contrast {column}:A:B"
            gaps.append(Gap(f"Differences by {column}", why))
        else:
            found += [ColumnContrast(column, a, b) for i, a in enumerate(values) for b in values[i + 1 :]]
    return tuple(found), tuple(gaps)


def _order(value: Any) -> tuple[bool, Any]:
    if isinstance(value, bool):
        return (not value, "")
    return (str(value).lower() not in FIRST, str(value))


def measure_contrasts(study: Study) -> Contrasts:
    """All comparisons for the main coder. Raises `RunError` for a family code or a value that does not exist."""
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
    own = study.table[study.table["coder"] == coder]
    s = study.settings
    return contrast(own, one.column, one.a, one.b, family=s.family, permutations=s.permutations, seed=s.seed)


def contrast_section(study: Study, found: Contrasts) -> Section:
    """A table and a figure for each comparison."""
    if not found.families:
        why = "; ".join(f"{gap.what.lower()}: {gap.why}" for gap in found.gaps)
        return Section(
            "contrast", "What differs", absent=f"there is nothing to compare ({why})", gaps=found.gaps
        )
    tables, figures, gaps = [], [], list(found.gaps)
    for one, family in zip(found.comparisons, found.families, strict=True):
        name = file_name("contrast", one)
        tables.append(_table(name, one, family))
        figures.append(
            Figure(
                name,
                f"{one.words[0].upper()}{one.words[1:]}: difference of the share of units with each code, in percentage points, "
                f"with 95 % intervals, as {family.coder} coded. Filled: in the confirmatory family with family p < .05; hollow: not.",
                _drawer(study, family),
            )
        )
        gaps += [Gap(f"{c.code}, {one.words}", c.why_undefined) for c in family.contrasts if c.why_undefined]
    lead = (
        "A χ² on sentences would take sentences of one trace for independent and find differences where there are none. "
        "Here errors are clustered by item, and the p of the confirmatory codes is corrected for all of them together "
        "(max-T); each comparison is a family of its own. A difference that is not shown is not shown to be absent: look at "
        "its interval.",
    )
    cautions = distinct(
        [
            f"{one.words}: {'; '.join(f.warnings)}."
            for one, f in zip(found.comparisons, found.families, strict=True)
            if f.warnings
        ]
    )
    return Section(
        "contrast", "What differs", lead, tuple(tables), tuple(figures), gaps=tuple(gaps), cautions=cautions
    )


def method_words(family: ContrastFamily) -> str:
    """``ContrastFamily.method`` with right and wrong for True and False."""
    return family.method.replace("True against False", "right against wrong")


def file_name(prefix: str, one: ColumnContrast) -> str:
    """``contrast_condition_cop_generic``, of letters and digits whatever the values are."""
    parts = [one.column, value_words(one.column, one.a), value_words(one.column, one.b)]
    return f"{prefix}_" + "_".join("".join(c if c.isalnum() else "-" for c in part) for part in parts)


def _drawer(study: Study, family: ContrastFamily) -> Any:
    return lambda: _draw(study, family)


def shown_effects(family: ContrastFamily) -> list[CodeContrast]:
    """Codes whose corrected p is below .05, the largest difference first."""
    found = [c for c in family.contrasts if c.p is not None and c.p < ALPHA and c.points.value]
    return sorted(found, key=lambda c: -abs(c.points.value or 0.0))


def clear_of_zero(c: CodeContrast) -> bool:
    """Whether the interval of the difference leaves 0 out, as the test does; with few clusters the two can differ."""
    low, high = c.points.low, c.points.high
    return low is None or high is None or not low <= 0 <= high


def _table(name: str, one: ColumnContrast, family: ContrastFamily) -> ReportTable:
    a, b = value_words(one.column, one.a), value_words(one.column, one.b)
    return ReportTable(
        name,
        f"{a} against {b}: share of units with each primary code, as {family.coder} coded "
        f"({counted(family.n_units[0], 'unit')} in {counted(family.n_traces[0], 'trace')} against "
        f"{counted(family.n_units[1], 'unit')} in {counted(family.n_traces[1], 'trace')}).",
        columns(
            ("code", "code", "code"),
            (a, "share_a", "share"),
            (b, "share_b", "share"),
            ("points", "points", "points"),
            ("95 %", ("points_low", "points_high"), "points"),
            ("odds ratio", "odds", "number"),
            ("95 % ", ("odds_low", "odds_high"), "number"),
            ("h", "h", "signed"),
            ("design effect", "design_effect", "number"),
            ("p, corrected", "p", "p"),
        ),
        tuple(_row(c) for c in family.contrasts),
        note=method_words(family),
    )


def _row(c: CodeContrast) -> Row:
    own: Row = {"code": c.code, "share_a": c.share_a.value, "share_b": c.share_b.value}
    own |= {"points": c.points.value, "points_low": c.points.low, "points_high": c.points.high}
    own |= {"odds": c.odds_ratio.value, "odds_low": c.odds_ratio.low, "odds_high": c.odds_ratio.high}
    own |= {"h": c.cohens_h.value, "h_low": c.cohens_h.low, "h_high": c.cohens_h.high}
    own |= {"design_effect": c.design_effect, "p": c.p, "confirmatory": c.confirmatory}
    own |= {"p_family": c.p_family, "p_bh": c.p_bh, "p_glm": c.p_glm, "p_score": c.p_score}
    own |= {"p_chisq_rao_scott": c.p_chisq, "p_permutation": c.p_permutation}
    own |= {k: v for k, v in estimate_cells(c.share_a, "a_").items() if k in ("a_low", "a_high")}
    own |= {k: v for k, v in estimate_cells(c.share_b, "b_").items() if k in ("b_low", "b_high")}
    return own | {"why_undefined": c.why_undefined, "warnings": "; ".join(c.points.warnings)}


def _draw(study: Study, family: ContrastFamily) -> Canvas:
    clear = {c.code for c in shown_effects(family) if c.confirmatory}
    rows: list[Sequence[Dot]] = []
    for c in family.contrasts:
        p = c.points
        dot = Dot(p.value, p.low, p.high, study.palette[c.code])
        rows.append([dot if c.code in clear else replace(dot, group=HOLLOW)])
    a, b = value_words(family.column, family.a), value_words(family.column, family.b)
    return dot_rows(
        [c.code for c in family.contrasts],
        rows,
        axis=f"← more under {b}      percentage points      more under {a} →",
        marks={0.0: ""},
    )


def section(study: Study) -> Section:
    """For the page."""
    return contrast_section(study, study.once(measure_contrasts)).at(50)
