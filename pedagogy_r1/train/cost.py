"""What a recipe costs in GPU hours: computed from the models' shapes and the GPUs' data sheets, every assumption a number here.

    decoding     seconds = steps × (weights + batch × (prompt + answer/2) × KV bytes a token) / (bandwidth × BANDWIDTH_SHARE)
                 or, if that is more, steps × batch × 2 × parameters / (FLOP/s × PREFILL_SHARE); steps = tokens / batch
    prefill      seconds = prompt tokens × 2 × parameters / (FLOP/s × PREFILL_SHARE)
    training     seconds = tokens × epochs × f × parameters / (FLOP/s × TRAINING_SHARE)
                 f = 8 all weights, 6 adapter (forward 2, once more for checkpointing 2, backward 4; 2 without weight gradients)

Decoding reads all weights for every step of a batch, and the keys and values of every sequence, on average half grown; a
batch is as large as fits beside the weights. Generation is on the number of GPUs (1, 2, 4 or 8) that needs the fewest GPU
hours, training on the least on which it fits; hours are GPU hours, so divide by the number for the time on the clock.

Questions, kept traces and tokens come from the recipe's ``expects``. Nobody knows tokens an answer before it is asked: they
go into the hours in proportion, so measure them on fifty items and give your own.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ..errors import InputError, did_you_mean
from ..formatting import aligned
from ..plugins import load_all
from ..wbeb.item import PLUGINS as DOMAINS
from .recipe import Recipe, StageRun, expand

BANDWIDTH_SHARE = 0.6
"""Of the data sheet's memory bandwidth, in decoding."""
PREFILL_SHARE = 0.4
"""Of the data sheet's dense bf16 FLOP/s, in prefill."""
TRAINING_SHARE = 0.3
"""The same in training, packed, with checkpointing."""
MEMORY_SHARE = 0.9
"""Of the GPU's memory that weights and cache may take."""
MOST_AT_ONCE = 256
"""Sequences in a batch: vLLM's default."""
BF16 = 2
ADAM = 16
"""Bytes a trained weight: float32 weight, gradient, and Adam's two moments."""
ACTIVATIONS = 8.0
"""GB for activations and logits in training, with checkpointing and one sequence at a time."""


@dataclass(frozen=True)
class Gpu:
    """From its data sheet: dense bf16 FLOP/s, bytes/s of memory, GB."""

    flops: float
    bandwidth: float
    memory: float


GPUS = {
    "H100": Gpu(989e12, 3.35e12, 80),
    "A100-80": Gpu(312e12, 2.04e12, 80),
    "L40S": Gpu(362e12, 0.864e12, 48),
    "RTX-4090": Gpu(165e12, 1.008e12, 24),
}
"""NVIDIA's data sheets: H100 SXM, A100 SXM 80 GB, L40S, GeForce RTX 4090 (bf16 with float32 accumulation)."""


@dataclass(frozen=True)
class Shape:
    """A decoder of the Qwen2 kind, from its ``config.json``."""

    layers: int
    width: int
    inner: int
    heads: int
    kv_heads: int
    vocab: int
    head: int = 128
    tied: bool = False

    @property
    def parameters(self) -> float:
        """All weights, without biases and norms (under 0.1 %)."""
        attention = self.width * self.head * (2 * self.heads + 2 * self.kv_heads)
        words = self.vocab * self.width * (1 if self.tied else 2)
        return float(self.layers * (attention + 3 * self.width * self.inner) + words)

    @property
    def kv_bytes(self) -> float:
        """Keys and values of one token, in bf16."""
        return float(2 * self.layers * self.kv_heads * self.head * BF16)


SHAPES = {
    "qwq-32b": Shape(64, 5120, 27648, 40, 8, 152064),
    "deepseek-r1-distill-qwen-32b": Shape(64, 5120, 27648, 40, 8, 152064),
    "qwen3-32b": Shape(64, 5120, 25600, 64, 8, 151936),
    "deepseek-r1-distill-qwen-7b": Shape(28, 3584, 18944, 28, 4, 152064),
    "deepseek-r1-distill-qwen-1.5b": Shape(28, 1536, 8960, 12, 2, 151936),
}
"""By the model's name, without its owner."""


class StageCost(NamedTuple):
    """One stage on one GPU. ``gpus``: how many at once; ``hours``: GPU hours, all of them together."""

    stage: str
    model: str
    gpu: str
    gpus: int
    tokens: float
    batch: int | None
    hours: float


def generation(
    shape: Shape, gpu: Gpu, answers: float, prompt: float, answer: float
) -> tuple[float, int, int]:
    """(GPU hours, GPUs, batch) to answer so many prompts, of so many tokens each, on the cheapest number of GPUs."""
    weights, sequence = shape.parameters * BF16, (prompt + answer) * shape.kv_bytes
    prefill = 2 * shape.parameters / (gpu.flops * PREFILL_SHARE)  # seconds a token
    found = []
    for gpus in (1, 2, 4, 8):
        fits = (gpus * gpu.memory * 1e9 * MEMORY_SHARE - weights) / sequence
        batch = int(min(MOST_AT_ONCE, fits, answers))
        if batch >= 1:
            cache = batch * (prompt + answer / 2) * shape.kv_bytes
            step = max((weights + cache) / (gpu.bandwidth * BANDWIDTH_SHARE), batch * prefill)
            # GPUs that share a model share its reading too: so many GPU hours, in a fraction of the time.
            seconds = answers * answer / batch * step + answers * prompt * prefill
            found.append((seconds / 3600, gpus, batch))
    return min(found)


def training(shape: Shape, gpu: Gpu, tokens: float, *, full: bool) -> tuple[float, int]:
    """(GPU hours, GPUs) to train on so many tokens, epochs counted."""
    need = shape.parameters * (ADAM if full else BF16) / 1e9
    gpus = 1
    while need / gpus + ACTIVATIONS > gpu.memory * MEMORY_SHARE:
        gpus *= 2
    seconds = tokens * (8 if full else 6) * shape.parameters / (gpu.flops * TRAINING_SHARE)
    return seconds / 3600, gpus


def cost_table(recipe: Recipe, gpus: Sequence[str] = ()) -> list[StageCost]:
    """Every stage that needs a GPU, on each kind. Raises `InputError` where the recipe does not say what is to be expected."""
    for name in gpus:
        if name not in GPUS:
            raise InputError(f"no GPU is named {name!r}", did_you_mean(name, list(GPUS)))
    if not recipe.expects:
        raise InputError(
            f"recipe {recipe.id} does not say what is to be expected",
            "give it expects: {questions, kept, test_items, prompt_tokens, answer_tokens}",
        )
    chosen = [name for name in GPUS if not gpus or name in gpus]
    return [row for task in expand(recipe) for name in chosen for row in _costs(task, recipe, name)]


def cost_text(rows: Sequence[StageCost]) -> str:
    """A table of GPU hours, stage by GPU, and their sums."""
    names = list(dict.fromkeys(row.gpu for row in rows))
    lines = [["stage", "model", "tokens", *names]]
    for stage in dict.fromkeys(row.stage for row in rows):
        own = {row.gpu: row for row in rows if row.stage == stage}
        first = next(iter(own.values()))
        cells = [_hours(row.hours) + (f" ({row.gpus} GPUs)" if row.gpus > 1 else "") for row in own.values()]
        lines.append([stage, first.model, f"{first.tokens / 1e6:,.1f} M", *cells])
    sums = [sum(row.hours for row in rows if row.gpu == name) for name in names]
    lines.append(["GPU hours", "", "", *map(_hours, sums)])
    return aligned(lines, left=(0, 1))


def _hours(hours: float) -> str:
    return f"{hours:,.1f}" if hours >= 1 else f"{hours:.2f}"


def _costs(task: StageRun, recipe: Recipe, name: str) -> Iterator[StageCost]:
    gpu, run = GPUS[name], task.stage.run
    words = list(task.template)
    if run not in ("distill", "wbeb eval", "sft"):
        return
    model = _model(task, words)
    shape = SHAPES.get(model.rpartition("/")[2].lower())
    if shape is None:
        raise InputError(
            f"stage {task.name}: the shape of {model!r} is not known", f"known: {', '.join(SHAPES)}"
        )
    prompt, answer = (_expected(recipe, key) for key in ("prompt_tokens", "answer_tokens"))
    shown = model.rpartition("/")[2]
    if run == "sft":
        share = share_of_domains(words)
        epochs = float(_option(words, "--epochs") or 3)
        tokens = _expected(recipe, "kept") * share * (prompt + answer) * epochs
        hours, gpus = training(shape, gpu, tokens, full=_option(words, "--method") == "full")
        yield StageCost(task.name, shown, name, gpus, tokens, None, hours)
        return
    asked = _expected(recipe, "questions" if run == "distill" else "test_items")
    if run == "wbeb eval":
        asked *= share_of_domains(words)
    asked *= float(_option(words, "--samples") or 1)
    prompt *= 1 + float(_option(words, "--shots") or 0)
    answers = max(1.0, math.ceil(asked))
    hours, gpus, batch = generation(shape, gpu, answers, prompt, answer)
    yield StageCost(task.name, shown, name, gpus, answers * (prompt + answer), batch, hours)


def _model(task: StageRun, words: list[str]) -> str:
    """What is run or trained; of a trained student, what it was trained from."""
    named = (
        _option(words, "--model")
        if task.stage.run != "wbeb eval"
        else next(word for word in words if word.partition(":")[0] in ("hf", "vllm", "openai"))
    )
    model = (named or "").partition(":")[2] if task.stage.run != "sft" else named or ""
    return str(task.parameters.get("student", model)) if model.startswith("${") else model


def share_of_domains(words: list[str]) -> float:
    """Of all questions and traces, those of ``--domain``'s; a name that is still to be filled in counts as an average one."""
    weights = {name.upper(): make().cost_share for name, make in load_all(DOMAINS).items()}
    total = sum(weights.values())
    chosen = [word for option, word in itertools.pairwise(words) if option == "--domain"]
    return sum(weights.get(name, total / len(weights)) for name in chosen) / total if chosen else 1.0


def _option(words: list[str], name: str) -> str | None:
    return words[words.index(name) + 1] if name in words else None


def _expected(recipe: Recipe, name: str) -> float:
    if name not in recipe.expects:
        raise InputError(f"recipe {recipe.id}: expects has no {name!r}", "see docs/pipeline.md")
    return recipe.expects[name]
