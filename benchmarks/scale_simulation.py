"""How many shards, how long, and for how much: python benchmarks/scale_simulation.py [--price-core-hour .04 …]

Two tables, which docs/scale.md quotes as they are printed:

    how many shards     a corpus in S shards on W worker processes, eight a machine. A shard takes its share of the work times a
                        lognormal number of mean 1 (stragglers), and two seconds. Processes and machines fail at exponential
                        times; what they had in hand is done again from its beginning by whichever process is free first.
                        Printed is the time until the last shard is done over the ideal, work / W: the mean of ten runs and, in
                        brackets, the longest; and beside it the processor time that was lost with what failed, in per cent of the work.
    hours and money     of cues, the learned coder and a language model over so many traces, from the assumptions printed above it.

The same seed gives the same numbers. Begun again from its beginning is the worst case: with --work on a disk that outlives the
machine a shard goes on behind its last trace.
"""

from __future__ import annotations

import argparse
import heapq
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

A_MACHINE = 8
"""Worker processes of a machine, which fail together."""
HOUR = 3600.0


@dataclass(frozen=True)
class Fleet:
    """Where shards are coded. Seconds everywhere; ``spread``: of the logarithm of a shard's time."""

    name: str
    work: float
    """Of the whole corpus on one process."""
    workers: int = 64
    spread: float = 0.3
    a_shard: float = 2.0
    process_fails: float = 30 * 24 * HOUR
    machine_fails: float = 90 * 24 * HOUR
    process_back: float = 10.0
    machine_back: float = 300.0


def finished(fleet: Fleet, shards: int, rng: np.random.Generator) -> tuple[float, float]:
    """One run: seconds until the last shard is done, and seconds of all processes that went into shards done again."""
    spread = rng.lognormal(-(fleet.spread**2) / 2, fleet.spread, shards)
    takes = (fleet.work / shards * spread + fleet.a_shard).tolist()
    machines = -(-fleet.workers // A_MACHINE)
    down = rng.exponential(fleet.machine_fails, machines).tolist()
    dies = rng.exponential(fleet.process_fails, fleet.workers).tolist()
    left, idle = deque(range(shards)), deque[int]()
    ready = [(0.0, worker, -1) for worker in range(fleet.workers)]
    done, end, again = 0, 0.0, 0.0

    def begin(worker: int, at: float) -> None:
        """A free process takes the next shard; what comes of it, and when the process is free again, is put on the heap."""
        machine = worker // A_MACHINE
        while down[machine] <= at:
            down[machine] += rng.exponential(fleet.machine_fails)
        while dies[worker] <= at:
            dies[worker] += rng.exponential(fleet.process_fails)
        shard = left.popleft()
        fails = min(down[machine], dies[worker])
        if at + takes[shard] <= fails:
            heapq.heappush(ready, (at + takes[shard], worker, -2))
            return
        nonlocal again
        again += fails - at
        heapq.heappush(ready, (fails, -1, shard))  # of no process: the shard is free again
        back = fleet.machine_back if down[machine] <= dies[worker] else fleet.process_back
        heapq.heappush(ready, (fails + back, worker, -1))

    while done < shards:
        at, worker, what = heapq.heappop(ready)
        if what == -2:
            done, end = done + 1, at
        if what >= 0:
            left.append(what)
        else:
            idle.append(worker)
        while left and idle:
            begin(idle.popleft(), at)
    return end, again


@dataclass(frozen=True)
class Spell:
    """What came of a number of shards. Times are over the ideal."""

    mean: float
    longest: float
    again: float


def simulated(fleet: Fleet, shards: int, runs: int, seed: int) -> Spell:
    """So many runs."""
    rng = np.random.default_rng([seed, shards, round(fleet.work)])
    found = np.array([finished(fleet, shards, rng) for _ in range(runs)])
    over = found[:, 0] / (fleet.work / fleet.workers)
    return Spell(float(over.mean()), float(over.max()), float(found[:, 1].mean() / fleet.work))


TIMES = (1, 2, 5, 10, 20, 50, 100)
"""Shards for each process."""
FLEETS = (
    Fleet("20 minutes, steady machines", work=64 * HOUR / 3),
    Fleet("a day, steady machines", work=64 * 24 * HOUR),
    Fleet("a day, machines taken away once in 12 h", work=64 * 24 * HOUR, machine_fails=12 * HOUR),
)


def shards_table(runs: int = 10, seed: int = 0) -> Iterator[str]:
    """The first table, line by line, in Markdown."""
    yield (
        "| shards | for each process | " + " | ".join(f"{fleet.name} | done again" for fleet in FLEETS) + " |"
    )
    yield "|---|---|" + "---|---|" * len(FLEETS)
    for times in TIMES:
        shards = times * FLEETS[0].workers
        cells = [simulated(fleet, shards, runs, seed) for fleet in FLEETS]
        said = " | ".join(f"{c.mean:.2f} ({c.longest:.2f}) | {100 * c.again:.1f} %" for c in cells)
        yield f"| {shards:,} | {times} | {said} |"


@dataclass(frozen=True)
class Assumed:
    """What hours and money are computed from; each is an option. Prices are placeholders."""

    traces: float = 1e6
    tokens: float = 6_300
    cues_tokens: float = 40_000
    learned_tokens: float = 20_000
    cached_tokens: float = 431_000
    compact_tokens: float = 59_800
    prompt_tokens: float = 15_000
    completion_tokens: float = 41_800
    gpu_tokens: float = 2_500
    price_core_hour: float = 0.05
    price_gpu_hour: float = 2.50
    price_cached: float = 0.50
    price_in: float = 2.00
    price_out: float = 8.00


WHY = {
    "traces": "traces",
    "tokens": "tokens a trace (spaCy's), measured",
    "cues_tokens": "tokens a second and core, cues, measured",
    "learned_tokens": "tokens a second and core, `learned:schoen`, measured",
    "cached_tokens": "prompt tokens a trace in the constant prefix, estimated",
    "compact_tokens": "the same with `--codebook-form compact`",
    "prompt_tokens": "other prompt tokens a trace, estimated",
    "completion_tokens": "completion tokens a trace, estimated",
    "gpu_tokens": "completion tokens a second and GPU, all requests together, not measured",
    "price_core_hour": "money for a core hour, placeholder",
    "price_gpu_hour": "money for a GPU hour, placeholder",
    "price_cached": "money per million prompt tokens in a provider's cache, placeholder",
    "price_in": "the same for other prompt tokens, placeholder",
    "price_out": "the same for completion tokens, placeholder",
}


def assumptions_table(assumed: Assumed) -> Iterator[str]:
    """The assumptions, in Markdown."""
    yield "| assumed | value | option |"
    yield "|---|---|---|"
    for name, what in WHY.items():
        yield f"| {what} | {getattr(assumed, name):,g} | `--{name.replace('_', '-')}` |".replace(
            "1e+06", "1,000,000"
        )


def cost_table(a: Assumed) -> Iterator[str]:
    """Hours and money, in Markdown."""

    def on_cores(speed: float) -> tuple[float, float]:
        hours = a.traces * a.tokens / speed / HOUR
        return hours, hours * a.price_core_hour

    yield "| coder | of one | hours | on 8 | on 64 | on 512 | money |"
    yield "|---|---|---|---|---|---|---|"
    gpu = a.traces * a.completion_tokens / a.gpu_tokens / HOUR
    rows = [
        ("cues", "core", *on_cores(a.cues_tokens)),
        ("`learned:schoen`", "core", *on_cores(a.learned_tokens)),
        ("a language model, own GPUs", "GPU", gpu, gpu * a.price_gpu_hour),
    ]
    for name, unit, hours, money in rows:
        yield f"| {name} | {unit} | {_hours(hours)} | {_hours(hours / 8)} | {_hours(hours / 64)} | {_hours(hours / 512)} | {money:,.0f} |"
    others = a.prompt_tokens * a.price_in + a.completion_tokens * a.price_out
    full, compact = (
        a.traces / 1e6 * (cached * a.price_cached + others) for cached in (a.cached_tokens, a.compact_tokens)
    )
    for name, money in (
        ("a language model, a provider's", full),
        ("the same with `--codebook-form compact`", compact),
        ("that with `--batch`, at half the price", compact / 2),
    ):
        yield f"| {name} | – | – | – | – | – | {money:,.0f} |"


def _hours(hours: float) -> str:
    return (
        f"{hours * 60:.0f} min"
        if hours < 1
        else f"{hours:.1f} h"
        if hours < 48
        else f"{hours / 24:,.0f} days"
    )


def main(given: Sequence[str] | None = None) -> None:
    """Compute and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=10, help="simulated runs a cell")
    parser.add_argument("--seed", type=int, default=0)
    for name, what in WHY.items():
        parser.add_argument(
            f"--{name.replace('_', '-')}", type=float, default=getattr(Assumed, name), help=what
        )
    said = vars(parser.parse_args(given))
    runs, seed = said.pop("runs"), said.pop("seed")
    assumed = Assumed(**said)
    for table in (shards_table(runs, seed), assumptions_table(assumed), cost_table(assumed)):
        print("\n".join(table) + "\n")


if __name__ == "__main__":
    main()
