"""Students' steps in time, and the same laid out flat for the models: one row a step, one pair for every skill of a step.

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
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError
from ...files.records import need_file

Skill = str | int
Floats = NDArray[np.float64]
Whole = NDArray[np.intp]


class Step(NamedTuple):
    """One problem answered. ``skills``: what it takes, at least one; ``correct``: 1 right, 0 wrong."""

    problem: str
    skills: tuple[Skill, ...]
    correct: int


class Sequence(NamedTuple):
    """One student's steps in the order of time."""

    student: str
    steps: tuple[Step, ...]


def merge_repeats(steps: Iterable[Step]) -> tuple[Step, ...]:
    """One step for the rows that repeat it: next to each other, same problem, same correctness, a skill not met in it yet.

    Files of the ASSISTments kind repeat a problem's row for each of its skills. Left so, whoever has seen the first row knows
    the answer to the second. A skill met again begins a new step: the student came back to the problem. Skills stand in
    ascending order, since the order in which the file repeats them means nothing.
    """
    merged: list[Step] = []
    for step in steps:
        last = merged[-1] if merged else None
        if (
            last is not None
            and (last.problem, last.correct) == (step.problem, step.correct)
            and not set(last.skills) & set(step.skills)
        ):
            merged[-1] = last._replace(skills=last.skills + step.skills)
        else:
            merged.append(step)
    return tuple(
        s._replace(skills=tuple(sorted(s.skills, key=_order))) if len(s.skills) > 1 else s for s in merged
    )


def _order(skill: Skill) -> tuple[bool, int, str]:
    return (True, 0, skill) if isinstance(skill, str) else (False, skill, "")


def text_lines(path: Path, layout: str) -> list[str]:
    """Lines of a file. Raises `InputError` where there is no such file, or it is not text; ``layout`` is the hint."""
    need_file(path)
    try:
        return path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 (byte {error.start + 1})", layout) from None


def misfit(columns: dict[str, list[str]]) -> str | None:
    """Why the columns of a student's steps, answers last, do not go together; cells are not empty, answers 0 or 1."""
    *about, answers = columns.values()
    if any(len(cells) != len(answers) for cells in about):
        return ", ".join(f"{len(cells)} {name}" for name, cells in columns.items())
    wrong = next((cell for cell in answers if cell not in ("0", "1")), None)
    if wrong is not None:
        return f"an answer is 0 or 1, not {wrong!r}"
    return None if all(all(cells) for cells in about) else "an empty cell"


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

    def by_skill(self) -> tuple[Whole, Whole]:
        """The pairs of each student and skill together, in time: their order (m,), and in it where each run begins."""
        student = self.student[self.pair_step]
        order = np.lexsort((self.pair_step, self.pair_skill, student))
        key = np.stack([student[order], self.pair_skill[order]])
        return order, np.flatnonzero(np.append(True, (key[:, 1:] != key[:, :-1]).any(axis=0))[: len(order)])

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
