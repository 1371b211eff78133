"""Resampling whole clusters (traces, items, students), never single units of one.

    clusters  t1 t1 t2 t3 t3 t3      a resample draws three clusters with replacement: t3 t1 t3
    weights    1  1  0  2  2  2      how often it holds each unit

Units of one trace resemble each other; an interval that resamples units is too narrow (in simulation it covers 72–82 % where
95 % is claimed). Every statistic here is a function of sums over clusters, so that a resample is a vector of weights times a
small table. One seed gives one set of draws: two statistics over the same clusters get the same resamples, and their
difference is paired. Percentile intervals: Efron & Tibshirani (1993), ch. 13.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

from ..formatting import level_words
from ..limits import LEAST_LEVEL, LEVEL, MOST_LEVEL, MOST_UNDEFINED
from .estimate import Estimate, few, joined

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

Floats: TypeAlias = "npt.NDArray[np.float64]"
Ints: TypeAlias = "npt.NDArray[np.int64]"
Flags: TypeAlias = "npt.NDArray[np.bool_]"

BLOCK = 2_000_000
"""Numbers drawn at once; bounds the memory of a bootstrap to some tens of megabytes."""


Interval = Literal["jackknife", "bootstrap"]
BOOTSTRAP: Interval = "bootstrap"


@dataclass(frozen=True)
class Resampling:
    """How intervals are made: so many resamples (0: no interval), from this seed, at this confidence level.

    ``interval``: over clusters by leaving out one at a time (`jackknife`; what is rare is resampled), or by percentiles of
    resampled clusters, which are too narrow where clusters are few or unequal. Raises `ValueError` for a level that is none.
    """

    replicates: int = 1000
    seed: int = 0
    level: float = LEVEL
    interval: Interval = "jackknife"

    def __post_init__(self) -> None:
        if not LEAST_LEVEL <= self.level <= MOST_LEVEL:
            raise ValueError(
                f"no intervals of confidence level {self.level:g}: give one from {LEAST_LEVEL} to {MOST_LEVEL}, as .95"
            )


@dataclass(frozen=True)
class Clusters:
    """``number``: (n,) the cluster of each observation, from 0; ``count``: how many clusters there are."""

    number: Ints
    count: int

    @classmethod
    def of(cls, names: Sequence[Hashable]) -> Clusters:
        """Numbered in the order in which the names first come."""
        import numpy as np

        numbers: dict[Hashable, int] = {}
        index = [numbers.setdefault(name, len(numbers)) for name in names]
        return cls(np.array(index, dtype=np.int64), len(numbers))

    @classmethod
    def by_name(cls, names: Sequence[str]) -> Clusters:
        """Numbered in the order of the names, so that observations may come in any order."""
        import numpy as np

        found, number = np.unique(np.array(names, dtype=str), return_inverse=True)
        return cls(number.astype(np.int64), len(found))

    def sums(self, table: Floats) -> Floats:
        """(count, columns) sums within clusters of an (n, columns) table."""
        import numpy as np

        columns = [np.bincount(self.number, column, self.count) for column in np.ascontiguousarray(table.T)]
        return np.column_stack(columns) if columns else np.zeros((self.count, 0))

    @property
    def effective(self) -> float:
        """(Σm)²/Σm² of the clusters' sizes m."""
        import numpy as np

        return effective(np.bincount(self.number, minlength=self.count))


def compact(key: Ints) -> tuple[Ints, Ints]:
    """Distinct non-negative keys, ascending, and each row's place among them; a table where the keys are small."""
    import numpy as np

    if len(key) and int(key.max()) < max(4 * len(key), 1 << 20):
        seen = np.bincount(key) > 0
        place = np.cumsum(seen) - 1
        return np.flatnonzero(seen), place[key]
    found, inverse = np.unique(key, return_inverse=True)
    return found, inverse.astype(np.int64)


def effective(sizes: Ints | Floats) -> float:
    """(Σm)²/Σm²: how many clusters of equal size carry as much as clusters of ``sizes`` (Kish 1965)."""
    square = float((sizes.astype(float, copy=False) ** 2).sum())
    return float(sizes.sum()) ** 2 / square if square else 0.0


def cluster_draws(n: int, replicates: int, seed: int, width: int | None = None) -> Iterator[Floats]:
    """Blocks of (rows, n) weights: how often each of ``n`` clusters is drawn in each resample, with replacement.

    ``width``: numbers that the caller makes of each resample, where that is more than ``n``: blocks get lower.
    """
    import numpy as np

    rng = np.random.default_rng(seed)
    rows = max(1, BLOCK // max(1, width or n))
    for start in range(0, replicates, rows):
        count = min(rows, replicates - start)
        drawn = rng.integers(0, n, size=(count, n))
        drawn += (np.arange(count) * n)[:, None]
        yield np.bincount(drawn.ravel(), minlength=count * n).reshape(count, n).astype(np.float64)


def unit_draws(sizes: Ints, replicates: int, seed: int) -> Iterator[Floats]:
    """Blocks of (rows, profiles) counts: units redrawn one by one, where ``sizes`` of them share each profile.

    A multinomial over the profiles: the same distribution as redrawing the units themselves, not an approximation.
    """
    import numpy as np

    rows = max(1, BLOCK // len(sizes))
    if 0 < replicates <= rows:
        yield _drawn(tuple(sizes.tolist()), replicates, seed)
        return
    rng, total = np.random.default_rng(seed), int(sizes.sum())
    for start in range(0, replicates, rows):
        yield rng.multinomial(total, sizes / total, size=min(rows, replicates - start)).astype(np.float64)


@lru_cache(maxsize=1)
def _drawn(sizes: tuple[int, ...], replicates: int, seed: int) -> Floats:
    """The one block of `unit_draws`: the next coefficient of the same coders asks for the same."""
    import numpy as np

    shares = np.array(sizes) / sum(sizes)
    drawn = np.random.default_rng(seed).multinomial(sum(sizes), shares, size=replicates).astype(np.float64)
    drawn.flags.writeable = False
    return drawn


class Percentile(NamedTuple):
    """The central part of the resamples; ``undefined_share`` of them had no value and were left out of ``values``."""

    low: float | None
    high: float | None
    undefined_share: float
    values: Floats


def percentile(values: Floats, level: float = LEVEL) -> Percentile:
    """Percentile interval of the defined values (NaN: undefined); none where more than `MOST_UNDEFINED` are undefined."""
    import numpy as np

    defined = values[np.isfinite(values)]
    lost = float(1 - len(defined) / len(values)) if len(values) else 0.0
    if not len(defined) or lost > MOST_UNDEFINED:
        return Percentile(None, None, lost, defined)
    low, high = np.quantile(defined, [(1 - level) / 2, (1 + level) / 2])
    return Percentile(float(low), float(high), lost, defined)


def interval_words(clusters: int, how: Resampling, over: str) -> str | None:
    """Why there is no interval over clusters, whichever way it is made."""
    if clusters < 2:
        return f"no interval: everything comes from one {over.removesuffix('s')}"
    return None if how.replicates else "no interval: none was asked for"


def resampled_words(
    clusters: int, how: Resampling, over: str, lost: float, effective: float | None
) -> str | None:
    """Why there is no interval by resampling, or that it rests on few clusters; ``lost``: the share of undefined resamples."""
    return interval_words(clusters, how, over) or mostly_undefined(lost) or few(clusters, over, effective)


def mostly_undefined(lost: float) -> str | None:
    """Why there is no interval, where ``lost``, the share of undefined resamples, is too large."""
    return "no interval: undefined in most resamples" if lost > MOST_UNDEFINED else None


def from_draws(
    value: float,
    draws: Floats,
    how: Resampling,
    *,
    over: str = "traces",
    note: str | None = None,
    **known: Any,
) -> Estimate:
    """A value with the percentile interval of its resamples (replicates,), NaN where undefined; or why it has none.

    ``note``: a further warning; ``known``: further fields of the estimate, ``clusters`` among them.
    """
    low, high, lost, _ = percentile(draws, how.level)
    warnings = joined(
        note, resampled_words(known["clusters"], how, over, lost, known.get("effective_clusters"))
    )
    made: dict[str, Any] = {"method": described(over, how)} if len(draws) else {}
    return Estimate(
        value,
        low,
        high,
        how.level,
        warnings=warnings,
        seed=how.seed,
        undefined_share=lost,
        **made | known,
    )


def described(over: str, how: Resampling) -> str:
    """The interval's method in words."""
    return (
        f"{level_words(how.level, '')} percentile cluster bootstrap over {over}, {how.replicates} resamples"
    )


def all_alike(value: float, n: int, groups: Clusters, how: Resampling, *, over: str = "traces") -> Estimate:
    """A share where no cluster (or every one) has any, which resampling cannot vary: see `alike_limits`."""
    low, high = alike_limits(value, groups.effective, how.level)
    return Estimate(
        value,
        low,
        high,
        how.level,
        f"{level_words(how.level, '')} Clopper–Pearson over {over}",
        n,
        groups.count,
        groups.effective,
        warnings=(alike_words(value, groups.count, over),),
        seed=how.seed,
    )


def alike_limits(value: float, clusters: float, level: float) -> tuple[float, float]:
    """Limits of a share that is 0 (or 1) in all of so many effective clusters: Clopper & Pearson (1934) over clusters.

    1 − (α/2)^(1/G), an upper bound for the mean of values in [0, 1].
    """
    reach = 1 - ((1 - level) / 2) ** (1 / clusters)
    return (0.0, reach) if value == 0 else (1 - reach, 1.0)


def alike_words(value: float, clusters: int, over: str) -> str:
    """What such a share rests on."""
    share = "none" if value == 0 else "all"
    return f"{share} of {clusters} {over}: as no two of them differ, the interval says what so few {over} can show"


def jackknife_variance(deviations: Floats) -> Floats:
    """(k, k) V = (G−1)/G Σ_g δ_g δ_gᵀ of (G, k) deviations δ_g of the estimates without cluster g (Efron & Tibshirani 1993, ch. 11)."""
    count = len(deviations)
    variance: Floats = (count - 1) / count * deviations.T @ deviations
    return variance


def quotient(sums: Floats) -> Floats:
    """First column over the second."""
    ratio: Floats = sums[..., 0] / sums[..., 1]
    return ratio


def ratio_of_means(sums: Floats) -> Floats:
    """(sum, count, sum, count) → first mean over second mean."""
    ratio: Floats = (sums[..., 0] / sums[..., 1]) / (sums[..., 2] / sums[..., 3])
    return ratio
