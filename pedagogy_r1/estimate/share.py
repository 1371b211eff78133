"""Intervals of a share that comes from clustered units.

A share p̂ whose variance is v carries as much as n* = p̂(1−p̂)/v independent units (effective sample size; never more
than the units there are). The interval is that of a binomial with n* units, with t of G − 1 degrees of freedom for z,
G clusters: Wilson (Dean & Pagano 2015; Franco et al. 2019, *J. Surv. Stat. Methodol.* 7) or Clopper–Pearson (Korn &
Graubard 1998, with t of n − 1 for z). Both hold at 0 of n and n of n, where the linear interval p̂ ± t·√v has no width.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

from ..limits import LEVEL

if TYPE_CHECKING:
    from .resample import Floats

ShareInterval = Literal["wilson", "korn-graubard", "linear"]
SHARE_INTERVALS: dict[ShareInterval, str] = {
    "wilson": "Wilson",
    "korn-graubard": "Korn–Graubard",
    "linear": "linear",
}
"""In a sentence."""


def critical(clusters: float, level: float = LEVEL) -> float:
    """Two-sided t quantile with ``clusters`` − 1 degrees of freedom; effective clusters need not be whole."""
    from scipy import special

    return float(special.stdtrit(clusters - 1, (1 + level) / 2))


def two_sided(statistic: float, df: float) -> float:
    """Two-sided p of a t statistic."""
    from scipy import special

    return float(2 * special.stdtr(df, -abs(statistic)))


def wilson(share: float, size: float, t: float) -> tuple[float, float]:
    """Wilson score limits of a share of ``size`` (effective) units.

    >>> low, high = wilson(0.0, 100, 1.96)
    >>> low, round(high, 4)
    (0.0, 0.037)
    """
    scale = 1 + t * t / size
    middle = (share + t * t / (2 * size)) / scale
    half = t * math.sqrt(share * (1 - share) / size + t * t / (4 * size * size)) / scale
    low = 0.0 if share == 0 else max(0.0, middle - half)
    return low, 1.0 if share == 1 else min(1.0, middle + half)


def clopper_pearson(
    share: float, size: float, t: float, level: float = LEVEL, units: float = math.inf
) -> tuple[float, float]:
    """Korn–Graubard limits: Clopper–Pearson with ``size`` reduced by (t of ``units`` − 1 / t)²; z where they are unknown.

    >>> low, high = clopper_pearson(0.0, 100, 1.959964)
    >>> low, round(high, 4)
    (0.0, 0.0362)
    """
    from scipy import special

    size *= (float(special.stdtrit(units - 1, (1 + level) / 2)) / t) ** 2
    hits = share * size
    tail = (1 - level) / 2
    low = 0.0 if share == 0 else float(special.betaincinv(hits, size - hits + 1, tail))
    high = 1.0 if share == 1 else float(special.betaincinv(hits + 1, size - hits, 1 - tail))
    return low, high


def mid_p(share: float, size: float, t: float, level: float = LEVEL) -> tuple[float, float]:
    """As `clopper_pearson`, but what was seen counts half in either tail (Lancaster 1961): the limits hold about as often as
    ``level`` says, not at least that often. Of 0 of n the upper one is the rule of three's, 1 − (1 − level)^(1/n).

    >>> low, high = mid_p(0.0, 100, 1.959964)
    >>> low, round(high, 4)
    (0.0, 0.0295)
    """
    from scipy import optimize, special

    size *= (float(special.ndtri((1 + level) / 2)) / t) ** 2
    hits, tail = share * size, (1 - level) / 2

    def limit(target: float) -> float:
        def off(p: float) -> float:
            at_least, more = (special.betainc(hits + k, size - hits + 1 - k, p) for k in (0, 1))
            return float(at_least + more) / 2 - target

        return float(optimize.brentq(off, 0.0, 1.0, xtol=1e-12))

    if share in (0, 1):
        reach = 1 - (1 - level) ** (1 / size)
        return (0.0, reach) if share == 0 else (1 - reach, 1.0)
    return limit(tail), limit(1 - tail)


def share_interval(
    share: float,
    variance: float,
    size: float,
    t: float,
    *,
    kind: ShareInterval,
    level: float = LEVEL,
    units: float = math.inf,
) -> tuple[float, float]:
    """Limits of a share; ``size``: effective sample size, ``variance``: used by the linear interval only, ``units``: by
    Korn–Graubard's."""
    if kind == "wilson":
        return wilson(share, size, t)
    if kind == "korn-graubard":
        return clopper_pearson(share, size, t, level, units)
    half = t * math.sqrt(variance)
    return max(0.0, share - half), min(1.0, share + half)


def rarer(part: Floats, whole: Floats) -> Floats:
    """(G,) observations of each cluster that are in ``part`` of the ``whole``, or those that are not, if they are fewer: what a
    share rests on."""
    return part if 2 * part.sum() < whole.sum() else whole - part


def square_and_add(
    a: float, a_limits: tuple[float, float], b: float, b_limits: tuple[float, float], correlation: float
) -> tuple[float, float]:
    """Limits of a − b from those of both: d ∓ √(δ_a² + δ_b² − 2ρ δ_a δ_b), δ the distance to the limit on the side that counts
    (MOVER; Zou & Donner 2008, *Stat. Med.* 27, eq. 7)."""

    def reach(x: float, y: float) -> float:
        return math.sqrt(max(0.0, x * x + y * y - 2 * correlation * x * y))

    down, up = reach(a - a_limits[0], b_limits[1] - b), reach(a_limits[1] - a, b - b_limits[0])
    return a - b - down, a - b + up
