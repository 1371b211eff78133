"""Teachers' sentences of mathematics lessons with their talk move (DM, task ``move``).

    text_a                    text_b                          labels
    (student's sentence)      (teacher's sentence)
    Seven                     Seven                           3.0        restating
                              Why                             6.0        pressing for reasoning

The file has lost its lessons' names and its punctuation. Its order is the lessons', so blocks of ``block`` rows stand for
lessons as groups. The same sentence behind the same student's comes again and again ("Okay", 1 in 9 rows): one item is made
of all of them, with the most frequent move for an answer (the first met, of equals) and the counts in ``metadata``;
``repeats`` keeps every row.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import NamedTuple

from ...errors import ArgumentError
from ...files.records import dump
from ..item import Item
from ..source_result import Gathering, SourceResult, text, whole

MOVES = ("none", "together", "relating", "restating", "revoicing", "accuracy", "reasoning")
"""In the file's numbers: 0 none, 1 keeping everyone together, 2 getting students to relate to another's ideas, 3 restating,
4 revoicing, 5 pressing for accuracy, 6 pressing for reasoning (TalkMoves coding manual)."""


class _Said(NamedTuple):
    """One row."""

    path: Path
    line: int
    student: str
    teacher: str
    move: str


def source(
    files: list[Path], *, block: int = 370, repeats: bool = False, need_student: bool = False
) -> SourceResult:
    """DM items of task ``move``. ``block``: rows a group; ``need_student``: only sentences with a student's before them."""
    if block < 1:
        raise ArgumentError(f"block={block}", "rows a group, at least 1")
    found = Gathering()
    rows = [said for path in files for said in _rows(path, found, need_student)]
    moves: dict[tuple[str, str], Counter[str]] = {}
    for said in rows:
        moves.setdefault((said.student, said.teacher), Counter())[said.move] += 1
    met: dict[tuple[str, str], _Said] = {}
    for said in rows:
        exchange = (said.student, said.teacher)
        first = met.setdefault(exchange, said)
        if repeats:
            found.keep(said.path, said.line, _item(said, block, said.move, Counter()))
        elif first is said:
            counts = moves[exchange]
            found.keep(said.path, said.line, _item(said, block, counts.most_common(1)[0][0], counts))
        else:
            raw = dump([said.student, said.teacher, said.move])
            why = f"the same as {first.path.name}:{first.line}"
            found.leave(said.path, said.line, "the same two sentences again", why, raw)
    split = sum(len(counts) > 1 for counts in moves.values())
    if split:
        found.notes.append(f"{split} repeated exchanges were given different moves")
    found.notes.append(f"lessons are not named: groups are blocks of {block} rows")
    return found.done()


def _rows(path: Path, found: Gathering, need_student: bool) -> list[_Said]:
    kept: list[_Said] = []
    for row in found.rows(path, ("text_a", "text_b", "labels")):
        raw = dump(row.data)
        student, teacher = text(row.data.get("text_a")), text(row.data.get("text_b"))
        number = whole(text(row.data.get("labels")))
        if not teacher:
            found.leave(path, row.line, "the teacher's sentence is empty", raw=raw)
        elif number is None or not 0 <= number < len(MOVES):
            found.bad(path, row.line, f"label {row.data.get('labels')!r} is not in 0–{len(MOVES) - 1}", raw)
        elif need_student and not student:
            found.leave(path, row.line, "no student's sentence before it", raw=raw)
        else:
            kept.append(_Said(path, row.line, student, teacher, MOVES[number]))
    return kept


def _item(said: _Said, block: int, move: str, counts: Counter[str]) -> Item:
    stem = said.path.stem
    return Item(
        id=f"{stem}-{said.line}",
        domain="DM",
        source="talkmoves",
        task="move",
        parts={"student": said.student, "teacher": said.teacher},
        options=MOVES,
        answer=move,
        group=f"{stem}-block-{(said.line - 2) // block + 1}",
        metadata={"met": dict(counts)} if sum(counts.values()) > 1 else {},
    )
