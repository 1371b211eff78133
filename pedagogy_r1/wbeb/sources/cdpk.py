"""The Pedagogy Benchmark, CDPK and SEND, as its dataset card describes it (PK).

    question_id, question, answer_a … answer_g, correct_answer, category, pedagogical_subdomain, age_group, year

Parquet as it is downloaded, or CSV or JSONL made from it. The questions are the Chilean ones of source ``chile`` too: building
both together finds the overlap as a leak.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ...files.records import BadRow, Row, dump, read_rows
from ..item import Item
from ..loaded import Gathering, Loaded, need_columns
from ._choice import Question, choice_item, text

_KEPT = ("category", "pedagogical_subdomain", "age_group", "year", "secondary_category")


def source(files: list[Path]) -> Loaded:
    """PK items."""
    found = Gathering()
    for path in files:
        part = "send" if "send" in path.stem.lower() or "send" in path.parent.name.lower() else "cdpk"
        for nth, row in enumerate(read_rows(path)):
            if isinstance(row, BadRow):
                found.bad(path, row.line, row.why, row.raw)
                continue
            if nth == 0:
                need_columns(
                    path, set(row.data), ("question_id", "question", "answer_a", "answer_b", "correct_answer")
                )
            raw, item = dump(_plain(row.data)), _item(row, part)
            if isinstance(item, str):
                found.bad(path, row.line, item, raw)
            else:
                found.keep(path, row.line, item, raw=raw)
    return found.done()


def _item(row: Row, part: str) -> Item | str:
    number = text(row.data.get("question_id"))
    if not number:
        return "no question_id"
    cells = [text(row.data.get(f"answer_{letter}")) for letter in "abcdefg"]
    cells = ["" if cell == "nan" else cell for cell in cells]
    while cells and not cells[-1]:
        cells.pop()
    question = Question(f"{part}-{number}", row.data.get("question"), cells, row.data.get("correct_answer"))
    metadata = {field: row.data.get(field) for field in _KEPT}
    return choice_item(question, domain="PK", source="cdpk", lang="en", metadata=_plain(metadata))


def _plain(data: dict[str, Any]) -> dict[str, Any]:
    """Without what JSON cannot hold: Parquet may give dates, decimals and NaN."""
    return {
        name: value if isinstance(value, (str, int, bool, type(None))) else text(value).replace("nan", "")
        for name, value in data.items()
    }
