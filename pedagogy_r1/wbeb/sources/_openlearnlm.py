"""The layout of OpenLearnLM's files, of which two sources are made.

{"item_id": "cj_eval_0085", "question": "Which group …", "options": ["Reptiles - Tortoises", …], "answer": "D",
 "metadata": {"source": "cj_eval", "subject": "Junior High School Biology", "question_type": "multiple_choice", …}}
"""

from __future__ import annotations

from pathlib import Path

from ...files.records import BadRow, dump, read_rows
from ..item import Domain
from ..loaded import Gathering, Loaded
from ._choice import Question, choice_item, text

_KEPT = ("subject", "difficulty", "year", "tag", "category", "subdomain", "age_group", "secondary_category")


def read_openlearnlm(files: list[Path], *, name: str, domain: Domain, others: bool) -> Loaded:
    """Items of ``files``; records whose ``metadata.source`` is another than ``name`` are left out unless ``others``."""
    found = Gathering()
    for path in files:
        for row in read_rows(path):
            if isinstance(row, BadRow):
                found.bad(path, row.line, row.why, row.raw)
                continue
            raw, about = dump(row.data), row.data.get("metadata") or {}
            if not isinstance(about, dict):
                found.bad(path, row.line, "metadata is no object", raw)
                continue
            origin, kind = text(about.get("source")) or name, text(about.get("question_type"))
            if origin != name and not others:
                found.leave(path, row.line, f"from {origin}, not from {name}", raw=raw)
            elif kind not in ("", "multiple_choice"):
                found.leave(path, row.line, f"question type {kind}", raw=raw)
            elif not text(row.data.get("item_id")):
                found.bad(path, row.line, "no item_id", raw)
            elif not isinstance(row.data.get("options"), list):
                found.bad(path, row.line, "options is no list", raw)
            else:
                question = Question(
                    text(row.data["item_id"]),
                    row.data.get("question"),
                    row.data["options"],
                    row.data.get("answer"),
                )
                kept = {field: about.get(field) for field in _KEPT}
                if origin != name:
                    kept["origin"] = origin
                item = choice_item(
                    question,
                    domain=domain,
                    source=name,
                    lang=text(about.get("language")) or "en",
                    metadata=kept,
                )
                if isinstance(item, str):
                    found.bad(path, row.line, item, raw)
                else:
                    found.keep(path, row.line, item, raw=raw)
    return found.done()
