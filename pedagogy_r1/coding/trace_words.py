"""Words: a trace tokenized once, and its units as words for the cues to match.

    "Hmm,  no."   tokens  Hmm , ␠ no .     words  Hmm , no .

White-space tokens are left out: "let me  check" with two spaces is still "let me check".

    question   "Find the height of a right circular cylinder."
    unit       "I need to find the height of a right circular cylinder."     8 of 11 words: share .73

A word repeats if it stands in a run of n words that also stands in the other text, in the same order: n = 3 against the
question, 4 against earlier units, where short formulas recur without being filler. Punctuation and case do not
count. A unit of fewer than n words repeats nothing.

Notes ("Record: 3/4 ✗.", "The height, a right cylinder.") give the item back in no run: for them single words are counted too, stop
words left out, if there are two or more.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from spacy.tokens import Doc

STEM_RUN = 3
SELF_RUN = 4
FEWEST_WORDS = 2

WordRun = tuple[int, ...]


class TraceWords:
    """A tokenized text, white space left out, as plain lists: a Python list is faster than a ``Token`` by far."""

    def __init__(self, doc: Doc) -> None:
        rows = doc.to_array(["IDX", "LENGTH", "LOWER", "IS_SPACE", "IS_PUNCT", "LIKE_NUM"]).reshape(-1, 6)
        kept = rows[:, 3] == 0
        self.starts: list[int] = rows[kept, 0].tolist()
        self.ends: list[int] = (rows[kept, 0] + rows[kept, 1]).tolist()
        self.lower: list[int] = rows[kept, 2].tolist()
        self.is_punct: list[int] = rows[kept, 4].tolist()
        self.is_number: list[int] = rows[kept, 5].tolist()

    def within(self, start: int, end: int, text: str) -> UnitWords:
        """The words that begin in ``start:end``, where ``text`` stands."""
        first = bisect_left(self.starts, start)
        behind = bisect_left(self.starts, end, first)
        return UnitWords(self, text, start, first, behind, self.lower[first:behind])


@dataclass(slots=True)
class UnitWords:
    """A unit as its words; ``lower``: hashes of their lower-case forms. Words are counted from the unit's first, 0."""

    every: TraceWords
    text: str
    offset: int
    first: int
    behind: int
    lower: list[int]

    def content(self) -> list[int]:
        """Numbers of the words that are not punctuation."""
        flags = self.every.is_punct[self.first : self.behind]
        return [number for number, punct in enumerate(flags) if not punct]

    def is_number(self, number: int) -> bool:
        """Whether a word is a number, in digits or written out."""
        return bool(self.every.is_number[self.first + number])

    def begins_at(self, offset: int) -> int:
        """Number of the first word that begins at or behind an offset into the text."""
        return bisect_left(self.every.starts, self.offset + offset, self.first, self.behind) - self.first

    def slice(self, start: int, end: int) -> str:
        """The text from one word to behind another, as it stands in the unit."""
        begin = self.every.starts[self.first + start] - self.offset
        return self.text[begin : self.every.ends[self.first + end - 1] - self.offset]


class Repeated(NamedTuple):
    """Share of a unit's words that repeat, and from which word to which (half-open) the longest repeated stretch goes."""

    share: float
    start: int
    end: int


NOTHING = Repeated(0.0, 0, 0)


def word_runs(words: list[int], n: int) -> list[WordRun]:
    """All runs of n words, in order."""
    return list(zip(*(words[i:] for i in range(n)), strict=False))


def repeated(found: list[WordRun], seen: set[WordRun], n: int) -> Repeated:
    """How much of a unit, given as its runs of n words, stands in runs that are in ``seen``."""
    if not found or not seen or seen.isdisjoint(found):
        return NOTHING
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


def known_words(words: list[int], item: set[int], stop_words: frozenset[int]) -> Repeated:
    """How many of a unit's words, stop words left out, stand in the item; below `FEWEST_WORDS` of them, none."""
    content = [at for at, word in enumerate(words) if word not in stop_words]
    known = [at for at in content if words[at] in item]
    if not known or len(content) < FEWEST_WORDS:
        return NOTHING
    return Repeated(len(known) / len(content), known[0], known[-1] + 1)
