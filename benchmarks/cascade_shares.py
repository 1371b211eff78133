"""How often the interval of a code's share holds, where people code what a machine left open and some of what it coded.

    python -m benchmarks.cascade_shares                 300 studies: 40 traces of 25 units

Each study: the machine leaves 40 % of the units open, and one in ten of the codes that it gives is wrong, always towards the code (--error .10 allows
that). People code all that is open, and one in ten of the others (``pcode sample
--deferred RUN --others .1``). *Completed*: the share in the completed run, at face value. *DSL*: corrected with the recorded probabilities.
*Assumed*: corrected as if people's units had been drawn at random from all, which the report refuses. The target is the share in the
population that traces are drawn from.
"""

from __future__ import annotations

import argparse

import numpy as np

from pedagogy_r1.stats.corrected import corrected_prevalence

TRACES, UNITS, OPEN, WRONG, OTHERS = 40, 25, 0.4, 0.1, 0.1


def study(rng: np.random.Generator) -> dict[str, tuple[float, float]]:
    """The intervals of one study, for a code that a third of units have."""
    trace = np.repeat(np.arange(TRACES), UNITS)
    rate = np.minimum(rng.beta(3, 6, TRACES), 0.85)[trace]
    truth = rng.random(len(trace)) < rate
    deferred = rng.random(len(trace)) < OPEN
    machine = truth | (
        rng.random(len(trace)) < WRONG / (1 - rate)
    )  # a tenth of its codes is wrong, each towards the code
    pi = np.where(deferred, 1.0, OTHERS)
    coded = rng.random(len(trace)) < pi
    whole = np.where(deferred, truth, machine)
    y = np.where(coded, truth, np.nan)
    found = corrected_prevalence(y, whole, pi, trace)
    assumed = corrected_prevalence(y, whole, float(coded.mean()), trace)
    ways = {"completed": found.naive, "DSL": found.dsl, "assumed": assumed.dsl}
    return {name: e.interval or (0.0, 1.0) for name, e in ways.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    rng, target = np.random.default_rng(asked.seed), 3 / 9
    held: dict[str, list[bool]] = {}
    for _ in range(asked.studies):
        for name, (low, high) in study(rng).items():
            held.setdefault(name, []).append(low <= target <= high)
    for name, own in held.items():
        print(f"{name:>10}  {100 * np.mean(own):.1f} % of {len(own)} intervals (95 %) hold the share")


if __name__ == "__main__":
    main()
