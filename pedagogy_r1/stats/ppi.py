"""Prediction-powered inference, weighted: the machine's codes as a control variate for the human ones.

    mean       θ(λ) = Σ w y/Σw − λ (Σ w f/Σw − f̄)          w = R/π, f̄ over all units
    logistic   λ Σ_all x(f − p)/n + Σ w x(y − p − λ(f − p))/Σw = 0,   p = expit(xᵀβ)

λ = 0 is the human-only estimate, λ = 1 trusts the machine as a difference. λ is tuned to the smallest variance
(PPI++: Angelopoulos, Duchi & Zrnic 2023, prop. 2), here the *cluster-robust* one: with A_g + λB_g the influence of
cluster g, λ = −Σ tr(A_g B_gᵀ)/Σ tr(B_g B_gᵀ), cut to [0, 1]. Three things differ from ``ppi-python``, each because
its intervals fail there: weights 1/π with a common reference (all units, not the uncoded ones, which enriched
sampling leaves unlike the rest); variance by trace; ``alternative`` is honoured with a tuned λ too. What
``ppi-python`` computes is in ``benchmarks/published_ppi.py``.
"""

from __future__ import annotations

import numpy as np

from .moment import NO_SOLUTION, Errors, Fit, Link, predict, slope, solve, with_errors
from .sampled import Floats, Sampled


def ppi(
    units: Sampled,
    x: Floats,
    *,
    link: Link,
    lam: float | None = None,
    coord: int | None = None,
    errors: Errors = "jackknife",
) -> tuple[Fit, float | None]:
    """The fit and the λ used. ``x`` (n, p); ``lam``: None tunes; ``coord``: tune for this coefficient, else for all.

    λ costs one degree of freedom where it is tuned.
    """
    tuned = lam is None
    if lam is None:
        lam = tuned_lam(units, x, link=link, coord=coord)
    coef = _point(units, x, lam, link)
    if coef is None:
        return Fit.undefined(NO_SOLUTION), lam
    human, machine, curvature = _influences(units, x, coef, lam, link)
    scores = human + lam * machine
    return with_errors(coef, scores, curvature, x, units.cluster, errors, spent=int(tuned)), lam


def tuned_lam(units: Sampled, x: Floats, *, link: Link, coord: int | None = None) -> float:
    """λ in [0, 1] of the smallest cluster-robust variance, seen from the λ = 1 solution (λ = 0 where there is none);
    0 where neither has a solution or the machine's codes do not vary."""
    for pilot in (1.0, 0.0):
        coef = _point(units, x, pilot, link)
        if coef is None:
            continue
        human, machine, curvature = _influences(units, x, coef, pilot, link)
        bread = np.linalg.inv((x * curvature[:, None]).T @ x)
        a, b = (units.clusters.sums(scores @ bread) for scores in (human, machine))
        if coord is not None:
            a, b = a[:, [coord]], b[:, [coord]]
        spread = float((b * b).sum())
        return float(np.clip(-(a * b).sum() / spread, 0.0, 1.0)) if spread > 0 else 0.0
    return 0.0


def _normalized(units: Sampled) -> Floats:
    """n w/Σw, (n,)."""
    weight = units.weight
    scale: float = units.n / weight.sum()
    return weight * scale


def _point(units: Sampled, x: Floats, lam: float, link: Link) -> Floats | None:
    w = _normalized(units)
    return solve(lam * units.f + w * (units.y - lam * units.f), lam + (1 - lam) * w, x, link)


def _influences(
    units: Sampled, x: Floats, coef: Floats, lam: float, link: Link
) -> tuple[Floats, Floats, Floats]:
    """(n, p) scores without and per unit of λ, (n,) curvature. The scores are centred because Σw and n are drawn with
    the units: only what a unit adds *beyond* its share moves the estimate."""
    w, mu = _normalized(units), predict(x, coef, link)
    of_human, of_machine = x * (units.y - mu)[:, None], x * (units.f - mu)[:, None]

    def coded(scores: Floats) -> Floats:
        centred: Floats = w[:, None] * (scores - (w @ scores) / units.n)
        return centred

    machine = of_machine - of_machine.mean(axis=0) - coded(of_machine)
    return coded(of_human), machine, (lam + (1 - lam) * w) * slope(mu, link)
