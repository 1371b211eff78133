"""An estimate with its interval, or why there is none; and intervals for a share that comes from clustered units.

    IA-SQ under cop: 0.021 [0.011, 0.040], 9 of 430 units in 42 traces of 20 items, design effect 1.9

A share p̂ whose variance is v carries as much as n* = p̂(1−p̂)/v independent units (effective sample size; never more
than the units there are). The interval is that of a binomial with n* units, with t of G − 1 degrees of freedom for z,
G clusters: Wilson (Dean & Pagano 2015; Franco et al. 2019, *J. Surv. Stat. Methodol.* 7) or Clopper–Pearson (Korn &
Graubard 1998). Both hold at 0 of n and n of n, where the linear interval p̂ ± t·√v has no width.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, Literal

from scipy import special

Interval = Literal["wilson", "korn-graubard", "linear"]

LEVEL = 0.95
FEW_CLUSTERS = 10
"""Below this, t of G − 1 degrees of freedom is a rough guide, and the estimate says so."""


@dataclass(frozen=True)
class Estimate:
    """A number, its interval and how it was made.

    ``estimate`` is ``None`` where it is undefined, and then ``why_undefined`` says why. ``low`` and ``high`` are ``None``
    where no interval can be given (``warning`` says why); an infinite limit is ``math.inf``. ``n``: units, ``clusters``:
    traces or items that vary independently, ``design_effect``: variance over that of as many independent units.
    """

    estimate: float | None
    low: float | None
    high: float | None
    method: str
    n: int
    clusters: int
    level: float = LEVEL
    design_effect: float | None = None
    seed: int | None = None
    why_undefined: str | None = None
    warning: str | None = None

    def as_json(self) -> dict[str, Any]:
        """JSON object; an infinite limit becomes the string ``"inf"`` or ``"-inf"``, which JSON has no number for."""
        return {
            key: str(value) if isinstance(value, float) and math.isinf(value) else value
            for key, value in asdict(self).items()
        }


def undefined(why: str, method: str, *, n: int = 0, clusters: int = 0, level: float = LEVEL) -> Estimate:
    """No estimate, and the reason."""
    return Estimate(None, None, None, method, n, clusters, level, why_undefined=why)


def critical(clusters: int, level: float = LEVEL) -> float:
    """Two-sided t quantile with ``clusters`` − 1 degrees of freedom."""
    return float(special.stdtrit(clusters - 1, (1 + level) / 2))


def two_sided(statistic: float, df: int) -> float:
    """Two-sided p of a t statistic."""
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


def clopper_pearson(share: float, size: float, t: float, level: float = LEVEL) -> tuple[float, float]:
    """Korn–Graubard limits: Clopper–Pearson with ``size`` reduced by (z / t)².

    >>> low, high = clopper_pearson(0.0, 100, 1.959964)
    >>> low, round(high, 4)
    (0.0, 0.0362)
    """
    z = float(special.ndtri((1 + level) / 2))
    size *= (z / t) ** 2
    hits = share * size
    tail = (1 - level) / 2
    low = 0.0 if share == 0 else float(special.betaincinv(hits, size - hits + 1, tail))
    high = 1.0 if share == 1 else float(special.betaincinv(hits + 1, size - hits, 1 - tail))
    return low, high


def share_interval(
    share: float, variance: float, size: float, t: float, *, kind: Interval, level: float = LEVEL
) -> tuple[float, float]:
    """Limits of a share; ``size``: effective sample size, ``variance``: used by the linear interval only."""
    if kind == "wilson":
        return wilson(share, size, t)
    if kind == "korn-graubard":
        return clopper_pearson(share, size, t, level)
    half = t * math.sqrt(variance)
    return max(0.0, share - half), min(1.0, share + half)


def few(clusters: int) -> str | None:
    """A warning where the clusters are few."""
    if clusters >= FEW_CLUSTERS:
        return None
    return f"only {clusters} clusters vary independently: the interval is a rough guide"


def joined(*warnings: str | None) -> str | None:
    """Several warnings as one text."""
    return "; ".join(dict.fromkeys(w for w in warnings if w)) or None
