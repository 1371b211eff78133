"""Two shares of one code, side by side, from sums per cluster: difference, odds ratio, Cohen's h, and the test of one code.

    cop 172 of 546, generic 117 of 509, 20 items: +8.5 points [2.1, 14.7], odds ratio 1.54 [1.13, 2.10], p .009

p_a − p_b = Σ_g w_g with w_g = (y_ga − p_a m_ga)/M_a − (y_gb − p_b m_gb)/M_b: what an item adds on both sides cancels.

    difference, h   square-and-add of the two shares' limits (MOVER), less what both sides share through their clusters: each
                    side brings its own spread, so that six variable traces against thirty steady ones are no trouble
    odds ratio, p   jackknife of its log over clusters, both sides of an item left out together; t of as many clusters as
                    count (`estimate.jackknife`)

Where one side has the code in (nearly) no cluster, its spread is unknown: the odds ratio and its p are then those of the
shares' effective counts (`code_shares.shares`), ½ added to each. 0 of 361 units in clusters is thus no proof against 5 ‰.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from ..estimate import (
    Estimate,
    Floats,
    Resampling,
    critical,
    effective,
    joined,
    over_clusters,
    square_and_add,
    two_sided,
)
from ..limits import FEWEST_EFFECTIVE
from .code_shares import Sums, cluster_variance, resting

_ROUNDING = 1e-9
"""A width below this is rounding."""


class Sides(NamedTuple):
    """One code on both sides, clusters aligned: ``coded`` of either is (clusters,)."""

    a: Sums
    b: Sums

    @property
    def clusters(self) -> int:
        return len(self.a.total)

    @property
    def pooled(self) -> Sums:
        """Both sides together."""
        a, b = self
        return Sums(a.coded + b.coded, a.total + b.total, a.units + b.units, 0, a.by)

    @property
    def cells(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """With and without the code, side a and side b, in units."""
        return _counts(self.a), _counts(self.b)

    @property
    def binomial_variance(self) -> float:
        """Of the log odds ratio of as many independent units; infinite where a cell is empty."""
        return sum(1 / cell if cell else math.inf for pair in self.cells for cell in pair)

    @property
    def design_effect(self) -> float | None:
        """Linearised variance of the log odds ratio over that of as many independent units; ``None``: a cell is empty."""
        if math.isinf(self.binomial_variance):
            return None
        parts = [contribution(side) / _spread(side) for side in self]
        return float(cluster_variance(parts[0] - parts[1])) / self.binomial_variance

    @property
    def correlation(self) -> float:
        """Of the two shares, through the clusters that both sides have; 0 where a share does not vary."""
        za, zb = contribution(self.a), contribution(self.b)
        norm = math.sqrt(float(za @ za) * float(zb @ zb))
        return float(za @ zb) / norm if norm > 0 else 0.0

    @property
    def effective(self) -> float:
        """Effective clusters of the side that has fewer."""
        return min(effective(side.total) for side in self)

    @property
    def alike(self) -> str | None:
        """That both sides have none of the code, or nothing else: then there is nothing to compare."""
        hits, total = self.pooled.coded.sum(), self.pooled.total.sum()
        if hits not in (0, total):
            return None
        return "every unit of both sides has the code" if hits else "no unit of either side has the code"

    @property
    def rests(self) -> float:
        """Effective clusters with the code (or without, if they are fewer), on the side that has fewer."""
        return min(resting(side.coded, side.total) for side in self)

    def blank(self, value: float, method: str, level: float) -> Estimate:
        """An estimate of a difference, without its interval."""
        return replace(self.pooled.estimate(value, method, level), effective_clusters=self.effective)

    def why_none(self) -> str | None:
        """Why no interval of a difference can hold, and no test: a side of too few clusters, or of a few that hold nearly all."""
        for side in self:
            if why := side.why_none:
                return why.replace("no interval: ", "no interval, no test: on one side ")
        return None


def _counts(side: Sums) -> tuple[float, float]:
    """Units with the code and without: tokens count as the units that they came in."""
    coded, total = float(side.coded.sum()), float(side.total.sum())
    scale = side.units / total
    return coded * scale, (total - coded) * scale


def contribution(side: Sums, share: float | None = None) -> Floats:
    """(clusters,) (y_g − p m_g) / M: how far each cluster moves the share. p: its own, or the one given."""
    total = side.total.sum()
    p = side.coded.sum() / total if share is None else share
    return (side.coded - p * side.total) / total  # type: ignore[no-any-return]


def _spread(side: Sums) -> float:
    """p(1 − p)."""
    p = float(side.coded.sum() / side.total.sum())
    return p * (1 - p)


class OddsRatio(NamedTuple):
    """``p``: of no difference; ``None`` where both sides are alike (`Sides.alike`), no test can hold, or nothing varies."""

    estimate: Estimate
    p: float | None = None


def odds_ratio(sides: Sides, share_a: Estimate, share_b: Estimate) -> OddsRatio:
    """By the jackknife of its log; of effective counts where a side has the code in (nearly) no cluster."""
    (ya, na), (yb, nb) = sides.cells
    level, by = share_a.level, sides.a.by
    if (why := sides.why_none()) and ya * nb + yb * na:
        value = ya * nb / (yb * na) if yb * na else math.inf
        return OddsRatio(replace(sides.blank(value, "odds ratio", level), warnings=(why,)))
    if sides.rests < FEWEST_EFFECTIVE:
        return _of_effective_counts(sides, share_a, share_b)
    value = ya * nb / (yb * na)
    table = np.column_stack([column for side in sides for column in (side.coded, side.total)])
    weight = sum((side.total / side.total.sum() for side in sides), np.zeros(sides.clusters))
    how = Resampling(level=level)
    found = over_clusters(_odds, table, weight, how, scale="ratio", over=f"{by}s", value=value, limits=(1.0,))
    below = found.pop("below").get("1.000")
    blank = sides.blank(value, f"odds ratio, clustered by {by}", level)
    own = {name: found[name] for name in ("low", "high", "method", "warnings") if name in found}
    estimate = replace(blank, **own)
    if below is None or estimate.low is None or estimate.high is None:
        return OddsRatio(estimate)
    return OddsRatio(estimate, 2 * min(below, 1 - below))


def _odds(sums: Floats) -> Floats:
    """(R, 4) coded and total of both sides → (R,) odds ratios."""
    ya, ma, yb, mb = sums.T
    return np.asarray(ya * (mb - yb) / (yb * (ma - ya)))


def _of_effective_counts(sides: Sides, share_a: Estimate, share_b: Estimate) -> OddsRatio:
    """Log odds of (effective count + ½), after Gart (1966); with an empty cell 0 or ∞ with the one limit that is finite."""
    method = "odds ratio of effective counts, ½ added to each, t"
    pa, pb, level = share_a.value or 0.0, share_b.value or 0.0, share_a.level
    if sides.alike:
        return OddsRatio(sides.pooled.undefined(sides.alike, method, level))
    over = pb * (1 - pa)
    value = pa * (1 - pb) / over if over else math.inf
    blank = sides.blank(value, method, level)
    note = (
        "one side has none of the code, or nothing else: the odds ratio lies at its limit"
        if value in (0, math.inf)
        else None
    )
    note = (
        note
        or f"on one side more than half of the units with the code, or without it if they are fewer, are of one {sides.a.by}"
    )
    if share_a.low is None or share_b.low is None:
        return OddsRatio(replace(blank, warnings=joined(note, *share_a.warnings, *share_b.warnings)))
    (ya, na), (yb, nb) = (_effective(share_a), _effective(share_b))
    beta, error = math.log(ya * nb / (yb * na)), math.sqrt(1 / ya + 1 / na + 1 / yb + 1 / nb)
    half = critical(sides.effective, level) * error
    low, high = min(value, math.exp(beta - half)), max(value, math.exp(beta + half))
    return OddsRatio(
        replace(blank, low=low, high=high, warnings=(note,)), two_sided(beta / error, sides.effective - 1)
    )


def _effective(share: Estimate) -> tuple[float, float]:
    size = share.n / max(1.0, share.design_effect or 1.0)
    hits = (share.value or 0.0) * size
    return hits + 0.5, size - hits + 0.5


def points(sides: Sides, a: Estimate, b: Estimate) -> Estimate:
    """Difference of the shares in percentage points."""
    return _square_and_add(sides, a, b, lambda share: 100 * share, "points")


def cohens_h(sides: Sides, a: Estimate, b: Estimate) -> Estimate:
    """2 arcsin √p_a − 2 arcsin √p_b: .2 is small, .5 medium, .8 large (Cohen 1988, eq. 6.2.1)."""
    return _square_and_add(sides, a, b, lambda share: 2 * math.asin(math.sqrt(share)), "Cohen's h")


def _square_and_add(
    sides: Sides, a: Estimate, b: Estimate, scale: Callable[[float], float], what: str
) -> Estimate:
    """`estimate.square_and_add` of the scaled shares."""
    rho = sides.correlation
    method = f"{what}: square-and-add of the shares' limits, correlation {rho:.2f} between the sides"
    assert a.value is not None
    assert b.value is not None
    pa, pb = scale(a.value), scale(b.value)
    why = sides.why_none()
    warnings = (why,) if why else joined(*a.warnings, *b.warnings)
    blank = replace(sides.blank(pa - pb, method, a.level), warnings=warnings)
    if a.low is None or a.high is None or b.low is None or b.high is None:
        return blank
    of_a, of_b = (scale(a.low), scale(a.high)), (scale(b.low), scale(b.high))
    low, high = square_and_add(pa, of_a, pb, of_b, rho)
    if high - low < _ROUNDING:
        alike = f"no interval: it stays the same whichever of the {sides.a.by}s is left out"
        return replace(blank, warnings=(alike,))
    return replace(blank, low=low, high=high)
