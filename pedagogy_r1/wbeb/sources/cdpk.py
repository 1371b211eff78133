"""The Pedagogy Benchmark, CDPK and SEND, as its dataset card describes it (PK).

    question_id, question, answer_a … answer_g, correct_answer, category, pedagogical_subdomain, age_group, year

Parquet as it is downloaded, or CSV or JSONL made from it. The questions are the Chilean ones of source ``chile`` too: building
both together finds the overlap as a leak.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ...files.records import Row, dump
from ..item import Item
from ..source_result import Gathering, SourceResult, choice_item, text

_NEEDED = ("question_id", "question", "answer_a", "answer_b", "correct_answer")
_KEPT = ("category", "pedagogical_subdomain", "age_group", "year", "secondary_category")


def source(files: list[Path]) -> SourceResult:
    """PK items."""
    found = Gathering()
    for path in files:
        part = "send" if "send" in path.stem.lower() or "send" in path.parent.name.lower() else "cdpk"
        for row in found.rows(path, _NEEDED):
            found.take(path, row.line, _item(row, part), dump(_plain(row.data)))
    return found.done()


def _item(row: Row, part: str) -> Item | str:
    number = text(row.data.get("question_id"))
    if not number:
        return "no question_id"
    cells = [text(row.data.get(f"answer_{letter}")) for letter in "abcdefg"]
    cells = ["" if cell == "nan" else cell for cell in cells]
    while cells and not cells[-1]:
        cells.pop()
    question = (f"{part}-{number}", row.data.get("question"), cells, row.data.get("correct_answer"))
    metadata = _plain({field: row.data.get(field) for field in _KEPT})
    return choice_item(*question, domain="PK", source="cdpk", lang="en", metadata=metadata)


def _plain(data: dict[str, Any]) -> dict[str, Any]:
    """Without what JSON cannot hold: Parquet may give dates, decimals and NaN."""
    return {
        name: value if isinstance(value, (str, int, bool, type(None))) else text(value).replace("nan", "")
        for name, value in data.items()
    }
