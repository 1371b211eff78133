"""How often each code occurs, by whatever you name: shares of units or of tokens, with intervals that know of traces.

    pcode analysis run code_frequency runs/humans runs/cues --by condition --basis tokens -o frequency.csv

Copy it (``pcode analysis copy code_frequency``) and change it: it is a study, not a part of the program.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from pedagogy_r1.report import ReportTable, columns
from pedagogy_r1.stats import frequency, table_or_tally


def study(runs: Sequence[Path], by: Sequence[str], basis: str, which: str) -> ReportTable:
    """One row for each coder, group and code."""
    shares = frequency(table_or_tally(runs), by, basis=basis, which=which)
    rows = tuple({name: str(value) for name, value in s.group} | s.as_row() for s in shares)
    return ReportTable(
        "code_frequency",
        f"Share of {basis} with each code ({which}).",
        columns(
            ("coder", "coder", "text"),
            *((name, name, "text") for name in by),
            ("code", "code", "code"),
            ("share", "value", "share"),
            ("95 %", ("low", "high"), "share"),
            ("count", "count", "count"),
            ("of", "total", "count"),
            ("design effect", "design_effect", "number"),
            ("warning", "warning", "text"),
        ),
        rows,
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line, print the table, write it if asked."""
    parser = argparse.ArgumentParser(prog="code_frequency", description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("runs", nargs="+", type=Path)
    parser.add_argument(
        "--by", action="append", default=[], choices=["domain", "condition", "model", "correct"]
    )
    parser.add_argument("--basis", choices=["units", "tokens"], default="units")
    parser.add_argument("--which", choices=["primary", "any"], default="primary")
    parser.add_argument("-o", "--out", type=Path, help="CSV file")
    options = parser.parse_args(arguments)
    table = study(options.runs, options.by, options.basis, options.which)
    print(table.text())
    if options.out:
        options.out.write_text(table.csv(), encoding="utf-8")


if __name__ == "__main__":
    main()
