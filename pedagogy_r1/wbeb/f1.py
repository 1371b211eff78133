"""Macro-F1: the mean over classes of F1, so that rare talk moves count as much as "none".

    F1_c = 2 TP_c / (2 TP_c + FP_c + FN_c)

The mean runs over classes that occur as an answer or as what was said, as in scikit-learn's ``f1_score(average="macro")``. What
could not be read is no class: it misses its answer's class and is held against no other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def macro_f1(table: NDArray[Any]) -> NDArray[np.float64]:
    """Macro-F1 of each table of counts (…, k, k + 1), truth by said, unreadable last; NaN for an empty table."""
    import numpy as np

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
