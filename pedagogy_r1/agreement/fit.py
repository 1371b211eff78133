"""How well does a code fit the codes that the other coders gave to the same unit?

    others said IA-SQ, IA-SQ, TR-SP     IA-SQ scores 2/3, TR-SP 1/3, KA-RO 0        (accuracy)
    others said 4, 5                    4 scores −√(1/2), 5 the same                (neg_rmse)

Two codes of a unit are only ever compared with each other, against the same others. So a score may be any rising
function of the published one: matches for their share, −Σ(x − x_o)² for −√(mean). Counts and whole numbers make ties
exact; where numbers are not whole, what differs by rounding alone (relative 1e-9) is a tie too.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import PedagogyError, did_you_mean
from .additive import Floats, Ints
from .distance import distances
from .profile import MISSING

Metric = str | Callable[[Any, Sequence[Any]], float]
"""``"accuracy"``, ``"neg_rmse"``, ``"jaccard"`` (mean similarity of sets), or a function (code, others' codes) → score,
higher is better, as in the published program."""

Scorer = Callable[[Ints, Ints], Floats]
"""(units,) codes and (others, units) codes of the other coders, ``MISSING`` where there is none → (units,) scores."""

METRICS = ("accuracy", "neg_rmse", "jaccard")
_ROUNDING = 1e-9


def scorer(metric: Metric, domain: Sequence[Any]) -> Scorer:
    """The scorer over indices into ``domain``. Raises `PedagogyError` for an unknown metric or unfit codes."""
    if callable(metric):
        return _by_function(metric, domain)
    if metric == "accuracy":
        return lambda mine, others: (others == mine).sum(axis=0).astype(np.float64)
    if metric == "neg_rmse":
        return _by_squares(_numbers(domain))
    if metric == "jaccard":
        return _by_similarity(_jaccard(domain))
    raise PedagogyError(f"no metric is named {metric!r}", did_you_mean(metric, list(METRICS)))


def at_least(first: Floats, second: Floats) -> npt.NDArray[np.bool_]:
    """(units,) whether the first score is as good as the second or better; ties are."""
    return np.asarray((first >= second) | np.isclose(first, second, rtol=_ROUNDING, atol=0))


def _by_squares(numbers: Floats) -> Scorer:
    def score(mine: Ints, others: Ints) -> Floats:
        gaps = np.where(others == MISSING, 0.0, numbers[others] - numbers[mine])
        return np.asarray(-(gaps**2).sum(axis=0))

    return score


def _by_similarity(similarity: Floats) -> Scorer:
    def score(mine: Ints, others: Ints) -> Floats:
        return np.asarray(np.where(others == MISSING, 0.0, similarity[mine, others]).sum(axis=0))

    return score


def _by_function(function: Callable[[Any, Sequence[Any]], float], domain: Sequence[Any]) -> Scorer:
    def score(mine: Ints, others: Ints) -> Floats:
        said = ([domain[o] for o in column if o != MISSING] for column in others.T.tolist())
        found = [float(function(domain[m], rest)) for m, rest in zip(mine.tolist(), said, strict=True)]
        if any(math.isnan(value) for value in found):
            raise PedagogyError("the metric gave no number (NaN) for a unit", "let it return a number always")
        return np.array(found, dtype=np.float64)

    return score


def _numbers(domain: Sequence[Any]) -> Floats:
    for value in domain:
        if isinstance(value, str) or not np.isscalar(value) or not math.isfinite(value):  # type: ignore[arg-type]
            raise PedagogyError(
                f"neg_rmse needs numbers; one code is {value!r}", "use accuracy for nominal codes"
            )
    return np.array(domain, dtype=np.float64)


def _jaccard(domain: Sequence[Any]) -> Floats:
    for value in domain:
        if not isinstance(value, (frozenset, set, tuple, list)):
            raise PedagogyError(
                f"jaccard needs sets of codes; one is {value!r}", "use accuracy for single codes"
            )
    delta = distances("jaccard", [frozenset(value) for value in domain])
    assert delta is not None  # only the ordinal level has none
    return 1 - delta
