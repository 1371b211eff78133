"""Which of a few words an answer says: ``right`` or ``wrong``, the name of a code, a level.

    words {"right": ("right", "correct"), "wrong": ("wrong", "incorrect")}
    "Answer: right\\nProbability: 0.73"             right   answer line      strict
    "Answer: Incorrect."                           wrong   answer line      strict
    "So the answer is wrong."                      wrong   statement        tolerant: which answer?
    "The student will probably get it wrong."      wrong   said in passing  tolerant
    "Answer: right or wrong"                       –       names several: right, wrong

The form asked for comes first, and its last occurrence counts; where it stands and holds no word, nothing else is read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from ..domain import Parsed
from .statement import FORMAL, Statement, key, plain, sentence, short, statements

Words = Mapping[str, Sequence[str]]
"""Each value with the ways to write it, in lower case, its own name among them if that is one."""

_HEDGE = re.compile(
    r"(?:(?:most likely|likely|probably|definitely|clearly|the|a|an|it is|is|i think|i would say)\s+)+"
)
_NOT = re.compile(r"\b(?:not|never|unlikely|fails?|unable)\b|n['’]t\b", re.I)
_JOINED = re.compile(r"[\s\"'”)]*(?:,|/|&|\band\b|\bor\b)\s*(?:not\s+)?")


def read_word(
    answer: str, words: Words, phrases: Words | None = None, nouns: Sequence[str] = ("answer",)
) -> Parsed:
    """The value that ``answer`` names. ``phrases``: what says a value in passing, as patterns. Never raises.

    >>> read_word("Answer: **No**", {"yes": ["yes"], "no": ["no"]})
    Parsed(value='no', rule='answer line', strict=True, why=None)
    """
    text = plain(answer)
    if not text.strip():
        return Parsed(None, why="the answer is empty")
    stated = statements(text, nouns)
    formal = [s for s in stated if s.rule in FORMAL]
    if formal:
        return _of(formal[-1], words, phrases, strict=True)
    alone = [Statement("whole answer", text.strip(), 0)] if "\n" not in text.strip() else []
    last = [line for line in text.split("\n") if line.strip()][-1:]
    for statement, strict in [
        *((s, True) for s in alone if _names(s.text, words, alone=True)),
        *((s, False) for s in reversed(stated) if _names(s.text, words)),
        *((Statement("last line", line, 0), False) for line in last if _names(line, words, alone=True)),
    ]:
        return _of(statement, words, phrases, strict=strict)
    return _in_passing(text, phrases) or Parsed(None, why=f"none of {_listed(words)} is named")


def _of(statement: Statement, words: Words, phrases: Words | None, *, strict: bool) -> Parsed:
    named = _names(statement.text, words)
    if len(named) > 1:
        return Parsed(None, why=f"{statement.rule}: names several: {', '.join(named)}")
    if named:
        return Parsed(named[0], statement.rule, strict)
    passing = None if short(statement.text) else _in_passing(statement.text, phrases)
    return passing or Parsed(
        None, why=f"{statement.rule}: {statement.text[:60]!r} is none of {_listed(words)}"
    )


def _names(text: str, words: Words, *, alone: bool = False) -> list[str]:
    """Values that the text begins with; several where they are joined. ``alone``: and nothing else stands there."""
    folded = " ".join(re.sub(r"[_-]+", " ", key(text)).split())
    hedge = _HEDGE.match(folded)
    starts = [folded, folded[hedge.end() :]] if hedge else [folded]
    for start in starts:
        found: list[str] = []
        while named := _first(start, words):
            value, end = named
            found.append(value)
            start = start[end:]
            joined = _JOINED.match(start)
            if not joined:
                break
            start = start[joined.end() :]
        if found and not (alone and start):
            return list(dict.fromkeys(found))
    return []


def _first(text: str, words: Words) -> tuple[str, int] | None:
    """The longest writing that ``text`` begins with: its value, and where it ends."""
    fits = [
        (len(word), value)
        for value, writings in words.items()
        for word in writings
        if text.startswith(word) and not re.match(r"\w|['’]\w", text[len(word) :])
    ]
    if not fits:
        return None
    length, value = max(fits)
    return value, length


def _in_passing(text: str, phrases: Words | None) -> Parsed | None:
    found = {
        value
        for value, patterns in (phrases or {}).items()
        for pattern in patterns
        for match in re.finditer(pattern, text, re.I)
        if not _NOT.search(text[sentence(text, match.start())[0] : match.end()])
    }
    if len(found) > 1:
        return Parsed(None, why=f"said in passing: names several: {', '.join(sorted(found))}")
    return Parsed(found.pop(), "said in passing") if found else None


def _listed(words: Words) -> str:
    return ", ".join(words)
