"""Our SFT beside a bare PyTorch loop: the same model, the same packs in the same sizes, tokens per second.

    python benchmarks/sft_throughput.py                                          tiny model on the CPU
    python benchmarks/sft_throughput.py --model-size 1b --device cuda --bf16 --method lora --pairs 3
    python benchmarks/sft_throughput.py --model-size 1b --device cuda --bf16 --method full --pairs 3

Both train a Qwen2 with random weights, packing on, one pack a step, AdamW, gradient clipping, and nothing saved. Ours is the
trainer exactly as ``pcode sft`` builds it (`pedagogy_r1.train.trainer.build`), with its logging at every step; the loop is
what one would write by hand: forward with position ids, ``loss.backward()``, clip, step, and the loss read once a step. Runs
alternate, the order changing from pair to pair; the ratio is the median of the pairs' ratios. Timed is what lies between the
end of the first and the end of the last step, by the clock and, on the CPU, by the processor's own time too, which other work on
the machine does not move. ``--device cuda`` prints the peak of allocated memory.
"""

from __future__ import annotations

import argparse
import gc
import json
import random
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

import torch
from transformers import AutoModelForCausalLM, TrainerCallback

from pedagogy_r1.train.student_model import load_tokenizer
from pedagogy_r1.train.tiny_model import build_tiny, parameters
from pedagogy_r1.train.trainer import build
from pedagogy_r1.train.training_data import TrainingData, load
from pedagogy_r1.train.training_settings import TrainingSettings, settings_of

WORDS = [
    "the",
    "pupil",
    "counts",
    "again",
    "wait",
    "perhaps",
    "seven",
    "beads",
    "are",
    "left",
    "so",
    "the",
    "answer",
    "must",
    "be",
    "smaller",
    "than",
    "we",
    "thought",
]

SIZES: dict[str, dict[str, int]] = {
    "tiny": {},
    "small": {"layers": 4, "width": 256, "heads": 8},
    "1b": {"layers": 24, "width": 1792, "heads": 14, "vocab": 2000, "positions": 8192},
}


class Timed(NamedTuple):
    """Tokens per second (by the clock, by processor time), last loss, and the peak of allocated GPU memory in GiB."""

    speed: float
    cpu_speed: float
    loss: float
    memory: float


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model-size", choices=sorted(SIZES), default="tiny")
    parser.add_argument("--method", choices=["full", "lora"], default="full")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument(
        "--bf16", action="store_true", help="ours decides by device; this asserts that both agree"
    )
    parser.add_argument("--checkpointing", action="store_true")
    parser.add_argument(
        "--length",
        type=int,
        default=None,
        help="tokens a pack [what pcode sft takes: 2048 for tiny on the CPU, else 4096]",
    )
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--pairs", type=int, default=5)
    given = parser.parse_args()
    if given.bf16 != (given.device == "cuda"):
        parser.error("--bf16 goes with --device cuda: pcode sft trains in bf16 on a GPU, in float32 on a CPU")
    length = given.length or (4096 if given.device == "cuda" else 2048)
    with tempfile.TemporaryDirectory() as work:
        settings, data, tokenizer = prepare(Path(work), given, length)
        print(
            f"{given.model_size}: {parameters(settings.model) / 1e6:,.1f} M parameters, {given.method}, packs of {length},"
            f" {given.steps} steps, {given.device}, {torch.get_num_threads()} threads, torch {torch.__version__}"
        )
        ours(settings, data, tokenizer, Path(work)), bare(settings, data, tokenizer, Path(work))  # warm up
        runs = []
        for pair in range(given.pairs):
            order = [ours, bare] if pair % 2 == 0 else [bare, ours]
            found = {which: which(settings, data, tokenizer, Path(work)) for which in order}
            runs.append(found)
    for name, which in (("ours", ours), ("bare loop", bare)):
        clock, cpu = (statistics.median(f[which][k] for f in runs) for k in (0, 1))
        memory = (
            f", peak memory {max(f[which].memory for f in runs):.1f} GiB" if given.device == "cuda" else ""
        )
        print(
            f"{name:<10} {clock:>9,.0f} tokens/s, {cpu:>9,.0f} per processor second  (last loss {runs[0][which].loss:.3f}){memory}"
        )
    for name, k in (("clock", 0), ("processor", 1)):
        ratios = sorted(f[ours][k] / f[bare][k] for f in runs)
        print(
            f"ratio by {name:<9} {statistics.median(ratios):.3f} (pairs: {', '.join(f'{r:.3f}' for r in ratios)}; bar: 0.9)"
        )


def prepare(work: Path, given: argparse.Namespace, length: int) -> tuple[TrainingSettings, TrainingData, Any]:
    """Model, and as many traces as fill the packs of all steps."""
    model = build_tiny(work / "model", **SIZES[given.model_size])
    tokenizer, chance = load_tokenizer(str(model)), random.Random(0)
    rows, tokens, need = [], 0, length * (given.steps + 2)
    while tokens < need:
        said = " ".join(chance.choices(WORDS, k=chance.randint(length // 20, length // 3)))
        rows.append({"id": f"t{len(rows)}", "question": "How many beads?", "reasoning": said, "answer": "B"})
        tokens += len(tokenizer(said)["input_ids"]) + 30
    path = work / "traces.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    settings = settings_of(
        model=str(model),
        method=given.method,
        device=given.device,
        steps=given.steps,
        accumulate=1,
        max_length=length,
        held_out=0.0,
        warmup=0.0,
        scheduler="constant",
        lora_dropout=0.0,
        gradient_checkpointing=given.checkpointing,
    )
    return settings, load(path, tokenizer, max_length=length, held_out=0, seed=0), tokenizer


def ours(settings: TrainingSettings, data: TrainingData, tokenizer: Any, work: Path) -> Timed:
    """The trainer of ``pcode sft``; its one checkpoint, at the last step, lies behind the clock."""
    trainer = build(settings, data, tokenizer, work / "checkpoints", None)
    clock = _Clock()
    trainer.add_callback(clock)
    trainer.callback_handler.callbacks.insert(0, trainer.callback_handler.callbacks.pop())
    lengths = [len(row["input_ids"]) for row in trainer.train_dataset]
    _fresh()
    trainer.train()
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    tokens = statistics.mean(lengths) * (settings.steps - 1)
    wall, cpu = (after - before for before, after in zip(clock.times[0], clock.times[-1], strict=True))
    return Timed(tokens / wall, tokens / cpu, losses[-1], _memory())


class _Clock(TrainerCallback):
    """From the end of the first step to the end of the last."""

    def __init__(self) -> None:
        self.times: list[tuple[float, float]] = []

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self.times.append(_now())


def bare(settings: TrainingSettings, data: TrainingData, tokenizer: Any, work: Path) -> Timed:
    """The same by hand: the same weights in the same precision, packs filled by best fit, borders by position ids."""
    device = torch.device(settings.device)
    cuda = device.type == "cuda"
    dtype = torch.bfloat16 if cuda and settings.method == "lora" else torch.float32
    model = AutoModelForCausalLM.from_pretrained(settings.model, dtype=dtype).to(device).train()
    if settings.method == "lora":
        from peft import LoraConfig, get_peft_model

        adapter = LoraConfig(
            r=settings.lora_rank,
            lora_alpha=settings.lora_alpha,
            target_modules="all-linear",
            task_type="CAUSAL_LM",
        )
        model = get_peft_model(model, adapter)
    if settings.gradient_checkpointing:
        model.gradient_checkpointing_enable()
        model.enable_input_require_grads()
    weights = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(weights, lr=settings.rate, weight_decay=0.0, fused=True)
    packs = pack(data, settings.max_length or 0)
    random.Random(0).shuffle(packs)
    _fresh()
    first, tokens, loss = (0.0, 0.0), 0, torch.tensor(0.0)
    for step in range(settings.steps or 0):
        ids, labels, places = (part.to(device) for part in packs[step % len(packs)])
        with torch.autocast("cuda", torch.bfloat16, enabled=cuda):
            loss = model(input_ids=ids, labels=labels, position_ids=places, use_cache=False).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        loss.item()
        if step == 0:
            first = _now()
        else:
            tokens += ids.numel()
    wall, cpu = (after - before for before, after in zip(first, _now(), strict=True))
    return Timed(tokens / wall, tokens / cpu, loss.item(), _memory())


def pack(data: TrainingData, length: int) -> list[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
    """Best fit, longest first: (ids, labels, position ids), each 1 × tokens."""
    bins: list[list[Any]] = []
    for one in sorted(data.train, key=lambda e: -len(e.input_ids)):
        fitting = [b for b in bins if sum(len(e.input_ids) for e in b) + len(one.input_ids) <= length]
        if fitting:
            max(fitting, key=lambda b: sum(len(e.input_ids) for e in b)).append(one)
        else:
            bins.append([one])
    return [
        (
            torch.tensor([[i for e in b for i in e.input_ids]]),
            torch.tensor([[i for e in b for i in e.labels]]),
            torch.tensor([[i for e in b for i in range(len(e.input_ids))]]),
        )
        for b in bins
    ]


def _now() -> tuple[float, float]:
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter(), time.process_time()


def _fresh() -> None:
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()


def _memory() -> float:
    return torch.cuda.max_memory_allocated() / 2**30 if torch.cuda.is_available() else 0.0


if __name__ == "__main__":
    main()
