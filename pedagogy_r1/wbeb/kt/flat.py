"""Sequences laid out flat: one row a step, one pair for every skill of a step.

students   A: (7, 9) right, (7) wrong   B: (9) right

step        0     1     2            pair    0  1  2  3
student     0     0     1            step    0  0  1  2
place       0     1     0            skill   0  1  0  1      index into the vocabulary, -1: not met in training
y           1     0     1
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Sequence as Many
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .sequence import Sequence, Skill

Floats = NDArray[np.float64]
Whole = NDArray[np.intp]


class Vocabulary(NamedTuple):
    """Problems and skills of the training sequences, in order of first appearance."""

    problems: dict[str, int]
    skills: dict[Skill, int]


def vocabulary(sequences: Iterable[Sequence]) -> Vocabulary:
    """Number what occurs."""
    found = Vocabulary({}, {})
    for sequence in sequences:
        for step in sequence.steps:
            found.problems.setdefault(step.problem, len(found.problems))
            for skill in step.skills:
                found.skills.setdefault(skill, len(found.skills))
    return found


@dataclass(frozen=True)
class Flat:
    """``n`` steps of all sequences one after another, and their ``m`` skills. ``starts`` has one entry a sequence, and ``n``."""

    y: Floats
    student: Whole
    place: Whole
    problem: Whole
    pair_step: Whole
    pair_skill: Whole
    starts: Whole

    def cut(self, values: Floats) -> list[Floats]:
        """Values of steps (n,), as one array a sequence."""
        return np.split(values, self.starts[1:-1]) if len(self.starts) > 1 else []

    def by_place(self) -> list[Whole]:
        """The steps at each place of their sequence: all students side by side, in time."""
        order = np.argsort(self.place, kind="stable")
        return np.split(order, np.cumsum(np.bincount(self.place))[:-1])

    def mean_of_pairs(self, values: Floats) -> Floats:
        """Mean over the skills of each step of values of pairs (m,): shape (n,)."""
        total = np.bincount(self.pair_step, values, len(self.y))
        return total / np.bincount(self.pair_step, minlength=len(self.y))


def flatten(sequences: Many[Sequence], words: Vocabulary) -> Flat:
    """Lay sequences out; every step has at least one skill."""
    steps = [step for sequence in sequences for step in sequence.steps]
    lengths = np.array([len(sequence.steps) for sequence in sequences], dtype=np.intp)
    starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.intp)
    counts = np.array([len(step.skills) for step in steps], dtype=np.intp)
    return Flat(
        y=np.array([step.correct for step in steps], dtype=np.float64),
        student=np.repeat(np.arange(len(lengths)), lengths),
        place=np.arange(len(steps)) - np.repeat(starts[:-1], lengths),
        problem=np.array([words.problems.get(step.problem, -1) for step in steps], dtype=np.intp),
        pair_step=np.repeat(np.arange(len(steps)), counts),
        pair_skill=np.array(
            [words.skills.get(skill, -1) for step in steps for skill in step.skills], dtype=np.intp
        ),
        starts=starts,
    )
