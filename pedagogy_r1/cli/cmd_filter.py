"""``pcode filter``: which traces a student learns from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from . import options
from .console import notice, put_json, say


@click.command("filter", cls=options.Command)
@click.argument("traces", type=options.PATH)
@options.out(
    "Folder for kept.jsonl, dropped.jsonl and the funnel.",
    options.folder_of("kept.jsonl", "dropped.jsonl", "funnel.csv", "funnel.json"),
)
@options.option(
    "--policy policies",
    "May be repeated: each acts on what the one before left. 'A|B' keeps what either keeps.",
    multiple=True,
    default=("correct",),
    metavar="NAME[:KEY=VALUE,…]",
)
@options.option(
    "--codings",
    "Run directory for quiet and rich; may be repeated.",
    options.PATH,
    multiple=True,
    metavar="RUN",
)
@options.option("--items", "Items file with its split, for decontaminate.", options.PATH)
@options.as_json("the funnel")
def command(traces: Path, out: Path, policies: tuple[str, ...], as_json: bool, **given: Any) -> int:
    """Keep the TRACES that every policy keeps, and say what became of the others.

    \b
    correct            the answer is right (the paper's policy)
    shortest-correct   of an item's right traces, the shortest
    rich               wrong ones whose codings hold k of codes:
                       rich:codes=IA-SQ+OA-ME,k=1,times=1
    quiet              noise share below a limit: quiet:below=0.5,reading=strict
    balanced           no domain over a cap: balanced:cap=400,kt=100,seed=0
    decontaminate      no question that resembles a test item:
                       decontaminate:overlap=0.5
    all                everything

    Right, or wrong but rich, and then at most 400 of a domain: --policy 'correct|rich' --policy balanced:cap=400. Exit
    status 1: nothing is left.
    """
    from ..train.filter import filter_traces, funnel_text

    funnel = filter_traces(traces, out, policies, **given)
    if not put_json(funnel.as_json(), as_json):
        say(funnel_text(funnel))
        say(f"{funnel.traces:,} → {funnel.kept:,} traces, written to {out}")
    if not funnel.kept:
        several = "policies in a row must all keep a trace, 'A|B' keeps what either keeps"
        notice("no trace is left" + (f"; {several}" if len(policies) > 1 else ""))
    return 0 if funnel.kept else 1
