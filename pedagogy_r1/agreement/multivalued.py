"""α for coders who may give several codes to a unit: two answers to what chance would do.

    set-valued α (Jaccard, MASI)   chance draws whole *sets*, as often as they were used    `alpha.krippendorff_alpha`
    multi-valued α                 chance draws how many codes, then the *codes*, one by one  here

Krippendorff & Craggs 2016, *The Reliability of Multi-Valued Coding of Data*: δ is 1 − 2|C∩K| / (|C| + |K|), D_o as ever,

    D_e = Σ_|C| Σ_|K| P_|C| P_|K| · Σ_C Σ_K w_CK δ_CK / Σ_C Σ_K w_CK
    w_CK = Π_{c∈C} n_c · Π_{k∈K∖C} n_k · Π_{k∈C∩K} (n_k − 1)

P_|C|: share of pairable codings with |C| codes; n_c: how often code c was given in pairable units. The sums run over
all sets of that many codes. The two answers differ (on the paper's Table 3, .344 with sets and .287 with codes).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, permutations
from math import prod

CodeSet = frozenset[str]

MOST_SETS = 2_000_000
"""Pairs of sets that the expected disagreement may run over; ten codes, two a unit, need 3,025."""


@dataclass(frozen=True)
class MultiValued:
    """Multi-valued α or why it is undefined, D_o, D_e, and how many units and codings were pairable."""

    alpha: float | None
    why_undefined: str | None
    observed: float | None
    expected: float | None
    n_units: int
    n_pairable: int


def multivalued_alpha(units: Sequence[Sequence[CodeSet | None]]) -> MultiValued:
    """Multi-valued nominal α. ``units``: for each unit one set of codes a coder; ``None`` is missing, ``∅`` is "none"."""
    pairable = [[s for s in unit if s is not None] for unit in units]
    pairable = [unit for unit in pairable if len(unit) >= 2]
    n = sum(len(unit) for unit in pairable)
    if not pairable:
        return MultiValued(None, "no unit was coded by two coders", None, None, 0, 0)
    observed = sum(_unit_disagreement(unit) for unit in pairable) / n
    expected = _expected([s for unit in pairable for s in unit])
    if isinstance(expected, str) or expected == 0:
        why = expected if isinstance(expected, str) else "all pairable codings are the same"
        return MultiValued(None, why, observed, None, len(pairable), n)
    return MultiValued(1 - observed / expected, None, observed, expected, len(pairable), n)


def _distance(a: CodeSet, b: CodeSet) -> float:
    return 1 - 2 * len(a & b) / (len(a) + len(b)) if a or b else 0.0


def _unit_disagreement(unit: Sequence[CodeSet]) -> float:
    return sum(_distance(a, b) for a, b in permutations(unit, 2)) / (len(unit) - 1)


def _expected(sets: Sequence[CodeSet]) -> float | str:
    """D_e, or why it cannot be had."""
    used = Counter(code for s in sets for code in s)
    sizes = {size: count / len(sets) for size, count in Counter(len(s) for s in sets).items()}
    candidates = {size: [frozenset(c) for c in combinations(sorted(used), size)] for size in sizes}
    if sum(len(a) * len(b) for a in candidates.values() for b in candidates.values()) > MOST_SETS:
        return "too many codes a unit to run over all sets of codes; use set-valued α instead"
    total = 0.0
    for first, second in ((a, b) for a in sizes for b in sizes):
        pairs = [(c, k, _weight(c, k, used)) for c in candidates[first] for k in candidates[second]]
        mass = sum(weight for _, _, weight in pairs)
        if mass:
            total += (
                sizes[first] * sizes[second] * sum(_distance(c, k) * weight for c, k, weight in pairs) / mass
            )
    return total


def _weight(c: CodeSet, k: CodeSet, used: Counter[str]) -> int:
    return prod(used[x] for x in c) * prod(used[x] for x in k - c) * prod(used[x] - 1 for x in c & k)
