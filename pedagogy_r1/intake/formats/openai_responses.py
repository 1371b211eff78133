"""Responses of OpenAI's Responses API: items of reasoning (summaries, or the text itself) and of messages.

{"id": "resp_1", "object": "response", "model": "o4-mini", "reasoning": {"effort": "medium"}, "output": [
  {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Easy."}]},
  {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "4"}]}]}
"""

from __future__ import annotations

from ..format import Format, Record, Said
from ..replies import own_reply


def fits(record: Record) -> bool:
    output = record.get("output")
    if not isinstance(output, list) or not output or not all(isinstance(item, dict) for item in output):
        return False
    typed = any(
        item.get("type") == "reasoning" or (item.get("type") == "message" and "content" in item)
        for item in output
    )
    return record.get("object") == "response" or typed


def read(record: Record) -> list[Said]:
    return own_reply(record)


def format() -> Format:
    return Format(
        what="responses of OpenAI's Responses API",
        example={
            "id": "resp_1", "object": "response", "model": "o4-mini", "reasoning": {"effort": "medium", "summary": "detailed"},
            "output": [
                {"id": "rs_1", "type": "reasoning", "summary": [{"type": "summary_text", "text": "Two and two."}]},
                {"id": "msg_1", "type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "4"}]},
            ],
        },
        fits=fits,
        read=read,
    )  # fmt: skip
