"""How much of the reasoning is noise, strict and non-reflective, beside the paper's 65 %?

    pcode analysis run noise runs/humans runs/cues -o noise.csv

By coder over all, and for the coder who coded most by domain, condition, model and correctness.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from pedagogy_r1.report import ReportSettings, Section, measure_noise, noise_section, open_study

PAPER = 0.65


def study(runs: Sequence[Path], settings: ReportSettings) -> tuple[Section, list[str]]:
    """The table, and for each coder whether the paper's figure lies in the interval of either reading."""
    opened = open_study(runs, settings)
    found = measure_noise(opened)
    verdicts = []
    for group in found.groups:
        for reading, estimate in (
            ("strict", group.share.strict),
            ("non-reflective", group.share.nonreflective),
        ):
            if not group.column and estimate.interval:
                low, high = estimate.interval
                where = "inside" if low <= PAPER <= high else "outside"
                verdicts.append(f"{group.coder}: 65 % lies {where} the interval of the {reading} share")
    return noise_section(opened, found), verdicts


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line, print the table, write it if asked."""
    parser = argparse.ArgumentParser(prog="noise", description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("runs", nargs="+", type=Path)
    parser.add_argument("--coder", help="whose codings by group; default: who coded most")
    parser.add_argument("--replicates", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("-o", "--out", type=Path, help="CSV file")
    options = parser.parse_args(arguments)
    settings = ReportSettings(coder=options.coder, replicates=options.replicates, seed=options.seed)
    section, verdicts = study(options.runs, settings)
    if section.absent:
        print(section.absent)
        return
    table = section.tables[0]
    print(f"{table.caption}\n{table.text()}")
    print("\n".join(verdicts))
    if options.out:
        options.out.write_text(table.csv(), encoding="utf-8")


if __name__ == "__main__":
    main()
