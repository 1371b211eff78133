"""Coders' and one machine's codes of the same units, as the alternative-annotator test needs them.

{"A": {"u1": "IA-SQ", "u2": "KA-RO"}, "B": {"u1": "IA-SQ"}}, {"u1": "IA-SQ", "u2": "TR-SP"}

becomes values [[0, 1], [0, -1]] and machine [0, 2] over the domain (IA-SQ, KA-RO, TR-SP).
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import PedagogyError, RunError, did_you_mean
from .additive import Ints
from .profile import MISSING
from .reliability import ReliabilityData


@dataclass(frozen=True)
class CodedUnits:
    """What is compared. ``values``: (humans, units), ``machine``: (units,), both indices into ``domain`` or ``MISSING``;
    ``cluster``: (units,) trace of each unit, if known."""

    humans: tuple[str, ...]
    values: Ints
    machine: Ints
    domain: tuple[Any, ...]
    cluster: Ints | None


def from_reliability(
    data: ReliabilityData, machine: str, humans: Sequence[str] = (), *, sets: bool = False
) -> CodedUnits:
    """``machine`` against all human coders, or just ``humans``: primary codes, or all codes of a unit as a set."""
    _check_names(data, machine, humans)
    chosen = list(dict.fromkeys(humans)) or [c.name for c in data.coders if c.kind == "human"]
    whole = data.of([*chosen, machine])
    values, domain = _sets(whole) if sets else (whole.primary, whole.categories)
    return CodedUnits(tuple(chosen), values[:-1], values[-1], domain, whole.cluster)


def from_mappings(
    humans: Mapping[str, Mapping[Hashable, Any]],
    machine: Mapping[Hashable, Any],
    traces: Mapping[Hashable, Hashable] | None,
) -> CodedUnits:
    """``humans[coder][unit]``, ``machine[unit]``, ``traces[unit]``; a code that is ``None`` is missing."""
    units: dict[Hashable, int] = {}
    for codes in (*humans.values(), machine):
        for unit in codes:
            units.setdefault(unit, len(units))
    domain: list[Any] = []
    index: dict[Hashable, int] = {}
    rows = np.full((len(humans) + 1, len(units)), MISSING, dtype=np.int64)
    for row, (name, codes) in zip(rows, (*humans.items(), ("the machine", machine)), strict=True):
        for unit, code in codes.items():
            if code is not None:
                row[units[unit]] = _place(code, domain, index, f"{name}, unit {unit!r}")
    cluster = None if traces is None else _clusters(units, traces)
    return CodedUnits(tuple(humans), rows[:-1], rows[-1], tuple(domain), cluster)


def _check_names(data: ReliabilityData, machine: str, humans: Sequence[str]) -> None:
    kinds = {coder.name: coder.kind for coder in data.coders}
    for name in (machine, *humans):
        if name not in kinds:
            raise RunError(f"no coder is named {name!r}", did_you_mean(name, list(kinds)))
    if kinds[machine] == "human":
        machines = [name for name, kind in kinds.items() if kind == "machine"]
        raise RunError(
            f"{machine!r} is a human coder", "name a machine: " + (", ".join(machines) or "there is none")
        )
    for name in humans:
        if kinds[name] == "machine":
            raise RunError(f"{name!r} is a machine, not one of the humans", "name human coders only")


def _sets(data: ReliabilityData) -> tuple[Ints, tuple[Any, ...]]:
    """Each set of codes that occurs is a value; "none applies" is a set of its own kind, equal to itself alone."""
    masks, place = np.unique(data.present, return_inverse=True)
    values = np.where(data.primary == MISSING, MISSING, place.reshape(data.present.shape))
    names = data.categories
    return values, tuple(
        frozenset(c for k, c in enumerate(names) if mask >> k & 1) for mask in masks.tolist()
    )


def _place(code: Any, domain: list[Any], index: dict[Hashable, int], where: str) -> int:
    """Equal codes share a place; what has no hash (a list, a vector, for a metric of one's own) gets one of its own."""
    if isinstance(code, float) and math.isnan(code):
        raise PedagogyError(
            f"{where}: the code is NaN", "leave the unit out, or give None, where a code is missing"
        )
    if not isinstance(code, Hashable):
        domain.append(code)
        return len(domain) - 1
    if code not in index:
        index[code] = len(domain)
        domain.append(code)
    return index[code]


def _clusters(units: Iterable[Hashable], traces: Mapping[Hashable, Hashable]) -> Ints:
    seen: dict[Hashable, int] = {}
    for unit in units:
        if unit not in traces:
            raise PedagogyError(
                f"no trace is given for unit {unit!r}", "name the trace of every unit, or give none"
            )
    return np.array([seen.setdefault(traces[unit], len(seen)) for unit in units], dtype=np.int64)
