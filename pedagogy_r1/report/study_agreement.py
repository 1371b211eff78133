"""What the report shows of how far coders agree: `agree`'s report, α by group, people's codes against the machine's; as tables.

measure_agreement(study).report.comparisons[0].result.value

alpha · coefficients · alpha_by_code · human_machine · leave_one_out · alpha_by_group · fidelity
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from ..agreement.agreement_report import AgreementReport, agreement_of
from ..agreement.alpha import Alpha, krippendorff_alphas
from ..agreement.comparison import Comparison, ReliabilityData
from ..agreement.corpus_agreement import agree_on, reliability_of_tally
from ..agreement.profile import MISSING
from ..agreement.replacement_report import CoderSkill
from ..agreement.unitizing import ChosenSpans, chosen_spans
from ..estimate import Estimate, Ints
from ..formatting import counted, level_words
from ..limits import ALPHA_RELIABLE, ALPHA_TENTATIVE
from .people_confusion import measure_people_confusion
from .section import ReportTable, Row, Spec, TableColumn, columns, estimate_cells, no_interval, side_by_side
from .study import Study

LEAST_HUMANS = 3
"""The alternative-annotator test asks for three people."""

MOST_MACHINES = 6
"""With more machine coders only the pairs with people are shown; all pairs would be a page of rows."""

MOST_GROUPED, MOST_GROUPS = 3, 12
"""Machines that are compared with people by group, models before rule-based ones; and values of a column that are shown apart.
What is left out for it is said below the table."""

MOST_QUOTES = 12
GROUP_COLUMNS = ("condition", "domain", "model")


class WithPeople(NamedTuple):
    """α of a machine with ``people``: where there are two or more, the mean over them, on units that the machine and two of them
    coded."""

    alpha: Estimate
    people: tuple[str, ...]


@dataclass(frozen=True)
class Agreement:
    """``confusion``: (codes, codes) counts, rows by the first of ``confusion_of``, columns by the second. ``with_people``: by
    machine. ``spans``: where people chose their own."""

    report: AgreementReport
    comparisons: tuple[Comparison, ...]
    confusion: Ints | None
    confusion_of: tuple[str, str]
    with_people: Mapping[str, WithPeople]
    spans: ChosenSpans | None = None
    some: bool = False
    """Whether pairs of machines are left out of ``comparisons``, for there would be too many."""

    def of_kind(self, kind: str) -> tuple[Comparison, ...]:
        """Comparisons of one kind; pairs first."""
        return tuple(c for c in self.comparisons if c.kind == kind)


def measure_agreement(study: Study) -> Agreement:
    """Compare all coders; nothing raises where α is undefined, the results say why."""
    replace: CoderSkill | None = "skilled" if len(study.humans) >= LEAST_HUMANS and study.machines else None
    if study.tally is not None:
        report = agree_on(study.tally, how=study.settings.how)
    else:
        report = agreement_of(
            study.comparable,
            study.runs,
            replace=replace,
            quotes=MOST_QUOTES,
            how=study.settings.how,
            stages=study.stages,
        )
    many = len(study.machines) > MOST_MACHINES
    comparisons = tuple(c for c in report.comparisons if not (many and c.kind == "machine-machine"))
    of, confusion = _confusion(study)
    with_people = {name: found for name in study.machines if (found := _with_people(study, report, name))}
    return Agreement(report, comparisons, confusion, of, with_people, _chosen_spans(study), many)


def _with_people(study: Study, report: AgreementReport, machine: str) -> WithPeople | None:
    """The mean over people, as the difference has it; where there is none, the person who shares most units with it."""
    difference = report.differences.get(machine)
    if difference is not None and difference.sides is not None:
        return WithPeople(difference.sides[1], study.humans)
    pairs = [c for c in report.comparisons if c.kind == "human-machine" and machine in c.coders]
    if not pairs:
        return None
    most = max(pairs, key=lambda c: c.result.n)
    return WithPeople(most.result, tuple(name for name in most.coders if name != machine))


def _chosen_spans(study: Study) -> ChosenSpans | None:
    """How many of the units that people chose are compared at all; and ᵤα, or why there is none."""
    people = [name for name in study.humans if name in study.choosers]
    if len(people) < 2:
        return None
    rows = np.vstack([study.row(name) for name in people])
    return chosen_spans(study.runs, people, rows, study.settings.how)


def _confusion(study: Study) -> tuple[tuple[str, str], Ints | None]:
    """People's codes against the main machine's; without people, the first two coders."""
    machine, names = study.machine, study.data.names
    if study.reference is not None and machine:
        rows, of = study.reference.primary, ("people" if len(study.humans) > 1 else study.humans[0], machine)
    elif len(names) >= 2:
        rows, of = study.row(names[0]), (names[0], names[1])
    else:
        return ("", ""), None
    others, size = study.comparable.primary[study.data.names.index(of[1])], len(study.codes)
    both = (rows != MISSING) & (others != MISSING)
    cells = np.bincount(rows[both] * size + others[both], study.data.sizes[both], minlength=size * size)
    return of, cells.astype(int).reshape(size, size) if both.any() else None


def _group_rows(study: Study) -> Iterator[Row]:
    teams = [(study.humans, "human-human")] if len(study.humans) >= 2 else []
    for machine in study.machines_in_order[:MOST_GROUPED]:
        teams += [((human, machine), "human-machine") for human in study.humans]
    for column in GROUP_COLUMNS:
        values = study.values(column)
        for value in values if 2 <= len(values) <= MOST_GROUPS and teams else []:
            part = _within(study, column, value)
            for names, kind in teams:
                own = part.of(names).on_scale()
                alpha = krippendorff_alphas([own], study.settings.how)[0]
                yield {"by": column, "group": str(value)} | _coders(names) | {"kind": kind} | _cells(alpha)


def _within(study: Study, column: str, value: Any) -> ReliabilityData:
    """What the coders said of the traces with this value."""
    if study.tally is not None:
        return reliability_of_tally(study.tally.where(column, value))
    return study.alike.where(column, value)


def _ungrouped(study: Study) -> str:
    """What the table by group leaves out, in words."""
    machines = study.machines_in_order
    left = []
    if len(machines) > MOST_GROUPED and study.humans:
        whose = f"the first {MOST_GROUPED} of {len(machines)} machines (models before rule-based coders)"
        left.append(f"Of {whose}: {', '.join(machines[:MOST_GROUPED])}.")
    for column in GROUP_COLUMNS:
        many = len(study.values(column))
        left += [f"Not by {column}: it has {many} values, and up to {MOST_GROUPS} are shown apart."] * (
            many > MOST_GROUPS
        )
    return " ".join(left)


def agreement_tables(study: Study, found: Agreement) -> Iterator[ReportTable]:
    """Those that the data allow."""
    level = study.settings.level
    yield _alpha_table(found, level)
    yield _coefficient_table(found, level)
    yield from _code_tables(found, level)
    if found.report.differences:
        yield _difference_table(found, level)
    if found.report.leave_one_out:
        without = found.report.leave_one_out
        yield ReportTable(
            "leave_one_out",
            "α of all the other coders, without each in turn: one without whom it rises agrees less with the rest here than they do.",
            (*columns("without"), *_alpha_columns(level), *columns(UNITS)),
            tuple({"without": name} | _cells(alpha) for name, alpha in without.items()),
        )
    if rows := tuple(_group_rows(study)):
        caption = "α within each condition, domain and model."
        of, more = columns("by", "group", "coders"), columns(UNITS, ("traces", "traces", "count"))
        yield _table_of_alphas("alpha_by_group", caption, of, rows, level, more, note=_ungrouped(study))
    people = study.once(measure_people_confusion)
    if people is not None and people.pairs:
        yield people.table
    if found.confusion is not None and study.reference is not None:
        yield _fidelity_table(study, found.confusion, *found.confusion_of)


UNITS: Spec = ("units", "units", "count")


def _coders(names: Sequence[str]) -> Row:
    return {"coders": " – ".join(names)}


def _cells(result: Alpha) -> Row:
    own = estimate_cells(result) | {"unit_low": result.unit_low, "unit_high": result.unit_high}
    own |= {"level": result.level, "units": result.n, "values": result.n_pairable, "traces": result.clusters}
    return own | {"why_undefined": result.why_undefined, "why_no_interval": no_interval(result)}


def _alpha_columns(level: float) -> tuple[TableColumn, ...]:
    return columns(
        ("α", "value", "coefficient"),
        (f"{level_words(level)} over traces", ("low", "high"), "coefficient"),
        ("over units", ("unit_low", "unit_high"), "coefficient"),
    )


def _table_of_alphas(
    name: str,
    caption: str,
    of: tuple[TableColumn, ...],
    rows: tuple[Row, ...],
    level: float,
    more: tuple[TableColumn, ...] = (),
    **how: Any,
) -> ReportTable:
    """``of``: the columns before α; ``more``: those behind its intervals; then the reasons, where any is undefined."""
    return ReportTable(name, caption, (*of, *_alpha_columns(level), *more, *_reasons(rows)), rows, **how)


def _reasons(rows: Sequence[Row]) -> tuple[TableColumn, ...]:
    """Columns that say why there is no value or no interval, where any row lacks one."""
    heads = (("why undefined", "why_undefined"), ("why no interval", "why_no_interval"))
    return columns(*((head, key) for head, key in heads if any(row[key] for row in rows)))


def _alpha_table(found: Agreement, level: float) -> ReportTable:
    rows = tuple(
        _coders(c.coders)
        | {"kind": c.kind}
        | _cells(c.result)
        | {f"p_below_{limit}": share for limit, share in c.result.q.items()}
        | {f"{name}_value": alpha.value for name, alpha in c.sets.items()}
        for c in found.comparisons
    )
    sets = columns(("MASI", "masi_value", "coefficient"), ("Jaccard", "jaccard_value", "coefficient"))
    tentative, reliable = f"{ALPHA_TENTATIVE:.3f}", f"{ALPHA_RELIABLE:.3f}"
    below: list[Spec] = [
        (f"P(α < {limit[1:]})", f"p_below_{limit}", "share") for limit in (tentative, reliable)
    ]
    return _table_of_alphas(
        "alpha",
        f"Krippendorff's α of {'pairs with a person' if found.some else 'every pair of coders'}, and of groups of more than two.",
        columns("coders", "kind"),
        rows,
        level,
        columns(*below) + (sets if any(c.sets for c in found.comparisons) else ()) + columns(UNITS),
        note="P(α < …): the confidence that the true α lies below Krippendorff's customary limits (below "
        f"{tentative[1:]} discard, from {reliable[1:]} rely on it). MASI and Jaccard: α of the sets of codes, where second codes "
        "were given.",
    )


def _coefficient_table(found: Agreement, level: float) -> ReportTable:
    rows = tuple(
        _coders(c.coders)
        | {"coefficient": one.name}
        | estimate_cells(one)
        | {"level": one.level, "agreement": one.agreement, "chance": one.chance, "units": one.n}
        | {"why_undefined": one.why_undefined, "why_no_interval": no_interval(one)}
        for c in found.comparisons
        for one in c.beside
    )
    return ReportTable(
        "coefficients",
        "Other coefficients on the same units: what agreement was seen, and how each reckons with chance.",
        columns(
            "coders",
            "coefficient",
            ("value", "value", "coefficient"),
            (f"{level_words(level)} over traces", ("low", "high"), "coefficient"),
            ("agreement seen", "agreement", "share"),
            ("by chance", "chance", "share"),
            UNITS,
        )
        + _reasons(rows),
        rows,
    )


def _code_tables(found: Agreement, level: float) -> Iterator[ReportTable]:
    rows = tuple(
        _coders(c.coders) | {"code": one.code, "prevalence": one.prevalence} | _cells(one.result)
        for c in found.comparisons
        for one in c.per_code
    )
    caption = "α of each code's presence or absence, coders side by side"
    if wide := side_by_side("alpha_codes_by_coders", caption, rows, "coders", "coefficient", level):
        yield wide
    yield _table_of_alphas(
        "alpha_by_code",
        "α of each code's presence or absence, as primary or second code.",
        columns("coders", ("code", "code", "code"), ("how common", "prevalence", "share")),
        rows,
        level,
    )


def _difference_table(found: Agreement, level: float) -> ReportTable:
    rows = tuple(
        {"machine": name, "people": d.first, "with_machine": d.second}
        | estimate_cells(d)
        | {"level": d.level, "units": d.n, "traces": d.clusters, "averaged": d.averaged}
        | {"why_undefined": d.why_undefined, "why_no_interval": no_interval(d)}
        for name, d in found.report.differences.items()
    )
    averaged = columns(("averaged over", "averaged")) if any(row["averaged"] for row in rows) else ()
    return ReportTable(
        "human_machine",
        "Mean α of people with each other, of people with the machine, and the paired difference on the same units.",
        columns(
            "machine",
            ("people with each other", "people", "coefficient"),
            ("people with it", "with_machine", "coefficient"),
            ("difference", "value", "signed"),
            (f"{level_words(level)} over traces", ("low", "high"), "signed"),
            UNITS,
            ("traces", "traces", "count"),
        )
        + averaged
        + _reasons(rows),
        rows,
    )


def _fidelity_table(study: Study, counts: Ints, people: str, machine: str) -> ReportTable:
    rows = []
    for k, code in enumerate(study.codes):
        hits, said, true = int(counts[k, k]), int(counts[:, k].sum()), int(counts[k].sum())
        rows.append(
            {"code": code, "people": true, "machine": said, "both": hits}
            | {"precision": hits / said if said else None, "recall": hits / true if true else None}
            | {"f1": 2 * hits / (said + true) if said + true else None}
        )
    whose = "people's codes" if people == "people" else f"the codes of {people}"
    return ReportTable(
        "fidelity",
        f"{machine} held against {whose}, code by code. Precision: of the units to which {machine} gave the code, "
        f"the share to which {people} gave it too; recall: the other way round.",
        columns(
            ("code", "code", "code"),
            ("by people", "people", "count"),
            (f"by {machine}", "machine", "count"),
            ("both", "both", "count"),
            ("precision", "precision", "share"),
            ("recall", "recall", "share"),
            ("F1", "f1", "coefficient"),
        ),
        tuple(rows),
        note=_tie_note(study),
    )


def _tie_note(study: Study) -> str:
    reference = study.reference
    if reference is None or not reference.ties:
        return ""
    return (
        f"People's code is the one that most of them gave; on {counted(reference.ties, 'unit')} they tie, and the code counts of "
        f"whoever coded more of all units ({reference.first} most)."
    )
