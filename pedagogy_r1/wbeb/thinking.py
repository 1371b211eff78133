"""Thought tokens of right and of wrong answers: the paper found that wrong ones usually cost more.

    right   120 140 160   mean 140
    wrong   200 220       mean 210        210 / 140 = 1.5

Right and wrong answers are different items, and hard items cost more whoever answers them: the ratio describes, it does not
explain. An answer that was cut off at the limit is nearly always wrong, and its tokens are the limit's, not its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .bootstrap import Groups, interval
from .domains import Answered, Resampling

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Thinking:
    """Mean thought tokens of right and of wrong answers (unread ones are wrong), and wrong / right with its 95 % interval.

    ``domain`` of ``None``: all of the run. ``cut``: how many answers were cut off. ``whole_ratio``: without these.
    """

    run: str
    domain: str | None
    right: float | None
    wrong: float | None
    ratio: float | None
    low: float | None
    high: float | None
    n_right: int
    n_wrong: int
    cut: int
    whole_ratio: float | None
    why_undefined: str | None = None


def thinking(run: str, domain: str | None, answered: Sequence[Answered], how: Resampling) -> Thinking:
    """Of the answers of one run; groups are resampled."""
    import numpy as np

    tokens = np.array([a.thought or 0 for a in answered], dtype=float)
    right = np.array([a.correct is True for a in answered], dtype=bool)
    cut = np.array([a.truncated for a in answered], dtype=bool)
    groups = Groups.of([a.item.group for a in answered])
    columns = (tokens * right, right, tokens * ~right, ~right)
    sums = np.stack([np.bincount(groups.number, c, groups.many) for c in columns], axis=1)

    def ratio(weight: Floats) -> Floats:
        total = weight @ sums
        with np.errstate(divide="ignore", invalid="ignore"):
            found: Floats = (total[:, 2] / total[:, 3]) / (total[:, 0] / total[:, 1])
        return np.where(np.isfinite(found), found, np.nan)

    estimate = float(ratio(np.ones((1, groups.many)))[0])
    bounds = interval(groups, how._replace(keep=None), ratio)
    defined = bool(np.isfinite(estimate))
    return Thinking(
        run,
        domain,
        _mean(tokens[right]),
        _mean(tokens[~right]),
        estimate if defined else None,
        bounds.low if defined else None,
        bounds.high if defined else None,
        int(right.sum()),
        int((~right).sum()),
        int(cut.sum()),
        _ratio(tokens[~right & ~cut], tokens[right & ~cut]),
        None if defined else _why(right, tokens),
    )


def _mean(values: Floats) -> float | None:
    return float(sum(values) / len(values)) if len(values) else None


def _ratio(wrong: Floats, right: Floats) -> float | None:
    above, below = _mean(wrong), _mean(right)
    return above / below if above is not None and below else None


def _why(right: NDArray[np.bool_], tokens: Floats) -> str:
    if not tokens.any():
        return "no thought was counted"
    if not right.any():
        return "no answer is right"
    return "every answer is right" if right.all() else "right answers have no thoughts"
