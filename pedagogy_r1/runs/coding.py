"""A coding: what one coder said of one unit, under one codebook.

    {"unit_id": "u3f…", "coder": "A", "codes": ["IA-SQ"], "codebook": "schoen@1.0.0#1f0c…", "run_id": "r-…"}

``codes: null`` is *missing* (with ``missing_reason``); ``codes: []`` is *none applies*. They are never confused.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

CoderKind = Literal["human", "machine"]


NOT_CODED = "not coded"
"""In exports: the coder has no coding of this unit at all. Importing such a row makes none either."""


class CoderInfo(BaseModel):
    """A coder's name and kind."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1)
    kind: CoderKind


class Coding(BaseModel):
    """One coder's codes for one unit, primary code first."""

    model_config = ConfigDict(frozen=True, extra="forbid")

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
        return None if self.codes is None else self.codes[0] if self.codes else "none"

    def json_line(self) -> str:
        """The line written to ``codings.jsonl``: empty fields left out, ``codes`` always there."""
        if self.codes is not None:
            return self.model_dump_json(exclude_none=True) + "\n"
        return '{"codes":null,' + self.model_dump_json(exclude_none=True)[1:] + "\n"
