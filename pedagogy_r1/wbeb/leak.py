"""Leaks: texts that stand in train and in test, the same or nearly.

    A  In the International System of Units, the unit used to represent force is ( )     kilogram, decibel, newton, meter
    B  In the International System of Units, the unit used to represent time is ( )      second (s), hour (h), meter (m), …
       14 of the 24 word trigrams of the shorter one are in the other: overlap .58

A text is its words, without case, punctuation and spacing; Chinese, Japanese and Korean count by character. Two are nearly the
same where at least ``overlap`` of the shorter one's n-grams (sets of them) are in the other. Below ``least`` words a text is
compared for sameness only; and in DM ("Seven." "Seven.") not even that, since short exchanges are the same by chance: those
are counted. Which text of an item counts, its domain says.

All pairs at or above the threshold are found, none by chance: of the n-grams of the shorter text, rarest first, one of the
first (1 − overlap) · size + 1 must be shared (prefix filtering; Chaudhuri, Ganti & Kaushik 2006), so only texts that
share a rare n-gram are ever compared.
"""

from __future__ import annotations

import itertools
import math
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from ..errors import ArgumentError, PedagogyError
from .domain import domain_of
from .item import Item

_WORD = re.compile(
    r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff]|[^\W\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff]+"
)


SHOWN = 20
"""Pairs that an error prints; it holds them all."""


class Nearness(NamedTuple):
    """When two texts are nearly the same. ``n``: words an n-gram; ``least``: words a text needs to be compared."""

    overlap: float = 0.5
    n: int = 3
    least: int = 12

    def check(self) -> None:
        if not 0 < self.overlap <= 1 or self.n < 1 or self.least < 1:
            raise ArgumentError(
                f"overlap {self.overlap}, n {self.n}, least {self.least}",
                "overlap: above 0, at most 1; n and least: 1 or more",
            )


class LeakText(NamedTuple):
    """What is compared of one item. ``if_short``: whether a text below ``least`` words is compared, for sameness."""

    id: str
    text: str
    if_short: bool = True


class LeakPair(NamedTuple):
    """Two items, by id, and the share of the shorter one's n-grams that are in the other (1: all of them)."""

    first: str
    second: str
    overlap: float


class Near(NamedTuple):
    """All pairs, most alike first, and how many texts were too short to compare."""

    pairs: tuple[LeakPair, ...]
    short: int


class LeakError(PedagogyError):
    """Train and test share texts. ``pairs`` holds all of them."""

    def __init__(self, pairs: Sequence[LeakPair], items: Iterable[Item]) -> None:
        texts = {item.id: item for item in items}
        shown = "\n".join(
            f"  {pair.overlap:.2f}  {_said(texts[pair.first])}\n        {_said(texts[pair.second])}"
            for pair in pairs[:SHOWN]
        )
        more = f"\n  and {len(pairs) - SHOWN} more" if len(pairs) > SHOWN else ""
        super().__init__(
            f"nearly the same text in train and in test, {len(pairs)} pair{'s' if len(pairs) > 1 else ''}:\n{shown}{more}",
            "--leaks merge keeps such items together, --leaks drop takes them out of train, --leaks keep only lists them",
        )
        self.pairs = tuple(pairs)


def _said(item: Item) -> str:
    text = " ".join(leak_text(item).text.split())
    return f"{item.split} {item.id}: {text[:110]}{'…' if len(text) > 110 else ''}"


def leak_text(item: Item) -> LeakText:
    task = domain_of(item)
    return LeakText(item.id, task.leak_text(item), task.leaks_if_short)


def words(text: str) -> list[str]:
    """The text's words as they are compared.

    >>> words("Don’t — ADD 2.5 cm!")
    ['don', 't', 'add', '2', '5', 'cm']
    >>> words("植物 A")
    ['植', '物', 'a']
    """
    return _WORD.findall(unicodedata.normalize("NFKC", text).casefold())


def near(texts: Iterable[LeakText], how: Nearness | None = None) -> Near:
    """All pairs with nearly the same text."""
    how = how or Nearness()
    how.check()
    by_text, short = _by_text(texts, how.least)
    pairs = [LeakPair(*two, 1.0) for names in by_text.values() for two in itertools.combinations(names, 2)]
    long = [text for text in by_text if len(text) >= max(how.least, how.n)]
    for left, right, overlap in _alike([_grams(text, how.n) for text in long], how.overlap):
        both = itertools.product(by_text[long[left]], by_text[long[right]])
        pairs += [LeakPair(*two, overlap) for two in both]
    return Near(tuple(sorted(pairs, key=lambda pair: (-pair.overlap, pair.first, pair.second))), short)


def _by_text(texts: Iterable[LeakText], least: int) -> tuple[dict[tuple[str, ...], list[str]], int]:
    """Ids by the words of their text, and how many texts are too short to compare."""
    found: defaultdict[tuple[str, ...], list[str]] = defaultdict(list)
    short = 0
    for name, text, if_short in texts:
        said = tuple(words(text))
        if not if_short and len(said) < least:
            short += 1
        elif said:
            found[said].append(name)
    return found, short


def across(items: Iterable[Item], pairs: Iterable[LeakPair]) -> tuple[LeakPair, ...]:
    """The pairs of which one item is in train and the other in test."""
    side = {item.id: item.split for item in items}
    return tuple(p for p in pairs if {side[p.first], side[p.second]} == {"train", "test"})


def _grams(said: tuple[str, ...], n: int) -> frozenset[int]:
    """Hashes within this process; nothing of them is written down."""
    return frozenset(hash(said[at : at + n]) for at in range(len(said) - n + 1))


def _alike(grams: list[frozenset[int]], overlap: float) -> Iterator[tuple[int, int, float]]:
    frequency = Counter(gram for text in grams for gram in text)
    ordered = sorted(range(len(grams)), key=lambda nth: len(grams[nth]))
    postings: defaultdict[int, list[int]] = defaultdict(list)
    # From the longest down: what is in the postings is at least as long as the text that looks for it.
    for nth in reversed(ordered):
        own = grams[nth]
        shared = math.ceil(overlap * len(own))
        rare = sorted((g for g in own if frequency[g] > 1), key=lambda g: (frequency[g], g))
        alone = len(own) - len(rare)
        candidates: set[int] = set()
        for gram in rare[: max(0, len(own) - shared + 1 - alone)]:
            candidates.update(postings[gram])
        for other in candidates:
            both = len(own & grams[other])
            if both >= overlap * len(own):
                yield min(nth, other), max(nth, other), both / len(own)
        for gram in rare:
            postings[gram].append(nth)
