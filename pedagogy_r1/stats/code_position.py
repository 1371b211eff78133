"""Where in the reasoning does a code appear?

    IA-SQ   in 18 of 42 traces; mean position 0.31 [0.24, 0.38]
            tenths of the trace   .04 .05 .04 .03 .01 .01 .00 .01 .00 .02   share of the units there that have the code

A unit's position is its midpoint in its trace, 0 to 1, so that long and short traces lie on each other. A profile that is
level at the code's share says that the code comes anywhere. All intervals are clustered by item (or trace).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from ..estimate import Clusters, Estimate, Floats, Resampling, joined, over_clusters, quotient
from ..limits import FEW_HITS, LEVEL
from ..runs.run_columns import of_coder
from .code_shares import (
    CoderUnits,
    Sums,
    Which,
    cluster_sums,
    cluster_word,
    coded_units,
    ratio_share,
    renumbered,
    shares,
)

BINS = 10


@dataclass(frozen=True)
class CodePosition:
    """One code. ``profile``: (bins,) share of the units of a bin that have it; ``distribution``: (bins,) share of its
    own units that lie in the bin (empty where it never occurs); ``traces_with``: share of traces in which it appears.
    """

    code: str
    coder: str
    count: int
    mean: Estimate
    traces_with: Estimate
    edges: tuple[float, ...]
    profile: tuple[Estimate, ...]
    distribution: tuple[float, ...]


def position(
    table: pd.DataFrame,
    *,
    coder: str | None = None,
    codes: Sequence[str] | None = None,
    bins: int = BINS,
    which: Which = "primary",
    level: float = LEVEL,
) -> tuple[CodePosition, ...]:
    """All codes of one coder. Raises `RunError` for an unknown coder or code, `ValueError` for no bins."""
    if bins < 1:
        raise ValueError(f"{bins} bins: give 1 or more")
    own = of_coder(table, coder)
    units = coded_units(own, codes, which=which)
    place = own["position"].to_numpy().astype(float)[units.rows]
    clusters = renumbered(units.item)
    by = cluster_word(clusters.count, len(np.unique(units.trace)))
    everywhere = np.ones(len(place), dtype=bool)
    at_bin = np.minimum((place * bins).astype(np.int64), bins - 1)
    per_bin = [cluster_sums(units, at_bin == b, clusters, by) for b in range(bins)]
    profiles = shares(per_bin, level=level)
    counts = cluster_sums(units, everywhere, clusters).coded
    moments = cluster_sums(replace(units, weight=place), everywhere, clusters).coded
    with_code = _traces_with(units, clusters, by)
    name = str(own["coder"].iloc[0]) if len(own) else coder or ""
    edges = tuple(float(b / bins) for b in range(bins + 1))
    found = []
    for k, code in enumerate(units.codes):
        count = float(counts[:, k].sum())
        spread = tuple(float(b.coded[:, k].sum()) / count for b in per_bin) if count else ()
        seen = ratio_share(with_code.coded[:, k], with_code, level=level)
        mean = _mean(moments[:, k], counts[:, k], by, level)
        profile = tuple(profiles[b][k] for b in range(bins))
        found.append(CodePosition(code, name, int(count), mean, seen, edges, profile, spread))
    return tuple(found)


def _traces_with(units: CoderUnits, clusters: Clusters, by: str) -> Sums:
    """Traces, rather than units, with each code, summed per cluster."""
    _, first, trace = np.unique(units.trace, return_index=True, return_inverse=True)
    every = np.ones(len(trace), dtype=bool)
    own = cluster_sums(units, every, Clusters(trace.astype(np.int64), len(first)))
    traces = Clusters(clusters.number[first], clusters.count)
    present = traces.sums((own.coded > 0).astype(float))
    return Sums(present, traces.sums(np.ones((len(first), 1)))[:, 0], len(first), len(first), by)


def _mean(moments: Floats, counts: Floats, by: str, level: float) -> Estimate:
    """Ratio Σ position / Σ units over clusters; the interval is the jackknife's, on the logit."""
    method = f"mean position: ratio estimator, clustered by {by}"
    count, kept = int(counts.sum()), counts > 0
    if not count:
        return Sums(moments, counts, 0, 0, by).undefined("the code never occurs", method, level)
    mean = float(moments.sum()) / count
    blank = Sums(moments[kept], counts[kept], count, 0, by).estimate(mean, method, level)
    if blank.clusters < 2:
        return replace(blank, warnings=(f"it occurs in one {by} only",))
    pairs, how = np.column_stack([moments, counts])[kept], Resampling(level=level)
    found = over_clusters(quotient, pairs, counts[kept], how, scale="share", over=f"{by}s", value=mean)
    rare = f"rests on {blank.clusters} {by}s" if blank.clusters < FEW_HITS else None
    return replace(blank, **found | {"warnings": joined(rare, *found["warnings"])})
