"""What the coder's manual says, in whatever format: made from the codebook, and of units in doubt if some are given.

    contents(load_codebook("schoen")).chapters[0].codes[0].id     "TR-SP"

Cues and features are left out. They steer the rule-based coder, and people who have seen them code by keyword: their
agreement with that coder would then say nothing. The long texts of a codebook have a little markup:

    ## Decision order                          Block("heading", ("Decision order",))
    1. Does it restate the item? → UT-NF       Block("steps",   ("Does it restate the item? → UT-NF",))
    - a point                                  Block("points",  ("a point",))

Blocks are separated by blank lines; lines of one paragraph are joined. There is no inline markup.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from .codebook import NONE, Code, Codebook, Family
from .manual_doubts import DoubtGroup

LEFT_OUT = (
    "The codebook file also holds cues and features for the rule-based coder. They are not shown here, so that "
    "people code by meaning and not by keyword."
)


TRAINING = "Code each trace yourself before you read the codes."


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


class Chapter(NamedTuple):
    """A family with its codes, in the book's order."""

    family: Family
    codes: tuple[Code, ...]


class Contents(NamedTuple):
    """What every format of the manual shows, in this order."""

    book: Codebook
    facts: tuple[tuple[str, str], ...]
    about: tuple[Block, ...]
    how: tuple[str, ...]
    looks: tuple[tuple[str, str], ...]
    chapters: tuple[Chapter, ...]
    source: tuple[Block, ...]
    footer: str
    doubts: tuple[DoubtGroup, ...] = ()


class CodeSection(NamedTuple):
    """A part of a code's page: points (rows of one text), or a table with a ``head``."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def contents(book: Codebook, doubts: Sequence[DoubtGroup] = ()) -> Contents:
    """Order the book for reading: families as listed, codes within them as listed. ``doubts``: a page of units in doubt."""
    chapters = [Chapter(f, tuple(c for c in book.codes if c.family == f.id)) for f in book.families]
    most = "1" if book.max_codes == 1 else f"1 to {book.max_codes}, the primary code first"
    facts = {
        "Codebook": book.ref,
        "Unit": book.unit,
        "Codes": str(len(book.codes)),
        "Codes a unit": most,
        "Domains": ", ".join(book.domains) or "any",
        "Digest": book.digest,
    }
    if book.level != "nominal":
        facts = facts | {"Level": book.level_words}
    return Contents(
        book=book,
        facts=tuple(facts.items()),
        about=tuple(blocks(book.about)),
        how=_how(book),
        looks=tuple(
            (look.looks + (f" ({look.more})" if look.more else ""), look.code) for look in book.looks
        ),
        chapters=tuple(chapter for chapter in chapters if chapter.codes),
        source=tuple(blocks(book.source)),
        footer=f"{book.ref} · {book.digest}",
        doubts=tuple(doubts),
    )


def _how(book: Codebook) -> tuple[str, ...]:
    one = "Give each unit exactly one code."
    several = (
        f"Give each unit one code, and at most {book.max_codes} where the unit really does several things. "
        "The first is the primary code."
    )
    always = "Every unit has a code. There is no empty coding."
    none = f"Where no code applies, write {NONE!r}. An empty cell means something else: that the unit was not coded."
    return (
        one if book.max_codes == 1 else several,
        always if book.exhaustive else none,
        "Leave a unit empty only if you cannot code it, and say why in the memo.",
        "Code alone. Do not discuss single units before everyone has finished.",
        "For a unit between two codes, read the table of rules of both before you decide.",
        LEFT_OUT,
    )


def code_sections(code: Code) -> list[CodeSection]:
    """What a code's page says below its definition, without the empty parts."""
    hits = [f"{hit.domain}: “{hit.text}”" + (f" ({hit.note})" if hit.note else "") for hit in code.hits]
    misses = [(f"{miss.domain}: “{miss.text}”", miss.code, miss.why) for miss in code.near_misses]
    found = [
        CodeSection("It belongs here", (), tuple((text,) for text in code.include)),
        CodeSection("It does not belong here", (), tuple((text,) for text in code.exclude)),
        CodeSection(
            "How to tell it from its neighbours",
            ("or", "decide"),
            tuple((rule.against, rule.rule) for rule in code.rules),
        ),
        CodeSection("Hits", (), tuple((hit,) for hit in hits)),
        CodeSection("Near misses", ("looks like it", "is", "because"), tuple(misses)),
    ]
    return [section for section in found if section.rows]
