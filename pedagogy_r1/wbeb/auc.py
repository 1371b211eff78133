"""AUC: how often a right step gets a higher score than a wrong one; a tie counts one half.

    y      1    0    1    0
    score .9   .4   .4   .1      pairs (1, 0): .9>.4, .9>.1, .4=.4, .4>.1  →  (1 + 1 + ½ + 1) / 4 = .875

Exact: from mid-ranks (Mann & Whitney 1947; Hanley & McNeil 1982), so ties are neither broken nor binned. It equals
scikit-learn's ``roc_auc_score``. Undefined (``None``) where all of ``y`` are alike: there is no pair to order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray


def auc(y: ArrayLike, score: ArrayLike) -> float | None:
    """Area under the ROC curve of ``score`` for ``y`` (0/1 or bool), both of shape (n,); ``None`` without both classes.

    Raises `InputError` for shapes that differ, a ``y`` that is neither 0 nor 1, or a score that is not a number.

    >>> auc([1, 0, 1, 0], [0.9, 0.4, 0.4, 0.1])
    0.875
    >>> auc([1, 1], [0.2, 0.9]) is None
    True
    """
    import numpy as np

    truth, scores = np.asarray(y), np.asarray(score, dtype=float)
    if truth.ndim != 1 or truth.shape != scores.shape:
        raise InputError(
            f"AUC needs one score for every answer, not shapes {truth.shape} and {scores.shape}",
            "give two sequences of one length",
        )
    if not np.isin(truth, (0, 1)).all():
        raise InputError("AUC needs answers that are 0 or 1", "1: right, 0: wrong")
    if np.isnan(scores).any():
        raise InputError(
            f"{int(np.isnan(scores).sum())} of {len(scores)} scores are not a number",
            "leave those steps out, and say how many",
        )
    positive = truth.astype(bool)
    _, level = np.unique(scores, return_inverse=True)
    found = of_levels(level, positive, np.ones((1, len(scores))))[0]
    return None if np.isnan(found) else float(found)


def of_levels(
    level: NDArray[np.intp], positive: NDArray[np.bool_], weight: NDArray[Any]
) -> NDArray[np.float64]:
    """AUC of ``n`` scores under each of ``m`` weightings: what a bootstrap asks, without sorting again.

    ``level`` (n,): place of each score among the distinct ones, from 0; ``positive`` (n,); ``weight`` (m, n): how often a
    replicate holds each. Returns (m,); NaN where a replicate holds one class only.
    """
    import numpy as np

    from .tally import tally

    levels = int(level.max()) + 1 if len(level) else 0
    ones = tally(weight[:, positive], level[positive], levels)
    zeros = tally(weight[:, ~positive], level[~positive], levels)
    below = np.cumsum(zeros, axis=1) - zeros
    won = (ones * (below + zeros / 2)).sum(axis=1)
    pairs = ones.sum(axis=1) * zeros.sum(axis=1)
    share: NDArray[np.float64] = np.divide(won, pairs, out=np.full(len(weight), np.nan), where=pairs > 0)
    return share
