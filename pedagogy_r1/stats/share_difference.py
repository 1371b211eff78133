"""Two shares of one code, side by side, from sums per cluster: difference, odds ratio, Cohen's h, and their tests.

    cop 172 of 546, generic 117 of 509, 20 items: +8.5 points [2.6, 14.3], odds ratio 1.54 [1.14, 2.09]

p_a − p_b = Σ_g w_g with w_g = (y_ga − p_a m_ga)/M_a − (y_gb − p_b m_gb)/M_b: what an item adds on both sides cancels.
Numbers checked against R's survey: ``svyglm``, ``svychisq``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from ..estimate import Estimate, critical, joined, two_sided
from .glm import Correction, binomial_glm
from .sums import Floats, Sums, cluster_variance

_NO_SPREAD = 1e-9


@dataclass(frozen=True)
class Sides:
    """One code on both sides, clusters aligned. ``ya``, ``yb``: (clusters,) with the code, ``ma``, ``mb``: in all.

    ``na``, ``nb``: units; they differ from Σm where tokens are counted. ``by``: what a cluster is, in words.
    """

    ya: Floats
    ma: Floats
    na: int
    yb: Floats
    mb: Floats
    nb: int
    by: str

    @property
    def clusters(self) -> int:
        return len(self.ma)

    @property
    def pooled(self) -> Sums:
        """Both sides together."""
        return Sums(self.ya + self.yb, self.ma + self.mb, self.na + self.nb, 0, self.by)

    @property
    def cells(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """With and without the code, side a and side b, in units: tokens count as the units that they came in."""
        fa, fb = self.na / float(self.ma.sum()), self.nb / float(self.mb.sum())
        ya, yb = float(self.ya.sum()), float(self.yb.sum())
        return (ya * fa, (float(self.ma.sum()) - ya) * fa), (yb * fb, (float(self.mb.sum()) - yb) * fb)

    @property
    def correlation(self) -> float:
        """Of the two shares, through the clusters that both sides have; 0 where a share does not vary."""
        za, zb = _contribution(self.ya, self.ma), _contribution(self.yb, self.mb)
        norm = math.sqrt(float(za @ za) * float(zb @ zb))
        return float(za @ zb) / norm if norm > 0 else 0.0


def _contribution(y: Floats, m: Floats, share: float | None = None) -> Floats:
    """(clusters,) (y_g − p m_g) / M: how far each cluster moves the share. p: its own, or the one given."""
    p = y.sum() / m.sum() if share is None else share
    return (y - p * m) / m.sum()  # type: ignore[no-any-return]


def score_p(sides: Sides) -> float:
    """t test of the difference with the clusters' spread around it under no difference (pooled share).

    R's ``svychisq(statistic="Wald")``; zero counts on one side do not upset it. Where all clusters differ by exactly the
    same there is no spread to hold it against, and p is that of all G signs being equal, 2/2^G.
    """
    pooled = float((sides.ya.sum() + sides.yb.sum()) / (sides.ma.sum() + sides.mb.sum()))
    w = _contribution(sides.ya, sides.ma, pooled) - _contribution(sides.yb, sides.mb, pooled)
    variance = float(cluster_variance(w - w.mean()))
    if variance <= 1e-30:
        return 1.0 if abs(w.sum()) < 1e-12 else min(1.0, 2.0 ** (1 - len(w)))
    return two_sided(float(w.sum()) / math.sqrt(variance), len(w) - 1)


@dataclass(frozen=True)
class OddsRatio:
    """``design_effect``: variance of the log odds ratio over that of as many independent units. p as in `contrast`."""

    estimate: Estimate
    design_effect: float | None = None
    p_glm: float | None = None
    p_chisq: float | None = None


def odds_ratio(sides: Sides, share_a: Estimate, share_b: Estimate, *, correction: Correction) -> OddsRatio:
    """Binomial GLM with errors by cluster; an empty cell gives 0 or ∞ with the one limit that is finite."""
    if any(cell == 0 for pair in sides.cells for cell in pair):
        return OddsRatio(_with_empty_cell(sides, share_a, share_b))
    clusters, level = sides.clusters, share_a.level
    ones = np.ones(clusters)
    fit = binomial_glm(
        np.concatenate([sides.ya, sides.yb]),
        np.concatenate([sides.ma, sides.mb]),
        np.concatenate([np.column_stack([ones, ones]), np.column_stack([ones, 0 * ones])]),
        np.tile(np.arange(clusters), 2),
        correction=correction,
    )
    method = f"binomial GLM, errors clustered by {sides.by} ({correction} correction), t with {fit.df} df"
    if fit.why_undefined:
        return OddsRatio(sides.pooled.undefined(fit.why_undefined, method, level))
    beta, se, t = float(fit.coef[1]), float(fit.se[1]), critical(clusters, level)
    blank = sides.pooled.estimate(math.exp(beta), method, level)
    if se < _NO_SPREAD:
        alike = f"all {sides.by}s differ by the same: no spread to judge it by"
        return OddsRatio(replace(blank, warnings=(alike,)))
    survey = (fit.n - 2) / (fit.n - 1) if correction == "statsmodels" else 1.0
    deff = se**2 * survey / sum(1 / cell for pair in sides.cells for cell in pair)
    estimate = replace(blank, low=math.exp(beta - t * se), high=math.exp(beta + t * se), design_effect=deff)
    return OddsRatio(estimate, deff, two_sided(beta / se, fit.df), _rao_scott(sides, deff))


def _rao_scott(sides: Sides, deff: float) -> float:
    """p of F = X²/δ with (1, G − 1) degrees of freedom; X²: Pearson's on the units, δ: the design effect."""
    (ya, na), (yb, nb) = sides.cells
    n = ya + na + yb + nb
    chi = n * (ya * nb - yb * na) ** 2 / ((ya + yb) * (na + nb) * (ya + na) * (yb + nb))
    return two_sided(math.sqrt(chi / deff), sides.clusters - 1)


def _with_empty_cell(sides: Sides, share_a: Estimate, share_b: Estimate) -> Estimate:
    """0 or ∞; the finite limit from log odds of (effective count + ½), after Gart (1966)."""
    method = "odds ratio with an empty cell: ½-adjusted logit on effective counts, t"
    pa, pb, level = share_a.value or 0.0, share_b.value or 0.0, share_a.level
    if pa == pb:
        return sides.pooled.undefined("the code never or always occurs on both sides", method, level)
    blank = sides.pooled.estimate(math.inf if pa > pb else 0.0, method, level)
    empty = "one cell is empty: the estimate lies at its limit"
    if share_a.low is None or share_b.low is None:
        return replace(blank, warnings=joined(empty, *share_a.warnings, *share_b.warnings))
    (ya, na), (yb, nb) = (_effective(share_a), _effective(share_b))
    beta = math.log(ya * nb / (yb * na))
    half = critical(sides.clusters, level) * math.sqrt(1 / ya + 1 / na + 1 / yb + 1 / nb)
    low, high = (math.exp(beta - half), math.inf) if pa > pb else (0.0, math.exp(beta + half))
    return replace(blank, low=low, high=high, warnings=joined(empty, *blank.warnings))


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
    """d ∓ √(δ_a² + δ_b² − 2ρ δ_a δ_b), δ: distance of a scaled share to its limit on the side that counts (MOVER)."""
    rho = sides.correlation
    method = f"{what}: square-and-add of the shares' limits, correlation {rho:.2f} between the sides"
    assert a.value is not None
    assert b.value is not None
    pa, pb = scale(a.value), scale(b.value)
    blank = replace(
        sides.pooled.estimate(pa - pb, method, a.level), warnings=joined(*a.warnings, *b.warnings)
    )
    if a.low is None or a.high is None or b.low is None or b.high is None:
        return blank
    down = _hypotenuse(pa - scale(a.low), scale(b.high) - pb, rho)
    up = _hypotenuse(scale(a.high) - pa, pb - scale(b.low), rho)
    return replace(blank, low=pa - pb - down, high=pa - pb + up)


def _hypotenuse(x: float, y: float, correlation: float) -> float:
    return math.sqrt(max(0.0, x * x + y * y - 2 * correlation * x * y))
