"""Learning Agency Lab, Automated Essay Scoring 2.0, of Kaggle 2024 (AES): the paper's essays.

    essay_id,full_text,score
    000d118,"Many people have car where they live. …",3

One holistic score, 1–6. The file does not say which prompt an essay answers, so each essay is a group of its own; a column
``prompt_name``, as in PERSUADE and in tables joined with it, is taken for the prompt.
"""

from __future__ import annotations

from pathlib import Path

from ...files.records import dump
from ..item import Item
from ..source_result import Gathering, SourceResult, essay_rows, group_essays, texts, whole

LOW, HIGH = 1, 6
UNKNOWN = "Write an argumentative essay on the topic that you were given."


def source(files: list[Path], *, group: str = "auto") -> SourceResult:
    """AES items. ``group``: prompt, essay, or auto: by prompt where there are five or more."""
    found = Gathering()
    for path in files:
        for row in essay_rows(path, ("essay_id", "full_text", "score"), found):
            cells = texts(row.data)
            found.take(path, row.line, _item(cells), dump(cells))
    return group_essays(found, group)


def _item(cells: dict[str, str]) -> Item | str:
    score, prompt = whole(cells["score"]), cells.get("prompt_name", "")
    if not cells["essay_id"]:
        return "no essay_id"
    if not cells["full_text"]:
        return "full_text is empty"
    if score is None or not LOW <= score <= HIGH:
        return f"score {cells['score']!r} is not in {LOW}–{HIGH}"
    return Item(
        id=f"aes2-{cells['essay_id']}",
        domain="AES",
        source="aes2",
        parts={"prompt": prompt or UNKNOWN, "essay": cells["full_text"]},
        answer=str(score),
        group=f"aes2-{prompt or 'unknown'}",
        metadata={"scale": [LOW, HIGH]},
    )
