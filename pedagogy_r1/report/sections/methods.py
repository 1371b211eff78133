"""The methods, written out from what the runs record: ready for a paper's appendix.

Codings were made under the codebook schoen, version 1.0.0 (sha256 9123923a87a0…). Coder cues (machine) …
"""

from __future__ import annotations

from typing import NamedTuple

from ...estimate import joined
from ...formatting import counted, sentence
from ...provenance import versions
from ...runs.run import CoderRun
from ...tokens.noise import PAPER
from ..section import ReportTable, Row, Section, columns, interval_methods, listed
from ..stress_paragraph import stress_paragraph
from ..study import Study
from ..study_agreement import measure_agreement
from .contrasts import Contrasts, method_words
from .corrections import Corrections
from .frequencies import measure_frequency
from .noise_share import measure_noise


class MethodsParagraph(NamedTuple):
    """A paragraph with its heading."""

    head: str
    text: str


def methods_text(study: Study, contrasts: Contrasts, corrected: Corrections) -> tuple[MethodsParagraph, ...]:
    """What was coded by whom under what, and how each number was made."""
    texts = {
        "Material": _material(study),
        "Codebook": _codebook(study),
        "Coders": " ".join(_coder(label, run) for label, run in study.labelled),
        "Not all traces": f"{'; '.join(study.partial)}." if study.partial else "",
        "Missing codings": _missing(study),
        "Agreement": _agreement(study) if len(study.data.coders) > 1 else "",
        "Frequencies and contrasts": _statistics(study, contrasts),
        "Correction": _correction(corrected),
        "Stress tests": " ".join(stress_paragraph(study, one) for one in study.settings.stress),
        "Noise": _noise(study),
        "Order": TRANSITIONS if study.tally is not None else ORDER,
        "Seeds and software": _software(study),
    }
    return tuple(MethodsParagraph(head, text) for head, text in texts.items() if text)


def _material(study: Study) -> str:
    schemes = listed(sorted({run.manifest.scheme for run in study.runs}))
    parts = [_values(study, column) for column in ("domain", "condition", "model") if study.values(column)]
    about = f" ({'; '.join(parts)})" if parts else ""
    digests = sorted(
        {str(d)[:23] + "…" for run in study.runs if (d := run.manifest.source.get("traces_digest"))}
    )
    many = "s" if len(digests) > 1 else ""
    source = f" Digest of the traces file{many}: {', '.join(digests)}." if digests else ""
    traces, units = (
        counted(study.data.n_traces, "reasoning trace"),
        counted(study.data.n_units, "unit"),
    )
    if study.own_spans:
        who = listed(study.choosers) or "coders"
        cut = f"In {traces}{about} {who} chose {units} themselves ({schemes}); units of different coders may overlap."
    else:
        cut = f"{traces}{about} {'was' if study.data.n_traces == 1 else 'were'} divided into {units} under the scheme {schemes}, {study.tokens:,} tokens (spaCy, white space not counted)."
    return f"{cut}{source}"


def _values(study: Study, column: str) -> str:
    values = [str(v) for v in study.values(column)]
    more = f" (and {len(values) - 8} more)" if len(values) > 8 else ""
    return f"{column}{'s' if len(values) > 1 else ''} {listed(values[:8])}{more}"


def _codebook(study: Study) -> str:
    book = study.book
    many = (
        f"one primary and up to {counted(book.max_codes - 1, 'further code')}"
        if book.max_codes > 1
        else "one code"
    )
    every = "every unit has a code" if book.exhaustive else "“none applies” is a legitimate coding"
    return (
        f"All codings were made under the codebook {book.id}, version {book.version} ({book.title}; content digest "
        f"{book.digest}): {counted(len(book.codes), 'code')} ({', '.join(book.code_ids)}) in {counted(len(book.families), 'family', 'families')}, level of "
        f"measurement {book.level}, {many} a unit, {every}."
    )


FIRST = (
    "model", "base_url", "prompt", "schema", "window", "context", "temperature", "seed", "critic", "repeats",
)  # fmt: skip
"""Parameters of a coder that are named before the others."""
PARAMETER_WORDS = {"second_from": "a second code from a probability of"}
"""Of parameters whose names say nothing to a reader."""


def _coder(label: str, run: CoderRun) -> str:
    m = run.manifest
    names = listed([f"{c.name} ({c.kind})" for c in m.coders])
    own = {k: v for k, v in m.parameters.items() if isinstance(v, str | int | float | bool) and k != "about"}
    if isinstance(urls := m.parameters.get("base_url"), list):
        own["base_url"] = ", ".join(urls)
    ordered = sorted(own, key=lambda k: FIRST.index(k) if k in FIRST else len(FIRST))
    how = f" with {'; '.join(f'{PARAMETER_WORDS.get(k, k)} {own[k]}' for k in ordered)}" if own else ""
    seed = f"seed {m.seed}, " if m.seed is not None else ""
    gave = listed([f"{name} gave {counted(n, 'code')}" for name, n in m.stages.items()])
    stages = f" Of its codes {gave}." if gave else ""
    served = m.usage.get("served_models")
    models = (
        f" Models that served it: {', '.join(sorted(served))}." if isinstance(served, dict) and served else ""
    )
    return f"Run {label} ({m.run_id}, {m.status}): {names}, by {m.coder}{how}, {seed}finished {m.finished or 'never'}.{stages}{models}"


def _missing(study: Study) -> str:
    said = []
    for coder, reasons in zip(study.data.coders, study.data.missing, strict=True):
        if reasons:
            said.append(f"{coder.name}: {', '.join(f'{n} × {why}' for why, n in sorted(reasons.items()))}")
    lost = f"Missing codings: {'; '.join(said)}. " if said else "No coding is missing. "
    apart = [(name, study.data.n_units - study.asked(name)[0]) for name in study.data.names]
    not_asked = ", ".join(
        f"{name} {counted(n, 'unit')}" for name, n in apart if n and name not in study.choosers
    )
    lost += f"Not asked, and so not missing: {not_asked}. " if not_asked else ""
    return (
        f"{lost}A missing coding is never counted as “no code applies”: it is in no share and no coefficient."
    )


def _agreement(study: Study) -> str:
    s, found = study.settings, study.once(measure_agreement)
    made = interval_methods(c.result for c in found.comparisons)
    over = f"Intervals over traces: {made}. " if made else "There is no interval over traces. "
    beside = listed(list({one.name: None for c in found.comparisons for one in c.beside}))
    units = (
        f"Intervals over units, beside it: {s.percent} percentiles of {s.replicates:,} resamples of units (seed {s.seed}); resamples without "
        "variation are left out and counted. "
        if s.replicates
        else ""
    )
    mean = (
        " A machine's agreement with people is the mean α over people on the units that it and at least two of them coded; its "
        "difference from the mean α of people with each other is taken on the same units, and its interval takes a trace into both or "
        "into neither."
        if found.report.differences
        else ""
    )
    return (
        f"Krippendorff's α ({study.data.measurement}) on the primary code, and nominal α of each code's presence among primary and "
        f"further codes. {over}{units}Verdicts go by the lower limit over traces.{f' Beside α: {beside}.' if beside else ''}{mean}"
    )


def _statistics(study: Study, contrasts: Contrasts) -> str:
    s = study.settings
    ways = interval_methods(one.share for one in study.once(measure_frequency).overall["units"])
    text = f"Shares are ratio estimates, clustered by item (by trace where each item has one). {_made(ways)}"
    if contrasts.families:
        some = [one for family in contrasts.families for one in family.contrasts]
        own = interval_methods(e for one in some for e in (one.points, one.odds_ratio, one.cohens_h))
        words = " ".join(method_words(family) for family in contrasts.families)
        text += f" Contrasts: difference in points, odds ratio and Cohen's h, at most {s.permutations:,} relabellings. {_made(own)} {words}"
    return text


def _made(ways: str) -> str:
    return f"Intervals: {ways}." if ways else "There are no intervals."


def _against(found: Corrections) -> str:
    if len(found.people) < 2:
        return f"People's codes are {', '.join(found.people)}'s alone."
    return (
        f"The machine was corrected against each of {len(found.people)} people ({', '.join(found.people)}) and the figures were "
        "averaged; the errors hold the variance between people, with Satterthwaite's degrees of freedom."
    )


def _correction(found: Corrections) -> str:
    if found.why or found.plan is None:
        return f"None: {found.why}."
    return (
        f"Machine coder {found.machine}; people's codes on {found.n_coded:,} of {counted(found.n_units, 'unit')}. Inclusion probabilities: "
        f"{'' if found.plan.recorded else 'not recorded; '}{found.plan.words}. Estimators: design-based supervised learning (DSL; Egami et al. 2023) with cross-fitting "
        "in ten folds of items, PPI++ (Angelopoulos et al. 2023) weighted by 1/π, people's codes alone weighted by 1/π, and the "
        "machine's codes at face value; errors by a jackknife over items (traces where each has its own), t with degrees of freedom by how few of them count. "
        f"{_against(found)}"
    )


def _noise(study: Study) -> str:
    found = study.once(measure_noise)
    ways = interval_methods(e for g in found.groups for e in (g.share.strict, g.share.nonreflective))
    made = f" Intervals: {ways}." if ways else ""
    return (
        "Noise is the share of coded tokens in units whose primary code is of a noise family (strict), or of a noise or routine "
        f"family (non-reflective).{made} For "
        f"reference, Lee et al. 2025 (arXiv 2505.18467) report {PAPER}. It is not the underthinking score ξ_UT."
    )


ORDER = (
    "Lag-1 transitions between primary codes within traces, tested by shuffling codes within traces (normal "
    "approximation from its exact moments where there are many units); co-occurrence in moving windows of four units; "
    "position as the unit's midpoint, counted in units."
)


TRANSITIONS = (
    "Lag-1 transitions between primary codes within traces, tested by the normal approximation from the exact moments of shuffling codes "
    "within traces."
)


def _software(study: Study) -> str:
    own = versions("scipy", "matplotlib", "pyarrow")
    text = ", ".join(f"{name} {version}" for name, version in own.items())
    return f"Seed {study.settings.seed} for all resamples, relabellings and folds. {text}. Written {study.settings.written}."


def methods_section(study: Study) -> Section:
    """The runs as a table; the text stands beside it."""
    rows: list[Row] = []
    for label, run in study.labelled:
        m = run.manifest
        rows.append(
            {"run": label, "id": m.run_id, "status": m.status, "made_by": m.coder, "scheme": m.scheme}
            | {"coders": ", ".join(c.name for c in m.coders), "codebook": run.codebook.stamp, "seed": m.seed}
            | {"finished": m.finished, "fingerprint": m.fingerprint}
            | {"parameters": "; ".join(f"{k}={v}" for k, v in m.parameters.items())}
        )
    shown = columns(
        "run", "coders", ("made by", "made_by"), "codebook", ("units", "scheme"), "status", "finished"
    )
    table = ReportTable("runs", "The runs that this report is made of.", shown, tuple(rows))
    return Section("methods", "Methods", tables=(table,))


def coverage_section(study: Study) -> Section:
    """Who coded what, and what is missing and why: one row for each coder."""
    data = study.data
    rows: list[Row] = []
    for coder, reasons in zip(data.coders, data.missing, strict=True):
        (asked, traces), coded = study.asked(coder.name), study.coded(coder.name)
        rows.append(
            {"coder": coder.name, "kind": coder.kind, "traces": traces}
            | {"units": asked, "coded": coded, "missing": asked - coded}
            | {"of_asked": coded / asked if asked else None, "not_asked": data.n_units - asked}
            | {"why": "; ".join(f"{n} × {why}" for why, n in sorted(reasons.items()))}
        )
    table = ReportTable(
        "coverage",
        "Who coded how much. Missing: units that the coder was asked about and that have no coding, which is never the same as “no code "
        "applies”. Not asked: units that the coder's files do not name; they are not missing.",
        columns(
            "coder",
            "kind",
            ("traces", "traces", "count"),
            ("units asked", "units", "count"),
            ("coded", "coded", "count"),
            ("of those asked", "of_asked", "share"),
            ("missing", "missing", "count"),
            ("not asked", "not_asked", "count"),
            ("why missing", "why"),
        ),
        tuple(rows),
    )
    lost = sum(row["missing"] for row in rows)
    missing = (
        f"{counted(lost, 'coding is', 'codings are')} missing; the table says why."
        if lost
        else "No coding is missing."
    )
    apart = [row["coder"] for row in rows if row["not_asked"] and row["coder"] not in study.choosers]
    own = (
        f" {listed(study.choosers)} chose units themselves; those of others alone are none of theirs."
        if study.choosers
        else ""
    )
    asked_less = (
        f" Not every unit was put to {listed(apart, 'or')}; what was not asked is not missing."
        if apart
        else ""
    )
    lead = (
        f"{counted(data.n_traces, 'trace')} in {counted(data.n_units, 'unit')}, coded by "
        f"{listed([coder.name for coder in data.coders])}. {missing}{asked_less}{own}"
    )
    cautions = joined(*study.partial, *(f"{sentence(why)}." for why in study.overlaps.values()))
    return Section("coverage", "Who coded what", (lead,), (table,), cautions=cautions)


def section(study: Study) -> tuple[Section, ...]:
    """For the page."""
    return methods_section(study).at(98), coverage_section(study).at(20)
