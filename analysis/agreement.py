"""Does the machine agree with people as they agree with each other? The paper's open question, on your runs.

    pcode analysis run agreement runs/humans runs/cues -o agreement.csv

α of all coders, the paired difference between human–human and human–machine agreement, and, with three people or more,
the alternative-annotator test of whether the machine may replace one of them.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from pedagogy_r1.report import (
    ReportSettings,
    Section,
    agreement_section,
    disagreements,
    measure_agreement,
    open_study,
)


def study(runs: Sequence[Path], settings: ReportSettings) -> tuple[Section, list[str]]:
    """The section of the report, and some disagreements quoted."""
    opened = open_study(runs, settings)
    section = agreement_section(opened, measure_agreement(opened))
    quotes, _ = disagreements(opened, 5)
    said = [
        f"“{' '.join(q.text.split())}”  " + ", ".join(f"{who}: {what}" for who, what in q.said)
        for q in quotes
    ]
    return section, said


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line, print what was found, write the table if asked."""
    parser = argparse.ArgumentParser(prog="agreement", description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("runs", nargs="+", type=Path)
    parser.add_argument("--replicates", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("-o", "--out", type=Path, help="CSV file of the α of every group of coders")
    options = parser.parse_args(arguments)
    section, said = study(options.runs, ReportSettings(replicates=options.replicates, seed=options.seed))
    if section.absent:
        print(section.absent)
        return
    print(f"{section.tables[0].caption}\n{section.tables[0].text()}\n")
    print("\n".join([*section.lead[1:], *(f"note: {caution}" for caution in section.cautions)]))
    print("\n".join(["", "Disagreements, rare confusions first:", *said]))
    if options.out:
        options.out.write_text(section.tables[0].csv(), encoding="utf-8")


if __name__ == "__main__":
    main()
