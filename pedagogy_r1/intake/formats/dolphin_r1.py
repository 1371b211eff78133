"""Dolphin-R1: the question as messages, reasoning and answer in columns beside it.

{"messages": [{"role": "system", "content": "Teach."}, {"role": "user", "content": "2+2?"}], "reasoning": "Easy.", "answer": "4", "model": "R1"}
"""

from __future__ import annotations

from typing import Any

from ..format import Format, Record, Said, has, name, text
from ..messages import is_conversation, last_turn, reasoning_in, role_of


def fits(record: Record) -> bool:
    messages = record.get("messages", record.get("prompt"))
    asked = is_conversation(messages) and role_of(messages[-1]) == "user"
    return asked and has(record, "reasoning", "answer") and isinstance(record["answer"], str)


def read(record: Record) -> Said:
    messages: Any = record.get("messages", record.get("prompt"))
    turn = last_turn(messages, prompt_only=True)
    more = {"system": turn.system} if turn.system else {}
    reasoning = reasoning_in(record["reasoning"])
    return Said(
        question=turn.question,
        reasoning=reasoning,
        response=text(record["answer"]),
        model=name(record.get("model")),
        more=more,
    )


def format() -> Format:
    return Format(
        what="Dolphin-R1: messages, and reasoning and answer beside them",
        example={
            "messages": [{"role": "user", "content": "2+2?"}],
            "reasoning": "Two and two.",
            "answer": "4",
            "model": "DeepSeek-R1",
        },
        fits=fits,
        read=read,
    )
