"""Repetition, from the text alone: what needs no coder.

    stem repetition   share of the reasoning's words in an n-gram of the item's question
    self-repetition   share in an n-gram that the reasoning has used before
    loop share        share in loops of three turns or more; and the loop in which the text ends
    compression       bytes over zlib-compressed bytes: about 2–3 for prose, more where it repeats itself

    … so I try again. │ Let me check. │ Let me check. │ Let me check. │     a loop: period 4, 12 words, reaches the end

Words are spaCy's tokens without regard to case, whatever tokenizer counts. The first occurrence is never repetition.

N-grams are compared by rank, exactly and in linear time: the rank of a 2m-gram is the number of the pair (rank of its
first half, rank of its second half); numbering is a hash table's work, one pass a doubling (Karp, Miller & Rosenberg 1972).
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from ..estimate import Flags
from .tokenizer import Ids, Ints, Tokens

STEM_N = 4
SELF_N = 8
"""Words of an n-gram. Longer for repetition of itself: in mathematics, "the value of x" recurs without being noise."""
TURNS = 3
"""Fewest turns of a loop; two are a repetition, and good prose has those."""
LEAST = 12
"""Fewest tokens of a loop that is reported: not "…, …, …" or a row of dashes."""


class Loop(NamedTuple):
    """A maximal stretch of tokens ``start … end`` (half-open) in which every token equals the one ``period`` before."""

    start: int
    end: int
    period: int


@dataclass(frozen=True, slots=True)
class Repetition:
    """One trace. Shares are of its words, in [0, 1]; ``None`` where ``why`` tells the reason."""

    words: int
    stem_repetition: float | None
    self_repetition: float | None
    loop_share: float | None
    compression: float | None
    tail_loop: Loop | None
    why: dict[str, str]


@dataclass(frozen=True)
class Marks:
    """Which words of a trace repeat: (words,) each."""

    stem: Flags
    earlier: Flags


def repetition(text: str, words: Tokens, question: Tokens | None) -> tuple[Repetition, Marks]:
    """Measures of one reasoning text, and which of its words repeat. ``question``: words of the item, if known."""
    stem, earlier = np.zeros(len(words), dtype=bool), repeats_itself(words.ids, SELF_N)
    why: dict[str, str] = {}
    if question is not None and len(question) >= STEM_N:
        stem = repeats_other(words.ids, question.ids, STEM_N)
    else:
        why["stem_repetition"] = f"the question has fewer than {STEM_N} words" if question else "no question"
    if not len(words):
        why |= dict.fromkeys(
            ("stem_repetition", "self_repetition", "loop_share", "compression"), "no reasoning"
        )
        return Repetition(0, None, None, None, None, None, why), Marks(stem, earlier)
    found = loops(words.ids)
    return Repetition(
        words=len(words),
        stem_repetition=None if why else float(stem.mean()),
        self_repetition=float(earlier.mean()),
        loop_share=float(in_loops(found, len(words)).mean()),
        compression=compression(text),
        tail_loop=tail_loop(found, len(words)),
        why=why,
    ), Marks(stem, earlier)


def compression(text: str) -> float:
    """UTF-8 bytes over zlib-compressed bytes. zlib looks back 32 KB only: it sees nothing of what lies farther."""
    data = text.encode("utf-8", "surrogatepass")
    return len(data) / len(zlib.compress(data))


def loops(ids: Ids, *, least: int = LEAST) -> list[Loop]:
    """All maximal loops of at least three turns and ``least`` tokens, by start; ``period`` is the smallest one.

    With m the power of two just above a period p, a loop of three turns shows itself in the m-grams: each of them, one
    period in, last occurred exactly p tokens ago (a word as long as the period fits a periodic stretch at multiples of
    the period only). So one pass for each power of two finds every maximal loop, and the passes end as soon as no m-gram
    occurs twice.
    """
    found: list[Loop] = []
    ranks, width = numbered(ids), 1
    while 2 * len(ranks) > width:  # else no loop whose period this width would find has room
        distance = _since_last(ranks)
        if not distance.any():
            break
        found += _stretches(distance, width)
        ranks = wider(ranks, width)
        width *= 2
    return sorted(loop for loop in found if loop.end - loop.start >= least)


def _since_last(ranks: Ints) -> Ints:
    """(len,) how long ago the same rank stood; 0 where never."""
    places = pd.Series(np.arange(len(ranks)))
    last = places.groupby(ranks, sort=False).shift(fill_value=-1).to_numpy()
    return np.where(last < 0, 0, np.arange(len(ranks)) - last)


def _stretches(distance: Ints, width: int) -> list[Loop]:
    """Loops with a period in (width / 2, width]: runs of one distance, at least three turns long in all."""
    edges = np.flatnonzero(np.diff(distance)) + 1
    begin = np.concatenate([[0], edges])
    end = np.concatenate([edges, [len(distance)]])
    period = distance[begin]
    fits = (2 * period > width) & (period <= width)
    total = period + (end - begin) - 1 + width
    rows = np.flatnonzero(fits & (total >= TURNS * period))
    return [Loop(int(begin[i] - period[i]), int(end[i] - 1 + width), int(period[i])) for i in rows]


def in_loops(found: Sequence[Loop], length: int) -> Flags:
    """(length,) tokens that lie in a loop."""
    edges = np.array([(loop.start, loop.end) for loop in found], dtype=np.int64).reshape(-1, 2)
    return _inside(edges[:, 0], edges[:, 1], length)


def _inside(begin: Ints, end: Ints, length: int) -> Flags:
    """(length,) tokens that lie in one of the half-open stretches, which may overlap."""
    steps = np.bincount(begin, minlength=length + 1) - np.bincount(end, minlength=length + 1)
    return np.cumsum(steps[:-1]) > 0


def tail_loop(found: Sequence[Loop], length: int) -> Loop | None:
    """The longest of all `loops` of a text of ``length`` tokens that reaches the very end, or ``None``."""
    return min((loop for loop in found if loop.end == length), default=None)


def numbered(values: Ints | Ids) -> Ints:
    """(n,) 0, 1, 2 … in order of first occurrence; equal values get equal numbers."""
    return pd.factorize(values)[0].astype(np.int64)


def wider(ranks: Ints, shift: int) -> Ints:
    """Ranks of (m + shift)-grams from those of m-grams, ``shift`` ≤ m."""
    if len(ranks) <= shift:
        return ranks[:0]
    return numbered(ranks[:-shift] * (int(ranks.max()) + 1) + ranks[shift:])


def ngram_ranks(ids: Ints | Ids, n: int) -> Ints:
    """(len − n + 1,) equal numbers for equal n-grams; empty where the text is shorter than n."""
    if n < 1:
        raise ValueError(f"an n-gram has at least one token, not {n}")
    ranks, width = numbered(ids), 1
    while width < n and len(ranks):
        shift = min(width, n - width)
        ranks = wider(ranks, shift)
        width += shift
    return ranks


def _covered(starts: Flags, n: int, length: int) -> Flags:
    """(length,) tokens that lie in an n-gram whose first token is marked; (length − n + 1,) n-gram starts in."""
    begin = np.flatnonzero(starts)
    return _inside(begin, begin + n, length)


def repeats_itself(ids: Ids, n: int) -> Flags:
    """(len,) tokens in an n-gram that began earlier in the same text too."""
    again = pd.Series(ngram_ranks(ids, n)).duplicated()
    return _covered(again.to_numpy(), n, len(ids))


def repeats_other(ids: Ids, other: Ids, n: int) -> Flags:
    """(len,) tokens of ``ids`` in an n-gram that occurs in ``other``."""
    ranks = ngram_ranks(np.concatenate([other, ids]), n)
    known = np.isin(ranks[len(other) :], ranks[: max(0, len(other) - n + 1)])
    return _covered(known, n, len(ids))
