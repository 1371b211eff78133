"""Students' steps in time, and the same laid out flat for the models: one row a step, one pair for every skill of a step.

students   A: (7, 9) right, (7) wrong   B: (9) right

step        0     1     2            pair    0  1  2  3
student     0     0     1            step    0  0  1  2
place       0     1     0            skill   0  1  0  1      index into the vocabulary, -1: not met in training
y           1     0     1
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from collections.abc import Sequence as Many
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...errors import ArgumentError, InputError
from ...files.records import BadRow, need_file
from ..item import Item
from ..source_result import Gathering

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
        if merged and _repeats(step, merged[-1]):
            merged[-1] = merged[-1]._replace(skills=merged[-1].skills + step.skills)
        else:
            merged.append(step)
    # Numbers before names: what is of two kinds cannot be compared.
    return tuple(
        step._replace(skills=tuple(sorted(step.skills, key=lambda skill: (isinstance(skill, str), skill))))
        for step in merged
    )


def _repeats(step: Step, last: Step) -> bool:
    alike = (last.problem, last.correct) == (step.problem, step.correct)
    return alike and set(last.skills).isdisjoint(step.skills)


def apart(files: Many[Path]) -> tuple[list[Path], list[Path]]:
    """Files of steps, and the JSON files that name what stands in them."""
    named = [path for path in files if path.suffix.lower() == ".json"]
    return [path for path in files if path not in named], named


def student_blocks(
    path: Path, layout: str, size: int, read: Callable[[list[str], int], Sequence | BadRow]
) -> Iterator[tuple[int, Sequence | BadRow]]:
    """The first line and the student of every block of ``size`` lines, as ``read`` (lines, first line) makes them of it.

    Blank lines between students are passed over. Raises `InputError` where there is no such file, or it is not text;
    ``layout`` is the hint.
    """
    need_file(path)
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 (byte {error.start + 1})", layout) from None
    start = 0
    while start < len(lines):
        block, line = lines[start : start + size], start + 1
        if not block[0].strip():
            start += 1
            continue
        if len(block) < size:
            why = f"the file ends {size - len(block)} lines short of a whole student"
            yield line, BadRow(line, why, "\n".join(block))
        else:
            yield line, read(block, line)
        start += size


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


@dataclass(frozen=True)
class Windows:
    """How students' sequences become items: the last step of a window is foretold from those before it.

    With 50 steps of ``history`` (at most so many before the one foretold) a student of 120 steps gives three items: steps 1–51
    foretell 51, 52–102 foretell 102, 103–120 foretell 120. Windows do not overlap, except that a last one shorter than ``least``
    borrows from the one before it. ``least``: steps a student must have. All belong to the group of their student, so that no
    step of a student in test was trained on.
    """

    history: int = 50
    least: int = 5
    keep_repeats: bool = False
    most: int = 0
    """Windows a student, the latest ones; 0: all."""

    def __post_init__(self) -> None:
        if self.history < 1 or self.least < 2 or self.most < 0:
            raise ArgumentError(
                f"history {self.history}, least {self.least}, windows {self.most}",
                "history is at least 1, least at least 2, windows 0 (all) or more",
            )


def keep_student(
    found: Gathering,
    path: Path,
    line: int,
    sequence: Sequence | BadRow,
    how: Windows,
    source: str,
    names: Mapping[int, str],
) -> Many[Step]:
    """Keep one student's items; ids are joined by commas, and the last one is the student's name.

    The steps they are of: none of a bad row, or where there are too few.
    """
    if isinstance(sequence, BadRow):
        found.bad(path, sequence.line, sequence.why, sequence.raw)
        return ()
    student, rows = sequence.student.rpartition(",")[2].strip(), len(sequence.steps)
    steps = sequence.steps if how.keep_repeats else merge_repeats(sequence.steps)
    if len(steps) < how.least:
        kind = f"fewer than {how.least} steps"
        found.leave(path, line, kind, f"student {student}: {kind} ({rows} rows)", sequence.student)
        return ()
    repeats = "kept" if how.keep_repeats else "merged"
    about = {"student": student, "of_steps": len(steps), "rows": rows, "repeats": repeats}
    items = [
        Item(
            id=f"{source}-{student}-{start + 1}",
            domain="KT",
            source=source,
            answer="right" if window[-1].correct else "wrong",
            group=f"{source}-{student}",
            metadata={"steps": [_plain(step, names) for step in window], "first": start + 1, **about},
        )
        for start, window in list(_windows(steps, how))[-how.most :]
    ]
    found.keep(path, line, *items, raw=sequence.student)
    return steps


def _windows(steps: Many[Step], how: Windows) -> Iterator[tuple[int, Many[Step]]]:
    """A last window shorter than ``least`` takes its missing steps of history from the one before it."""
    length = how.history + 1
    for start in range(0, len(steps), length):
        window = steps[start : start + length]
        if len(window) < how.least:
            start = max(0, len(steps) - min(how.least, length))
            window = steps[start:]
        yield start, window


def _plain(step: Step, names: Mapping[int, str]) -> dict[str, Any]:
    return {
        "problem": step.problem,
        "skills": [names.get(s, f"skill {s}") if isinstance(s, int) else s for s in step.skills],
        "correct": step.correct,
    }


def asked(items: Iterable[Item]) -> list[Sequence]:
    """One sequence an item: what a language model is shown, and last the step to be foretold."""
    return [Sequence(item.group, _steps(item)) for item in items]


def students(items: Iterable[Item]) -> list[Sequence]:
    """The students' sequences, each step once; where windows between are missing, what lies behind is a sequence of its own.

    Items that do not say where they begin (``metadata["first"]``) stand alone.
    """
    windows: dict[str, dict[int, Step]] = {}
    alone: list[Sequence] = []
    for item in items:
        first = item.metadata.get("first")
        steps = _steps(item)
        if not isinstance(first, int):
            alone.append(Sequence(item.group, steps))
            continue
        at = windows.setdefault(item.group, {})
        for place, step in enumerate(steps, first):
            if at.setdefault(place, step) != step:
                raise InputError(
                    f"item {item.id}: step {place} of {item.group} is not what another item of it says",
                    "items of one student come from one build",
                )
    return [Sequence(who, run) for who, at in windows.items() for run in _runs(at)] + alone


def _runs(at: dict[int, Step]) -> list[tuple[Step, ...]]:
    runs: dict[int, list[Step]] = {}
    for nth, place in enumerate(sorted(at)):
        runs.setdefault(place - nth, []).append(at[place])
    return [tuple(run) for run in runs.values()]


def _steps(item: Item) -> tuple[Step, ...]:
    given = item.metadata.get("steps")
    if item.domain != "KT" or not isinstance(given, Many) or isinstance(given, str) or not given:
        raise InputError(f"item {item.id}: no steps in its metadata", "KT items come from: pcode wbeb build")
    return tuple(_step(step, item) for step in given)


def _step(given: Any, item: Item) -> Step:
    try:
        step = Step(str(given["problem"]), tuple(given["skills"]), int(given["correct"]))
        if step.correct not in (0, 1) or not step.skills:
            raise ValueError
        hash(step.skills)
    except (KeyError, TypeError, ValueError):
        raise InputError(
            f"item {item.id}: a step is not {{problem, skills, correct}}: {str(given)[:80]}",
            "KT items come from: pcode wbeb build",
        ) from None
    return step
