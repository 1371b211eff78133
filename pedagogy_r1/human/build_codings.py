"""Judgements on units: what becomes a coding of an imported run, trace by trace.

units of aime-3    |-- 1 --||---- 2 ----||- 3 -|
A's judgements     |-- A --|             |- B -|      codings: 1 A, 3 B; 2 has none (of a packet: is missing)
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ..codebook import Codebook
from ..intake import read_traces
from ..runs.coding import Coding
from ..runs.run import Manifest
from ..trace import Trace
from ..unit import Unit, Unitizer
from .import_report import CodingsReport
from .packet_return import NOT_RETURNED, Returned
from .parse_cells import Judgement, as_fields
from .projection import NO_SPAN, project

Coded = tuple[Trace, list[Unit], list[Coding]]


def lay(
    report: CodingsReport,
    traces: Path,
    judgements: dict[str, list[Judgement]],
    unitizer: Unitizer,
    projecting: bool,
    book: Codebook,
    manifest: Manifest,
    back: Returned | None = None,
) -> Iterator[Coded]:
    """Trace by trace: its units and codings, units in order, coders in the manifest's.

    ``projecting``: the judgements' spans need not be units; of what came ``back`` of a packet, every trace is there.
    """
    coders = [coder.name for coder in manifest.coders]
    for trace in read_traces(traces):
        if trace.id not in judgements and back is None:
            continue
        units = unitizer(trace)
        mine = {coder: [j for j in judgements.get(trace.id, ()) if j.coder == coder] for coder in coders}
        columns = [
            _column(units, coder, found, projecting, report, back)
            for coder, found in mine.items()
            if found or back
        ]
        rows = (judgement for row in zip(*columns, strict=True) for judgement in row)
        owners = (unit for unit in units for _ in columns)
        codings = [
            _coding(unit, judgement, book, manifest, report)
            for unit, judgement in zip(owners, rows, strict=True)
            if judgement
        ]
        report.traces += 1
        report.traces_left_out = max(0, report.traces_left_out - 1)
        report.units += len(units)
        report.codings += len(codings)
        report.missing += sum(coding.codes is None for coding in codings)
        yield trace, units, codings


def _column(
    units: list[Unit],
    coder: str,
    found: list[Judgement],
    projecting: bool,
    report: CodingsReport,
    back: Returned | None,
) -> list[Judgement | None]:
    """One coder's judgements of a trace's units; of a packet's, all that were asked of the coder."""
    laid = _projected if projecting and found else _exact
    column = laid(units, coder, found, report)
    if back:
        column, surplus = back.complete(units, coder, column)
        report.add("on a unit that was not drawn for its coder, left out", surplus)
        report.add(
            NOT_RETURNED,
            [
                u.id
                for u, one in zip(units, column, strict=True)
                if one and one.missing_reason == NOT_RETURNED
            ],
        )
    return column


def _exact(
    units: list[Unit], coder: str, found: list[Judgement], report: CodingsReport
) -> list[Judgement | None]:
    by_span = {(judgement.start, judgement.end): judgement for judgement in found}
    return [by_span.get((unit.start, unit.end)) for unit in units]


def _projected(
    units: list[Unit], coder: str, found: list[Judgement], report: CodingsReport
) -> list[Judgement | None]:
    owners, landless = project(units, found)
    report.landless[coder] += landless
    empty = Judgement(coder, 0, 0, None, NO_SPAN)
    return [owner or empty for owner in owners]


def _coding(
    unit: Unit, judgement: Judgement, book: Codebook, manifest: Manifest, report: CodingsReport
) -> Coding:
    fields = as_fields(judgement)
    if fields["evidence"] and fields["evidence"] not in unit.text:
        fields["evidence"] = None
        report.add("evidence not in its unit, left out", [judgement.where])
    return Coding(unit_id=unit.id, codebook=book.stamp, run_id=manifest.run_id, **fields)
