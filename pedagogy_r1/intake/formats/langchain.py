"""Messages of LangChain: content blocks of version 1, ``messages_to_dict``, ``dumpd``.

{"type": "ai", "content": [{"type": "reasoning", "reasoning": "Easy."}, {"type": "text", "text": "4"}], "response_metadata": {"model_name": "m"}}
{"type": "ai", "data": {"content": "4", "additional_kwargs": {"reasoning_content": "Easy."}}}
{"input": "2+2?", "output": {"lc": 1, "type": "constructor", "id": [… "AIMessage"], "kwargs": {"content": "4", …}}}
"""

from __future__ import annotations

from typing import Any

from ..format import Format, NoTrace, Record, Said, name, obj, text
from ..messages import hear, is_conversation, last_turn


def _message(value: Any) -> bool:
    """Whether this is a message of LangChain."""
    value = obj(value)
    return value.get("lc") == 1 or (
        value.get("type") in ("human", "ai", "system", "AIMessageChunk")
        and ("content" in value or "data" in value)
    )


def _output(record: Record) -> Any:
    return next(
        (record[column] for column in ("output", "response", "generation") if _message(record.get(column))),
        None,
    )


def fits(record: Record) -> bool:
    messages = record.get("messages")
    listed = isinstance(messages, list) and bool(messages) and all(map(_message, messages))
    return "run_type" not in record and (_message(record) or _output(record) is not None or listed)


def read(record: Record) -> Said:
    messages = record.get("messages")
    if isinstance(messages, list) and messages and not _message(record):
        turn = last_turn(messages)
        return Said(
            question=turn.question,
            response=turn.response,
            reasoning=turn.reasoning if turn.thinks else None,
            known=True,
        )
    message = _output(record) or record
    heard = hear(message)
    if heard.role != "assistant":
        raise NoTrace(f"a message of the {heard.role or 'conversation'}, alone")
    inner = obj(message.get("kwargs")) or obj(message.get("data")) or message
    model = obj(inner.get("response_metadata")).get(
        "model_name", obj(inner.get("response_metadata")).get("model")
    )
    asked = record.get("input", record.get("question"))
    question = last_turn(asked, prompt_only=True).question if is_conversation(asked) else text(asked)
    reasoning = heard.reasoning if heard.thinks else None
    return Said(
        question=question,
        response=heard.text,
        reasoning=reasoning,
        model=name(model),
        id=name(inner.get("id")),
    )


def format() -> Format:
    blocks = [{"type": "reasoning", "reasoning": "Two and two."}, {"type": "text", "text": "4"}]
    return Format(
        what="messages of LangChain",
        example={"type": "ai", "content": blocks, "response_metadata": {"model_name": "m"}},
        fits=fits,
        read=read,
    )
