"""One moment equation behind every estimator here, and its cluster-robust variance.

    Σ_i x_i (a_i − b_i h(x_iᵀβ)) = 0          h: identity (a mean) or the logistic function

    naive        a = f                          b = 1
    human only   a = (R/π) y                    b = R/π             (Hájek)
    DSL          a = g + (R/π)(y − g)           b = 1
    PPI++        a = λf + c(R/π)(y − λf)        b = λ + (1−λ)c R/π   c = n/Σ(R/π)

With u_g the scores summed over cluster g and J = Σ b h′ x xᵀ (J_g: cluster g's part):

    published    V = Σ_g J⁻¹u_g u_gᵀJ⁻¹                                 (CR0; White 1980, Liang & Zeger 1986)
    jackknife    V = (G−1)/G Σ_g δ_g δ_gᵀ,  δ_g = (J − J_g)⁻¹u_g         (CR3; Bell & McCaffrey 2002, eq. 8)

CR0 is what the R package dsl computes; with few traces it is too small, so the jackknife is the default, with t
quantiles at Bell & McCaffrey's degrees of freedom, (tr Ω)²/tr Ω², Ω the covariance of the δ_gk over clusters when
units vary as they do and independently of each other. They see that 10 of 60 traces carry all human codes, or that
5 of 60 are in the condition.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from .sampled import Floats, Ints

Link = Literal["identity", "logit"]
Errors = Literal["jackknife", "published"]

# |xᵀβ| beyond this is a probability under 3e-7: Newton is running to infinity, not to a solution.
_LARGEST_LOGIT = 15.0
NO_SOLUTION = "no finite solution: for some combination of the covariates the (corrected) frequency is 0 or 1"


@dataclass(frozen=True)
class Fit:
    """``coef`` (p,), ``cov`` (p, p), ``df`` (p,) or ∞, ``deltas`` (G, p): each cluster's pull on the coefficients.

    Where ``why_undefined`` is set, the arrays are empty.
    """

    coef: Floats
    cov: Floats
    df: Floats
    deltas: Floats
    why_undefined: str | None = None

    @classmethod
    def undefined(cls, why: str) -> Fit:
        return cls(np.empty(0), np.empty((0, 0)), np.empty(0), np.empty((0, 0)), why)

    @property
    def se(self) -> Floats:
        return np.sqrt(np.diag(self.cov))


def expit(eta: Floats) -> Floats:
    """1/(1 + e^−η) without overflow."""
    return np.exp(-np.logaddexp(0.0, -eta))


def predict(x: Floats, coef: Floats, link: Link) -> Floats:
    """h(xβ), (n,)."""
    eta = x @ coef
    return eta if link == "identity" else expit(eta)


def slope(mu: Floats, link: Link) -> Floats:
    """h′ at the prediction μ = h(η), (n,)."""
    return np.ones_like(mu) if link == "identity" else mu * (1 - mu)


def solve(a: Floats, b: Floats, x: Floats, link: Link) -> Floats | None:
    """β (p,) of the moment equation, or None where it has no finite solution. ``b`` ≥ 0."""
    a, b, x = _collapsed(a, b, x)
    if np.linalg.matrix_rank((x * b[:, None]).T @ x) < x.shape[1]:
        return None
    if link == "identity":
        return np.asarray(np.linalg.solve((x * b[:, None]).T @ x, x.T @ a), np.float64)

    def loss(beta: Floats) -> float:
        eta = x @ beta
        return float(b @ np.logaddexp(0.0, eta) - a @ eta)

    coef, now = np.zeros(x.shape[1]), loss(np.zeros(x.shape[1]))
    for _ in range(50):
        mu = expit(x @ coef)
        hessian = (x * (b * mu * (1 - mu))[:, None]).T @ x
        if np.linalg.cond(hessian) > 1e14:
            return None
        step = np.linalg.solve(hessian, x.T @ (a - b * mu))
        size = 1.0
        # The loss is convex, so halving always ends; Newton's full step can overshoot where μ is near 0 or 1.
        while (then := loss(coef + size * step)) > now + 1e-12 * abs(now) and size > 1e-6:
            size /= 2
        coef, now = coef + size * step, then
        if np.abs(x @ coef).max() > _LARGEST_LOGIT:
            return None
        if np.abs(step).max() < 1e-10:
            return coef
    return None


def _collapsed(a: Floats, b: Floats, x: Floats) -> tuple[Floats, Floats, Floats]:
    """The same equation with units of one row of ``x`` added up: conditions have few rows, whatever the units."""
    place = np.zeros(len(x), np.int64)
    for column in x.T:
        values, of = np.unique(column, return_inverse=True)
        if len(values) > 100:
            return a, b, x
        _, place = np.unique(place * len(values) + of, return_inverse=True)
    count = int(place.max()) + 1
    rows = np.empty((count, x.shape[1]))
    rows[place] = x
    sums = cluster_sums(np.column_stack([a, b]), place, count)
    return sums[:, 0], sums[:, 1], rows


def cluster_sums(values: Floats, cluster: Ints, n_clusters: int) -> Floats:
    """(n, p) → (G, p) sums."""
    columns = [np.bincount(cluster, column, n_clusters).astype(np.float64) for column in values.T]
    return np.stack(columns, axis=1)


def with_errors(
    coef: Floats, scores: Floats, curvature: Floats, x: Floats, cluster: Ints, errors: Errors, spent: int = 0
) -> Fit:
    """Variance of a solved equation: ``scores`` (n, p) u_i, ``curvature`` (n,) b h′; ``spent``: degrees of freedom
    that tuning used beside the p coefficients."""
    n, p = x.shape
    groups = int(cluster.max()) + 1
    bread: Floats = np.linalg.inv((x * curvature[:, None]).T @ x).astype(np.float64)
    sums = cluster_sums(scores, cluster, groups)
    if errors == "published":
        deltas = sums @ bread
        return Fit(coef, deltas.T @ deltas, np.full(p, np.inf), deltas)
    if groups <= p:
        return Fit.undefined(f"{groups} clusters cannot give an error for {p} coefficients")
    products = (x[:, :, None] * x[:, None, :] * curvature[:, None, None]).reshape(n, p * p)
    parts = cluster_sums(products, cluster, groups).reshape(groups, p, p)
    rest = parts.sum(axis=0) - parts
    scale = 1 / np.sqrt(np.diag(parts.sum(axis=0)))
    if np.linalg.eigvalsh(rest * scale[:, None] * scale).min() < 1e-8:
        return Fit.undefined("one cluster alone carries a coefficient, so its error cannot be estimated")
    deltas = np.linalg.solve(rest, sums[:, :, None])[:, :, 0]
    cov = (groups - 1) / groups * deltas.T @ deltas
    noise = cluster_sums((scores[:, :, None] * scores[:, None, :]).reshape(n, p * p), cluster, groups)
    df = _bell_mccaffrey(np.linalg.inv(rest).astype(np.float64), parts, noise.reshape(groups, p, p), bread)
    return Fit(coef, cov, np.maximum(df - spent, 1.0), deltas)


def _bell_mccaffrey(weights: Floats, parts: Floats, noise: Floats, bread: Floats) -> Floats:
    """Degrees of freedom (p,) from (G, p, p): (J − J_g)⁻¹, J_g, the noise Q_g of u_g; ``bread`` J⁻¹.

    δ_g = (J − J_g)⁻¹(s_g − J_g J⁻¹ Σs), s_g the cluster's noise. So with m_g row k of (J − J_g)⁻¹, α_g = J⁻¹Q_g m_g,
    γ_g = J_g m_g and K = J⁻¹(ΣQ)J⁻¹: Ω = diag(m_gᵀQ_g m_g) − αγᵀ − γαᵀ + γKγᵀ. Its trace and that of Ω² need only
    sums over clusters, never the G × G matrix.
    """
    p = len(bread)
    inner = np.block([[np.zeros((p, p)), -np.eye(p)], [-np.eye(p), bread @ noise.sum(axis=0) @ bread]])
    found = np.full(p, np.inf)
    for k in range(p):
        m = weights[:, k, :]
        spread = np.einsum("gij,gj->gi", noise, m)
        own = (m * spread).sum(axis=1)
        low = np.concatenate([spread @ bread, np.einsum("gij,gj->gi", parts, m)], axis=1)
        diagonal = np.einsum("gi,ij,gj->g", low, inner, low)
        gram = inner @ (low.T @ low)
        square = (own**2).sum() + 2 * (own * diagonal).sum() + np.trace(gram @ gram)
        if square > 0:  # nothing varies otherwise, and the interval is made from counts
            found[k] = (own + diagonal).sum() ** 2 / square
    return found


def fit(a: Floats, b: Floats, x: Floats, cluster: Ints, *, link: Link, errors: Errors = "jackknife") -> Fit:
    """Solve and add errors. ``a``, ``b`` (n,), ``x`` (n, p), ``cluster`` (n,) as 0…G−1."""
    coef = solve(a, b, x, link)
    if coef is None:
        return Fit.undefined(NO_SOLUTION)
    mu = predict(x, coef, link)
    return with_errors(coef, x * (a - b * mu)[:, None], b * slope(mu, link), x, cluster, errors)


def difference(one: Fit, other: Fit) -> Fit:
    """``one`` − ``other``, both from the same units and clusters; the errors are paired by cluster."""
    if one.why_undefined or other.why_undefined:
        return Fit.undefined(one.why_undefined or other.why_undefined or "")
    deltas = one.deltas - other.deltas
    groups = len(deltas)
    cov = (groups - 1) / groups * deltas.T @ deltas
    return Fit(one.coef - other.coef, cov, np.minimum(one.df, other.df), deltas)
