"""A coding: what one coder said of one unit, under one codebook. A line of ``codings.jsonl`` in a run (`run`).

    {"unit_id": "u3f…", "coder": "A", "codes": ["IA-SQ"], "codebook": "schoen@1.0.0#1f0c…", "run_id": "r-…"}

``codes: null`` is *missing* (with ``missing_reason``); ``codes: []`` is *none applies*.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal

from pydantic import BaseModel, Field, model_validator
from pydantic_core import PydanticSerializationError

from ..codebook import NONE
from ..files.records import whole_text

CoderKind = Literal["human", "machine"]


DEFERRED = "deferred"
"""Why a unit is missing that a coder leaves open, to people or to another coder, since it is not sure enough."""
NOT_CODED = "not coded"
"""In exports: the coder has no coding of this unit at all. Importing such a row makes none either."""
NOT_ASKED = "not asked"
"""In agreement and in wide tables: the same."""


class CoderInfo(BaseModel, frozen=True, extra="forbid"):
    """A coder's name and kind."""

    name: str = Field(min_length=1)
    kind: CoderKind


class Coding(BaseModel, frozen=True, extra="forbid"):
    """One coder's codes for one unit, primary code first."""

    unit_id: str
    coder: str
    codes: tuple[str, ...] | None
    missing_reason: str | None = None
    evidence: str | None = None
    """A verbatim quote from the unit."""
    confidence: float | None = Field(default=None, ge=0, le=1)
    rationale: str | None = None
    """Why; a human coder's memo."""
    overlap: float | None = Field(default=None, ge=0, le=1)
    """Share of the unit's characters that the projected span covers."""
    carried_from: str | None = None
    """Codebook version under which it was made, if carried to a later one."""
    stage: str | None = None
    """Of a cascade: the coder in it that gave the codes, or that was the last to be asked for them."""
    codebook: str
    run_id: str

    @model_validator(mode="after")
    def _missing_has_a_reason(self) -> Coding:
        if (self.codes is None) != (self.missing_reason is not None):
            raise ValueError("missing_reason is given if and only if codes is null")
        return self

    @property
    def primary(self) -> str | None:
        """The first code, ``"none"`` for an empty set, ``None`` if missing."""
        return primary_code(self.codes)

    def json_line(self) -> str:
        """The line written to ``codings.jsonl``: empty fields left out, ``codes`` always there."""
        try:
            line = self.model_dump_json(exclude_none=True)
        except PydanticSerializationError:  # half a character, in a memo or a name
            texts = {name: whole_text(value) for name, value in self if isinstance(value, str)}
            line = self.model_copy(update=texts).model_dump_json(exclude_none=True)
        if self.codes is not None:
            return line + "\n"
        return '{"codes":null,' + line[1:] + "\n"


def said_odds(odds: Iterable[tuple[str, float]]) -> str:
    """The rationale of a coder that knows how likely each code is, the likeliest first: ``OA-ME 0.57, IA-SQ 0.30``."""
    return ", ".join(f"{code} {p:.2f}" for code, p in odds)


def read_odds(rationale: str | None) -> list[tuple[str, float]]:
    """What `said_odds` wrote; nothing where a rationale is anything else."""
    parts = [_ODDS.fullmatch(part) for part in (rationale or "").split(", ")]
    found = [(part[1], float(part[2])) for part in parts if part]
    return found if len(found) == len(parts) else []


_ODDS = re.compile(r"(\S+) ([01]\.\d{2,4})")


def primary_code(codes: tuple[str, ...] | None) -> str | None:
    """The first code, ``"none"`` where none applies, ``None`` if missing."""
    return None if codes is None else codes[0] if codes else NONE
