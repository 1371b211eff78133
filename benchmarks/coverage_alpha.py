"""How often does a 95 % interval of α cover the true α, when units come in traces?

    python -m benchmarks.coverage_alpha --runs 1000

Traces differ in which codes they hold (Dirichlet) and in how hard they are to code (Beta), so units of one trace resemble
each other. The true α is that of 20,000 traces of the same kind. ``over units`` takes units for independent.
"""

from __future__ import annotations

import argparse
from typing import Any, NamedTuple

import numpy as np

from pedagogy_r1.agreement import Reliability, hayes_krippendorff, krippendorff_alpha
from pedagogy_r1.estimate import Resampling


class Design(NamedTuple):
    """A kind of data."""

    name: str
    traces: int
    units: int = 25
    coders: int = 2
    codes: int = 5
    clustered: float = 1.0
    """Dirichlet concentration of a trace's codes: small is strongly clustered, infinite is not at all."""
    rare: bool = False


DESIGNS = (
    Design("40 traces", 40),
    Design("100 traces", 100),
    Design("40 traces, 3 coders", 40, coders=3),
    Design("40 traces, 4 coders", 40, coders=4),
    Design("20 traces", 20),
    Design("14 traces, as in the paper", 14),
    Design("6 traces", 6),
    Design("40 traces, one code of 3 %", 40, codes=2, rare=True),
    Design("40 traces, units independent", 40, clustered=np.inf),
)


def draw(
    design: Design, traces: int, rng: np.random.Generator
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """(coders, units) values and (units,) traces."""
    base = np.array([0.97, 0.03]) if design.rare else np.full(design.codes, 1 / design.codes)
    if np.isinf(design.clustered):
        shares, skill = np.tile(base, (traces, 1)), np.full(traces, 0.75)
    else:
        shares = rng.dirichlet(base * design.codes * design.clustered, traces)
        skill = rng.beta(3, 1, traces)
    cluster = np.repeat(np.arange(traces), design.units)
    steps = np.cumsum(shares, axis=1)
    truth = (rng.random(len(cluster))[:, None] > steps[cluster]).sum(axis=1).clip(0, design.codes - 1)
    guess = rng.choice(design.codes, size=(design.coders, len(cluster)), p=base)
    right = rng.random((design.coders, len(cluster))) < skill[cluster]
    return np.where(right, truth, guess), cluster


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--replicates", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    print(
        f"{'design':<32} {'true α':>7} {'over traces':>12} {'over units':>11} {'Hayes–K.':>9} {'undefined':>10}   ({given.runs} runs)"
    )
    for number, design in enumerate(DESIGNS):
        rng = np.random.default_rng([given.seed, number])
        values, cluster = draw(design, 20_000, rng)
        true = krippendorff_alpha(values, cluster, design.codes, replicates=0).value
        assert true is not None
        hits = {"traces": 0, "units": 0, "hayes": 0}
        undefined = 0
        for run in range(given.runs):
            values, cluster = draw(design, design.traces, rng)
            how = Resampling(given.replicates, run)
            found = krippendorff_alpha(
                values, cluster, design.codes, replicates=how.replicates, seed=how.seed
            )
            if found.interval is None or found.unit_interval is None:
                undefined += 1
                continue
            hayes = hayes_krippendorff(Reliability(values, cluster, design.codes), how).interval
            assert hayes is not None
            for name, ci in (("traces", found.interval), ("units", found.unit_interval), ("hayes", hayes)):
                hits[name] += ci[0] <= true <= ci[1]
        share = {name: f"{count / given.runs:.3f}" for name, count in hits.items()}
        print(
            f"{design.name:<32} {true:>7.3f} {share['traces']:>12} {share['units']:>11} {share['hayes']:>9} {undefined / given.runs:>10.3f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
