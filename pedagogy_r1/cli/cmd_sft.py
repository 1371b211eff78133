"""``pcode sft``: train a student on traces."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from .console import print_json, progress_bar
from .options import PATH, json_option, out_option, seed_option


def _print_fsdp(ctx: click.Context, _: click.Parameter, asked: bool) -> None:
    if asked:
        from ..shipped import folder

        click.echo(folder("recipes") / "accelerate" / "fsdp.yaml")
        ctx.exit()


_POSITIVE = click.FloatRange(0, min_open=True)


@click.command("sft")
@click.argument("traces", type=PATH)
@out_option("Folder to write, or to resume.")
@click.option(
    "--model", required=True, help="Student: a folder in Hugging Face format, or a name on the hub."
)
@click.option(
    "--method",
    type=click.Choice(["lora", "qlora", "full"]),
    default="lora",
    show_default=True,
    help="What is trained: an adapter, an adapter on a 4-bit base (CUDA), or all weights.",
)
@click.option("--domain", "domains", multiple=True, help="Only traces of this domain; may be repeated.")
@click.option("--merge", is_flag=True, help="Also write adapter and base as one model, to OUT/merged.")
@click.option("--epochs", type=_POSITIVE, default=None, help="[default: 3]")
@click.option("--steps", type=click.IntRange(1), default=None, help="Stop after so many optimizer steps.")
@click.option(
    "--learning-rate", type=_POSITIVE, default=None, help="[default: 2e-4 for adapters, 1e-5 for full]"
)
@click.option(
    "--scheduler", type=click.Choice(["cosine", "linear", "constant"]), default=None, help="[default: cosine]"
)
@click.option(
    "--warmup",
    type=click.FloatRange(0, 1, max_open=True),
    default=None,
    help="Share of the steps. [default: 0.05]",
)
@click.option("--weight-decay", type=click.FloatRange(0), default=None, help="[default: 0]")
@click.option(
    "--batch-size", type=click.IntRange(1), default=None, help="Sequences (packs) a device. [default: 1]"
)
@click.option("--accumulate", type=click.IntRange(1), default=None, help="Batches a step. [default: 16]")
@click.option(
    "--max-length",
    type=click.IntRange(1),
    default=None,
    help="Tokens; longer traces are left out. [default: the model's, at most 4096]",
)
@click.option(
    "--packing/--no-packing",
    default=None,
    help="Several traces in one sequence, kept apart. [default: packing]",
)
@click.option("--lora-rank", type=click.IntRange(1), default=None, help="[default: 16]")
@click.option("--lora-alpha", type=click.IntRange(1), default=None, help="[default: 32]")
@click.option(
    "--lora-dropout", type=click.FloatRange(0, 1, max_open=True), default=None, help="[default: 0.05]"
)
@click.option(
    "--held-out",
    type=click.FloatRange(0, 0.5),
    default=None,
    help="Share of the groups to measure on. [default: 0.05]",
)
@click.option(
    "--patience",
    type=click.IntRange(1),
    default=None,
    help="Stop after so many measurements without a lower loss.",
)
@click.option(
    "--save-every",
    type=click.IntRange(1),
    default=None,
    help="Steps between checkpoints. [default: an epoch]",
)
@click.option(
    "--device", type=click.Choice(["auto", "cpu", "cuda"]), default=None, help="auto: a GPU if there is one."
)
@click.option(
    "--dtype",
    type=click.Choice(["auto", "float32", "bfloat16"]),
    default=None,
    help="Of the weights as loaded.",
)
@click.option(
    "--attention", default=None, help="Attention code of transformers, e.g. sdpa, flash_attention_2."
)
@click.option(
    "--gradient-checkpointing/--no-gradient-checkpointing", default=None, help="[default: on a GPU]"
)
@click.option("--keep-checkpoints", is_flag=True, help="Do not delete them when training is done.")
@seed_option("the order of the data and the adapter's weights")
@click.option(
    "--fsdp-config",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_fsdp,
    help="Print where the shipped configuration for several GPUs is.",
)
@json_option("what came out")
def command(traces: Path, out: Path, as_json: bool, **given: Any) -> None:
    """Train a student on TRACES: question in, reasoning and answer out.

    The same command resumes a run that was interrupted. On several GPUs:
    accelerate launch --config_file "$(pcode sft --fsdp-config)" -m pedagogy_r1 sft TRACES -o OUT --model MODEL
    """
    from ..train.sft import train

    with progress_bar("sft") as progress:
        done = train(traces, out, progress=progress, **given)
    if os.environ.get("RANK", "0") != "0":
        return
    if as_json:
        shown = {
            "folder": str(done.folder),
            "model": str(done.model),
            "method": done.method,
            "steps": done.steps,
        }
        shown |= {"loss": done.last_loss, "held_out_loss": done.held_out_loss, "data": done.data}
        print_json(shown)
        return
    left = ", ".join(f"{count} {reason}" for reason, count in done.data["left_out"].items()) or "none"
    click.echo(
        f"{done.data['traces']} traces: {done.data['used']} trained on, {done.data['held_out']} held out; left out: {left}"
    )
    held = "" if done.held_out_loss is None else f", held out {done.held_out_loss:.4f} at best"
    click.echo(f"{done.steps} steps, loss {_loss(done.first_loss)} → {_loss(done.last_loss)}{held}")
    click.echo(f"written to {done.model}")


def _loss(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.4f}"
