"""How often does a code occur? Share of units, or of tokens, with an interval that knows that units come in traces.

    p̂ = Σ_g y_g / Σ_g m_g         v = G/(G−1) · Σ_g (y_g − p̂ m_g)² / (Σ_g m_g)²        deff = n v / (p̂(1−p̂))

y_g: units (tokens) of cluster g with the code, m_g: all of them, G: clusters, n: units. This is the linearised ratio
estimator of survey sampling (Cochran 1977, eq. 6.13; ``svymean`` in R). A cluster is an item with all its traces, since
traces of one item resemble each other; where every item has one trace it is the trace. The interval takes n/deff units
(`estimate.share`). At 0 of n and n of n, v says nothing: the design effect is then borrowed, see `shares`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd

from ..estimate import Estimate, ShareInterval, critical, joined, share_interval
from ..limits import FEW_HITS, LEVEL
from ..runs.run_columns import of_coder
from .sums import (
    Basis,
    Floats,
    Sums,
    Which,
    cluster_sums,
    cluster_variance,
    coded_units,
    group_numbers,
    renumbered,
)


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
