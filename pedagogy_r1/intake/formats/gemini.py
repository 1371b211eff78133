"""Replies of Gemini and Vertex: parts that are thoughts, and parts that are not.

{"candidates": [{"content": {"role": "model", "parts": [{"text": "Easy.", "thought": true}, {"text": "4"}]}, "finishReason": "STOP"}],
 "modelVersion": "gemini-2.5-pro"}
{"input": "2+2?", "outputs": [{"type": "thought", "summary": [{"type": "text", "text": "Easy."}]}, {"type": "text", "text": "4"}], "status": "completed"}
"""

from __future__ import annotations

from ..format import Format, Record, Said, name
from ..replies import is_interaction, pair


def fits(record: Record) -> bool:
    replied = isinstance(record.get("candidates"), list) and "request" not in record
    interacted = is_interaction(record.get("outputs")) and "status" in record and "prompt" not in record
    return replied or interacted or "promptFeedback" in record


def read(record: Record) -> list[Said]:
    found = pair(record, None, record)
    for said in found:
        said.id = name(record.get("responseId", record.get("response_id")))
    return found


def format() -> Format:
    parts = [{"text": "Two and two.", "thought": True}, {"text": "4"}]
    return Format(
        what="replies of Gemini and Vertex",
        example={
            "candidates": [
                {"content": {"parts": parts, "role": "model"}, "finishReason": "STOP", "index": 0}
            ],
            "modelVersion": "gemini-2.5-pro",
        },
        fits=fits,
        read=read,
    )
