"""Spearman's ρ between repetition and coded noise, with a cluster bootstrap.

Two questions, two numbers: do *units* that repeat get coded as noise (units in clusters), and do *traces* that repeat
have more noise? A unit's noise is 0 or 1 and its repetition one of few shares, so that a resample needs no new sort:
counts of both kinds over the distinct shares give the mid-ranks.

Repetition found by the same features that a rule-based coder codes by agrees with that coder by construction; only
human or language-model codings tell whether repetition is what people call noise.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING

from .estimate import FEW, Estimate, Resampling, cluster_index, described, percentile, undefined, weights

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]


def unit_correlation(
    shares: Sequence[float] | Floats,
    noise: Sequence[bool] | npt.NDArray[np.bool_],
    clusters: Sequence[Hashable],
    how: Resampling,
    *,
    over: str = "traces",
) -> Estimate:
    """ρ between (units,) shares and (units,) noise: Pearson's r of the mid-ranks, ties and all."""
    import numpy as np
    import scipy.sparse

    values, place = np.unique(np.asarray(shares, dtype=np.float64), return_inverse=True)
    is_noise = np.asarray(noise, dtype=np.int64)
    why = _why(
        len(values), len(np.unique(is_noise)), "no unit differs in repetition", "no unit differs in noise"
    )
    if why:
        return undefined(why, len(place), how.seed)
    cluster, n_clusters = cluster_index(clusters)
    shape = (n_clusters, 2 * len(values))
    counts = scipy.sparse.coo_matrix(
        (np.ones(len(place)), (cluster, place + is_noise * len(values))), shape=shape
    ).tocsr()

    def rho(table: Floats) -> Floats:
        plain, coded = table[:, : len(values)], table[:, len(values) :]
        at_value = plain + coded
        total = at_value.sum(axis=1)
        rank = np.cumsum(at_value, axis=1) - (at_value - 1) / 2 - ((total + 1) / 2)[:, None]
        share = coded.sum(axis=1) / total
        covariance = (rank * coded).sum(axis=1)
        spread = np.sqrt((rank**2 * at_value).sum(axis=1) * share * (1 - share) * total)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(spread > 0, covariance / spread, np.nan)

    value = float(rho(np.asarray(counts.sum(axis=0), dtype=np.float64).reshape(1, -1))[0])
    if n_clusters < 2 or not how.replicates:
        return _without(value, len(place), n_clusters, over, how)
    size = max(1, 4_000_000 // shape[1])
    drawn = [
        rho(block[start : start + size] @ counts)
        for block in weights(n_clusters, how)
        for start in range(0, len(block), size)
    ]
    return _with(value, np.concatenate(drawn), len(place), n_clusters, over, how)


def trace_correlation(
    measure: Sequence[float],
    noise: Sequence[float],
    clusters: Sequence[Hashable],
    how: Resampling,
    *,
    over: str = "traces",
) -> Estimate:
    """ρ between (traces,) measures and (traces,) noise shares."""
    import numpy as np

    x, y = np.asarray(measure, dtype=np.float64), np.asarray(noise, dtype=np.float64)
    if len(x) < 3:
        return undefined(f"{len(x)} traces only", len(x), how.seed)
    why = _why(
        len(np.unique(x)), len(np.unique(y)), "no trace differs in repetition", "no trace differs in noise"
    )
    if why:
        return undefined(why, len(x), how.seed)
    cluster, n_clusters = cluster_index(clusters)
    value = _spearman(x, y)
    if n_clusters < 2 or not how.replicates:
        return _without(value, len(x), n_clusters, over, how)
    rows = np.argsort(cluster, kind="stable")
    drawn = []
    for block in weights(n_clusters, how):
        for weight in block.astype(np.int64):
            index = np.repeat(rows, weight[cluster[rows]])
            drawn.append(_spearman(x[index], y[index]))
    return _with(value, np.array(drawn), len(x), n_clusters, over, how)


def _spearman(x: Floats, y: Floats) -> float:
    """Pearson's r of mid-ranks; NaN for constant data."""
    import numpy as np
    from scipy.stats import rankdata

    a, b = rankdata(x), rankdata(y)
    a, b = a - a.mean(), b - b.mean()
    spread = float(np.sqrt((a**2).sum() * (b**2).sum()))
    return float((a * b).sum()) / spread if spread else float("nan")


def _why(distinct_x: int, distinct_y: int, same_x: str, same_y: str) -> str | None:
    return same_x if distinct_x < 2 else same_y if distinct_y < 2 else None


def _without(value: float, n: int, n_clusters: int, over: str, how: Resampling) -> Estimate:
    few = f"no interval: one of the {over} only" if n_clusters < 2 else "no interval was asked for"
    return Estimate(value, None, "Spearman's ρ", n, n_clusters, how.seed, warning=few)


def _with(value: float, drawn: Floats, n: int, n_clusters: int, over: str, how: Resampling) -> Estimate:
    interval, lost = percentile(drawn, how)
    warning = f"only {n_clusters} {over}: the interval is too narrow" if n_clusters < FEW else None
    method = f"Spearman's ρ, {described(over, how)}"
    return Estimate(value, interval, method, n, n_clusters, how.seed, None, warning, lost)
