"""Replies of Ollama: chat and generate.

    {"model": "qwen3", "message": {"role": "assistant", "content": "4", "thinking": "Easy."}, "done": true}
    {"model": "qwen3", "response": "4", "thinking": "Easy.", "done": true}

A piece of a stream (``"done": false``) is no trace.
"""

from __future__ import annotations

from ..format import Format, Record, Said
from ..replies import pair


def fits(record: Record) -> bool:
    spoken = isinstance(record.get("message"), dict) or isinstance(record.get("response"), str)
    return spoken and "done" in record and "model" in record


def read(record: Record) -> list[Said]:
    return pair(record, record.get("request"), record)


def format() -> Format:
    return Format(
        what="replies of Ollama",
        example={
            "model": "qwen3",
            "message": {"role": "assistant", "content": "4", "thinking": "Two and two."},
            "done": True,
        },
        fits=fits,
        read=read,
    )
