"""Krippendorff's α, with bootstrap intervals over units and over traces.

    α = 1 − D_o / D_e          D_o = Σ_u d_u / N      d_u = Σ_c Σ_k (n_uc n_uk − [c = k] n_uc) δ_ck / (m_u − 1)
                               D_e = Σ_c Σ_k n_c n_k δ_ck / (N (N − 1))

n_uk: how many coders gave unit u the value k; m_u = Σ_k n_uk, only units with m_u ≥ 2 are pairable; n_k = Σ_u n_uk;
N = Σ_k n_k, the number of pairable values; δ: `distance.py`. (Krippendorff 2011, *Computing Krippendorff's
Alpha-Reliability*; Hayes & Krippendorff 2007.) So a resample needs no more than the sums of d_u and n_uk over its
units, and for the ordinal level, whose δ depends on the n_k, the sums of the units' coincidences.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from .additive import Additive, Floats, Ints, over_clusters, percentile
from .distance import NUMERIC, distances
from .profile import Profiles, profiles, value_counts

REFERENCE_UNITS = 20_000
"""Up to so many units the ``krippendorff`` package itself gives the point estimate; ours equals it to 1e-12 (tested),
and at a million units is a hundred times faster."""

THRESHOLDS = (0.667, 0.8)
"""Krippendorff's customary limits: below .667 discard, from .800 rely on it."""


@dataclass(frozen=True)
class Alpha:
    """α or why it is undefined. ``ci``: 95 % percentile interval over units; ``ci_cluster``: over traces.

    ``undefined_share``: share of resamples (units, traces) in which α was undefined, and which were left out.
    ``warnings``: why the intervals should not be trusted, where simulation shows that they cover too seldom.
    ``q``: for each threshold, the share of resamples (over traces, else over units) in which α lies below it.
    """

    alpha: float | None
    why_undefined: str | None
    ci: tuple[float, float] | None
    ci_cluster: tuple[float, float] | None
    observed: float | None
    expected: float | None
    n_units: int
    n_pairable: int
    n_traces: int = 0
    undefined_share: tuple[float, float] = (0.0, 0.0)
    q: dict[str, float] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    @property
    def too_uniform(self) -> bool:
        """Almost all values are the same, as with a rare code."""
        return any(warning.endswith(UNIFORM) for warning in self.warnings)


Domain = int | Sequence[float] | Sequence[frozenset[str]]


FEW_TRACES = 40
"""In simulation 95 % intervals over traces covered .94–.95 from 40 traces on, .92 with 20, .86 with 6."""

FEW_DISSENTING = 100
"""Pairable values that are not the commonest one; with 60, 95 % intervals over traces covered .82."""


UNIFORM = "are not the commonest one: too few for a trustworthy interval"


class Reliability(NamedTuple):
    """One α to be computed: (coders, units) ``values`` as indices into ``domain`` (how many values there are, or the
    numbers or sets that they stand for), ``MISSING`` (-1) where there is none; ``cluster``: (units,) trace of each unit."""

    values: Ints
    cluster: Ints
    domain: Domain
    level: str = "nominal"

    @property
    def size(self) -> int:
        """K, the number of values."""
        return self.domain if isinstance(self.domain, int) else len(self.domain)


def krippendorff_alpha(
    values: Ints,
    cluster: Ints,
    domain: Domain,
    *,
    level: str = "nominal",
    replicates: int = 1000,
    seed: int = 0,
) -> Alpha:
    """α of one set of reliability data (see `Reliability`).

    Degenerate data raise nothing: ``why_undefined`` says in words why there is no α.
    """
    return krippendorff_alphas(
        [Reliability(values, cluster, domain, level)], replicates=replicates, seed=seed
    )[0]


def krippendorff_alphas(data: Sequence[Reliability], *, replicates: int = 1000, seed: int = 0) -> list[Alpha]:
    """Several α's from one set of resamples, as for the presence of every code of a book."""
    begun = [_begin(one) for one in data]
    defined = [b for b in begun if not isinstance(b, Alpha)]
    by_trace = iter(over_clusters([b.statistic for b in defined], replicates, seed))
    return [
        b
        if isinstance(b, Alpha)
        else _finish(b, one, b.statistic.over_units(replicates, seed), next(by_trace))
        for b, one in zip(begun, data, strict=True)
    ]


class _Begun(NamedTuple):
    found: Profiles
    statistic: Additive
    observed: float
    expected: float
    n_pairable: int


def _begin(data: Reliability) -> _Begun | Alpha:
    found = profiles(data.values, data.size)
    n_units = len(found.profile)
    if not n_units:
        return _without("no unit was coded by two coders", 0, 0)
    delta = distances(data.level, data.domain)
    statistic = alpha_statistic(found, data.cluster, delta)
    observed, expected, n_pairable = _parts(statistic.sums(), data.size, delta)
    if expected <= 0:
        same = "all pairable values are the same, so there is nothing that chance could confuse"
        return _without(same, n_units, n_pairable)
    return _Begun(found, statistic, observed, expected, n_pairable)


def _finish(begun: _Begun, data: Reliability, by_unit: Floats, by_trace: Floats) -> Alpha:
    units, traces = percentile(by_unit), percentile(by_trace)
    return Alpha(
        alpha=_point(begun.statistic, data, begun.found),
        why_undefined=None,
        ci=units.ci,
        ci_cluster=traces.ci,
        observed=begun.observed,
        expected=begun.expected,
        n_units=len(begun.found.profile),
        n_pairable=begun.n_pairable,
        n_traces=len(begun.statistic.traces[0]),
        undefined_share=(units.undefined_share, traces.undefined_share),
        q=_below(traces.values if traces.ci else units.values),
        warnings=tuple(_warnings(begun, traces.ci is not None)),
    )


def _warnings(begun: _Begun, by_trace: bool) -> Iterator[str]:
    """Where benchmarks/coverage_alpha.py shows that the interval over traces is too narrow."""
    n_traces = len(begun.statistic.traces[0])
    if by_trace and n_traces < FEW_TRACES:
        yield f"{n_traces} traces only: with fewer than {FEW_TRACES} the interval over traces tends to be too narrow"
    counts = np.bincount(begun.found.profile, minlength=len(begun.found.counts)) @ begun.found.counts
    dissenting = int(counts.sum() - counts.max())
    if dissenting < FEW_DISSENTING:
        yield f"{dissenting} of {int(counts.sum())} values {UNIFORM}"


def _point(statistic: Additive, data: Reliability, found: Profiles) -> float:
    """The one place where our α and the reference package meet."""
    by_package = data.level in ("nominal", "ordinal", *NUMERIC) and len(found.units) <= REFERENCE_UNITS
    if not by_package:
        return statistic.point()
    import krippendorff

    numbers: Any = list(range(data.size)) if isinstance(data.domain, int) else list(data.domain)
    reference: Any = krippendorff.alpha
    counts = value_counts(data.values[:, found.units], data.size)
    return float(reference(value_counts=counts, value_domain=numbers, level_of_measurement=data.level))


def alpha_statistic(found: Profiles, cluster: Ints, delta: Floats | None) -> Additive:
    """α as a function of sums over units; ``delta``: (K, K) distances, ``None`` for the ordinal level."""
    cluster = cluster if len(found.units) == len(cluster) else cluster[found.units]
    counts = found.counts.astype(np.float64)
    if delta is None:
        features = _coincidences(counts)
        return Additive(features, found.profile, cluster, lambda sums: _ordinal(sums, counts.shape[1]))
    disagreement = ((counts @ delta) * counts).sum(axis=1) / (counts.sum(axis=1) - 1)
    features = np.column_stack([disagreement, counts])
    return Additive(features, found.profile, cluster, lambda sums: _fixed(sums, delta))


def _fixed(sums: Floats, delta: Floats) -> Floats:
    d, n = sums[:, 0], sums[:, 1:]
    return _alpha(d, n.sum(axis=1), ((n @ delta) * n).sum(axis=1))


def _alpha(d: Floats, total: Floats, chance: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(chance > 0, 1 - (total - 1) * d / chance, np.nan)


def _coincidences(counts: Floats) -> Floats:
    """(profiles, K²) coincidences that one unit of each profile adds."""
    pairs = counts[:, :, None] * counts[:, None, :]
    size = counts.shape[1]
    pairs[:, np.arange(size), np.arange(size)] -= counts
    return np.asarray((pairs / (counts.sum(axis=1) - 1)[:, None, None]).reshape(len(counts), size * size))


def _ordinal(sums: Floats, size: int) -> Floats:
    o = sums.reshape(len(sums), size, size)
    n = o.sum(axis=2)
    delta = _ordinal_distances(n)
    return _alpha(
        (o * delta).sum(axis=(1, 2)), n.sum(axis=1), (n[:, :, None] * n[:, None, :] * delta).sum(axis=(1, 2))
    )


def _ordinal_distances(n: Floats) -> Floats:
    """(R, K, K): the ordinal distance is the squared difference of mid-ranks."""
    rank = np.cumsum(n, axis=1) - n / 2
    return np.asarray((rank[:, :, None] - rank[:, None, :]) ** 2)


def _parts(sums: Floats, size: int, delta: Floats | None) -> tuple[float, float, int]:
    """D_o, D_e and N."""
    if delta is None:
        o = sums.reshape(size, size)
        n = o.sum(axis=1)
        delta = _ordinal_distances(n[None])[0]
        d = float((o * delta).sum())
    else:
        d, n = float(sums[0]), sums[1:]
    total = n.sum()
    return d / total, float(n @ delta @ n) / (total * (total - 1)), round(total)


def _without(why: str, n_units: int, n_pairable: int) -> Alpha:
    return Alpha(None, why, None, None, None, None, n_units, n_pairable)


def _below(values: Floats) -> dict[str, float]:
    return {f"{limit:.3f}": float((values < limit).mean()) for limit in THRESHOLDS} if len(values) else {}
