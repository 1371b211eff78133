"""``pcode pipeline teach``: the invented teacher."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

PATH = click.Path(path_type=Path)


@click.command("teach")
@click.argument("items", type=PATH)
@click.option("-o", "--out", type=PATH, required=True, help="Traces file to write.")
@click.option(
    "--split",
    type=click.Choice(["train", "test", "all"]),
    default="train",
    show_default=True,
    help="Which items.",
)
@click.option(
    "--wrong",
    type=click.FloatRange(0, 1),
    default=0.0,
    show_default=True,
    help="Share of answers made wrong.",
)
@click.option(
    "--condition", default="cop", show_default=True, help="Prompt condition the questions are put under."
)
@click.option("--seed", type=int, default=0, show_default=True)
def teach(items: Path, out: Path, **given: Any) -> None:
    """Write worked traces for ITEMS from their own answers: an invented teacher, for trying out the pipeline.

    No model thought them: every trace says so (model "invented-teacher"). They are for teaching a tiny model the form of an
    answer, and for measuring that training works.
    """
    from ..train.invented_teacher import teach as write

    made = write(items, out, **given)
    click.echo(f"{made:,} invented traces written to {out}")
