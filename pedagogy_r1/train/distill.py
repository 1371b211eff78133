"""Distillation: questions drawn evenly over the domains, a teacher's answers to them, and which of these are right.

    distill("items.jsonl", "distill", model="vllm:Qwen/QwQ-32B", condition="cop", n=5000)

    distill/seeds.jsonl    the items that were drawn, in the order they were asked: an items file
    distill/seeds.json     how they were drawn, by domain: weight, items there are, even share, drawn
    distill/traces.jsonl   one trace an item and sample, with ``correct``; beside it what `wbeb.generate` writes

The same call resumes. The seeds depend on the items and the seed alone, so a killed run draws the same ones again. With ``shards``
the folder is a corpus (`wbeb/generate_corpus.py`), of the same traces.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import InputError
from ..files.records import write_json
from ..provenance import draw_order, file_digest
from ..wbeb.condition import Condition
from ..wbeb.generate import GenerationJob, Progress, execute, plan, prepare
from ..wbeb.generate_corpus import CorpusGeneration, execute_shards, plan_shards, prepare_shards
from ..wbeb.generation import Generation
from ..wbeb.item import Item, domain_names, known_domain, read_items, write_items

SEEDS, DRAW = "seeds.jsonl", "seeds.json"


class DomainDraw(NamedTuple):
    """One domain: its weight, items there are to draw from, its even share of the draw, and what was drawn."""

    domain: str
    weight: float
    train: int
    wanted: int
    drawn: int


class SeedDraw(NamedTuple):
    """The seeds, domain by domain, each in the order they were drawn."""

    seeds: list[Item]
    table: list[DomainDraw]

    @property
    def short(self) -> list[DomainDraw]:
        """Domains that had fewer items than their share."""
        return [row for row in self.table if row.train < row.wanted]


def draw_seeds(
    items: Iterable[Item], n: int, weights: Mapping[str, float] | None = None, *, seed: int = 0
) -> SeedDraw:
    """Draw ``n`` training items, or all there are. Raises `InputError` where no item is marked as ``train``."""
    if n < 1:
        raise InputError(f"n is {n}", "give a number of questions")
    pools: dict[str, list[Item]] = {}
    for item in items:
        if item.split == "train":
            pools.setdefault(item.domain, []).append(item)
    if not pools:
        raise InputError("no item is in split 'train'", "split the items first: pcode wbeb split")
    given = _weights(weights, list(pools))
    sizes = {domain: len(pools.get(domain, ())) for domain in given}
    wanted, drawn = shares(n, given), fill(n, given, sizes)
    for pool in pools.values():
        pool.sort(key=lambda item: draw_order(seed, item.id))
    seeds = [item for domain in given for item in pools.get(domain, [])[: drawn[domain]]]
    return SeedDraw(seeds, [DomainDraw(d, given[d], sizes[d], wanted[d], drawn[d]) for d in given])


def parse_weights(text: str | None) -> dict[str, float] | None:
    """From ``SK=2,PK=1``; domains not named weigh nothing."""
    if text is None:
        return None
    found: dict[str, float] = {}
    for pair in text.split(","):
        name, equals, value = pair.strip().partition("=")
        try:
            weight = float(value) if equals else 1.0
        except ValueError:
            raise InputError(f"weight {pair!r} is no number", "write e.g. SK=2,PK=1") from None
        if name in found:
            raise InputError(f"domain {name!r} is weighted twice", "write e.g. SK=2,PK=1")
        found[name] = weight
    return found


def shares(n: int, weights: Mapping[str, float]) -> dict[str, int]:
    """``n`` by weight in whole numbers (largest remainder; ties by the weights' order)."""
    total = sum(weights.values())
    exact = {name: n * weight / total for name, weight in weights.items()}
    whole = {name: int(value) for name, value in exact.items()}
    rest = sorted(exact, key=lambda name: whole[name] - exact[name])
    for name in rest[: n - sum(whole.values())]:
        whole[name] += 1
    return whole


def fill(n: int, weights: Mapping[str, float], sizes: Mapping[str, int]) -> dict[str, int]:
    """`shares`, with what a domain lacks given to the others, until ``n`` or everything is drawn."""
    drawn = dict.fromkeys(weights, 0)
    open_ = {name: weight for name, weight in weights.items() if sizes[name]}
    while open_ and (left := n - sum(drawn.values())):
        part = shares(left, open_)
        full = {name for name in open_ if drawn[name] + part[name] >= sizes[name]}
        for name in full or open_:
            drawn[name] += min(part[name], sizes[name] - drawn[name])
        open_ = {name: weight for name, weight in open_.items() if full and name not in full}
    return drawn


def _weights(weights: Mapping[str, float] | None, there: list[str]) -> dict[str, float]:
    order = [domain for domain in domain_names() if domain in there]
    if weights is None:
        return dict.fromkeys(order, 1.0)
    for name, weight in weights.items():
        known_domain(name)
        if not 0 <= weight < float("inf"):
            raise InputError(f"the weight of {name} is {weight}", "weights are 0 or more")
    found = {domain: float(weights[domain]) for domain in domain_names() if weights.get(domain)}
    if not found:
        raise InputError("all weights are 0", "give one domain a weight")
    return found


@dataclass(frozen=True)
class Distillation:
    """Seeds drawn and everything checked, before anything is sent or written."""

    job: GenerationJob | CorpusGeneration
    draw: SeedDraw
    record: dict[str, Any]

    def plan(self) -> dict[str, Any]:
        """What would be asked, and estimates of its tokens."""
        found = plan_shards(self.job) if isinstance(self.job, CorpusGeneration) else plan(self.job)
        return {"seeds": {row.domain: row.drawn for row in self.draw.table}, **found}


def prepare_distill(
    items: str | Path,
    out: str | Path,
    *,
    model: str,
    condition: str | Path | Condition = "cop",
    n: int = 5000,
    weights: Mapping[str, float] | None = None,
    seed: int = 0,
    shards: int | None = None,
    work: str | Path | None = None,
    **options: Any,
) -> Distillation:
    """Draw the seeds and check everything. ``seed`` is that of the draw and of generation; ``options``: `wbeb.generate`'s.

    ``shards``: make a corpus of so many; ``work`` as of `prepare_shards`.
    """
    there = list(read_items(items))
    draw = draw_seeds(there, n, weights, seed=seed)
    pool = [item for item in there if item.split == "train"]
    how = {"model": model, "condition": condition, "pool": pool, "seed": seed, **options}
    record = {
        "n": n,
        "drawn": len(draw.seeds),
        "seed": seed,
        "items_digest": file_digest(items),
        "domains": [row._asdict() for row in draw.table],
    }
    beside = {SEEDS: lambda path: write_items(path, draw.seeds), DRAW: lambda path: write_json(path, record)}
    if shards is None:
        return Distillation(replace(prepare(draw.seeds, out, **how), beside=beside), draw, record)
    job = prepare_shards(draw.seeds, out, shards=shards, work=work, **how)
    return Distillation(job.with_beside(beside), draw, record)


def distill(
    items: str | Path,
    out: str | Path,
    *,
    engine: str = "local",
    workers: int = 1,
    progress: Progress | None = None,
    **how: Any,
) -> Generation:
    """Draw seeds, ask the teacher, write the folder; see `prepare_distill`. The manifest's ``status`` says how it ended."""
    return run_distill(prepare_distill(items, out, **how), progress, engine=engine, workers=workers)


def run_distill(
    distillation: Distillation,
    progress: Progress | None = None,
    *,
    engine: str = "local",
    workers: int = 1,
) -> Generation:
    """Run what was prepared, or take it up again. ``engine``, ``workers``: what makes shards."""
    if isinstance(distillation.job, CorpusGeneration):
        return execute_shards(distillation.job, engine=engine, workers=workers, progress=progress)
    return execute(distillation.job, progress)
