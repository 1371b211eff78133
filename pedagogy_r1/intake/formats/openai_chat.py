"""Replies of a chat server: OpenAI, vLLM, SGLang, DeepSeek, Mistral, OpenRouter, and whoever answers like them.

    {"id": "c1", "object": "chat.completion", "model": "deepseek-reasoner", "choices": [{"index": 0, "finish_reason": "stop",
     "message": {"role": "assistant", "reasoning_content": "Easy.", "content": "4"}}]}

The reasoning is ``reasoning_content``, ``reasoning``, ``reasoning_details`` or a ``thinking`` part of the content; the question stands in
``messages`` or ``prompt`` beside the choices, if it was saved with them.
"""

from __future__ import annotations

from ..chat_rows import are_choices
from ..format import Format, Record, Said
from ..replies import pair


def fits(record: Record) -> bool:
    return are_choices(record.get("choices")) and "request" not in record


def read(record: Record) -> list[Said]:
    found = pair(record, None, record)
    for said in found:
        said.known, said.model = True, None
        said.where = dict.fromkeys(("response", "reasoning"), "choices")
    return found


def format() -> Format:
    return Format(
        what="replies of a chat server (OpenAI, vLLM, DeepSeek, Mistral, OpenRouter …)",
        example={
            "id": "c1", "object": "chat.completion", "model": "deepseek-reasoner",
            "messages": [{"role": "user", "content": "2+2?"}],
            "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "reasoning_content": "Two and two.", "content": "4"}}],
        },
        fits=fits,
        read=read,
    )  # fmt: skip
