"""Learning is real: students of a teacher that is wrong half of the time, with and without the filter, and untrained.

    python -m benchmarks.learning [--items 800] [--held-out 400] [--steps 500] [--seeds 0 1 2] [--out DIR]

The whole pipeline, every stage the real one: items of an easy own-written subject (tests/tables.py) → distill from a teacher
behind a local server → filter → sft of a model with random weights → eval of the held-out items (hf:, temperature 0.6) →
paired bootstrap of the differences. All students take the same number of steps; the unfiltered one has twice the
traces. Prints one row a student and one a difference, for every seed.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from pedagogy_r1.intake import read_traces
from pedagogy_r1.train.distill import distill
from pedagogy_r1.train.filter import filter_traces
from pedagogy_r1.train.sft import train
from pedagogy_r1.train.tiny_model import build_tiny
from pedagogy_r1.wbeb.compare import EvaluationComparison, compare
from pedagogy_r1.wbeb.generate import generate
from pedagogy_r1.wbeb.item import write_items
from tests.fake_openai import FakeOpenAI, Said
from tests.tables import items, reply


class Sizes(NamedTuple):
    """How much is learnt from, for how long."""

    items: int = 800
    held_out: int = 400
    steps: int = 500
    learning_rate: float = 5e-3


def run(out: Path, sizes: Sizes, seed: int) -> tuple[EvaluationComparison, EvaluationComparison]:
    """All stages; ``untrained``, ``unfiltered`` and ``filtered`` compared with the first, and with the second."""
    every = items(sizes.items, held_out=sizes.held_out, seed=seed)
    write_items(out / "train.jsonl", [item for item in every if item.split == "train"])
    test = [item for item in every if item.split == "test"]
    with FakeOpenAI(answer=lambda call: Said(reply(call.user, wrong=0.5)), keep=False) as teacher:
        distill(
            out / "train.jsonl",
            out / "distill",
            model="openai:teacher",
            condition="none",
            n=sizes.items,
            seed=seed,
            base_url=teacher.url,
            api_key="none",
            max_tokens=128,
        )
    taught = out / "distill" / "traces.jsonl"
    filter_traces(taught, out / "filter", ["correct"])
    texts = [
        text for t in read_traces(taught) for text in (t.metadata["prompt"]["user"], t.reasoning, t.answer)
    ]
    base = build_tiny(out / "untrained", seed=seed, texts=texts, vocab=500, positions=512)
    students = {"untrained": base}
    for name, traces in (("unfiltered", taught), ("filtered", out / "filter" / "kept.jsonl")):
        students[name] = train(
            traces,
            out / name,
            model=str(base),
            method="full",
            steps=sizes.steps,
            learning_rate=sizes.learning_rate,
            batch_size=1,
            accumulate=1,
            max_length=512,
            held_out=0.05,
            seed=seed,
            device="cpu",
        ).model
    folders = []
    for name, model in students.items():
        folders.append(out / "eval" / name)
        generate(
            test,
            folders[-1],
            model=f"hf:{model}",
            condition="none",
            name=name,
            seed=seed,
            max_tokens=64,
            temperature=0.6,
        )
    return compare(folders, base=str(folders[0])), compare(folders, base=str(folders[1]))


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, default in Sizes()._asdict().items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(default), default=default)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--out", type=Path, default=None)
    given = vars(parser.parse_args())
    seeds, out = given.pop("seeds"), given.pop("out")
    for seed in seeds:
        began = time.perf_counter()
        folder = (out or Path(tempfile.mkdtemp())) / f"seed-{seed}"
        folder.mkdir(parents=True, exist_ok=True)
        report(seed, run(folder, Sizes(**given), seed))
        print(f"          {time.perf_counter() - began:.0f} s")


def report(seed: int, found: tuple[EvaluationComparison, EvaluationComparison]) -> None:
    """Rows of one seed."""
    for cell in found[0].cells:
        score, e = cell.scores[0], cell.scores[0].estimate
        print(
            f"seed {seed}  {cell.run:<12} {score.name} {e.value:.3f} [{e.low:.3f}, {e.high:.3f}]  n {e.n}"
            f"  chance {score.chance:.2f}  majority {score.majority:.3f}  unread {cell.parse_failures:.1%}"
        )
    for difference in (*found[0].differences, *found[1].differences[1:]):
        e = difference.estimate
        print(
            f"seed {seed}  {difference.run} − {difference.base}: {e.value:+.3f} [{e.low:+.3f}, {e.high:+.3f}]"
        )


if __name__ == "__main__":
    main()
