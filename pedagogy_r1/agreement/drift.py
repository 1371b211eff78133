"""Did a new version of the codebook help? The same coders on the same units, before and after.

before .61, after .74: difference +.13 [.05, .21], 240 units of 14 traces
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from ..codebook import NONE, Codebook
from ..codebook.migration import MigrationMap, carry, migration_map
from ..errors import CodebookError, RunError
from ..runs.run import CoderRun
from .additive import Ints
from .difference import Difference, recoding_difference
from .profile import MISSING
from .reliability import ReliabilityData, reliability_data


def drift(
    before: Sequence[CoderRun | str | Path],
    after: Sequence[CoderRun | str | Path],
    *,
    coders: Sequence[str] = (),
    carried: bool = False,
    replicates: int = 1000,
    seed: int = 0,
) -> Difference:
    """α of ``after`` minus α of ``before`` (runs under two versions of a codebook), nominal, primary codes.

    Coders (all who coded both times, or just ``coders``) are matched by name, units by id. ``carried``: the codes of
    ``before`` are first carried to the later version by its migration map, and units with a code that was split or
    retired left out. Codes that were merged cannot be confused any more; the rest of the difference is what coding
    again under the new words brought.

    Raises `RunError` where fewer than two coders coded both times, `CodebookError` if the runs are not of two versions
    of one codebook, the later one second, or, for ``carried``, if the later one has no migration from the earlier one.
    """
    first, second = [_run(run) for run in before], [_run(run) for run in after]
    old, new = reliability_data(first), reliability_data(second)
    earlier, later = first[0].codebook, second[0].codebook
    _versions(earlier, later)
    if carried:
        old = _carried(old, earlier, later)
    names = [coder.name for coder in old.coders if coder.name in {c.name for c in new.coders}]
    if coders:
        names = [name for name in names if name in coders]
    if len(names) < 2:
        raise RunError(
            f"{len(names)} coders coded before and after",
            "give runs that at least two coders of the same names made",
        )
    again = set(new.unit_ids)
    units = [unit for unit in old.unit_ids if unit in again]
    categories = list(dict.fromkeys((*old.categories, *new.categories)))
    codes, new_codes = (_aligned(data.of(names), units, categories) for data in (old, new))
    place = {unit: i for i, unit in enumerate(old.unit_ids)}
    cluster = old.cluster[[place[unit] for unit in units]]
    return recoding_difference(codes, new_codes, cluster, len(categories), replicates=replicates, seed=seed)


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


def _versions(earlier: Codebook, later: Codebook) -> None:
    if earlier.id != later.id:
        raise CodebookError(
            f"before is {earlier.ref}, after is {later.ref}",
            "before and after are compared under versions of one codebook",
        )
    old, new = ([int(part) for part in book.version.split(".")] for book in (earlier, later))
    if old > new:
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


def _run(run: CoderRun | str | Path) -> CoderRun:
    return run if isinstance(run, CoderRun) else CoderRun(run)


def _aligned(data: ReliabilityData, units: Sequence[str], categories: Sequence[str]) -> Ints:
    """(coders, units) primary codes over the common categories."""
    place = {unit: i for i, unit in enumerate(data.unit_ids)}
    columns = [place[unit] for unit in units]
    code = np.array(
        [*(categories.index(c) for c in data.categories), MISSING]
    )  # index -1 is the last: missing
    return np.asarray(code[data.primary[:, columns]])
