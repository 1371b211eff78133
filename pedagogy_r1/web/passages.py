"""Places in the texts of a trace: where words stand, and a passage as it is quoted. Offsets are Unicode code points, half-open.

passages(trace, "IS  it 24")                  [Passage("reasoning", 518, 526), …]
quoted(opened, Passage("reasoning", 512, 547))

    Wait, is it 24? Let me see.
    — trace aime-3, unit u4be1…, characters 512–547
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from starlette.exceptions import HTTPException

from ..trace import Trace
from .trace_view import Opened, OpenUnit

TEXTS = ("question", "reasoning", "answer")
"""In which words are looked for, in the order of the page."""


class Passage(NamedTuple):
    """A stretch of one of a trace's texts."""

    text: str
    start: int
    end: int


def passages(trace: Trace, words: str) -> list[Passage]:
    """Where the words stand, without case, white space as one blank, as in a search of the list (`index.fold`)."""
    return [
        Passage(name, start, end)
        for name in TEXTS
        for start, end in _found(getattr(trace, name) or "", words)
    ]


def _found(text: str, words: str) -> Iterator[tuple[int, int]]:
    needle = " ".join(words.casefold().split())
    if not needle:
        return
    folded: list[str] = []
    places: list[int] = []
    for place, character in enumerate(text):
        if not character.isspace():
            parts = character.casefold()
        elif folded and folded[-1] != " ":
            parts = " "
        else:
            continue
        folded += parts
        places += [place] * len(parts)
    whole, at, last = "".join(folded), 0, -1
    while (at := whole.find(needle, at)) >= 0:
        if places[at] > last:
            last = places[at + len(needle) - 1]
            yield places[at], last + 1
        at += len(needle)


def quoted(opened: Opened, passage: Passage, scheme: str = "") -> str:
    """The passage as it was written, and a last line that says where it stands. ``scheme``: of the units that are named.

    Raises 404 where the trace has no such passage.
    """
    text = getattr(opened.trace, passage.text, None) if passage.text in TEXTS else None
    if not text or not 0 <= passage.start < passage.end <= len(text):
        raise HTTPException(404, "The trace has no such passage.")
    places = [f"trace {opened.trace.id}", *_where(opened, passage, scheme)]
    places.append(f"characters {passage.start}–{passage.end}")
    return f"{text[passage.start : passage.end]}\n— {', '.join(places)}"


def _where(opened: Opened, passage: Passage, scheme: str) -> list[str]:
    """The text, where it is not the reasoning; else the units that the passage touches."""
    if passage.text != "reasoning":
        return [passage.text]
    units = [unit for part in opened.parts if scheme in ("", part.scheme) for unit in part.units]
    return _named([u for u in units if u.start < passage.end and passage.start < u.end])


def _named(units: list[OpenUnit]) -> list[str]:
    if not units:
        return []
    return [
        f"unit {units[0].id}" if len(units) == 1 else f"units {units[0].id} to {units[-1].id} ({len(units)})"
    ]
