"""What an active sample would save: the errors to be expected of corrected figures, beside those of a sample with equal probabilities
in which people code as many units.

    OA-ME    4.5 %    300 units: equal ± 1.9 points, active ± 1.3 (as 2.1 times the effective sample; equal ones would need 690)

    v = Σ_c E[(Σ y − share)²]/N² + Σ_g E[(Σ e)²](1/π_g − 1)/N²          effective sample = share (1 − share) / v

c: items (traces where each has its own), whose differences no sample makes smaller; g: what is drawn; e: what the machine leaves to
correct (`active`). All of it is from the run's own probabilities: what the run does not know of its errors is not in it, and out of fold it
knows more of them than of traces it was trained on.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from math import sqrt
from typing import Any

import numpy as np

from ..estimate import Clusters, Floats
from .active import Target, expected_squares
from .draw_sample import DrawnSample


@dataclass(frozen=True)
class PlannedShare:
    """``share``: what the run believes (of a contrast: the difference); ``equal``, ``active``: standard errors of the corrected figure;
    ``times``: (equal/active)², the ratio of effective samples; ``needed``: units of an equal sample that is as precise;
    ``equal_size``, ``active_size``: effective samples, None of a difference."""

    code: str
    share: float
    equal: float
    active: float
    times: float
    needed: int
    equal_size: float | None
    active_size: float | None


@dataclass(frozen=True)
class ActivePlan:
    """``units``: expected to be coded, in either sample, of ``population_units``; ``low``, ``high``: of π. ``kish``: units of an equal
    sample that weigh as much, (Σw)²/Σw²: what is left of them for a figure of which the machine knows nothing. ``left_open``: units
    that the machine left open."""

    what: str
    drawn: int
    population: int
    units: float
    population_units: int
    low: float
    high: float
    kish: float
    left_open: int
    contrast: str | None
    rows: tuple[PlannedShare, ...]

    def as_json(self) -> dict[str, Any]:
        """Of plain types."""
        return asdict(self)


def active_plan(sample: DrawnSample) -> ActivePlan:
    """Of an active sample; what was drawn in the end plays no part, only how likely it was."""
    design, target = sample.design, sample.target
    if design.active is None or target is None:
        raise ValueError("the sample is not an active one")
    contrast = str(design.active.contrast) if design.active.contrast else None
    return planned(target, design.what, np.array(sample.drawing.pi), contrast)


def planned(target: Target, what: str, pi: Floats, contrast: str | None = None) -> ActivePlan:
    """``pi``: (elements,) of what is drawn, units or traces."""
    of = target.elements(what)
    sizes = of.sums(np.ones((len(target.rows), 1)))[:, 0]
    units, every = float(pi @ sizes), len(target.rows)
    return ActivePlan(
        what=what,
        drawn=round(float(pi.sum())),
        population=of.count,
        units=units,
        population_units=every,
        low=float(pi.min()),
        high=float(pi.max()),
        kish=every**2 / float(sizes @ (1 / pi)),
        left_open=int((~target.guess.coded[target.rows]).sum()),
        contrast=contrast,
        rows=tuple(_row(target, code, of, pi, units / every) for code in target.codes),
    )


def _row(target: Target, code: int, of: Clusters, pi: Floats, chance: float) -> PlannedShare:
    """``chance``: π of every unit in an equal sample of as many units."""
    believed, scale = target.believed(code), target.scale
    share = float(scale @ believed)
    items = Clusters.of(target.guess.item[target.rows].tolist())
    between = float(expected_squares(believed, target.level_of(believed), scale, items).sum())
    left = target.errors(code, of)
    equal, active = (float(left @ (1 / of_each - 1)) for of_each in (np.full(of.count, chance), pi))
    errors = sqrt(between + equal), sqrt(between + active)
    needed = len(target.rows) / (1 + active / float(left.sum())) if left.sum() > 0 else 0.0
    spread = None if (scale < 0).any() else share * (1 - share)
    sizes = [None if spread is None else spread / e**2 if e > 0 else float(len(scale)) for e in errors]
    times = (errors[0] / errors[1]) ** 2 if errors[1] > 0 else 1.0
    return PlannedShare(target.guess.codes[code], share, *errors, times, round(needed), sizes[0], sizes[1])
