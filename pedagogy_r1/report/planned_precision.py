"""How precise will α be? Coders of a known reliability, simulated over and over on so many traces.

    α = .75, ten codes, 25 units a trace      8 traces: ±.10     32 traces: ±.05      (95 % of studies)

A unit's true code comes from its trace's own shares (Dirichlet around the overall ones). Each coder reports it with
probability √q_t, otherwise draws a code from the overall shares; q_t, the trace's reliability, is Beta with mean α. Two coders
then agree beyond chance exactly with probability α. One intraclass correlation ρ governs how unlike traces are in
both; with ρ = 0 units are independent.

How precise will a code's frequency be? By formula, from the design effect of units that come in traces.

deff = 1 + (m − 1)ρ        m units a trace, ρ their intraclass correlation (Kish 1965)
n*   = n / deff            as many independent units; the interval is Korn–Graubard's on n*, t of G − 1, G = n/m traces

5 %, 25 units a trace, ρ = .1 (deff 3.4)      n = 200: 1.1–13.6 %      n = 1,600: 3.3–7.2 %
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from ..estimate import BLOCK, Estimate, Floats, Ints, clopper_pearson, critical
from ..limits import ALPHA_TENTATIVE, LEVEL


@dataclass(frozen=True)
class Coders:
    """What is assumed: ``shares`` of the codes (sum 1), ``per_trace`` units a trace, ``icc`` ρ in [0, 1)."""

    alpha: float
    shares: tuple[float, ...]
    per_trace: int
    icc: float
    coders: int = 2


@dataclass(frozen=True)
class AlphaPrecision(Estimate):
    """The α's of many studies with so many traces (``clusters``): their mean, and between what limits ``level`` of them lie.

    ``shown``: how often the lower end of a study's interval would lie at or above the threshold; ``undefined_share``: how often
    there was no α.
    """

    shown: float | None = None


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
    known: dict[str, Any] = {"level": level, "clusters": traces, "undefined_share": undefined}
    if undefined >= 0.5:
        return AlphaPrecision.undefined("α is undefined in half of the studies or more", **known)
    low, high = (float(q) for q in np.quantile(found, ((1 - level) / 2, (1 + level) / 2)))
    mean = float(found.mean())
    shown = float((found - (mean - low) >= threshold).sum() / runs)
    return AlphaPrecision(mean, low, high, shown=shown, **known)


def _studies(assumed: Coders, traces: int, runs: int, rng: np.random.Generator) -> Iterator[Floats]:
    per_run = traces * assumed.per_trace * assumed.coders
    batch = max(1, min(runs, BLOCK // per_run))
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
    found: Ints = (u[..., None] > steps[..., :-1]).sum(axis=-1)
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


def design_effect(per_trace: float, icc: float) -> float:
    """1 + (m − 1)ρ."""
    return 1 + (per_trace - 1) * icc


def icc_of(deff: float, per_trace: float) -> float:
    """ρ behind a design effect that was seen, within [0, .95].

    >>> icc_of(design_effect(25, 0.1), 25)
    0.1
    """
    return 0.0 if per_trace <= 1 else round(min(0.95, max(0.0, (deff - 1) / (per_trace - 1))), 6)


def share_precision(
    share: float, n: int, *, per_trace: float = 1, icc: float = 0.0, level: float = LEVEL
) -> Estimate:
    """The interval to be expected around ``share`` from ``n`` units, ``per_trace`` of each trace; at least two traces are counted."""
    traces = max(2, round(n / per_trace))
    size = n / design_effect(per_trace, icc)
    low, high = clopper_pearson(share, size, critical(traces, level), level)
    return Estimate(share, low, high, level, n=n, clusters=traces)


def units_needed(
    share: float,
    half: float,
    *,
    per_trace: float = 1,
    icc: float = 0.0,
    level: float = LEVEL,
    most: int = 1_000_000,
) -> int | None:
    """The least n whose interval is no wider than ± ``half``; None beyond ``most``."""

    def narrow(n: int) -> bool:
        found = share_precision(share, n, per_trace=per_trace, icc=icc, level=level).half
        return found is not None and found <= half

    found = bisect_left(range(1, most + 1), True, key=narrow) + 1
    return found if found <= most else None
