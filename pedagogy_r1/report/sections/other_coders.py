"""Would another coder have led to another conclusion? A multiverse over the machine coders of the runs.

conclusion              cues         gpt-4.1, w4
IA-SQ: cop / generic    more         more             holds
TR-SP: cop / generic    fewer        no difference    flips: significance
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ...errors import RunError
from ...estimate import joined
from ...stats.multiverse_analysis import Analysis, Multiverse, conclusions, multiverse
from ..section import Gap, ReportTable, Row, Section, columns, listed
from ..study import ColumnContrast, Study
from .contrasts import contrast_of, measure_contrasts

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
    for run in study.runs:
        m = run.manifest
        if coder in {c.name for c in m.coders} | {f"{c.name}@{run.name}" for c in m.coders}:
            plain = {k: v for k, v in m.parameters.items() if isinstance(v, str | int | float | bool)}
            return {"coder": m.coder, "codebook": run.codebook.stamp, **plain}
    return {}


def robustness_section(study: Study, found: Robustness) -> Section:
    """A table of verdicts for each comparison."""
    title = "Would another coder conclude otherwise?"
    if found.why:
        gap = Gap("Robustness over coders", found.why)
        return Section("multiverse", title, absent=found.why, gaps=(*found.gaps, gap))
    lead = []
    for one, universe in found.universes:
        flips = [row.question.split(":")[0] for row in universe.rows if row.flips]
        defined = sum(row.kind != "undefined" for row in universe.rows)
        which = f" ({listed(flips)})" if flips else ""
        lead.append(f"{one.words}: {len(flips)} of {defined} conclusions change with the coder{which}.")
    return Section(
        "multiverse",
        title,
        tuple(lead),
        tuple(_table(study, one, universe) for one, universe in found.universes),
        gaps=found.gaps,
        cautions=joined(
            *(f"{one.words}: {'; '.join(u.warnings)}." for one, u in found.universes if u.warnings)
        ),
    )


def _table(study: Study, one: ColumnContrast, universe: Multiverse) -> ReportTable:
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


def section(study: Study) -> Section:
    """For the page."""
    return robustness_section(study, study.once(measure_robustness)).at(90)
