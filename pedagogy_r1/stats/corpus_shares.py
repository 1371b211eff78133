"""Sums of codes within the clusters of a corpus, from its `Tally`: what `frequency` makes shares of.

All that a share needs are codes summed within clusters, and those are sums over a trace's patterns.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd
import pyarrow.compute as pc

from ..errors import RunError, did_you_mean
from ..estimate import Flags, Floats, Ints
from ..runs.run_columns import TRACE_FIELDS
from ..runs.tally import NOT_ASKED, Tally, encoded
from .code_shares import (
    Basis,
    CoderGroups,
    Sums,
    Which,
    cluster_word,
    group_numbers,
    item_numbers,
    renumbered,
)


class CorpusSums(NamedTuple):
    """One coder's, summed within traces. ``coded``: (traces, codes), ``total``: (traces,) in units or tokens; ``units``,
    ``missing``: (traces,) units that are coded, and that lack a coding and a reason is known; ``item``, ``trace``: (traces,)
    numbers."""

    coded: Floats
    total: Floats
    units: Ints
    missing: Ints
    item: Ints
    trace: Ints

    def within(self, chosen: Flags, cluster: Literal["item", "trace"] = "item") -> Sums:
        """Sums of the chosen (traces,), within clusters of units."""
        here = np.flatnonzero(chosen & (self.units > 0))
        units, traces = int(self.units[here].sum()), len(here)
        if cluster == "trace":
            return Sums(self.coded[here], self.total[here], units, traces, cluster_word(traces, traces))
        clusters = renumbered(self.item[here])
        word = cluster_word(clusters.count, traces)
        if clusters.count == traces:
            return Sums(self.coded[here], self.total[here], units, traces, word)
        columns = [np.bincount(clusters.number, column[here], clusters.count) for column in self.coded.T]
        coded = np.array(columns, dtype=np.float64).reshape(-1, clusters.count).T
        total = np.bincount(clusters.number, self.total[here], clusters.count).astype(np.float64)
        return Sums(coded, total, units, traces, word)


def trace_table(tally: Tally) -> pd.DataFrame:
    """A row for each trace, with the columns that `group_numbers` and `item_numbers` go by, as `frame_of` has them: a field's values
    in the order in which the traces of which anything was said have them first. Items are numbers, as there may be millions."""
    said = said_in(tally)
    columns: dict[str, Any] = {"trace_id": np.arange(tally.units.traces)}
    for field in TRACE_FIELDS:
        column = encoded(tally.traces[field])
        number = column.indices.fill_null(-1).to_numpy().astype(np.int64)
        if field == "item":
            unknown = pc.index(column.dictionary, "").as_py()
            columns[field] = np.where(number == unknown, -1, number)
            continue
        found, first = np.unique(number[said & (number >= 0)], return_index=True)
        order = found[np.argsort(first)].tolist()
        order += sorted(set(range(len(column.dictionary))) - set(order))
        place = np.empty(len(order) + 1, dtype=np.int64)
        place[order], place[-1] = np.arange(len(order)), -1
        values = column.dictionary.take(order).to_pylist() if order else []
        columns[field] = pd.Categorical.from_codes(place[number], categories=pd.Index(values))
    columns["correct"] = pd.Series(columns["correct"]).astype("boolean")
    table = pd.DataFrame(columns)
    table["item"] = table["item"].where(table["item"] >= 0, None).astype("Int64")
    return table


def said_in(tally: Tally) -> Flags:
    """(traces,) whether anybody was asked about a unit."""
    found: Flags = tally.units[(tally.patterns != NOT_ASKED).any(axis=0)].trace_sizes > 0
    return found


def coder_sums(
    tally: Tally,
    coder: str,
    items: Ints,
    codes: Sequence[str],
    *,
    which: Which = "primary",
    basis: Basis = "units",
) -> CorpusSums:
    """Sums within the traces of ``tally``. ``items``: (traces,) `item_numbers`. Raises `RunError` for a code that is not there."""
    for code in codes:
        if code not in tally.categories:
            raise RunError(f"no code is named {code!r}", did_you_mean(code, list(tally.categories)))
    row = tally.row(coder)
    primary, present = tally.primary[row], tally.present[row]
    numbers = np.array([tally.categories.index(code) for code in codes], dtype=np.int64)
    given = primary[:, None] == numbers if which == "primary" else present[:, None] >> numbers & 1
    coded = primary >= 0
    units = tally.units.sums(np.column_stack([coded, tally.reason[row] >= 0]).astype(np.float64))
    weights = tally.tokens if basis == "tokens" else tally.units
    sums = weights.sums(np.where(coded[:, None], given, 0).astype(np.float64))
    of_units, missing = np.ascontiguousarray(units.astype(np.int64).T)
    total = of_units.astype(np.float64)
    if basis == "tokens":
        total = tally.tokens.sums(coded.astype(np.float64))
    # A code's column is taken as a whole, many times.
    return CorpusSums(np.asfortranarray(sums), total, of_units, missing, items, np.arange(len(items)))


def groups_of_tally(
    tally: Tally,
    by: Sequence[str],
    codes: Sequence[str] | None,
    basis: Basis,
    which: Which,
    cluster: Literal["item", "trace"],
) -> Iterator[CoderGroups]:
    """Of every coder of a corpus; ``by``: fields of the traces (see `TRACE_FIELDS`), but for the item.

    Raises `RunError` for an unknown code or field.
    """
    if "item" in by:
        raise RunError(
            "a corpus has as many groups as items", "name another field; items are what shares vary over"
        )
    table = trace_table(tally)
    items = item_numbers(table)
    wanted = tuple(tally.categories if codes is None else codes)
    for coder in (each.name for each in tally.coders):
        own = coder_sums(tally, coder, items, wanted, which=which, basis=basis)
        said = np.flatnonzero(own.units + own.missing)
        if not len(said):
            continue
        of_said, groups = group_numbers(table.iloc[said], by)
        number = np.full(len(items), -1)
        number[said] = of_said
        sums = [own.within(number == g, cluster) for g in range(len(groups))]
        missing = [int(own.missing[number == g].sum()) for g in range(len(groups))]
        yield CoderGroups(coder, wanted, groups, sums, missing)
