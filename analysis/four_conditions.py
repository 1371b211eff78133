"""What a prompt brings out: own questions, judgement of one's own reasoning, criteria and noise under none, generic, cop and cop-audit.

    pcode corpus copy teaching -o corpus
    pcode analysis run four_conditions corpus/adjudicated

The paper's finding is that self-questioning and meta-evaluation are rare, and that Chain-of-Pedagogy does not change that. The shares
of IA-SQ, OA-ME, OA-RB and UT-NF stand beside each other, and three steps are tested: generic against none, cop against generic, cop-audit
against cop. On the corpus that ships with the package its writers and its coders are language models, and its writers had the
instruction before them: what differs is what a model writes when it is told to, which says nothing of what another model thinks.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from pedagogy_r1.report import (
    ColumnContrast,
    ReportSettings,
    ReportTable,
    Section,
    columns,
    contrast_section,
    measure_contrasts,
    open_study,
)
from pedagogy_r1.stats import code_table, frequency

FAMILY = ("IA-SQ", "OA-ME", "OA-RB", "UT-NF")
STEPS = (("generic", "none"), ("cop", "generic"), ("cop-audit", "cop"))


def shares(runs: Sequence[Path], codes: Sequence[str]) -> ReportTable:
    """One row for each condition and code, in units; intervals know of traces."""
    found = frequency(code_table(runs), ["condition"], basis="units", which="primary")
    kept = tuple({name: str(value) for name, value in s.group} | s.as_row() for s in found if s.code in codes)
    return ReportTable(
        "four_conditions",
        "Share of units with each code, by condition.",
        columns(
            ("condition", "condition", "text"),
            ("code", "code", "code"),
            ("share", "value", "share"),
            ("95 %", ("low", "high"), "share"),
            ("count", "count", "count"),
            ("of", "total", "count"),
        ),
        tuple(sorted(kept, key=lambda row: (codes.index(str(row["code"])), _place(str(row["condition"]))))),
    )


def _place(condition: str) -> int:
    order = ("none", "generic", "cop", "cop-audit")
    return order.index(condition) if condition in order else len(order)


def steps(runs: Sequence[Path], settings: ReportSettings) -> Section:
    """The three steps, the four codes as one family."""
    opened = open_study(runs, settings)
    return contrast_section(opened, measure_contrasts(opened))


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line, print shares and steps, write the shares if asked."""
    parser = argparse.ArgumentParser(prog="four_conditions", description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("runs", nargs="+", type=Path)
    parser.add_argument("--family", default=",".join(FAMILY), help="codes, separated by commas")
    parser.add_argument("--coder", help="whose codings; default: who coded most")
    parser.add_argument("--permutations", type=int, default=9999)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("-o", "--out", type=Path, help="CSV file for the shares")
    options = parser.parse_args(arguments)
    family = tuple(options.family.split(","))
    table = shares(options.runs, family)
    print(f"{table.caption}\n{table.text()}")
    settings = ReportSettings(
        coder=options.coder,
        contrasts=tuple(ColumnContrast("condition", a, b) for a, b in STEPS),
        family=family,
        permutations=options.permutations,
        seed=options.seed,
    )
    section = steps(options.runs, settings)
    print(f"\n{section.title}\n")
    if section.absent:
        print(section.absent)
    for one in section.tables:
        print(f"{one.caption}\n{one.text()}\n{one.note}\n")
    for caution in section.cautions:
        print(f"note: {caution}")
    if options.out:
        options.out.write_text(table.csv(), encoding="utf-8")


if __name__ == "__main__":
    main()
