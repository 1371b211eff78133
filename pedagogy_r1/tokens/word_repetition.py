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
import numpy.typing as npt
import pandas as pd

from .tokenizer import Ids, Ints, Tokens

Bools = npt.NDArray[np.bool_]

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

    @property
    def turns(self) -> float:
        """How many times the period fits."""
        return (self.end - self.start) / self.period


@dataclass(frozen=True)
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

    stem: Bools
    earlier: Bools


def repetition(
    text: str, words: Tokens, question: Tokens | None, *, stem_n: int = STEM_N, self_n: int = SELF_N
) -> tuple[Repetition, Marks]:
    """Measures of one reasoning text, and which of its words repeat. ``question``: words of the item, if known."""
    stem, earlier = np.zeros(len(words), dtype=bool), repeats_itself(words.ids, self_n)
    why: dict[str, str] = {}
    if question is not None and len(question) >= stem_n:
        stem = repeats_other(words.ids, question.ids, stem_n)
    else:
        why["stem_repetition"] = f"the question has fewer than {stem_n} words" if question else "no question"
    if not len(words):
        why |= dict.fromkeys(
            ("stem_repetition", "self_repetition", "loop_share", "compression"), "no reasoning"
        )
        return Repetition(0, None, None, None, None, None, why), Marks(stem, earlier)
    return Repetition(
        words=len(words),
        stem_repetition=None if why else float(stem.mean()),
        self_repetition=float(earlier.mean()),
        loop_share=float(in_loops(loops(words.ids), len(words)).mean()),
        compression=compression(text),
        tail_loop=tail_loop(words.ids),
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


def in_loops(found: Sequence[Loop], length: int) -> Bools:
    """(length,) tokens that lie in a loop."""
    edges = np.array([(loop.start, loop.end) for loop in found], dtype=np.int64).reshape(-1, 2)
    return _inside(edges[:, 0], edges[:, 1], length)


def _inside(begin: Ints, end: Ints, length: int) -> Bools:
    """(length,) tokens that lie in one of the half-open stretches, which may overlap."""
    steps = np.bincount(begin, minlength=length + 1) - np.bincount(end, minlength=length + 1)
    return np.cumsum(steps[:-1]) > 0


def tail_loop(ids: Ids, *, turns: int = TURNS, least: int = LEAST) -> Loop | None:
    """The longest loop of at least ``turns`` turns and ``least`` tokens that reaches the very end, or ``None``.

    Linear: Z-function of the text read backwards. Z[p] tokens before the last p repeat them, so that the last
    p + Z[p] tokens have period p. Of equally long loops the one with the smallest period is taken.
    """
    best: Loop | None = None
    for period, match in enumerate(_z([int(i) for i in ids[::-1]])):
        length = period + match
        long_enough = length >= max(least, turns * period)
        if period and long_enough and (best is None or length > best.end - best.start):
            best = Loop(len(ids) - length, len(ids), period)
    return best


def _z(text: Sequence[int]) -> list[int]:
    """(len,) longest common beginning of the text and each of its ends (Gusfield 1997, §1.4)."""
    z = [0] * len(text)
    left = right = 0
    for i in range(1, len(text)):
        reach = min(right - i, z[i - left]) if i < right else 0
        while i + reach < len(text) and text[reach] == text[i + reach]:
            reach += 1
        z[i] = reach
        if i + reach > right:
            left, right = i, i + reach
    return z


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


def _covered(starts: Bools, n: int) -> Bools:
    """(len + n − 1,) tokens that lie in an n-gram whose first token is marked; (len,) n-gram starts in."""
    begin = np.flatnonzero(starts)
    return _inside(begin, begin + n, len(starts) + n - 1)


def repeats_itself(ids: Ids, n: int) -> Bools:
    """(len,) tokens in an n-gram that began earlier in the same text too."""
    ranks = ngram_ranks(ids, n)
    if not len(ranks):
        return np.zeros(len(ids), dtype=bool)
    return _covered(pd.Series(ranks).duplicated().to_numpy(), n)


def repeats_other(ids: Ids, other: Ids, n: int) -> Bools:
    """(len,) tokens of ``ids`` in an n-gram that occurs in ``other``."""
    if len(ids) < n or len(other) < n:
        return np.zeros(len(ids), dtype=bool)
    ranks = ngram_ranks(np.concatenate([other, ids]), n)
    known = np.zeros(int(ranks.max()) + 1, dtype=bool)
    known[ranks[: len(other) - n + 1]] = True
    return _covered(known[ranks[len(other) :]], n)
