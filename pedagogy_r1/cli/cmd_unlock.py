"""``pcode unlock``: a look at the locked part, counted."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..formatting import counted
from . import options
from .console import notice, put_json, say

if TYPE_CHECKING:
    from ..sampling.locked import Unlocked


@click.command("unlock", cls=options.Command)
@click.argument("traces", type=options.PATH)
@click.argument("runs", nargs=-1, type=options.PATH)
@options.option("--why", "Why it is looked at, for the record.", required=True)
@options.option("--who", "Who looks [default: the user's name here].")
@options.flag("--end", "End the lock: its traces may be used for anything from now on.")
@options.dry_run("counted")
@options.as_json("the look")
def command(
    traces: Path, runs: tuple[Path, ...], why: str, who: str | None, end: bool, dry_run: bool, as_json: bool
) -> None:
    """Open the locked part of TRACES for RUNS, once, and count the look: who, when, why, and of which coders and codebooks.

    \b
    pcode unlock traces.jsonl runs/humans runs/llm --why "final test"
    # as runs/llm was made
    pcode annotate traces.jsonl -o runs/llm-locked --locked --model openai:NAME
    pcode report runs/humans runs/llm runs/llm-locked -o report

    From then on agreement and report read the locked traces of these runs, and tell α there from α on the rest. A coder,
    codebook or coding that is changed afterwards is not opened: that is a second look, and every output says that there were two.
    What develops a coder or codebook never reads locked traces, until the lock ends (--end).
    """
    from ..sampling.locked import unlock

    found = unlock(traces, runs, why=why, who=who or getpass.getuser(), end=end, dry_run=dry_run)
    look = None if found.look is None else found.look.model_dump(mode="json")
    if not put_json(
        {"lock": str(found.lock.path), "counted": bool(look) and not dry_run, "look": look}, as_json
    ):
        _print(found, traces, dry_run)


def _print(found: Unlocked, traces: Path, dry_run: bool) -> None:
    lock, look = found.lock, found.look
    if look is None:
        say(f"{lock.path}: {lock.looked()}; these runs were among what was looked at: no look is counted")
        return
    would = "would be counted" if dry_run else "is counted"
    say(f"{lock.path}: look {look.look} {would}: {look.who}, {look.when[:10]}: {look.why}")
    if look.end:
        say(
            f"the lock {'would end' if dry_run else 'has ended'}: {counted(look.locked, 'trace')} may be used for anything"
        )
        return
    for run in look.runs:
        say(f"  {', '.join(run.coders)} under {run.codebook} ({run.run})")
    if earlier := [one.when[:10] for one in lock.counted if one.look < look.look]:
        notice(
            f"it was looked at before, on {', '.join(earlier)}: this look is no longer independent of what was changed "
            "after the first, and every report says so"
        )
    if not dry_run:
        say(
            f"next: pcode annotate {traces} -o RUN --locked, as each machine coder was run; then pcode report"
        )
