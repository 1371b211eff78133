"""The text of a trace with the units that somebody codes, each with what that person said of it.

    [Piece("Okay, let me see. ", unit 7), Piece(" ", None), Piece("Wait, is it 24?", unit 8), …]

    [7, "KA-RO", "m"]          unit 7 is KA-RO, with a memo; what the page's script colours the text by
    [8, "IA-SQ OA-ME", "f"]    two codes, with a flag
    [9, "none", ""]            no code applies; [9, "", "x"]: cannot be coded; [9, "", ""]: nothing yet

Only one person's log goes into it.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from ..codebook import NONE
from ..human.coding_log import Entry, LoggedChange
from ..human.packet import CodingTask


class TaskPlace(NamedTuple):
    """A task and its place. ``trace``: which of the coder's traces, from 1; ``nth``: which of its units in that trace."""

    number: int
    task: CodingTask
    trace: int
    nth: int
    of: int


class Piece(NamedTuple):
    """A stretch of the text; ``spot``: whose unit it is, or none where it is only read."""

    text: str
    spot: TaskPlace | None


def pieces_of(text: str, first: int, last: int, spots: Sequence[TaskPlace]) -> list[Piece]:
    """``text[first:last]`` cut at the units of ``spots``, which do not overlap and are in order."""
    found, at = [], first
    for spot in spots:
        unit = spot.task.unit
        found += [Piece(text[at : unit.start], None), Piece(text[unit.start : unit.end], spot)]
        at = unit.end
    return [piece for piece in (*found, Piece(text[at:last], None)) if piece.text]


def in_text(spots: Sequence[TaskPlace]) -> list[TaskPlace]:
    """As they follow each other in their trace."""
    return sorted(spots, key=lambda spot: (spot.task.unit.start, spot.number))


def are_apart(spots: Sequence[TaskPlace]) -> bool:
    """Whether none of those in order overlaps the next."""
    return all(a.task.unit.end <= b.task.unit.start for a, b in pairwise(spots))


OwnMark = tuple[int, str, str]


def own_of(number: int, entry: Entry, comments: Sequence[LoggedChange]) -> OwnMark:
    """Number, codes, and letters: ``x`` cannot be coded, ``f`` flag, ``m`` memo, ``c`` comments."""
    codes = "" if entry.codes is None else " ".join(entry.codes) or NONE
    said = {"x": entry.missing, "f": entry.flag, "m": entry.memo, "c": comments}
    return number, codes, "".join(letter for letter, there in said.items() if there)
