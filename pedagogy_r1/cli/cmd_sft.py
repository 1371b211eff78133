"""``pcode sft``: train a student on traces."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from . import options
from .console import progress_bar, put_json, say


def _print_fsdp(ctx: click.Context, _: click.Parameter, asked: bool) -> None:
    if asked:
        from ..shipped import folder

        say(folder("recipes") / "accelerate" / "fsdp.yaml")
        ctx.exit()


@click.command("sft", cls=options.Command)
@click.argument("traces", type=options.PATH)
@options.out("Folder to write, or to resume.", options.JOB)
@options.option("--model", "Student: a folder in Hugging Face format, or a name on the hub.", required=True)
@options.choice(
    "--method",
    "What is trained: an adapter, an adapter on a 4-bit base (CUDA), or all weights.",
    ["lora", "qlora", "full"],
)
@options.option("--domain domains", "Only traces of this domain; may be repeated.", multiple=True)
@options.flag("--merge", "Also write adapter and base as one model, to OUT/merged.")
@options.option("--epochs", "[default: 3]", options.POSITIVE)
@options.option("--steps", "Stop after so many optimizer steps.", options.FROM_1)
@options.option("--learning-rate", "[default: 2e-4 for adapters, 1e-5 for full]", options.POSITIVE)
@options.option("--scheduler", "[default: cosine]", ["cosine", "linear", "constant"])
@options.option("--warmup", "Share of the steps. [default: 0.05]", options.Share(0, 1, max_open=True))
@options.option("--weight-decay", "[default: 0]", options.NOT_NEGATIVE)
@options.option("--batch-size", "Sequences (packs) a device. [default: 1]", options.FEW_1)
@options.option("--accumulate", "Batches a step. [default: 16]", options.FROM_1)
@options.option(
    "--max-length", "Tokens; longer traces are left out. [default: the model's, at most 4096]", options.FROM_1
)
@options.option("--packing/--no-packing", "Several traces in one sequence, kept apart. [default: packing]")
@options.option("--lora-rank", "[default: 16]", options.FEW_1)
@options.option("--lora-alpha", "[default: 32]", options.FEW_1)
@options.option("--lora-dropout", "[default: 0.05]", options.Share(0, 1, max_open=True))
@options.option("--held-out", "Share of the groups to measure on. [default: 0.05]", options.Number(0, 0.5))
@options.option("--patience", "Stop after so many measurements without a lower loss.", options.FROM_1)
@options.option("--save-every", "Steps between checkpoints. [default: an epoch]", options.FROM_1)
@options.option("--device", "auto: a GPU if there is one.", ["auto", "cpu", "cuda"])
@options.option("--dtype", "Of the weights as loaded.", ["auto", "float32", "bfloat16"])
@options.option("--attention", "Attention code of transformers, e.g. sdpa, flash_attention_2.")
@options.option("--gradient-checkpointing/--no-gradient-checkpointing", "[default: on a GPU]")
@options.flag("--keep-checkpoints", "Do not delete them when training is done.")
@options.seed("the order of the data and the adapter's weights")
@options.flag(
    "--fsdp-config",
    "Print where the shipped configuration for several GPUs is.",
    is_eager=True,
    expose_value=False,
    callback=_print_fsdp,
)
@options.as_json("what came out")
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
    found = {"folder": str(done.folder), "model": str(done.model), "method": done.method, "steps": done.steps}
    found |= {"loss": done.last_loss, "held_out_loss": done.held_out_loss, "data": done.data}
    if put_json(found, as_json):
        return
    left = ", ".join(f"{count} {reason}" for reason, count in done.data["left_out"].items()) or "none"
    say(
        f"{done.data['traces']} traces: {done.data['used']} trained on, {done.data['held_out']} held out; left out: {left}"
    )
    held = "" if done.held_out_loss is None else f", held out {done.held_out_loss:.4f} at best"
    say(f"{done.steps} steps, loss {_loss(done.first_loss)} → {_loss(done.last_loss)}{held}")
    say(f"written to {done.model}")


def _loss(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.4f}"
