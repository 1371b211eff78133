"""Drawing with probabilities that are known exactly: systematic sampling down an ordered list.

    element      a     b     c     d     e            n = 2 of 5, π = .4 each
    reaches to   .4    .8    1.2   1.6   2.0          start u = .55, drawn at .55 and 1.55
    drawn              ×           ×                  a point falls into an element's stretch with probability π

(Madow 1949; Särndal, Swensson & Wretman 1992, 3.4 and 3.6.) Whatever the probabilities, exactly n are drawn, and every run of
neighbours gets its expected number, rounded down or up: so a list ordered by stratum is a stratified sample in which no
stratum, however small, has probability 0. Within a stratum the order is random.

Random numbers are hashes of seed, purpose and id. The same seed draws the same from the same traces in any order of the
file, on any machine and with any version of a library.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from itertools import accumulate, pairwise
from math import fsum

from ..errors import InputError

_CERTAIN = 1 - 1e-9
"""Above this a stretch could, by rounding, hold two points."""


def chance(seed: int, purpose: str, key: str = "") -> float:
    """A number in [0, 1), uniform over seeds, purposes and keys."""
    text = f"{seed}\0{purpose}\0{key}".encode("utf-8", "surrogatepass")
    return (int.from_bytes(blake2b(text, digest_size=8).digest()) >> 11) / 2**53


def how_many(share: float, of: int) -> int:
    """``share`` of ``of``, rounded half up, at least 1.

    >>> how_many(0.33, 42)
    14
    """
    return max(1, min(of, int(share * of + 0.5)))


def probabilities(weights: Sequence[float], n: int) -> list[float]:
    """π in (0, 1], Σπ = n, proportional to ``weights`` (> 0); what would exceed 1 is certain, and the rest shares what is left.

    Raises `InputError` unless 1 ≤ n ≤ number of weights.

    >>> probabilities([5, 1, 1, 1, 1, 1], 2)
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
        open_ = [not sure for sure in certain]
        scale = (n - sum(certain)) / fsum(w for w, o in zip(weights, open_, strict=True) if o)
        now = [not o or w * scale >= _CERTAIN for w, o in zip(weights, open_, strict=True)]
        if now == certain:
            return [1.0 if sure else w * scale for w, sure in zip(weights, certain, strict=True)]
        certain = now


def systematic(pi: Sequence[float], start: float) -> list[bool]:
    """Which elements are drawn, down the list in its order. ``start``: uniform in [0, 1); Σπ must be a whole number."""
    open_ = [p if p < 1 else 0.0 for p in pi]
    reach = list(accumulate(open_, initial=start))
    # The sum of a long list is a little off a whole number, and a last point must not be lost by that.
    reach[-1] = round(fsum(open_)) + start
    drawn = [int(high) > int(low) for low, high in pairwise(reach)]
    return [p >= 1 or hit for p, hit in zip(pi, drawn, strict=True)]
