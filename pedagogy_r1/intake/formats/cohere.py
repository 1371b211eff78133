"""Replies of Cohere's chat API; what is planned before a tool is called counts as reasoning.

{"id": "c1", "message": {"role": "assistant", "content": [{"type": "thinking", "thinking": "Easy."}, {"type": "text", "text": "4"}]},
 "finish_reason": "COMPLETE"}
"""

from __future__ import annotations

from ..format import Format, Record, Said, obj
from ..replies import pair


def fits(record: Record) -> bool:
    message = obj(record.get("message"))
    spoken = message.get("role") == "assistant" and (
        "tool_plan" in message or isinstance(message.get("content"), list)
    )
    return spoken and "finish_reason" in record


def read(record: Record) -> list[Said]:
    found = pair(record, record.get("request"), record)
    for said in found:
        said.reasoning = said.reasoning or ""
    return found


def format() -> Format:
    parts = [{"type": "thinking", "thinking": "Two and two."}, {"type": "text", "text": "4"}]
    return Format(
        what="replies of Cohere's chat API",
        example={
            "request": {"model": "m", "messages": [{"role": "user", "content": "2+2?"}]},
            "message": {"role": "assistant", "content": parts},
            "finish_reason": "COMPLETE",
        },
        fits=fits,
        read=read,
    )
