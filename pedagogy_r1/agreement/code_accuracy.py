"""Coders against reference codes: precision, recall and F1 of every code, prevalence and bias; what coders confuse.

    code    precision        recall           F1               reference   coder    bias
    IA-SQ   .92 [.81, 1.0]   .61 [.42, .78]   .73 [.56, .86]   4.1 %       2.7 %    −1.4 points

The reference is a coder too: the adjudicated codes, or one person's. A code counts where it was given as primary or as
second code. Intervals are over traces.

Do machine coders err together? Ten that share their errors are worth less than two that do not:

    r̄ = mean correlation of the error indicators of two machines       n_eff = n / (1 + (n − 1) r̄)

(n_eff: the design effect of a mean of n equally correlated values, Kish 1965.) And the units on which coders differ, the one
to talk over first at the head:

    most disagreed   “I could also share out the 9.0 V as 1.5 to 3.0.”   A: IA-PL   B: IA-MT   cues: KA-RO
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations, islice

import numpy as np

from ..estimate import Clusters, Estimate, Resampling, Scale, TraceCounts, over_clusters, rarer
from ..runs.run import CoderRun
from .comparison import ReliabilityData
from .profile import MISSING, Floats, Ints, Profiles, profiles, ratio, value_counts


@dataclass(frozen=True)
class CodeAccuracy:
    """Of one code. ``bias``: the coder's prevalence minus the reference's. ``n_units``: units that both coded."""

    code: str
    precision: Estimate
    recall: Estimate
    f1: Estimate
    reference_prevalence: Estimate
    prevalence: Estimate
    bias: Estimate
    n_units: int


# Sums per unit: 0 both gave the code, 1 the coder alone, 2 the reference alone, 3 units.
Part = Callable[[Floats], Floats]
_MEASURES: dict[str, tuple[Part, Part, str]] = {
    "precision": (lambda s: s[:, 0], lambda s: s[:, 0] + s[:, 1], "the coder never gave the code"),
    "recall": (lambda s: s[:, 0], lambda s: s[:, 0] + s[:, 2], "the reference never has the code"),
    "f1": (lambda s: 2 * s[:, 0], lambda s: 2 * s[:, 0] + s[:, 1] + s[:, 2], "nobody gave the code"),
    "reference_prevalence": (lambda s: s[:, 0] + s[:, 2], lambda s: s[:, 3], "no unit was coded by both"),
    "prevalence": (lambda s: s[:, 0] + s[:, 1], lambda s: s[:, 3], "no unit was coded by both"),
    "bias": (lambda s: s[:, 1] - s[:, 2], lambda s: s[:, 3], "no unit was coded by both"),
}


def accuracy(
    data: ReliabilityData, coder: str, reference: str, how: Resampling = Resampling()
) -> tuple[CodeAccuracy, ...]:
    """Every code of ``coder`` against ``reference``, on the units that both coded. Raises `RunError` for unknown names."""
    both = data.of([coder, reference])
    units = np.flatnonzero((both.primary != MISSING).all(axis=0))
    return tuple(_of_code(both, code, units, how) for code in data.categories)


def _of_code(data: ReliabilityData, code: str, units: Ints, how: Resampling) -> CodeAccuracy:
    given, wanted = data.presence(code)[:, units]
    # Four profiles: neither, the coder alone, the reference alone, both.
    features = np.array([[0, 0, 0, 1], [0, 1, 0, 1], [0, 0, 1, 1], [1, 0, 0, 1]], dtype=np.float64)
    cluster = data.by_trace[units]
    if isinstance(cluster, TraceCounts):
        sums = cluster.sums(features[given + 2 * wanted])[cluster.trace_sizes > 0]
    else:
        sums = Clusters.of(cluster.tolist()).sums(features[given + 2 * wanted])
    found = {name: _estimate(sums, top, bottom, why, how) for name, (top, bottom, why) in _MEASURES.items()}
    return CodeAccuracy(code=code, n_units=int(data.sizes[units].sum()), **found)


def _estimate(sums: Floats, top: Part, bottom: Part, why: str, how: Resampling) -> Estimate:
    """A share with an interval over the traces that are in its divisor; the bias, a difference, on its own scale."""
    within = bottom(sums)
    used = within > 0
    if not used.any():
        return Estimate.undefined(why, level=how.level, clusters=len(sums))
    sums, within = sums[used], within[used]
    value = float(top(sums).sum() / within.sum())
    scale: Scale = "plain" if (top(np.eye(4)) < 0).any() else "share"
    rest = None if scale == "plain" else rarer(top(sums), within)
    return Estimate(value, **over_clusters(_share(top, bottom), sums, within, how, scale=scale, dissent=rest))


def _share(top: Part, bottom: Part) -> Part:
    return lambda sums: ratio(top(sums), bottom(sums))


@dataclass(frozen=True)
class MachineErrors:
    """``rates``: each machine's share of primary codes that differ from the reference; ``correlation``: (machines,
    machines), NaN-free; ``effective``: n_eff, or why it is undefined."""

    rates: tuple[float, ...]
    correlation: tuple[tuple[float, ...], ...]
    mean_correlation: float | None
    effective: float | None
    n_units: int
    why_undefined: str | None = None


def majority(values: Ints, q: int) -> Ints:
    """(units,) the code that most coders gave; ``MISSING`` where nobody coded or two codes tie."""
    counts = value_counts(values, q)
    best = counts.max(axis=1)
    tied = (counts == best[:, None]).sum(axis=1) > 1
    return np.where((best == 0) | tied, MISSING, counts.argmax(axis=1))


def machine_errors(machines: Ints, reference: Ints, often: Ints | None = None) -> MachineErrors:
    """``machines``: (coders, units); ``reference``: (units,). Units that all machines coded and that have a reference.

    ``often``: (units,) how many units each of them stands for, if not for one.
    """
    usable = (machines != MISSING).all(axis=0) & (reference != MISSING)
    sizes = None if often is None else often[usable]
    n, n_units = len(machines), int(usable.sum() if sizes is None else sizes.sum())
    if n < 2:
        return MachineErrors((), (), None, None, n_units, "fewer than two machine coders")
    if not n_units:
        why = "no unit has a reference and all machines' codes"
        return MachineErrors((), (), None, None, n_units, why)
    errors = (machines[:, usable] != reference[usable]).astype(np.float64)
    rates = tuple(float(r) for r in np.average(errors, axis=1, weights=sizes))
    if any(r in (0.0, 1.0) for r in rates):
        why = "a machine is always right or always wrong: no correlation"
        return MachineErrors(rates, (), None, None, n_units, why)
    covariance: Floats = np.cov(errors, fweights=sizes)
    spread = np.sqrt(covariance.diagonal())
    correlation = np.clip(covariance / spread[:, None] / spread, -1, 1)
    mean = float((correlation.sum() - n) / (n * (n - 1)))
    effective = n / (1 + (n - 1) * mean) if 1 + (n - 1) * mean > 0 else None
    rows = tuple(tuple(float(c) for c in row) for row in correlation)
    why_undefined = None if effective else "errors are as negatively correlated as can be"
    return MachineErrors(rates, rows, mean, effective, n_units, why_undefined)


MOST = 10
EACH = 2
"""Units of one and the same confusion; more would crowd out the others."""


@dataclass(frozen=True)
class Confusion:
    """Two values that coders gave to the same unit: how often, over all pairs of coders and pairable units."""

    codes: tuple[str, str]
    count: int


def confusions(data: ReliabilityData) -> list[Confusion]:
    """All confused pairs of primary codes, most frequent first."""
    together = _together(profiles(data.primary, len(data.categories), data.by_trace))
    found = [
        Confusion((data.categories[a], data.categories[b]), int(together[a, b]))
        for a, b in combinations(range(len(data.categories)), 2)
        if together[a, b]
    ]
    return sorted(found, key=lambda c: (-c.count, c.codes))


def _together(found: Profiles) -> Ints:
    """(codes, codes) how often two coders gave them to one unit; the diagonal means nothing."""
    return (found.counts * found.sizes[:, None]).T @ found.counts


def n_disagreed(data: ReliabilityData) -> int:
    """How many units `ranked_units` ranks."""
    found = profiles(data.primary, len(data.categories), data.by_trace)
    return int(found.sizes[(found.counts > 0).sum(axis=1) > 1].sum())


def ranked_units(data: ReliabilityData, each: int | None = None) -> Ints:
    """Places of all units on which coders differ, the one to talk over first at the head.

    The largest share of disagreeing pairs of coders first; among equals more coders, then the rarer confusion, which is the
    more telling one, then the units' own order. ``each``: at most so many units to which the same codes were given.
    """
    found = profiles(data.primary, len(data.categories))
    m = found.counts.sum(axis=1)
    share = (m**2 - (found.counts**2).sum(axis=1)) / (m * (m - 1))
    together = _together(found)
    rarity = np.array(
        [
            min((int(together[a, b]) for a, b in combinations(np.flatnonzero(counts), 2)), default=0)
            for counts in found.counts
        ]
    )
    own = found.profile
    differ = share[own] > 0
    if each is not None:
        order = np.argsort(own, kind="stable")
        first = np.searchsorted(own[order], np.arange(len(m)))
        differ[order] &= np.arange(len(own)) - first[own[order]] < each
    own, units = own[differ], found.units[differ]
    ranked: Ints = units[np.lexsort((units, rarity[own], -m[own], -share[own]))]
    return ranked


@dataclass(frozen=True)
class DisagreedUnit:
    """A unit on which coders differ, with the primary code that each of them gave."""

    unit_id: str
    trace_id: str
    text: str
    codes: dict[str, str]


def most_disagreed(
    runs: Sequence[CoderRun], data: ReliabilityData, most: int = MOST
) -> tuple[DisagreedUnit, ...]:
    """The head of `ranked_units`, quoted; at most `EACH` of a kind."""
    units = ranked_units(data, EACH)[:most].tolist()
    texts = quoted(runs, {data.unit_ids[unit] for unit in units})
    return tuple(
        DisagreedUnit(data.unit_ids[unit], *texts[data.unit_ids[unit]], _primary_codes(data, unit))
        for unit in units
    )


def _primary_codes(data: ReliabilityData, unit: int) -> dict[str, str]:
    return {
        name: data.categories[value]
        for name, value in zip(data.names, data.primary[:, unit], strict=True)
        if value != MISSING
    }


def quoted(runs: Iterable[CoderRun], wanted: Collection[str]) -> dict[str, tuple[str, str]]:
    """unit id → (trace id, text), for few units of however many: lines of other units are not parsed."""
    found: dict[str, tuple[str, str]] = {}
    for run in runs:
        if run.shards is not None:
            found = run.shards.quoted(wanted) | found
            continue
        with run.file("units.jsonl").open("rb") as file:
            for line in islice(file, run.prefix["units.jsonl"] if run.prefix else None):
                name = _ID.search(line)
                if name is None or name[1].decode() in wanted:
                    unit = json.loads(line)
                    if unit["id"] in wanted:
                        found.setdefault(unit["id"], (unit["trace_id"], unit["text"]))
        if len(found) == len(wanted):
            break
    return found


_ID = re.compile(rb'^\{"id": ?"(\w+)"')
