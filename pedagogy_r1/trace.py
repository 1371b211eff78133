"""A trace: one question put to a language model, what it thought, and what it answered; and a unit of it.

    {"id": "aime-3", "question": "Find …", "reasoning": "Okay, so …\\n\\nWait, …", "answer": "204",
     "domain": "SK", "condition": "cop", "model": "DeepSeek-R1", "correct": true, "reference": "204"}

A unit is the stretch of a trace's reasoning that gets codes:

    {"id": "u4be1…", "trace_id": "aime-3", "scheme": "sentence@1", "index": 7, "start": 512, "end": 547,
     "text": "Wait, that contradicts the premise.", "tokens": 7}

Texts are stored exactly as they came: offsets are Unicode code points, half-open, into ``reasoning``; a unit's text is
exactly that slice.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Any, Literal

from pydantic import BaseModel, Field

Think = Literal["closed", "unopened", "unclosed", "repeated", "absent", "field"]
"""How reasoning was told from answer.

- ``closed``: both tags. Text before the opening one, if any, goes to the answer.
- ``unopened``: only the closing tag; chat templates that open it themselves produce this (QwQ).
- ``unclosed``: only the opening tag: generation was cut off while thinking; the answer is empty.
- ``repeated``: more tags than these, and one of them closing: split at the first; the others stay in the texts.
- ``absent``: no tag; the whole response is taken as reasoning, since nothing says otherwise.
- ``field``: they stand apart already.
"""


class Trace(BaseModel, frozen=True, extra="forbid"):
    """One answer of one model. ``think`` says how the reasoning was told from the answer (`split_response`)."""

    id: str = Field(min_length=1)
    item: str | None = None
    question: str = ""
    reasoning: str = ""
    answer: str = ""
    reference: str | None = None
    correct: bool | None = None
    domain: str | None = None
    condition: str | None = None
    model: str | None = None
    lang: str = "en"
    think: Think | None = None
    metadata: dict[str, Any] = Field(default_factory=dict)


def item_group(trace: Trace) -> str:
    """What must not stand on both sides of a fold or a lock: the item, or the trace where there is none."""
    return group_of_item(trace.item) if trace.item else f"trace {trace.id}"


def group_of_item(item: str) -> str:
    """`item_group` of all traces of an item."""
    return f"item {item}"


GIVEN = "given@"
"""How the name of a scheme begins whose units people drew; a digest of their spans follows."""


class Unit(BaseModel, frozen=True, extra="forbid"):
    """A span of one trace under one scheme. ``tokens`` counts spaCy tokens that are not white space."""

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
