"""Do 95 % intervals for corrected frequencies cover the truth 95 times in 100?

    python benchmarks/coverage_corrected.py --runs 1000
    python benchmarks/coverage_corrected.py --runs 1000 --traces 30 --prevalence 0.05     few traces, a rare code

Each run draws traces (each with its own propensity for the code: a normal effect on the log odds, so units of one trace
resemble each other), each under a condition (CoP) or not, by coin; CoP raises the odds; a machine that misses a fifth of the
true codes and invents some, more under CoP; and humans who code a third of the units by one of three plans:

    simple     units drawn at random
    enriched   units that the machine coded: π = 0.6, others: π = 0.2 (units are drawn independently)
    traces     whole traces drawn at random

Truth is the population's: the prevalence over all traces that might have been drawn, and log odds of CoP against not
(averaged over traces), both by quadrature. ``ppi-python`` is the published PPI++ without weights or clusters. A run in
which an estimate was undefined counts as not covering and is shown.
"""

from __future__ import annotations

import argparse
import math
import time
from typing import Any

import numpy as np

from benchmarks.published_ppi import published_mean
from pedagogy_r1.stats.corrected import corrected_logistic, corrected_prevalence
from pedagogy_r1.stats.corrected_verdict import Corrected

PLANS = ("simple", "enriched", "traces")
EFFECT = 0.6  # log odds of CoP, within a trace


def averaged(log_odds: float, sd: float) -> float:
    """E[expit(log_odds + sd·Z)] by Gauss–Hermite quadrature."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(80)
    return float((weights / (1 + np.exp(-(log_odds + sd * nodes)))).sum() / weights.sum())


def base_for(prevalence: float, sd: float) -> float:
    """The intercept at which half plain, half CoP traces have this prevalence."""
    low, high = -20.0, 20.0
    for _ in range(80):
        middle = (low + high) / 2
        if (averaged(middle, sd) + averaged(middle + EFFECT, sd)) / 2 < prevalence:
            low = middle
        else:
            high = middle
    return middle


def population(rng: np.random.Generator, traces: int, base: float, sd: float) -> dict[str, Any]:
    """Units of ``traces`` traces of 15–35 units: trace, cop, truth, machine."""
    size = rng.integers(15, 36, traces)
    trace = np.repeat(np.arange(traces), size)
    # By coin, not in exact halves: the truth is the population's, and balance would make intervals look too wide.
    cop = (rng.random(traces) < 0.5).astype(float)[trace]
    effect = rng.normal(0, sd, traces)[trace]
    true = rng.random(len(trace)) < 1 / (1 + np.exp(-(base + EFFECT * cop + effect)))
    machine = np.where(true, rng.random(len(trace)) < 0.8, rng.random(len(trace)) < 0.08 + 0.06 * cop)
    return {"trace": trace, "cop": cop, "true": true.astype(float), "machine": machine.astype(float)}


def drawn(rng: np.random.Generator, plan: str, units: dict[str, Any], traces: int) -> tuple[Any, Any]:
    """Which units humans code, and π."""
    n = len(units["trace"])
    if plan == "simple":
        coded = np.zeros(n, bool)
        coded[rng.permutation(n)[: n // 3]] = True
        return coded, np.full(n, (n // 3) / n)
    if plan == "enriched":
        pi = np.where(units["machine"] > 0, 0.6, 0.2)
        return rng.random(n) < pi, pi
    chosen = rng.permutation(traces)[: traces // 3]
    return np.isin(units["trace"], chosen), np.full(n, (traces // 3) / traces)


def one_run(rng: np.random.Generator, plan: str, options: argparse.Namespace, base: float) -> dict[str, Any]:
    """Interval (or None) of each estimator."""
    units = population(rng, options.traces, base, options.sd)
    coded, pi = drawn(rng, plan, units, options.traces)
    y, f, trace = np.where(coded, units["true"], np.nan), units["machine"], units["trace"]
    share = corrected_prevalence(y, f, pi, trace)
    odds = corrected_logistic(y, f, pi, units["cop"], trace, names=("CoP",))[1]
    published = published_mean(y[coded], f[coded], f[~coded])
    row: dict[str, Any] = {"prevalence ppi-python": (float(published.coef[0]), published.interval()[0])}
    for name, result in (("prevalence", share), ("CoP", odds)):
        row |= {f"{name} {key}": found for key, found in _intervals(result).items()}
    return row


def _intervals(result: Corrected) -> dict[str, Any]:
    return {e.name: (e.value, e.interval) for e in result.estimates}


def table(plan: str, rows: list[dict[str, Any]], truth: dict[str, float]) -> None:
    """Coverage in %, its own error, bias, mean width and undefined runs."""
    for key in sorted(rows[0], key=lambda k: (k.split()[0] != "prevalence", k)):
        target = truth[key.split()[0]]
        found = [row[key] for row in rows if row[key][1] is not None]
        covered = sum(low <= target <= high for _, (low, high) in found) / len(rows)
        bias = float(np.mean([value - target for value, _ in found]))
        width = float(np.median([high - low for _, (low, high) in found]))
        error = math.sqrt(covered * (1 - covered) / len(rows))
        missing = len(rows) - len(found)
        print(
            f"{plan:9} {key:26} {100 * covered:5.1f} ± {100 * error:3.1f}   {bias:+.4f}   {width:.4f}   {missing}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--traces", type=int, default=60)
    parser.add_argument("--prevalence", type=float, default=0.25)
    parser.add_argument("--sd", type=float, default=0.8, help="of the trace effects, on the log odds")
    parser.add_argument("--plan", choices=PLANS, action="append")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    base = base_for(options.prevalence, options.sd)
    plain, cop = averaged(base, options.sd), averaged(base + EFFECT, options.sd)
    truth = {
        "prevalence": (plain + cop) / 2,
        "CoP": math.log(cop / (1 - cop)) - math.log(plain / (1 - plain)),
    }
    print(f"{options.runs} runs, {options.traces} traces of 15-35 units, seed {options.seed}; truth {truth}")
    print("plan      estimate                   coverage       bias      width    undefined")
    for number, plan in enumerate(options.plan or PLANS):
        rng, start = np.random.default_rng([options.seed, number]), time.perf_counter()
        rows = [one_run(rng, plan, options, base) for _ in range(options.runs)]
        table(plan, rows, truth)
        print(f"          {time.perf_counter() - start:.1f} s\n")


if __name__ == "__main__":
    main()
