"""Do the intervals of corrected shares hold with 6 to 42 coded traces, equal, unequal, or with the code where traces are long?

    python -m benchmarks.coverage_few_coded --runs 500
    python -m benchmarks.coverage_few_coded --runs 500 --people 2 --prevalence .3

Of four times as many traces, whole ones are drawn at random and coded. *equal*: 25 units each; *lognormal*: σ = 1 about the same
mean; *harder*: lognormal, a trace e times as long has 1.35 times the odds of the code, and the machine misses and invents 1.65
times as often. Each trace has a propensity of its own (σ = .8 on the log odds). *tenth*: the code is in every tenth trace, and there
in half of the units. ``--people``: each overlooks the code in a share of the units, drawn anew for each (0 to .3), and the truth is
the mean over people like them.

Printed for each design: coverage of the 95 % interval and its median width, for people alone, DSL, PPI++, the bias of the machine,
and for what `Corrected.recommended` names; then in which share of the runs there is an interval, and a recommendation.
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np

from pedagogy_r1.estimate import Floats, Ints
from pedagogy_r1.stats.corrected import corrected_prevalence
from pedagogy_r1.stats.corrected_verdict import Corrected

MEAN, SD = 25, 0.8
SIZES = (6, 8, 14, 20, 42)
LENGTHS = ("equal", "lognormal", "harder")
MOST_OVERLOOKED = 0.3


def logistic(x: Any) -> Any:
    """1/(1 + e^−x)."""
    return 1 / (1 + np.exp(-x))


def population(
    rng: np.random.Generator, traces: int, lengths: str, base: float
) -> tuple[Ints, Floats, Floats]:
    """(units,) trace, truth, machine."""
    if lengths == "tenth":
        trace = np.repeat(np.arange(traces), MEAN)
        true = (rng.random(len(trace)) < 0.5) & (rng.random(traces) < 0.1)[trace]
        return (
            trace,
            true * 1.0,
            np.where(true, rng.random(len(trace)) < 0.7, rng.random(len(trace)) < 0.02) * 1.0,
        )
    size = np.full(traces, MEAN)
    if lengths != "equal":
        size = np.maximum(2, np.round(MEAN * np.exp(rng.normal(0, 1, traces) - 0.5))).astype(int)
    longer = (np.log(size / MEAN) + 0.5) * (lengths == "harder")
    trace = np.repeat(np.arange(traces), size)
    true = rng.random(len(trace)) < logistic(base + SD * rng.normal(size=traces) + 0.3 * longer)[trace]
    missed = logistic(-1.4 + 0.5 * longer)[trace]
    invented = np.minimum(0.5 * logistic(base + 0.5 * longer), 0.3)[trace]
    machine = np.where(true, rng.random(len(trace)) > missed, rng.random(len(trace)) < invented)
    return trace, true * 1.0, machine * 1.0


def truth_of(lengths: str, prevalence: float) -> tuple[float, float, float]:
    """The intercept, and the shares of the code and of the machine's code over 200,000 traces."""
    low, high = -12.0, 6.0
    for _ in range(25):
        middle = (low + high) / 2
        _, true, _ = population(np.random.default_rng(1), 40_000, lengths, middle)
        low, high = (middle, high) if true.mean() < prevalence else (low, middle)
    _, true, machine = population(np.random.default_rng(2), 200_000, lengths, middle)
    return middle, float(true.mean()), float(machine.mean())


def one_run(rng: np.random.Generator, lengths: str, coded: int, base: float, people: int) -> Corrected:
    """Of four times as many traces."""
    trace, true, machine = population(rng, 4 * coded, lengths, base)
    inside = np.isin(trace, rng.permutation(4 * coded)[:coded])
    rows = []
    for _ in range(people):
        overlooked = rng.uniform(0, MOST_OVERLOOKED) if people > 1 else 0.0
        rows.append(np.where(inside, true * (rng.random(len(true)) >= overlooked), np.nan))
    return corrected_prevalence(np.vstack(rows), machine, 0.25, trace)


def line(runs: list[Corrected], truth: float, machine: float) -> str:
    """Coverage and width of each, and how often there is one."""
    said = []
    for name in ("human", "dsl", "ppi", "bias", "recommended"):
        found = [e for c in runs if (e := getattr(c, name)) is not None and e.interval]
        target = machine - truth if name == "bias" else truth
        covered = np.mean([e.covers(target) for e in found])
        width = np.median([e.interval[1] - e.interval[0] for e in found])
        said.append(f"{name} {covered:.3f} ({100 * width:.0f})")
    printed = np.mean([c.dsl.interval is not None for c in runs])
    advised = np.mean([c.recommended is not None for c in runs])
    return f"{'  '.join(said)}  printed {printed:.2f} recommended {advised:.2f}"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=500)
    parser.add_argument("--people", type=int, default=1)
    parser.add_argument("--prevalence", type=float, action="append")
    parser.add_argument("--lengths", choices=(*LENGTHS, "tenth"), action="append")
    parser.add_argument("--coded", type=int, action="append", help="coded traces")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    seen = 1 - MOST_OVERLOOKED / 2 if options.people > 1 else 1.0
    for lengths in options.lengths or (*LENGTHS, "tenth"):
        for prevalence in [0.05] if lengths == "tenth" else options.prevalence or (0.3, 0.1, 0.03):
            base, truth, machine = truth_of(lengths, prevalence)
            for coded in options.coded or SIZES:
                rng = np.random.default_rng([options.seed, coded])
                runs = [one_run(rng, lengths, coded, base, options.people) for _ in range(options.runs)]
                print(
                    f"{lengths:9} {prevalence:.2f} {coded:3}  {line(runs, seen * truth, machine)}", flush=True
                )


if __name__ == "__main__":
    main()
