"""An item: one question of the benchmark, with what is needed to ask it and to say whether an answer is right.

    {"id": "cj_eval_0772", "domain": "SK", "source": "cj_eval", "parts": {"stem": "A student planted …"},
     "options": ["Air", "Moisture", "Temperature", "Sunlight"], "answer": "B", "group": "…", "metadata": {…}}

``parts`` by domain: SK, PK ``stem``; AES ``prompt``, ``essay``; DM ``student``, ``teacher`` (what was said, in this order);
KT none: the student's history is ``metadata["steps"]``, and the last step is the one to be foretold.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ..errors import InputError
from ..files.records import BadRow, read_jsonl, write_jsonl

Domain = Literal["SK", "PK", "KT", "AES", "DM"]
DOMAINS: tuple[Domain, ...] = ("SK", "PK", "KT", "AES", "DM")
Split = Literal["train", "test"]


class Item(BaseModel):
    """One question. ``answer`` is what counts as right, as text: an option's letter, a score, ``right``/``wrong``, a code.

    ``group``: what must not stand in train and test at once (student, essay prompt, transcript, question family).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(min_length=1)
    domain: Domain
    source: str
    parts: dict[str, str] = Field(default_factory=dict)
    options: tuple[str, ...] = ()
    answer: str
    group: str
    task: str | None = None
    """Within a domain with several tasks: DM ``uptake`` or ``move``."""
    split: Split | None = None
    lang: str = "en"
    metadata: dict[str, Any] = Field(default_factory=dict)


def read_items(path: str | Path) -> Iterator[Item]:
    """Items of a JSONL file, in order. Raises `InputError` naming file:line for a line that is none, or an id met twice."""
    seen: set[str] = set()
    for row in read_jsonl(path):
        if isinstance(row, BadRow):
            raise InputError(f"{path}:{row.line}: {row.why}", "items come from: pcode wbeb build")
        try:
            item = Item.model_validate(row.data)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            raise InputError(
                f"{path}:{row.line}: {where}: {first['msg']}", "items come from: pcode wbeb build"
            ) from None
        if item.id in seen:
            raise InputError(f"{path}:{row.line}: item {item.id!r} for the second time", "ids are unique")
        seen.add(item.id)
        yield item


def write_items(path: str | Path, items: Iterable[Item]) -> int:
    """Write items as JSONL, atomically; returns how many."""
    return write_jsonl(path, (item.model_dump(mode="json", exclude_none=True) for item in items))
