"""ASSISTments 2009 in the four-line layout, with ``skill.json`` for the names (KT).

    1274,82295                                  the student, two ids
    1366,1366,1424,1424,1413,1413,2985          problems
    7,9,7,9,7,9,15                              skills
    1,1,0,0,1,1,0                               1 right, 0 wrong

    pcode wbeb build assist2009 train.csv test.csv skill.json -o items.jsonl

A problem of several skills stands in the file once a skill, right behind itself and with the same answer. These are merged
into one step (of the seven rows, four steps, the first with skills 7 and 9); ``keep_repeats`` leaves them, to show what that
gives away.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ...errors import InputError
from ...files.json_text import parse_json
from ...files.records import BadRow, need_file
from ..kt.steps import Sequence, Skill, Step, Windows, apart, keep_student, misfit, student_blocks
from ..source_result import Gathering, SourceResult


def source(
    files: list[Path],
    *,
    history: int = 50,
    least: int = 5,
    windows: int = 0,
    keep_repeats: bool = False,
    name: str = "assist2009",
) -> SourceResult:
    """KT items of four-line files; a .json among ``files`` names the skills.

    ``history``: steps before the one foretold; ``least``: steps a student needs; ``windows``: items a student, 0 for all;
    ``name``: the source that items are said to come from (the layout serves other data sets too).
    """
    how = Windows(history, least, keep_repeats, windows)
    found, names, unnamed = Gathering(), dict[int, str](), set[int]()
    tables, named = apart(files)
    for path in named:
        names |= read_skill_names(path)
    if not names:
        found.notes.append("no skill.json given: skills are named by number")
    for path in tables:
        for line, sequence in read_four_line(path):
            steps = keep_student(found, path, line, sequence, how, name, names)
            skills = {skill for step in steps for skill in step.skills if isinstance(skill, int)}
            unnamed |= skills - names.keys()
    if names and unnamed:
        found.notes.append(f"{len(unnamed)} skills have no name: {', '.join(map(str, sorted(unnamed)[:10]))}")
    return found.done()


def read_four_line(path: str | Path) -> Iterator[tuple[int, Sequence | BadRow]]:
    """Students of a four-line file and the first line of each, one skill a step, repeats as they stand (see `merge_repeats`).

    Four lines that do not fit together come as one ``BadRow``. Raises `InputError` where there is no such file, or it is not
    text.
    """
    return student_blocks(Path(path), "four lines of text a student", 4, _sequence)


def _sequence(block: list[str], line: int) -> Sequence | BadRow:
    student = block[0].strip()
    problems, skills, correct = (_cells(text) for text in block[1:])
    why = misfit({"problems": problems, "skills": skills, "answers": correct})
    if why:
        return BadRow(line, f"student {student}: {why}", "\n".join(block))
    steps = zip(problems, skills, correct, strict=True)
    return Sequence(student, tuple(Step(p, (_skill(s),), int(c)) for p, s, c in steps))


def _cells(text: str) -> list[str]:
    """A trailing comma ends many such files' lines and is no cell."""
    cells = [cell.strip() for cell in text.split(",")]
    return cells[:-1] if cells[-1] == "" else cells


def _skill(cell: str) -> Skill:
    return int(cell) if cell.isascii() and cell.isdigit() else cell


def read_skill_names(path: str | Path) -> dict[int, str]:
    """Skill id → name, from ``skill.json``: ``{"Box and Whisker": 1, …}``."""
    path = Path(path)
    need_file(path)
    try:
        found = parse_json(path.read_bytes())
        return {int(number): str(name).strip() for name, number in found.items()}
    except (ValueError, TypeError, AttributeError) as error:
        raise InputError(
            f"{path}: not an object of skill names and numbers ({error})", '{"Table": 7}'
        ) from None
