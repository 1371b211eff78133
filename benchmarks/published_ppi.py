"""PPI++ exactly as published and as ``ppi-python`` computes it: a reference, not for traces.

Two *independent* samples of *independent* units with *equal* chances: n human-coded (y, f), N others (f only).

    mean       θ = λ f̄_N + mean(y − λf),   v = λ² var(f_N)/N + var(y − λf)/n
    logistic   argmin λ L_N(f) + L_n(y) − λ L_n(f),   Σ = H⁻¹(n/N cov(λ∇f_N) + cov(∇y − λ∇f_n))H⁻¹, se² = diag(Σ)/n
    λ          tr(H⁻¹ cov(∇y, ∇f_n) H⁻¹) / ((1 + n/N) tr(H⁻¹ cov(∇f_n ∪ ∇f_N) H⁻¹)), cut to [0, 1]

Angelopoulos, Duchi & Zrnic 2023 (arXiv 2311.01453), eq. 4, 6 and prop. 2. Where units come in traces, or human codes
were not spread evenly, its 95 % intervals cover far less (``benchmarks/coverage_corrected.py``); use ``ppi``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from pedagogy_r1.estimate import Floats
from pedagogy_r1.stats.moment import NO_SOLUTION, Alternative, interval, predict, slope, solve


@dataclass(frozen=True)
class PublishedPPI:
    """``coef``, ``se`` (p,) and the λ used."""

    coef: Floats
    se: Floats
    lam: float

    def interval(
        self, level: float = 0.95, alternative: Alternative = "two-sided"
    ) -> list[tuple[float, float]]:
        """Normal intervals, one a coefficient; ``alternative`` holds with a tuned λ as with a given one."""
        return [
            interval(float(c), float(s), level=level, alternative=alternative)
            for c, s in zip(self.coef, self.se, strict=True)
        ]


def published_mean(y: Any, f: Any, f_uncoded: Any, lam: float | None = None) -> PublishedPPI:
    """``y``, ``f`` (n,) of the human-coded units, ``f_uncoded`` (N,) of the others."""
    human, machine, other = (np.asarray(v, float) for v in (y, f, f_uncoded))
    n, n_other = _sizes(human, machine, other)
    if lam is None:
        one = np.ones((1, 1))
        lam = _lam(human[:, None], machine[:, None], other[:, None], one)
    point = lam * other.mean() + (human - lam * machine).mean()
    variance = (lam * other).var() / n_other + (human - lam * machine).var() / n
    return PublishedPPI(np.array([point]), np.array([np.sqrt(variance)]), lam)


def published_logistic(
    x: Any, y: Any, f: Any, x_uncoded: Any, f_uncoded: Any, lam: float | None = None
) -> PublishedPPI:
    """As above with covariates ``x`` (n, p), ``x_uncoded`` (N, p); put the column of ones in yourself.

    A tuned λ is tuned twice, as in ``ppi-python``: seen from λ = 1, then from that solution.
    Raises ``ValueError`` where there is no finite solution.
    """
    covariates, others = np.asarray(x, float), np.asarray(x_uncoded, float)
    human, machine, other = (np.asarray(v, float) for v in (y, f, f_uncoded))
    n, n_other = _sizes(human, machine, other)
    every, guessed = np.concatenate([covariates, others]), np.concatenate([machine, other])
    coded = np.arange(n + n_other) < n

    def point(weight: float) -> Floats:
        a = np.where(coded, 0.0, weight * guessed / n_other)
        a[:n] = (human - weight * machine) / n
        b = np.where(coded, (1 - weight) / n, weight / n_other)
        coef = solve(a * n, b * n, every, "logit")
        if coef is None:
            raise ValueError(f"PPI: {NO_SOLUTION}")
        return coef

    def gradients(coef: Floats, weight: float) -> tuple[Floats, Floats, Floats, Floats]:
        mu, mu_other = predict(covariates, coef, "logit"), predict(others, coef, "logit")
        used, mu_used = (every, np.concatenate([mu, mu_other])) if weight else (covariates, mu)
        hessian = (used * slope(mu_used, "logit")[:, None]).T @ used / len(used)
        return (
            covariates * (mu - human)[:, None],
            covariates * (mu - machine)[:, None],
            others * (mu_other - other)[:, None],
            np.linalg.inv(hessian),
        )

    if lam is None:
        lam = 1.0
        for _ in range(2):
            lam = _lam(*gradients(point(lam), 1.0))
    coef = point(lam)
    of_y, of_f, of_other, inverse = gradients(coef, lam)
    meat = n / n_other * np.cov(lam * of_other.T) + np.cov((of_y - lam * of_f).T)
    return PublishedPPI(coef, np.sqrt(np.diag(inverse @ np.atleast_2d(meat) @ inverse) / n), lam)


def _lam(of_y: Floats, of_f: Floats, of_other: Floats, inverse: Floats) -> float:
    n, n_other = len(of_y), len(of_other)
    cross = (of_y - of_y.mean(axis=0)).T @ (of_f - of_f.mean(axis=0)) / n
    spread = np.atleast_2d(np.cov(np.concatenate([of_f, of_other]).T))
    below = (1 + n / n_other) * np.trace(inverse @ spread @ inverse)
    return float(np.clip(np.trace(inverse @ cross @ inverse) / below, 0, 1)) if below > 0 else 0.0


def _sizes(human: Floats, machine: Floats, other: Floats) -> tuple[int, int]:
    if len(human) != len(machine) or len(human) < 2 or len(other) < 2:
        raise ValueError(
            f"PPI needs y and f of the same units and two of each kind: {len(human)}, {len(machine)}, {len(other)}"
        )
    return len(human), len(other)
