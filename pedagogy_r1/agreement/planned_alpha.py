"""How precise will α be? Coders of a known reliability, simulated over and over on so many traces.

    α = .75, ten codes, 25 units a trace      8 traces: ±.10     32 traces: ±.05      (95 % of studies)

A unit's true code comes from its trace's own shares (Dirichlet around the overall ones). Each coder reports it with
probability √q_t, otherwise draws a code from the overall shares; q_t, the trace's reliability, is Beta with mean α. Two coders
then agree beyond chance exactly with probability α. One intraclass correlation ρ governs how unlike traces are in
both; with ρ = 0 units are independent.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from ..limits import ALPHA_TENTATIVE, LEVEL
from .profile import Floats, Ints

CELLS = 2_000_000
"""Simulated codings held at a time."""


@dataclass(frozen=True)
class Coders:
    """What is assumed: ``shares`` of the codes (sum 1), ``per_trace`` units a trace, ``icc`` ρ in [0, 1)."""

    alpha: float
    shares: tuple[float, ...]
    per_trace: int
    icc: float
    coders: int = 2


@dataclass(frozen=True)
class AlphaPrecision:
    """The α's of many studies with ``traces`` traces. ``low``, ``high``: between these lie ``level`` of them; ``shown``: how often
    the lower end of a study's interval would lie at or above the threshold; ``undefined``: how often there was no α."""

    traces: int
    mean: float | None
    low: float | None
    high: float | None
    shown: float | None
    undefined: float

    @property
    def half(self) -> float | None:
        """Half the width of a study's interval."""
        return None if self.low is None or self.high is None else (self.high - self.low) / 2


def alpha_precision(
    assumed: Coders,
    traces: int,
    *,
    threshold: float = ALPHA_TENTATIVE,
    runs: int = 500,
    seed: int = 0,
    level: float = LEVEL,
) -> AlphaPrecision:
    """Simulate ``runs`` studies. Where α is undefined in half of them or more, there is no figure."""
    alphas = np.concatenate(list(_studies(assumed, traces, runs, np.random.default_rng([seed, traces]))))
    found = alphas[~np.isnan(alphas)]
    undefined = 1 - len(found) / runs
    if undefined >= 0.5:
        return AlphaPrecision(traces, None, None, None, None, undefined)
    low, high = (float(q) for q in np.quantile(found, ((1 - level) / 2, (1 + level) / 2)))
    mean = float(found.mean())
    shown = float((found - (mean - low) >= threshold).sum() / runs)
    return AlphaPrecision(traces, mean, low, high, shown, undefined)


def _studies(assumed: Coders, traces: int, runs: int, rng: np.random.Generator) -> Iterator[Floats]:
    per_run = traces * assumed.per_trace * assumed.coders
    batch = max(1, min(runs, CELLS // per_run))
    for first in range(0, runs, batch):
        yield alphas_of(simulated(assumed, traces, min(batch, runs - first), rng), len(assumed.shares))


def simulated(assumed: Coders, traces: int, runs: int, rng: np.random.Generator) -> Ints:
    """(coders, runs, units) codes of as many studies; units lie trace by trace."""
    base, m = np.asarray(assumed.shares, float), assumed.per_trace
    if assumed.icc > 0:
        spread = (1 - assumed.icc) / assumed.icc
        shares = rng.standard_gamma(np.broadcast_to(base * spread, (runs, traces, len(base))))
        shares = np.where(shares.sum(-1, keepdims=True) > 0, shares, base)  # all can underflow at ρ near 1
        shares = shares / shares.sum(-1, keepdims=True)
        skill = rng.beta(assumed.alpha * spread, (1 - assumed.alpha) * spread, (runs, traces))
    else:
        shares = np.broadcast_to(base, (runs, traces, len(base)))
        skill = np.full((runs, traces), assumed.alpha)
    truth = _codes(np.cumsum(shares, -1)[:, :, None, :], rng.random((runs, traces, m)))
    guess = _codes(np.cumsum(base), rng.random((assumed.coders, runs, traces, m)))
    right = rng.random(guess.shape) < np.sqrt(skill)[:, :, None]
    return np.where(right, truth, guess).reshape(assumed.coders, runs, traces * m)


def _codes(steps: Floats, u: Floats) -> Ints:
    found = np.zeros(u.shape, dtype=np.int64)
    for k in range(steps.shape[-1] - 1):
        found += u > steps[..., k]
    return found


def alphas_of(values: Ints, n_codes: int) -> Floats:
    """Nominal α of each study, NaN where undefined. ``values``: (coders, runs, units), nothing missing."""
    coders, _, units = values.shape
    pairs: Sequence[tuple[int, int]] = list(combinations(range(coders), 2))
    observed = sum((values[a] != values[b]).mean(axis=1) for a, b in pairs) / len(pairs)
    total = coders * units
    counts = np.stack([(values == k).sum(axis=(0, 2)) for k in range(n_codes)], axis=1)
    expected = 1 - (counts * (counts - 1)).sum(axis=1) / (total * (total - 1))
    return np.where(expected > 0, 1 - observed / np.where(expected > 0, expected, 1.0), np.nan)
