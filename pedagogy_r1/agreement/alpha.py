"""Krippendorff's α from value counts, with bootstrap intervals over units and over traces.

    α = 1 − D_o / D_e            D_o = Σ_u d_u / N,   nominal: d_u = Σ_{c≠k} n_uc n_uk / (m_u − 1)
                                 D_e = Σ_{c≠k} n_c n_k / (N (N − 1))

n_uk: how many coders gave unit u the value k; m_u = Σ_k n_uk, only units with m_u ≥ 2 are pairable;
n_k = Σ_u n_uk; N = Σ_k n_k, the number of pairable values. (Krippendorff 2011, *Computing Krippendorff's
Alpha-Reliability*.) The point estimate comes from the ``krippendorff`` package. A resample needs only d_u and
n_uk summed with the resample's weights: units that repeat one profile of counts are drawn together, as a
multinomial over profiles; traces are drawn whole, as a multinomial over traces.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .reliability import Ints

Floats = npt.NDArray[np.float64]

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Alpha:
    """α or why it is undefined. ``ci``: percentile interval over units; ``ci_cluster``: over traces.

    ``undefined_share``: share of resamples (units, traces) in which α was undefined and which were left out.
    """

    alpha: float | None
    why_undefined: str | None
    ci: tuple[float, float] | None
    ci_cluster: tuple[float, float] | None
    observed: float | None
    expected: float | None
    n_units: int
    n_pairable: int
    undefined_share: tuple[float, float] = (0.0, 0.0)


def nominal_alpha(counts: Ints, cluster: Ints, *, replicates: int = 1000, seed: int = 0) -> Alpha:
    """α of (units, values) counts, nominal level; ``cluster``: (units,) trace of each unit.

    Raises nothing for degenerate data: ``why_undefined`` says in words why there is no α.
    """
    pairable = counts.sum(axis=1) >= 2
    counts, cluster = counts[pairable], cluster[pairable]
    n_units, n_values = len(counts), int(counts.sum())
    why = _undefined(counts)
    if why:
        return Alpha(None, why, None, None, None, None, n_units, n_values)
    import krippendorff

    estimate = float(krippendorff.alpha(value_counts=counts, level_of_measurement="nominal"))
    totals = counts.sum(axis=0)
    disagreement = nominal_disagreement(counts)
    expected = float(n_values**2 - (totals**2).sum()) / (n_values * (n_values - 1))
    rng = np.random.default_rng(seed)
    ci, lost = _interval(_unit_resamples(counts, disagreement, replicates, rng))
    clusters = _cluster_sums(counts, disagreement, cluster)
    ci_cluster, lost_clusters = (
        (None, 0.0) if len(clusters) < 2 else _interval(_resamples(clusters, None, replicates, rng))
    )
    observed = float(disagreement.sum()) / n_values
    return Alpha(estimate, None, ci, ci_cluster, observed, expected, n_units, n_values, (lost, lost_clusters))


def _undefined(counts: Ints) -> str | None:
    if not len(counts):
        return "no unit was coded by two coders"
    used = np.flatnonzero(counts.sum(axis=0))
    if len(used) == 1:
        return "all pairable values are the same, so there is nothing that chance could confuse"
    return None


def nominal_disagreement(counts: Ints) -> Floats:
    """(units,) d_u: disagreeing ordered pairs of a unit over m_u − 1."""
    m = counts.sum(axis=1)
    return (m**2 - (counts**2).sum(axis=1)) / (m - 1)  # type: ignore[no-any-return]


def _unit_resamples(counts: Ints, disagreement: Floats, replicates: int, rng: np.random.Generator) -> Floats:
    profiles, first, sizes = np.unique(counts, axis=0, return_index=True, return_counts=True)
    sums = np.column_stack([disagreement[first], profiles])
    return _resamples(sums, sizes, replicates, rng)


def _cluster_sums(counts: Ints, disagreement: Floats, cluster: Ints) -> Floats:
    """(traces, 1 + values): d_u and n_uk summed per trace that has a pairable unit."""
    _, place = np.unique(cluster, return_inverse=True)
    sums = np.zeros((int(place.max()) + 1, 1 + counts.shape[1]))
    np.add.at(sums, place, np.column_stack([disagreement, counts]))
    return sums


def _resamples(sums: Floats, sizes: Ints | None, replicates: int, rng: np.random.Generator) -> Floats:
    """(replicates,) α of resamples of the rows of ``sums`` (d, n_1 … n_K), drawn with probability ∝ ``sizes``."""
    draws = int(len(sums) if sizes is None else sizes.sum())
    chance = np.full(len(sums), 1 / len(sums)) if sizes is None else sizes / draws
    block = max(1, 4_000_000 // len(sums))
    if not replicates:
        return np.empty(0)
    parts = [
        rng.multinomial(draws, chance, size=min(block, replicates - start)) @ sums
        for start in range(0, replicates, block)
    ]
    d, n = np.split(np.concatenate(parts), [1], axis=1)
    total = n.sum(axis=1)
    chance_pairs = total**2 - (n**2).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(chance_pairs > 0, 1 - (total - 1) * d[:, 0] / chance_pairs, np.nan)


def _interval(values: Floats) -> tuple[tuple[float, float] | None, float]:
    """Percentile interval of the defined resamples, and the share of undefined ones."""
    defined = values[~np.isnan(values)]
    share = 1 - len(defined) / len(values) if len(values) else 0.0
    if not len(defined):
        return None, share
    low, high = np.quantile(defined, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return (float(low), float(high)), share
