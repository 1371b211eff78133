"""How often does a code occur? Share of units, or of tokens, with an interval that knows that units come in traces.

    p̂ = Σ_g y_g / Σ_g m_g         v = G/(G−1) · Σ_g (y_g − p̂ m_g)² / (Σ_g m_g)²        deff = n v / (p̂(1−p̂))

y_g: units (tokens) of cluster g with the code, m_g: all of them, G: clusters, n: units; v: the linearised variance of
survey sampling (Cochran 1977, eq. 6.13; ``svymean`` in R). A cluster is an item with all its traces, since traces of one
item resemble each other; where every item has one trace it is the trace. All it needs are codes summed within clusters
(`Sums`). The interval is the jackknife of the logit over clusters (`estimate.jackknife`). A code that few clusters have says
little of how much clusters differ: its interval is that of n/deff units, with a borrowed deff if that is larger, see `shares`.
Where even that cannot hold, with few clusters or one that holds nearly everything, there is no interval but a reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from ..codebook import NONE
from ..errors import RunError, did_you_mean
from ..estimate import (
    SHARE_INTERVALS,
    Clusters,
    Estimate,
    Flags,
    Floats,
    Ints,
    Resampling,
    ShareInterval,
    compact,
    critical,
    effective,
    few,
    joined,
    mid_p,
    no_interval,
    over_clusters,
    quotient,
    rarer,
    share_interval,
)
from ..formatting import counted
from ..limits import FEW_HITS, FEWEST_CLUSTERS, FEWEST_EFFECTIVE, LEVEL

Basis = Literal["units", "tokens"]
Which = Literal["primary", "any"]
ShareMethod = Literal["jackknife"] | ShareInterval
"""How the interval of a share is made; the others than the jackknife are those of survey programs, and hold with many clusters
of like size (``benchmarks/coverage_contrast.py``)."""


@dataclass(frozen=True)
class CoderUnits:
    """One coder's coded units as arrays of equal length; missing codings are left out and counted.

    ``pattern``: (units,) row of ``indicator``, (patterns, codes) of 0 and 1. ``item``: (units,) number of the item, or of
    the trace where the item is not known; ``trace``: (units,); ``weight``: (units,) 1 or the unit's tokens.
    ``rows``: (units,) places in the table they were made from.
    """

    codes: tuple[str, ...]
    pattern: Ints
    indicator: Floats
    trace: Ints
    item: Ints
    weight: Floats
    rows: Ints
    n_missing: int


@dataclass(frozen=True)
class Sums:
    """``coded``: (clusters, codes), ``total``: (clusters,) in units or tokens; ``units``: how many units, ``traces``.

    ``by``: what a cluster is, in words: an item, or a trace where each item has one.
    """

    coded: Floats
    total: Floats
    units: int
    traces: int
    by: str = "item"

    def undefined(self, why: str, method: str, level: float) -> Estimate:
        """No estimate of these sums."""
        return Estimate.undefined(why, level=level, method=method, n=self.units, clusters=len(self.total))

    def estimate(self, value: float, method: str, level: float) -> Estimate:
        """An estimate without its interval."""
        return Estimate(value, None, None, level, method, self.units, len(self.total), effective(self.total))

    @cached_property
    def why_none(self) -> str | None:
        """Why no interval over these clusters can hold, whatever is estimated; clusters without units do not count."""
        return no_interval(self.total[self.total > 0], f"{self.by}s")


def coded_units(
    table: pd.DataFrame,
    codes: Sequence[str] | None = None,
    *,
    which: Which = "primary",
    basis: Basis = "units",
) -> CoderUnits:
    """Arrays from the rows of one coder. ``which``: the primary code alone, or ``any`` code that a unit was given.

    ``codes`` defaults to all categories of ``primary``. Raises `RunError` for a code that the table does not know.
    """
    categories = [str(code) for code in table["primary"].cat.categories]
    wanted = tuple(categories if codes is None else codes)
    for code in wanted:
        if code not in categories:
            raise RunError(f"no code is named {code!r}", did_you_mean(code, categories))
    primary = table["primary"].cat.codes.to_numpy().astype(np.int64)
    rows = np.flatnonzero(primary >= 0)
    if which == "primary":
        pattern = primary[rows]
        indicator = np.array([[code == other for other in wanted] for code in categories], dtype=float)
    else:
        pattern, indicator = _patterns(table["codes"].to_numpy()[rows], wanted)
    weight = table["tokens"].to_numpy().astype(float)[rows] if basis == "tokens" else np.ones(len(rows))
    return CoderUnits(
        wanted,
        pattern,
        indicator.reshape(-1, len(wanted)),
        _numbers(table["trace_id"])[rows],
        item_numbers(table)[rows],
        weight,
        rows,
        len(primary) - len(rows),
    )


def _patterns(codes: npt.NDArray[np.object_], wanted: tuple[str, ...]) -> tuple[Ints, Floats]:
    pattern, found = pd.factorize(codes)
    indicator = [[code in given or (code == NONE and not given) for code in wanted] for given in found]
    return pattern.astype(np.int64), np.array(indicator, dtype=float)


def _numbers(column: pd.Series[Any]) -> Ints:
    """0, 1, … for each value; missing is −1."""
    return pd.factorize(column)[0].astype(np.int64)


def item_numbers(table: pd.DataFrame) -> Ints:
    """(rows,) number of the item within its domain (item 7 of SK is not item 7 of PK); a trace of none, or of ``""``, is one of its own."""
    trace, item, domain = (_numbers(table[name]) for name in ("trace_id", "item", "domain"))
    item[(table["item"] == "").fillna(False).to_numpy(dtype=bool)] = -1
    known = item * (int(domain.max(initial=0)) + 2) + domain + 1
    own = int(known.max(initial=0)) + 1 + trace
    return np.where(item >= 0, known, own)


def known_column(table: pd.DataFrame, name: str) -> None:
    """Raises `RunError` where the table has no such column."""
    if name not in table.columns:
        raise RunError(f"no column is named {name!r}", did_you_mean(name, [str(c) for c in table.columns]))


def group_numbers(table: pd.DataFrame, by: Sequence[str]) -> tuple[Ints, list[tuple[Any, ...]]]:
    """(rows,) group number and each group's values in ``by``, sorted; a missing value is ``None``."""
    for name in by:
        known_column(table, name)
    if not by:
        return np.zeros(len(table), dtype=np.int64), [()] * bool(len(table))
    grouped = table.groupby(list(by), dropna=False, observed=True)
    keys = grouped.size().index.to_frame().itertuples(index=False, name=None)
    return grouped.ngroup().to_numpy().astype(np.int64), [tuple(map(_plain, key)) for key in keys]


def _plain(value: Any) -> Any:
    """Of Python's own types; ``None`` where missing."""
    return None if pd.isna(value) else value.item() if isinstance(value, np.generic) else value


def cluster_sums(units: CoderUnits, chosen: Flags, clusters: Clusters, by: str | None = None) -> Sums:
    """Sums of the chosen units. Empty clusters stay, as zeros."""
    at, pattern, weight = clusters.number[chosen], units.pattern[chosen], units.weight[chosen]
    count, patterns = clusters.count, len(units.indicator)
    cells = np.bincount(at * patterns + pattern, weights=weight, minlength=count * patterns)
    total = np.bincount(at, weights=weight, minlength=count).astype(float)
    traces = len(compact(units.trace[chosen])[0])
    coded = cells.reshape(count, patterns) @ units.indicator
    return Sums(coded, total, len(at), traces, by or cluster_word(count, traces))


def cluster_word(clusters: int, traces: int) -> str:
    """``item`` where clusters are fewer than traces, else ``trace``."""
    return "item" if clusters < traces else "trace"


def renumbered(cluster: Ints, chosen: Flags | None = None) -> Clusters:
    """The clusters that occur, in ascending order; with ``chosen`` (units,), those of the chosen units."""
    found, number = compact(cluster if chosen is None else cluster[chosen])
    if chosen is None:
        return Clusters(number, len(found))
    at = np.zeros(len(cluster), dtype=np.int64)
    at[chosen] = number
    return Clusters(at, len(found))


def cluster_variance(residuals: Floats) -> Floats:
    """Variance of a sum of independent cluster contributions: G/(G − 1) Σ_g z_g². ``residuals``: (clusters, …)."""
    clusters = len(residuals)
    factor = clusters / (clusters - 1) if clusters > 1 else np.nan
    return factor * (residuals**2).sum(axis=0)  # type: ignore[no-any-return]


@dataclass(frozen=True)
class CodeShare:
    """One code in one group. ``count`` of ``total`` units or tokens (``basis``); ``group``: (column, value) pairs."""

    code: str
    coder: str
    group: tuple[tuple[str, Any], ...]
    basis: Basis
    which: Which
    share: Estimate
    count: float
    total: float
    n_traces: int
    n_missing: int
    cluster: str

    def as_row(self) -> dict[str, Any]:
        """Flat, for a data frame."""
        own = {k: getattr(self, k) for k in ("code", "coder", "basis", "which", "count", "total")}
        rest = {k: getattr(self, k) for k in ("n_traces", "n_missing", "cluster")}
        return dict(self.group) | own | self.share.as_json() | rest


class CoderGroups(NamedTuple):
    """One coder's sums: of each group its values, its `Sums`, and how many units have no coding. ``codes``: the columns of the sums."""

    coder: str
    codes: tuple[str, ...]
    groups: list[tuple[Any, ...]]
    sums: list[Sums]
    missing: list[int]


def shares(
    groups: Sequence[Sums], *, interval: ShareMethod = "jackknife", level: float = LEVEL
) -> list[list[Estimate]]:
    """Per group, per code: the share.

    A share that few clusters have borrows its design effect: the larger of the median of the group's codes and the median of the
    code's in the groups, where its own is not larger still. Where none is known it keeps the worst case, one unit an effective
    cluster. (R's survey and NCHS take 1 there, which is too sure where units are clustered.)
    """
    present = [_present(group) for group in groups]
    deff = np.array([[_told(column, group) for column in group.coded.T] for group in present])

    def borrowed(at: int, k: int) -> float | None:
        known = [values[~np.isnan(values)] for values in (deff[at], deff[:, k])]
        return max((float(np.median(values)) for values in known if len(values)), default=None)

    return [
        [
            ratio_share(column, group, interval=interval, level=level, deff=borrowed(at, k))
            for k, column in enumerate(group.coded.T)
        ]
        for at, group in enumerate(present)
    ]


def _present(sums: Sums) -> Sums:
    """Without the clusters that have nothing in this group."""
    kept = sums.total > 0
    return sums if kept.all() else replace(sums, coded=sums.coded[kept], total=sums.total[kept])


def _told(coded: Floats, sums: Sums) -> float:
    """The design effect that the data show; NaN where they cannot."""
    if sums.why_none or resting(coded, sums.total) < FEWEST_EFFECTIVE:
        return np.nan
    return _design_effect(coded, sums)


def _design_effect(coded: Floats, sums: Sums) -> float:
    """n v / (p̂(1−p̂)); 0 where the code never or always occurs."""
    total = float(sums.total.sum())
    share = float(coded.sum()) / total
    variance = float(cluster_variance((coded - share * sums.total) / total))
    return sums.units * variance / (share * (1 - share)) if 0 < coded.sum() < total else 0.0


def resting(coded: Floats, total: Floats) -> float:
    """How many effective clusters a share rests on: those of the units that have the code, or have it not if they are fewer."""
    return effective(rarer(coded, total))


def ratio_share(
    coded: Floats,
    sums: Sums,
    *,
    interval: ShareMethod = "jackknife",
    level: float = LEVEL,
    deff: float | None = None,
) -> Estimate:
    """One share. ``coded``: (clusters,) y_g. ``deff``: the least design effect to assume where few clusters have the code."""
    total, by = float(sums.total.sum()), sums.by
    method = f"ratio estimator, clustered by {by}"
    if total == 0:
        why = "the units have no tokens" if sums.units else "no unit was coded"
        return sums.undefined(why, method, level)
    share = float(coded.sum()) / total
    if coded.sum() in (0, total):
        share = float(round(share))
    blank = sums.estimate(share, method, level)
    if blank.clusters < 2:
        return replace(blank, warnings=(f"one {by} only: how much shares vary between {by}s is unknown",))
    if interval == "jackknife" and (why_none := sums.why_none):
        return replace(blank, warnings=(why_none,))
    blank = replace(blank, design_effect=_design_effect(coded, sums))
    if share in (0, 1) or (interval == "jackknife" and resting(coded, sums.total) < FEWEST_CLUSTERS):
        return _of_counts(blank, coded, sums, interval, deff)
    hits = int(min((coded > 0).sum(), (coded < sums.total).sum()))
    rare = f"rests on {hits} {by}s" if hits < FEW_HITS else None
    if interval != "jackknife":
        variance = float(cluster_variance((coded - share * sums.total) / total))
        return _of_survey(blank, variance, interval, by, rare)
    pairs, how = np.column_stack([coded, sums.total]), Resampling(level=level)
    rests: dict[str, Any] = {"dissent": rarer(coded, sums.total), "value": share}
    found = over_clusters(quotient, pairs, sums.total, how, scale="share", over=f"{by}s", **rests)
    return replace(blank, **found | {"n": sums.units, "warnings": joined(rare, *found["warnings"])})


def _of_survey(blank: Estimate, variance: float, kind: ShareInterval, by: str, rare: str | None) -> Estimate:
    """The interval of n/deff units with t of G − 1, as survey programs make it: too narrow with few clusters or unequal ones."""
    share, units = blank.value or 0.0, float(blank.n)
    size = min(units, share * (1 - share) / variance) if variance > 0 else units
    t = critical(blank.clusters, blank.level)
    low, high = share_interval(share, variance, size, t, kind=kind, level=blank.level, units=units)
    narrow = few(blank.clusters, f"{by}s", blank.effective_clusters)
    method = (
        f"ratio estimator linearised, clustered by {by}; {SHARE_INTERVALS[kind]} interval on n/deff units, t"
    )
    return replace(blank, low=low, high=high, method=method, warnings=joined(rare, narrow))


def _of_counts(
    blank: Estimate, coded: Floats, sums: Sums, interval: ShareMethod, deff: float | None
) -> Estimate:
    """A share that few clusters have: the interval of n/deff units, by its own design effect or ``deff``, if that is larger.

    Never less than 1, and at most, and where nothing is known, that of one unit an effective cluster, of which t has the
    degrees of freedom.
    """
    share, real, by = blank.value or 0.0, max(2.0, blank.effective_clusters or 0.0), sums.by
    own, worst = max(1.0, blank.design_effect or 0.0), max(1.0, sums.units / real)
    unknown = deff is None and np.isnan(_told(coded, sums))
    assumed = worst if unknown else min(worst, max(own, deff or 0.0))
    size, t, mid = sums.units / assumed, critical(real, blank.level), "mid-p " * (interval == "jackknife")
    kind: ShareInterval = "wilson" if interval == "wilson" else "korn-graubard"
    of_survey = share_interval(share, 0.0, size, t, kind=kind, level=blank.level)
    ends = mid_p(share, size, t, blank.level) if mid else of_survey
    hits = int((coded > 0).sum() if share < 0.5 else (coded < sums.total).sum())
    every = f"{'all' if share else 'none'} of {counted(sums.units, 'unit')}"
    note = every if share in (0, 1) else f"rests on {hits} of {len(coded)} {by}s"
    if unknown or assumed == worst:
        note += f": the design effect, {assumed:.3g}, is that of one unit per {by}, the worst case"
    elif assumed > own:
        note += f": the design effect, {assumed:.3g}, is no less than other codes or groups show"
    elif hits >= FEW_HITS:
        note = ""
    method = f"ratio estimator, clustered by {by}; {mid}{SHARE_INTERVALS[kind]} interval on n/deff units, t with {real - 1:.1f} df"
    known = replace(blank, method=method, design_effect=assumed, warnings=joined(note))
    return replace(known, low=ends[0], high=ends[1])
