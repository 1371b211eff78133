"""Drawing with probabilities that are known exactly: so many from each stratum, and those down a shuffled list.

    stratum SK | cop     a     b     c     d     e            2 of 5, π = .4 each
    reaches to           .4    .8    1.2   1.6   2.0          start u = .55, drawn at .55 and 1.55
    drawn                      ×           ×                  a point falls into an element's stretch with probability π

How many of each stratum is `balance.rounded`: its expectation, rounded down or up at random. Within the stratum it is
systematic sampling (Madow 1949; Särndal, Swensson & Wretman 1992, 3.4): exactly that number, and every run of
neighbours gets its share, so that units that lie trace by trace are drawn from all traces. Both leave π what it is, and
no stratum, however small, has probability 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import fsum

from ..errors import InputError
from .hash_random import chance
from .random_rounding import rounded

_CERTAIN = 1 - 1e-9


def how_many(share: float, of: int) -> int:
    """``share`` of ``of``, rounded half up, at least 1.

    >>> how_many(0.33, 42)
    14
    """
    return max(1, min(of, int(share * of + 0.5)))


def probabilities(weights: Sequence[float], n: int) -> list[float]:
    """π in (0, 1], Σπ = n, proportional to ``weights`` (> 0); what would exceed 1 is certain, and the rest shares what is left.

    Raises `InputError` unless 1 ≤ n ≤ number of weights.

    >>> probabilities([8, 1, 1, 1, 1, 1], 2)
    [1.0, 0.2, 0.2, 0.2, 0.2, 0.2]
    """
    if not 1 <= n <= len(weights):
        raise InputError(
            f"{n} cannot be drawn from {len(weights)}", f"draw at least 1 and at most {len(weights)}"
        )
    if n == len(weights):
        return [1.0] * n
    certain = [False] * len(weights)
    while True:
        scale = (n - sum(certain)) / fsum(w for w, sure in zip(weights, certain, strict=True) if not sure)
        now = [sure or w * scale >= _CERTAIN for w, sure in zip(weights, certain, strict=True)]
        if now == certain:
            return [1.0 if sure else w * scale for w, sure in zip(weights, certain, strict=True)]
        certain = now


def draw(
    pi: Sequence[float], strata: Sequence[tuple[str, ...]], shuffled: Sequence[int], seed: int, purpose: str
) -> list[bool]:
    """Which elements are drawn. ``pi``: of each element, the same within a stratum; ``strata``: of each element;
    ``shuffled``: the elements' places in random order, neighbours being spread over."""
    members: dict[tuple[str, ...], list[int]] = {}
    for i in shuffled:
        members.setdefault(strata[i], []).append(i)
    names = sorted(members)
    expected = [len(members[s]) * pi[members[s][0]] for s in names]
    drawn = [False] * len(pi)
    for stratum, n in zip(names, rounded(expected, names, seed, purpose), strict=True):
        start = chance(seed, f"{purpose} start", "\0".join(stratum))
        for place in systematic(len(members[stratum]), n, start):
            drawn[members[stratum][place]] = True
    return drawn


def systematic(size: int, n: int, start: float) -> list[int]:
    """The ``n`` of ``size`` places at which the points start, start + 1, … fall, each place n/size long.

    >>> systematic(5, 2, 0.55)
    [1, 3]
    """
    # Exact: rounded, a start just below 1 would make two points fall on one place.
    fine = int(start * 2**53)
    return [((k << 53) + fine) * size // (n << 53) for k in range(n)]
