"""Do machine coders err together? Ten that share their errors are worth less than two that do not.

    r̄ = mean correlation of the error indicators of two machines       n_eff = n / (1 + (n − 1) r̄)

An error is a primary code that differs from the reference: the adjudicated codes, or the code most humans gave.
(n_eff: the design effect of a mean of n equally correlated values, Kish 1965.)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .additive import Floats, Ints
from .profile import MISSING, value_counts


@dataclass(frozen=True)
class MachineErrors:
    """``rates``: each machine's share of errors; ``correlation``: (machines, machines), NaN-free; ``effective``: n_eff."""

    rates: tuple[float, ...]
    correlation: tuple[tuple[float, ...], ...]
    mean_correlation: float | None
    effective: float | None
    n_units: int
    why_undefined: str | None = None


def majority(values: Ints, q: int) -> Ints:
    """(units,) the code that most coders gave; ``MISSING`` where nobody coded or two codes tie."""
    counts = value_counts(values, q)
    best = counts.max(axis=1)
    tied = (counts == best[:, None]).sum(axis=1) > 1
    return np.where((best == 0) | tied, MISSING, counts.argmax(axis=1))


def machine_errors(machines: Ints, reference: Ints) -> MachineErrors:
    """``machines``: (coders, units); ``reference``: (units,). Units that all machines coded and that have a reference."""
    usable = (machines != MISSING).all(axis=0) & (reference != MISSING)
    n_units = int(usable.sum())
    if len(machines) < 2 or not n_units:
        why = (
            "fewer than two machine coders"
            if len(machines) < 2
            else "no unit has a reference and all machines' codes"
        )
        return MachineErrors((), (), None, None, n_units, why)
    errors = (machines[:, usable] != reference[usable]).astype(np.float64)
    rates = tuple(float(r) for r in errors.mean(axis=1))
    if any(r in (0.0, 1.0) for r in rates):
        return MachineErrors(
            rates, (), None, None, n_units, "a machine is always right or always wrong: no correlation"
        )
    correlation: Floats = np.corrcoef(errors)
    n = len(machines)
    mean = float((correlation.sum() - n) / (n * (n - 1)))
    effective = n / (1 + (n - 1) * mean) if 1 + (n - 1) * mean > 0 else None
    rows = tuple(tuple(float(c) for c in row) for row in correlation)
    return MachineErrors(
        rates,
        rows,
        mean,
        effective,
        n_units,
        None if effective else "errors are as negatively correlated as can be",
    )
