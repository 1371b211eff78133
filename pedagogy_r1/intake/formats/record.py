"""Any record: columns with well-known names, chats, and what ``--map`` says.

{"question": "2+2?", "response": "<think>Two and two.</think>4", "source": "mine"}
"""

from __future__ import annotations

from ..chat_rows import read_chat
from ..format import Format, Record, Said


def read(record: Record) -> Said:
    said = read_chat(record)
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
