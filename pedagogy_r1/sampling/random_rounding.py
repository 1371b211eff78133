"""Rounding at random so that every number keeps its expectation, and sums keep theirs as closely as whole numbers can.

    14 of 42 traces      generic   cop            generic   cop
    SK                   1.33      1.33      →    1         2           each cell up or down, up with probability .33;
    PK                   1.33      1.33           2         1           each row, column and the total
    …                                                                   as near its own expectation as can be

Were every stratum rounded for itself, the sample's size would be left to chance, and its share of a condition too; were
they rounded one after another (systematically), every second stratum might be taken, and with it one condition
alone. This is the cube method (Deville & Tillé 2004, *Biometrika* 91, 893–912) on the strata's fractions: a random walk that
moves along directions in which the sums do not change, until each fraction is 0 or 1. No step changes an expectation, so
the probabilities are exact; where no direction is left, the last sum is given up.
"""

from __future__ import annotations

from collections.abc import Sequence

from .hash_random import chance

MOST_LEVELS = 20
"""A field with more values than this (items, say) has no sums of its own to keep."""

_EPS = 1e-9


def rounded(
    expected: Sequence[float], labels: Sequence[tuple[str, ...]], seed: int, purpose: str
) -> list[int]:
    """Whole numbers beside ``expected``, each rounded up with probability of its fraction.

    ``labels``: for each number, its value in each field; the total of all and of each value are kept, those of fields with
    few values (condition) rather than those of many (domain). The total is kept exactly, if it is whole.
    """
    floors = [int(e + _EPS) for e in expected]
    x = [min(1.0, max(0.0, e - low)) for e, low in zip(expected, floors, strict=True)]
    waiting = [i for i in range(len(x)) if _EPS < x[i] < 1 - _EPS]
    waiting.sort(key=lambda i: chance(seed, f"{purpose} order", "\0".join(labels[i])))
    sums = _sums(labels, waiting)
    active: list[int] = []
    step = 0
    while True:
        active = [i for i in active if _EPS < x[i] < 1 - _EPS]
        while waiting and len(active) <= len(sums):
            active.append(waiting.pop())
        if not active:
            break
        direction = _unmoved([[float(row[i]) for i in active] for row in sums])
        if direction is None:
            sums.pop()
            continue
        _move(x, active, direction, chance(seed, purpose, str(step)))
        step += 1
    return [low + round(part) for low, part in zip(floors, x, strict=True)]


def _sums(labels: Sequence[tuple[str, ...]], of: Sequence[int]) -> list[list[int]]:
    """Rows of 0 and 1 over all numbers: the total, then all but one value of each field (the rest follows)."""
    rows = [[1] * len(labels)]
    fields = [
        sorted({(field, labels[i][field]) for i in of}) for field in range(len(labels[0]) if labels else 0)
    ]
    for values in sorted(fields, key=len):
        if len(values) <= MOST_LEVELS:
            rows += [[int(own[field] == value) for own in labels] for field, value in values[1:]]
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
