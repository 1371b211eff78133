"""Scores of a set of answers, each with its interval. A domain says what is counted; here it becomes a `Score`.

    scorer = Scorer.of([a.item.group for a in answered], how)
    scorer.share("accuracy", [1, 0, 1, 1], Beside(.25, .4))     Score("accuracy", Estimate(.75, .25, 1.0, n=4, …), …)
    scorer.of_table("qwk", [3, 0, 5, 4], [3, 1, −1, 4], (6, 6), weighted_kappa, …)      from counts of answer × said
    scorer.area("auc", right, probability, …)

Groups are resampled (students, transcripts, question families), and the same groups have the same weights, whoever answered. All
but AUC depend on the items through sums alone, so a replicate costs one product of weights and the groups' sums. The majority
baseline is the most frequent answer *of the scored set*: what the best constant gets, thus never below what the most
frequent answer of train would get.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import fsum
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..estimate import Clusters, Estimate, Resampling, all_alike, cluster_draws, from_draws
from ..limits import MOST_UNDEFINED
from .domain import Answered, Score
from .weighted_scores import auc, auc_of_levels

Floats = NDArray[np.float64]

OVER = "groups"


class Beside(NamedTuple):
    """What stands beside a score."""

    chance: float | None = None
    majority: float | None = None
    note: str | None = None


@dataclass(frozen=True)
class Scorer:
    """The groups of the scored items, and how they are resampled."""

    groups: Clusters
    how: Resampling

    @classmethod
    def of(cls, groups: Sequence[str], how: Resampling) -> Scorer:
        """``groups`` (n,): the group of each item; values and hits are given in this order."""
        return cls(Clusters.by_name(groups), how)

    def share(self, name: str, hits: ArrayLike, beside: Beside) -> Score:
        """Mean of ``hits`` (n,), each 0 or 1."""
        hit = np.asarray(hits, dtype=float)
        if not len(hit) or hit.min() != hit.max() or self.groups.count < 2:
            return self.mean(name, hit, beside)
        return Score(name, all_alike(float(hit[0]), len(hit), self.groups, self.how, over=OVER), *beside)

    def mean(self, name: str, values: ArrayLike, beside: Beside) -> Score:
        """Mean of any ``values`` (n,); NaN: this item has none, and is left out."""
        value = np.asarray(values, dtype=float)
        there = np.isfinite(value)
        if not there.any():
            return self._none(name, _empty(value), 0, beside)
        by_group = self.groups.sums(np.stack([np.where(there, value, 0), there], axis=1))

        def of_weights(weight: Floats) -> Floats:
            top, bottom = (weight @ by_group).T
            ratio: Floats = np.divide(top, bottom, out=np.full(len(top), np.nan), where=bottom > 0)
            return ratio

        return self.resampled(name, float(value[there].mean()), int(there.sum()), of_weights, beside)

    def of_table(
        self,
        name: str,
        answers: ArrayLike,
        said: ArrayLike,
        shape: tuple[int, int],
        statistic: Callable[[Floats], Floats],
        why: str,
        beside: Beside,
    ) -> Score:
        """A statistic of counts of answer × said, (m, *shape) → (m,); ``why`` it may be undefined.

        ``answers``, ``said`` (n,): row and column of each item in the table; −1 said: left out.
        """
        row, column = np.asarray(answers, dtype=np.intp), np.asarray(said, dtype=np.intp)
        there = column >= 0
        n, size, count = int(there.sum()), shape[0] * shape[1], self.groups.count
        if not n:
            return self._none(name, _empty(column), 0, beside)
        place = (self.groups.number[there], row[there], column[there])
        flat = np.ravel_multi_index(place, (count, *shape))
        by_group = np.bincount(flat, minlength=count * size).reshape(count, size)

        def of_weights(weight: Floats) -> Floats:
            return statistic((weight @ by_group).reshape(len(weight), *shape))

        value = float(of_weights(np.ones((1, count)))[0])
        if not np.isfinite(value):
            return self._none(name, why, n, beside)
        return self.resampled(name, value, n, of_weights, beside, max(size, count))

    def area(self, name: str, right: ArrayLike, probability: ArrayLike, beside: Beside) -> Score:
        """AUC of ``probability`` (n,) for ``right`` (n,); NaN: no probability, left out."""
        p = np.asarray(probability, dtype=float)
        there = np.isfinite(p)
        n, truth, p = int(there.sum()), np.asarray(right, dtype=bool)[there], p[there]
        if not n:
            why = "no answer gave a probability" if len(there) else "no answers"
            return self._none(name, why, 0, beside)
        value = auc(truth, p)
        if value is None:
            return self._none(name, "all answers are alike: there is no pair to order", n, beside)
        level, number = np.unique(p, return_inverse=True)[1], self.groups.number[there]

        def of_weights(weight: Floats) -> Floats:
            return auc_of_levels(level, truth, weight[:, number])

        return self.resampled(name, value, n, of_weights, beside, max(n, self.groups.count))

    def _none(self, name: str, why: str, n: int, beside: Beside) -> Score:
        known = {"level": self.how.level, "n": n, "clusters": self.groups.count, "seed": self.how.seed}
        return Score(name, Estimate.undefined(why, **known), *beside)

    def resampled(
        self,
        name: str,
        value: float,
        n: int,
        of_weights: Callable[[Floats], Floats],
        beside: Beside,
        width: int | None = None,
    ) -> Score:
        """``value`` of ``n`` items with a percentile interval, where at least half of the replicates are defined.

        ``of_weights``: weights of groups (m, groups) → values (m,), NaN where undefined.
        """
        groups, how = self.groups, self.how
        known: dict[str, Any] = {"n": n, "clusters": groups.count, "effective_clusters": groups.effective}
        if groups.count < 2 or not how.replicates:
            why = (
                "no interval: all items are of one group"
                if groups.count < 2
                else "no interval: none was asked for"
            )
            return Score(
                name, Estimate(value, level=how.level, warnings=(why,), seed=how.seed, **known), *beside
            )
        blocks = cluster_draws(groups.count, how.replicates, how.seed, width)
        values = np.concatenate([of_weights(block) for block in blocks])
        return Score(name, from_replicates(value, values, how, **known), *beside, values)


def from_replicates(value: float, values: Floats, how: Resampling, **known: Any) -> Estimate:
    """The percentile interval of ``values`` (replicates,), NaN where undefined; ``known``: further fields of the estimate."""
    undefined = int((~np.isfinite(values)).sum())
    said = 0 < undefined <= MOST_UNDEFINED * len(values)
    note = f"undefined in {undefined} of {len(values)} resamples" if said else None
    return from_draws(value, values, how, over=OVER, note=note, **known)


def _empty(values: NDArray[np.generic]) -> str:
    return "no answer could be read" if len(values) else "no answers"


def most_frequent(answers: Sequence[str]) -> str:
    """The most frequent of ``answers``, the first by name among equals."""
    counts = Counter(answers)
    return min(counts, key=lambda answer: (-counts[answer], answer))


def majority_share(answered: Sequence[Answered]) -> float | None:
    """Accuracy of always giving the most frequent answer of the scored set."""
    answers = [a.item.answer for a in answered]
    return answers.count(most_frequent(answers)) / len(answers) if answers else None


def unread_and_cut(answered: Sequence[Answered]) -> tuple[float, float]:
    """The share of answers that could not be read, and of those that were cut off."""
    n = len(answered)
    return sum(a.parsed.value is None for a in answered) / n, sum(a.truncated for a in answered) / n


def accuracy(answered: Sequence[Answered], how: Resampling) -> Score:
    """Share of right answers, for items with options; what could not be read is wrong. Chance: one option at random."""
    chance = fsum(1 / max(1, len(a.item.options)) for a in answered) / len(answered) if answered else None
    beside = Beside(chance, majority_share(answered))
    return scorer_of(answered, how).share("accuracy", [bool(a.correct) for a in answered], beside)


def scorer_of(answered: Sequence[Answered], how: Resampling) -> Scorer:
    return Scorer.of([a.item.group for a in answered], how)
