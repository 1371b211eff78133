"""Expected counts of a square table of transitions, with or without its diagonal, and how far the counts are from them.

    all cells           m_ij = n_i. n_.j / n
    without diagonal    m_ij = a_i b_j for i ≠ j, fitted to the row and column sums (iterative proportional fitting)

    adjusted residual   (n_ij − m_ij) / √(m_ij (1 − h_ij)),   about N(0, 1) if the next code does not depend on this one

h_ij is the cell's leverage in the Poisson model with row and column effects; with all cells 1 − h is the familiar
(1 − n_i./n)(1 − n_.j/n) (Haberman 1973; Bakeman & Quera 2011, ch. 9). Without the diagonal a code cannot follow itself,
so what would be expected without that knowledge is wrong for every other cell too.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .sums import Floats, Ints

_STEPS = 500
_TOLERANCE = 1e-8
_FORCED = 0.02


def expected_counts(counts: npt.NDArray[np.generic], *, diagonal: bool) -> Floats:
    """(…, K, K) expected counts of one or many tables; cells of empty rows and columns are 0."""
    n = counts.astype(float)
    if diagonal:
        total = np.maximum(n.sum(axis=(-2, -1), keepdims=True), 1)
        return n.sum(axis=-1, keepdims=True) * n.sum(axis=-2, keepdims=True) / total  # type: ignore[no-any-return]
    fitted = np.broadcast_to(1.0 - np.eye(n.shape[-1]), n.shape).copy()
    n = n * fitted
    fitted = _fit(fitted, n)
    unsettled = np.abs(fitted.sum(axis=-1) - n.sum(axis=-1)).max(axis=-1, initial=0.0) > _TOLERANCE
    if unsettled.any():
        # The margins force cells to 0, which the fit nears without end: set them to 0, and fit the others.
        gone = unsettled[..., None, None] & (fitted < _FORCED)
        fitted = _fit(np.where(gone, 0.0, fitted), n)
    return fitted


def _fit(fitted: Floats, n: Floats) -> Floats:
    rows, columns = n.sum(axis=-1, keepdims=True), n.sum(axis=-2, keepdims=True)
    for _ in range(_STEPS):
        fitted = fitted * _ratio(rows, fitted.sum(axis=-1, keepdims=True))
        fitted = fitted * _ratio(columns, fitted.sum(axis=-2, keepdims=True))
        if np.abs(fitted.sum(axis=-1, keepdims=True) - rows).max(initial=0.0) < _TOLERANCE:
            break
    return fitted


def _ratio(wanted: Floats, have: Floats) -> Floats:
    return np.divide(wanted, have, out=np.zeros_like(wanted), where=have > 0)


def slack(expected: Floats) -> Floats:
    """(K, K) 1 − h: share of a cell's variance that the margins leave; NaN where the cell is settled or empty."""
    k = len(expected)
    row, column = np.divmod(np.arange(k * k), k)
    m = expected.ravel()
    x = np.zeros((k * k, 2 * k))
    x[np.arange(k * k), row] = 1
    x[np.arange(k * k), k + column] = 1
    information = (x * m[:, None]).T @ x
    leverage = m * np.einsum("ij,jk,ik->i", x, np.linalg.pinv(information, hermitian=True), x)
    left = np.where((m > 0) & (1 - leverage > 1e-9), 1 - leverage, np.nan)
    return left.reshape(k, k)


def adjusted_residuals(counts: Ints, expected: Floats) -> Floats:
    """(K, K) adjusted residuals; NaN where the margins leave nothing to vary."""
    return (counts - expected) / np.sqrt(np.where(expected > 0, expected, np.nan) * slack(expected))


def yules_q(counts: Ints) -> Floats:
    """(K, K) Yule's Q of "this code, that code next" against all else, −1 to 1; NaN where undefined.

    Q = (ad − bc) / (ad + bc), a: n_ij, b: rest of the row, c: rest of the column, d: all others.
    """
    n = counts.astype(float)
    rows, columns = n.sum(axis=1, keepdims=True), n.sum(axis=0, keepdims=True)
    b, c = rows - n, columns - n
    d = n.sum() - rows - columns + n
    with np.errstate(invalid="ignore", divide="ignore"):
        return (n * d - b * c) / (n * d + b * c)  # type: ignore[no-any-return]
