"""``disagreements.json`` as the draft of a codebook reads it: pairs of codes that coders confuse, and which lack a rule.

{"codebook": "schoen@1.0.0#1f0c…", "n_disagreements": 80, "pairs": [{"codes": ["IA-MT", "OA-SR"], "count": 9,
  "share": 0.1125, "undecided": "no rule decides between IA-MT and OA-SR", "units": [{"trace_id": …, "text": …}]}]}
"""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ..errors import CodebookError, InputError
from .codebook import NONE, Codebook


class _Read(BaseModel):
    # Part of a larger file of our own making: what else it holds is not for us.
    model_config = ConfigDict(frozen=True, extra="ignore")


class NotedSaid(_Read):
    """What a coder gave, primary code first."""

    coder: str
    codes: list[str]


class NotedUnit(_Read):
    """A unit on which coders differ."""

    trace_id: str
    text: str
    said: list[NotedSaid]


class NotedPair(_Read):
    """Two codes that coders confuse. ``undecided``: the rule that is missing, in words; empty where there is one."""

    codes: tuple[str, str]
    count: int = Field(ge=0)
    share: float = Field(ge=0, le=1)
    undecided: str = ""
    units: list[NotedUnit] = []


class NotedDisagreements(_Read):
    """``disagreements.json``, as far as a draft needs it."""

    codebook: str
    n_disagreements: int = Field(ge=0)
    pairs: list[NotedPair]


def read_disagreements(path: str | Path, book: Codebook) -> NotedDisagreements:
    """What ``pcode disagreements`` wrote: the JSON file, or the directory that holds it.

    Raises `InputError` if it is not that, `CodebookError` if it was made under another codebook than ``book``.
    """
    file = Path(path) / "disagreements.json" if Path(path).is_dir() else Path(path)
    hint = "make it with: pcode disagreements RUN… -o DIR"
    if not file.is_file():
        raise InputError(f"{file}: no such file", hint)
    try:
        found = NotedDisagreements.model_validate(json.loads(file.read_bytes()))
    except (ValidationError, ValueError) as error:
        why = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
        raise InputError(f"{file}: not a file of disagreements: {why}", hint) from None
    if found.codebook != book.stamp:
        raise CodebookError(
            f"{file} is of {found.codebook}, and the draft begins from {book.stamp}",
            "begin from the codebook that the codings were made under",
        )
    for code in {code for pair in found.pairs for code in pair.codes} - {*book.code_ids, NONE}:
        raise InputError(f"{file}: {book.ref} has no code {code!r}", hint)
    return found
