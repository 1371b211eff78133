"""ASSISTments 2009 in the four-line layout, with ``skill.json`` for the names (KT).

    1274,82295                                 pcode wbeb build assist2009 train.csv test.csv skill.json -o items.jsonl
    1366,1366,1424,1424,1413,1413,2985
    7,9,7,9,7,9,15
    1,1,0,0,1,1,0

A problem of several skills stands in the file once a skill, right behind itself and with the same answer. These are merged
into one step; ``keep_repeats`` leaves them, to show what that gives away.
"""

from __future__ import annotations

from pathlib import Path

from ...files.records import BadRow
from ..kt.sequence import read_four_line, read_skill_names
from ..loaded import Gathering, Loaded
from ._history import Windows, student_items


def source(
    files: list[Path],
    *,
    history: int = 50,
    least: int = 5,
    windows: int = 0,
    keep_repeats: bool = False,
    name: str = "assist2009",
) -> Loaded:
    """KT items of four-line files; a .json among ``files`` names the skills.

    ``history``: steps before the one foretold; ``least``: steps a student needs; ``windows``: items a student, 0 for all;
    ``name``: the source that items are said to come from (the layout serves other data sets too).
    """
    how = Windows(history, least, keep_repeats, windows)
    how.check()
    found, names = Gathering(), dict[int, str]()
    for path in (path for path in files if path.suffix.lower() == ".json"):
        names |= read_skill_names(path)
    if not names:
        found.notes.append("no skill.json given: skills are named by number")
    unnamed: set[int] = set()
    for path in (path for path in files if path.suffix.lower() != ".json"):
        for nth, sequence in enumerate(read_four_line(path)):
            line = 4 * nth + 1
            if isinstance(sequence, BadRow):
                found.bad(path, sequence.line, sequence.why, sequence.raw)
                continue
            student = sequence.student.rpartition(",")[2].strip() or sequence.student
            items = student_items(student, sequence.steps, how, names, name)
            if isinstance(items, str):
                found.leave(
                    path,
                    line,
                    items,
                    f"student {student}: {items} ({len(sequence.steps)} rows)",
                    sequence.student,
                )
                continue
            unnamed |= {
                s for step in sequence.steps for s in step.skills if isinstance(s, int) and s not in names
            }
            found.keep(path, line, *items, raw=sequence.student)
    if names and unnamed:
        found.notes.append(f"{len(unnamed)} skills have no name: {', '.join(map(str, sorted(unnamed)[:10]))}")
    return found.done()
