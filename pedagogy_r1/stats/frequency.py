"""How often does a code occur? Share of units, or of tokens, with an interval that knows that units come in traces.

    p̂ = Σ_g y_g / Σ_g m_g         v = G/(G−1) · Σ_g (y_g − p̂ m_g)² / (Σ_g m_g)²        deff = n v / (p̂(1−p̂))

y_g: units (tokens) of cluster g with the code, m_g: all of them, G: clusters, n: units. This is the linearised ratio
estimator of survey sampling (Cochran 1977, eq. 6.13; ``svymean`` in R). A cluster is an item with all its traces, since
traces of one item resemble each other; where every item has one trace it is the trace. The interval takes n/deff units
(`estimate.py`). At 0 of n and n of n, v says nothing: the design effect is then borrowed, see `shares`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ..runs.code_table import of_coder
from .estimate import LEVEL, Estimate, Interval, critical, few, joined, share_interval, undefined
from .sums import (
    Basis,
    CodedUnits,
    Flags,
    Floats,
    Sums,
    Which,
    cluster_sums,
    cluster_variance,
    coded_units,
    group_numbers,
    renumbered,
)

if TYPE_CHECKING:
    import pandas as pd

FEW_HITS = 5
"""A code found in fewer clusters than this has an interval that rests on little, and says so."""


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
    interval: Interval = "korn-graubard",
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
        sums = [_sums(units, inside == g, cluster) for g in range(len(groups))]
        bys = ["item" if len(s.total) < s.traces else "trace" for s in sums]
        for g, estimates in enumerate(shares(sums, bys, interval=interval, level=level)):
            counts, total = sums[g].coded.sum(axis=0), float(sums[g].total.sum())
            group = tuple(zip(by, groups[g], strict=True))
            found += [
                CodeShare(code, str(coder), group, basis, which, share, float(count), total, sums[g].traces,
                          int(missing[g]), bys[g])
                for code, share, count in zip(units.codes, estimates, counts, strict=True)
            ]  # fmt: skip
    return tuple(found)


def _sums(units: CodedUnits, chosen: Flags, cluster: Literal["item", "trace"]) -> Sums:
    key = units.item if cluster == "item" else units.trace
    at = np.zeros(len(key), dtype=np.int64)
    at[chosen], clusters = renumbered(key[chosen])
    return cluster_sums(units, chosen, at, clusters)


def shares(
    groups: Sequence[Sums], bys: Sequence[str], *, interval: Interval = "korn-graubard", level: float = LEVEL
) -> list[list[Estimate]]:
    """Per group, per code: the share. ``bys``: what a cluster of each group is, in words.

    Shares of 0 and 1 borrow their design effect: the larger of the median of the group's other codes and the median of
    the code's in the other groups. Where neither exists they keep the worst case, one unit a cluster. (R's survey and
    NCHS take 1 there, which is too sure where units are clustered.)
    """
    present = [_present(group) for group in groups]
    found = [
        [ratio_share(g.coded[:, k], g, by, interval=interval, level=level) for k in range(g.coded.shape[1])]
        for g, by in zip(present, bys, strict=True)
    ]
    deff = np.array([[_told(share) for share in group] for group in found])
    for at, (group, by) in enumerate(zip(present, bys, strict=True)):
        for k, share in enumerate(found[at]):
            if share.low is None or not np.isnan(deff[at, k]):
                continue
            known = [values[~np.isnan(values)] for values in (deff[at], deff[:, k])]
            medians = [float(np.median(values)) for values in known if len(values)]
            if medians:
                found[at][k] = ratio_share(
                    group.coded[:, k], group, by, interval=interval, level=level, deff=max(medians)
                )
    return found


def _present(sums: Sums) -> Sums:
    """Without the clusters that have nothing in this group."""
    kept = sums.total > 0
    return replace(sums, coded=sums.coded[kept], total=sums.total[kept])


def _told(share: Estimate) -> float:
    """The design effect that the data show; NaN where they cannot."""
    between = share.estimate is not None and 0 < share.estimate < 1 and share.design_effect is not None
    return float(share.design_effect or 0.0) if between else np.nan


def ratio_share(
    coded: Floats,
    sums: Sums,
    cluster: str,
    *,
    interval: Interval = "korn-graubard",
    level: float = LEVEL,
    deff: float | None = None,
) -> Estimate:
    """One share. ``coded``: (clusters,) y_g. ``deff``: the design effect to assume where the data cannot tell."""
    clusters, total = len(sums.total), float(sums.total.sum())
    method = f"ratio estimator linearised, clustered by {cluster}; {interval} interval on n/deff units, t"
    if total == 0:
        why = "no unit was coded" if not sums.units else "the units have no tokens"
        return undefined(why, method, n=sums.units, clusters=clusters, level=level)
    share = float(coded.sum()) / total
    blank = Estimate(share, None, None, method, sums.units, clusters, level)
    if clusters < 2:
        return replace(
            blank, warning=f"one {cluster} only: how much shares vary between {cluster}s is unknown"
        )
    t, spread = critical(clusters, level), share * (1 - share)
    if coded.sum() in (0, total):
        share = float(round(share))
        assumed = sums.units / clusters if deff is None else max(1.0, deff)
        low, high = share_interval(
            share,
            0.0,
            sums.units / assumed,
            t,
            kind="korn-graubard" if interval == "linear" else interval,
            level=level,
        )
        source = "one unit a cluster, the worst case" if deff is None else "borrowed"
        warning = (
            f"{'none' if share == 0 else 'all'} of {sums.units}: design effect {assumed:.3g} is {source}"
        )
        return replace(
            blank, low=low, high=high, design_effect=assumed, warning=joined(warning, few(clusters))
        )
    variance = float(cluster_variance((coded - share * sums.total) / total))
    size = min(float(sums.units), spread / variance) if variance > 0 else float(sums.units)
    low, high = share_interval(share, variance, size, t, kind=interval, level=level)
    hits = int(min((coded > 0).sum(), (coded < sums.total).sum()))
    rare = f"rests on {hits} {cluster}s" if hits < FEW_HITS else None
    return replace(
        blank,
        low=low,
        high=high,
        design_effect=sums.units * variance / spread,
        warning=joined(rare, few(clusters)),
    )
