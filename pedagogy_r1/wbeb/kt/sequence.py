"""A student's steps in time, read from the four-line layout, and the repeats in it merged.

ASSISTments 2009 as the knowledge-tracing literature passes it on, four lines a student:

    1274,82295                                  the student, two ids
    1366,1366,1424,1424,1413,1413,2985          problems
    7,9,7,9,7,9,15                              skills
    1,1,0,0,1,1,0                               1 right, 0 wrong

Problem 1366 needs skills 7 and 9 and was answered once; the file repeats the row for each skill. Left so, whoever has seen the
first row knows the answer to the second. ``merge_repeats`` makes of the seven rows four steps, the first with skills (7, 9).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from ...errors import InputError
from ...files.records import BadRow, need_file

Skill = str | int


class Step(NamedTuple):
    """One problem answered. ``skills``: what it takes, at least one; ``correct``: 1 right, 0 wrong."""

    problem: str
    skills: tuple[Skill, ...]
    correct: int


class Sequence(NamedTuple):
    """One student's steps in the order of time."""

    student: str
    steps: tuple[Step, ...]


def read_four_line(path: str | Path) -> Iterator[Sequence | BadRow]:
    """Students of a four-line file, one skill a step, repeats as they stand (see `merge_repeats`).

    Four lines that do not fit together come as one ``BadRow`` at their first line. Raises `InputError` where there is no
    such file, or it is not text.
    """
    path = Path(path)
    need_file(path)
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path}: not UTF-8 (byte {error.start + 1})", "four lines of text a student"
        ) from None
    start = 0
    while start < len(lines):
        if not lines[start].strip():
            start += 1  # between students, and at the end
            continue
        yield _sequence(lines[start : start + 4], start + 1)
        start += 4


def _sequence(block: list[str], line: int) -> Sequence | BadRow:
    raw = "\n".join(block)
    if len(block) < 4:
        return BadRow(line, f"the file ends {4 - len(block)} lines short of a whole student", raw)
    student = block[0].strip()
    problems, skills, correct = (_cells(text) for text in block[1:])
    if not len(problems) == len(skills) == len(correct):
        counts = f"{len(problems)} problems, {len(skills)} skills, {len(correct)} answers"
        return BadRow(line, f"student {student}: {counts}", raw)
    wrong = next((cell for cell in correct if cell not in ("0", "1")), None)
    if wrong is not None:
        return BadRow(line, f"student {student}: an answer is 0 or 1, not {wrong!r}", raw)
    if not all(problems) or not all(skills):
        return BadRow(line, f"student {student}: an empty cell", raw)
    steps = zip(problems, skills, correct, strict=True)
    return Sequence(student, tuple(Step(p, (_skill(s),), int(c)) for p, s, c in steps))


def _cells(text: str) -> list[str]:
    """A trailing comma ends many such files' lines and is no cell."""
    cells = [cell.strip() for cell in text.split(",")]
    return cells[:-1] if cells[-1] == "" else cells


def _skill(cell: str) -> Skill:
    return int(cell) if cell.isascii() and cell.isdigit() else cell


def merge_repeats(steps: Iterable[Step]) -> tuple[Step, ...]:
    """One step for the rows that repeat it: next to each other, same problem, same correctness, a skill not met in it yet.

    A skill met again begins a new step: the student came back to the problem. Skills stand in ascending order, since the
    order in which the file repeats them means nothing.
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


def read_skill_names(path: str | Path) -> dict[int, str]:
    """Skill id → name, from ``skill.json``: ``{"Box and Whisker": 1, …}``."""
    path = Path(path)
    need_file(path)
    try:
        found = json.loads(path.read_text(encoding="utf-8-sig"))
        return {int(number): str(name).strip() for name, number in found.items()}
    except (ValueError, TypeError, AttributeError) as error:
        raise InputError(
            f"{path}: not an object of skill names and numbers ({error})", '{"Table": 7}'
        ) from None
