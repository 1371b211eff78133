"""Intervals over clusters that hold with few and unequal ones: leave out one at a time, and a t that knows how few count.

    θ = scale(value)       v = (G−1)/G Σ_g (θ_(g) − θ̄)²       θ ± t_df · √v, and back to the scale of the value

θ_(g): without cluster g (Efron & Tibshirani 1993, ch. 11). The scale is the one on which the estimate is nearly normal:
log(1 − x) for agreement, the logit for a share, the log for a ratio, Fisher's z for a correlation, none for a difference.
df = min(K, 2E) − 1 with

    K = (Σm)²/Σm²           of the clusters' sizes m (Kish 1965): 14 traces of which one holds half count for 4; where the
                            estimate rests on what is not the commonest, the geometric mean with the K of that
    E = (Σδ²)²/Σδ⁴          of δ_g = θ_(g) − θ̄: how many clusters the variance rests on (G/3 where δ is normal)

Of a share over unequal clusters the variance is multiplied by 1 + `UNEQUAL_SHARE` (G/K − 1)/√G: it divides by a number of
observations that varies as the clusters' sizes do.

With 6 to 42 traces, of equal length, of lognormal length or where longer ones are harder, 95 % intervals cover .93 to .975
(``benchmarks/coverage_intervals.py``); percentiles of resampled traces cover .75 to .95 there. Where no interval can hold
there is none, and the estimate says why. What is rare is in few traces, and its estimate is skewed: its interval comes from
*studentised* resamples (Efron & Tibshirani, ch. 12.5), which need more traces.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ..formatting import level_words
from ..limits import FEWEST_CLUSTERS, FEWEST_EFFECTIVE, FEWEST_FOR_RARE, RARE, UNEQUAL_SHARE
from .estimate import Estimate, joined
from .resample import (
    BOOTSTRAP,
    Clusters,
    Floats,
    Ints,
    Resampling,
    alike_limits,
    alike_words,
    cluster_draws,
    described,
    effective,
    interval_words,
    percentile,
    resampled_words,
)
from .share import rarer

Scale = Literal["agreement", "share", "ratio", "correlation", "plain"]
Statistic = Callable[[Floats], Floats]
"""(R, F) sums over clusters → (R,) values, NaN where undefined."""

_LOWEST_AGREEMENT = -1.0
"""No data of two coders or more have an α or κ below it, so no limit goes further: D_o is at most 2 D_e."""
_AT_ONCE = 1 << 13
"""Clusters left out at once, where there are millions: what a statistic makes of their sums stays in a processor's cache."""
_ROUNDING = 1e-9
"""A standard error below this is rounding: leaving out a cluster changed nothing."""


def over_clusters(
    statistic: Statistic,
    sums: Floats,
    sizes: Ints | Floats,
    how: Resampling,
    *,
    scale: Scale,
    over: str = "traces",
    dissent: Ints | Floats | None = None,
    value: float | None = None,
    limits: Sequence[float] = (),
) -> dict[str, Any]:
    """The fields of an `Estimate` that say how far it varies between clusters, without its value.

    ``sums``: (G, F) of each cluster; ``sizes``: (G,) observations; ``dissent``: (G,) those that are not of the commonest
    value, or have the code: what the estimate rests on where that is rare. ``value``: the statistic, if known. With
    ``limits`` there is a further field ``below``: for each, the confidence that the true value lies below it.
    """
    import numpy as np

    if value is None:
        value = float(statistic(sums.sum(axis=0, keepdims=True))[0])
    if how.interval == BOOTSTRAP:
        scale = "plain"
    with np.errstate(all="ignore"):
        found = _interval(statistic, sums, sizes, how, scale, over, dissent, value)
        ends = np.sort(_back(np.array([found.low, found.high], dtype=np.float64), scale)).tolist()
        below = {
            f"{limit:.3f}": found.below(float(_forward(np.array(limit), scale)), scale) for limit in limits
        }
    fields: dict[str, Any] = {
        "level": how.level,
        "n": round(float(sizes.sum())),
        "clusters": len(sizes),
        "effective_clusters": effective(sizes),
        "undefined_share": found.lost,
    }
    if found.low is not None:
        if scale == "agreement":
            ends[0] = max(ends[0], min(_LOWEST_AGREEMENT, value))
        fields |= {"low": ends[0], "high": ends[1], "method": found.method}
    if found.draws is not None:
        fields["seed"] = how.seed
    if limits:
        fields["below"] = {name: share for name, share in below.items() if share is not None}
    return fields | {"warnings": found.warnings}


@dataclass(frozen=True)
class _Interval:
    """Limits on the scale, or the reason in ``warnings``. The distribution behind them: ``draws``, or a t about ``theta``."""

    low: float | None = None
    high: float | None = None
    method: str = ""
    warnings: tuple[str, ...] = ()
    theta: float = 0.0
    spread: float = 0.0
    df: float = 0.0
    draws: Floats | None = None
    lost: float = 0.0

    def below(self, limit: float, scale: Scale) -> float | None:
        """The confidence that the true value lies below ``limit``, a value on the scale (which for agreement falls)."""
        from scipy import special

        if self.low is None:
            return None
        if self.draws is not None:
            under = self.draws > limit if scale == "agreement" else self.draws < limit
            return float(under.mean())
        sign = -1 if scale == "agreement" else 1
        return float(special.stdtr(self.df, sign * (limit - self.theta) / self.spread))


def _interval(
    statistic: Statistic,
    sums: Floats,
    sizes: Ints | Floats,
    how: Resampling,
    scale: Scale,
    over: str,
    dissent: Ints | Floats | None,
    value: float,
) -> _Interval:
    import numpy as np

    if how.interval == BOOTSTRAP:
        return _percentile(statistic, sums, sizes, how, over)
    if why := interval_words(len(sizes), how, over) or no_interval(sizes, over):
        return _none(why)
    if scale == "share" and value in (0.0, 1.0):
        return _all_alike(value, sizes, how, over)
    theta = float(_forward(np.array(value), scale))
    if not np.isfinite(theta):
        return _none(f"no interval: {value:g} is the end of the scale, and nothing shows how far off it is")
    if dissent is not None:
        rests = effective(dissent)
        if rests < FEWEST_EFFECTIVE:
            return _none(
                f"no interval: more than half of what is not the commonest value is in one of the {over}"
            )
        if scale == "agreement" and dissent.sum() < RARE * sizes.sum() and rests < FEWEST_FOR_RARE:
            return _studentised(statistic, sums, theta, how, scale, over)
    total = sums.sum(axis=0)
    blocks = [statistic(total - sums[at : at + _AT_ONCE]) for at in range(0, len(sums), _AT_ONCE)]
    without = _forward(np.concatenate(blocks), scale)
    more = unequal(sizes, UNEQUAL_SHARE) if scale == "share" else 1.0
    return jackknife(theta, without, sizes, how, over, dissent, more)


def _none(why: str, **known: Any) -> _Interval:
    """No interval, and the reason."""
    return _Interval(warnings=(why,), **known)


def _all_alike(value: float, sizes: Ints | Floats, how: Resampling, over: str) -> _Interval:
    import numpy as np

    low, high = _forward(np.array(alike_limits(value, effective(sizes), how.level)), "share").tolist()
    words = f"{level_words(how.level, '')} Clopper–Pearson over {over}"
    return _Interval(low, high, words, (alike_words(value, len(sizes), over),), draws=np.empty(0))


def clustered(
    columns: Sequence[Sequence[float]],
    clusters: Sequence[Hashable],
    statistic: Statistic,
    how: Resampling,
    *,
    scale: Scale,
    over: str = "traces",
    why: str = "nothing to divide by",
) -> Estimate:
    """The statistic of summed columns with an interval over clusters.

    ``columns``: k sequences of n numbers, the second of them what is divided by. ``statistic``: (R, k) sums → (R,) values,
    NaN where undefined, in which case the estimate carries ``why``.
    """
    import numpy as np

    table = np.array([np.asarray(column, dtype=np.float64) for column in columns]).T.reshape(-1, len(columns))
    sums = Clusters.of(clusters).sums(table)
    return of_cluster_sums(sums, len(table), statistic, how, scale=scale, over=over, why=why)


def of_cluster_sums(
    sums: Floats,
    n: int,
    statistic: Statistic,
    how: Resampling,
    *,
    scale: Scale,
    over: str = "traces",
    why: str = "nothing to divide by",
) -> Estimate:
    """`clustered`, of (G, k) sums within clusters of ``n`` observations."""
    import numpy as np

    with np.errstate(divide="ignore", invalid="ignore"):
        value = float(statistic(sums.sum(axis=0, keepdims=True))[0])
    if not np.isfinite(value):
        return Estimate.undefined(why, level=how.level, n=n, clusters=len(sums))
    sizes = sums[:, 1]
    dissent = rarer(sums[:, 0], sizes) if scale == "share" else None
    over_them = over_clusters(
        statistic, sums, sizes, how, scale=scale, over=over, dissent=dissent, value=value
    )
    return Estimate(value, **over_them | {"n": n})


def jackknife(
    theta: float,
    without: Floats,
    sizes: Ints | Floats,
    how: Resampling,
    over: str = "traces",
    dissent: Ints | Floats | None = None,
    more: float = 1.0,
) -> _Interval:
    """The interval of θ, given the (G,) θ_(g) without each cluster, its variance ``more`` times theirs; or why there is none."""
    import numpy as np
    from scipy import special

    if not np.isfinite(without).all():
        return _none(f"no interval: it rests on one of the {over}, without which it is undefined")
    spread, df = jackknife_spread(without, sizes, dissent)
    if spread < _ROUNDING:
        return _none(f"no interval: it stays the same whichever of the {over} is left out")
    spread *= math.sqrt(more)
    reach = float(special.stdtrit(df, (1 + how.level) / 2)) * spread
    words = f"{level_words(how.level, '')} jackknife over {over}, t with {df:.1f} df"
    return _Interval(theta - reach, theta + reach, words, theta=theta, spread=spread, df=df)


def jackknife_spread(
    without: Floats, sizes: Ints | Floats, dissent: Ints | Floats | None = None
) -> tuple[float, float]:
    """√v and df of estimates (G,) without each cluster of ``sizes`` (G,); ``dissent``: see `over_clusters`."""
    import numpy as np

    deviations = without - without.mean()
    square = deviations**2
    squares = float(square.sum())
    # A power of 4 takes a hundred times as long, and may differ in the last digit from what was reported before.
    fourths = float((deviations**4 if len(without) <= _AT_ONCE else square**2).sum())
    resting = squares**2 / fourths if fourths else float(len(sizes))
    count, real = len(without), effective(sizes)
    if dissent is not None:
        real = float(np.sqrt(real * effective(dissent)))
    return float(np.sqrt((count - 1) / count * squares)), min(real, 2 * resting) - 1


def unequal(sizes: Ints | Floats, strength: float) -> float:
    """1 + ``strength`` (g/K − 1)/√g: how much more a ratio over (g,) clusters varies than they show, since their ``sizes`` vary;
    g/K − 1 is the squared coefficient of variation of the sizes, and skewness fades as 1/√g."""
    count = len(sizes)
    return 1 + strength * (count / effective(sizes) - 1) / math.sqrt(count)


def no_interval(sizes: Ints | Floats, over: str) -> str | None:
    """Why no interval over clusters of ``sizes`` can hold, whatever the estimate."""
    if len(sizes) < FEWEST_CLUSTERS:
        over = over if len(sizes) != 1 else over.replace("traces", "trace").replace("items", "item")
        return f"no interval: {len(sizes)} {over}, and with fewer than {FEWEST_CLUSTERS} none can hold"
    if (real := effective(sizes)) < FEWEST_EFFECTIVE:
        return (
            f"no interval: one of the {over} holds more than half of everything ({real:.1f} effective {over})"
        )
    return None


def _percentile(
    statistic: Statistic, sums: Floats, sizes: Ints | Floats, how: Resampling, over: str
) -> _Interval:
    """Percentiles need no scale: they are the same on any."""
    import numpy as np

    draws = np.empty(0)
    if len(sums) > 1 and how.replicates:
        blocks = cluster_draws(len(sums), how.replicates, how.seed)
        draws = np.concatenate([statistic(block @ sums) for block in blocks])
    low, high, lost, defined = percentile(draws, how.level)
    words = joined(resampled_words(len(sums), how, over, lost, effective(sizes)))
    return _Interval(low, high, described(over, how), words, draws=defined, lost=lost)


def _studentised(
    statistic: Statistic, sums: Floats, theta: float, how: Resampling, scale: Scale, over: str
) -> _Interval:
    """The interval of θ from resamples of (θ* − θ)/se*; se by linearising the statistic in its sums."""
    import numpy as np

    count = len(sums)
    if count < FEWEST_FOR_RARE:
        return _none(f"no interval: what is this rare needs {FEWEST_FOR_RARE} {over}, and there are {count}")
    (spread,) = _linearised(statistic, sums, np.ones((1, count)), scale)[1]
    ratios: list[Floats] = []
    for weights in cluster_draws(count, how.replicates, how.seed):
        drawn, spreads = _linearised(statistic, sums, weights, scale)
        ratios.append((drawn - theta) / spreads)
    low, high, lost, defined = percentile(np.concatenate(ratios), how.level)
    if low is None or high is None or not spread > _ROUNDING:
        return _none("no interval: undefined in most resamples", lost=lost)
    words = (
        f"{level_words(how.level, '')} studentised cluster bootstrap over {over}, {how.replicates} resamples"
    )
    ends = theta - high * spread, theta - low * spread
    return _Interval(*ends, words, draws=theta - defined * spread, lost=lost)


def _linearised(statistic: Statistic, sums: Floats, weights: Floats, scale: Scale) -> tuple[Floats, Floats]:
    """(R,) θ of resamples with (R, G) weights, and its standard error there."""
    import numpy as np

    totals = weights @ sums
    slopes = np.empty_like(totals)
    for f in range(sums.shape[1]):
        step = np.zeros(sums.shape[1])
        step[f] = 1e-4 * max(1.0, float(sums[:, f].sum()))
        up, down = (_forward(statistic(totals + sign * step), scale) for sign in (1, -1))
        slopes[:, f] = (up - down) / (2 * step[f])
    influence = slopes @ sums.T
    count = len(sums)
    mean = (weights * influence).sum(axis=1, keepdims=True) / count
    variance = (weights * (influence - mean) ** 2).sum(axis=1) * count / (count - 1)
    return _forward(statistic(totals), scale), np.sqrt(variance)


def _forward(values: Floats, scale: Scale) -> Floats:
    import numpy as np
    from scipy import special

    to: dict[Scale, Callable[[Floats], Floats]] = {
        "agreement": lambda x: np.log1p(-x), "share": special.logit, "ratio": np.log, "correlation": np.arctanh
    }  # fmt: skip
    return np.asarray(to[scale](values) if scale in to else values, dtype=np.float64)


def _back(values: Floats, scale: Scale) -> Floats:
    import numpy as np
    from scipy import special

    to: dict[Scale, Callable[[Floats], Floats]] = {
        "agreement": lambda t: -np.expm1(t), "share": special.expit, "ratio": np.exp, "correlation": np.tanh
    }  # fmt: skip
    return np.asarray(to[scale](values) if scale in to else values, dtype=np.float64)
