"""Differences between two α's on the same units, with an interval that knows they are the same units.

    people with each other .79, people with the machine .35: difference −.44 [−.55, −.31], 120 units, 6 traces
    before .61, after .74: difference +.13 [.05, .21], 240 units of 14 traces      did a new codebook version help?

Each side is a mean of pairwise α's, at the codebook's level, over the pairs that share units:

    pairs of people j, k   weight Σ_u 1 / (h_u − 1) over the units that both coded; h_u: people who coded unit u
    person j and machine   weight: the units that both coded

so that every person has the same weight on both sides: that of the units that he or she coded. Where everybody coded everything
it is the plain mean. Where A codes all, B half and C the other half, it is the mean of A–B and A–C against that of A, B and C
with the machine, A counting twice. Both sides are recomputed without each trace in turn, so what makes a trace hard for
everybody cancels out.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..codebook import NONE, Codebook
from ..codebook.codebook import MigrationMap, carry, migration_map, version_order
from ..errors import CodebookError, RunError
from ..estimate import Estimate, Interval, Resampling, over_clusters
from ..formatting import counted
from ..limits import LEVEL
from ..runs.run import CoderRun, opened, require_complete
from .alpha import Domain, Reliability, alpha_features, dissent
from .comparison import ReliabilityData, reliability_data
from .profile import MISSING, Additive, ByTrace, Floats, Ints, patterns, traces_in, value_counts


@dataclass(frozen=True)
class AlphaDifference(Estimate):
    """``second − first`` over traces, or why it is undefined; ``n``: units. ``sides``: the two mean α's, each with its own
    interval. ``averaged``: which pairs of coders the means are over, where some share no unit or show no variation."""

    name: str = ""
    first: float | None = None
    second: float | None = None
    sides: tuple[Estimate, Estimate] | None = None
    averaged: str = ""


RECODED = "after minus before"


class _Side(NamedTuple):
    """``pairs`` of rows. ``crowd``: the coders who share out a unit's weight between their pairs; none: a pair has it whole."""

    words: str
    pairs: Sequence[tuple[int, int]]
    crowd: Sequence[int] = ()


def human_machine_difference(
    humans: Ints,
    machine: Ints,
    cluster: ByTrace,
    domain: Domain,
    how: Resampling = Resampling(),
    *,
    level: str = "nominal",
) -> AlphaDifference:
    """Mean α of the humans with the machine, minus mean α of the humans with each other, of primary codes.

    ``humans``: (coders, units); ``machine``: (units,); both indices into ``domain``, see `Reliability`; ``level``: of
    measurement. Only units that the machine and at least two humans coded.
    """
    everyone = np.vstack([humans, machine])
    usable = (machine != MISSING) & ((humans != MISSING).sum(axis=0) >= 2)
    last = len(humans)
    sides = (
        _Side("people with each other", list(combinations(range(last), 2)), range(last)),
        _Side("people with the machine", [(coder, last) for coder in range(last)]),
    )
    data = Reliability(everyone[:, usable], cluster[usable], domain, level)
    return _difference("human–machine minus human–human", data, sides, how)


def alpha_with_people(
    people: Ints,
    machine: Ints,
    cluster: ByTrace,
    domain: Domain,
    how: Resampling = Resampling(),
    *,
    level: str = "nominal",
) -> Estimate:
    """Mean α of the machine with each person, over the units that both coded and weighted by their number, see
    `human_machine_difference`; of one person too, and where no two people coded the same unit."""
    usable = (machine != MISSING) & (people != MISSING).any(axis=0)
    data = Reliability(np.vstack([people, machine])[:, usable], cluster[usable], domain, level)
    last, units = len(people), data.n
    if not units:
        return Estimate.undefined("people and the machine coded no unit in common", level=how.level)
    pattern, of_unit = patterns(data.values, data.size)
    mean = _MeanAlpha.of(_Side("", [(coder, last) for coder in range(last)]), pattern, data)
    statistic = Additive(mean.features, of_unit, data.cluster, mean)
    value = float(mean(statistic.sums()[None])[0])
    if math.isnan(value):
        same = "with every person, all shared values are the same"
        return Estimate.undefined(same, level=how.level, n=units)
    rarer = dissent(value_counts(pattern, data.size), statistic.sizes)
    sizes, rare, sums = statistic.over_traces(rarer)
    return Estimate(value, **over_clusters(mean, sums, sizes, how, scale="agreement", dissent=rare))


def recoding_difference(
    before: Ints,
    after: Ints,
    cluster: ByTrace,
    domain: Domain,
    how: Resampling = Resampling(),
    *,
    level: str = "nominal",
    merged: bool = False,
) -> AlphaDifference:
    """α after recoding minus α before, same units and coders: (coders, units) each, indices into a common ``domain``.

    For the drift between two versions of a codebook. Only units that two coders coded both times. ``merged``: ``after`` is of coarser
    units, with `MISSING` where a unit is now part of another one; each α is then of the units that two coders coded at its time.
    """
    coders = len(before)
    then, now = ((values != MISSING).sum(axis=0) >= 2 for values in (before, after))
    usable = then | now if merged else then & now
    old = list(combinations(range(coders), 2))
    sides = (
        _Side("the coders before", old, range(coders)),
        _Side("the coders after", [(a + coders, b + coders) for a, b in old], range(coders, 2 * coders)),
    )
    data = Reliability(np.vstack([before, after])[:, usable], cluster[usable], domain, level)
    return _difference(RECODED, data, sides, how)


def _difference(name: str, data: Reliability, sides: tuple[_Side, _Side], how: Resampling) -> AlphaDifference:
    known: dict[str, Any] = {
        "name": name,
        "level": how.level,
        "n": data.n,
        "clusters": traces_in(data.cluster),
    }
    if not data.n or not sides[0].pairs:
        return AlphaDifference.undefined("no unit was coded by two people and by the other side", **known)
    pattern, of_unit = patterns(data.values, data.size)
    first, second = (_MeanAlpha.of(side, pattern, data) for side in sides)
    split = first.features.shape[1]

    def difference(sums: Floats) -> Floats:
        return second(sums[:, split:]) - first(sums[:, :split])

    features = np.hstack([first.features, second.features])
    statistic = Additive(features, of_unit, data.cluster, difference)
    whole = statistic.sums()[None]
    found = first.means(whole[:, :split]), second.means(whole[:, split:])
    for side, means in zip(sides, found, strict=True):
        if math.isnan(means.mean[0]):
            same = "within each pair of them all shared values are the same"
            return AlphaDifference.undefined(f"α of {side.words} is undefined: {same}", **known)
    rarer = dissent(value_counts(pattern, data.size), statistic.sizes)
    sizes, rare, sums = statistic.over_traces(rarer)
    own: dict[str, Any] = {"scale": "agreement", "dissent": rare}
    one, other = (float(means.mean[0]) for means in found)
    return AlphaDifference(
        other - one,
        **over_clusters(difference, sums, sizes, how, scale="plain"),
        name=name,
        first=one,
        second=other,
        sides=(
            Estimate(one, **over_clusters(first, sums[:, :split], sizes, how, **own)),
            Estimate(other, **over_clusters(second, sums[:, split:], sizes, how, **own)),
        ),
        averaged=_averaged(sides, found),
    )


class _Means(NamedTuple):
    """``mean``: (R,) mean α over pairs; ``weights``, ``alphas``: (R, pairs), NaN where α is undefined."""

    mean: Floats
    weights: Floats
    alphas: Floats


@dataclass(frozen=True)
class _MeanAlpha:
    """The mean α of a side's pairs as a statistic of sums over units of ``features``, (patterns, pairs × width): what α needs,
    and the pair's weight. ``parts``: α of (R, width − 1) sums of one pair."""

    features: Floats
    width: int
    parts: Callable[[Floats], Any]

    @classmethod
    def of(cls, side: _Side, pattern: Ints, data: Reliability) -> _MeanAlpha:
        """``pattern``: (coders, patterns) values."""
        there = pattern != MISSING
        others = np.maximum(there[list(side.crowd)].sum(axis=0) - 1, 1) if side.crowd else 1
        columns, parts = [], None
        for a, b in side.pairs:
            both = there[a] & there[b]
            counts = (value_counts(pattern[[a, b]], data.size) * both[:, None]).astype(np.float64)
            features, parts = alpha_features(counts, data)
            columns.append(np.column_stack([features, both / others]))
        assert parts is not None, "a side has a pair"
        return cls(np.hstack(columns), columns[0].shape[1], parts)

    def means(self, sums: Floats) -> _Means:
        """Of (R, F) sums; a pair without α, or without units, is left out."""
        by_pair = sums.reshape(-1, self.width)
        with np.errstate(divide="ignore", invalid="ignore"):
            alphas = self.parts(by_pair[:, :-1]).alpha.reshape(len(sums), -1)
            weights = by_pair[:, -1].reshape(len(sums), -1)
            used = np.where(np.isnan(alphas), 0.0, weights)
            return _Means((used * np.nan_to_num(alphas)).sum(axis=1) / used.sum(axis=1), weights, alphas)

    def __call__(self, sums: Floats) -> Floats:
        return self.means(sums).mean


def _averaged(sides: Sequence[_Side], found: Sequence[_Means]) -> str:
    """Which pairs the means are over, where it is not all of them."""
    said = []
    for side, means in zip(sides, found, strict=True):
        weights, alphas = means.weights[0], means.alphas[0]
        of = f"of {counted(len(weights), 'pair')} ({side.words})"
        if apart := int((weights == 0).sum()):
            said.append(f"{apart} {of} {'shares' if apart == 1 else 'share'} no unit")
        if alike := int(((weights > 0) & np.isnan(alphas)).sum()):
            said.append(f"{alike} {of} {'gives' if alike == 1 else 'give'} one and the same value throughout")
    if not said:
        return ""
    return f"{'; '.join(said)}: the means are over the other pairs, every coder by the units that he or she coded"


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
    """α of ``after`` minus α of ``before`` (runs under two versions of a codebook), primary codes, at the codebook's level.

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
            f"{counted(len(names), 'coder')} coded before and after",
            "give runs that at least two coders of the same names made",
        )
    _, then, now = np.intersect1d(old.unit_ids, new.unit_ids, return_indices=True)
    how = Resampling(replicates, seed, level, interval)
    if old.measurement == new.measurement == "nominal":
        categories = list(dict.fromkeys((*old.categories, *new.categories)))
        codes = _aligned(old.of(names), then, categories), _aligned(new.of(names), now, categories)
        domain: Domain = len(categories)
    elif (old.measurement, old.codes, old.scale) == (new.measurement, new.codes, new.scale):
        first_time, second_time = old.of(names).on_scale(), new.of(names).on_scale()
        codes, domain = (first_time.values[:, then], second_time.values[:, now]), first_time.domain
    else:
        levels = f"{earlier.ref} is {old.measurement}, {later.ref} is {new.measurement}"
        why = f"the codes of the two versions do not stand on one scale: {levels}, with other codes or values"
        return AlphaDifference.undefined(why, name=RECODED, level=level)
    return recoding_difference(*codes, old.cluster[then], domain, how, level=new.measurement)


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
    return replace(data, categories=categories, primary=primary, measurement=later.level, scale=later.scale)


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
