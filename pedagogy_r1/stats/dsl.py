"""Design-based supervised learning: the machine's codes, corrected by the human ones (Egami et al. 2023, 2024).

    ỹ_i = g(f_i, x_i) + (R_i/π_i)(y_i − g(f_i, x_i))

ỹ takes y's place. Whatever g is, E[ỹ | y, f, x] = y because π is known, so a wrong machine costs precision, never
truth. g is learnt from the human-coded units of the *other* folds: folds hold whole traces, so no unit's own code,
nor that of its neighbours, is in the g that it is compared with.

    unit   f   y     π     g(f)   ỹ
    t1:0   1   1     1/2   .8     .8 + 2(1 − .8) = 1.2
    t1:1   1   0     1/2   .8     .8 + 2(0 − .8) = −.8
    t1:2   1   –     1/2   .8     .8

Equations: Egami, Hinck, Stewart & Wei 2023 (NeurIPS), (3) and algorithm 1; errors as in R's ``dsl``
(``errors="published"``: reproduced to 1e-9), or with the few-clusters correction of ``moment`` (the default).

Prediction-powered inference, weighted: the machine's codes as a control variate for the human ones.

    mean       θ(λ) = Σ w y/Σw − λ (Σ w f/Σw − f̄)          w = R/π, f̄ over all units
    logistic   λ Σ_all x(f − p)/n + Σ w x(y − p − λ(f − p))/Σw = 0,   p = expit(xᵀβ)

λ = 0 is the human-only estimate, λ = 1 trusts the machine as a difference. λ is tuned to the smallest variance
(PPI++: Angelopoulos, Duchi & Zrnic 2023, prop. 2), here the *cluster-robust* one: with A_g + λB_g the influence of
cluster g, λ = −Σ tr(A_g B_gᵀ)/Σ tr(B_g B_gᵀ), cut to [0, 1]. Three things differ from ``ppi-python``, each because
its intervals fail there: weights 1/π with a common reference (all units, not the uncoded ones, which enriched
sampling leaves unlike the rest); variance by trace; ``alternative`` is honoured with a tuned λ too. What
``ppi-python`` computes is in ``benchmarks/published_ppi.py``.

Both take units of which humans coded some: `sampled`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from ..estimate import Clusters, Floats, Ints, compact, jackknife_variance
from .moment import (
    NO_SOLUTION,
    Errors,
    Fit,
    Link,
    distinct,
    expit,
    fit,
    newton,
    predict,
    slope,
    solve,
    with_errors,
)
from .sampled import Sampled

Learner = Literal["logistic", "machine"]
Folds = int | npt.NDArray[np.int64]

# A normal prior of this standard deviation on log odds ratios of standardized columns (Gelman et al. 2008 propose
# 2.5): invisible with a hundred codes, and keeps g finite with five.
_PRIOR_SD = 2.5


def dsl(
    units: Sampled,
    x: Floats,
    helpers: Floats | None = None,
    *,
    link: Link,
    errors: Errors = "jackknife",
    **guess: Any,
) -> Fit:
    """The mean of ỹ (``x`` a column of ones, identity link) or a logistic regression of ỹ on ``x`` (n, p).

    ``helpers`` (n, q): what g may look at beside f; ``x`` when absent. ``guess``: how g is learnt (`pseudo_outcome`).
    """
    outcome = pseudo_outcome(units, x if helpers is None else helpers, **guess)
    return fit(outcome, np.ones(units.n), x, units.cluster, link=link, errors=errors)


def pseudo_outcome(
    units: Sampled, x: Floats, *, learner: Learner = "logistic", folds: Folds = 10, seed: int = 0
) -> Floats:
    """ỹ (n,). ``learner``: "machine" takes g = f; "logistic" calibrates f, with the columns of ``x`` beside it, on the
    human-coded units of the other folds. ``folds``: how many, or the fold of each unit (n,)."""
    guess = units.f if learner == "machine" else cross_fitted(units, x, folds=folds, seed=seed)
    return guess + units.weight * (units.y - guess)


def cross_fitted(units: Sampled, x: Floats, *, folds: Folds = 10, seed: int = 0) -> Floats:
    """g (n,): for each fold, a logistic regression of y on f and ``x`` weighted by 1/π, learnt outside the fold.

    With fewer than two clusters of human codes there is no "outside": g is then 1/2 and ỹ leaves all to the weights.
    """
    fold = folds_of(units, folds, seed) if isinstance(folds, int) else _checked(units, folds)
    columns = np.column_stack([units.f, x[:, np.ptp(x, axis=0) > 0]])
    rows, place = distinct(columns)
    there, which = compact(fold - fold.min())
    guesses = np.full((len(there), len(rows)), 0.5)
    coded = np.flatnonzero(units.coded)
    for number in range(len(there)):
        learn = coded[which[coded] != number]
        if len(learn):
            known = _Known(columns[learn], place[learn], units.y[learn], 1 / units.pi[learn])
            guesses[number] = _learnt(known, rows)
    return guesses[which, place]


class _Known(NamedTuple):
    """What g is learnt from: rows of columns (n, q), which of the distinct rows each is, y, weights."""

    columns: Floats
    place: Ints
    y: Floats
    weight: Floats


def folds_of(units: Sampled, folds: int, seed: int) -> Ints:
    """A fold for every unit: traces with human codes are dealt out evenly, then the rest; whole traces."""
    rng = np.random.default_rng(seed)
    with_codes = units.coded_clusters
    without = np.setdiff1d(np.arange(units.n_clusters), with_codes)
    dealt = np.concatenate([rng.permutation(with_codes), rng.permutation(without)])
    of_cluster = np.empty(units.n_clusters, np.int64)
    of_cluster[dealt] = np.arange(len(dealt)) % max(2, min(folds, len(with_codes)))
    return of_cluster[units.cluster]


def _checked(units: Sampled, fold: Ints) -> Ints:
    fold = np.asarray(fold)
    if fold.shape != (units.n,):
        raise ValueError(f"folds have shape {fold.shape}, the units ({units.n},)")
    first = np.zeros(units.n_clusters, fold.dtype)
    first[units.cluster] = fold
    if (first[units.cluster] != fold).any():
        raise ValueError(
            "a trace lies in two folds; cross-fitting is honest only with whole traces, one fold each"
        )
    return fold


def _learnt(known: _Known, rows: Floats) -> Floats:
    """Ridge logistic regression (weights scaled to the number of codes), predicted at each of ``rows``.

    Units of one row are added up: a machine's code has two values, whatever the units.
    """
    columns, place, y, weight = known
    weight = weight * len(y) / weight.sum()
    centre, spread = columns.mean(axis=0), columns.std(axis=0)
    spread = np.where(spread > 0, spread, 1.0)
    design = np.column_stack([np.ones(len(rows)), (rows - centre) / spread])
    start = (weight @ y + 0.5) / (len(y) + 1)
    # The intercept is drawn, as by half a code, to the overall frequency: finite when every code is the same.
    pull, target = np.full(design.shape[1], _PRIOR_SD**-2), np.zeros(design.shape[1])
    target[0] = np.log(start / (1 - start))
    of_rows = Clusters(place, len(rows))
    having, all_of = of_rows.sums(np.column_stack([weight * y, weight])).T

    def loss(beta: Floats) -> float:
        eta = design @ beta
        return float(all_of @ np.logaddexp(0.0, eta) - having @ eta + pull @ (beta - target) ** 2 / 2)

    def slopes(beta: Floats) -> tuple[Floats, Floats]:
        mu = expit(design @ beta)
        hessian = (design * (all_of * mu * (1 - mu))[:, None]).T @ design + np.diag(pull)
        return design.T @ (having - all_of * mu) - pull * (beta - target), hessian

    coef = target
    for coef, moved in newton(target, loss, slopes, smallest=1e-9):  # noqa: B007 - the last one is kept
        if moved < 1e-8:
            break
    return expit(design @ coef)


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
    found = with_errors(coef, human + lam * machine, curvature, x, units.cluster, errors, spent=int(tuned))
    if found.why_undefined or not tuned or errors == "published":
        return found, lam
    return _with_tuning(found, units, x, coef, lam, (human, machine, curvature), link, coord), lam


def _with_tuning(
    found: Fit,
    units: Sampled,
    x: Floats,
    coef: Floats,
    lam: float,
    influences: tuple[Floats, Floats, Floats],
    link: Link,
    coord: int | None,
) -> Fit:
    """The same with the pull that each cluster has through λ, which is tuned again without it: to first order
    δ_g + (dβ/dλ)(λ − λ_(g)). Forgetting it makes the errors of few traces a tenth too small."""
    human, machine, curvature = influences
    bread = np.linalg.inv((x * curvature[:, None]).T @ x)
    moved = bread @ (x * ((units.f - predict(x, coef, link)) * (1 - units.normalized))[:, None]).sum(axis=0)
    a, b = (units.clusters.sums(s @ bread) for s in (human, machine))
    if coord is not None:
        a, b = a[:, [coord]], b[:, [coord]]
    products, squares = (a * b).sum(axis=1), (b * b).sum(axis=1)
    rest = squares.sum() - squares
    without = np.clip(-(products.sum() - products) / np.where(rest > 0, rest, np.inf), 0.0, 1.0)
    deltas = found.deltas + (lam - without)[:, None] * moved
    return replace(found, cov=jackknife_variance(deltas), deltas=deltas)


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


def _point(units: Sampled, x: Floats, lam: float, link: Link) -> Floats | None:
    w = units.normalized
    return solve(lam * units.f + w * (units.y - lam * units.f), lam + (1 - lam) * w, x, link)


def _influences(
    units: Sampled, x: Floats, coef: Floats, lam: float, link: Link
) -> tuple[Floats, Floats, Floats]:
    """(n, p) scores without and per unit of λ, (n,) curvature. The scores are centred because Σw and n are drawn with
    the units: only what a unit adds *beyond* its share moves the estimate."""
    w, mu = units.normalized, predict(x, coef, link)
    of_human, of_machine = x * (units.y - mu)[:, None], x * (units.f - mu)[:, None]

    def coded(scores: Floats) -> Floats:
        centred: Floats = w[:, None] * (scores - (w @ scores) / units.n)
        return centred

    machine = of_machine - of_machine.mean(axis=0) - coded(of_machine)
    return coded(of_human), machine, (lam + (1 - lam) * w) * slope(mu, link)
