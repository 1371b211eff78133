"""A coder against reference codes: precision, recall and F1 of every code, prevalence and bias.

    code    precision        recall           F1               reference   coder    bias
    IA-SQ   .92 [.81, 1.0]   .61 [.42, .78]   .73 [.56, .86]   4.1 %       2.7 %    −1.4 points

The reference is a coder too: the adjudicated codes, or one person's. A code counts where it was given as primary or as
second code. Intervals are percentile intervals over traces.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .additive import Additive, Floats, Ints, over_clusters, percentile
from .profile import MISSING
from .reliability import ReliabilityData


@dataclass(frozen=True)
class Share:
    """A share or a difference of shares, or why there is none, with a 95 % interval over traces."""

    value: float | None
    ci: tuple[float, float] | None
    why_undefined: str | None = None


@dataclass(frozen=True)
class CodeAccuracy:
    """``bias``: the coder's prevalence minus the reference's. ``n_units``: units that both coded."""

    code: str
    precision: Share
    recall: Share
    f1: Share
    reference_prevalence: Share
    prevalence: Share
    bias: Share
    n_units: int


# Sums per unit: 0 both gave the code, 1 the coder alone, 2 the reference alone, 3 units.
_MEASURES: dict[str, tuple[Callable[[Floats], Floats], Callable[[Floats], Floats], str]] = {
    "precision": (lambda s: s[:, 0], lambda s: s[:, 0] + s[:, 1], "the coder never gave the code"),
    "recall": (lambda s: s[:, 0], lambda s: s[:, 0] + s[:, 2], "the reference never has the code"),
    "f1": (lambda s: 2 * s[:, 0], lambda s: 2 * s[:, 0] + s[:, 1] + s[:, 2], "nobody gave the code"),
    "reference_prevalence": (lambda s: s[:, 0] + s[:, 2], lambda s: s[:, 3], "no unit was coded by both"),
    "prevalence": (lambda s: s[:, 0] + s[:, 1], lambda s: s[:, 3], "no unit was coded by both"),
    "bias": (lambda s: s[:, 1] - s[:, 2], lambda s: s[:, 3], "no unit was coded by both"),
}


def accuracy(
    data: ReliabilityData, coder: str, reference: str, *, replicates: int = 1000, seed: int = 0
) -> tuple[CodeAccuracy, ...]:
    """Every code of ``coder`` against ``reference``, on the units that both coded. Raises `RunError` for unknown names."""
    both = data.of([coder, reference])
    units = np.flatnonzero((both.primary != MISSING).all(axis=0))
    return tuple(_code(both, code, units, replicates, seed) for code in data.categories)


def _code(data: ReliabilityData, code: str, units: Ints, replicates: int, seed: int) -> CodeAccuracy:
    given, wanted = data.presence(code)[:, units]
    # Four profiles: neither, the coder alone, the reference alone, both.
    features = np.array([[0, 0, 0, 1], [0, 1, 0, 1], [0, 0, 1, 1], [1, 0, 0, 1]], dtype=np.float64)
    profile = given + 2 * wanted
    names = list(_MEASURES)
    statistics = [
        Additive(features, profile, data.cluster[units], _ratio(*_MEASURES[name][:2])) for name in names
    ]
    draws = over_clusters(statistics, replicates, seed)
    shares = {
        name: _share(statistic, drawn, _MEASURES[name][2])
        for name, statistic, drawn in zip(names, statistics, draws, strict=True)
    }
    return CodeAccuracy(code=code, n_units=len(units), **shares)


def _ratio(top: Callable[[Floats], Floats], bottom: Callable[[Floats], Floats]) -> Callable[[Floats], Floats]:
    def estimate(sums: Floats) -> Floats:
        below = bottom(sums)
        return np.asarray(np.divide(top(sums), below, out=np.full(len(sums), np.nan), where=below > 0))

    return estimate


def _share(statistic: Additive, draws: Floats, why: str) -> Share:
    value = statistic.point() if len(statistic.profile) else np.nan
    return Share(None, None, why) if np.isnan(value) else Share(float(value), percentile(draws).ci)
