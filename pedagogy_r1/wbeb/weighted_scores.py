"""AUC, quadratic weighted kappa and macro-F1 of many weightings of the same answers at once.

    y      1    0    1    0
    score .9   .4   .4   .1      pairs (1, 0): .9>.4, .9>.1, .4=.4, .4>.1  →  AUC (1 + 1 + ½ + 1) / 4 = .875

scikit-learn has all three, and the tests compare with it. A bootstrap asks for a thousand weightings, and there sorting or
counting once serves them all: for 1,000 weightings of 2,000 answers AUC takes .12 s instead of 5.7, kappa .05 instead of 3.9, F1
.04 instead of 4.2.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray


def tally(weight: NDArray[Any], value: NDArray[np.intp], values: int) -> NDArray[np.float64]:
    """Sums of ``weight`` (m, n) over ``value`` (n,), integers below ``values``: shape (m, values)."""
    order = np.argsort(value, kind="stable")
    present, starts = np.unique(value[order], return_index=True)
    out = np.zeros((len(weight), values))
    if len(present):
        out[:, present] = np.add.reduceat(weight[:, order], starts, axis=1, dtype=float)
    return out


def auc(y: ArrayLike, score: ArrayLike) -> float | None:
    """How often a right step gets a higher ``score`` than a wrong one, a tie counting one half; ``None`` without both classes.

    ``y`` (n,) of 0/1 or bool. Exact, from mid-ranks (Mann & Whitney 1947; Hanley & McNeil 1982): ties are neither broken nor
    binned. Raises `ValueError` for shapes that differ, a ``y`` that is neither 0 nor 1, or a score that is not a number.

    >>> auc([1, 0, 1, 0], [0.9, 0.4, 0.4, 0.1])
    0.875
    >>> auc([1, 1], [0.2, 0.9]) is None
    True
    """
    truth, scores = np.asarray(y), np.asarray(score, dtype=float)
    if truth.ndim != 1 or truth.shape != scores.shape:
        raise ValueError(f"AUC needs one score for every answer, not shapes {truth.shape} and {scores.shape}")
    if not np.isin(truth, (0, 1)).all():
        raise ValueError("AUC needs answers that are 0 or 1")
    if np.isnan(scores).any():
        raise ValueError(f"{int(np.isnan(scores).sum())} of {len(scores)} scores are not a number")
    level = np.unique(scores, return_inverse=True)[1]
    found = auc_of_levels(level, truth.astype(bool), np.ones((1, len(scores))))[0]
    return None if np.isnan(found) else float(found)


def auc_of_levels(
    level: NDArray[np.intp], positive: NDArray[np.bool_], weight: NDArray[Any]
) -> NDArray[np.float64]:
    """AUC under each of ``m`` weightings (m,); NaN where one holds one class only.

    ``level`` (n,): place of each score among the distinct ones, from 0; ``positive`` (n,); ``weight`` (m, n): how often a
    replicate holds each.
    """
    levels = int(level.max()) + 1 if len(level) else 0
    ones = tally(weight[:, positive], level[positive], levels)
    zeros = tally(weight[:, ~positive], level[~positive], levels)
    below = np.cumsum(zeros, axis=1) - zeros
    won = (ones * (below + zeros / 2)).sum(axis=1)
    pairs = ones.sum(axis=1) * zeros.sum(axis=1)
    share: NDArray[np.float64] = np.divide(won, pairs, out=np.full(len(weight), np.nan), where=pairs > 0)
    return share


def weighted_kappa(table: NDArray[Any]) -> NDArray[np.float64]:
    """Quadratic weighted kappa (Cohen 1968) of each table of counts (…, k, k), truth by said, scores one apart.

    κ_w = 1 − Σ w_ij O_ij / Σ w_ij E_ij,  w_ij = (i − j)²,  E_ij = (row i · column j) / n. NaN where people and model always say
    one and the same score: then there is nothing to disagree about by chance.

    >>> import numpy as np
    >>> float(weighted_kappa(np.array([[2, 1], [0, 3]])).round(3))
    0.667
    """
    table = np.asarray(table, dtype=float)
    place = np.arange(table.shape[-1])
    apart = (place[:, None] - place[None, :]) ** 2
    observed = (apart * table).sum(axis=(-2, -1))
    rows, columns = table.sum(axis=-1), table.sum(axis=-2)
    # Σ w_ij r_i c_j without the outer product: (i − j)² = i² − 2ij + j²
    first, second = (rows * place).sum(-1), (columns * place).sum(-1)
    total = rows.sum(-1)
    expected = (rows * place**2).sum(-1) * total - 2 * first * second + (columns * place**2).sum(-1) * total
    with np.errstate(divide="ignore", invalid="ignore"):
        kappa: NDArray[np.float64] = np.where(expected > 0, 1 - observed * total / expected, np.nan)
    return kappa


def macro_f1(table: NDArray[Any]) -> NDArray[np.float64]:
    """Macro-F1 of each table of counts (…, k, k + 1), truth by said, unreadable last; NaN for an empty table.

    The mean over classes of F1_c = 2 TP_c / (2 TP_c + FP_c + FN_c), so that rare talk moves count as much as "none"; over classes
    that occur as an answer or as what was said. What could not be read is no class: it misses its answer's class and is held
    against no other.
    """
    table = np.asarray(table, dtype=float)
    hit = np.diagonal(table[..., :, :-1], axis1=-2, axis2=-1)
    answers, said = table.sum(axis=-1), table[..., :, :-1].sum(axis=-2)
    there = answers + said > 0
    each = np.divide(2 * hit, answers + said, out=np.zeros_like(hit), where=there)
    counted = there.sum(axis=-1)
    mean: NDArray[np.float64] = np.divide(
        each.sum(axis=-1), counted, out=np.full(np.shape(counted), np.nan), where=counted > 0
    )
    return mean
