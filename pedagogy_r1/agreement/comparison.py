"""A comparison: α of one group of coders, with what entered it and what did not.

A–B      human–human      α = .74  [.66, .81] over units, [.61, .84] over traces
A–cues   human–machine    α = .41  …
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any, Literal

import numpy as np

from ..codebook import NONE
from .additive import Ints
from .alpha import Alpha, Reliability, krippendorff_alphas
from .coefficients import Coefficient, chance_corrected, cohen_kappa, percent_agreement
from .profile import MISSING, value_counts
from .reliability import ReliabilityData

Kind = Literal["human-human", "human-machine", "machine-machine", "all"]


@dataclass(frozen=True)
class CodeAlpha:
    """α of one code's presence or absence, and how often the code was given (``prevalence``, share of values)."""

    code: str
    prevalence: float | None
    result: Alpha


@dataclass(frozen=True)
class Comparison:
    """Agreement within ``coders``.

    ``coverage``: per coder, the share of all units that this coder coded. ``dropped``: units that do not enter,
    by reason. ``sets``: α of the sets of codes, by distance, where a coder gave second codes. ``beside``: percent
    agreement, κ and AC1. ``missing``: per coder, recorded reasons for missing codings.
    """

    coders: tuple[str, ...]
    kind: Kind
    level: str
    result: Alpha
    per_code: tuple[CodeAlpha, ...]
    sets: dict[str, Alpha]
    beside: tuple[Coefficient, ...]
    coverage: dict[str, float]
    dropped: dict[str, int]
    missing: dict[str, dict[str, int]]

    def as_json(self) -> dict[str, Any]:
        """The object that ``pcode agreement --json`` lists under ``comparisons``."""
        return {
            "coders": list(self.coders),
            "kind": self.kind,
            **_flat(self.result),
            "level": self.level,
            "per_code": [
                {"code": c.code, "prevalence": c.prevalence, **_flat(c.result)} for c in self.per_code
            ],
            "sets": {name: _flat(alpha) for name, alpha in self.sets.items()},
            "beside": [asdict(coefficient) for coefficient in self.beside],
            "coverage": self.coverage,
            "dropped": self.dropped,
            "missing": self.missing,
        }


def _flat(result: Alpha) -> dict[str, Any]:
    return asdict(result) | {
        "undefined_share": dict(zip(("units", "traces"), result.undefined_share, strict=True))
    }


def groups(data: ReliabilityData) -> list[tuple[tuple[str, ...], Kind]]:
    """Who is compared with whom: every pair; all humans, if more than two; everybody, if more than two."""
    humans = tuple(c.name for c in data.coders if c.kind == "human")
    found: list[tuple[tuple[str, ...], Kind]] = []
    for first, second in combinations(data.coders, 2):
        found.append(((first.name, second.name), _kind(first.kind, second.kind)))
    if len(humans) > 2:
        found.append((humans, "human-human"))
    if len(data.coders) > 2:
        found.append((tuple(c.name for c in data.coders), "all"))
    order: list[Kind] = ["human-human", "human-machine", "machine-machine", "all"]
    return sorted(found, key=lambda group: (order.index(group[1]), len(group[0])))


def _kind(first: str, second: str) -> Kind:
    if first != second:
        return "human-machine"
    return "human-human" if first == "human" else "machine-machine"


def compare(data: ReliabilityData, kind: Kind, *, replicates: int = 1000, seed: int = 0) -> Comparison:
    """Agreement of all coders of ``data``: on the primary code, on each code's presence, and on the sets of codes."""
    names = tuple(coder.name for coder in data.coders)
    coded = data.primary != MISSING
    given = coded.sum(axis=0)
    sets = _sets(data)
    problems = [
        Reliability(data.on_scale(), data.cluster, data.scale or len(data.categories), data.level),
        *(Reliability(data.presence(code), data.cluster, 2) for code in data.categories),
        *(Reliability(values, data.cluster, domain, name) for name, (values, domain) in sets.items()),
    ]
    result, *rest = krippendorff_alphas(problems, replicates=replicates, seed=seed)
    return Comparison(
        coders=names,
        kind=kind,
        level=data.level,
        result=result,
        per_code=tuple(
            CodeAlpha(code, _prevalence(problem.values), alpha)
            for code, problem, alpha in zip(data.categories, problems[1:], rest, strict=False)
        ),
        sets=dict(zip(sets, rest[len(data.categories) :], strict=True)),
        beside=_beside(data, replicates, seed),
        coverage={
            name: round(float(coded[i].mean()), 6) if coded.size else 0.0 for i, name in enumerate(names)
        },
        dropped={
            "coded by nobody here": int((given == 0).sum()),
            "coded by one coder only": int((given == 1).sum()),
        },
        missing={name: _missing(data, i) for i, name in enumerate(names)},
    )


def _sets(data: ReliabilityData) -> dict[str, tuple[Ints, list[frozenset[str]]]]:
    """Sets of codes as values, with their domain; empty where nobody gave a second code."""
    if not (data.present & (data.present - 1)).any():
        return {}
    masks, place = np.unique(data.present, return_inverse=True)
    none = data.categories.index(NONE) if NONE in data.categories else -1
    domain = [
        frozenset(c for k, c in enumerate(data.categories) if mask >> k & 1 and k != none)
        for mask in masks.tolist()
    ]
    values = np.where(data.primary == MISSING, MISSING, place.reshape(data.present.shape))
    return dict.fromkeys(("masi", "jaccard"), (values, domain))


def _beside(data: ReliabilityData, replicates: int, seed: int) -> tuple[Coefficient, ...]:
    q = len(data.categories)
    kappa = (
        cohen_kappa(data.primary, data.cluster, q, replicates=replicates, seed=seed)
        if len(data.coders) == 2
        else chance_corrected(data.primary, data.cluster, q, "fleiss", replicates=replicates, seed=seed)
    )
    return (
        percent_agreement(data.primary, data.cluster, q, replicates=replicates, seed=seed),
        kappa,
        chance_corrected(data.primary, data.cluster, q, "gwet", replicates=replicates, seed=seed),
    )


def _missing(data: ReliabilityData, row: int) -> dict[str, int]:
    recorded = dict(sorted(data.missing[row].items()))
    silent = int((data.primary[row] == MISSING).sum()) - sum(recorded.values())
    return recorded | ({"not coded": silent} if silent > 0 else {})


def _prevalence(present: Ints) -> float | None:
    values = present[present != MISSING]
    return float(values.mean()) if values.size else None


@dataclass(frozen=True)
class Confusion:
    """Two values that coders gave to the same unit: how often, over all pairs of coders and pairable units."""

    codes: tuple[str, str]
    count: int


def confusions(data: ReliabilityData) -> list[Confusion]:
    """All confused pairs of primary codes, most frequent first."""
    counts = value_counts(data.primary, len(data.categories))
    together = counts.T @ counts
    found = [
        Confusion((data.categories[a], data.categories[b]), int(together[a, b]))
        for a, b in combinations(range(len(data.categories)), 2)
        if together[a, b]
    ]
    return sorted(found, key=lambda c: (-c.count, c.codes))


def most_disagreed(data: ReliabilityData, limit: int = 10) -> list[tuple[str, dict[str, str]]]:
    """Units on which the coders differ most: (unit id, coder → primary code).

    Share of disagreeing pairs first; among equals the rarer confusion, which is the more telling one, then order.
    """
    counts = value_counts(data.primary, len(data.categories))
    m = counts.sum(axis=1)
    pairs = np.maximum(m * (m - 1), 1)
    share = np.where(m >= 2, (m**2 - (counts**2).sum(axis=1)) / pairs, 0.0)
    worst = np.flatnonzero(share > 0)
    rarity = _rarest(counts, worst)
    order = sorted(range(len(worst)), key=lambda i: (-share[worst[i]], -m[worst[i]], rarity[i], worst[i]))
    return [(data.unit_ids[worst[i]], _who_said(data, int(worst[i]))) for i in order[:limit]]


def _rarest(counts: Ints, units: Sequence[int] | Ints) -> list[int]:
    together = counts.T @ counts
    return [min(int(together[a, b]) for a, b in combinations(np.flatnonzero(counts[u]), 2)) for u in units]


def _who_said(data: ReliabilityData, unit: int) -> dict[str, str]:
    return {
        coder.name: data.categories[value]
        for coder, value in zip(data.coders, data.primary[:, unit], strict=True)
        if value != MISSING
    }
