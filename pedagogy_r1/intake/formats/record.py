"""Any record: columns with well-known names, chats, and what ``--map`` says.

{"question": "2+2?", "response": "<think>Two and two.</think>4", "source": "mine"}
"""

from __future__ import annotations

from ..chat_rows import read_chat
from ..fields import KNOWN
from ..format import Format, Record, Said
from ..replies import body_of, is_reply, pair

_REPLIES = (*KNOWN["response"], "raw_response", "api_response", "response_body", "result", "reply")


def read(record: Record) -> Said | list[Said]:
    said = read_chat(record)
    held = (c for c in _REPLIES if isinstance(record.get(c), dict))
    column = next((c for c in held if is_reply(body_of(record[c]))), None)
    if column and not said.response and not said.reasoning:
        found = pair(record, None, body_of(record[column]))
        for one in found:
            one.where |= dict.fromkeys(("response", "reasoning"), column)
            one.known = True
        return found
    said.known = True
    return said


def format() -> Format:
    return Format(
        what="any record with well-known column names, a chat, or fields named with --map",
        example={"question": "2+2?", "response": "<think>Two and two.</think>4", "source": "mine"},
        fits=lambda _: True,
        read=read,
        last=True,
    )
