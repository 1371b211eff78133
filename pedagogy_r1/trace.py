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
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel, Field

Think = Literal["closed", "unopened", "unclosed", "repeated", "absent", "field"]


class Trace(BaseModel, frozen=True, extra="forbid"):
    """One answer of one model. ``think`` says how the reasoning was told from the answer (`split_think`)."""

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


class Split(NamedTuple):
    """What `split_think` found."""

    reasoning: str
    answer: str
    think: Think


_OPEN, _CLOSE = "<think>", "</think>"


def split_think(response: str) -> Split:
    """Tell reasoning from answer by ``<think>…</think>``; nothing but the tags is dropped.

    - ``closed``: both tags. Text before ``<think>``, if any, goes to the answer.
    - ``unopened``: only ``</think>``; chat templates that open the tag themselves produce this (QwQ).
    - ``unclosed``: only ``<think>``: generation was cut off while thinking; the answer is empty.
    - ``repeated``: more tags than these, and one of them ``</think>``: split at the first; the others stay in the texts.
    - ``absent``: no tag; the whole response is taken as reasoning, since nothing says otherwise.

    >>> split_think("<think>2+2 is 4.</think>4")
    Split(reasoning='2+2 is 4.', answer='4', think='closed')
    >>> split_think("Hmm.</think>4").think
    'unopened'
    >>> split_think("<think>a</think>b<think>c</think>d")
    Split(reasoning='a', answer='b<think>c</think>d', think='repeated')
    """
    start, end = response.find(_OPEN), response.find(_CLOSE)
    if start < 0 and end < 0:
        return Split(response, "", "absent")
    if end < 0:
        return Split(response[:start] + response[start + len(_OPEN) :], "", "unclosed")
    if start < 0 or start > end:
        think: Think = "unopened"
        reasoning, answer = response[:end], response[end + len(_CLOSE) :]
    else:
        think = "closed"
        reasoning = response[start + len(_OPEN) : end]
        answer = response[:start] + response[end + len(_CLOSE) :]
    more = any(tag in text for tag in (_OPEN, _CLOSE) for text in (reasoning, answer))
    return Split(reasoning, answer, "repeated" if more else think)


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
