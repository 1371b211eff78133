"""The tables of the agreement section.

alpha · coefficients · alpha_by_code · human_machine · leave_one_out · alpha_by_group · fidelity
"""

from __future__ import annotations

from ..agreement.alpha import Alpha
from .reliability import Agreement
from .section import ReportTable, Row, columns, counted
from .study import Study


def agreement_tables(study: Study, found: Agreement) -> tuple[ReportTable, ...]:
    """Those that the data allow."""
    tables = [_alpha_table(found), _beside_table(found), _code_table(found)]
    tables += [_difference_table(found)] if found.differences else []
    tables += [_without_table(found)] if found.leave_one_out else []
    tables += [_group_table(found)] if found.by_group else []
    if found.confusion is not None and study.reference is not None:
        tables.append(_machine_table(study, found))
    return tuple(tables)


def _alpha_cells(result: Alpha) -> Row:
    return {
        "alpha": result.value,
        "low": result.low,
        "high": result.high,
        "unit_low": result.unit_low,
        "unit_high": result.unit_high,
        "units": result.n,
        "values": result.n_pairable,
        "traces": result.clusters,
        "why_undefined": result.why_undefined,
    }


_ALPHA = columns(
    ("α", "alpha", "coefficient"),
    ("95 % over traces", ("low", "high"), "coefficient"),
    ("over units", ("unit_low", "unit_high"), "coefficient"),
)

_WHY = columns(("why undefined", "why_undefined", "text"))


def _alpha_table(found: Agreement) -> ReportTable:
    rows = [
        {"coders": " – ".join(c.coders), "kind": c.kind, **_alpha_cells(c.result)}
        | {f"p_below_{limit}": share for limit, share in c.result.q.items()}
        | {f"alpha_{name}": alpha.value for name, alpha in c.sets.items()}
        for c in found.comparisons
    ]
    below = columns(("P(α < .667)", "p_below_0.667", "share"), ("P(α < .8)", "p_below_0.800", "share"))
    sets = columns(("MASI", "alpha_masi", "coefficient"), ("Jaccard", "alpha_jaccard", "coefficient"))
    return ReportTable(
        "alpha",
        "Krippendorff's α of every pair of coders, and of all where there are more than two.",
        (
            *columns(("coders", "coders", "text"), ("", "kind", "text")),
            *_ALPHA,
            *below,
            *(sets if any(c.sets for c in found.comparisons) else ()),
            *columns(("units", "units", "count")),
            *(_WHY if any(row["why_undefined"] for row in rows) else ()),
        ),
        tuple(rows),
        note="P(α < …): share of resamples of traces that fall below Krippendorff's customary limits (below .667 "
        "discard, from .800 rely on it). MASI and Jaccard: α of the sets of codes, where second codes were given.",
    )


def _beside_table(found: Agreement) -> ReportTable:
    rows = []
    for c in found.comparisons:
        for one in c.beside:
            low, high = one.interval or (None, None)
            rows.append(
                {"coders": " – ".join(c.coders), "coefficient": one.name, "value": one.value, "low": low, "high": high}
                | {"agreement": one.agreement, "chance": one.chance, "units": one.n}
                | {"why_undefined": one.why_undefined}
            )  # fmt: skip
    return ReportTable(
        "coefficients",
        "Other coefficients on the same units: what agreement was seen, and how each reckons with chance.",
        columns(
            ("coders", "coders", "text"),
            ("coefficient", "coefficient", "text"),
            ("value", "value", "coefficient"),
            ("95 % over traces", ("low", "high"), "coefficient"),
            ("agreement seen", "agreement", "share"),
            ("by chance", "chance", "share"),
            ("units", "units", "count"),
        ),
        tuple(rows),
    )


def _code_table(found: Agreement) -> ReportTable:
    rows: list[Row] = [
        {"coders": " – ".join(c.coders), "code": one.code, "prevalence": one.prevalence}
        | _alpha_cells(one.result)
        for c in found.comparisons
        for one in c.per_code
    ]
    return ReportTable(
        "alpha_by_code",
        "α of each code's presence or absence, as primary or second code.",
        (
            *columns(
                ("coders", "coders", "text"), ("code", "code", "code"), ("how common", "prevalence", "share")
            ),
            *_ALPHA,
            *(_WHY if any(row["why_undefined"] for row in rows) else ()),
        ),
        tuple(rows),
        first=len(found.comparisons[0].per_code) * 2,
    )


def _difference_table(found: Agreement) -> ReportTable:
    rows = []
    for name, d in found.differences:
        low, high = d.interval or (None, None)
        rows.append(
            {"machine": name, "people": d.first, "with_machine": d.second, "difference": d.value, "low": low, "high": high}
            | {"units": d.n, "traces": d.clusters, "why_undefined": d.why_undefined}
        )  # fmt: skip
    return ReportTable(
        "human_machine",
        "Mean α of people with each other, of people with the machine, and the paired difference on the same units.",
        columns(
            ("machine", "machine", "text"),
            ("people with each other", "people", "coefficient"),
            ("people with it", "with_machine", "coefficient"),
            ("difference", "difference", "signed"),
            ("95 % over traces", ("low", "high"), "signed"),
            ("units", "units", "count"),
            ("traces", "traces", "count"),
        ),
        tuple(rows),
    )


def _group_table(found: Agreement) -> ReportTable:
    rows = [
        {"by": g.column, "value": g.value, "coders": " – ".join(g.coders), "kind": g.kind, **_alpha_cells(g.result)}
        for g in found.by_group
    ]  # fmt: skip
    return ReportTable(
        "alpha_by_group",
        "α within each condition, domain and model.",
        (
            *columns(("by", "by", "text"), ("", "value", "text"), ("coders", "coders", "text")),
            *_ALPHA,
            *columns(("units", "units", "count"), ("traces", "traces", "count")),
            *(_WHY if any(row["why_undefined"] for row in rows) else ()),
        ),
        tuple(rows),
        first=30,
    )


def _without_table(found: Agreement) -> ReportTable:
    rows = [{"without": name, **_alpha_cells(alpha)} for name, alpha in found.leave_one_out]
    return ReportTable(
        "leave_one_out",
        "α of all the other coders, without each in turn: a coder without whom it rises differs from the rest.",
        (*columns(("without", "without", "text")), *_ALPHA, *columns(("units", "units", "count"))),
        tuple(rows),
    )


def _machine_table(study: Study, found: Agreement) -> ReportTable:
    assert found.confusion is not None
    counts = found.confusion
    rows = []
    for k, code in enumerate(study.codes):
        hits, said, true = int(counts[k, k]), int(counts[:, k].sum()), int(counts[k].sum())
        precision, recall = hits / said if said else None, hits / true if true else None
        f1 = 2 * hits / (said + true) if said + true else None
        rows.append(
            {"code": code, "people": true, "machine": said, "both": hits}
            | {"precision": precision, "recall": recall, "f1": f1}
        )
    people, machine = found.confusion_of
    return ReportTable(
        "fidelity",
        f"{machine} held against {_people(people)}, code by code. Precision: of the units to which {machine} gave the code, "
        "the share to which people gave it too; recall: of people's units, the share that it found.",
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


def _people(name: str) -> str:
    return "people's codes" if name == "people" else f"the codes of {name}"


def _tie_note(study: Study) -> str:
    reference = study.reference
    if reference is None or not reference.ties:
        return ""
    return (
        f"People's code is the one that most of them gave; on {counted(reference.ties, 'unit')} they tie, and the code of "
        f"{reference.first} counts."
    )
