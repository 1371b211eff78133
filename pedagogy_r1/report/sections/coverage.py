"""Who coded what, and what is missing and why.

coder  kind     traces  units  coded  missing  why
A      human    6       122    121    1        1 empty cell
cues   machine  14      261    261    0
"""

from __future__ import annotations

from ...agreement import MISSING
from ..section import Section, counted, listed
from ..study import Study
from ..table import ReportTable, Row, columns


def coverage_section(study: Study) -> Section:
    """One row for each coder."""
    data = study.data
    rows: list[Row] = []
    for number, coder in enumerate(data.coders):
        own = data.primary[number]
        asked = study.table[study.table["coder"] == coder.name]
        reasons = dict(sorted(data.missing[number].items()))
        coded = int((own != MISSING).sum())
        rows.append(
            {
                "coder": coder.name,
                "kind": coder.kind,
                "traces": int(asked["trace_id"].nunique()),
                "units": len(asked),
                "coded": coded,
                "missing": len(asked) - coded,
                "why": "; ".join(f"{n} {why}" for why, n in reasons.items()),
                "of_all": coded / len(data.unit_ids),
            }
        )
    table = ReportTable(
        "coverage",
        "Who coded how much. Missing: units that the coder was given and left open, which is never the same as “no code applies”.",
        columns(
            ("coder", "coder", "text"),
            ("kind", "kind", "text"),
            ("traces", "traces", "count"),
            ("units given", "units", "count"),
            ("coded", "coded", "count"),
            ("missing", "missing", "count"),
            ("of all units", "of_all", "share"),
            ("why missing", "why", "text"),
        ),
        tuple(rows),
    )
    lost = sum(row["missing"] for row in rows)
    lead = (
        f"{counted(len(data.traces), 'trace')} in {counted(len(data.unit_ids), 'unit')}, coded by "
        f"{listed([coder.name for coder in data.coders])}. "
        + (f"{counted(lost, 'coding')} missing; the table says why." if lost else "No coding is missing."),
    )
    return Section("coverage", "Who coded what", lead, (table,), cautions=study.partial)
