"""Leave one coder out: who fits the remaining coders better, the machine or the coder who was left out?

unit   A      B      C      machine     left out: A    machine as good   A as good   d = A − machine
u1     IA-SQ  IA-SQ  TR-SP  IA-SQ                      1                 1            0  (a tie counts for both)
u2     KA-RO  IA-SQ  IA-SQ  IA-SQ                      1                 0           −1
u3     TR-SP  TR-SP  (–)    KA-RO                      0                 1           +1

ρ_f, ρ_h: the shares of units on which the machine, and the coder, was as good or better. The null hypothesis of coder j
is ρ_h − ρ_f ≥ ε, the mean of d: rejecting it is a win over j (Calderon, Reichart & Dror 2025, ACL, §3; authors' code).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .additive import Additive, Floats, Interval, Ints, compact, percentile
from .fit import Scorer, at_least
from .profile import MISSING

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class LeftOut:
    """The comparisons with one coder left out. ``units``: (n,) places of the units; ``machine_wins`` and ``coder_wins``:
    (n,) W^f and W^h, both true on a tie."""

    coder: int
    units: Ints
    machine_wins: Bools
    coder_wins: Bools

    @property
    def difference(self) -> Ints:
        """(n,) d = W^h − W^f: −1, 0 or 1."""
        return self.coder_wins.astype(np.int64) - self.machine_wins.astype(np.int64)


def usable(values: Ints, machine: Ints, min_per_unit: int) -> Bools:
    """(units,) coded by the machine and by at least ``min_per_unit`` of the (coders, units) humans."""
    return np.asarray(((values != MISSING).sum(axis=0) >= min_per_unit) & (machine != MISSING))


def leave_out(values: Ints, machine: Ints, among: Bools, coder: int, scorer: Scorer) -> LeftOut:
    """Compare machine and ``coder`` on the units ``among`` which the coder coded."""
    units = np.flatnonzero(among & (values[coder] != MISSING))
    others = np.delete(values, coder, axis=0)[:, units]
    machines, coders = scorer(machine[units], others), scorer(values[coder, units], others)
    return LeftOut(coder, units, at_least(machines, coders), at_least(coders, machines))


@dataclass(frozen=True)
class MeanTest:
    """t test of mean d ≥ ε against mean d < ε. ``p`` is ``None`` where there is no test: ``why_undefined``.

    ``p_adjusted``: Benjamini–Yekutieli over the coders, to be held against q. ``clusters``: units, or traces.
    """

    mean: float
    se: float | None
    clusters: int
    t: float | None
    p: float | None
    p_adjusted: float | None = None
    reject: bool = False
    why_undefined: str | None = None


def mean_test(difference: Ints, epsilon: float, cluster: Ints | None = None) -> MeanTest:
    """One-sided t test; with ``cluster`` (n,), the mean's CR1 standard error over traces.

        se² = G/(G−1) · Σ_g (Σ_{i∈g} (d_i − d̄))² / n²,   t = (d̄ − ε)/se on G − 1 degrees of freedom

    G clusters of n units in all. If each unit is a cluster of its own this is the published t test exactly. Where a
    trace's units are alike the published test rejects a true null 15–32 % of the time instead of 5, this one 6–9 %, most
    with uneven traces (benchmarks/replacement_size.py).
    Sums are kept whole until the last division, so that no variance is really none.
    """
    n = len(difference)
    total = int(difference.sum())
    _, place = compact(cluster) if cluster is not None else (None, np.arange(n))
    sums, sizes = np.bincount(place, difference), np.bincount(place)
    clusters, mean = len(sizes), total / n
    if clusters < 2:
        return MeanTest(mean, None, clusters, None, None, why_undefined="all units lie in one trace")
    spread = float(((n * sums - sizes * total) ** 2).sum()) / n**4
    se = math.sqrt(spread * clusters / (clusters - 1))
    t = _t(mean, se, epsilon)
    if t is None:
        return MeanTest(
            mean, se, clusters, None, None, why_undefined="the mean is ε exactly, without variance"
        )
    return MeanTest(mean, se, clusters, t, _lower_tail(clusters - 1, t))


def _t(mean: float, se: float, epsilon: float) -> float | None:
    """Without variance ±∞ (as scipy, and so the published program, has it), but ``None`` for 0/0."""
    if se > 0:
        return (mean - epsilon) / se
    return None if math.isclose(mean, epsilon) else math.copysign(math.inf, mean - epsilon)


def _lower_tail(df: int, t: float) -> float:
    from scipy import special

    return float(special.stdtr(df, t))


def benjamini_yekutieli(p: Sequence[float | None], q: float) -> tuple[list[float], list[bool]]:
    """Adjusted p and rejections at false discovery rate ``q``, under any dependence of the tests (statsmodels); a test
    that could not be made counts as p = 1."""
    from statsmodels.stats.multitest import multipletests

    if not p:
        return [], []
    reject, adjusted, _, _ = multipletests([1.0 if x is None else x for x in p], alpha=q, method="fdr_by")
    return [float(x) for x in adjusted], [bool(x) for x in reject]


def wins_at(tests: Sequence[MeanTest], epsilon: float, q: float) -> int:
    """How many coders the machine would win over at another ε."""
    p: list[float | None] = []
    for test in tests:
        t = None if test.se is None else _t(test.mean, test.se, epsilon)
        p.append(None if t is None else _lower_tail(test.clusters - 1, t))
    return sum(benjamini_yekutieli(p, q)[1])


def advantage_interval(
    left: Sequence[LeftOut], n_units: int, cluster: Ints | None, replicates: int, seed: int
) -> Interval:
    """Bootstrap over traces, or over units where no traces are known, of ρ: the mean over coders of ρ_f.

    All a resample needs is, per coder, how many units were compared and won; few patterns of that exist.
    """
    seen = np.zeros((len(left), n_units), dtype=np.int64)
    for row, one in enumerate(left):
        seen[row, one.units] = 1 + one.machine_wins
    compared = seen.any(axis=0)
    patterns, profile = np.unique(seen[:, compared].T, axis=0, return_inverse=True)
    features = np.hstack([patterns == 2, patterns > 0]).astype(np.float64)
    places = np.zeros(n_units, dtype=np.int64) if cluster is None else cluster
    statistic = Additive(features, profile.ravel(), places[compared], _mean_share)
    draw = statistic.over_units if cluster is None else statistic.over_clusters
    return percentile(draw(replicates, seed))


def _mean_share(sums: Floats) -> Floats:
    won, compared = np.split(sums, 2, axis=1)
    with np.errstate(invalid="ignore"):
        return np.asarray((won / compared).mean(axis=1))
