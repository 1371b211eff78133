"""Repetition: how much of a unit repeats the item's question, and how much repeats earlier units.

    question   "Find the height of a right circular cylinder."
    unit       "I need to find the height of a right circular cylinder."     8 of 11 words: share .73

A word repeats if it stands in a run of n words that also stands in the other text, in the same order: n = 3 against the
question, 4 against earlier units, where short formulas recur without being filler. Punctuation and case do not
count. A unit of fewer than n words repeats nothing.
"""

from __future__ import annotations

from typing import NamedTuple

STEM_RUN = 3
SELF_RUN = 4

Run = tuple[int, ...]


class Repeated(NamedTuple):
    """Share of a unit's words that repeat, and from which word to which (half-open) the longest repeated stretch goes."""

    share: float
    start: int
    end: int


def runs(words: list[int], n: int) -> list[Run]:
    """All runs of n words, in order."""
    return list(zip(*(words[i:] for i in range(n)), strict=False))


def repeated(found: list[Run], seen: set[Run], n: int) -> Repeated:
    """How much of a unit, given as its runs of n words, stands in runs that are in ``seen``."""
    if not found or not seen or seen.isdisjoint(found):
        return Repeated(0.0, 0, 0)
    covered, reach = 0, 0
    begin, best = 0, (0, 0)
    for at, run in enumerate(found):
        if run not in seen:
            continue
        if at > reach:
            begin = at
        covered += at + n - max(at, reach)
        reach = at + n
        if reach - begin > best[1] - best[0]:
            best = (begin, reach)
    return Repeated(covered / (len(found) + n - 1), *best)
