"""Rows of runs joined by id: a trace or unit that stands in two runs is one, numbered by where it first stands.

units of two runs   u1 u2 u1 u3      numbers  0 1 0 2
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..estimate import Ints
from .run_columns import RunColumns


class JoinedColumns(NamedTuple):
    """``unit``, ``trace``: (rows,) numbers of the rows of `RunColumns`; ``units``, ``traces``: Arrow arrays of the ids; ``cluster``:
    (units,) the trace of each; ``first``: (traces,) the first row of each."""

    unit: Ints
    trace: Ints
    units: Any
    traces: Any
    cluster: Ints
    first: Ints


def joined_columns(columns: RunColumns) -> JoinedColumns:
    """Of runs that share units or do not."""
    units = columns.units["id"].combine_chunks().dictionary_encode()
    traces = columns.traces["id"].combine_chunks().dictionary_encode()
    unit, trace = (found.indices.to_numpy().astype(np.int64) for found in (units, traces))
    cluster = np.empty(len(units.dictionary), dtype=np.int64)
    cluster[unit[::-1]] = trace[columns.numbers("units", "trace")[::-1]]
    first = np.unique(trace, return_index=True)[1]
    return JoinedColumns(unit, trace, units.dictionary, traces.dictionary, cluster, first)
