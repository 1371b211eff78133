"""Harmony, the reply format of gpt-oss, as messages with channels or as columns; the raw text is read wherever it stands.

{"messages": [{"role": "user", "content": "2+2?"}, {"role": "assistant", "channel": "analysis", "content": "Easy."},
              {"role": "assistant", "channel": "final", "content": "4"}]}
{"reasoning_language": "French", "developer": "…", "user": "2+2?", "analysis": "Easy.", "final": "4", "messages": […]}
"""

from __future__ import annotations

from ..format import Format, Record, Said, has, text
from ..messages import is_conversation, last_turn


def fits(record: Record) -> bool:
    messages = record.get("messages")
    channels = is_conversation(messages) and any(message.get("channel") for message in messages or ())
    return channels or has(record, "analysis", "final")


def read(record: Record) -> Said:
    if has(record, "analysis", "final"):
        return Said(
            question=text(record.get("user")),
            reasoning=text(record["analysis"]),
            response=text(record["final"]),
            known=True,
        )
    turn = last_turn(record["messages"])
    more = {"system": turn.system} if turn.system else {}
    return Said(
        question=turn.question, reasoning=turn.reasoning, response=turn.response, more=more, known=True
    )


def format() -> Format:
    return Format(
        what="Harmony (gpt-oss), as messages with channels or as columns",
        example={
            "messages": [
                {"role": "user", "content": "2+2?"},
                {"role": "assistant", "channel": "analysis", "content": "Two and two."},
                {"role": "assistant", "channel": "final", "content": "4"},
            ]
        },
        fits=fits,
        read=read,
    )
