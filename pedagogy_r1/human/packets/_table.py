"""The table that a workbook and a CSV file share.

number,trace,practice,question,before,unit,after,primary_code,second_code,memo,flag,unit_id,coder,codebook
7,2,,Which …,"Okay, so …","Wait, is it?"," No, 24.",,,,,u4be1…,A,schoen@1.0.0#1f0c…
"""

from __future__ import annotations

from collections.abc import Iterator

from ...codebook import Codebook
from ...files.spreadsheet import neutralise
from ..packet import Packet
from ._view import FLAG, MEMO, ranks, views

SHOWN = ("number", "trace", "practice", "question", "before", "unit", "after")
KEYS = ("unit_id", "coder", "codebook")
"""By these the file finds its way back; nobody need look at them."""


def columns(book: Codebook) -> list[str]:
    """The columns in order."""
    return [*SHOWN, *ranks(book), MEMO, FLAG, *KEYS]


def rows(packet: Packet, coder: str) -> Iterator[list[str | int | None]]:
    """The cells of each of a coder's units; texts that a spreadsheet would run are made harmless."""
    empty = [None] * (packet.codebook.max_codes + 2)
    for view in views(packet, coder):
        texts = map(neutralise, (view.question, view.before, view.unit, view.after))
        practice = "practice" if view.practice else None
        yield [
            view.number,
            view.trace,
            practice,
            *texts,
            *empty,
            view.unit_id,
            coder,
            packet.codebook.stamp,
        ]
