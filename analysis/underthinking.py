"""Do wrong answers drop a right thought? Underthinking (ξ_UT, Wang et al. 2025), and what wrong answers cost in tokens.

    pcode analysis run underthinking runs/cues --by model

Needs to know which answers are wrong: the field ``correct``, or a reference answer to tell by. Codings are not used;
ξ_UT is not noise, and the two are never added or compared.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from pedagogy_r1 import CoderRun, require_complete
from pedagogy_r1.report import ReportTable, columns
from pedagogy_r1.tokens import Resampling, SpacyTokenizer, TokenReport, measure_traces, token_report


def study(runs: Sequence[Path], by: str | None, how: Resampling) -> TokenReport:
    """Every trace of the runs once, measured."""
    found = [CoderRun(run) for run in runs]
    require_complete(found, None)
    traces = {trace.id: trace for run in found for trace in run.traces()}
    measured = list(measure_traces(traces.values()))
    return token_report(measured, tokenizer=SpacyTokenizer().name, by=by, how=how)


def table_of(report: TokenReport) -> ReportTable:
    """One row for each group and quantity."""
    rows = []
    for group in report.groups:
        for name, estimate in (
            ("ξ_UT, wrong answers only", group.underthinking.score),
            ("ξ_wUT, all answers", group.underthinking_weighted.score),
            ("tokens, wrong / right", group.wrong_to_right.tokens),
            ("switches, wrong / right", group.wrong_to_right.switches),
        ):
            low, high = estimate.interval or (None, None)
            rows.append({"group": group.name or "all", "quantity": name, "value": estimate.value, "low": low, "high": high}
                        | {"n": estimate.n, "note": estimate.why_undefined or "; ".join(estimate.warnings)})  # fmt: skip
    shown = columns(
        ("group", "group", "text"), ("quantity", "quantity", "text"), ("estimate", "value", "coefficient"),
        ("95 %", ("low", "high"), "coefficient"), ("n", "n", "count"), ("note", "note", "text"),
    )  # fmt: skip
    return ReportTable(
        "underthinking", f"Segmenter {report.segmenter}; judge {report.judge}.", shown, tuple(rows)
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line, print the table, write it if asked."""
    parser = argparse.ArgumentParser(prog="underthinking", description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("runs", nargs="+", type=Path)
    parser.add_argument("--by", choices=["domain", "model", "condition", "correct"])
    parser.add_argument("--replicates", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("-o", "--out", type=Path, help="CSV file")
    options = parser.parse_args(arguments)
    table = table_of(study(options.runs, options.by, Resampling(options.replicates, options.seed)))
    print(f"{table.caption}\n{table.text()}")
    if options.out:
        options.out.write_text(table.csv(), encoding="utf-8")


if __name__ == "__main__":
    main()
