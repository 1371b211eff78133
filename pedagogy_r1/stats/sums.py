"""Codes summed within clusters: all that a clustered share, its variance or a permutation needs.

    cluster  units  tokens  TR-SP  KA-RO  IA-FR  …
    aime-3   212    4310    3      118    9            an item: all its traces, whatever their condition
    aime-7   97     2054    0      61     4

Units repeat a few patterns of codes, so a million rows become (clusters × patterns) counts, and each code's sum is a
product with the patterns' indicator matrix.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from ..codebook import NONE
from ..errors import RunError, did_you_mean
from ..estimate import Clusters, Estimate, effective, few, joined

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
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
