"""How often does a code occur? Share of units, or of tokens, with an interval that knows that units come in traces.

    p̂ = Σ_g y_g / Σ_g m_g         v = G/(G−1) · Σ_g (y_g − p̂ m_g)² / (Σ_g m_g)²        deff = n v / (p̂(1−p̂))

y_g: units (tokens) of cluster g with the code, m_g: all of them, G: clusters, n: units. This is the linearised ratio
estimator of survey sampling (Cochran 1977, eq. 6.13; ``svymean`` in R). A cluster is an item with all its traces, since
traces of one item resemble each other; where every item has one trace it is the trace. The interval takes n/deff units
(`estimate.share`). All it needs are codes summed within clusters (`Sums`). At 0 of n and n of n, v says nothing: the design effect is then borrowed, see `shares`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from ..codebook import NONE
from ..errors import RunError, did_you_mean
from ..estimate import (
    Clusters,
    Estimate,
    Flags,
    Floats,
    Ints,
    ShareInterval,
    critical,
    effective,
    few,
    joined,
    share_interval,
)
from ..limits import FEW_HITS, LEVEL
from ..runs.run_columns import of_coder

Basis = Literal["units", "tokens"]
Which = Literal["primary", "any"]


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
        """An estimate without its interval, warned of if the clusters are few."""
        clusters, size = len(self.total), effective(self.total)
        warnings = joined(few(clusters, f"{self.by}s"))
        return Estimate(value, None, None, level, method, self.units, clusters, size, warnings=warnings)


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
    """(rows,) number of the item; a trace whose item is unknown counts as an item of its own.

    Items are told apart within a domain: item 7 of SK is not item 7 of PK.
    """
    trace, item, domain = (_numbers(table[name]) for name in ("trace_id", "item", "domain"))
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
    traces = len(np.unique(units.trace[chosen]))
    coded = cells.reshape(count, patterns) @ units.indicator
    return Sums(coded, total, len(at), traces, by or cluster_word(count, traces))


def cluster_word(clusters: int, traces: int) -> str:
    """``item`` where clusters are fewer than traces, else ``trace``."""
    return "item" if clusters < traces else "trace"


def renumbered(cluster: Ints, chosen: Flags | None = None) -> Clusters:
    """The clusters that occur, in ascending order; with ``chosen`` (units,), those of the chosen units."""
    found, number = np.unique(cluster if chosen is None else cluster[chosen], return_inverse=True)
    if chosen is None:
        return Clusters(number.astype(np.int64), len(found))
    at = np.zeros(len(cluster), dtype=np.int64)
    at[chosen] = number
    return Clusters(at, len(found))


def cluster_variance(residuals: Floats) -> Floats:
    """Variance of a sum of independent cluster contributions: G/(G − 1) Σ_g z_g². ``residuals``: (clusters, …)."""
    clusters = len(residuals)
    factor = clusters / (clusters - 1) if clusters > 1 else np.nan
    return factor * (residuals**2).sum(axis=0)  # type: ignore[no-any-return]


def half_width(residuals: Floats, level: float) -> float:
    """Of the interval of such a sum: t with G − 1 degrees of freedom, times its standard error (`cluster_variance`)."""
    return critical(len(residuals), level) * math.sqrt(float(cluster_variance(residuals)))


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


def frequency(
    table: pd.DataFrame,
    by: Sequence[str] = (),
    *,
    basis: Basis = "units",
    which: Which = "primary",
    codes: Sequence[str] | None = None,
    cluster: Literal["item", "trace"] = "item",
    interval: ShareInterval = "korn-graubard",
    level: float = LEVEL,
) -> tuple[CodeShare, ...]:
    """Every code's share by coder and by the columns ``by`` (domain, condition, model, correct …).

    With ``which="primary"`` the shares of a group sum to 1 (``none`` included). Units whose coding is missing are in no
    total; ``n_missing`` counts them. Raises `RunError` for an unknown code or column.
    """
    found: list[CodeShare] = []
    for coder in table["coder"].unique():
        own = of_coder(table, str(coder))
        units = coded_units(own, codes, which=which, basis=basis)
        number, groups = group_numbers(own, by)
        inside = number[units.rows]
        missing = np.bincount(number, minlength=len(groups)) - np.bincount(inside, minlength=len(groups))
        key = units.item if cluster == "item" else units.trace
        chosen = [inside == g for g in range(len(groups))]
        sums = [cluster_sums(units, here, renumbered(key, here)) for here in chosen]
        for g, estimates in enumerate(shares(sums, interval=interval, level=level)):
            counts, total = sums[g].coded.sum(axis=0), float(sums[g].total.sum())
            group = tuple(zip(by, groups[g], strict=True))
            found += [
                CodeShare(code, str(coder), group, basis, which, share, float(count), total, sums[g].traces,
                          int(missing[g]), sums[g].by)
                for code, share, count in zip(units.codes, estimates, counts, strict=True)
            ]  # fmt: skip
    return tuple(found)


def shares(
    groups: Sequence[Sums], *, interval: ShareInterval = "korn-graubard", level: float = LEVEL
) -> list[list[Estimate]]:
    """Per group, per code: the share.

    Shares of 0 and 1 borrow their design effect: the larger of the median of the group's other codes and the median of
    the code's in the other groups. Where neither exists they keep the worst case, one unit a cluster. (R's survey and
    NCHS take 1 there, which is too sure where units are clustered.)
    """
    present = [_present(group) for group in groups]
    found = [
        [ratio_share(column, group, interval=interval, level=level) for column in group.coded.T]
        for group in present
    ]
    deff = np.array([[_told(share) for share in group] for group in found])
    for at, group in enumerate(present):
        for k, share in enumerate(found[at]):
            known = [values[~np.isnan(values)] for values in (deff[at], deff[:, k])]
            medians = [float(np.median(values)) for values in known if len(values)]
            if share.low is not None and np.isnan(deff[at, k]) and medians:
                found[at][k] = ratio_share(
                    group.coded[:, k], group, interval=interval, level=level, deff=max(medians)
                )
    return found


def _present(sums: Sums) -> Sums:
    """Without the clusters that have nothing in this group."""
    kept = sums.total > 0
    return replace(sums, coded=sums.coded[kept], total=sums.total[kept])


def _told(share: Estimate) -> float:
    """The design effect that the data show; NaN where they cannot."""
    between = share.value is not None and 0 < share.value < 1 and share.design_effect is not None
    return float(share.design_effect or 0.0) if between else np.nan


def ratio_share(
    coded: Floats,
    sums: Sums,
    *,
    interval: ShareInterval = "korn-graubard",
    level: float = LEVEL,
    deff: float | None = None,
) -> Estimate:
    """One share. ``coded``: (clusters,) y_g. ``deff``: the design effect to assume where the data cannot tell."""
    total, by, kind = float(sums.total.sum()), sums.by, interval
    method = f"ratio estimator linearised, clustered by {by}; {kind} interval on n/deff units, t"
    if total == 0:
        return sums.undefined(
            "the units have no tokens" if sums.units else "no unit was coded", method, level
        )
    share = float(coded.sum()) / total
    blank = sums.estimate(share, method, level)
    if blank.clusters < 2:
        alone = f"one {by} only: how much shares vary between {by}s is unknown"
        return replace(blank, warnings=(alone,))
    if coded.sum() in (0, total):
        share, kind = float(round(share)), "korn-graubard" if interval == "linear" else interval
        variance, effect = 0.0, sums.units / blank.clusters if deff is None else max(1.0, deff)
        size = sums.units / effect
        source = "one unit a cluster, the worst case" if deff is None else "borrowed"
        which = "none" if share == 0 else "all"
        warning: str | None = f"{which} of {sums.units}: design effect {effect:.3g} is {source}"
    else:
        variance, spread = float(cluster_variance((coded - share * sums.total) / total)), share * (1 - share)
        size = min(float(sums.units), spread / variance) if variance > 0 else float(sums.units)
        effect = sums.units * variance / spread
        hits = int(min((coded > 0).sum(), (coded < sums.total).sum()))
        warning = f"rests on {hits} {by}s" if hits < FEW_HITS else None
    t = critical(blank.clusters, level)
    low, high = share_interval(share, variance, size, t, kind=kind, level=level)
    warnings = joined(warning, *blank.warnings)
    return replace(blank, low=low, high=high, design_effect=effect, warnings=warnings)
