"""``pcode corpus``: texts about teaching, coded by several hands, that come with the package."""

from __future__ import annotations

from pathlib import Path

import click

from ..formatting import counted
from . import options
from .completes import completes
from .console import escape, put, put_json, say, table


def _names() -> list[str]:
    from ..human.corpus import corpora

    return [one.id for one in corpora()]


@click.group("corpus", cls=options.Group)
def command() -> None:
    """Coded traces that come with the package: to learn on, to test on, to train with."""


@command.command("list")
@options.as_json()
def list_(as_json: bool) -> None:
    """The corpora there are, and who coded them."""
    from ..human.corpus import corpora

    found = corpora()
    if put_json([one.model_dump(mode="json") for one in found], as_json):
        return
    rows = [
        (
            f"[bold]{escape(one.id)}[/] {one.version}",
            f"{one.items}",
            f"{one.traces}",
            f"{one.units}",
            f"{len(one.coders)} {one.kind}",
            escape(one.codebook),
            one.licence,
            escape(one.title),
        )
        for one in found
    ]
    heads = ("corpus", "items", "traces", "units", "coders", "codebook", "licence", "title")
    put(table(*heads, rows=rows, left=heads))


@command.command("copy")
@click.argument("name", **completes(_names))
@options.out("Folder for the copy.", options.JOB)
@options.option("--part", "Of the items of this part alone. [default: all]", ["train", "dev", "test"])
@options.as_json("the record of the copy")
def copy(name: str, out: Path, part: str | None, as_json: bool) -> None:
    """Copy the corpus NAME, and make its packet and runs anew from what its coders returned.

    \b
    pcode corpus copy teaching -o corpus
    pcode agreement corpus/coders

    OUT/coders is the run of the coders, OUT/adjudicated that of what was decided where they differ, with reasons in its
    log.md. README.md says who wrote and who coded what.
    """
    from ..human.corpus import copy_corpus
    from ..runs.run import CoderRun

    record = copy_corpus(name, out, part)
    if put_json(record.model_dump(mode="json"), as_json):
        return
    run = CoderRun(out / "coders")
    counts = run.manifest.counts
    coders = ", ".join(coder.name for coder in run.manifest.coders)
    say(
        f"{record.corpus} ({record.part}): {counted(counts['units'], 'unit')} of {counted(counts['traces'], 'trace')}, "
        f"coded by {coders}"
    )
    say(f"next: pcode agreement {out / 'coders'}; what was decided: {out / 'adjudicated' / 'log.md'}")
