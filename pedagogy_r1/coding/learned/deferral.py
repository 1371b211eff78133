"""Which units a learned coder leaves open, so that among those it codes not too many are wrong.

    --error .10 --confidence .90      P(more than 10 % of the codes it gives are wrong) ≤ .10, over new traces

Calibrated by whole traces: units of a trace are alike, and a threshold that counts units as if they were drawn one by one
breaks its promise about every second time. For a threshold t let r_i be the wrong codes of trace i at least t sure, less ``error``
times all of its codes that are. With n traces, and n new ones to come, the mean of the new r differs from that of the old by
s·√(2/n) in standard deviation; t holds where mean(r) + t(confidence, n − 1)·s·√(2/n) ≤ 0. Thresholds are tried from the strictest
one down, until one does not hold: a lower one that holds by luck is not looked for. ``benchmarks/deferral.py`` measures how often the
promise is broken.

    r_i = wrong_i(t) − error · given_i(t)
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...errors import InputError
from ...formatting import shown
from .learned_model import UNREADABLE, Floats, Ints, read_arrays, write_arrays

FILE = "calibration.npz"
FEWEST = 10
"""Traces with fewer than these promise nothing: their spread is not known."""

GRID = np.round(np.arange(0.20, 0.995, 0.01), 2)
"""Thresholds that are tried."""

STRICTEST = 0.05
"""Share of units that the strictest threshold gives a code: of fewer, nobody can tell how many are wrong."""


BINS = 10
"""Bins of the calibration curve, of equal width."""


@dataclass(frozen=True)
class Calibration:
    """``curve``: of each bin of confidence its units, mean confidence, and share of codes that a teacher gave too; ``ece``: the
    expected calibration error, the mean difference of these two over units."""

    ece: float
    curve: tuple[dict[str, float], ...]


@dataclass(frozen=True)
class CalibrationData:
    """Of every coded unit of the training traces, out of fold: how sure the coder was, the share of its teachers who gave
    another code, and the number of its trace."""

    sure: Floats
    wrong: Floats
    trace: Ints

    def save(self, folder: Path) -> None:
        """Write ``calibration.npz``."""
        write_arrays(folder / FILE, vars(self))

    @classmethod
    def load(cls, folder: Path) -> CalibrationData:
        """Raises `InputError` for a file that is damaged or not there."""
        try:
            return cls(**read_arrays(folder / FILE))
        except UNREADABLE as error:
            raise InputError(
                f"{folder / FILE}: cannot be read ({error})", "fit the coder again with pcode coder fit"
            ) from None

    def curve(self) -> Calibration:
        """How often the coder was right where it was so sure."""
        number = np.minimum((self.sure * BINS).astype(int), BINS - 1)
        curve = tuple(
            {
                "units": int(mine.sum()),
                "confidence": float(self.sure[mine].mean()),
                "right": float(1 - self.wrong[mine].mean()),
            }
            for mine in (number == k for k in range(BINS))
            if mine.any()
        )
        ece = sum(b["units"] * abs(b["confidence"] - b["right"]) for b in curve) / len(self.sure)
        return Calibration(round(float(ece), 4), curve)

    def threshold(self, error: float, confidence: float) -> float:
        """How sure the coder must be of a code to give it.

        Raises `InputError` where there are too few traces to promise anything, and where no threshold keeps the promise.
        """
        from scipy.stats import t as student

        numbers, place = np.unique(self.trace, return_inverse=True)
        n = len(numbers)
        if n < FEWEST:
            raise InputError(
                f"--error needs {FEWEST} training traces to know how far traces differ, and this coder has {n}",
                "leave it out, or fit the coder on more traces",
            )
        far = float(student.ppf(confidence, n - 1)) * np.sqrt(2 / n)
        least = None
        for threshold in GRID[::-1]:
            given = self.sure >= threshold
            if given.mean() < STRICTEST:
                continue
            r = np.bincount(place, given * (self.wrong - error), n)
            if r.mean() + far * r.std(ddof=1) > 0:
                break
            least = float(threshold)
        if least is None:
            raise InputError(
                f"no code of this coder is sure enough to promise at most {shown(error, 'percent')} wrong ones with {shown(confidence, 'percent')} confidence",
                "allow more with --error, ask less with --confidence, or fit the coder on more traces",
            )
        return least
