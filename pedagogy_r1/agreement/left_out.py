"""Leave one coder out: who fits the remaining coders better, the machine or the coder who was left out?

unit   A      B      C      machine     left out: A    machine as good   A as good   d = A − machine
u1     IA-SQ  IA-SQ  TR-SP  IA-SQ                      1                 1            0  (a tie counts for both)
u2     KA-RO  IA-SQ  IA-SQ  IA-SQ                      1                 0           −1
u3     TR-SP  TR-SP  (–)    KA-RO                      0                 1           +1

ρ_f, ρ_h: the shares of units on which the machine, and the coder, was as good or better. The null hypothesis of coder j
is ρ_h − ρ_f ≥ ε, the mean of d: rejecting it is a win over j (Calderon, Reichart & Dror 2025, ACL, §3; authors' code).

A code's *score* says how well it fits the codes that the others gave to the same unit: the share of others who gave it
(accuracy), −√(mean squared distance) to theirs (neg_rmse), the mean similarity of sets (jaccard). Two codes of a unit are
only ever compared with each other, against the same others. So a score may be any rising function of the published one:
matches for their share, −Σ(x − x_o)² for −√(mean). Counts and whole numbers make ties exact; where numbers are not whole,
what differs by rounding alone (relative 1e-9) is a tie too.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import did_you_mean
from ..estimate import Estimate, Flags, Resampling, compact, effective, joined, mostly_undefined, percentile
from ..formatting import level_words
from ..limits import FEWEST_CLUSTERS
from .alpha import distances
from .profile import MISSING, Additive, Floats, Ints, ratio

Metric = str | Callable[[Any, Sequence[Any]], float]
"""``"accuracy"``, ``"neg_rmse"``, ``"jaccard"`` (mean similarity of sets), or a function (code, others' codes) → score,
higher is better, as in the published program."""

Scorer = Callable[[Ints, Ints], Floats]
"""(units,) codes and (others, units) codes of the other coders, ``MISSING`` where there is none → (units,) scores."""

METRICS = ("accuracy", "neg_rmse", "jaccard")
_ROUNDING = 1e-9


def scorer(metric: Metric, domain: Sequence[Any]) -> Scorer:
    """The scorer over indices into ``domain``. Raises `ValueError` for an unknown metric or unfit codes."""
    if callable(metric):
        return _by_function(metric, domain)
    if metric == "accuracy":
        return lambda mine, others: (others == mine).sum(axis=0).astype(np.float64)
    if metric == "neg_rmse":
        numbers = _numbers(domain)
        return _summed(lambda mine, others: -((numbers[others] - numbers[mine]) ** 2))
    if metric == "jaccard":
        delta = _jaccard(domain)
        return _summed(lambda mine, others: 1 - delta[mine, others])
    raise ValueError(f"no metric is named {metric!r}: {did_you_mean(metric, list(METRICS))}")


def _summed(pairwise: Scorer) -> Scorer:
    """Over the others who coded the unit."""
    return lambda mine, others: np.where(others == MISSING, 0.0, pairwise(mine, others)).sum(axis=0)


def _by_function(function: Callable[[Any, Sequence[Any]], float], domain: Sequence[Any]) -> Scorer:
    def score(mine: Ints, others: Ints) -> Floats:
        said = ([domain[o] for o in column if o != MISSING] for column in others.T.tolist())
        found = [float(function(domain[m], rest)) for m, rest in zip(mine.tolist(), said, strict=True)]
        if any(math.isnan(value) for value in found):
            raise ValueError("the metric gave no number (NaN) for a unit: let it return a number always")
        return np.array(found, dtype=np.float64)

    return score


def _numbers(domain: Sequence[Any]) -> Floats:
    for value in domain:
        if isinstance(value, str) or not np.isscalar(value) or not math.isfinite(value):  # type: ignore[arg-type]
            raise ValueError(f"neg_rmse needs numbers; one code is {value!r}: use accuracy for nominal codes")
    return np.array(domain, dtype=np.float64)


def _jaccard(domain: Sequence[Any]) -> Floats:
    for value in domain:
        if not isinstance(value, (frozenset, set, tuple, list)):
            raise ValueError(f"jaccard needs sets of codes; one is {value!r}: use accuracy for single codes")
    delta = distances("jaccard", [frozenset(value) for value in domain])
    assert delta is not None  # only the ordinal level has none
    return delta


@dataclass(frozen=True)
class LeftOut:
    """The comparisons with one coder left out. ``units``: (n,) places of the units; ``machine_wins`` and ``coder_wins``:
    (n,) W^f and W^h, both true on a tie."""

    coder: int
    units: Ints
    machine_wins: Flags
    coder_wins: Flags

    @property
    def difference(self) -> Ints:
        """(n,) d = W^h − W^f: −1, 0 or 1."""
        return self.coder_wins.astype(np.int64) - self.machine_wins.astype(np.int64)


def leave_out(values: Ints, machine: Ints, among: Flags, coder: int, score: Scorer) -> LeftOut:
    """Compare machine and ``coder`` on the units ``among`` which the coder coded. ``values``: (humans, units)."""
    units = np.flatnonzero(among & (values[coder] != MISSING))
    others = np.delete(values, coder, axis=0)[:, units]
    machines, coders = score(machine[units], others), score(values[coder, units], others)
    return LeftOut(coder, units, _at_least(machines, coders), _at_least(coders, machines))


def _at_least(first: Floats, second: Floats) -> Flags:
    """(units,) whether the first score is as good as the second or better; ties are."""
    return np.asarray((first >= second) | np.isclose(first, second, rtol=_ROUNDING, atol=0))


@dataclass(frozen=True)
class MeanTest:
    """t test of mean d ≥ ε against mean d < ε. ``p`` is ``None`` where there is no test: ``why_undefined``.

    ``p_adjusted``: Benjamini–Yekutieli over the coders, to be held against q. ``clusters``: units, or traces;
    ``df``: degrees of freedom of the t;
    ``skew``: of the traces' influences, over √effective traces.
    """

    mean: float
    se: float | None
    clusters: int
    df: float | None = None
    skew: float = 0.0
    t: float | None = None
    p: float | None = None
    p_adjusted: float | None = None
    reject: bool = False
    why_undefined: str | None = None


def mean_test(difference: Ints, epsilon: float, cluster: Ints | None = None) -> MeanTest:
    """One-sided t test; with ``cluster`` (n,), errors over traces by CR2 with the degrees of freedom of Bell and McCaffrey.

        se² = Σ_g (e_g / a_g)² / n²,   e_g = Σ_{i∈g} (d_i − d̄),   a_g² = 1 − 2 m_g/n + Σ m²/n²,   t = (d̄ − ε)/se

    m_g units of n: a long trace pulls d̄ to itself, so that its residual is too small by a_g, for a working variance of a
    trace's sum ∝ m_g² (Pustejovsky & Tipton 2018; Bell & McCaffrey 2002). Where a few traces are lost by far more than the
    others, t + γ(1 + 2t²)/(6√K) of the skewness γ is nearer to a t (Johnson 1978; K effective traces); the larger of the two is
    taken. Without ``cluster`` this is the published t test; where a trace's units are alike that rejects a true null 15–32 % of
    the time instead of 5, this one 2–6 %, with few traces or many, unequal or harder where they are long
    (benchmarks/coverage_intervals.py). Sums are kept whole until the last division, so that no variance is really none.
    """
    n = len(difference)
    total = int(difference.sum())
    _, place = compact(cluster) if cluster is not None else (None, np.arange(n))
    sums, sizes = np.bincount(place, difference), np.bincount(place)
    order = np.lexsort((sums, sizes))  # so that rounding does not depend on the order of the traces
    sums, sizes = sums[order], sizes[order]
    clusters, mean = len(sizes), total / n
    if clusters < 2:
        return MeanTest(mean, None, clusters, why_undefined="all units lie in one trace")
    if cluster is not None and clusters < FEWEST_CLUSTERS:
        few = f"{clusters} traces, and with fewer than {FEWEST_CLUSTERS} no clustered test can hold"
        return MeanTest(mean, None, clusters, why_undefined=few)
    residuals = (n * sums - sizes * total) / n
    shrink = 1 - 2 * sizes / n + float((sizes.astype(float) ** 2).sum()) / n**2
    se = math.sqrt(float((residuals**2 / shrink).sum())) / n
    skew = _skew(sums, sizes) if cluster is not None else 0.0
    t = _t(mean, se, epsilon, skew)
    if t is None:
        return MeanTest(mean, se, clusters, why_undefined="the mean is ε exactly, without variance")
    df = _bell_mccaffrey(sizes / n, shrink)
    return MeanTest(mean, se, clusters, df, skew, t, _lower_tail(df, t))


def _skew(sums: Ints, sizes: Ints) -> float:
    """γ/√K of what d̄ becomes without each trace, K = (Σm)²/Σm²; 0 where nothing varies."""
    without = (sums.sum() - sums) / np.maximum(sizes.sum() - sizes, 1)
    influence = without.mean() - without
    spread = float((influence**2).mean())
    if spread <= 0:
        return 0.0
    return float((influence**3).mean() / spread**1.5 / np.sqrt(effective(sizes)))


def _bell_mccaffrey(share: Floats, shrink: Floats) -> float:
    """(Σλ)²/Σλ² of se² as a quadratic form in the clusters' sums, of standard deviation ∝ m_g; ``share``: (G,) m_g/n.

    Rows of P: (sum of g − share_g × all sums) / a_g. PPᵀ = D + (low rank), so that no (G, G) matrix is made.
    """
    squares = share**2
    # (PPᵀ)_gh = ([g = h] s_g² − s_g s_h (s_g + s_h) + s_g s_h Q) / (a_g a_h), with s = share and Q = Σ s².
    whole = float(squares.sum())
    diagonal = squares * (1 - 2 * share + whole) / shrink
    trace = float(diagonal.sum())
    b = squares / shrink
    # Σ_gh of the squared low-rank part L_gh = s_g s_h (Q − s_g − s_h) / (a_g a_h), plus what the diagonal adds to it.
    moments = [float((b * share**power).sum()) for power in range(3)]
    low_rank = (
        whole**2 * moments[0] ** 2
        + 2 * (moments[2] * moments[0] + moments[1] ** 2)
        - 4 * whole * moments[1] * moments[0]
    )
    own = b * (whole - 2 * share)
    square = low_rank + float((diagonal**2 - own**2).sum())
    return trace**2 / square


def _t(mean: float, se: float, epsilon: float, skew: float) -> float | None:
    """Without variance ±∞ (as scipy, and so the published program, has it), but ``None`` for 0/0."""
    if se > 0:
        t = (mean - epsilon) / se
        return max(t, t + skew * (1 + 2 * t * t) / 6)
    return None if math.isclose(mean, epsilon) else math.copysign(math.inf, mean - epsilon)


def _lower_tail(df: float, t: float) -> float:
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
    t = [None if test.se is None else _t(test.mean, test.se, epsilon, test.skew) for test in tests]
    p = [
        None if one is None or test.df is None else _lower_tail(test.df, one)
        for one, test in zip(t, tests, strict=True)
    ]
    return sum(benjamini_yekutieli(p, q)[1])


def advantage(left: Sequence[LeftOut], n_units: int, cluster: Ints | None, how: Resampling) -> Estimate:
    """ρ, the mean over coders of ρ_f, over traces, or over units where no traces are known.

    All a resample needs is, per coder, how many units were compared and won; few patterns of that exist.
    """
    rho = float(np.mean([one.machine_wins.mean() for one in left]))
    seen = np.zeros((len(left), n_units), dtype=np.int64)
    for row, one in enumerate(left):
        seen[row, one.units] = 1 + one.machine_wins
    compared = seen.any(axis=0)
    patterns, profile = np.unique(seen[:, compared].T, axis=0, return_inverse=True)
    features = np.hstack([patterns == 2, patterns > 0]).astype(np.float64)
    place = np.zeros(n_units, dtype=np.int64) if cluster is None else cluster
    statistic = Additive(features, profile.ravel(), place[compared], _mean_share)
    if cluster is not None:
        return Estimate(rho, **statistic.trace_interval(how, "share"))
    low, high, lost, _ = percentile(statistic.over_units(how), how.level)
    method = f"{level_words(how.level, '')} percentile bootstrap over units, {how.replicates} resamples"
    known: dict[str, Any] = {"level": how.level, "method": method, "seed": how.seed, "undefined_share": lost}
    return Estimate(rho, low, high, n=len(profile), warnings=joined(mostly_undefined(lost)), **known)


def _mean_share(sums: Floats) -> Floats:
    return np.asarray(ratio(*np.split(sums, 2, axis=1)).mean(axis=1))
