"""A tally: how much weight falls on each value, for many weightings at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def tally(weight: NDArray[Any], value: NDArray[np.intp], values: int) -> NDArray[np.float64]:
    """Sums of ``weight`` (m, n) over ``value`` (n,), integers below ``values``: shape (m, values)."""
    import numpy as np

    order = np.argsort(value, kind="stable")
    present, starts = np.unique(value[order], return_index=True)
    out = np.zeros((len(weight), values))
    if len(present):
        out[:, present] = np.add.reduceat(weight[:, order], starts, axis=1, dtype=float)
    return out
