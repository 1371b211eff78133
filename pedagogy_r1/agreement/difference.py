"""Differences between two α's on the same units, with an interval that knows they are the same units.

    people with each other .79, people with the machine .35: difference −.44 [−.55, −.31], 120 units, 6 traces

Both α's are recomputed in every resample of traces, so what makes a trace hard for everybody cancels out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from .additive import Additive, Floats, Ints, percentile
from .profile import MISSING, patterns


@dataclass(frozen=True)
class Difference:
    """``second − first`` with a 95 % interval over traces, or why there is none."""

    name: str
    first: float | None
    second: float | None
    difference: float | None
    ci: tuple[float, float] | None
    n_units: int
    n_traces: int
    why_undefined: str | None = None


Pair = tuple[int, int]


def human_machine_difference(
    humans: Ints, machine: Ints, cluster: Ints, q: int, *, replicates: int = 1000, seed: int = 0
) -> Difference:
    """Mean α of each human with the machine, minus mean α of the humans with each other; nominal, primary codes.

    ``humans``: (coders, units); ``machine``: (units,). Only units that the machine and at least two humans coded.
    """
    everyone = np.vstack([humans, machine])
    usable = (machine != MISSING) & ((humans != MISSING).sum(axis=0) >= 2)
    last = len(humans)
    together = list(combinations(range(last), 2))
    with_machine = [(coder, last) for coder in range(last)]
    name = "human–machine minus human–human"
    return _pairs_difference(
        name, everyone[:, usable], cluster[usable], q, together, with_machine, replicates, seed
    )


def recoding_difference(
    before: Ints, after: Ints, cluster: Ints, q: int, *, replicates: int = 1000, seed: int = 0
) -> Difference:
    """α after recoding minus α before, same units and coders: (coders, units) each, codes over a common list of ``q``.

    For the drift between two versions of a codebook. Only units that two coders coded both times.
    """
    coders = len(before)
    usable = ((before != MISSING).sum(axis=0) >= 2) & ((after != MISSING).sum(axis=0) >= 2)
    both = np.vstack([before, after])[:, usable]
    old = list(combinations(range(coders), 2))
    new = [(a + coders, b + coders) for a, b in old]
    return _pairs_difference("after minus before", both, cluster[usable], q, old, new, replicates, seed)


def _pairs_difference(
    name: str,
    values: Ints,
    cluster: Ints,
    q: int,
    first: Sequence[Pair],
    second: Sequence[Pair],
    replicates: int,
    seed: int,
) -> Difference:
    n_units, n_traces = values.shape[1], len(np.unique(cluster))
    if not n_units or not first:
        return Difference(
            name,
            None,
            None,
            None,
            None,
            n_units,
            n_traces,
            "no unit was coded by two people and by the other side",
        )
    statistic = _statistic(values, cluster, q, [*first, *second], lambda alphas: _mean(alphas, len(first)))
    means = _mean(_alphas(statistic.sums()[None], q), len(first), apart=True)
    if np.isnan(means).any():
        return Difference(
            name,
            None,
            None,
            None,
            None,
            n_units,
            n_traces,
            "one of the two α's is undefined: no variation in the codes",
        )
    before, after = (float(v) for v in means[0])
    ci = percentile(statistic.over_clusters(replicates, seed)).ci
    why = (
        None
        if ci
        else "no interval: all units come from one trace"
        if n_traces < 2
        else "no interval: no resamples were asked for"
    )
    return Difference(name, before, after, after - before, ci, n_units, n_traces, why)


def _statistic(
    values: Ints, cluster: Ints, q: int, pairs: Sequence[Pair], estimate: Callable[[Floats], Floats]
) -> Additive:
    """Per pair of coders and pattern: 2 if they differ, and how often each value was given, where both gave one."""
    pattern, of_unit = patterns(values, q)
    one_hot = (pattern[:, :, None] == np.arange(q)).astype(np.float64)
    columns = []
    for a, b in pairs:
        both = (pattern[a] != MISSING) & (pattern[b] != MISSING)
        columns.append((2.0 * (both & (pattern[a] != pattern[b])))[:, None])
        columns.append((one_hot[a] + one_hot[b]) * both[:, None])
    return Additive(np.hstack(columns), of_unit, cluster, lambda sums: estimate(_alphas(sums, q)))


def _alphas(sums: Floats, q: int) -> Floats:
    """(R, pairs) nominal α of each pair."""
    by_pair = sums.reshape(len(sums), -1, 1 + q)
    d, n = by_pair[:, :, 0], by_pair[:, :, 1:]
    total = n.sum(axis=2)
    chance = total**2 - (n**2).sum(axis=2)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(chance > 0, 1 - (total - 1) * d / chance, np.nan)


def _mean(alphas: Floats, split: int, *, apart: bool = False) -> Floats:
    means = np.column_stack([alphas[:, :split].mean(axis=1), alphas[:, split:].mean(axis=1)])
    return means if apart else means[:, 1] - means[:, 0]
