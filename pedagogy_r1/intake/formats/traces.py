"""Our own traces file, which ``pcode traces import`` wrote.

{"id": "aime-3", "question": "2+2?", "reasoning": "Easy.", "answer": "4", "model": "m", "think": "closed"}
"""

from __future__ import annotations

from ...trace import Trace
from ..format import Format, Record, Said

_FIELDS = frozenset(Trace.model_fields)


def fits(record: Record) -> bool:
    return "id" in record and ("reasoning" in record or "answer" in record) and record.keys() <= _FIELDS


def read(record: Record) -> Said:  # noqa: ARG001 - its columns have our own names
    return Said(known=True)


def format() -> Format:
    return Format(
        what="our own traces files",
        example={
            "id": "aime-3",
            "question": "2+2?",
            "reasoning": "Two and two.",
            "answer": "4",
            "model": "m",
            "think": "closed",
        },
        fits=fits,
        read=read,
    )
