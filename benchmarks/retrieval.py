"""How often a unit's own code is among the five examples that are nearest to it, and whether any is of its trace or item.

    python -m benchmarks.retrieval RUN [RUN …] [--windows 10000]

RUN: a run whose units people (or others) coded; each unit is looked for among those of the run's other items. The true code is the one
that most of its coders gave. ``chance``: five examples drawn at random. The interval is over traces. Then so many windows of 1 to 20
units are drawn at random, and each example that any of them would be shown is compared with the window's trace.
"""

from __future__ import annotations

import argparse
import random
import time
from pathlib import Path

import numpy as np

from pedagogy_r1.coding.examples import Examples, TraceExamples, read_examples
from pedagogy_r1.estimate import Resampling, clustered, quotient
from pedagogy_r1.runs.run import CoderRun
from pedagogy_r1.trace import Trace, Unit

NEAREST, WINDOW, ENOUGH = 5, 20, 10**9


def compared(run: CoderRun, examples: Examples) -> list[tuple[Trace, list[Unit], TraceExamples]]:
    """Each trace of the run beside the examples."""
    return [(trace, units, examples.beside(trace, units)) for trace, units, _ in run.by_trace() if units]


def found(name: str, run: CoderRun, examples: Examples) -> list[tuple[Trace, list[Unit], TraceExamples]]:
    """Print the shares of one run."""
    began = time.perf_counter()
    traces = compared(run, examples)
    took = time.perf_counter() - began
    codes = {one.unit_id: one.codes[:1] for one in examples.units}
    shares: dict[tuple[str, ...], float] = {
        code: sum(mine == code for mine in codes.values()) / len(codes) for code in set(codes.values())
    }
    hits, first, clusters = [], [], []
    for trace, units, shown in traces:
        for i, unit in enumerate(units):
            if unit.id in codes:
                near = [one.codes[:1] == codes[unit.id] for one in shown.of([i], NEAREST, tokens=ENOUGH)]
                hits.append(float(any(near)))
                first.append(float(near[:1] == [True]))
                clusters.append(trace.id)
    e = clustered([hits, [1.0] * len(hits)], clusters, quotient, Resampling(), scale="share")
    low, high = e.interval or (float("nan"), float("nan"))
    chance = np.mean([1 - (1 - shares[code]) ** NEAREST for code in codes.values()])
    units_s = sum(len(units) for _, units, _ in traces) / took
    print(
        f"{name:<28} {len(hits):>6} units {len(traces):>4} traces  among five {e.value:.3f} [{low:.3f}, {high:.3f}]"
        f"  nearest {np.mean(first):.3f}  chance {chance:.3f}  {units_s:,.0f} units/s"
    )
    return traces


def leaks(
    traces: list[tuple[Trace, list[Unit], TraceExamples]], examples: Examples, windows: int, seed: int
) -> tuple[int, int]:
    """Examples shown in so many random windows, and how many of them are of the window's own trace or item."""
    draw, shown, own = random.Random(seed), 0, 0
    by_id = {trace.id: trace for trace, _, _ in traces}
    for _ in range(windows):
        trace, units, beside = draw.choice(traces)
        size = draw.randint(1, min(WINDOW, len(units)))
        start = draw.randrange(len(units) - size + 1)
        near = beside.of(range(start, start + size), 8)
        shown += len(near)
        own += sum(_alike(trace, by_id[one.trace_id]) for one in near)
    return shown, own


def _alike(one: Trace, other: Trace) -> bool:
    item = one.item is not None and one.item == other.item
    return item or one.id == other.id or one.reasoning == other.reasoning or one.question == other.question


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="+", type=Path)
    parser.add_argument("--windows", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    every = []
    for path in given.runs:
        run = CoderRun(path)
        examples = read_examples(path, run.codebook)
        every.append((found("/".join(path.parts[-2:]), run, examples), examples))
    shown = own = 0
    for traces, examples in every:
        more, bad = leaks(traces, examples, given.windows // len(every), given.seed)
        shown, own = shown + more, own + bad
    print(f"{given.windows:,} windows: {shown:,} examples shown, {own} of the same trace or item")


if __name__ == "__main__":
    main()
