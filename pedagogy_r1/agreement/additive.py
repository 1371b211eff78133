"""Statistics that are functions of sums over units, and their bootstrap.

α, κ, AC1, percent agreement, precision and recall all depend on the data only through sums of a few numbers per
unit. Units that share these numbers form a *profile*: with ten codes and three coders some hundreds of profiles
stand for a million units. A resample is then a multinomial over the profiles (the same distribution as redrawing
the units one by one, not an approximation), or a redrawing of whole traces, whose sums are known beforehand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

CONFIDENCE = 0.95
_BLOCK = 2_000_000  # numbers drawn at once; bounds the memory of a bootstrap to some tens of megabytes


@dataclass(frozen=True)
class Additive:
    """``features``: (profiles, F); ``profile``, ``cluster``: (units,) profile and trace of each unit;
    ``estimate``: (R, F) sums → (R,) values, NaN where undefined."""

    features: Floats
    profile: Ints
    cluster: Ints
    estimate: Callable[[Floats], Floats]

    @cached_property
    def traces(self) -> tuple[Ints, Ints]:
        """The traces that have a unit here, and each unit's place among them."""
        return compact(self.cluster)

    def sizes(self) -> Ints:
        """(profiles,) number of units."""
        return np.bincount(self.profile, minlength=len(self.features))

    def sums(self) -> Floats:
        """(F,) sums over all units."""
        return np.asarray(self.sizes() @ self.features)

    def point(self) -> float:
        """The statistic itself."""
        return float(self.estimate(self.sums()[None])[0])

    def cluster_sums(self, n_clusters: int) -> Floats:
        """(n_clusters, F) sums per trace."""
        columns = np.ascontiguousarray(self.features.T)
        sums = [np.bincount(self.cluster, column[self.profile], minlength=n_clusters) for column in columns]
        return np.column_stack(sums)

    def over_units(self, replicates: int, seed: int) -> Floats:
        """(replicates,) the statistic of redrawn units."""
        if not replicates:
            return np.empty(0)
        sizes = self.sizes()
        total = int(sizes.sum())
        rng = np.random.default_rng(seed)
        weights = (
            _multinomial(sizes, replicates, rng)
            if 4 * len(sizes) < total
            else _direct(total, replicates, rng)
        )
        features = self.features if 4 * len(sizes) < total else self.features[self.profile]
        return self._estimates(weights, features)

    def over_clusters(self, replicates: int, seed: int) -> Floats:
        """(replicates,) the statistic of redrawn traces, whole; only traces that have a unit here are drawn."""
        return over_clusters([self], replicates, seed)[0]

    def _estimates(self, weights: Iterator[Floats], features: Floats) -> Floats:
        parts = [self.estimate(block @ features) for block in weights]
        return np.concatenate(parts) if parts else np.empty(0)


def over_clusters(statistics: list[Additive], replicates: int, seed: int) -> list[Floats]:
    """`Additive.over_clusters` of several statistics over the same traces: one set of draws serves them all.

    Statistics over other traces than the first one's get draws of their own, from the same seed.
    """
    results: list[Floats] = [np.empty(0)] * len(statistics)
    if not replicates:
        return results
    groups: dict[bytes, list[int]] = {}
    sums = []
    for place, statistic in enumerate(statistics):
        traces, cluster = statistic.traces
        groups.setdefault(traces.tobytes(), []).append(place)
        own = Additive(statistic.features, statistic.profile, cluster, statistic.estimate)
        sums.append(own.cluster_sums(len(traces)))
    for places in groups.values():
        n = len(sums[places[0]])
        if n < 2:
            continue
        parts: list[list[Floats]] = [[] for _ in places]
        for weights in trace_draws(n, replicates, seed):
            for part, place in zip(parts, places, strict=True):
                part.append(statistics[place].estimate(weights @ sums[place]))
        for part, place in zip(parts, places, strict=True):
            results[place] = np.concatenate(part)
    return results


def trace_draws(n: int, replicates: int, seed: int) -> Iterator[Floats]:
    """Blocks of (rows, n) counts: how often each of ``n`` traces is drawn in each resample. One seed, one set of draws:
    two statistics over the same traces get the same resamples, so that their difference is paired."""
    return _direct(n, replicates, np.random.default_rng(seed))


def _direct(n: int, replicates: int, rng: np.random.Generator) -> Iterator[Floats]:
    rows = max(1, _BLOCK // n)
    for start in range(0, replicates, rows):
        count = min(rows, replicates - start)
        drawn = rng.integers(0, n, size=(count, n))
        drawn += (np.arange(count) * n)[:, None]
        yield np.bincount(drawn.ravel(), minlength=count * n).reshape(count, n).astype(np.float64)


def _multinomial(sizes: Ints, replicates: int, rng: np.random.Generator) -> Iterator[Floats]:
    rows = max(1, _BLOCK // len(sizes))
    total = int(sizes.sum())
    for start in range(0, replicates, rows):
        yield rng.multinomial(total, sizes / total, size=min(rows, replicates - start)).astype(np.float64)


def compact(key: Ints) -> tuple[Ints, Ints]:
    """Distinct non-negative keys, ascending, and each row's place among them; a table where the keys are small."""
    if len(key) and int(key.max()) < max(4 * len(key), 1 << 20):
        seen = np.bincount(key) > 0
        place = np.cumsum(seen) - 1
        return np.flatnonzero(seen), place[key]
    found, inverse = np.unique(key, return_inverse=True)
    return found, inverse.astype(np.int64)


@dataclass(frozen=True)
class Interval:
    """A percentile interval, and the share of resamples in which the statistic was undefined (left out)."""

    ci: tuple[float, float] | None
    undefined_share: float
    values: Floats


def percentile(values: Floats) -> Interval:
    """The central 95 % of the defined resamples."""
    defined = values[~np.isnan(values)]
    share = float(1 - len(defined) / len(values)) if len(values) else 0.0
    if not len(defined):
        return Interval(None, share, defined)
    low, high = np.quantile(defined, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Interval((float(low), float(high)), share, defined)
