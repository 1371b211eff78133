"""Exchanges of NCTE mathematics lessons, rated for uptake (DM, task ``uptake``).

    obs_id  exchange_idx  student_text                         teacher_text      uptake  uptake_num_agree  uptake_majority
    4       296           I'm having trouble with these two.   To solve them?    0.666…  2                 1.0

Three raters say how much the teacher takes up what the student said: 0 low, 1 mid, 2 high. The answer is what at least two of
them said. 551 exchanges have no majority (of these, nobody rated uptake in 248: somebody was off task); they are left out, and
``answer=mean`` takes the rounded mean instead where there is one. The group is the lesson (``obs_id``).
"""

from __future__ import annotations

from pathlib import Path

from ...errors import ArgumentError
from ...files.records import dump
from ..item import Item
from ..source_result import Gathering, LeftOut, SourceResult, texts

LEVELS = ("low", "mid", "high")
_NEEDED = ("obs_id", "exchange_idx", "student_text", "teacher_text", "uptake", "uptake_majority")


def source(files: list[Path], *, answer: str = "majority") -> SourceResult:
    """DM items of task ``uptake``. ``answer``: majority, or mean (rounded, .5 upwards)."""
    if answer not in ("majority", "mean"):
        raise ArgumentError(f"answer={answer}", "majority or mean")
    found = Gathering()
    for path in files:
        for row in found.rows(path, _NEEDED):
            cells = texts(row.data)
            found.take(path, row.line, _item(cells, answer), dump(cells))
    return found.done()


def _item(cells: dict[str, str], answer: str) -> Item | LeftOut | str:
    rating = cells["uptake_majority"] or (cells["uptake"] if answer == "mean" else "")
    if not rating:
        return LeftOut("no two raters agree on the uptake" if cells["uptake"] else "uptake was not rated")
    try:
        level = int(float(rating) + 0.5)
    except (ValueError, OverflowError):
        return f"uptake {rating!r} is no number"
    if not 0 <= level < len(LEVELS) or float(rating) < 0:
        return f"uptake {rating} is not in 0–2"
    for name in ("obs_id", "exchange_idx", "student_text", "teacher_text"):
        if not cells[name]:
            return f"{name} is empty"
    return Item(
        id=f"uptake-{cells['obs_id']}-{cells['exchange_idx']}",
        domain="DM",
        source="uptake",
        task="uptake",
        parts={"student": cells["student_text"], "teacher": cells["teacher_text"]},
        options=LEVELS,
        answer=LEVELS[level],
        group=f"ncte-{cells['obs_id']}",
        metadata={"mean": cells["uptake"], "raters_agreeing": cells.get("uptake_num_agree", "")},
    )
