"""Sequences as pyKT prepares them: ``data.txt`` before, ``train_valid_sequences.csv`` and its like after its split (KT).

    50121,4                        student, length        fold,uid,questions,concepts,responses,timestamps,usetimes,
    106101,106102,106103,106104    questions, or NA       selectmasks,is_repeat
    7014,7012_7015,7014,7013       concepts, _ between    -1,1643,"1021,1021,853,-1","62,62,52,-1","0,0,1,-1",…
    0,1,1,1                        0 or 1
    1647409594000,…                time, or NA            one row for each 200 steps, filled up with -1; a question of
    123,234,456,789                time needed, or NA     several concepts stands once a concept, is_repeat 1 behind the first

Rows of one student are put together again in the file's order. Names in ``data.txt`` write ``_`` as ``####`` and ``,`` as
``@@@@``. The numbers in the CSV files are pyKT's own; ``keyid2idx.json`` beside them leads back to the names.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from ...errors import InputError
from ...files.json_text import parse_json
from ...files.records import BadRow, dump, need_file
from ..kt.steps import Sequence, Step, Windows, apart, keep_student, misfit, student_blocks
from ..source_result import Gathering, SourceResult

_PAD = "-1"


def source(
    files: list[Path],
    *,
    history: int = 50,
    least: int = 5,
    windows: int = 0,
    keep_repeats: bool = False,
    name: str = "pykt",
) -> SourceResult:
    """KT items of ``data.txt`` (.txt) and sequence tables (.csv); ``keyid2idx.json`` among ``files`` gives the names.

    Options as for ``assist2009``. ``name``: the data set, which the items then say they come from.
    """
    how = Windows(history, least, keep_repeats, windows)
    found, names = Gathering(), dict[str, str]()
    tables, named = apart(files)
    for path in named:
        names |= _concept_names(path)
    for path in tables:
        if path.suffix.lower() == ".csv":
            students = _tables(path, names, found)
        else:
            students = student_blocks(path, "six lines of text a student", 6, _six_lines)
        for line, sequence in students:
            keep_student(found, path, line, sequence, how, name, {})
    return found.done()


def _concept_names(path: Path) -> dict[str, str]:
    """pyKT's number of a concept → its name, from ``{"concepts": {name: number}, "questions": …}``."""
    need_file(path)
    try:
        concepts = parse_json(path.read_bytes())["concepts"]
        return {str(int(number)): _named(str(name)) for name, number in concepts.items()}
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise InputError(
            f"{path}: no concepts with their numbers ({type(error).__name__}: {error})",
            '{"concepts": {"Table": 7}}, as pyKT writes keyid2idx.json',
        ) from None


def _named(name: str) -> str:
    return name.replace("####", "_").replace("@@@@", ",")


def _six_lines(block: list[str], line: int) -> Sequence | BadRow:
    raw = "\n".join(block)
    student, _, length = block[0].partition(",")
    if not student.strip():
        return BadRow(line, "no student id", raw)
    problems, concepts, correct = map(_cells, block[1:4])
    steps = _line_steps(problems, concepts, correct, length.strip())
    if isinstance(steps, str):
        return BadRow(line, f"student {student}: {steps}", raw)
    return Sequence(student.strip(), tuple(steps))


def _line_steps(
    problems: list[str], concepts: list[str], correct: list[str], length: str
) -> list[Step] | str:
    problems = problems or [f"step {nth + 1}" for nth in range(len(correct))]
    if not concepts:
        return "no concepts (NA)"
    if why := misfit({"questions": problems, "concepts": concepts, "answers": correct}):
        return why
    if length not in ("", str(len(correct))):
        return f"says {length} steps and has {len(correct)}"
    steps = [
        Step(_named(problem), tuple(_named(part) for part in concept.split("_") if part), int(answer))
        for problem, concept, answer in zip(problems, concepts, correct, strict=True)
    ]
    return steps if all(step.skills for step in steps) else "a step without a concept"


def _cells(text: str) -> list[str]:
    cells = [cell.strip() for cell in text.split(",")]
    return [] if cells in (["NA"], [""]) else cells


def _tables(path: Path, names: dict[str, str], found: Gathering) -> Iterator[tuple[int, Sequence | BadRow]]:
    """Whole students, each at the line of its first row. A bad row takes its student along: a gap in time is no history."""
    first: dict[str, int] = {}
    steps: dict[str, list[Step]] = defaultdict(list)
    spoilt: dict[str, BadRow] = {}
    csv.field_size_limit(2**31 - 1)
    for row in found.rows(path, ("uid", "concepts", "responses")):
        cells = {key: value or "" for key, value in row.data.items()}
        student = cells["uid"].strip()
        if not student:
            found.bad(path, row.line, "no uid", dump(row.data))
            continue
        first.setdefault(student, row.line)
        more = _row_steps(cells, names, len(steps[student]))
        if isinstance(more, str):
            spoilt.setdefault(student, BadRow(row.line, f"student {student}: {more}", dump(row.data)))
        else:
            steps[student] += more
    for student, line in first.items():
        yield line, spoilt.get(student) or Sequence(student, tuple(steps[student]))


def _unequal(columns: dict[str, list[str]], count: int) -> str | None:
    """Why a row's lists do not go together; all but the concepts may be left out."""
    for column, values in columns.items():
        if len(values) != count and (values or column == "concepts"):
            return f"{len(values)} {column}, {count} responses"
    return None


def _row_steps(cells: dict[str, str], names: dict[str, str], before: int) -> list[Step] | str:
    concepts, correct = _cells(cells["concepts"]), _cells(cells["responses"])
    problems, repeats = _cells(cells.get("questions", "")), _cells(cells.get("is_repeat", ""))
    if why := _unequal({"concepts": concepts, "questions": problems, "is_repeat": repeats}, len(correct)):
        return why
    steps: list[Step] = []
    for nth, (concept, answer) in enumerate(zip(concepts, correct, strict=True)):
        if answer == _PAD:
            continue
        if answer not in ("0", "1"):
            return f"a response is 0 or 1, not {answer!r}"
        if concept in ("", _PAD):
            return "a step without a concept"
        problem = problems[nth] if problems else f"step {before + nth + 1}"
        if steps and not problems and repeats[nth : nth + 1] == ["1"]:
            problem = steps[-1].problem
        steps.append(Step(problem, (names.get(concept, f"skill {concept}"),), int(answer)))
    return steps
