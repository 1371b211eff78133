"""Did a new version of the codebook help? The same coders on the same units, before and after.

before .61, after .74: difference +.13 [.05, .21], 240 units of 14 traces
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..coding.run import CoderRun
from ..errors import RunError
from .additive import Ints
from .difference import Difference, recoding_difference
from .profile import MISSING
from .reliability import ReliabilityData, reliability_data


def drift(
    before: Sequence[CoderRun | str | Path],
    after: Sequence[CoderRun | str | Path],
    *,
    replicates: int = 1000,
    seed: int = 0,
) -> Difference:
    """α of ``after`` minus α of ``before`` (runs under two versions of a codebook), nominal, primary codes.

    Coders are matched by name, units by id. Raises `RunError` where fewer than two coders coded both times.
    """
    old, new = (reliability_data([_run(run) for run in runs]) for runs in (before, after))
    names = [coder.name for coder in old.coders if coder.name in {c.name for c in new.coders}]
    if len(names) < 2:
        raise RunError(
            f"{len(names)} coders coded before and after",
            "give runs that at least two coders of the same names made",
        )
    again = set(new.unit_ids)
    units = [unit for unit in old.unit_ids if unit in again]
    categories = list(dict.fromkeys((*old.categories, *new.categories)))
    first, second = (_aligned(data.of(names), units, categories) for data in (old, new))
    place = {unit: i for i, unit in enumerate(old.unit_ids)}
    cluster = old.cluster[[place[unit] for unit in units]]
    return recoding_difference(first, second, cluster, len(categories), replicates=replicates, seed=seed)


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
