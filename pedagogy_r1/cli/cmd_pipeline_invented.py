"""``pcode pipeline teach`` and ``tiny``: an invented teacher and a tiny model, for trying out the pipeline."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from .options import PATH, out_option, seed_option


@click.command("teach")
@click.argument("items", type=PATH)
@out_option("Traces file to write.")
@click.option(
    "--split",
    type=click.Choice(["train", "test", "all"]),
    default="train",
    show_default=True,
    help="Which items are taught.",
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
@seed_option("which answers are made wrong")
def teach(items: Path, out: Path, **given: Any) -> None:
    """Write worked traces for ITEMS from their own answers: an invented teacher, for trying out the pipeline.

    No model thought them: every trace says so (model "invented-teacher"). They are for teaching a tiny model the form of an
    answer, and for measuring that training works.
    """
    from ..train.invented_teacher import teach as write

    made = write(items, out, **given)
    click.echo(f"{made:,} invented traces written to {out}")


@click.command("tiny")
@out_option("Folder of the model to write.")
@click.option("--layers", type=click.IntRange(1), default=2, show_default=True, help="Layers.")
@click.option(
    "--width", type=click.IntRange(2), default=64, show_default=True, help="Size of a token's vector."
)
@click.option("--texts", type=PATH, default=None, help="Traces file for the tokenizer to learn from.")
@click.option("--vocab", type=click.IntRange(261), default=2000, show_default=True, help="Most tokens.")
@click.option(
    "--positions", type=click.IntRange(16), default=2048, show_default=True, help="Longest sequence."
)
@seed_option("the weights")
def tiny(out: Path, texts: Path | None, **given: Any) -> None:
    """Build a tiny Qwen2 model with random weights and a tokenizer: for laptops and tests; it knows nothing."""
    from ..intake import read_traces
    from ..train.tiny_model import build_tiny, parameters

    said = (
        [part for t in read_traces(texts) for part in (t.question, t.reasoning, t.answer)] if texts else None
    )
    build_tiny(out, texts=said, **given)
    click.echo(f"{parameters(out):,} random weights, written to {out}")
