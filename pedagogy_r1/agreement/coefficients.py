"""What stands beside α: other coefficients, how each of them reckons with chance, and another interval of α.

    κ = (p_a − p_e) / (1 − p_e)

    p_a      mean over units with m_u ≥ 2 of Σ_k n_uk (Σ_l w_kl n_ul − 1) / (m_u (m_u − 1))
    p_e      Gwet AC1 and AC2         T_w Σ_k π_k (1 − π_k) / (q (q − 1)),  T_w = Σ w_kl
             Fleiss                   Σ_kl w_kl π_k π_l
             Brennan and Prediger     T_w / q²
             Cohen, Conger            mean over pairs of coders g ≠ h of Σ_kl w_kl p_gk p_hl, from each coder's own marginals

π_k: mean over coded units of n_uk / m_u; p_gk: share of coder g's values that are k; q: number of categories;
w: agreement weights, 1 on the diagonal.
(Gwet 2014, *Handbook of Inter-Rater Reliability*, 4th ed., ch. 2 and 4, with missing codings as there; Conger 1980.)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..errors import did_you_mean
from ..estimate import Estimate, HeldCounts, Resampling, TraceCounts, joined, mostly_undefined, percentile
from .alpha import Alpha, Reliability, begin, coincidences, distances, point_estimate
from .profile import (
    MISSING,
    Additive,
    ByTrace,
    Floats,
    Ints,
    TwoIntervals,
    patterns,
    ratio,
    unit_interval,
    value_counts,
)

WEIGHTS = ("identity", "linear", "quadratic", "ordinal", "ratio")

OF_LEVEL = {"nominal": "identity", "ordinal": "ordinal", "interval": "quadratic", "ratio": "ratio"}
"""Weights for a level of measurement. At the interval and ratio levels they are 1 − δ / max δ of α's own distances; at the
ordinal level Gwet's, which count the categories in between, where α goes by how often these were given."""

CHANCE = {
    "gwet": "Gwet's AC1",
    "fleiss": "Fleiss' κ",
    "brennan-prediger": "Brennan–Prediger",
    "conger": "Conger's κ",
}


PERCENT = "percent agreement"


@dataclass(frozen=True)
class Coefficient(TwoIntervals):
    """A coefficient beside α. ``agreement``: p_a; ``chance``: p_e; ``n``: units with two values or more."""

    name: str = ""
    agreement: float | None = None
    chance: float | None = None


def weights(kind: str, categories: int | Sequence[float]) -> Floats:
    """(q, q) agreement weights between categories; ``identity`` for nominal ones. (Gwet 2014, ch. 3.)

    ``categories``: how many there are, equally far apart, or the numbers that they stand for; to ``ordinal`` only their
    order matters.
    """
    numbers = (
        np.arange(categories) if isinstance(categories, int) else np.asarray(categories, dtype=np.float64)
    )
    if kind not in WEIGHTS:
        raise ValueError(f"no weights are named {kind!r}: {did_you_mean(kind, list(WEIGHTS))}")
    if kind == "identity" or len(numbers) < 2:
        return np.eye(len(numbers))
    if kind == "ordinal":
        between = np.abs(np.arange(len(numbers))[:, None] - np.arange(len(numbers)))
        far = between * (between + 1)
    elif kind == "ratio":
        far = np.asarray(distances("ratio", numbers.tolist()))
    else:
        far = np.abs(numbers[:, None] - numbers) ** (1 if kind == "linear" else 2)
    return np.asarray(1 - far / far.max()) if far.max() > 0 else np.ones_like(far)


def percent_agreement(
    values: Ints,
    cluster: ByTrace,
    categories: int | Sequence[float],
    *,
    weighting: str = "identity",
    how: Resampling = Resampling(),
) -> Coefficient:
    """Share of agreeing pairs of coders, averaged over units. ``values``: (coders, units) indices of the categories."""
    w = weights(weighting, categories)
    statistic = _statistic(values, cluster, w, "gwet", lambda sums: _parts(sums, w, "gwet")[0])
    return _coefficient(PERCENT, statistic, w, "gwet", how)


def chance_corrected(
    values: Ints,
    cluster: ByTrace,
    categories: int | Sequence[float],
    chance: str = "gwet",
    *,
    weighting: str = "identity",
    how: Resampling = Resampling(),
) -> Coefficient:
    """AC1 (``gwet``; AC2 with weights), Fleiss' κ, Brennan–Prediger, or Conger's κ (Cohen's, for two coders).

    ``values``: (coders, units) indices of the ``categories`` (see `weights`), ``MISSING`` where there is none;
    ``cluster``: (units,) trace. The weights are part of the name.
    """
    if chance not in CHANCE:
        raise ValueError(f"no chance model is named {chance!r}: {did_you_mean(chance, list(CHANCE))}")
    w = weights(weighting, categories)
    statistic = _statistic(values, cluster, w, chance, lambda sums: _kappa(*_parts(sums, w, chance)))
    return _coefficient(_named(CHANCE[chance], weighting), statistic, w, chance, how)


def _named(name: str, weighting: str) -> str:
    """``Gwet's AC2, ordinal weights``."""
    return name if weighting == "identity" else f"{name.replace('AC1', 'AC2')}, {weighting} weights"


def cohen_kappa(
    values: Ints,
    cluster: ByTrace,
    categories: int | Sequence[float],
    how: Resampling = Resampling(),
    *,
    weighting: str = "identity",
) -> Coefficient:
    """Cohen's κ of two coders over the units that both coded (Cohen 1960; weighted, 1968)."""
    if len(values) != 2:
        raise ValueError(f"Cohen's κ is for two coders, not {len(values)}: use Fleiss' or Conger's κ")
    both = (values != MISSING).all(axis=0)
    found = chance_corrected(
        values[:, both], cluster[both], categories, "conger", weighting=weighting, how=how
    )
    return replace(found, name=_named("Cohen's κ", weighting))


def beside_alpha(data: Reliability, how: Resampling) -> tuple[Coefficient, ...]:
    """Percent agreement on the very same value; Cohen's κ (Fleiss' for more than two coders) and AC1. Above the nominal
    level κ is weighted and AC2 stands for AC1, with the weights `OF_LEVEL`. On the units that α is of: a unit that one coder
    alone coded is in no marginal either (`chance_corrected` itself counts it there, as irrCAC does)."""
    weighting = OF_LEVEL[data.measurement]
    both = (data.values != MISSING).sum(axis=0) >= 2
    values, cluster = data.values[:, both], data.cluster[both]
    categories: Any = data.domain
    kappa = (
        cohen_kappa(values, cluster, categories, how, weighting=weighting)
        if len(values) == 2
        else chance_corrected(values, cluster, categories, "fleiss", weighting=weighting, how=how)
    )
    return (
        percent_agreement(values, cluster, categories, how=how),
        kappa,
        chance_corrected(values, cluster, categories, weighting=weighting, how=how),
    )


def _coefficient(name: str, statistic: Additive, w: Floats, chance: str, how: Resampling) -> Coefficient:
    sums = statistic.sums()
    if not len(statistic.profile) or sums[1] == 0:
        return Coefficient.undefined("no unit was coded by two coders", name=name, level=how.level)
    agreement, expected = (float(part[0]) for part in _parts(sums[None], w, chance))
    known: dict[str, Any] = {"name": name, "agreement": agreement, "chance": expected}
    value = statistic.point()
    if name != PERCENT and len(w) > 1 and (w == 1).all():
        why = "all categories stand for one number, so there is nothing that chance could confuse"
        return Coefficient.undefined(why, level=how.level, **known)
    if np.isnan(value):
        why = "chance alone would agree always: one category took all"
        return Coefficient.undefined(why, level=how.level, **known)
    shares = statistic.features[:, 2 : 2 + len(w)]
    rare = shares.sum(axis=1) - shares[:, sums[2 : 2 + len(w)].argmax()]
    # What is corrected for chance may lie below 0; a share of agreeing pairs may not.
    over = statistic.trace_interval(how, *(("share",) if name == PERCENT else ("agreement", rare)))
    return Coefficient(
        value, **over | {"n": round(sums[1])}, **unit_interval(statistic.over_units(how), how), **known
    )


def _statistic(
    values: Ints, cluster: ByTrace, w: Floats, chance: str, statistic: Callable[[Floats], Floats]
) -> Additive:
    """Features of a pattern: its agreement, 1 if it is pairable, n_k / m, 1 if coded, and each coder's value, one-hot."""
    q, coders = len(w), len(values)
    pattern, of_unit = patterns(values, q)
    counts = value_counts(pattern, q).astype(np.float64)
    m = counts.sum(axis=1)
    pairs = np.maximum(m * (m - 1), 1)
    agree = np.where(m >= 2, (counts * (counts @ w - 1)).sum(axis=1) / pairs, 0.0)
    shares = counts / np.maximum(m, 1)[:, None]
    columns = [agree, m >= 2, shares, m >= 1]
    # For Conger's κ alone; of a million traces these columns are too many to sum for nothing, and of few they stay, as leaving them
    # out changes how the sums of the others are rounded, in the last digit.
    if chance == "conger" or isinstance(cluster, HeldCounts) or not isinstance(cluster, TraceCounts):
        one_hot = pattern[:, :, None] == np.arange(q)
        columns.append(one_hot.transpose(1, 0, 2).reshape(len(counts), coders * q))
    return Additive(np.column_stack(columns).astype(np.float64), of_unit, cluster, statistic)


def _parts(sums: Floats, w: Floats, chance: str) -> tuple[Floats, Floats]:
    """(R,) p_a and p_e."""
    q = len(w)
    with np.errstate(divide="ignore", invalid="ignore"):
        agreement = sums[:, 0] / sums[:, 1]
        pi = sums[:, 2 : 2 + q] / sums[:, [2 + q]]
        if chance == "gwet":
            expected = w.sum() * (pi * (1 - pi)).sum(axis=1) / (q * (q - 1)) if q > 1 else np.zeros(len(sums))
        elif chance == "fleiss":
            expected = ((pi @ w) * pi).sum(axis=1)
        elif chance == "brennan-prediger":
            expected = np.full(len(sums), w.sum() / q**2)
        else:
            expected = _conger(sums[:, 3 + q :].reshape(len(sums), -1, q), w)
    return agreement, expected


def _conger(by_coder: Floats, w: Floats) -> Floats:
    """p_e from (R, coders, q) value counts of each coder: the mean over pairs of coders of Σ w_kl p_gk p_hl."""
    p = by_coder / by_coder.sum(axis=2, keepdims=True)
    coders = p.shape[1]
    total = p.sum(axis=1)
    own = np.einsum("rgk,kl,rgl->r", p, w, p)
    return np.asarray((((total @ w) * total).sum(axis=1) - own) / (coders * (coders - 1)))


def _kappa(agreement: Floats, expected: Floats) -> Floats:
    return ratio(agreement - expected, 1 - expected)


HAYES_WARNING = (
    "The Hayes–Krippendorff procedure redraws pairs of values as if they were independent: its intervals are too narrow "
    "with more than two coders, and ignore that units of one trace resemble each other. The intervals over traces do not."
)


def hayes_krippendorff(data: Reliability, how: Resampling = Resampling()) -> Estimate:
    """The bootstrap of Hayes and Krippendorff, for comparison with reports that used their KALPHA macro.

        α* = 1 − Σ_{i=1..M} δ_i / (M · D_e),   δ_i = δ_ck with probability o_ck / N,   M = min(25 Q, (m − 1) N / 2)

    o_ck: coincidences; Q: nonzero cells of the coincidence matrix; m: coders; N: pairable values. Nominal, interval and
    ratio levels. (Krippendorff, *Algorithm for bootstrapping a distribution of c_α*; Hayes & Krippendorff 2007.) It redraws
    *pairs*, as if pairs of one unit were independent, and leaves D_e fixed: intervals come out too narrow (with four coders
    95 % intervals covered 85 % in simulation), and traces do not enter at all; the warning says so.
    """
    begun = begin(data, how)
    delta = distances(data.measurement, data.domain)
    if isinstance(begun, Alpha):
        return Estimate.undefined(str(begun.why_undefined), level=how.level)
    if delta is None:
        return Estimate.undefined("the procedure knows no ordinal level", level=how.level)
    observed = (begun.found.sizes @ coincidences(begun.found.counts.astype(np.float64))).reshape(delta.shape)
    draws = int(min(25 * (observed > 0).sum(), (len(data.values) - 1) * begun.n_pairable / 2))
    counts = np.random.default_rng(how.seed).multinomial(
        draws, (observed / begun.n_pairable).ravel(), size=how.replicates
    )
    alphas = np.maximum(1 - counts @ delta.ravel() / (draws * begun.expected), -1.0)
    low, high, lost, _ = percentile(
        _constant_is_undefined(alphas, observed, begun.n_pairable, draws), how.level
    )
    return Estimate(
        point_estimate(begun.statistic, data, begun.found),
        low,
        high,
        how.level,
        f"Hayes–Krippendorff, {draws} pairs drawn in each of {how.replicates} resamples",
        n=begun.found.n,
        warnings=joined(mostly_undefined(lost), HAYES_WARNING),
        seed=how.seed,
        undefined_share=lost,
    )


def _constant_is_undefined(alphas: Floats, observed: Floats, total: float, draws: int) -> Floats:
    """A resample without variation would have α = 1 − 0/0; as many perfect ones are set to 0 as chance would make so."""
    perfect = np.flatnonzero(alphas == 1)
    diagonal = np.diag(observed) / total
    constant = len(alphas) * float((diagonal**draws).sum())
    lost = len(perfect) if (diagonal > 0).sum() == 1 else min(round(constant), len(perfect))
    corrected = alphas.copy()
    corrected[perfect[:lost]] = 0.0
    return corrected
