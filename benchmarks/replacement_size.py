"""How often does the test of one left-out coder reject a true null hypothesis, with and without clustered errors?

    python benchmarks/replacement_size.py --runs 1000

The machine is worse than the coder by exactly ε (.2) on average over traces, but better on some traces and worse on others
(``icc``: how alike the differences d of one trace are). Nominal size .05, one-sided.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from pedagogy_r1.agreement.left_out import mean_test

EPSILON, LOST = 0.2, 0.3  # mean of d; P(d = 1) on average, so that P(d = −1) is .1 in every trace


def differences(
    traces: int, per_trace: int, icc: float, uneven: bool, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """(n,) d and the trace of each: P(d = 1) of a trace is Beta distributed with mean ``LOST``."""
    sizes = rng.geometric(1 / per_trace, traces) if uneven else np.full(traces, per_trace)
    weight = (1 - icc) / icc if icc else None
    lost = rng.beta(LOST * weight, (1 - LOST) * weight, traces) if weight else np.full(traces, LOST)
    # d = −1 takes its constant .1 of what is not lost, so that the mean is ε whatever the trace draws.
    cluster = np.repeat(np.arange(traces), sizes)
    drawn = rng.random(len(cluster))
    won = (LOST - EPSILON) / (1 - LOST)
    here = lost[cluster]
    return np.where(drawn < here, 1, np.where(drawn < here + won * (1 - here), -1, 0)), cluster


def main() -> None:
    """Print one line per design."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    print(f"{'traces':>7}{'units':>7}{'icc':>6}  {'sizes':<7}{'published':>10}{'clustered':>10}   seconds")
    for traces, per_trace, icc, uneven in [
        (14, 40, 0.0, False),
        (14, 40, 0.05, False),
        (14, 40, 0.05, True),
        (14, 40, 0.2, False),
        (42, 40, 0.05, False),
        (42, 40, 0.2, True),
    ]:
        start = time.perf_counter()
        rng = np.random.default_rng(options.seed)
        rejected = np.zeros(2)
        for _ in range(options.runs):
            d, cluster = differences(traces, per_trace, icc, uneven, rng)
            tests = mean_test(d, EPSILON), mean_test(d, EPSILON, cluster)
            rejected += [test.p is not None and test.p < 0.05 for test in tests]
        shares = rejected / options.runs
        print(
            f"{traces:>7}{traces * per_trace:>7}{icc:>6}  {'uneven' if uneven else 'even':<7}"
            f"{shares[0]:>10.3f}{shares[1]:>10.3f}   {time.perf_counter() - start:.1f}"
        )


if __name__ == "__main__":
    main()
