"""The bootstrap of Hayes and Krippendorff, for comparison with reports that used their KALPHA macro.

    α* = 1 − Σ_{i=1..M} δ_i / (M · D_e),   δ_i = δ_ck with probability o_ck / N,   M = min(25 Q, (m − 1) N / 2)

o_ck: coincidences; Q: nonzero cells of the coincidence matrix; m: coders; N: pairable values. (Krippendorff,
*Algorithm for bootstrapping a distribution of c_α*; Hayes & Krippendorff 2007.) It redraws *pairs*, as if pairs of one
unit were independent, and leaves D_e fixed: intervals come out too narrow (with four coders 95 % intervals covered
85 % in simulation), and traces do not enter at all. Units or traces should be redrawn instead; this is here on request.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .additive import Floats, Interval, Ints, percentile
from .distance import distances
from .profile import profiles

WARNING = (
    "The Hayes–Krippendorff procedure redraws pairs of values as if they were independent: its intervals are too narrow "
    "with more than two coders, and ignore that units of one trace resemble each other. Prefer the bootstrap over traces."
)


@dataclass(frozen=True)
class HayesKrippendorff:
    """``interval``: percentile interval of α*; ``draws``: M; ``warning`` belongs beside the interval wherever it is shown."""

    interval: Interval
    draws: int
    warning: str = WARNING


def hayes_krippendorff(
    values: Ints,
    n_values: int,
    *,
    level: str = "nominal",
    domain: list[float] | None = None,
    replicates: int = 1000,
    seed: int = 0,
) -> HayesKrippendorff | None:
    """The procedure on (coders, units) values; ``None`` where α itself is undefined. Nominal, interval and ratio levels."""
    found = profiles(values, n_values)
    delta = distances(level, domain if domain is not None else n_values)
    if delta is None or not len(found.profile):
        return None
    observed = _coincidences(found.counts[found.profile].astype(np.float64))
    n = observed.sum(axis=1)
    total = n.sum()
    expected = float(n @ delta @ n) / (total * (total - 1))
    if expected <= 0:
        return None
    cells = int((observed > 0).sum())
    draws = int(min(25 * cells, (len(values) - 1) * total / 2))
    counts = np.random.default_rng(seed).multinomial(draws, (observed / total).ravel(), size=replicates)
    alphas = np.maximum(1 - counts @ delta.ravel() / (draws * expected), -1.0)
    return HayesKrippendorff(percentile(_constant_is_undefined(alphas, observed, total, draws)), draws)


def _coincidences(counts: Floats) -> Floats:
    m = counts.sum(axis=1)
    pairs = np.einsum("uc,uk,u->ck", counts, counts, 1 / (m - 1))
    return np.asarray(pairs - np.diag((counts / (m - 1)[:, None]).sum(axis=0)))


def _constant_is_undefined(alphas: Floats, observed: Floats, total: float, draws: int) -> Floats:
    """A resample without variation would have α = 1 − 0/0; as many perfect ones are set to 0 as chance would make so."""
    perfect = np.flatnonzero(alphas == 1)
    diagonal = np.diag(observed) / total
    constant = len(alphas) * float((diagonal**draws).sum())
    corrected = alphas.copy()
    corrected[
        perfect[: len(perfect) if (diagonal > 0).sum() == 1 else min(round(constant), len(perfect))]
    ] = 0.0
    return corrected
