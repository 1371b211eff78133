"""Intervals by resampling groups: students, transcripts, question families; never single items of one.

    groups  s1 s1 s2 s3 s3 s3        a replicate draws three groups with replacement: s3 s1 s3
    weights  1  1  0  2  2  2        how often it holds each item

Items of one student are alike, so resampling items would make intervals too narrow. The interval is the 2.5 and 97.5 % of the
replicates (Efron & Tibshirani 1993, ch. 13). Two groups are the least; with fewer than about ten it is rough, and says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from .domains import Resampling

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

AT_ONCE = 4_000_000
"""Weights held at a time."""
FEW = 10


class Groups(NamedTuple):
    """``number``: the group of each item, from 0, in the order of the groups' names, so that items may come in any order."""

    number: NDArray[np.intp]
    many: int

    @classmethod
    def of(cls, names: Sequence[str]) -> Groups:
        import numpy as np

        found, number = np.unique(np.array(names, dtype=str), return_inverse=True)
        return cls(number, len(found))


class Interval(NamedTuple):
    """95 % bounds, or ``None`` and why in ``note``."""

    low: float | None
    high: float | None
    note: str | None = None


def weights(groups: Groups, how: Resampling, size: int | None = None) -> Iterator[Floats]:
    """How often each replicate holds each group: blocks of (replicates, groups), at most `AT_ONCE` / ``size`` high."""
    import numpy as np

    rng = np.random.default_rng(how.seed)
    block = max(1, AT_ONCE // max(1, size or groups.many))
    even = np.full(groups.many, 1 / groups.many)
    for start in range(0, how.replicates, block):
        yield rng.multinomial(groups.many, even, min(block, how.replicates - start)).astype(float)


def interval(
    groups: Groups,
    how: Resampling,
    statistic: Callable[[Floats], Floats],
    size: int | None = None,
    *,
    name: str = "",
) -> Interval:
    """Bounds of ``statistic``, which takes weights (replicates, groups) and gives (replicates,), NaN where undefined.

    ``name``: under which ``how.keep`` gets the replicates. The same groups have the same weights, whoever answered.
    """
    import numpy as np

    if groups.many < 2:
        return Interval(None, None, "no interval: all items are of one group")
    if how.replicates < 1:
        return Interval(None, None, "no interval: no replicates were asked for")
    values = np.concatenate([statistic(block) for block in weights(groups, how, size)])
    if how.keep is not None:
        how.keep[name] = values
    defined = values[np.isfinite(values)]
    if len(defined) < len(values) / 2:
        return Interval(None, None, "no interval: undefined in most replicates")
    low, high = (float(v) for v in np.quantile(defined, (0.025, 0.975)))
    lost = len(values) - len(defined)
    notes = [f"undefined in {lost} of {len(values)} replicates"] if lost else []
    notes += [f"a rough interval: {groups.many} groups"] if groups.many < FEW else []
    return Interval(low, high, "; ".join(notes) or None)


def extreme(groups: Groups, rate: float) -> Interval:
    """Bounds of a share where every item is alike and replicates cannot differ: Clopper & Pearson (1934) over groups."""
    if groups.many < 2:
        return Interval(None, None, "no interval: all items are of one group")
    reach = 1 - 0.025 ** (1 / groups.many)
    low, high = (0.0, reach) if rate == 0 else (1 - reach, 1.0)
    return Interval(low, high, "all items are alike: exact binomial interval over groups")
