"""The little markup of a codebook's long texts, parsed once for every format of the manual.

    ## Decision order                          Block("heading", ("Decision order",))
    1. Does it restate the item? → UT-NF       Block("steps",   ("Does it restate the item? → UT-NF",))
    - a point                                  Block("points",  ("a point",))

Blocks are separated by blank lines; lines of one paragraph are joined. There is no inline markup.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple


class Block(NamedTuple):
    """A heading, a paragraph, or a list with one text an entry."""

    kind: Literal["heading", "paragraph", "steps", "points"]
    texts: tuple[str, ...]


_HEADING, _STEP, _POINT = re.compile(r"#{1,6}\s+"), re.compile(r"\d+[.)]\s+"), re.compile(r"[-*]\s+")


def blocks(text: str) -> list[Block]:
    """The blocks of a text, in order."""
    return [block for chunk in re.split(r"\n[ \t]*\n", text.strip()) for block in _blocks(chunk.strip())]


def _blocks(chunk: str) -> Iterator[Block]:
    if found := _HEADING.match(chunk):
        first, _, chunk = chunk.partition("\n")
        yield Block("heading", (_one_line(first[found.end() :]),))
    if _STEP.match(chunk):
        yield Block("steps", _entries(chunk, _STEP))
    elif _POINT.match(chunk):
        yield Block("points", _entries(chunk, _POINT))
    elif chunk.strip():
        yield Block("paragraph", (_one_line(chunk),))


def _entries(chunk: str, mark: re.Pattern[str]) -> tuple[str, ...]:
    entries: list[str] = []
    for line in chunk.splitlines():
        if found := mark.match(line.strip()):
            entries.append(line.strip()[found.end() :])
        else:  # a wrapped line belongs to the entry above it
            entries[-1] += " " + line
    return tuple(_one_line(entry) for entry in entries)


def _one_line(text: str) -> str:
    return " ".join(text.split())
