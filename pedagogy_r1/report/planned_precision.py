"""How precise will α be? Coders of a known reliability, simulated over and over on so many traces.

    α = .75, ten codes, 25 units a trace      8 traces: ±.17     32 traces: ±.06      (half a study's 95 % interval)

A unit's true code comes from its trace's own shares (Dirichlet around the overall ones). Each coder reports it with
probability √q_t, otherwise draws a code from the overall shares; q_t, the trace's reliability, is Beta with mean α. Two coders
then agree beyond chance exactly with probability α. One intraclass correlation ρ governs how unlike traces are in
both; with ρ = 0 units are independent.

How precise will a code's frequency be? By formula, from the design effect of units that come in traces.

deff = 1 + (m − 1)ρ        m units a trace, ρ their intraclass correlation (Kish 1965)
n*   = n / deff            as many independent units; the interval is that of the logit with t of 2G/3 − 1, G = n/m traces
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from ..agreement.alpha import Alpha, Reliability, begin, dissent
from ..estimate import BLOCK, Estimate, Floats, Ints, Resampling, no_interval
from ..limits import ALPHA_TENTATIVE, LEVEL

INTERVALS, RESAMPLES = 60, 200
"""Studies of a plan that get an interval, and the resamples that a rare code's takes: the medians of their limits are stable
to a tenth of their width."""


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
    """The interval of α to be expected of a study with so many traces (``clusters``): the medians of its limits over simulated
    studies, and the mean of their α. ``shown``: how often the lower limit would lie at or above the threshold;
    ``undefined_share``: how often there was no α. No limits where most studies would print none; ``warnings`` say why.
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
    """Simulate ``runs`` studies; the first `INTERVALS` of them get the interval that `pcode agreement` would print."""
    rng, size = np.random.default_rng([seed, traces]), len(assumed.shares)
    alphas: list[Floats] = []
    found: list[dict[str, Any]] = []
    how = Resampling(RESAMPLES, seed, level)
    for values in _studies(assumed, traces, runs, rng):
        alphas.append(alphas_of(values, size))
        few = min(values.shape[1], INTERVALS - len(found))
        found += [_interval(values[:, study], traces, size, how) for study in range(few)]
    defined = np.concatenate(alphas)
    defined = defined[~np.isnan(defined)]
    undefined = 1 - len(defined) / runs
    known: dict[str, Any] = {"level": level, "clusters": traces, "undefined_share": undefined}
    if undefined >= 0.5:
        return AlphaPrecision.undefined("α is undefined in half of the studies or more", **known)
    printed = [one for one in found if one.get("low") is not None]
    shown = sum(one["low"] >= threshold for one in printed) / len(found)
    if len(printed) < len(found) / 2:
        why = Counter(one["warnings"][0] for one in found if one.get("low") is None)
        return AlphaPrecision(
            float(defined.mean()), shown=shown, warnings=(why.most_common(1)[0][0],), **known
        )
    low, high = (float(np.median([one[end] for one in printed])) for end in ("low", "high"))
    return AlphaPrecision(float(defined.mean()), low, high, shown=shown, **known)


def _interval(values: Ints, traces: int, size: int, how: Resampling) -> dict[str, Any]:
    begun = begin(Reliability(values, np.arange(values.shape[1]) // (values.shape[1] // traces), size), how)
    if isinstance(begun, Alpha):
        return {"warnings": (str(begun.why_undefined),)}
    return begun.statistic.trace_interval(how, "agreement", dissent(begun.found.counts, begun.found.sizes))


def _studies(assumed: Coders, traces: int, runs: int, rng: np.random.Generator) -> Iterator[Ints]:
    """Blocks of (coders, runs, units) codes."""
    per_run = traces * assumed.per_trace * assumed.coders
    batch = max(1, min(runs, BLOCK // per_run))
    for first in range(0, runs, batch):
        yield simulated(assumed, traces, min(batch, runs - first), rng)


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
    """The interval to be expected around ``share`` from ``n`` units, ``per_trace`` of each trace; none with too few traces.

    On the logit, as `estimate.over_clusters` makes it: standard error √(deff / n p(1 − p)), t with 2G/3 − 1 degrees of freedom,
    which is what the jackknife has of G equal traces whose shares are normal.
    """
    from scipy import special

    traces = max(1, round(n / per_trace))
    known: dict[str, Any] = {"level": level, "n": n, "clusters": traces}
    if why := no_interval(np.ones(traces), "traces"):
        return Estimate(share, warnings=(why,), **known)
    error = math.sqrt(design_effect(per_trace, icc) / (n * share * (1 - share)))
    reach = float(special.stdtrit(2 * traces / 3 - 1, (1 + level) / 2)) * error
    middle = float(special.logit(share))
    return Estimate(
        share, float(special.expit(middle - reach)), float(special.expit(middle + reach)), **known
    )


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
