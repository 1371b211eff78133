"""Distillation: questions drawn evenly over the domains, a teacher's answers to them, and which of these are right.

    distill("items.jsonl", "distill", model="vllm:Qwen/QwQ-32B", condition="cop", n=5000)

    distill/seeds.jsonl    the items that were drawn, in the order they were asked: an items file
    distill/seeds.json     how they were drawn, by domain: weight, items there are, even share, drawn
    distill/traces.jsonl   one trace an item and sample, with ``correct``; beside it what `wbeb.generate` writes

The same call resumes. The seeds depend on the items and the seed alone, so a killed run draws the same ones again.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..files.records import atomic
from ..provenance import file_digest
from ..wbeb.condition import Condition
from ..wbeb.generate import Job, Progress, execute, plan, prepare
from ..wbeb.generation import Generation
from ..wbeb.item import read_items, write_items
from .seeds import Draw, draw_seeds

SEEDS, DRAW = "seeds.jsonl", "seeds.json"


@dataclass(frozen=True)
class Distillation:
    """Seeds drawn and everything checked, before anything is sent or written."""

    job: Job
    draw: Draw
    record: dict[str, Any]

    def plan(self) -> dict[str, Any]:
        """What would be asked, and estimates of its tokens."""
        return {"seeds": {row.domain: row.drawn for row in self.draw.table}, **plan(self.job)}


def prepare_distill(
    items: str | Path,
    out: str | Path,
    *,
    model: str,
    condition: str | Path | Condition = "cop",
    n: int = 5000,
    weights: Mapping[str, float] | None = None,
    seed: int = 0,
    **options: Any,
) -> Distillation:
    """Draw the seeds and check everything. ``seed`` is that of the draw and of generation; ``options``: `wbeb.generate`'s."""
    there = list(read_items(items))
    draw = draw_seeds(there, n, weights, seed=seed)
    pool = [item for item in there if item.split == "train"]
    job = prepare(draw.seeds, out, model=model, condition=condition, pool=pool, seed=seed, **options)
    record = {
        "n": n,
        "drawn": len(draw.seeds),
        "seed": seed,
        "items_digest": file_digest(items),
        "domains": [row._asdict() for row in draw.table],
    }
    return Distillation(job, draw, record)


def distill(
    items: str | Path, out: str | Path, *, progress: Progress | None = None, **how: Any
) -> Generation:
    """Draw seeds, ask the teacher, write the folder; see `prepare_distill`. The manifest's ``status`` says how it ended."""
    return run_distill(prepare_distill(items, out, **how), progress)


def run_distill(distillation: Distillation, progress: Progress | None = None) -> Generation:
    """Run what was prepared, or take it up again."""
    generation = execute(distillation.job, progress)
    # Behind the answers, since a folder that holds anything else before is refused.
    write_items(generation.folder / SEEDS, distillation.draw.seeds)
    with atomic(generation.folder / DRAW) as file:
        file.write(json.dumps(distillation.record, indent=1) + "\n")
    return generation


def outcomes(generation: Generation) -> dict[str, Counter[str]]:
    """domain → correct, wrong, unread (of which cut off: ``truncated``), and traces."""
    found: dict[str, Counter[str]] = {}
    for trace in generation.traces():
        counts = found.setdefault(trace.domain or "unknown", Counter())
        counts["traces"] += 1
        counts["unread" if trace.correct is None else "correct" if trace.correct else "wrong"] += 1
        counts["truncated"] += bool(trace.metadata.get("truncated"))
    return found
