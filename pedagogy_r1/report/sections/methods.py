"""The methods, written out from what the runs record: ready for a paper's appendix.

Codings were made under the codebook schoen, version 1.0.0 (sha256 9123923a87a0…). Coder cues (machine) …
"""

from __future__ import annotations

from typing import NamedTuple

from ...formatting import counted
from ...provenance import now, versions
from ...runs.run import CoderRun
from ...tokens.noise import PAPER
from ..section import ReportTable, Row, Section, columns, listed
from ..study import Study
from .contrasts import Contrasts, method_words
from .corrections import Corrections


class MethodsParagraph(NamedTuple):
    """A paragraph with its heading."""

    head: str
    text: str


def methods_text(study: Study, contrasts: Contrasts, corrected: Corrections) -> tuple[MethodsParagraph, ...]:
    """What was coded by whom under what, and how each number was made."""
    texts = {
        "Material": _material(study),
        "Codebook": _codebook(study),
        "Coders": " ".join(_coder(run) for run in study.runs),
        "Not all traces": f"{'; '.join(study.partial)}." if study.partial else "",
        "Missing codings": _missing(study),
        "Agreement": _agreement(study),
        "Frequencies and contrasts": _statistics(study, contrasts),
        "Correction": _correction(corrected),
        "Noise": _noise(study),
        "Order": ORDER,
        "Seeds and software": _software(study),
    }
    return tuple(MethodsParagraph(head, text) for head, text in texts.items() if text)


def _material(study: Study) -> str:
    schemes = listed(sorted({run.manifest.scheme for run in study.runs}))
    tokens = int(study.table.drop_duplicates("unit_id")["tokens"].sum())
    parts = []
    for column in ("domain", "condition", "model"):
        values = [str(v) for v in study.values(column)]
        more = f" (and {len(values) - 8} more)" if len(values) > 8 else ""
        if values:
            parts.append(f"{column}{'s' if len(values) > 1 else ''} {listed(values[:8])}{more}")
    about = f" ({'; '.join(parts)})" if parts else ""
    digests = sorted(
        {str(d)[:23] + "…" for run in study.runs if (d := run.manifest.source.get("traces_digest"))}
    )
    many = "s" if len(digests) > 1 else ""
    source = f" Digest of the traces file{many}: {', '.join(digests)}." if digests else ""
    return (
        f"{counted(len(study.data.traces), 'reasoning trace')}{about} were divided into {counted(len(study.data.unit_ids), 'unit')} "
        f"under the scheme {schemes}, {tokens:,} tokens (spaCy, white space not counted).{source}"
    )


def _codebook(study: Study) -> str:
    book = study.book
    many = f"one primary and up to {book.max_codes - 1} further code" if book.max_codes > 1 else "one code"
    every = "every unit has a code" if book.exhaustive else "“none applies” is a legitimate coding"
    return (
        f"All codings were made under the codebook {book.id}, version {book.version} ({book.title}; content digest "
        f"{book.digest}): {len(book.codes)} codes ({', '.join(book.code_ids)}) in {len(book.families)} families, level of "
        f"measurement {book.level}, {many} a unit, {every}."
    )


FIRST = (
    "model", "base_url", "prompt", "schema", "window", "context", "temperature", "seed", "critic", "repeats",
)  # fmt: skip
"""Parameters of a coder that are named before the others."""


def _coder(run: CoderRun) -> str:
    m = run.manifest
    names = listed([f"{c.name} ({c.kind})" for c in m.coders])
    own = {k: v for k, v in m.parameters.items() if isinstance(v, str | int | float | bool) and k != "about"}
    ordered = sorted(own, key=lambda k: FIRST.index(k) if k in FIRST else len(FIRST))
    how = f" with {'; '.join(f'{k} {own[k]}' for k in ordered)}" if own else ""
    seed = f"seed {m.seed}, " if m.seed is not None else ""
    served = m.usage.get("served_models")
    models = (
        f" Models that served it: {', '.join(sorted(served))}." if isinstance(served, dict) and served else ""
    )
    return f"Run {run.name} ({m.run_id}, {m.status}): {names}, by {m.coder}{how}, {seed}finished {m.finished or 'never'}.{models}"


def _missing(study: Study) -> str:
    said = []
    for coder, reasons in zip(study.data.coders, study.data.missing, strict=True):
        if reasons:
            said.append(f"{coder.name}: {', '.join(f'{n} {why}' for why, n in sorted(reasons.items()))}")
    lost = f"Missing codings: {'; '.join(said)}. " if said else "No coding is missing. "
    return (
        f"{lost}A missing coding is never counted as “no code applies”: it is in no share and no coefficient, and its number is "
        "given beside each."
    )


def _agreement(study: Study) -> str:
    s = study.settings
    return (
        f"Krippendorff's α ({study.data.measurement}) on the primary code, and nominal α of each code's presence among primary and "
        f"further codes. Intervals are {s.percent} percentile intervals of a cluster bootstrap over traces, with one over units beside "
        f"it ({s.replicates:,} resamples, seed {s.seed}); resamples without variation are left out and counted. Percent "
        "agreement, Cohen's κ (two coders) or Fleiss' κ, and Gwet's AC1 beside it. The difference between human–human and "
        "human–machine agreement is taken on the units that both share, resampled together."
    )


def _statistics(study: Study, contrasts: Contrasts) -> str:
    s = study.settings
    text = (
        "Shares are ratio estimates, their variances linearised and clustered by item (by trace where each item has one); "
        "intervals are Korn–Graubard intervals on the effective number of units. A share of 0 of n has an interval too."
    )
    if contrasts.families:
        words = " ".join(method_words(family) for family in contrasts.families)
        text += (
            f" Contrasts: risk difference with square-and-add limits, odds ratio from a binomial GLM with clustered errors, "
            f"Cohen's h, at most {s.permutations:,} relabellings. {words}"
        )
    return text


def _correction(found: Corrections) -> str:
    if found.why or found.plan is None:
        return f"None: {found.why}."
    return (
        f"Machine coder {found.machine}; people's codes on {found.n_coded:,} of {counted(found.n_units, 'unit')}. Inclusion probabilities: "
        f"{'' if found.plan.recorded else 'not recorded; '}{found.plan.words}. Estimators: design-based supervised learning (DSL; Egami et al. 2023) with cross-fitting "
        "in ten folds of items, PPI++ (Angelopoulos et al. 2023) weighted by 1/π, people's codes alone weighted by 1/π, and the "
        "machine's codes at face value; errors clustered by item."
    )


def _noise(study: Study) -> str:
    return (
        "Noise is the share of coded tokens in units whose primary code is of a noise family (strict), or of a noise or routine "
        f"family (non-reflective); percentile intervals over items, or traces ({study.settings.replicates:,} resamples). For "
        f"reference, Lee et al. 2025 (arXiv 2505.18467) report {PAPER}. It is not the underthinking score ξ_UT."
    )


ORDER = (
    "Lag-1 transitions between primary codes within traces, tested by shuffling codes within traces (normal "
    "approximation from its exact moments where there are many units); co-occurrence in moving windows of four units; "
    "position as the unit's midpoint, counted in units."
)


def _software(study: Study) -> str:
    own = versions("scipy", "matplotlib", "pyarrow")
    text = ", ".join(f"{name} {version}" for name, version in own.items())
    return f"Seed {study.settings.seed} throughout. {text}. Written {now()}."


def methods_section(study: Study) -> Section:
    """The runs as a table; the text stands beside it."""
    rows: list[Row] = []
    for run in study.runs:
        m = run.manifest
        rows.append(
            {"run": run.name, "id": m.run_id, "status": m.status, "made_by": m.coder, "scheme": m.scheme}
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
        asked, coded = study.of_coder(coder.name), study.coded(coder.name)
        rows.append(
            {"coder": coder.name, "kind": coder.kind, "traces": int(asked["trace_id"].nunique())}
            | {"units": len(asked), "coded": coded, "missing": len(asked) - coded}
            | {"why": "; ".join(f"{n} {why}" for why, n in sorted(reasons.items()))}
            | {"of_all": coded / len(data.unit_ids)}
        )
    table = ReportTable(
        "coverage",
        "Who coded how much. Missing: units that the coder was given and left open, which is never the same as “no code applies”.",
        columns(
            "coder",
            "kind",
            ("traces", "traces", "count"),
            ("units given", "units", "count"),
            ("coded", "coded", "count"),
            ("missing", "missing", "count"),
            ("of all units", "of_all", "share"),
            ("why missing", "why"),
        ),
        tuple(rows),
    )
    lost = sum(row["missing"] for row in rows)
    missing = f"{counted(lost, 'coding')} missing; the table says why." if lost else "No coding is missing."
    lead = (
        f"{counted(len(data.traces), 'trace')} in {counted(len(data.unit_ids), 'unit')}, coded by "
        f"{listed([coder.name for coder in data.coders])}. {missing}"
    )
    return Section("coverage", "Who coded what", (lead,), (table,), cautions=study.partial)


def section(study: Study) -> tuple[Section, ...]:
    """For the page."""
    return methods_section(study).at(10), coverage_section(study).at(20)
