"""How well probabilities foretell steps: AUC and accuracy, with intervals that resample students.

foretold      .8  .3  .6      right where it is .5 or more
answered       1   0   0
"""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Sequence as Many

import numpy as np

from ..auc import auc, of_levels
from ..domains import Resampling, Score
from .flat import Floats
from .sequence import Sequence

AT_ONCE = 4_000_000
"""Weights of resampled steps held at a time."""


def every_step(sequences: Many[Sequence], told: Many[Floats]) -> tuple[Floats, Floats, list[str]]:
    """(answered, foretold, student) of every step from the second on: the literature's way."""
    y = [step.correct for s in sequences for step in s.steps[1:]]
    who = [s.student for s in sequences for _ in s.steps[1:]]
    return np.array(y, dtype=float), _joined([values[1:] for values in told]), who


def last_steps(sequences: Many[Sequence], told: Many[Floats]) -> tuple[Floats, Floats, list[str]]:
    """(answered, foretold, student) of the last step of each: what items ask."""
    y = np.array([s.steps[-1].correct for s in sequences], dtype=float)
    return y, _joined([values[-1:] for values in told]), [s.student for s in sequences]


def _joined(values: Many[Floats]) -> Floats:
    return np.concatenate(values) if values else np.zeros(0)


def scores(y: Floats, p: Floats, group: Many[str], how: Resampling, note: str) -> list[Score]:
    """AUC and accuracy of ``p`` (n,), the probability that ``y`` (n,) is 1."""
    if not len(y):
        return [
            Score(name, None, None, None, 0, why_undefined="no steps", note=note)
            for name in ("auc", "accuracy")
        ]
    hit = (p >= 0.5) == (y == 1)
    area, level = auc(y, p), np.unique(p, return_inverse=True)[1]
    areas, hits = [], []
    for weight in _weights(group, how):
        areas.append(of_levels(level, y == 1, weight))
        hits.append(weight @ hit / weight.sum(axis=1))
    one_class = None if area is not None else "all answers are alike"
    majority = float(max(y.mean(), 1 - y.mean()))
    return [
        Score("auc", area, *_interval(areas, area), len(y), 0.5, 0.5, one_class, note),
        Score("accuracy", float(hit.mean()), *_interval(hits, 0.0), len(y), 0.5, majority, None, note),
    ]


def _weights(group: Many[str], how: Resampling) -> Iterator[Floats]:
    """How often each step is in each replicate: (replicates at once, n)."""
    _, number = np.unique(np.array(group, dtype=str), return_inverse=True)
    groups = int(number.max()) + 1
    rng = np.random.default_rng(how.seed)
    at_once = max(1, AT_ONCE // len(number))
    for start in range(0, how.replicates if groups > 1 else 0, at_once):
        size = min(at_once, how.replicates - start)
        yield rng.multinomial(groups, np.full(groups, 1 / groups), size)[:, number].astype(float)


def _interval(replicates: list[Floats], estimate: float | None) -> tuple[float | None, float | None]:
    """Replicates that hold one class only have no AUC and are left out."""
    values = np.concatenate(replicates) if replicates else np.zeros(0)
    values = values[np.isfinite(values)]
    if estimate is None or not len(values):
        return None, None
    low, high = np.quantile(values, (0.025, 0.975))
    return float(low), float(high)
