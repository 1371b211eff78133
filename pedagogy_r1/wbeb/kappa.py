"""Quadratic weighted kappa of two scores on one scale (Cohen 1968): what essay scoring is measured by.

    κ_w = 1 − Σ w_ij O_ij / Σ w_ij E_ij,   w_ij = (i − j)²,   E_ij = (row i · column j) / n

O: how many essays got i from people and j from the model. Undefined where both always say one and the same score: then there
is nothing to disagree about by chance. Equals scikit-learn's ``cohen_kappa_score(weights="quadratic")``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def weighted_kappa(table: NDArray[Any]) -> NDArray[np.float64]:
    """κ_w of each table of counts (…, k, k), truth by said; NaN where it is undefined. Scores stand one apart.

    >>> import numpy as np
    >>> float(weighted_kappa(np.array([[2, 1], [0, 3]])).round(3))
    0.667
    """
    import numpy as np

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
