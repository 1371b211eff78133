"""Does Chain-of-Pedagogy bring out self-questioning and meta-evaluation? The paper's claim, tested on your runs.

    pcode analysis run cop_contrast runs/cues --family IA-SQ,OA-ME --seed 0

The paper saw neither code in 42 traces without CoP. Here the two are the confirmatory family, named before looking;
every other code is explored. Given people's codings too, odds ratios corrected for the machine's errors follow.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from pedagogy_r1.report import (
    ColumnContrast,
    ReportSettings,
    Section,
    contrast_section,
    correction_section,
    measure_contrasts,
    measure_corrections,
    open_study,
)


def study(runs: Sequence[Path], settings: ReportSettings) -> tuple[Section, Section]:
    """The contrast as coded, and corrected."""
    opened = open_study(runs, settings)
    found = measure_contrasts(opened)
    return contrast_section(opened, found), correction_section(opened, measure_corrections(opened))


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line, print both."""
    parser = argparse.ArgumentParser(prog="cop_contrast", description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("runs", nargs="+", type=Path)
    parser.add_argument("--conditions", nargs=2, default=["cop", "generic"], metavar=("A", "B"))
    parser.add_argument("--family", default="IA-SQ,OA-ME", help="confirmatory codes, separated by commas")
    parser.add_argument("--coder", help="whose codings; default: who coded most")
    parser.add_argument("--permutations", type=int, default=9999)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    settings = ReportSettings(
        coder=options.coder,
        contrasts=(ColumnContrast("condition", *options.conditions),),
        family=tuple(options.family.split(",")),
        permutations=options.permutations,
        seed=options.seed,
    )
    contrast, corrected = study(options.runs, settings)
    for section in (contrast, corrected):
        print(f"\n{section.title}\n")
        if section.absent:
            print(section.absent)
        for table in section.tables:
            print(f"{table.caption}\n{table.text()}\n{table.note}\n")
        for caution in section.cautions:
            print(f"note: {caution}")


if __name__ == "__main__":
    main()
