"""Replies of Bedrock's Converse, beside their request or not.

{"modelId": "claude-x", "messages": [{"role": "user", "content": [{"text": "2+2?"}]}], "stopReason": "end_turn",
 "output": {"message": {"role": "assistant", "content": [{"reasoningContent": {"reasoningText": {"text": "Easy."}}}, {"text": "4"}]}}}
"""

from __future__ import annotations

from ..format import Format, Record, Said, obj
from ..replies import pair


def fits(record: Record) -> bool:
    return (
        isinstance(obj(obj(record.get("output")).get("message")).get("content"), list)
        and "inputs" not in record
    )


def read(record: Record) -> list[Said]:
    return pair(record, record.get("input"), record)


def format() -> Format:
    content = [
        {"reasoningContent": {"reasoningText": {"text": "Two and two.", "signature": "x"}}},
        {"text": "4"},
    ]
    return Format(
        what="replies of Bedrock's Converse",
        example={
            "modelId": "claude-x",
            "messages": [{"role": "user", "content": [{"text": "2+2?"}]}],
            "output": {"message": {"role": "assistant", "content": content}},
            "stopReason": "end_turn",
        },
        fits=fits,
        read=read,
    )
