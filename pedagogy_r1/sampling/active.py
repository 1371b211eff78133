"""Active sampling: units (or traces) drawn the likelier, the more people's codes there would take away from what is unknown.

    --active runs/learned --target OA-ME          the corrected share of OA-ME as precise as so many units can make it
    --active runs/learned --contrast condition:cop:generic

DSL corrects a machine's share by Σ e_i R_i/π_i, e_i = y_i − g_i, g_i the share of the code among the units to which the machine gave
it, or gave it not. Its variance is Σ E[e_i²](1/π_i − 1)/N² and what differs between traces; with Σ π_i = n it is smallest with

    π_i ∝ √E[e_i²]        E[e²] = (p − g)² + p(1 − p)         p: how likely the code is there, by the run (`machine_guess`)

(Neyman 1934; Särndal, Swensson & Wretman 1992, 12.2; of machines: Zrnic & Candès 2024). Whole traces: π ∝ √(E[(Σ e)²]/units), for it is
units that cost. Several codes: each E[e²] over its mean, so that each code asked for counts the same.

No π is below ``floor`` times the equal one, however sure the machine is. So where it is wrong the estimate stays right and only
less precise: no unit stands for more than 1/floor times what it would in an equal sample. Taking the n least sure units instead
(uncertainty sampling) is no sample: the sure ones then have π = 0, and what the machine gets wrong there nobody sees.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..errors import ArgumentError, InputError, RunError, did_you_mean
from ..estimate import Clusters, Flags, Floats, Ints
from ..limits import ICC
from ..trace import Trace
from .machine_guess import MachineGuess
from .population import stratum_of

FLOOR = 0.25
_SMALL = 1e-12


class ActiveContrast(NamedTuple):
    """``condition:cop:generic``: traces whose ``column`` is ``a`` against those where it is ``b``."""

    column: str
    a: str
    b: str

    @classmethod
    def parse(cls, text: str) -> ActiveContrast:
        """``COLUMN:A:B``; the last colon divides, as in ``pcode report``."""
        column, _, rest = text.partition(":")
        a, _, b = rest.rpartition(":")
        if not column or not a or not b or a == b:
            raise ArgumentError(
                f"--contrast {text!r} is no comparison", "write COLUMN:A:B, as condition:cop:generic"
            )
        truth = {"right": "true", "wrong": "false"} if column == "correct" else {}
        return cls(column, truth.get(a, a), truth.get(b, b))

    def __str__(self) -> str:
        return ":".join(self)


@dataclass(frozen=True)
class Active:
    """What is asked for. ``codes``: whose shares; empty: all that the run gave. ``floor``: least probability, as a share of the equal one."""

    run: str | Path
    codes: tuple[str, ...] = ()
    contrast: ActiveContrast | None = None
    floor: float = FLOOR

    def check(self) -> None:
        """Raise `ArgumentError` for a floor that cannot be, or a code named twice."""
        if not 0 < self.floor <= 1:
            raise ArgumentError(
                f"--floor {self.floor:g} is not above 0 and at most 1",
                f"{FLOOR:g}: nothing has less than a quarter of the chance that it has in an equal sample; with 0 what the machine "
                "is sure of could not be drawn, and no correction would hold",
            )
        for code in self.codes:
            if self.codes.count(code) > 1:
                raise ArgumentError(f"--target names {code!r} twice", "name each code once")

    def as_drawn(self, target: Target) -> dict[str, Any]:
        """For ``packet.json``."""
        found: dict[str, Any] = {
            "run": str(self.run),
            "run_id": target.guess.run_id,
            "codes": list(target.names),
        }
        found |= {"contrast": str(self.contrast)} if self.contrast else {}
        return found | {"floor": self.floor}


@dataclass(frozen=True)
class Target:
    """What is to be precise, unit by unit of a population. ``codes``: numbers of the codes of ``guess``. ``rows``: (units,) rows of
    ``guess``; ``side``: (units,) 0 and 1 for the sides of a contrast, -1 outside, all 0 for shares; ``scale``: (units,) what a unit adds
    to the share (difference): 1/N, −1/N of the other side, 0 where it adds nothing. ``trace``: (units,)."""

    guess: MachineGuess
    codes: tuple[int, ...]
    rows: Ints
    trace: Ints
    side: Ints
    scale: Floats = field(init=False)

    def __post_init__(self) -> None:
        """Units that the machine left open are in no corrected share."""
        counted = self.guess.coded[self.rows] & (self.side >= 0)
        sizes = np.bincount(self.side[counted], minlength=2)
        scale = np.where(self.side == 1, -1.0, 1.0) / np.maximum(sizes[np.maximum(self.side, 0)], 1)
        object.__setattr__(self, "scale", np.where(counted, scale, 0.0))

    @property
    def names(self) -> tuple[str, ...]:
        """Of the codes."""
        return tuple(self.guess.codes[k] for k in self.codes)

    def elements(self, what: str) -> Clusters:
        """What is drawn, "units" or "traces", in the order of the population."""
        number = self.trace if what == "traces" else np.arange(len(self.rows))
        return Clusters(number, int(number.max()) + 1)

    def believed(self, code: int) -> Floats:
        """(units,) how likely the code is, as the run believes."""
        return np.asarray(self.guess.p[self.rows, code])

    def corrected_to(self, code: int) -> Floats:
        """(units,) g: the believed share of the code among the units of the side to which the machine gave it, or gave it not."""
        said = (self.guess.said[self.rows] == code).astype(np.int64)
        return self._means(self.believed(code), 2 * self.side + said)

    def level_of(self, values: Floats) -> Floats:
        """(units,) their mean over the unit's side."""
        return self._means(values, self.side)

    def _means(self, values: Floats, group: Ints) -> Floats:
        """(units,) the mean over the units of its group that add to the figure."""
        found = np.zeros(len(values))
        for own in np.unique(group):
            here = (group == own) & (self.scale != 0)
            found[group == own] = values[here].mean() if here.any() else 0.0
        return found

    def errors(self, code: int, of: Clusters) -> Floats:
        """(clusters,) E[(Σ e)²], e in units of the share: what is left for people to correct in each."""
        return expected_squares(self.believed(code), self.corrected_to(code), self.scale, of)


def expected_squares(p: Floats, g: Floats, scale: Floats, of: Clusters) -> Floats:
    """(clusters,) E[(Σ s(y − g))²], P(y = 1) = p; within a cluster the y − p correlate by `limits.ICC`."""
    spread = np.abs(scale) * np.sqrt(p * (1 - p))
    off, own, together = of.sums(np.column_stack([scale * (p - g), spread**2, spread])).T
    return np.asarray(off**2 + (1 - ICC) * own + ICC * together**2)


def target_of(
    active: Active,
    guess: MachineGuess,
    unit_ids: Sequence[str],
    trace_ids: Sequence[str],
    traces: Callable[[], Iterable[Trace]],
) -> Target:
    """``unit_ids``, ``trace_ids``: (units,) of the population. Raises `RunError` for units that the run lacks and a code that it has not,
    `InputError` for a side without units."""
    rows = guess.rows(unit_ids)
    for code in active.codes:
        if code not in guess.codes:
            raise RunError(
                f"{guess.run}: its codebook has no code {code!r}", did_you_mean(code, list(guess.codes))
            )
    given = np.bincount(guess.said[rows][guess.coded[rows]], minlength=len(guess.codes))
    chosen = [guess.codes.index(code) for code in active.codes] or np.flatnonzero(given).tolist()
    number = {trace: k for k, trace in enumerate(dict.fromkeys(trace_ids))}
    trace = np.array([number[t] for t in trace_ids], dtype=np.int64)
    side = np.zeros(len(rows), dtype=np.int64)
    if active.contrast:
        side = _sides(active.contrast, trace_ids, traces())
    target = Target(guess, tuple(chosen), rows, trace, side)
    for k, name in enumerate(active.contrast[1:] if active.contrast else ()):
        if not (target.scale[side == k] != 0).any():
            raise InputError(
                f"--contrast {active.contrast}: the machine coded no unit of {name}", "compare what it coded"
            )
    return target


def _sides(contrast: ActiveContrast, trace_ids: Sequence[str], traces: Iterable[Trace]) -> Ints:
    value = {trace.id: stratum_of(trace, (contrast.column,))[0] for trace in traces}
    known = sorted(set(value.values()))
    for name in contrast[1:]:
        if name not in known:
            raise InputError(
                f"--contrast {contrast}: no trace has {contrast.column} {name!r}", did_you_mean(name, known)
            )
    number = {contrast.a: 0, contrast.b: 1}
    return np.array([number.get(value[t], -1) for t in trace_ids], dtype=np.int64)


def worth(target: Target, of: Clusters) -> Floats:
    """(clusters,) what π should be proportional to. ``of``: the elements that are drawn, in places 0…n−1: units, or traces."""
    total = np.zeros(of.count)
    for code in target.codes:
        squares = target.errors(code, of)
        if (mean := float(squares.mean())) > 0:
            total += squares / mean
    units = of.sums(np.ones((len(of.number), 1)))[:, 0]
    return np.sqrt(total / units)


def allocation(worths: Floats, n: int, floor: float) -> Floats:
    """π in (0, 1], Σπ = n, ∝ ``worths`` (≥ 0) but at least ``floor`` n/N: the smallest Σ worth²/π there is within that.

    Where too few have any worth, the rest share what is left. Raises `ValueError` unless 1 ≤ n ≤ N.

    >>> allocation(np.array([8.0, 2, 1, 1]), 2, 0.5).round(3).tolist()
    [1.0, 0.5, 0.25, 0.25]
    """
    count = len(worths)
    if not 1 <= n <= count:
        raise ValueError(f"{n} cannot be drawn from {count}")
    least = floor * n / count
    some: Flags = worths > _SMALL * worths.max(initial=0.0)
    if n == count or not some.any():
        return np.full(count, n / count)
    if some.sum() + least * (count - some.sum()) <= n:
        return np.where(some, 1.0, (n - some.sum()) / max(count - int(some.sum()), 1))
    low, high = 0.0, 1 / float(worths[some].min())
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if np.clip(middle * worths, least, 1).sum() < n else (low, middle)
    pi = np.clip(high * worths, least, 1)
    free = (pi > least) & (pi < 1)
    if free.any():  # what halving left of rounding
        pi[free] *= (n - pi[~free].sum()) / pi[free].sum()
    return np.asarray(np.clip(pi, least, 1))
