"""Differences between two α's on the same units, with an interval that knows they are the same units.

    people with each other .79, people with the machine .35: difference −.44 [−.55, −.31], 120 units, 6 traces
    before .61, after .74: difference +.13 [.05, .21], 240 units of 14 traces      did a new codebook version help?

Both α's are recomputed in every resample of traces, so what makes a trace hard for everybody cancels out.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path

import numpy as np

from ..codebook import NONE, Codebook
from ..codebook.codebook import version_order
from ..codebook.migration import MigrationMap, carry, migration_map
from ..errors import CodebookError, RunError
from ..estimate import Estimate, Interval, Resampling
from ..limits import LEVEL
from ..runs.run import CoderRun, opened, require_complete
from .alpha import alpha_of
from .comparison import ReliabilityData, reliability_data
from .profile import MISSING, Additive, Floats, Ints, patterns


@dataclass(frozen=True)
class AlphaDifference(Estimate):
    """``second − first`` over traces, or why it is undefined; ``n``: units."""

    name: str = ""
    first: float | None = None
    second: float | None = None


CoderRows = tuple[int, int]


def human_machine_difference(
    humans: Ints, machine: Ints, cluster: Ints, q: int, how: Resampling = Resampling()
) -> AlphaDifference:
    """Mean α of each human with the machine, minus mean α of the humans with each other; nominal, primary codes.

    ``humans``: (coders, units); ``machine``: (units,). Only units that the machine and at least two humans coded.
    """
    everyone = np.vstack([humans, machine])
    usable = (machine != MISSING) & ((humans != MISSING).sum(axis=0) >= 2)
    last = len(humans)
    together = list(combinations(range(last), 2))
    with_machine = [(coder, last) for coder in range(last)]
    name = "human–machine minus human–human"
    return _difference(name, everyone[:, usable], cluster[usable], q, together, with_machine, how)


def recoding_difference(
    before: Ints, after: Ints, cluster: Ints, q: int, how: Resampling = Resampling()
) -> AlphaDifference:
    """α after recoding minus α before, same units and coders: (coders, units) each, codes over a common list of ``q``.

    For the drift between two versions of a codebook. Only units that two coders coded both times.
    """
    coders = len(before)
    usable = ((before != MISSING).sum(axis=0) >= 2) & ((after != MISSING).sum(axis=0) >= 2)
    both = np.vstack([before, after])[:, usable]
    old = list(combinations(range(coders), 2))
    new = [(a + coders, b + coders) for a, b in old]
    return _difference("after minus before", both, cluster[usable], q, old, new, how)


def _difference(
    name: str,
    values: Ints,
    cluster: Ints,
    q: int,
    first: Sequence[CoderRows],
    second: Sequence[CoderRows],
    how: Resampling,
) -> AlphaDifference:
    known = {"name": name, "level": how.level, "n": values.shape[1], "clusters": len(np.unique(cluster))}
    if not values.shape[1] or not first:
        return AlphaDifference.undefined("no unit was coded by two people and by the other side", **known)
    features, of_unit = _features(values, q, [*first, *second])
    means = functools.partial(_means, q=q, split=len(first))
    statistic = Additive(features, of_unit, cluster, lambda sums: np.diff(means(sums))[:, 0])
    before, after = means(statistic.sums()[None])[0].tolist()
    if math.isnan(after - before):
        return AlphaDifference.undefined(
            "one of the two α's is undefined: no variation in the codes", **known
        )
    over = statistic.trace_interval(how, "plain")
    return AlphaDifference(after - before, **over, name=name, first=before, second=after)


def _features(values: Ints, q: int, pairs: Sequence[CoderRows]) -> tuple[Floats, Ints]:
    """Per pattern and pair of coders: 2 if they differ, and how often each value was given, where both gave one."""
    pattern, of_unit = patterns(values, q)
    one_hot = (pattern[:, :, None] == np.arange(q)).astype(np.float64)
    columns = []
    for a, b in pairs:
        both = (pattern[a] != MISSING) & (pattern[b] != MISSING)
        columns.append((2.0 * (both & (pattern[a] != pattern[b])))[:, None])
        columns.append((one_hot[a] + one_hot[b]) * both[:, None])
    return np.hstack(columns), of_unit


def _means(sums: Floats, q: int, split: int) -> Floats:
    """(R, 2) mean nominal α of the first ``split`` pairs, and of the others."""
    by_pair = sums.reshape(len(sums), -1, 1 + q)
    n = by_pair[:, :, 1:]
    total = n.sum(axis=2)
    alphas = alpha_of(by_pair[:, :, 0], total, total**2 - (n**2).sum(axis=2))
    return np.column_stack([alphas[:, :split].mean(axis=1), alphas[:, split:].mean(axis=1)])


def drift(
    before: Sequence[CoderRun | str | Path],
    after: Sequence[CoderRun | str | Path],
    *,
    coders: Sequence[str] = (),
    carried: bool = False,
    replicates: int = 1000,
    seed: int = 0,
    level: float = LEVEL,
    interval: Interval = "jackknife",
    partial: bool = False,
) -> AlphaDifference:
    """α of ``after`` minus α of ``before`` (runs under two versions of a codebook), nominal, primary codes.

    Coders (all who coded both times, or just ``coders``) are matched by name, units by id. ``carried``: the codes of
    ``before`` are first carried to the later version by its migration map, and units with a code that was split or
    retired left out. Codes that were merged cannot be confused any more; the rest of the difference is what coding
    again under the new words brought. ``partial``: also of runs that are not complete.

    Raises `RunError` where fewer than two coders coded both times, `CodebookError` if the runs are not of two versions
    of one codebook, the later one second, or, for ``carried``, if the later one has no migration from the earlier one.
    """
    first, second = opened(before), opened(after)
    require_complete([*first, *second], partial)
    old, new = reliability_data(first), reliability_data(second)
    earlier, later = first[0].codebook, second[0].codebook
    _check_versions(earlier, later)
    if carried:
        old = _carried(old, earlier, later)
    names = [name for name in old.names if name in new.names and (not coders or name in coders)]
    if len(names) < 2:
        raise RunError(
            f"{len(names)} coders coded before and after",
            "give runs that at least two coders of the same names made",
        )
    _, then, now = np.intersect1d(old.unit_ids, new.unit_ids, return_indices=True)
    categories = list(dict.fromkeys((*old.categories, *new.categories)))
    return recoding_difference(
        _aligned(old.of(names), then, categories),
        _aligned(new.of(names), now, categories),
        old.cluster[then],
        len(categories),
        Resampling(replicates, seed, level, interval),
    )


def has_migration(before: Sequence[CoderRun], after: Sequence[CoderRun]) -> bool:
    """Whether the later codebook says what became of the earlier one's codes, and some of them changed."""
    earlier, later = before[0].codebook, after[0].codebook
    if earlier.version == later.version or earlier.version not in {step.version for step in later.migrations}:
        return False
    way = migration_map(later, earlier.version)
    return any(way.fate(code)[0] != code for code in earlier.code_ids)


def not_made_again(after: Sequence[CoderRun]) -> int:
    """Codings of ``after`` that `migrate_run` carried over: nobody looked at these units again."""
    return sum(
        coding.carried_from is not None and coding.codes is not None
        for run in after
        for coding in run.codings()
    )


def _check_versions(earlier: Codebook, later: Codebook) -> None:
    if earlier.id != later.id:
        raise CodebookError(
            f"before is {earlier.ref}, after is {later.ref}",
            "before and after are compared under versions of one codebook",
        )
    if version_order(earlier.version) > version_order(later.version):
        raise CodebookError(
            f"before is {earlier.ref}, which is later than {later.ref}", "give the earlier runs with --before"
        )


def _carried(data: ReliabilityData, earlier: Codebook, later: Codebook) -> ReliabilityData:
    """The same data under the later book's codes; whatever `carry` would have coded again is missing."""
    way = migration_map(later, earlier.version)
    categories = tuple(dict.fromkeys((*later.code_ids, NONE)))
    pairs, place = np.unique(
        np.stack([data.primary, data.present]).reshape(2, -1), axis=1, return_inverse=True
    )
    fates = np.array(
        [_fate(pair[0], pair[1], data.categories, categories, way) for pair in pairs.T.tolist()] or [MISSING]
    )
    primary = fates[place.ravel()].reshape(data.primary.shape) if data.primary.size else data.primary
    return replace(data, categories=categories, primary=primary)


def _fate(primary: int, present: int, old: Sequence[str], new: Sequence[str], way: MigrationMap) -> int:
    """The new primary code of a unit coded with ``primary`` and the codes whose bits are set in ``present``."""
    if primary == MISSING:
        return MISSING
    second = [k for k in range(len(old)) if present >> k & 1 and k != primary]
    found = carry(tuple(old[k] for k in (primary, *second) if old[k] != NONE), way)
    if found.codes is None:
        return MISSING
    return new.index(found.codes[0] if found.codes else NONE)


def _aligned(data: ReliabilityData, units: Ints, categories: Sequence[str]) -> Ints:
    """(coders, units) primary codes of these units, over the common categories."""
    # index -1 is the last: missing
    code = np.array([*(categories.index(c) for c in data.categories), MISSING])
    return np.asarray(code[data.primary[:, units]])
