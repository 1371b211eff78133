"""Units that coders chose themselves (``given@…``): each coder's are an order of their own, and divide the text only where none
of them overlap.

    A   |--- 1 ---||-- 2 --|    |-- 3 --|          numbered 1, 2, 3 for A
    B      |------ 1 ------|  |--- 2 ---|          and 1, 2 for B; together they would be 5 units, two of them in each other
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from ..estimate import Ints
from ..formatting import counted
from ..runs.run import CoderRun
from ..runs.run_columns import coder_names


class OwnSpans(NamedTuple):
    """``table``: a row for each unit and coder, with ``index`` and ``position`` among the coder's own units of the trace.

    ``overlaps``: by coder whose units overlap each other, that they do. Such units do not divide the text: what is in two of
    them would count twice.
    """

    table: pd.DataFrame
    overlaps: Mapping[str, str]


def own_spans(table: pd.DataFrame, runs: Sequence[CoderRun]) -> OwnSpans:
    """``table``: `stats.code_table`. It is as it was where nobody chose units."""
    if not any(run.own_units for run in runs):
        return OwnSpans(table, {})
    places: dict[str, tuple[int, int]] = {}
    held: dict[tuple[str, str], list[tuple[int, int]]] = defaultdict(list)
    for run, names in zip(runs, coder_names(runs), strict=True):
        if run.own_units:
            for trace, units, codings in run.by_trace():
                own = {unit.id: (unit.start, unit.end) for unit in units}
                places |= own
                for coding in codings:
                    held[names[coding.coder], trace.id].append(own[coding.unit_id])
    return OwnSpans(_renumbered(table, places), _overlaps(held))


def _renumbered(table: pd.DataFrame, places: Mapping[str, tuple[int, int]]) -> pd.DataFrame:
    chosen = table["unit_id"].isin(list(places))
    own = table.loc[chosen, ["coder", "trace_id", "unit_id"]].astype(str)
    start, end = (own["unit_id"].map({unit: span[k] for unit, span in places.items()}) for k in (0, 1))
    group = own.groupby(["coder", "trace_id"], sort=False).ngroup().to_numpy().astype(np.int64)
    rank, size = _ranks(group, np.lexsort((end, start, group)))
    table = table.assign(position=table["position"].astype(float))
    table.loc[chosen, "index"] = rank
    table.loc[chosen, "position"] = (rank + 0.5) / size
    return table


def _ranks(group: Ints, order: Ints) -> tuple[Ints, Ints]:
    """(rows,) place of each row within its group in that order, and the group's size."""
    sizes = np.bincount(group)
    begins = np.cumsum(sizes) - sizes
    rank = np.empty(len(group), dtype=np.int64)
    rank[order] = np.arange(len(group)) - begins[group[order]]
    return rank, sizes[group]


def _overlaps(held: Mapping[tuple[str, str], list[tuple[int, int]]]) -> dict[str, str]:
    inside, total = defaultdict[str, int](int), defaultdict[str, int](int)
    for (coder, _), spans in held.items():
        reach = 0
        for start, end in sorted(spans):
            inside[coder] += start < reach
            reach = max(reach, end)
        total[coder] += len(spans)
    return {
        coder: f"{counted(n, 'unit')} of {total[coder]:,} that {coder} coded {'overlaps' if n == 1 else 'overlap'} another, so that "
        "they do not divide the text"
        for coder, n in inside.items()
        if n
    }
