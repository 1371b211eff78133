"""What survey programs compute of two shares, by the same names: ``svyglm``, ``svychisq``; geepack, statsmodels, Stata.

Here for comparison with them. With few clusters or unequal ones these tests reject a true null too often
(``benchmarks/coverage_contrast.py``: up to 22 % where 5 are claimed); a comparison that is reported uses `code_contrast`.

The logistic regression of clustered counts with sandwich errors (`binomial_glm`; Liang and Zeger 1986) solves

    β̂: Σ_g D_g' V_g⁻¹ (y_g − μ_g) = 0        Cov β̂ = c · H⁻¹ (Σ_g s_g s_g') H⁻¹

g: clusters; s_g: a cluster's score; H = Σ_g D_g' V_g⁻¹ D_g; V_g: working covariance, independent or exchangeable (one
correlation α for any two units of a cluster). Errors hold whatever the working covariance. c is

    "statsmodels"  G/(G−1) · (n−1)/(n−p)     GLM(cov_type="cluster"), Stata
    "survey"       G/(G−1)                   R svyglm
    "none"         1                         GEE, geepack

Units of a cluster that share a row of X are one cell: a million units cost what their cells cost.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from scipy import special

from ..estimate import Clusters, Floats, Ints, two_sided
from .code_shares import cluster_variance, renumbered
from .share_difference import Sides, contribution

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


class SurveyTests(NamedTuple):
    """``design_effect``: variance of the log odds ratio over that of as many independent units.

    ``p_glm``: t test of the GLM's coefficient, with G − 2 degrees of freedom as ``svyglm`` has them (G − 1, as Stata, with its
    correction); ``p_score``: the same with the variance under no difference, which zero counts
    do not upset (R's ``svychisq(statistic="Wald")``); ``p_chisq``: Rao & Scott's F, ``svychisq(statistic="F")``. ``None``:
    undefined (separation, an empty cell, no spread).
    """

    fit: BinomialFit
    design_effect: float | None
    p_glm: float | None
    p_score: float | None
    p_chisq: float | None


_NO_SPREAD = 1e-9


def survey_tests(sides: Sides, *, correction: Correction = "survey") -> SurveyTests:
    """All of them for one code."""
    clusters = sides.clusters
    fit = binomial_glm(
        np.concatenate([side.coded for side in sides]),
        np.concatenate([side.total for side in sides]),
        np.column_stack([np.ones(2 * clusters), np.repeat([1.0, 0.0], clusters)]),
        np.tile(np.arange(clusters), 2),
        correction=correction,
    )
    if fit.why_undefined or fit.se[1] < _NO_SPREAD:
        return SurveyTests(fit, None, None, _score_p(sides), None)
    factor = (fit.n - 2) / (fit.n - 1) if correction == "statsmodels" else 1.0
    deff = float(fit.se[1]) ** 2 * factor / sides.binomial_variance
    df = fit.df - (correction == "survey")
    p_glm = two_sided(float(fit.coef[1] / fit.se[1]), df) if df else None
    return SurveyTests(fit, deff, p_glm, _score_p(sides), _rao_scott(sides, deff))


def _score_p(sides: Sides) -> float | None:
    a, b = sides
    pooled = float((a.coded.sum() + b.coded.sum()) / (a.total.sum() + b.total.sum()))
    w = contribution(a, pooled) - contribution(b, pooled)
    variance = float(cluster_variance(w - w.mean()))
    return two_sided(float(w.sum()) / math.sqrt(variance), len(w) - 1) if variance > 1e-30 else None


def _rao_scott(sides: Sides, deff: float) -> float:
    """p of F = X²/δ with (1, G − 1) degrees of freedom; X²: Pearson's on the units, δ: the design effect."""
    (ya, na), (yb, nb) = sides.cells
    n = ya + na + yb + nb
    chi = n * (ya * nb - yb * na) ** 2 / ((ya + yb) * (na + nb) * (ya + na) * (yb + nb))
    return two_sided(math.sqrt(chi / deff), sides.clusters - 1)
