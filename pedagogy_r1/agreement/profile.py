"""Profiles: the distinct ways in which the coders' values fall on a unit, whoever gave which; and statistics over them.

values   A: KA-RO IA-SQ KA-RO     profiles  {KA-RO: 2}            units 0, 2
         B: KA-RO TR-SP KA-RO               {IA-SQ: 1, TR-SP: 1}  unit 1

α, κ, AC1, percent agreement, precision and recall all depend on the data only through sums of a few numbers per unit, and
these are the same for all units of a profile: with ten codes and three coders some hundreds of profiles stand for a
million units, so that a resample costs next to nothing.

Where units were counted already (a corpus), what is given for units are the patterns, and for the trace of each unit a
`TraceCounts`: how many units of each pattern every trace has. All else is the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..estimate import (
    Estimate,
    HeldCounts,
    Resampling,
    Scale,
    TraceCounts,
    cluster_draws,
    compact,
    over_clusters,
    percentile,
    unit_draws,
)

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

ByTrace = Ints | TraceCounts
"""Of (units,) values the trace of each unit; of (patterns,) values how many units of each there are in each trace."""

MISSING = -1


def traces_in(cluster: ByTrace) -> int:
    """How many traces have a unit here."""
    of_trace = cluster.trace_sizes.nonzero()[0] if isinstance(cluster, TraceCounts) else np.unique(cluster)
    return len(of_trace)


def sizes_of(cluster: ByTrace) -> Ints:
    """(columns,) how many units each column of values stands for: one, or as many as were counted."""
    return cluster.sizes if isinstance(cluster, TraceCounts) else np.ones(len(cluster), dtype=np.int64)


class Profiles(NamedTuple):
    """``counts``: (profiles, values) how many coders gave each value; ``profile``: (units,) of the pairable units;
    ``units``: (units,) their places in the data. ``often``: (units,) how many units each of them stands for, if not for one.
    """

    counts: Ints
    profile: Ints
    units: Ints
    often: Ints | None = None

    @property
    def sizes(self) -> Ints:
        """(profiles,) number of units."""
        return sizes_in(self.profile, self.often, len(self.counts))

    @property
    def n(self) -> int:
        """How many units are pairable."""
        return len(self.profile) if self.often is None else int(self.often.sum())


def sizes_in(profile: Ints, often: Ints | None, count: int) -> Ints:
    """(count,) units of each profile. ``profile``: (units,); ``often``: how many units each of these stands for."""
    if often is None:
        return np.bincount(profile, minlength=count)
    return np.bincount(profile, often, count).astype(np.int64)  # whole numbers below 2⁵³ are exact in float64


def profiles(values: Ints, n_values: int, cluster: ByTrace | None = None, least: int = 2) -> Profiles:
    """Collapse (coders, units) values, ``MISSING`` where there is none, to profiles of units with ``least`` values or more.

    Units are first brought down to distinct patterns (coder by coder), and the few patterns then to profiles. ``cluster``: how often
    each unit is there, where they were counted.
    """
    often = cluster.sizes if isinstance(cluster, TraceCounts) else None
    pattern, of_unit = patterns(values, n_values)
    counts, of_pattern = _distinct_rows(value_counts(pattern, n_values), len(values) + 1)
    enough = counts.sum(axis=1) >= least
    place = (np.cumsum(enough) - 1)[of_pattern]
    if enough.all():
        return Profiles(counts, place[of_unit], np.arange(values.shape[1]), often)
    units = np.flatnonzero(enough[of_pattern][of_unit])
    return Profiles(counts[enough], place[of_unit[units]], units, None if often is None else often[units])


def _distinct_rows(counts: Ints, base: int) -> tuple[Ints, Ints]:
    """Distinct rows of counts below ``base``, and each row's place among them."""
    if counts.shape[1] * np.log2(base) >= 62:
        found, inverse = np.unique(counts, axis=0, return_inverse=True)
        return found, inverse.ravel()
    digits = base ** np.arange(counts.shape[1], dtype=np.int64)
    keys, inverse = np.unique(counts @ digits, return_inverse=True)
    return keys[:, None] // digits[None] % base, inverse


def patterns(values: Ints, n_values: int) -> tuple[Ints, Ints]:
    """(coders, patterns) distinct columns of ``values``, and each unit's place among them.

    A column is read as one number, base values + 1.
    """
    coders, base = len(values), n_values + 1
    if coders * np.log2(base) >= 62:
        found, inverse = np.unique(values, axis=1, return_inverse=True)
        return found, inverse.ravel().astype(np.int64)
    # The +1 that makes room for MISSING is added once, for all digits together.
    key = np.full(values.shape[1], sum(base**i for i in range(coders)), dtype=np.int64)
    for place, row in enumerate(values):
        key += row * base ** (coders - 1 - place)
    keys, inverse = compact(key)
    digits = base ** np.arange(coders - 1, -1, -1, dtype=np.int64)
    return keys[None] // digits[:, None] % base - 1, inverse


def value_counts(values: Ints, n_values: int) -> Ints:
    """(units, n_values): how many coders gave each value to each unit.

    >>> value_counts(np.array([[0, 1], [0, -1]]), 2).tolist()
    [[2, 0], [0, 1]]
    """
    units = values.shape[1]
    flat = (np.arange(units) * n_values + values)[values != MISSING]
    return np.bincount(flat, minlength=units * n_values).reshape(units, n_values)


class OverTraces(NamedTuple):
    """Of the traces that have units: how many, what of them is ``dissent`` (see `over_clusters`), and (traces, F) sums."""

    sizes: Ints
    dissent: Floats | None
    sums: Floats


@dataclass(frozen=True)
class Additive:
    """A statistic of sums over units. ``features``: (profiles, F); ``profile``, ``cluster``: (units,) profile and trace of
    each unit; ``statistic``: (R, F) sums → (R,) values, NaN where undefined."""

    features: Floats
    profile: Ints
    cluster: ByTrace
    statistic: Callable[[Floats], Floats]

    @cached_property
    def traces(self) -> tuple[Ints, Ints]:
        """The traces that have a unit here, and each unit's place among them."""
        return compact(self._cluster)

    @property
    def _cluster(self) -> Ints:
        assert not isinstance(self.cluster, TraceCounts), "units that were counted are not held"
        return self.cluster

    @cached_property
    def sizes(self) -> Ints:
        """(profiles,) number of units."""
        often = self.cluster.sizes if isinstance(self.cluster, TraceCounts) else None
        return sizes_in(self.profile, often, len(self.features))

    @property
    def n(self) -> int:
        """Number of units."""
        counted = isinstance(self.cluster, TraceCounts)
        return int(self.sizes.sum()) if counted else len(self.profile)

    def sums(self) -> Floats:
        """(F,) sums over all units."""
        return np.asarray(self.sizes @ self.features)

    def point(self) -> float:
        """The statistic itself."""
        return float(self.statistic(self.sums()[None])[0])

    @property
    def _trace_sizes(self) -> Ints:
        """(traces,) number of units."""
        if isinstance(self.cluster, TraceCounts):
            return np.asarray(self.cluster.trace_sizes[self.cluster.trace_sizes > 0])
        return np.bincount(self.traces[1])

    def over_traces(self, dissent: Floats | None = None) -> OverTraces:
        """The sums within traces; ``dissent``: (profiles,), see `over_clusters`."""
        if isinstance(self.cluster, TraceCounts):
            rare = [] if dissent is None else [dissent]
            columns = np.column_stack([np.ones(len(self.features)), *rare, self.features])
            found = self.cluster.sums(columns[self.profile])
            if not (there := found[:, 0] > 0).all():
                found = found[there]
            sums = found[:, 1 + len(rare) :]
            if isinstance(
                self.cluster, HeldCounts
            ):  # they lie as sums of units do: where numbers lie decides how theirs are rounded
                sums = np.ascontiguousarray(sums)
            return OverTraces(found[:, 0].astype(np.int64), found[:, 1].copy() if rare else None, sums)
        sums = np.column_stack([self._by_trace(column) for column in np.ascontiguousarray(self.features.T)])
        return OverTraces(self._trace_sizes, None if dissent is None else self._by_trace(dissent), sums)

    def _by_trace(self, values: Floats) -> Floats:
        """(traces,) sums of (profiles,) values."""
        return np.asarray(np.bincount(self.traces[1], values[self.profile], len(self.traces[0])))

    def over_units(self, how: Resampling) -> Floats:
        """(replicates,) the statistic of redrawn units."""
        if 8 * len(self.sizes) < self.n:  # as fast there as the units themselves
            draws, features = unit_draws(self.sizes, how.replicates, how.seed), self.features
        else:
            draws = cluster_draws(self.n, how.replicates, how.seed)
            features = self.features[self.profile_of_units]
        return np.concatenate([np.empty(0), *(self.statistic(block @ features) for block in draws)])

    @property
    def profile_of_units(self) -> Ints:
        """(units,) of units that were counted and are not held, profile after profile: their own order is not known."""
        if isinstance(self.cluster, HeldCounts):
            return self.cluster.in_order(self.profile)
        counted = isinstance(self.cluster, TraceCounts)
        return np.repeat(np.arange(len(self.sizes)), self.sizes) if counted else self.profile

    def trace_interval(
        self, how: Resampling, scale: Scale, dissent: Floats | None = None, limits: Sequence[float] = ()
    ) -> dict[str, Any]:
        """The fields of an `Estimate` over traces, without its value; ``dissent``: (profiles,), see `over_clusters`."""
        if not how.replicates:  # no interval was asked for, so no sums are needed to say that there is none
            sizes = self._trace_sizes
            none = np.zeros((len(sizes), 0))
            return over_clusters(self.statistic, none, sizes, how, scale=scale, value=0.0, limits=limits)
        sizes, rare, sums = self.over_traces(dissent)
        return over_clusters(self.statistic, sums, sizes, how, scale=scale, dissent=rare, limits=limits)


@dataclass(frozen=True)
class TwoIntervals(Estimate):
    """An estimate over traces, with the limits over units beside it: the same where units of a trace are not alike."""

    unit_low: float | None = None
    unit_high: float | None = None
    unit_undefined_share: float = 0.0

    @property
    def unit_interval(self) -> tuple[float, float] | None:
        """Both limits over units, or ``None``."""
        return None if self.unit_low is None or self.unit_high is None else (self.unit_low, self.unit_high)


def unit_interval(draws: Floats, how: Resampling) -> dict[str, Any]:
    """The fields of `TwoIntervals` that a resampling of units gives; no limits where all resamples are alike."""
    low, high, lost, _ = percentile(draws, how.level)
    if low == high:
        low = high = None
    return {"unit_low": low, "unit_high": high, "unit_undefined_share": lost}


def ratio(top: Floats, bottom: Floats) -> Floats:
    """``top`` / ``bottom``, of one shape; NaN where the bottom is not positive."""
    return np.asarray(np.divide(top, bottom, out=np.full(bottom.shape, np.nan), where=bottom > 0))
