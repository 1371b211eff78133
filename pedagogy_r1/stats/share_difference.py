"""Two shares of one code, side by side, from sums per cluster: difference, odds ratio, Cohen's h, and their tests.

    cop 172 of 546, generic 117 of 509, 20 items: +8.5 points [2.6, 14.3], odds ratio 1.54 [1.14, 2.09]

p_a − p_b = Σ_g w_g with w_g = (y_ga − p_a m_ga)/M_a − (y_gb − p_b m_gb)/M_b: what an item adds on both sides cancels.

The logistic regression of clustered counts with sandwich errors (`binomial_glm`; Liang and Zeger 1986) solves

    β̂: Σ_g D_g' V_g⁻¹ (y_g − μ_g) = 0        Cov β̂ = c · H⁻¹ (Σ_g s_g s_g') H⁻¹

g: clusters; s_g: a cluster's score; H = Σ_g D_g' V_g⁻¹ D_g; V_g: working covariance, independent or exchangeable (one
correlation α for any two units of a cluster). Errors hold whatever the working covariance. c is

    "statsmodels"  G/(G−1) · (n−1)/(n−p)     GLM(cov_type="cluster"), Stata
    "survey"       G/(G−1)                   R svyglm
    "none"         1                         GEE, geepack

Units of a cluster that share a row of X are one cell: a million units cost what their cells cost.
Numbers checked against R's survey: ``svyglm``, ``svychisq``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

import numpy as np
from scipy import special

from ..estimate import Clusters, Estimate, Floats, Ints, critical, joined, two_sided
from .code_shares import Sums, cluster_variance, renumbered

Correction = Literal["statsmodels", "survey", "none"]
Working = Literal["independence", "exchangeable"]

_STEPS = 100
_TOLERANCE = 1e-12
_FAR = 30.0
"""A linear predictor beyond this is a probability of 0 or 1: the estimate runs away to infinity."""


@dataclass(frozen=True)
class BinomialFit:
    """``coef``: (p,) log odds, ``covariance``: (p, p), ``se``: (p,); ``alpha``: working correlation; t has ``df`` = G − 1.

    Where the fit does not exist the arrays are empty and ``why_undefined`` says why.
    """

    coef: Floats
    se: Floats
    covariance: Floats
    alpha: float
    n: int
    clusters: int
    df: int
    why_undefined: str | None = None


class _Cells(NamedTuple):
    y: Floats
    n: Floats
    x: Floats
    clusters: Clusters

    def per_cluster(self, values: Floats) -> Floats:
        """(clusters, …) sums of (cells, …) values."""
        return self.clusters.sums(values) if values.ndim > 1 else self.clusters.sums(values[:, None])[:, 0]


def binomial_glm(
    successes: Floats,
    trials: Floats,
    x: Floats,
    cluster: Ints,
    *,
    working: Working = "independence",
    correction: Correction = "statsmodels",
    pair_correction: bool = True,
) -> BinomialFit:
    """Fit ``logit μ = xβ`` to (cells,) successes of trials; ``x``: (cells, p), ``cluster``: (cells,).

    ``pair_correction``: α and the scale divide by pairs − p and n − p as statsmodels does; geepack divides by their
    number. Raises `ValueError` where the arrays do not fit; separation and a single cluster are ``why_undefined``.
    """
    if not len(successes) == len(trials) == len(x) == len(cluster):
        raise ValueError("successes, trials, x and cluster differ in length: give one entry for each cell")
    kept = trials > 0
    groups = renumbered(cluster[kept])
    y, n, cells_x = (values[kept].astype(float) for values in (successes, trials, x))
    cells = _Cells(y, n, cells_x, groups)
    units, clusters = int(cells.n.sum()), groups.count
    why = None
    if clusters < 2:
        why = f"{clusters} cluster: no variance between clusters can be estimated"
    elif np.linalg.matrix_rank(cells.x) < cells.x.shape[1]:
        why = "a column of x is constant or the sum of others where there are units"
    beta = np.zeros(cells.x.shape[1])
    alpha = 0.0
    for _ in range(0 if why else _STEPS):
        mu = special.expit(cells.x @ beta)
        alpha = _correlation(cells, mu, units, pair_correction) if working == "exchangeable" else 0.0
        scores, hessian = _scores(cells, mu, alpha)
        if np.abs(cells.x @ beta).max() > _FAR or np.linalg.cond(hessian) > 1e14:
            why = "separation: a combination of groups has no unit with the code, or no unit without it"
            break
        step = np.linalg.solve(hessian, scores.sum(axis=0))
        beta = beta + step
        if np.abs(step).max() < _TOLERANCE:
            break
    else:
        why = why or f"no convergence in {_STEPS} steps"
    if why:
        none = np.empty(0)
        return BinomialFit(none, none, np.empty((0, 0)), 0.0, units, clusters, max(clusters - 1, 0), why)
    scores, hessian = _scores(cells, special.expit(cells.x @ beta), alpha)
    bread = np.linalg.inv(hessian)
    covariance = _factor(correction, clusters, units, len(beta)) * bread @ (scores.T @ scores) @ bread
    se = np.sqrt(np.maximum(0.0, np.diag(covariance)))
    return BinomialFit(beta, se, covariance, alpha, units, clusters, clusters - 1)


def _factor(correction: Correction, clusters: int, units: int, parameters: int) -> float:
    if correction == "none":
        return 1.0
    factor = clusters / (clusters - 1)
    return factor * (units - 1) / (units - parameters) if correction == "statsmodels" else factor


def _scores(cells: _Cells, mu: Floats, alpha: float) -> tuple[Floats, Floats]:
    """(clusters, p) scores and (p, p) H. The inverse of (1−α)I + αJ is (I − α/(1+(m−1)α) J)/(1−α), m units."""
    a = mu * (1 - mu)
    residual = cells.y - cells.n * mu
    scores = cells.per_cluster(cells.x * residual[:, None])
    hessian = (cells.x * (cells.n * a)[:, None]).T @ cells.x
    if alpha == 0:
        return scores, hessian
    m = cells.per_cluster(cells.n)
    shrink = alpha / (1 + (m - 1) * alpha)
    u = cells.per_cluster(cells.x * (cells.n * np.sqrt(a))[:, None])
    r = cells.per_cluster(residual / np.sqrt(a))
    scores = (scores - u * (shrink * r)[:, None]) / (1 - alpha)
    hessian = (hessian - (u * shrink[:, None]).T @ u) / (1 - alpha)
    return scores, hessian


def _correlation(cells: _Cells, mu: Floats, units: int, corrected: bool) -> float:
    """Moment estimate of α: mean product of two Pearson residuals of a cluster, over their mean square."""
    p = cells.x.shape[1] if corrected else 0
    a = mu * (1 - mu)
    sums = cells.per_cluster((cells.y - cells.n * mu) / np.sqrt(a))
    squares = float((cells.y * (1 - mu) / mu + (cells.n - cells.y) * mu / (1 - mu)).sum())
    m = cells.per_cluster(cells.n)
    pairs = float((m * (m - 1) / 2).sum())
    if pairs <= p:
        return 0.0
    scale = squares / (units - p)
    return float(((sums**2).sum() - squares) / 2 / scale / (pairs - p))


_NO_SPREAD = 1e-9


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
    def correlation(self) -> float:
        """Of the two shares, through the clusters that both sides have; 0 where a share does not vary."""
        za, zb = _contribution(self.a), _contribution(self.b)
        norm = math.sqrt(float(za @ za) * float(zb @ zb))
        return float(za @ zb) / norm if norm > 0 else 0.0


def _counts(side: Sums) -> tuple[float, float]:
    """Units with the code and without: tokens count as the units that they came in."""
    coded, total = float(side.coded.sum()), float(side.total.sum())
    scale = side.units / total
    return coded * scale, (total - coded) * scale


def _contribution(side: Sums, share: float | None = None) -> Floats:
    """(clusters,) (y_g − p m_g) / M: how far each cluster moves the share. p: its own, or the one given."""
    total = side.total.sum()
    p = side.coded.sum() / total if share is None else share
    return (side.coded - p * side.total) / total  # type: ignore[no-any-return]


def score_p(sides: Sides) -> float:
    """t test of the difference with the clusters' spread around it under no difference (pooled share).

    R's ``svychisq(statistic="Wald")``; zero counts on one side do not upset it. Where all clusters differ by exactly the
    same there is no spread to hold it against, and p is that of all G signs being equal, 2/2^G.
    """
    a, b = sides
    pooled = float((a.coded.sum() + b.coded.sum()) / (a.total.sum() + b.total.sum()))
    w = _contribution(a, pooled) - _contribution(b, pooled)
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
    clusters, level, by = sides.clusters, share_a.level, sides.a.by
    fit = binomial_glm(
        np.concatenate([side.coded for side in sides]),
        np.concatenate([side.total for side in sides]),
        np.column_stack([np.ones(2 * clusters), np.repeat([1.0, 0.0], clusters)]),
        np.tile(np.arange(clusters), 2),
        correction=correction,
    )
    method = f"binomial GLM, errors clustered by {by} ({correction} correction), t with {fit.df} df"
    if fit.why_undefined:
        return OddsRatio(sides.pooled.undefined(fit.why_undefined, method, level))
    beta, se, t = float(fit.coef[1]), float(fit.se[1]), critical(clusters, level)
    blank = sides.pooled.estimate(math.exp(beta), method, level)
    if se < _NO_SPREAD:
        alike = f"all {by}s differ by the same: no spread to judge it by"
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
