"""``pcode pipeline tiny``: a model for laptops and tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

PATH = click.Path(path_type=Path)


@click.command("tiny")
@click.option("-o", "--out", type=PATH, required=True, help="Folder of the model to write.")
@click.option("--layers", type=click.IntRange(1), default=2, show_default=True, help="Layers.")
@click.option(
    "--width", type=click.IntRange(2), default=64, show_default=True, help="Size of a token's vector."
)
@click.option("--texts", type=PATH, default=None, help="Traces file for the tokenizer to learn from.")
@click.option("--vocab", type=click.IntRange(261), default=2000, show_default=True, help="Most tokens.")
@click.option(
    "--positions", type=click.IntRange(16), default=2048, show_default=True, help="Longest sequence."
)
@click.option("--seed", type=int, default=0, show_default=True)
def tiny(out: Path, texts: Path | None, **given: Any) -> None:
    """Build a tiny Qwen2 model with random weights and a tokenizer: for laptops and tests; it knows nothing."""
    from ..intake import read_traces
    from ..train.tiny_model import build_tiny, parameters

    said = (
        [part for t in read_traces(texts) for part in (t.question, t.reasoning, t.answer)] if texts else None
    )
    build_tiny(out, texts=said, **given)
    click.echo(f"{parameters(out):,} random weights, written to {out}")
