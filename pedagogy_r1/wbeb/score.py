"""Scores of a set of answers, each with its interval. A domain says what is counted; here it becomes a `Score`.

    sample = Sample.of(answered, how)
    sample.share("accuracy", [1, 0, 1, 1], Beside(.25, .4))     Score("accuracy", .75, .25, 1.0, n=4, …)
    sample.of_table("qwk", table, weighted_kappa)                       from counts of answer × said
    sample.area("auc", right, probability)

All but AUC depend on the items through sums alone, so a replicate costs one product of weights and the groups' sums.
The majority baseline is the most frequent answer *of the scored set*: what the best constant gets, thus never below what the
most frequent answer of train would get.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from . import bootstrap
from .bootstrap import Groups, Interval
from .domains import Answered, Resampling, Score

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]


class Beside(NamedTuple):
    """What stands beside a score."""

    chance: float | None = None
    majority: float | None = None
    note: str | None = None


@dataclass(frozen=True)
class Sample:
    """The groups of the scored items, and how they are resampled."""

    groups: Groups
    how: Resampling

    @classmethod
    def of(cls, answered: Sequence[Answered], how: Resampling) -> Sample:
        """The sample of these answers; values and hits are given in their order."""
        return cls(Groups.of([a.item.group for a in answered]), how)

    def share(self, name: str, hits: ArrayLike, beside: Beside) -> Score:
        """Mean of ``hits`` (n,), each 0 or 1."""
        import numpy as np

        hit = np.asarray(hits, dtype=float)
        if not len(hit) or hit.min() != hit.max():
            return self.mean(name, hit, beside)
        rate = float(hit[0])
        return _some(name, rate, bootstrap.extreme(self.groups, rate), len(hit), beside)

    def mean(self, name: str, values: ArrayLike, beside: Beside) -> Score:
        """Mean of any ``values`` (n,); NaN: this item has none, and is left out."""
        import numpy as np

        from .tally import tally

        value = np.asarray(values, dtype=float)
        there = np.isfinite(value)
        if not there.any():
            return _none(name, _empty(value), 0, beside)
        columns = np.stack([np.where(there, value, 0), there])
        by_group = tally(columns, self.groups.number, self.groups.many).T
        found = bootstrap.interval(self.groups, self.how, lambda w: _ratio(w @ by_group), name=name)
        return _some(name, float(value[there].mean()), found, int(there.sum()), beside)

    def of_table(
        self, name: str, table: Table, statistic: Callable[[Floats], Floats], why: str, beside: Beside
    ) -> Score:
        """A statistic of counts of answer × said, (m, k, k') → (m,); ``why`` it may be undefined."""
        import numpy as np

        there = table.cell >= 0
        n, size = int(there.sum()), table.rows * table.columns
        if not n:
            return _none(name, _empty(table.cell), 0, beside)
        flat = self.groups.number[there] * size + table.cell[there]
        by_group = np.bincount(flat, minlength=self.groups.many * size).reshape(self.groups.many, size)

        def of_weights(weight: Floats) -> Floats:
            return statistic((weight @ by_group).reshape(len(weight), table.rows, table.columns))

        estimate = float(of_weights(np.ones((1, self.groups.many)))[0])
        if not np.isfinite(estimate):
            return _none(name, why, n, beside)
        found = bootstrap.interval(self.groups, self.how, of_weights, max(size, self.groups.many), name=name)
        return _some(name, estimate, found, n, beside)

    def area(self, name: str, right: ArrayLike, probability: ArrayLike, note: str | None) -> Score:
        """AUC of ``probability`` (n,) for ``right`` (n,); NaN: no probability, left out."""
        import numpy as np

        from .auc import auc, of_levels

        p, beside = np.asarray(probability, dtype=float), Beside(0.5, 0.5, note)
        there = np.isfinite(p)
        n, truth, p = int(there.sum()), np.asarray(right, dtype=bool)[there], p[there]
        if not n:
            why = "no answer gave a probability" if len(there) else "no answers"
            return _none(name, why, 0, beside)
        estimate = auc(truth, p)
        if estimate is None:
            return _none(name, "all answers are alike: there is no pair to order", n, beside)
        level, number = np.unique(p, return_inverse=True)[1], self.groups.number[there]
        found = bootstrap.interval(
            self.groups,
            self.how,
            lambda w: of_levels(level, truth, w[:, number]),
            max(n, self.groups.many),
            name=name,
        )
        return _some(name, estimate, found, n, beside)


class Table(NamedTuple):
    """``cell`` (n,): the place of each item in the flat table of answer × said; −1: left out."""

    cell: NDArray[np.intp]
    rows: int
    columns: int


def _some(name: str, estimate: float, found: Interval, n: int, beside: Beside) -> Score:
    note = "; ".join(filter(None, (beside.note, found.note))) or None
    return Score(name, estimate, found.low, found.high, n, beside.chance, beside.majority, None, note)


def _none(name: str, why: str, n: int, beside: Beside) -> Score:
    return Score(name, None, None, None, n, beside.chance, beside.majority, why, beside.note)


def _empty(values: NDArray[np.generic]) -> str:
    return "no answer could be read" if len(values) else "no answers"


def _ratio(sums: Floats) -> Floats:
    import numpy as np

    top, bottom = sums[:, 0], sums[:, 1]
    ratio: Floats = np.divide(top, bottom, out=np.full(len(top), np.nan), where=bottom > 0)
    return ratio


def most_frequent(answers: Sequence[str]) -> str:
    """The most frequent of ``answers``, the first by name among equals."""
    counts = Counter(answers)
    return min(counts, key=lambda answer: (-counts[answer], answer))


def majority_share(answered: Sequence[Answered]) -> float | None:
    """Accuracy of always giving the most frequent answer of the scored set."""
    answers = [a.item.answer for a in answered]
    return answers.count(most_frequent(answers)) / len(answers) if answers else None
