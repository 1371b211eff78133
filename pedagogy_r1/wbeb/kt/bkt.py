"""Bayesian knowledge tracing (Corbett & Anderson 1995): each skill is known or not, and once known stays known.

    P(known at first) = p₀      P(learned after a step) = t      P(right | not known) = g      P(wrong | known) = s

EM over all students and skills at once. First one set of parameters for all skills together, then each skill's own, drawn towards
it by as much evidence as ``PRIOR`` steps (with g and s at most one half): a skill with few steps, or none in training, has
the common ones. A step with several skills is evidence for each, and is foretold by the mean of theirs.
"""

from __future__ import annotations

from collections.abc import Sequence as Many
from typing import NamedTuple

import numpy as np

from .steps import Flat, Floats, Sequence, Vocabulary, Whole, flatten, vocabulary

PRIOR = 20.0
START = (0.4, 0.1, 0.2, 0.1)
CEILING = np.array([0.99, 0.99, 0.5, 0.5])[:, None]
FLOOR = 1e-3


class Threads(NamedTuple):
    """One student's steps on one skill, thread beside thread, the longest first.

    ``pair`` (longest, threads): index of the pair, -1 behind a thread's end; ``active``: how many reach each place.
    """

    pair: Whole
    skill: Whole
    active: Whole


class Bkt:
    """Four parameters a skill, (4, skills + 1): the last column is everybody's, and unknown skills'."""

    def __init__(self, *, iterations: int = 60, tolerance: float = 1e-5) -> None:
        self.iterations, self.tolerance = iterations, tolerance
        self.words = Vocabulary({}, {})
        self.parameters = np.array(START)[:, None]

    def fit(self, sequences: Many[Sequence], seed: int = 0) -> None:  # noqa: ARG002 - EM starts from fixed values
        self.words = vocabulary(sequences)
        flat = flatten(sequences, self.words)
        threads, y = thread(flat), flat.y[flat.pair_step]
        skills = len(self.words.skills)
        together = threads._replace(skill=np.zeros_like(threads.skill))
        common, _ = self._em(together, y, np.array(START)[:, None], np.zeros((4, 1)), 0.0)
        own, _ = self._em(threads, y, np.repeat(common, skills, axis=1), common, PRIOR)
        self.parameters = np.hstack([own, common])

    def predict(self, sequences: Many[Sequence]) -> list[Floats]:
        """One probability of right a step, from the student's earlier steps on its skills."""
        flat = flatten(sequences, self.words)
        threads, y = thread(flat), flat.y[flat.pair_step]
        right = np.empty(len(y))
        parameters = self.parameters[:, threads.skill]
        known, _, _ = _forward(threads, y, parameters)
        _, _, guess, slip = parameters
        for place, n in enumerate(threads.active):
            k = known[place, :n]
            right[threads.pair[place, :n]] = k * (1 - slip[:n]) + (1 - k) * guess[:n]
        return flat.cut(flat.mean_of_pairs(right))

    def _em(
        self, threads: Threads, y: Floats, start: Floats, towards: Floats, strength: float
    ) -> tuple[Floats, list[float]]:
        """Parameters (4, groups), and the mean log-likelihood of a step before each iteration."""
        found, trail = start.copy(), list[float]()
        for _ in range(self.iterations):
            hits, chances, value = _expect(threads, y, found)
            trail.append(value / max(1, len(y)))
            new = (hits + strength * towards) / np.maximum(chances + strength, 1e-9)
            # A group without a thread and without a prior keeps what it has.
            new = np.where(chances + strength > 0, np.clip(new, FLOOR, CEILING), found)
            change = np.abs(new - found).max() if new.size else 0.0
            found = new
            if change < self.tolerance:
                break
        return found, trail


def thread(flat: Flat) -> Threads:
    """Gather the pairs of each student and skill in time."""
    order, first = flat.by_skill()
    lengths = np.diff(np.append(first, len(order)))
    rank = np.argsort(-lengths, kind="stable")
    number = np.empty(len(rank), dtype=np.intp)
    number[rank] = np.arange(len(rank))
    place = np.arange(len(order)) - np.repeat(first, lengths)
    pair = np.full((int(lengths.max(initial=0)), len(rank)), -1, dtype=np.intp)
    pair[place, np.repeat(number, lengths)] = order
    return Threads(pair, flat.pair_skill[order][first][rank], (pair >= 0).sum(axis=1))


def _forward(threads: Threads, y: Floats, parameters: Floats) -> tuple[Floats, Floats, float]:
    """P(known) before and after each step, both (longest, threads), and the log-likelihood. ``parameters`` (4, threads)."""
    first, learn, guess, slip = parameters
    before, after = np.zeros(threads.pair.shape), np.zeros(threads.pair.shape)
    known, value = first, 0.0
    for place, n in enumerate(threads.active):
        k, g, s = known[:n], guess[:n], slip[:n]
        right = y[threads.pair[place, :n]] == 1
        if_known, if_not = k * np.where(right, 1 - s, s), (1 - k) * np.where(right, g, 1 - g)
        seen = if_known + if_not
        before[place, :n], after[place, :n] = k, if_known / seen
        value += float(np.log(seen).sum())
        known = after[place, :n] + (1 - after[place, :n]) * learn[:n]
    return before, after, value


def _expect(threads: Threads, y: Floats, parameters: Floats) -> tuple[Floats, Floats, float]:
    """Expected hits and chances of each parameter, both (4, groups), and the log-likelihood."""
    groups = parameters.shape[1]
    mine = parameters[:, threads.skill]
    before, after, value = _forward(threads, y, mine)
    hits, chances = np.zeros((4, len(threads.skill))), np.zeros((4, len(threads.skill)))
    smooth = np.zeros(len(threads.skill))
    for place in range(len(threads.active) - 1, -1, -1):
        n = threads.active[place]
        onward = threads.active[place + 1] if place + 1 < len(threads.active) else 0
        now = after[place, :n].copy()
        if onward:
            # Known stays known: P(known now | all) = P(known next | all) · P(known now | so far) / P(known next | so far).
            ratio = smooth[:onward] / before[place + 1, :onward]
            hits[1, :onward] += (1 - after[place, :onward]) * mine[1, :onward] * ratio
            now[:onward] = after[place, :onward] * ratio
            chances[1, :onward] += 1 - now[:onward]
        right = y[threads.pair[place, :n]]
        hits[2, :n] += (1 - now) * right
        chances[2, :n] += 1 - now
        hits[3, :n] += now * (1 - right)
        chances[3, :n] += now
        smooth[:n] = now
    hits[0], chances[0] = smooth, 1.0
    return _per_group(hits, threads.skill, groups), _per_group(chances, threads.skill, groups), value


def _per_group(values: Floats, group: Whole, groups: int) -> Floats:
    return np.stack([np.bincount(group, row, groups) for row in values])
