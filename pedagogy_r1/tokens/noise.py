"""Noise: the share of a trace's tokens that carry nothing forward, as coded.

    strict           UT            restated item, repetition, generic remark
    non-reflective   UT and KA     the same, and routine domain work

The paper reports "about 65 %" and does not say under which reading; both are given. A unit counts by its primary
code. What is missing is no noise: tokens of units without a coding, and tokens in no unit, are counted apart and the
shares are over coded tokens.

Does what repeats get coded as noise? Two questions, two numbers, both Spearman's ρ with an interval over clusters: over *units*
(`unit_correlation`) and over *traces* (`trace_correlation`). Repetition found by the same features that a rule-based coder
codes by agrees with that coder by construction; only human or language-model codings tell whether repetition is what
people call noise.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..codebook import Codebook
from ..errors import CodebookError, did_you_mean
from ..estimate import (
    BLOCK,
    Clusters,
    Estimate,
    Floats,
    Resampling,
    of_cluster_sums,
    over_clusters,
    quotient,
)

PAPER = "about 65 %"
"""Lee et al. 2025, arXiv 2505.18467: "noise or filler", of reasoning tokens in 42 traces."""

Codes = tuple[str, ...] | None
"""Primary code first; ``()`` none applies; ``None`` missing."""


@dataclass(frozen=True)
class NoiseFamilies:
    """Which codes are noise, by the codebook's families. ``why_*``: why a reading cannot be had."""

    codebook: str
    family: Mapping[str, str]
    strict: frozenset[str]
    routine: frozenset[str]
    why_no_strict: str | None = None
    why_no_routine: str | None = None

    def reading(self, codes: Codes) -> tuple[bool, bool]:
        """Whether a unit is noise under the strict and under the non-reflective reading."""
        if not codes:
            return False, False
        if codes[0] not in self.family:
            raise CodebookError(
                f"{self.codebook} has no code {codes[0]!r}", did_you_mean(codes[0], list(self.family))
            )
        family = self.family[codes[0]]
        return family in self.strict, family in self.strict or family in self.routine


def noise_families(
    book: Codebook, strict: Sequence[str] = ("UT",), routine: Sequence[str] = ("KA",)
) -> NoiseFamilies:
    """The noise of a codebook: ``strict`` families, and the ``routine`` ones that the wider reading adds."""
    known = [family.id for family in book.families]

    def lacking(names: Sequence[str]) -> str | None:
        absent = [name for name in names if name not in known]
        if not absent:
            return None
        return f"{book.ref} has no family {', '.join(absent)}; it has {', '.join(known)}"

    return NoiseFamilies(
        book.ref,
        {code.id: code.family for code in book.codes},
        frozenset(strict),
        frozenset(routine),
        lacking(strict),
        lacking(routine),
    )


@dataclass(frozen=True, slots=True)
class NoiseTokens:
    """One coder's tokens in one trace. ``tokens`` = all of its reasoning; ``coded`` + ``missing`` lie in units."""

    trace_id: str
    tokens: int
    coded: int
    missing: int
    outside: int
    strict: int
    nonreflective: int


def noise_tokens(
    trace_id: str,
    unit_tokens: Sequence[int],
    codes: Sequence[Codes],
    families: NoiseFamilies,
    *,
    tokens: int,
    outside: int = 0,
) -> NoiseTokens:
    """Add up a trace's units: (units,) tokens and (units,) codes of one coder."""
    coded = missing = strict = nonreflective = 0
    for count, given in zip(unit_tokens, codes, strict=True):
        if given is None:
            missing += count
            continue
        is_strict, is_wider = families.reading(given)
        coded += count
        strict += count * is_strict
        nonreflective += count * is_wider
    return NoiseTokens(trace_id, tokens, coded, missing, outside, strict, nonreflective)


@dataclass(frozen=True)
class NoiseShare:
    """Noise of several traces, under both readings: pooled over tokens, and the mean of the traces' own shares."""

    strict: Estimate
    nonreflective: Estimate
    strict_mean: Estimate
    nonreflective_mean: Estimate
    traces: int
    tokens: int
    coded: int
    missing: int
    outside: int


def noise_share(
    rows: Sequence[NoiseTokens],
    families: NoiseFamilies,
    how: Resampling,
    *,
    clusters: Sequence[Hashable] | None = None,
    over: str = "traces",
) -> NoiseShare:
    """Shares with intervals over clusters (default: traces).

        pooled  Σ_t noise_t / Σ_t coded_t        mean  (1/T) Σ_t noise_t / coded_t

    A trace of which nothing is coded enters the counts, not the shares.
    """
    names = list(clusters) if clusters is not None else [row.trace_id for row in rows]
    columns = ("strict", "nonreflective", "coded", "missing", "tokens", "outside")
    table = np.array([[getattr(row, name) for name in columns] for row in rows], dtype=np.float64)
    table = table.reshape(len(rows), len(columns))
    kept = np.flatnonzero(table[:, 2])
    groups = Clusters.of([names[row] for row in kept.tolist()])
    return noise_of_sums(table, groups, families, how, over)


def noise_of_sums(
    table: Floats, clusters: Clusters, families: NoiseFamilies, how: Resampling, over: str
) -> NoiseShare:
    """`noise_share`, of (traces, 6) tokens: strict, non-reflective, coded, missing, all, outside; ``clusters``: of the traces with
    coded tokens."""
    coded = table[table[:, 2] > 0]

    def pooled_and_mean(column: int, why: str | None) -> list[Estimate]:
        if why is not None:
            return [Estimate.undefined(why, level=how.level, n=len(coded), seed=how.seed)] * 2
        noise, whole = coded[:, column], coded[:, 2]
        pairs = np.column_stack([noise, whole]), np.column_stack([noise / whole, np.ones(len(whole))])
        own: dict[str, Any] = {"scale": "share", "over": over, "why": "no token is coded"}
        return [of_cluster_sums(clusters.sums(two), len(coded), quotient, how, **own) for two in pairs]

    strict, strict_mean = pooled_and_mean(0, families.why_no_strict)
    wider, wider_mean = pooled_and_mean(1, families.why_no_strict or families.why_no_routine)
    all_ = (int(total) for total in table.sum(axis=0)[2:])
    counted = dict(zip(("coded", "missing", "tokens", "outside"), all_, strict=True))
    return NoiseShare(strict, wider, strict_mean, wider_mean, traces=len(table), **counted)


def unit_correlation(
    shares: Sequence[float] | Floats,
    noise: Sequence[bool] | npt.NDArray[np.bool_],
    clusters: Sequence[Hashable],
    how: Resampling,
    *,
    over: str = "traces",
) -> Estimate:
    """ρ between (units,) shares of repeated words and (units,) noise: Pearson's r of the mid-ranks, ties and all.

    A unit's noise is 0 or 1 and its share one of few, so that a resample needs no new sort: counts of both kinds over the
    distinct shares give the mid-ranks.
    """
    import scipy.sparse

    values, place = np.unique(np.asarray(shares, dtype=np.float64), return_inverse=True)
    is_noise = np.asarray(noise, dtype=np.int64)
    if why := _constant("unit", values, is_noise):
        return Estimate.undefined(why, level=how.level, n=len(place), seed=how.seed)
    groups = Clusters.of(clusters)
    counts = scipy.sparse.coo_matrix(
        (np.ones(len(place)), (groups.number, place + is_noise * len(values))),
        shape=(groups.count, 2 * len(values)),
    ).tocsr()

    def rho(table: Floats) -> Floats:
        plain, coded = table[:, : len(values)], table[:, len(values) :]
        at_value = plain + coded
        total = at_value.sum(axis=1)
        rank = np.cumsum(at_value, axis=1) - (at_value - 1) / 2 - ((total + 1) / 2)[:, None]
        share = coded.sum(axis=1) / total
        covariance = (rank * coded).sum(axis=1)
        spread = np.sqrt((rank**2 * at_value).sum(axis=1) * share * (1 - share) * total)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(spread > 0, covariance / spread, np.nan)

    def of_weights(weights: Floats) -> Floats:
        rows = max(1, BLOCK // (2 * len(values)))
        blocks = (weights[start : start + rows] for start in range(0, len(weights), rows))
        return np.concatenate([rho(block @ counts) for block in blocks])

    return _spearman_estimate(of_weights, len(place), groups, over, how)


def trace_correlation(
    measure: Sequence[float],
    noise: Sequence[float],
    clusters: Sequence[Hashable],
    how: Resampling,
    *,
    over: str = "traces",
) -> Estimate:
    """ρ between (traces,) measures and (traces,) noise shares."""
    x, y = np.asarray(measure, dtype=np.float64), np.asarray(noise, dtype=np.float64)
    why = f"{len(x)} traces only" if len(x) < 3 else _constant("trace", x, y)
    if why:
        return Estimate.undefined(why, level=how.level, n=len(x), seed=how.seed)
    groups = Clusters.of(clusters)
    rows = np.argsort(groups.number, kind="stable")

    def of_weights(weights: Floats) -> Floats:
        picked = (np.repeat(rows, weight[groups.number[rows]]) for weight in weights.astype(np.int64))
        return np.array([_spearman(x[index], y[index]) for index in picked])

    return _spearman_estimate(of_weights, len(x), groups, over, how)


def _spearman(x: Floats, y: Floats) -> float:
    """Pearson's r of mid-ranks; NaN for constant data."""
    from scipy.stats import rankdata

    a, b = rankdata(x), rankdata(y)
    a, b = a - a.mean(), b - b.mean()
    spread = float(np.sqrt((a**2).sum() * (b**2).sum()))
    return float((a * b).sum()) / spread if spread else float("nan")


def _constant(what: str, measure: npt.NDArray[Any], noise: npt.NDArray[Any]) -> str | None:
    """Why there is no ρ, where one of the two does not vary."""
    for values, of in ((measure, "repetition"), (noise, "noise")):
        if len(np.unique(values)) < 2:
            return f"no {what} differs in {of}"
    return None


def _spearman_estimate(
    of_weights: Callable[[Floats], Floats], n: int, groups: Clusters, over: str, how: Resampling
) -> Estimate:
    """ρ over clusters; ``of_weights``: how often each cluster is there, (R, clusters), → (R,) ρ."""
    value = float(of_weights(np.ones((1, groups.count)))[0])
    sizes = np.bincount(groups.number, minlength=groups.count)
    found = over_clusters(of_weights, np.eye(groups.count), sizes, how, scale="correlation", over=over)
    method = f"Spearman's ρ, {found['method']}" if "method" in found else "Spearman's ρ"
    return Estimate(value, **found | {"method": method, "n": n})
