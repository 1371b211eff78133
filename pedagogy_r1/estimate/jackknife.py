"""Intervals over clusters that hold with few and unequal ones: leave out one at a time, and a t that knows how few count.

    θ = scale(value)       v = (G−1)/G Σ_g (θ_(g) − θ̄)²       θ ± t_df · √v, and back to the scale of the value

θ_(g): without cluster g (Efron & Tibshirani 1993, ch. 11). The scale is the one on which the estimate is nearly normal:
log(1 − x) for agreement, the logit for a share, the log for a ratio, none for a difference. df = min(Kish, 2E) − 1 with

    Kish = (Σm)²/Σm²        of the clusters' sizes m: 14 traces of which one holds half count for 4
    E = (Σδ²)²/Σδ⁴          of δ_g = θ_(g) − θ̄: how many clusters the variance rests on (G/3 where δ is normal)

With 6 to 42 traces, of equal length, of lognormal length or where longer ones are harder, 95 % intervals cover .93 to .975
(``benchmarks/coverage_intervals.py``); percentiles of resampled traces cover .82 to .93 there. Where no interval can hold
there is none, and the estimate says why. What is rare is in few traces, and its estimate is skewed: its interval comes from
*studentised* resamples (Efron & Tibshirani, ch. 12.5), which need more traces.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

from ..formatting import level_words
from ..limits import FEWEST_CLUSTERS, FEWEST_EFFECTIVE, FEWEST_FOR_RARE, RARE
from .estimate import joined
from .resample import BOOTSTRAP, Resampling, cluster_draws, described, effective, interval_words, percentile
from .share import two_sided

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.int64]

Scale = Literal["agreement", "share", "ratio", "plain"]
Statistic = Callable[["Floats"], "Floats"]
"""(R, F) sums over clusters → (R,) values, NaN where undefined."""

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
) -> dict[str, Any]:
    """The fields of an `Estimate` that say how far it varies between clusters, without its value.

    ``sums``: (G, F) of each cluster; ``sizes``: (G,) observations; ``dissent``: (G,) those that are not of the commonest
    value, or have the code: what the estimate rests on where that is rare. ``value``: the statistic, if known.
    """
    import numpy as np

    known: dict[str, Any] = {
        "level": how.level,
        "n": round(float(sizes.sum())),
        "clusters": len(sizes),
        "effective_clusters": effective(sizes),
    }
    if value is None:
        value = float(statistic(sums.sum(axis=0, keepdims=True))[0])
    if how.interval == BOOTSTRAP:
        return known | _percentile(statistic, sums, how, over)
    why = interval_words(len(sizes), how, over, few_words=False) or no_interval(sizes, over, dissent)
    if why is None and not _finite(value, scale):
        why = f"no interval: {value:g} is the end of the scale, and nothing shows how far off it is"
    if why is not None:
        return known | {"warnings": (why,)}
    rare = dissent is not None and dissent.sum() < RARE * sizes.sum()
    with np.errstate(all="ignore"):
        if rare and effective(dissent) < FEWEST_FOR_RARE:  # type: ignore[arg-type]
            low, high, made = _studentised(statistic, sums, value, how, scale, over)
        else:
            without = _forward(statistic(sums.sum(axis=0) - sums), scale)
            low, high, made = jackknife_limits(
                float(_forward(np.array(value), scale)), without, sizes, how, over
            )
    if low is None or high is None:
        return known | {"warnings": (made,)}
    limits = sorted(float(limit) for limit in _back(np.array([low, high]), scale))
    return known | {"low": limits[0], "high": limits[1], "method": made}


def jackknife_limits(
    theta: float, without: Floats, sizes: Ints | Floats, how: Resampling, over: str = "traces"
) -> tuple[float | None, float | None, str]:
    """Limits of θ, given the θ_(g) without each cluster, and the method; or neither, and why."""
    import numpy as np
    from scipy import special

    if not np.isfinite(without).all():
        return None, None, f"no interval: it rests on one of the {over}, without which it is undefined"
    spread, df = jackknife_spread(without, sizes)
    if spread < _ROUNDING:
        return None, None, f"no interval: it stays the same whichever of the {over} is left out"
    reach = float(special.stdtrit(df, (1 + how.level) / 2)) * spread
    words = f"{level_words(how.level, '')} jackknife over {over}, t with {df:.1f} df"
    return theta - reach, theta + reach, words


def jackknife_spread(without: Floats, sizes: Ints | Floats) -> tuple[float, float]:
    """√v and df of estimates (G,) without each cluster of ``sizes`` (G,)."""
    import numpy as np

    deviations = without - without.mean()
    squares = float((deviations**2).sum())
    fourths = float((deviations**4).sum())
    resting = squares**2 / fourths if fourths else float(len(sizes))
    count = len(without)
    return float(np.sqrt((count - 1) / count * squares)), min(effective(sizes), 2 * resting) - 1


def jackknife_p(statistic: Statistic, sums: Floats, sizes: Ints | Floats, null: float = 0.0) -> float | None:
    """Two-sided p of a statistic (…, F) → (…,) on its own scale against ``null``; ``None`` where no interval can hold."""
    if no_interval(sizes, "traces", None):
        return None
    without = statistic(sums.sum(axis=0) - sums)
    value = float(statistic(sums.sum(axis=0, keepdims=True))[0])
    limits = jackknife_limits(value, without, sizes, Resampling())
    if limits[0] is None:
        return None
    spread, df = jackknife_spread(without, sizes)
    return two_sided((value - null) / spread, df)


def no_interval(sizes: Ints | Floats, over: str, dissent: Ints | Floats | None = None) -> str | None:
    """Why no interval over clusters of ``sizes`` can hold, whatever the estimate; ``dissent``: see `over_clusters`."""
    if len(sizes) < FEWEST_CLUSTERS:
        return f"no interval: {len(sizes)} {over}, and with fewer than {FEWEST_CLUSTERS} none can hold"
    if (real := effective(sizes)) < FEWEST_EFFECTIVE:
        return f"no interval: a few long {over} hold nearly everything ({real:.1f} effective {over})"
    if dissent is not None and effective(dissent) < FEWEST_EFFECTIVE:
        return f"no interval: all but the commonest value is found in one or two of the {over}"
    return None


def _percentile(statistic: Statistic, sums: Floats, how: Resampling, over: str) -> dict[str, Any]:
    import numpy as np

    draws = np.empty(0)
    if len(sums) > 1 and how.replicates:
        blocks = cluster_draws(len(sums), how.replicates, how.seed)
        draws = np.concatenate([statistic(block @ sums) for block in blocks])
    low, high, lost, _ = percentile(draws, how.level)
    found = {"low": low, "high": high, "seed": how.seed, "undefined_share": lost}
    made = {"method": described(over, how)} if len(draws) else {}
    return found | made | {"warnings": joined(interval_words(len(sums), how, over, lost))}


def _studentised(
    statistic: Statistic, sums: Floats, value: float, how: Resampling, scale: Scale, over: str
) -> tuple[float | None, float | None, str]:
    """Limits on the scale from resamples of (θ* − θ)/se*; se by linearising the statistic in its sums."""
    import numpy as np

    count = len(sums)
    if count < FEWEST_FOR_RARE:
        few = f"no interval: what is this rare needs {FEWEST_FOR_RARE} {over}, and there are {count}"
        return None, None, few
    theta = float(_forward(np.array(value), scale))
    (spread,) = _linearised(statistic, sums, np.ones((1, count)), scale)[1]
    ratios: list[Floats] = []
    for weights in cluster_draws(count, how.replicates, how.seed):
        drawn, spreads = _linearised(statistic, sums, weights, scale)
        ratios.append((drawn - theta) / spreads)
    low, high, lost, _ = percentile(np.concatenate(ratios), how.level)
    if low is None or high is None or not spread > _ROUNDING:
        return None, None, f"no interval: undefined in {lost:.0%} of the resamples"
    words = (
        f"{level_words(how.level, '')} studentised cluster bootstrap over {over}, {how.replicates} resamples"
    )
    return theta - high * spread, theta - low * spread, words


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

    found = {
        "agreement": lambda x: np.log1p(-x),
        "share": special.logit,
        "ratio": np.log,
        "plain": np.asarray,
    }
    return np.asarray(found[scale](values), dtype=np.float64)


def _back(values: Floats, scale: Scale) -> Floats:
    import numpy as np
    from scipy import special

    found = {
        "agreement": lambda t: -np.expm1(t),
        "share": special.expit,
        "ratio": np.exp,
        "plain": np.asarray,
    }
    return np.asarray(found[scale](values), dtype=np.float64)


def _finite(value: float, scale: Scale) -> bool:
    import numpy as np

    with np.errstate(all="ignore"):
        return bool(np.isfinite(_forward(np.array(value), scale)))
