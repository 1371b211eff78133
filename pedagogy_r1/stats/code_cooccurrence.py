"""Which codes come together, in one unit, a moving window of units, or a trace; and where in the reasoning a code appears.

    window of 4 units   TR-SP & IA-SQ   in 31 windows, 17.2 expected, lift 1.8 [1.3, 2.5], Jaccard 0.12 [0.08, 0.18]
    IA-SQ   in 18 of 42 traces; mean position 0.31 [0.24, 0.38]
            tenths of the trace   .04 .05 .04 .03 .01 .01 .00 .01 .00 .02   share of the units there that have the code

A window is a unit with the ``window`` − 1 units before it in its trace (the moving stanza of epistemic network analysis,
Shaffer et al. 2016). Lift is P(a and b) / (P(a) P(b)), Jaccard is |a and b| / |a or b|. Overlapping windows and traces of an
item are anything but independent, so all intervals are clustered by item (or trace). A unit's position is its midpoint in
its trace, 0 to 1, so that long and short traces lie on each other: a profile that is level at the code's share says that the
code comes anywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Literal

import numpy as np
import pandas as pd

from ..estimate import (
    Clusters,
    Estimate,
    Floats,
    Ints,
    Resampling,
    compact,
    effective,
    joined,
    over_clusters,
    quotient,
)
from ..limits import FEW_HITS, FEWEST_EFFECTIVE, LEVEL
from ..runs.codings_table import of_coder
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

_MOST_CODES = 62


@dataclass(frozen=True)
class CodePair:
    """Two codes. ``both``, ``only_a``, ``only_b``: windows; ``expected``: windows with both, were they independent."""

    a: str
    b: str
    both: int
    only_a: int
    only_b: int
    n_windows: int
    expected: float
    lift: Estimate
    jaccard: Estimate


def cooccurrence(
    table: pd.DataFrame,
    *,
    coder: str | None = None,
    codes: Sequence[str] | None = None,
    window: int | Literal["trace"] = 1,
    which: Which = "any",
    level: float = LEVEL,
) -> tuple[CodePair, ...]:
    """All pairs of codes. ``window`` = 1 finds secondary codes only; missing codings add no code to a window.

    Raises `RunError` for an unknown coder or code, `ValueError` for a window that is none.
    """
    if window != "trace" and window < 1:
        raise ValueError(f"a window of {window} units: give 1 or more, or 'trace'")
    own = of_coder(table, coder)
    units = coded_units(own, codes, which=which)
    if len(units.codes) > _MOST_CODES:
        raise ValueError(f"{len(units.codes)} codes at once: name at most {_MOST_CODES}")
    index = own["index"].to_numpy().astype(np.int64)[units.rows]
    bits, cluster = _windows(units, index, window)
    clusters = renumbered(cluster)
    patterns, at = compact(bits)
    size = clusters.count * len(patterns)
    cells = np.bincount(clusters.number * len(patterns) + at, minlength=size)
    counts = cells.reshape(clusters.count, len(patterns)).astype(float)
    has = (patterns[:, None] >> np.arange(len(units.codes)) & 1).astype(bool)
    traces = len(compact(units.trace)[0])
    windows = Sums(counts @ has, counts.sum(axis=1), len(bits), traces, cluster_word(clusters.count, traces))
    return tuple(
        _pair(units.codes[i], units.codes[j], windows, i, j, counts @ (has[:, i] & has[:, j]), level)
        for i, j in combinations(range(len(units.codes)), 2)
    )


def _windows(units: CoderUnits, index: Ints, window: int | Literal["trace"]) -> tuple[Ints, Ints]:
    """(windows,) the codes in it as bits, and its cluster."""
    powers = 1 << np.arange(len(units.codes), dtype=np.int64)
    bits = (units.indicator.astype(np.int64) @ powers)[units.pattern]
    order = np.lexsort((index, units.trace))
    bits, trace, index, item = bits[order], units.trace[order], index[order], units.item[order]
    if window == "trace":
        starts = np.flatnonzero(np.diff(trace, prepend=-1))
        return (np.bitwise_or.reduceat(bits, starts) if len(starts) else bits), item[starts]
    found = bits.copy()
    for back in range(1, min(window, len(bits))):
        near = (trace[back:] == trace[:-back]) & (index[back:] - index[:-back] < window)
        if not near.any():
            break
        found[back:] |= np.where(near, bits[:-back], 0)
    return found, item


def _pair(a: str, b: str, windows: Sums, i: int, j: int, both: Floats, level: float) -> CodePair:
    in_a, in_b, n = windows.coded[:, i], windows.coded[:, j], windows.units
    either = in_a + in_b - both
    expected = float(in_a.sum() * in_b.sum() / n) if n else 0.0
    kept = either > 0
    jaccard = ratio_share(
        both[kept],
        Sums(both[kept, None], either[kept], int(either.sum()), windows.traces, windows.by),
        level=level,
    )
    if not either.sum():
        why = "neither code occurs"
        jaccard = replace(jaccard, why_undefined=why, clusters=len(windows.total))
    return CodePair(
        a, b, int(both.sum()), int((in_a - both).sum()), int((in_b - both).sum()), n, expected,
        _lift(in_a, in_b, both, windows, expected, level), jaccard,
    )  # fmt: skip


def _lift(in_a: Floats, in_b: Floats, both: Floats, windows: Sums, expected: float, level: float) -> Estimate:
    """n·n_ab/(n_a·n_b), by the jackknife of its log over clusters."""
    n, by = windows.units, windows.by
    method = f"lift, clustered by {by}"
    if not expected:
        return windows.undefined("one of the codes never occurs", method, level)
    lift = float(both.sum()) / expected
    blank = windows.estimate(lift, method, level)
    if blank.clusters < 2:
        return replace(blank, warnings=(f"one {by} only",))
    if not both.sum():
        share = ratio_share(both, windows, level=level)
        if share.high is None:
            return replace(blank, warnings=share.warnings)
        warnings = (f"never together: {share.warnings[0]}", *share.warnings[1:])
        return replace(blank, low=0.0, high=share.high * n / expected, warnings=warnings)
    if effective(both) < FEWEST_EFFECTIVE:
        return replace(
            blank, warnings=(f"no interval: more than half of the windows with both are in one of the {by}s",)
        )
    table, how = np.column_stack([both, in_a, in_b, windows.total]), Resampling(level=level)
    found = over_clusters(
        _lift_of, table, windows.total, how, scale="ratio", over=f"{by}s", dissent=both, value=lift
    )
    return replace(blank, **found)


def _lift_of(sums: Floats) -> Floats:
    """(R, 4) windows with both codes, with either, and all → (R,) lift."""
    lift: Floats = sums[:, 0] * sums[:, 3] / (sums[:, 1] * sums[:, 2])
    return lift


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
    by = cluster_word(clusters.count, len(compact(units.trace)[0]))
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
