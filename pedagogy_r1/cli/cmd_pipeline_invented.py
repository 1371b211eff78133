"""``pcode pipeline teach`` and ``tiny``: an invented teacher and a tiny model, for trying out the pipeline.

Not in `cmd_pipeline`: they are stages of recipes, and a stage is made again when the code behind its command changes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from . import options
from .console import say

MODEL = options.folder_of("*.json", "*.safetensors", "*.txt", "*.jinja")


@click.command("teach", cls=options.Command)
@click.argument("items", type=options.PATH)
@options.out("Traces file to write.", options.FILE)
@options.choice("--split", "Which items are taught.", ["train", "test", "all"])
@options.option("--wrong", "Share of answers made wrong.", options.SHARE, default=0.0)
@options.option("--condition", "Prompt condition the questions are put under.", default="cop")
@options.seed("which answers are made wrong")
def teach(items: Path, out: Path, **given: Any) -> None:
    """Write worked traces for ITEMS from their own answers: an invented teacher, for trying out the pipeline.

    No model thought them: every trace says so (model "invented-teacher"). They are for teaching a tiny model the form of an
    answer, and for measuring that training works.
    """
    from ..train.invented_teacher import teach as write

    made = write(items, out, **given)
    say(f"{made:,} invented traces written to {out}")


@click.command("tiny", cls=options.Command)
@options.out("Folder of the model to write.", MODEL)
@options.option("--layers", "Layers.", options.FEW_1, default=2)
@options.option("--width", "Size of a token's vector.", click.IntRange(2, options.FEW_1.max), default=64)
@options.option("--texts", "Traces file for the tokenizer to learn from.", options.PATH)
@options.option("--vocab", "Most tokens.", click.IntRange(261, 10**6), default=2000)
@options.option("--positions", "Longest sequence.", click.IntRange(16, 10**6), default=2048)
@options.seed("the weights")
def tiny(out: Path, texts: Path | None, **given: Any) -> None:
    """Build a tiny Qwen2 model with random weights and a tokenizer: for laptops and tests; it knows nothing."""
    from ..intake import read_traces
    from ..train.tiny_model import build_tiny, parameters

    said = (
        [part for t in read_traces(texts) for part in (t.question, t.reasoning, t.answer)] if texts else None
    )
    build_tiny(out, texts=said, **given)
    say(f"{parameters(out):,} random weights, written to {out}")
