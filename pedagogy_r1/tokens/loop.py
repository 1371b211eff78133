"""Loops: a stretch of text repeated at once, three times or more, as models do that have got stuck.

    … so I try again. │ Let me check. │ Let me check. │ Let me check. │     period 4, 12 tokens, reaches the end

With m the power of two just above a period p, a loop of three turns shows itself in the m-grams: each of them, one
period in, last occurred exactly p tokens ago (a word as long as the period fits a periodic stretch at multiples of
the period only). So one pass for each power of two finds every maximal loop, and the passes end as soon as no m-gram
occurs twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from .ngram import numbered, wider

if TYPE_CHECKING:
    from .ngram import Bools, Ids, Ints

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


def loops(ids: Ids, *, least: int = LEAST) -> list[Loop]:
    """All maximal loops of at least three turns and ``least`` tokens, by start; ``period`` is the smallest one."""
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
    import numpy as np
    import pandas as pd

    places = pd.Series(np.arange(len(ranks)))
    last = places.groupby(ranks, sort=False).shift(fill_value=-1).to_numpy()
    return np.where(last < 0, 0, np.arange(len(ranks)) - last)


def _stretches(distance: Ints, width: int) -> list[Loop]:
    """Loops with a period in (width / 2, width]: runs of one distance, at least three turns long in all."""
    import numpy as np

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
    import numpy as np

    steps = np.zeros(length + 1, dtype=np.int64)
    for loop in found:
        steps[loop.start] += 1
        steps[loop.end] -= 1
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
