"""What a prompt brings out: own questions, judgement of one's own reasoning, criteria and noise under none, generic, cop and cop-audit.

    pcode corpus copy teaching -o corpus
    pcode analysis run four_conditions corpus/adjudicated

The paper finds no self-questioning and no meta-evaluation without Chain-of-Pedagogy, and both sparsely with it. Their shares stand beside each other here,
and three steps are tested. In the corpus that ships with the package, writers and coders are language models, and the writers had the instruction
before them: it shows what a model writes when it is told to, and nothing of what another model thinks.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from pedagogy_r1.report import (
    ColumnContrast,
    ReportSettings,
    ReportTable,
    columns,
    contrast_section,
    measure_contrasts,
    open_study,
)
from pedagogy_r1.stats import frequency, table_or_tally

FAMILY = ("IA-SQ", "OA-ME", "OA-RB", "UT-NF")
CONDITIONS = ("none", "generic", "cop", "cop-audit")


def shares(runs: Sequence[Path]) -> ReportTable:
    """One row for each code and condition; intervals over traces."""
    found = frequency(table_or_tally(runs), ["condition"], basis="units", which="primary")
    rows = [{name: str(value) for name, value in s.group} | s.as_row() for s in found if s.code in FAMILY]
    return ReportTable(
        "four_conditions",
        "Share of units with each code, by condition.",
        columns(
            ("code", "code", "code"),
            ("condition", "condition", "text"),
            ("share", "value", "share"),
            ("95 %", ("low", "high"), "share"),
            ("count", "count", "count"),
            ("of", "total", "count"),
        ),
        tuple(sorted(rows, key=lambda row: FAMILY.index(str(row["code"])))),
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the shares, and what each condition adds to the one before it."""
    parser = argparse.ArgumentParser(prog="four_conditions", description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("runs", nargs="+", type=Path)
    parser.add_argument("--permutations", type=int, default=9999)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    steps, table = zip(CONDITIONS[1:], CONDITIONS, strict=False), shares(options.runs)
    there = {row["condition"] for row in table.rows}
    print(f"{table.caption}\n{table.text()}")
    contrasts = tuple(ColumnContrast("condition", a, b) for a, b in steps if {a, b} <= there)
    settings = ReportSettings(
        contrasts=contrasts, family=FAMILY, permutations=options.permutations, seed=options.seed
    )
    opened = open_study(options.runs, settings)
    section = contrast_section(opened, measure_contrasts(opened))
    print(f"\n{section.title}\n{section.absent or ''}")
    for one in section.tables:
        print(f"{one.caption}\n{one.text()}\n{one.note}\n")


if __name__ == "__main__":
    main()
