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
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from .moment import Errors, Fit, Link, expit, fit, newton
from .sampled import Floats, Ints, Sampled

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
    guess = np.full(units.n, 0.5)
    for k in np.unique(fold):
        inside, learn = fold == k, units.coded & (fold != k)
        if learn.any() and inside.any():
            guess[inside] = _learnt(columns[learn], units.y[learn], 1 / units.pi[learn], columns[inside])
    return guess


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


def _learnt(columns: Floats, y: Floats, weight: Floats, where: Floats) -> Floats:
    """Ridge logistic regression (weights scaled to the number of codes), predicted at ``where``."""
    weight = weight * len(y) / weight.sum()
    centre, spread = columns.mean(axis=0), columns.std(axis=0)
    spread = np.where(spread > 0, spread, 1.0)
    design = np.column_stack([np.ones(len(y)), (columns - centre) / spread])
    start = (weight @ y + 0.5) / (len(y) + 1)
    # The intercept is drawn, as by half a code, to the overall frequency: finite when every code is the same.
    pull, target = np.full(design.shape[1], _PRIOR_SD**-2), np.zeros(design.shape[1])
    target[0] = np.log(start / (1 - start))

    def loss(beta: Floats) -> float:
        eta = design @ beta
        return float(weight @ (np.logaddexp(0.0, eta) - y * eta) + pull @ (beta - target) ** 2 / 2)

    def slopes(beta: Floats) -> tuple[Floats, Floats]:
        mu = expit(design @ beta)
        hessian = (design * (weight * mu * (1 - mu))[:, None]).T @ design + np.diag(pull)
        return design.T @ (weight * (y - mu)) - pull * (beta - target), hessian

    coef = target
    for coef, moved in newton(target, loss, slopes, smallest=1e-9):  # noqa: B007 - the last one is kept
        if moved < 1e-8:
            break
    return expit(np.column_stack([np.ones(len(where)), (where - centre) / spread]) @ coef)
