"""Codes by any column of the traces: ``pcode report --by metadata.grade``. Without ``--by`` there is no such section.

    code    grade 5      grade 6      no grade          what a cell of the page's first table holds: units
    IA-SQ   12           30           4

The long table has every coder's shares with their intervals (`stats.code_shares.frequency`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import chain

import pandas as pd

from ...formatting import counted
from ...limits import FEWEST_CLUSTERS
from ...runs.where import METADATA, values_of
from ...stats.code_shares import CodeShare, frequency
from ..section import ReportTable, Row, Section, columns, estimate_cells, listed, with_interval
from ..study import Study

MOST_COLUMNS = 12
"""Values that a table still has side by side."""


@dataclass(frozen=True)
class Crosstab:
    """``field`` as it was asked for; ``values``: its values in order, the missing one last; ``shares``: of every coder, the main
    one first, value by value; ``traces``: how many the main coder coded, by value."""

    field: str
    values: tuple[str, ...]
    shares: tuple[CodeShare, ...]
    traces: Mapping[str, int]

    @property
    def label(self) -> str:
        """What the column is called: ``grade`` of ``metadata.grade``."""
        return self.field.removeprefix(METADATA)


def measure_crosstab(study: Study) -> Crosstab | None:
    """`None` where no column is asked for. Raises `ArgumentError` for one that the traces do not have."""
    field = study.settings.by
    if field is None:
        return None
    label = field.removeprefix(METADATA)
    of_trace = values_of(chain.from_iterable(run.traces() for run in study.runs), field)
    known = set(of_trace.values()) - {None}
    missing = f"no {label}"
    while missing in known:
        missing = f"({missing})"
    values = [*_ordered(known), *([missing] if None in of_trace.values() else [])]
    column = study.table["trace_id"].astype(object).map(lambda trace: of_trace[trace] or missing)
    table = study.table.assign(**{_COLUMN: pd.Categorical(column, categories=values)})
    coders = [study.main, *(name for name in study.data.names if name != study.main)]
    shares = tuple(
        share
        for coder in coders
        for share in frequency(table[table["coder"] == coder], [_COLUMN], level=study.settings.level)
    )
    traces = {_value(share): share.n_traces for share in shares if share.coder == study.main}
    return Crosstab(field, tuple(values), shares, traces)


_COLUMN = "crosstab"


def _ordered(values: Iterable[str | None]) -> list[str]:
    """Numbers by size, where all are numbers; else by name."""
    texts = sorted(value for value in values if value is not None)
    try:
        return sorted(texts, key=float)
    except ValueError:
        return texts


def _value(share: CodeShare) -> str:
    return str(share.group[0][1])


def section(study: Study) -> list[Section]:
    """For the page, where a column is asked for."""
    found = study.once(measure_crosstab)
    return [] if found is None else [crosstab_section(study, found).at(41)]


def crosstab_section(study: Study, found: Crosstab) -> Section:
    """Counts side by side, the shares of every coder, and which values have few traces."""
    few = [value for value in found.values if 0 < found.traces.get(value, 0) < FEWEST_CLUSTERS]
    none = [value for value in found.values if not found.traces.get(value)]
    cautions = []
    if few:
        named = listed([f"{value} ({counted(found.traces[value], 'trace')})" for value in few])
        cautions.append(
            f"Values of {found.label} with fewer than {FEWEST_CLUSTERS} traces that {study.main} coded: {named}."
        )
    if none:
        cautions.append(f"{study.main} coded no unit of {found.label} {listed(none)}.")
    coded = [value for value in found.values if value not in none]
    lead = (
        f"How often {study.main} gave each code as the primary one, by {found.field}: "
        f"{counted(len(coded), 'value')}, of {counted(sum(found.traces.values()), 'trace')}. Nothing is tested here."
    )
    tables = [_shares(study, found)]
    if len(coded) <= MOST_COLUMNS:
        tables.insert(0, _counts(study, found, coded))
    return Section("crosstab", f"Codes by {found.label}", (lead,), tuple(tables), cautions=tuple(cautions))


def _counts(study: Study, found: Crosstab, values: list[str]) -> ReportTable:
    own = {(_value(s), s.code): s for s in found.shares if s.coder == study.main}
    rows: list[Row] = [
        {"code": code} | {f"value {value}": int(own[value, code].count) for value in values}
        for code in study.codes
    ]
    total: Row = {"code": "all units"}
    total |= {f"value {value}": int(own[value, study.codes[0]].total) for value in values}
    return ReportTable(
        "crosstab_counts",
        f"Units with each primary code, by {found.label}, as {study.main} coded.",
        columns(("code", "code", "code"), *((value, f"value {value}", "count") for value in values)),
        (*rows, total),
    )


def _shares(study: Study, found: Crosstab) -> ReportTable:
    rows = tuple(
        {"by": _value(s), "code": s.code, "coder": s.coder, "count": s.count, "total": s.total}
        | {"n_traces": s.n_traces, "n_missing": s.n_missing}
        | estimate_cells(s.share, more=True)
        for s in found.shares
    )
    shown = (
        *columns((found.label, "by", "text"), ("code", "code", "code"), "coder"),
        *with_interval("share", "", "share", study.settings.level),
        *columns(("count", "count", "count"), ("total", "total", "count"), ("traces", "n_traces", "count")),
    )
    first = sum(s.coder == study.main for s in found.shares)
    return ReportTable(
        "crosstab",
        f"Share of units with each primary code, by {found.label} and coder.",
        shown,
        rows,
        note=f"Intervals: {found.shares[0].share.method}." if found.shares else "",
        first=min(first, len(study.codes) * 3),
    )
