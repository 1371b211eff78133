"""Profiles: the distinct ways in which the coders' values fall on a unit, whoever gave which.

values   A: KA-RO IA-SQ KA-RO     profiles  {KA-RO: 2}            units 0, 2
         B: KA-RO TR-SP KA-RO               {IA-SQ: 1, TR-SP: 1}  unit 1
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .additive import Ints, compact

MISSING = -1


class Profiles(NamedTuple):
    """``counts``: (profiles, values) how many coders gave each value; ``profile``: (units,) of the pairable units;
    ``units``: (units,) their places in the data."""

    counts: Ints
    profile: Ints
    units: Ints


def profiles(values: Ints, n_values: int, least: int = 2) -> Profiles:
    """Collapse (coders, units) values, ``MISSING`` where there is none, to profiles of units with ``least`` values or more.

    Units are first brought down to distinct patterns (coder by coder), and the few patterns then to profiles.
    """
    pattern, of_unit = patterns(values, n_values)
    counts, of_pattern = _distinct_rows(value_counts(pattern, n_values), len(values) + 1)
    enough = counts.sum(axis=1) >= least
    place = (np.cumsum(enough) - 1)[of_pattern]
    if enough.all():
        return Profiles(counts, place[of_unit], np.arange(values.shape[1]))
    units = np.flatnonzero(enough[of_pattern][of_unit])
    return Profiles(counts[enough], place[of_unit[units]], units)


def _distinct_rows(counts: Ints, base: int) -> tuple[Ints, Ints]:
    """Distinct rows of counts below ``base``, and each row's place among them."""
    if counts.shape[1] * np.log2(base) >= 62:
        found, inverse = np.unique(counts, axis=0, return_inverse=True)
        return found, inverse.ravel()
    digits = base ** np.arange(counts.shape[1], dtype=np.int64)
    keys, inverse = np.unique(counts @ digits, return_inverse=True)
    return keys[:, None] // digits[None] % base, inverse


def patterns(values: Ints, n_values: int) -> tuple[Ints, Ints]:
    """(coders, patterns) distinct columns of ``values``, and each unit's place among them.

    A column is read as one number, base values + 1.
    """
    coders, base = len(values), n_values + 1
    if coders * np.log2(base) >= 62:
        found, inverse = np.unique(values, axis=1, return_inverse=True)
        return found, inverse.ravel().astype(np.int64)
    # The +1 that makes room for MISSING is added once, for all digits together.
    key = np.full(values.shape[1], sum(base**i for i in range(coders)), dtype=np.int64)
    for place, row in enumerate(values):
        key += row * base ** (coders - 1 - place)
    keys, inverse = compact(key)
    digits = base ** np.arange(coders - 1, -1, -1, dtype=np.int64)
    return keys[None] // digits[:, None] % base - 1, inverse


def value_counts(values: Ints, n_values: int) -> Ints:
    """(units, n_values): how many coders gave each value to each unit.

    >>> value_counts(np.array([[0, 1], [0, -1]]), 2).tolist()
    [[2, 0], [0, 1]]
    """
    units = values.shape[1]
    flat = (np.arange(units) * n_values + values)[values != MISSING]
    return np.bincount(flat, minlength=units * n_values).reshape(units, n_values)
