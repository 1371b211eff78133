"""Messages of Anthropic's API, alone or with the conversation they belong to.

    {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-x", "content": [
      {"type": "thinking", "thinking": "Easy.", "signature": "EqQB"}, {"type": "text", "text": "4"}], "stop_reason": "end_turn"}

Redacted thinking and tool use stay in the metadata.
"""

from __future__ import annotations

from ..format import Format, Record, Said
from ..replies import own_reply


def fits(record: Record) -> bool:
    content = record.get("content")
    blocks = isinstance(content, list) and all(
        isinstance(block, dict) and "type" in block for block in content
    )
    return (
        record.get("role") == "assistant"
        and (blocks or record.get("type") == "message")
        and "content" in record
    )


def read(record: Record) -> list[Said]:
    return own_reply(record)


def format() -> Format:
    return Format(
        what="messages of Anthropic's API",
        example={
            "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-x", "stop_reason": "end_turn",
            "content": [{"type": "thinking", "thinking": "Two and two.", "signature": "EqQB"}, {"type": "text", "text": "4"}],
        },
        fits=fits,
        read=read,
    )  # fmt: skip
