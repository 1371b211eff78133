"""Drawing with probabilities that are known exactly: so many from each stratum, and those down a shuffled list.

    stratum SK | cop     a     b     c     d     e            2 of 5, π = .4 each
    reaches to           .4    .8    1.2   1.6   2.0          start u = .55, drawn at .55 and 1.55
    drawn                      ×           ×                  a point falls into an element's stretch with probability π

How many of each stratum is its expectation, rounded down or up at random (`rounded`). Within the stratum it is
systematic sampling (Madow 1949; Särndal, Swensson & Wretman 1992, 3.4): exactly that number, and every run of
neighbours gets its share, so that units that lie trace by trace are drawn from all traces. Both leave π what it is, and
no stratum, however small, has probability 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from math import fsum

_CERTAIN = 1 - 1e-9

MOST_LEVELS = 20
"""A field with more values than this (items, say) has no sums of its own to keep."""

_EPS = 1e-9

_FINE = 1 << 53


def hash_random(seed: int, purpose: str, key: str = "") -> float:
    """A number in [0, 1), uniform over seeds, purposes and keys: a hash of them, and so the same on any machine.

    The same seed draws the same from the same traces in any order of the file, with any version of any library.

    >>> round(hash_random(0, "trace", "aime-3"), 4)
    0.9972
    """
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

    Raises `ValueError` unless 1 ≤ n ≤ number of weights.

    >>> probabilities([8, 1, 1, 1, 1, 1], 2)
    [1.0, 0.2, 0.2, 0.2, 0.2, 0.2]
    """
    if not 1 <= n <= len(weights):
        raise ValueError(f"{n} cannot be drawn from {len(weights)}")
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
        start = hash_random(seed, f"{purpose} start", "\0".join(stratum))
        for place in systematic(len(members[stratum]), n, start):
            drawn[members[stratum][place]] = True
    return drawn


def draw_unequal(
    pi: Sequence[float], strata: Sequence[tuple[str, ...]], shuffled: Sequence[int], seed: int, purpose: str
) -> list[bool]:
    """As `draw`, with a ``pi`` of its own for each element; Σπ is whole, and so many are drawn.

    How many of each stratum is Σπ of it, rounded down or up in balance (`rounded`). That many fall under points one apart if the
    first of them lies in a part of [0, 1) as long as this is likely: over both, it lies anywhere, and each π is what it is.
    """
    members: dict[tuple[str, ...], list[int]] = {}
    for i in shuffled:
        members.setdefault(strata[i], []).append(i)
    names = sorted(members)
    # Whole numbers of 2⁻⁵³, so that no point is counted twice or lost; what is certain has a stretch of exactly one.
    lengths = {s: [round(pi[i] * _FINE) for i in members[s]] for s in names}
    expected = [sum(lengths[s]) / _FINE for s in names]
    drawn = [False] * len(pi)
    for stratum, n in zip(names, rounded(expected, names, seed, purpose), strict=True):
        fraction = sum(lengths[stratum]) % _FINE
        whole = sum(lengths[stratum]) // _FINE
        u = hash_random(seed, f"{purpose} start", "\0".join(stratum))
        start = int(u * fraction) if n > whole else fraction + int(u * (_FINE - fraction))
        for place in under_points(lengths[stratum], start):
            drawn[members[stratum][place]] = True
    return drawn


def under_points(lengths: Sequence[int], start: int) -> list[int]:
    """The places at which the points start, start + 1, … fall, each place as long as its entry in ``lengths``; 1 is 2⁵³.

    >>> under_points([2**52, 2**51, 2**51, 2**53], 2**52)
    [1, 3]
    """
    found, reach, point = [], 0, start
    for place, length in enumerate(lengths):
        reach += length
        if point < reach:
            found.append(place)
            point += _FINE
    return found


def systematic(size: int, n: int, start: float) -> list[int]:
    """The ``n`` of ``size`` places at which the points start, start + 1, … fall, each place n/size long.

    >>> systematic(5, 2, 0.55)
    [1, 3]
    """
    # Exact: rounded, a start just below 1 would make two points fall on one place.
    fine = int(start * 2**53)
    return [((k << 53) + fine) * size // (n << 53) for k in range(n)]


def rounded(
    expected: Sequence[float], values_of: Sequence[tuple[str, ...]], seed: int, purpose: str
) -> list[int]:
    """Whole numbers beside ``expected``, each rounded up with the probability of its fraction; sums keep theirs too.

        14 of 42 traces      generic   cop            generic   cop
        SK                   1.33      1.33      →    1         2           each cell up or down, up with probability .33;
        PK                   1.33      1.33           2         1           each row, column and the total
        …                                                                   as near its own expectation as can be

    Were every stratum rounded for itself, the sample's size would be left to luck, and its share of a condition too; were
    they rounded one after another (systematically), every second stratum might be taken, and with it one condition
    alone. This is the cube method (Deville & Tillé 2004, *Biometrika* 91, 893–912) on the strata's fractions: a random walk
    that moves along directions in which the sums do not change, until each fraction is 0 or 1. No step changes an
    expectation, so the probabilities are exact; where no direction is left, the last sum is given up.

    ``values_of``: for each number, its value in each field; the total of all and of each value are kept, those of fields with
    few values (condition) rather than those of many (domain). The total is kept exactly, if it is whole.
    """
    floors = [int(e + _EPS) for e in expected]
    x = [min(1.0, max(0.0, e - low)) for e, low in zip(expected, floors, strict=True)]
    waiting = [i for i, part in enumerate(x) if _is_open(part)]
    waiting.sort(key=lambda i: hash_random(seed, f"{purpose} order", "\0".join(values_of[i])))
    _walk(x, waiting, _sums(values_of, waiting), seed, purpose)
    return [low + round(part) for low, part in zip(floors, x, strict=True)]


def _walk(x: list[float], waiting: list[int], sums: list[list[int]], seed: int, purpose: str) -> None:
    """Move the fractions in ``x``, as many at once as there are sums to keep and one more, until none is left open."""
    active: list[int] = []
    step = 0
    while True:
        active = [i for i in active if _is_open(x[i])]
        while waiting and len(active) <= len(sums):
            active.append(waiting.pop())
        if not active:
            return
        direction = _unmoved([[float(row[i]) for i in active] for row in sums])
        if direction is None:
            sums.pop()
            continue
        _move(x, active, direction, hash_random(seed, purpose, str(step)))
        step += 1


def _is_open(fraction: float) -> bool:
    return _EPS < fraction < 1 - _EPS


def _sums(values_of: Sequence[tuple[str, ...]], of: Sequence[int]) -> list[list[int]]:
    """Rows of 0 and 1 over all numbers: the total, then all but one value of each field (the rest follows)."""
    rows = [[1] * len(values_of)]
    fields = [
        sorted({(field, values_of[i][field]) for i in of})
        for field in range(len(values_of[0]) if values_of else 0)
    ]
    for values in sorted(fields, key=len):
        if len(values) <= MOST_LEVELS:
            rows += [[int(own[field] == value) for own in values_of] for field, value in values[1:]]
    return rows


def _unmoved(rows: list[list[float]]) -> list[float] | None:
    """A direction in which no row's sum changes, by elimination; None if there is none."""
    width = len(rows[0]) if rows else 1
    pivots: list[int] = []
    for column in range(width):
        done = len(pivots)
        best = max(range(done, len(rows)), key=lambda r: abs(rows[r][column]), default=None)
        if best is None or abs(rows[best][column]) < _EPS:
            free = [0.0] * width
            free[column] = 1.0
            for r, pivot in enumerate(pivots):
                free[pivot] = -rows[r][column]
            return free
        rows[done], rows[best] = rows[best], rows[done]
        head = rows[done][column]
        rows[done] = [value / head for value in rows[done]]
        for r, row in enumerate(rows):
            if r != done and row[column]:
                factor = row[column]
                rows[r] = [a - factor * b for a, b in zip(row, rows[done], strict=True)]
        pivots.append(column)
    return None


def _move(x: list[float], active: Sequence[int], direction: Sequence[float], u: float) -> None:
    """To one end or the other of the line within the cube, each as likely as leaves the expectation where it is."""
    steps = [(i, d) for i, d in zip(active, direction, strict=True) if abs(d) > _EPS]
    forth = min((1 - x[i]) / d if d > 0 else -x[i] / d for i, d in steps)
    back = min(x[i] / d if d > 0 else (x[i] - 1) / d for i, d in steps)
    size = forth if u * (forth + back) < back else -back
    for i, d in steps:
        moved = x[i] + size * d
        x[i] = 0.0 if moved < _EPS else 1.0 if moved > 1 - _EPS else moved
