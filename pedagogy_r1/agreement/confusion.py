"""What coders confuse, and the units on which they differ, the one to talk over first at the head.

most disagreed   “I could also share out the 9.0 V as 1.5 to 3.0.”   A: IA-PL   B: IA-MT   cues: KA-RO
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from ..runs.run import CoderRun, quoted
from .comparison import ReliabilityData
from .profile import MISSING, Ints, Profiles, profiles

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
    together = _together(profiles(data.primary, len(data.categories)))
    found = [
        Confusion((data.categories[a], data.categories[b]), int(together[a, b]))
        for a, b in combinations(range(len(data.categories)), 2)
        if together[a, b]
    ]
    return sorted(found, key=lambda c: (-c.count, c.codes))


def _together(found: Profiles) -> Ints:
    """(codes, codes) how often two coders gave them to one unit; the diagonal means nothing."""
    return (found.counts * found.sizes[:, None]).T @ found.counts


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
