"""Our own traces file, which ``pcode traces import`` wrote.

{"id": "aime-3", "question": "2+2?", "reasoning": "Easy.", "answer": "4", "model": "m", "think": "closed"}
"""

from __future__ import annotations

from ...trace import Trace
from ..format import Format, Record, Said, unfold

_FIELDS = frozenset(Trace.model_fields)


def fits(record: Record) -> bool:
    return "id" in record and ("reasoning" in record or "answer" in record) and record.keys() <= _FIELDS


def read(record: Record) -> Said:
    """Its columns have our own names; in Parquet the metadata is JSON in text."""
    kept = unfold(record.get("metadata"), 1)
    return Said(
        known=True, exact=True, record=record | {"metadata": kept} if kept != record.get("metadata") else None
    )


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
