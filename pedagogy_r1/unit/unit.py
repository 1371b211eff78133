"""A unit: the stretch of a trace's reasoning that gets codes.

    {"id": "u4be1…", "trace_id": "aime-3", "scheme": "sentence@1", "index": 7, "start": 512, "end": 547,
     "text": "Wait, that contradicts the premise.", "tokens": 7}

Offsets are Unicode code points, half-open, into ``Trace.reasoning``; ``text`` is exactly that slice.
"""

from __future__ import annotations

from hashlib import blake2b

from pydantic import BaseModel, ConfigDict, Field


class Unit(BaseModel):
    """A span of one trace under one scheme. ``tokens`` counts spaCy tokens that are not white space."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    trace_id: str
    scheme: str
    index: int = Field(ge=0)
    start: int = Field(ge=0)
    end: int
    text: str
    tokens: int = Field(ge=0)

    def json_line(self) -> str:
        """The line written to ``units.jsonl``."""
        return self.model_dump_json() + "\n"


def unit_id(trace_id: str, scheme: str, start: int, end: int) -> str:
    """``u`` and 20 hex digits of trace, scheme and offsets: two segmentations can never be joined by accident."""
    key = f"{trace_id}\0{scheme}\0{start}\0{end}".encode("utf-8", "surrogatepass")
    return "u" + blake2b(key, digest_size=10).hexdigest()
