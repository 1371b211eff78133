"""``pcode thoughts``: language models find the thoughts of traces and judge them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..formatting import counted
from . import model_options, options
from .console import backend_options, exit_status, notice, progress_bar, put_json, say, say_renamed

if TYPE_CHECKING:
    from ..tokens.thought_run import ThoughtRun


@click.command("thoughts", cls=options.Command)
@click.argument("traces", type=options.PATH)
@options.out("Folder to write, or to resume.", options.JOB)
@options.option(
    "--segmenter",
    "Model that decides which switch cues are genuine [default: none; thought@1 cuts].",
    metavar="BACKEND:NAME",
)
@options.option(
    "--judge judges",
    "Model that judges each thought; give two. Without judges thoughts are only cut.",
    multiple=True,
    metavar="BACKEND:NAME",
)
@options.flag("--all every", "Judge the thoughts of right responses, too.")
@options.option("--max-output-tokens", "Limit for one reply.", options.FROM_1)
@model_options.requests(temperature=0.0, timeout=300, retries=6, backoff=0.5)
@options.seed("the answers")
@options.dry_run("asked")
@options.as_json("the manifest (or the plan)")
def command(traces: Path, out: Path, dry_run: bool, as_json: bool, **given: Any) -> int:
    """Cut the reasoning of TRACES into thoughts, and have two models judge those of wrong responses.

    Writes OUT/thoughts.jsonl for `pcode tokens TRACES --thoughts OUT/thoughts.jsonl`. The same command resumes a run
    that was interrupted.
    """
    from ..tokens.asked_thoughts import execute, plan
    from ..tokens.thought_run import prepare

    given["backend"] = backend_options(given["backend"])
    given |= {f"{name}s": given.pop(name) for name in ("base_url", "api_key_env")}
    job = prepare(traces, out, **given)
    if dry_run:
        _print_plan(plan(job), as_json)
        return 0
    with progress_bar("thoughts") as progress:
        run = execute(job, progress=progress)
    for usage in run.usage.values():
        say_renamed(usage or {}, "thoughts")
    if not put_json(run.model_dump(mode="json"), as_json) and run.status == "complete":
        _print_run(run, traces, out)
    return exit_status(run.status, run.stopped_why, bool(run.missing))


def _print_run(run: ThoughtRun, traces: Path, out: Path) -> None:
    from ..tokens.segmenter import NO_CUES

    counts = run.counts
    traces_cut, thoughts = counted(counts["traces"], "trace"), counted(counts["thoughts"], "thought")
    say(f"{traces_cut}, {thoughts} by {run.segmenter.model}")
    if "genuine" in counts:
        say(f"{counts['genuine']:,} of {counts['cues_asked']:,} switch cues are genuine")
    if run.judges:
        agree = counts["judges_agree"]
        judges = " and ".join(judge.model for judge in run.judges)
        say(f"{counted(counts['judged'], 'thought')} judged by {judges}: {counts['correct']:,} correct")
        say(
            f"sure of a thought (2 of 2): both {agree['both_sure']:,}, first only {agree['first_only']:,}, "
            f"second only {agree['second_only']:,}, neither {agree['neither_sure']:,}"
        )
        for why, count in counts["traces_not_judged"].items():
            say(f"not judged: {counted(count, 'trace')} ({why})")
    for why, count in counts["missing"].items():
        again = "" if NO_CUES in why else "; ask again with --retry-missing"
        notice(f"missing: {count:,} ({why}){again}")
    say(f"next: pcode tokens {traces} --thoughts {out / 'thoughts.jsonl'}")


def _print_plan(plan: dict[str, Any], as_json: bool) -> None:
    if put_json(plan, as_json):
        return
    say(f"traces  {plan['traces']:,}")
    for part, asked in [("segmenter", plan["segmenter"]), *(("judge", judge) for judge in plan["judges"])]:
        numbers = [f"{name.replace('_', ' ')} {n:,}" for name, n in asked.items() if isinstance(n, int)]
        say(f"{part}  {': '.join(filter(None, (asked['model'], ', '.join(numbers))))}")
    say(plan["estimate"])
    say("nothing was sent or written")
