"""What a model call said, where a span tells it as events: one a message, and one a choice.

{"name": "gen_ai.user.message", "attributes": {"content": "2+2?"}}                        OpenTelemetry before 1.37
{"name": "gen_ai.choice", "attributes": {"message": {"role": "assistant", "content": "4"}}}
{"event.name": "gen_ai.choice", "message": {…}}                                           Logfire, in an attribute ``events``
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from .format import Record, obj, unfold

_MESSAGE = re.compile(r"gen_ai\.(?:(user|system|assistant|tool)\.message|choice)")


def told_by_events(events: Any) -> Record:
    """The messages that a span's events tell, under today's names: those of the input, and those of the output."""
    asked: list[Record] = []
    answered: list[Record] = []
    for event in map(obj, events if isinstance(events, list) else ()):
        match = _MESSAGE.fullmatch(str(event.get("event.name", event.get("name", ""))))
        if match:
            message = _message(event, match[1] or "assistant")
            (asked if match[1] else answered).append(message)
    return {
        name: messages
        for name, messages in (("gen_ai.input.messages", asked), ("gen_ai.output.messages", answered))
        if messages
    }


def _message(event: Record, role: str) -> Record:
    said = obj(unfold(event.get("attributes", event.get("body", event))))
    inner = obj(said.get("message")) or {"content": said.get("message")} if "message" in said else said
    return {"role": role, **{name: value for name, value in inner.items() if name in _KEPT}}


_KEPT = frozenset(("role", "content", "parts", "reasoning", "reasoning_content", "thinking", "tool_calls"))


def first_told(found: Record, ways: Iterable[Record]) -> Record:
    """The attributes, with what the first of these ways tells of the messages, if they do not."""
    for way in ways:
        if "gen_ai.output.messages" in found:
            break
        found = way | found
    return found
