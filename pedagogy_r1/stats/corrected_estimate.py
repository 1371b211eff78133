"""An estimate with its interval, and how the interval is made.

    a log odds or a difference   θ ± t·se
    a proportion inside (0, 1)   expit(logit θ ± t·se/(θ(1−θ))): stays in [0, 1], leans to the middle as it should
    near 0 or 1 (within 2 se)    θ ± t·se, cut at 0 and 1; on the logit scale it would reach almost from 0 to 1
    humans never saw the code    at least [0, 1 − (α/2)^(1/n)], n = Kish's size of the sample (Clopper & Pearson 1934;
                                 Korn & Graubard 1998): 0 of n is never an interval of width zero

Undefined is ``None`` with ``why_undefined``, never NaN.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from ..errors import InputError
from .moment import Fit

Alternative = Literal["two-sided", "larger", "smaller"]
Scale = Literal["proportion", "difference", "log odds"]


@dataclass(frozen=True)
class CorrectedEstimate:
    """``estimate`` and ``se`` in the scale's unit (a share of units, or log odds); ``df``: degrees of freedom of
    the t quantile (∞: normal); ``n_effective``: how many independently drawn human-coded units would be as precise,
    θ(1−θ)/se², for proportions; ``lam``: the weight PPI++ gave to the machine."""

    method: str
    estimate: float | None
    se: float | None
    ci: tuple[float, float] | None
    df: float | None
    n_effective: float | None
    how: str
    why_undefined: str | None = None
    lam: float | None = None

    def covers(self, value: float) -> bool:
        """Is ``value`` inside the interval? No where there is none."""
        return self.ci is not None and self.ci[0] <= value <= self.ci[1]


def estimate(
    method: str,
    how: str,
    fit: Fit,
    k: int,
    *,
    scale: Scale,
    level: float,
    alternative: Alternative,
    n_kish: float,
    constant: float | None = None,
    lam: float | None = None,
) -> CorrectedEstimate:
    """Coefficient ``k`` of ``fit`` with its interval; proportions outside [0, 1] are cut and say so in ``how``.

    ``constant``: the value that all codes behind the estimate share (0, 1), or None where they differ.
    """
    if fit.why_undefined:
        return CorrectedEstimate(method, None, None, None, None, None, how, fit.why_undefined, lam)
    value, se, df = float(fit.coef[k]), float(fit.se[k]), float(fit.df[k])
    if scale == "proportion" and not 0 <= value <= 1:
        how += f"; the equation gave {value:.4f}, cut to [0, 1]"
    ci = interval(value, se, df, scale=scale, level=level, alternative=alternative, n_kish=n_kish)
    if scale == "proportion" and constant is not None:
        plain = interval(constant, 0.0, scale=scale, level=level, alternative=alternative, n_kish=n_kish)
        ci = min(ci[0], plain[0]), max(ci[1], plain[1])
    size = None
    if scale == "proportion":
        value = min(max(value, 0.0), 1.0)
        size = value * (1 - value) / se**2 if se > 0 and 0 < value < 1 else n_kish
    return CorrectedEstimate(method, value, se, ci, df, size, how, None, lam)


def interval(
    value: float,
    se: float,
    df: float = math.inf,
    *,
    scale: Scale = "difference",
    level: float = 0.95,
    alternative: Alternative = "two-sided",
    n_kish: float = 1.0,
) -> tuple[float, float]:
    """The interval of the table above. ``alternative`` as in statsmodels and ppi-python: "larger" bounds θ from
    below only (the other end is 1 or ∞), "smaller" from above only.

    Raises ``InputError`` for an unknown alternative or a level outside (0, 1).
    """
    if alternative not in ("two-sided", "larger", "smaller") or not 0 < level < 1:
        raise InputError(
            f"no interval for alternative {alternative!r} at level {level}",
            'alternative: "two-sided", "larger" or "smaller"; level: between 0 and 1, as .95',
        )
    tail = (1 - level) / (2 if alternative == "two-sided" else 1)
    low, high = _both_ends(value, se, _quantile(1 - tail, df), scale, tail, n_kish)
    top, bottom = (1.0, 0.0) if scale == "proportion" else (math.inf, -math.inf)
    return (bottom if alternative == "smaller" else low, top if alternative == "larger" else high)


def _both_ends(
    value: float, se: float, t: float, scale: Scale, tail: float, n_kish: float
) -> tuple[float, float]:
    if scale != "proportion":
        return value - t * se, value + t * se
    inside = min(value, 1 - value)
    if inside <= 0:
        reach = max(1 - tail ** (1 / max(n_kish, 1.0)), t * se)
        return (0.0, min(reach, 1.0)) if value <= 0 else (max(1 - reach, 0.0), 1.0)
    if se == 0:  # every trace has the same share: only the size of the sample is left to go by
        se = math.sqrt(value * (1 - value) / max(n_kish, 1.0))
    if inside < 2 * se:
        return max(value - t * se, 0.0), min(value + t * se, 1.0)
    centre, half = math.log(value / (1 - value)), t * se / (value * (1 - value))
    return 1 / (1 + math.exp(half - centre)), 1 / (1 + math.exp(-half - centre))


def _quantile(p: float, df: float) -> float:
    from scipy.special import ndtri, stdtrit

    return float(ndtri(p)) if math.isinf(df) else float(stdtrit(df, p))
