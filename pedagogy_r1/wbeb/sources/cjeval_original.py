"""CJEval as its authors publish it, in Chinese (SK): one JSON object a line, several kinds of question.

    {"subject": "初中生物", "ques_type": "单选题", "ques_difficulty": "一般", "ques_content": "题目内容: …？ 选项: A. … B. …",
     "ques_answer": ["A"], "ques_analyze": "…", "ques_knowledges": ["…"]}

Only single-choice questions (单选题) can be items; the options stand in the text and are taken out of it where they run
A, B, C, … in order.
"""

from __future__ import annotations

import re
from pathlib import Path

from ...files.records import Row, dump
from ..answers.named_options import LETTERS
from ..item import Item
from ..source_result import MOST_OPTIONS, Gathering, LeftOut, SourceResult, choice_item, text

SINGLE = "单选题"
_HEADING = re.compile(r"^\s*(?:题目|问题)?(?:内容|描述)\s*[:：]\s*")
_OPTIONS = re.compile(r"选项\s*[:：]")


def source(files: list[Path]) -> SourceResult:
    """SK items with ``lang`` zh."""
    found = Gathering()
    for path in files:
        for row in found.rows(path):
            item = _item(row, f"cjeval-{path.stem}-{row.nth or row.line}")
            found.take(path, row.line, item, dump(row.data))
    return found.done()


def _item(row: Row, name: str) -> Item | LeftOut | str:
    kind = text(row.data.get("ques_type"))
    if kind != SINGLE:
        return LeftOut(f"question type {kind}") if kind else "no ques_type"
    parts = _OPTIONS.split(text(row.data.get("ques_content")))
    if len(parts) < 2:
        return "no 选项 (options) in ques_content"
    answers = row.data.get("ques_answer")
    if not isinstance(answers, list) or len(answers) != 1:
        return f"ques_answer is {answers!r}, not a list of one letter"
    stem = _HEADING.sub("", "选项:".join(parts[:-1]))
    question = (name, stem, split_options(parts[-1]), answers[0])
    metadata = {
        "subject": row.data.get("subject"),
        "difficulty": row.data.get("ques_difficulty"),
        "knowledge": row.data.get("ques_knowledges"),
    }
    return choice_item(*question, domain="SK", source="cjeval_original", lang="zh", metadata=metadata)


def split_options(listed: str) -> list[str]:
    """``"A. 酵母菌 B. 肝炎病毒"`` → ``["酵母菌", "肝炎病毒"]``: each letter is looked for behind the one before it.

    >>> split_options("A. 维生素B. 铁")
    ['维生素', '铁']
    """
    marks: list[re.Match[str]] = []
    at = 0
    for letter in LETTERS[:MOST_OPTIONS]:
        mark = re.compile(rf"{letter}\s*[.．、:：]").search(listed, at)
        if mark is None:
            break
        marks.append(mark)
        at = mark.end()
    ends = [*(mark.start() for mark in marks[1:]), len(listed)]
    return [listed[mark.end() : end].strip() for mark, end in zip(marks, ends, strict=False)]
