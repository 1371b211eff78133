"""``pcode codebook stress``: whether a coder reads the codebook."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..formatting import counted, interval
from . import model_options, options
from .cmd_annotate import ASKED, chosen_coder
from .console import escape, exit_status, notice, print_plan, progress_bar, put, put_json, said_of, say, table

if TYPE_CHECKING:
    from ..coding.stress_report import StressReport

FOLDER = options.folder_of("stress.json", "stress.md", "books/*.yaml", "instruction.jsonl")
COLOURS = {"passes": "green", "fails": "red", "no verdict": "dim", "not tested": "yellow"}


@click.command("stress", cls=options.Command)
@click.argument("codebook")
@click.argument("traces", type=options.PATH)
@options.out("Folder for the result and a run of each test; the same command takes it up.", FOLDER)
@options.coder("cues, llm (implied by --model), learned:FOLDER, or a plugin.")
@options.option("--model", "Language model, as BACKEND:NAME, e.g. openai:gpt-4.1.")
@options.scheme()
@options.lang()
@options.units("Code exactly the units of this run.")
@ASKED
@options.seed("the shuffled order, the model and the resamples")
@options.resampling(seed_of=None)
@options.dry_run("done and paid")
@options.as_json("stress.json")
def stress(
    codebook: str, traces: Path, out: Path, coder: str | None, dry_run: bool, as_json: bool, **given: Any
) -> int:
    """Test whether a coder reads CODEBOOK, on TRACES: code them as it is, and again with the codebook changed.

    \b
    pcode codebook stress schoen some.jsonl --model openai:NAME -o stress

    Order and labels should change nothing; codes should follow definitions that are swapped and an exclusion that is added;
    an instruction within a trace should not be obeyed, and definitions should be found again. Some tens of traces do: a model is asked for everything up to eight
    times (--dry-run says how much that is). Exit status 1 if a test is failed.
    """
    from ..coding.codebook_stress import CodebookStress
    from ..coding.stress_report import StressReport, write_stress
    from ..estimate import Resampling

    if not coder and not given["model"]:
        raise click.UsageError("say which coder is to be tested: --model BACKEND:NAME or --coder NAME")
    how = Resampling(seed=given["seed"], **options.taken(given, "replicates", "level"))
    given = model_options.requested(given, given["model"])
    job = CodebookStress(codebook, traces, out, chosen_coder(coder, given), how)
    if dry_run:
        print_plan(job.plan(), as_json)
        return 0
    with progress_bar("stress") as progress:
        found = job.run(progress, notice)
    if not isinstance(found, StressReport):
        return exit_status(found.status, found.why, 0)
    write_stress(found, out)
    if not put_json(found.as_json(), as_json):
        _print(found, out)
    return 1 if found.failed else 0


def _print(report: StressReport, out: Path) -> None:
    rows = []
    for one in report.results:
        low, high = (one.share.interval if one.share else None) or (None, None)
        verdict = f"[{COLOURS[one.verdict]}]{one.verdict}[/]"
        units = f"{one.share.n:,}" if one.share else ""
        rows.append((one.name, verdict, interval(low, high, "percent"), units, escape(one.says())))
    put(table("test", "", "interval", "units", "result", rows=rows, left=("test", "", "result")))
    for one in report.results:
        if one.share and one.missing:
            notice(
                f"{one.name}: {counted(one.missing, 'answer' if one.name == 'recall' else 'coding')} left out, as there is none in one of the runs"
            )
    for line in said_of((w, one.name) for one in report.results if one.share for w in one.share.warnings):
        put(f"[dim]{escape(line)}[/]")
    say(
        f"{report.sentence()}: {counted(report.units, 'unit')} of {counted(report.traces, 'trace')} under {report.codebook}"
    )
    say(f"written to {out / 'stress.md'}", err=True)
