"""The NCTE transcripts as they are handed out (DM, task ``uptake``): ``paired_annotations.csv``, with
``single_utterances.csv`` for what was said before.

    exchange_idx  student_text   teacher_text   student_on_task  teacher_on_task  high_uptake  focusing_question
    2024_119      …              …              1                1                0            1

    OBSID  comb_idx  turn_idx  speaker  text                           (in single_utterances.csv)

``high_uptake`` and ``focusing_question`` are what most raters said, 0 or 1; ``task=focusing`` takes the second. The group is
the transcript. ``transcript_issues.txt``, if it is given, lists transcripts with confused speakers; they are left out.
"""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

from ...errors import ArgumentError, InputError
from ...files.records import BadRow, dump, need_file, read_rows
from ..item import Item
from ..source_result import Gathering, LeftOut, SourceResult, decode, texts, whole

_TASKS = {
    "uptake": ("high_uptake", ("low", "high")),
    "focusing": ("focusing_question", ("other", "focusing")),
}
Turns = dict[str, list[tuple[int, str, str]]]


def source(files: list[Path], *, task: str = "uptake", before: int = 4) -> SourceResult:
    """DM items. ``task``: uptake or focusing; ``before``: turns before the exchange, kept in ``metadata``."""
    if task not in _TASKS or before < 0:
        raise ArgumentError(f"task={task}, before={before}", "task: uptake or focusing; before: 0 or more")
    found, turns = Gathering(), Turns()
    lists = [path for path in files if path.suffix.lower() == ".txt"]
    refused, tables = _refused(lists), [path for path in files if path not in lists]
    paired = [path for path in tables if not _utterances(path, turns)]
    if not paired:
        raise InputError(
            f"{', '.join(map(str, files))}: nothing with exchange_idx in it",
            "give paired_annotations.csv: it holds the ratings",
        )
    for path in paired:
        for row in found.rows(path, ("exchange_idx", "student_text", "teacher_text", _TASKS[task][0])):
            cells = texts(row.data)
            found.take(path, row.line, _item(cells, task, refused, turns, before), dump(cells))
    return found.done()


def _refused(lists: list[Path]) -> set[str]:
    """Transcripts whose use was not permitted: the numbers in files of text."""
    found = set[str]()
    for path in lists:
        need_file(path)
        found |= set(re.findall(r"\d+", decode(path.read_bytes())[0]))
    return found


def _utterances(path: Path, turns: Turns) -> bool:
    """Whether ``path`` is the table of utterances; if so it is read. One that cannot be placed gives no context."""
    here: defaultdict[str, list[tuple[int, str, str]]] = defaultdict(list)
    for nth, row in enumerate(read_rows(path)):
        if isinstance(row, BadRow):
            continue
        if nth == 0 and not {"OBSID", "speaker", "text"} <= set(row.data):
            return False
        cells = texts(row.data)
        turn = whole(cells.get("turn_idx") or cells.get("comb_idx", "").rpartition("_")[2])
        if turn is not None:
            here[_number(cells["OBSID"])].append((turn, cells["speaker"], cells["text"]))
    for transcript, said in here.items():
        turns[transcript] = sorted(said)
    return bool(here)


def _item(
    cells: dict[str, str], task: str, refused: set[str], turns: Turns, before: int
) -> Item | LeftOut | str:
    column, levels = _TASKS[task]
    transcript, _, turn = cells["exchange_idx"].rpartition("_")
    if not transcript:
        return f"exchange_idx {cells['exchange_idx']!r} is no transcript_turn"
    for name in ("student_text", "teacher_text"):
        if not cells[name]:
            return f"{name} is empty"
    if not cells[column]:
        return LeftOut(f"{column} was not rated")
    rated = whole(cells[column])
    if rated not in (0, 1):
        return f"{column} {cells[column]!r} is not 0 or 1"
    if transcript in refused:
        return LeftOut("a transcript with confused speakers")
    return Item(
        id=f"ncte-{cells['exchange_idx']}-{task}",
        domain="DM",
        source="ncte",
        task=task,
        parts={"student": cells["student_text"], "teacher": cells["teacher_text"]},
        options=levels,
        answer=levels[rated],
        group=f"ncte-{transcript}",
        metadata=_context(turns.get(transcript, []), whole(turn), before),
    )


def _context(
    said: list[tuple[int, str, str]], turn: int | None, before: int
) -> dict[str, list[dict[str, str]]]:
    """The turns right before the exchange."""
    if turn is None or not before:
        return {}
    earlier = [{"speaker": who, "text": what} for number, who, what in said if number < turn][-before:]
    return {"before": earlier} if earlier else {}


def _number(cell: str) -> str:
    number = whole(cell)
    return str(number) if number is not None else cell
