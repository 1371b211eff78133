"""ASAP essays, the Hewlett Foundation's of 2012, with their raters' scores (AES).

    essay_id  essay_set  essay                      rater1_domain1  rater2_domain1  …  domain1_score
    1         1          "Dear local newspaper, …"  4               4                  8

The file is Windows-1252. For set 1, two raters give 1–6 each and ``domain1_score`` is their sum. Items are scored on the raters'
scale, as in the paper: the answer is half of the sum; where the raters differ by one, the half is rounded up (169 of the 498
essays of the sample, and the raters' own scores stand in ``metadata``). ``score=rater1``, ``rater2`` or ``resolved`` (the file's
own column on its own scale) choose otherwise. In the other sets the resolved score is the answer.

Names are blacked out in the essays (@PERSON1, @CAPS1): this is the data, not damage.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from ...errors import ArgumentError
from ...files.records import dump
from ..item import Item
from ..source_result import Gathering, SourceResult, essay_rows, group_essays, texts, whole


class _Set(NamedTuple):
    """An essay set: the range of ``domain1_score`` as the competition documents it, and its question in our words."""

    low: int
    high: int
    prompt: str


_SETS = {
    1: _Set(2, 12, "Write a letter to your local newspaper: do computers do people good or harm? Persuade the readers of your opinion."),
    2: _Set(1, 6, "Should a library take books, music, films or magazines off its shelves that some find offensive? Persuade the readers of a newspaper."),
    3: _Set(0, 3, "Explain how the features of the setting affect the cyclist in the text you have read."),
    4: _Set(0, 3, "Explain why the author ends the story you have read with the paragraph on the winter hibiscus."),
    5: _Set(0, 4, "Describe the mood that the author creates in the memoir you have read."),
    6: _Set(0, 4, "Describe the obstacles that the builders of the Empire State Building faced in letting airships dock there."),
    7: _Set(0, 30, "Write a story about a time when you or somebody you know was patient."),
    8: _Set(0, 60, "Tell a true story in which laughter was an important part."),
}  # fmt: skip
_NEEDED = ("essay_id", "essay_set", "essay", "rater1_domain1", "rater2_domain1", "domain1_score")


def source(files: list[Path], *, score: str = "half", group: str = "auto") -> SourceResult:
    """AES items. ``score``: half, rater1, rater2 or resolved. ``group``: prompt, essay, or auto: prompt from five sets on."""
    if score not in ("half", "rater1", "rater2", "resolved"):
        raise ArgumentError(f"score={score}", "half, rater1, rater2 or resolved")
    found = Gathering()
    for path in files:
        for row in essay_rows(path, _NEEDED, found):
            cells = texts(row.data)
            found.take(path, row.line, _item(cells, score), dump(cells))
    return group_essays(found, group)


def _item(cells: dict[str, str], how: str) -> Item | str:
    number, kind = cells["essay_id"], whole(cells["essay_set"])
    if not number:
        return "no essay_id"
    if kind not in _SETS:
        return f"essay_set {cells['essay_set']!r} is none of 1 to 8"
    if not cells["essay"]:
        return "the essay is empty"
    about = _SETS[kind]
    resolved, first, second = (
        whole(cells[name]) for name in ("domain1_score", "rater1_domain1", "rater2_domain1")
    )
    if resolved is None or not about.low <= resolved <= about.high:
        return f"domain1_score {cells['domain1_score']!r} is not in {about.low}–{about.high}"
    half = (resolved + 1) // 2 if kind == 1 else resolved
    answer = {"rater1": first, "rater2": second, "half": half, "resolved": resolved}[how]
    if answer is None:
        return f"no score of {how}"
    scale = (1, 6) if kind == 1 and how != "resolved" else (about.low, about.high)
    if not scale[0] <= answer <= scale[1]:
        return f"score {answer} is not in {scale[0]}–{scale[1]}"
    return Item(
        id=f"asap-{number}",
        domain="AES",
        source="asap",
        parts={"prompt": about.prompt, "essay": cells["essay"]},
        answer=str(answer),
        group=f"asap-set-{kind}",
        metadata={
            "scale": list(scale),
            "raters": [first, second],
            "resolved": resolved,
            "score": how,
            "set": kind,
        },
    )
