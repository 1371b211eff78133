"""How often a learned coder breaks the promise of ``--error .10 --confidence .90``: simulated traces, and real ones in halves.

    python -m benchmarks.deferral                                    simulated: 1,000 tries of each design
    python -m benchmarks.deferral --run RUN                          halves of the traces of a run that people coded

A try calibrates on n traces and codes n others; it is broken if more than 10 % of the codes given are wrong. ``plain`` is the loosest
threshold at which at most 10 % were wrong on the traces it was chosen on.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator

import numpy as np

from pedagogy_r1.coding.learned.coded_traces import read_coded
from pedagogy_r1.coding.learned.deferral import CalibrationData
from pedagogy_r1.coding.learned.fit_coder import calibration_of
from pedagogy_r1.coding.learned.fit_model import out_of_fold
from pedagogy_r1.errors import InputError
from pedagogy_r1.runs.run import CoderRun

ERROR, CONFIDENCE, TRIES = 0.10, 0.90, 1000

Pairs = Iterator[tuple[CalibrationData, CalibrationData]]


def simulated(traces: int, spread: float, rng: np.random.Generator) -> Pairs:
    """Traces of uneven length, harder or easier than the coder believes by a lognormal factor; about a third of codes wrong."""

    def draw() -> CalibrationData:
        sizes = np.maximum(3, rng.lognormal(3.3, 0.6, traces)).astype(int)
        trace = np.repeat(np.arange(traces), sizes)
        sure = np.clip(rng.beta(3, 1.5, len(trace)), 0.2, 0.999)
        hard = np.exp(rng.normal(-(spread**2) / 2, spread, traces))[trace]
        wrong = rng.random(len(trace)) < np.minimum(1, (1 - sure) * hard)
        return CalibrationData(sure, wrong.astype(float), trace)

    for _ in range(TRIES):
        yield draw(), draw()


def halves(known: CalibrationData, rng: np.random.Generator) -> Pairs:
    """Half of the traces, and the other half."""
    numbers = np.unique(known.trace)
    for _ in range(TRIES):
        chosen = rng.permutation(numbers)[: len(numbers) // 2]
        mine = np.isin(known.trace, chosen)
        yield _only(known, mine), _only(known, ~mine)


def _only(known: CalibrationData, kept: np.ndarray) -> CalibrationData:
    return CalibrationData(known.sure[kept], known.wrong[kept], known.trace[kept])


def plain(known: CalibrationData) -> float:
    """The loosest threshold at which the error was small enough, units counted as if drawn one by one."""
    order = np.argsort(-known.sure)
    small = np.cumsum(known.wrong[order]) / np.arange(1, len(order) + 1) <= ERROR
    return float(known.sure[order][np.flatnonzero(small)[-1]]) if small.any() else 2.0


def promised(known: CalibrationData) -> float:
    """Ours; nothing is coded where nothing can be promised."""
    try:
        return known.threshold(ERROR, CONFIDENCE)
    except InputError:
        return 2.0


def measure(pairs: Pairs, rule: Callable[[CalibrationData], float]) -> tuple[float, float]:
    """Share of tries that broke the promise, and the mean share of units that were coded."""
    broken, coded = [], []
    for known, new in pairs:
        given = new.sure >= rule(known)
        broken.append(bool(given.any() and new.wrong[given].mean() > ERROR))
        coded.append(given.mean())
    return float(np.mean(broken)), float(np.mean(coded))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--run")
    run = parser.parse_args().run
    print(f"{'data':34}{'traces':>7}{'broken':>8}{'coded':>7}   plain: {'broken':>7}{'coded':>7}")
    if run:
        coded = read_coded([CoderRun(run)])
        known = calibration_of(coded, out_of_fold(coded, 0))
        print_row(run[-34:], len(coded.traces) // 2, lambda: halves(known, np.random.default_rng(1)))
        return
    for spread in (0.3, 0.6):
        for traces in (10, 20, 40, 120):
            print_row(
                f"simulated, spread {spread}",
                traces,
                lambda n=traces, s=spread: simulated(n, s, np.random.default_rng(1)),
            )


def print_row(name: str, traces: int, pairs: Callable[[], Pairs]) -> None:
    """One line of the table."""
    ours, theirs = measure(pairs(), promised), measure(pairs(), plain)
    print(f"{name:34}{traces:7}{ours[0]:8.3f}{ours[1]:7.2f}   plain: {theirs[0]:7.3f}{theirs[1]:7.2f}")


if __name__ == "__main__":
    main()
