"""From codings of spans to codings of units: what an imported run consists of, trace by trace.

units of aime-3    |-- 1 --||---- 2 ----||- 3 -|
A's codings        |-- A --|             |- B -|      codings: 1 A, 3 B; 2 has none (of a packet: is missing)

Spans that are not units are laid over them: each unit takes the codes of the span that covers most of it. On a tie the
earlier span wins. What is lost that way (spans that own no unit) is counted, and each coding keeps the share of its unit
that the span covers. With a threshold, a unit of which that span covers less is missing, and says so.

    spans   |------ TR-SP ------||---- KA-RO ----|
    units   |---- 1 ----||------ 2 ------||- 3 -|      1: TR-SP, overlap 1.0   2: TR-SP, .56   3: KA-RO, 1.0
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from pathlib import Path

from ..codebook import Codebook
from ..intake import read_traces
from ..runs.run import Coding, Manifest
from ..trace import Trace, Unit
from ..unit.unitizer import Unitizer
from .packet_return import NOT_RETURNED, ReturnedPacket
from .parse_cells import SpanCoding
from .read_codings import CodingsReport

NO_SPAN = "no span overlaps"
"""Why a unit of a coded trace is missing after projection."""

_Column = list[SpanCoding | None]
"""One coder's codings of a trace's units."""


def build_codings(
    report: CodingsReport,
    traces: Path,
    coded: dict[str, list[SpanCoding]],
    unitizer: Unitizer,
    projecting: bool,
    book: Codebook,
    manifest: Manifest,
    back: ReturnedPacket | None = None,
    least: float = 0.0,
) -> Iterator[tuple[Trace, list[Unit], list[Coding]]]:
    """Trace by trace: its units and codings, units in order, coders in the manifest's.

    ``projecting``: the spans need not be units, and one has to cover the share ``least`` of a unit; of what came ``back`` of a packet,
    every trace is there that was not for practice alone.
    """
    for trace in read_traces(traces):
        if trace.id not in coded and (back is None or trace.id not in back.in_earnest):
            continue
        units = unitizer(trace)
        spans: dict[str, list[SpanCoding]] = {coder.name: [] for coder in manifest.coders}
        for one in coded.get(trace.id, ()):
            spans[one.coder].append(one)
        columns: list[_Column] = []
        for coder, found in spans.items():
            if back and not back.spans:
                column = _column(units, found, projecting, report, least)
                columns.append(_asked(units, coder, column, report, back.drawn[coder]))
            elif found:
                columns.append(_column(units, found, projecting, report, least))
        rows = zip(units, *columns, strict=True)
        codings = [_coding(unit, one, book, manifest, report) for unit, *row in rows for one in row if one]
        report.count_trace(units, codings)
        yield trace, units, codings


def _column(
    units: list[Unit], found: list[SpanCoding], projecting: bool, report: CodingsReport, least: float
) -> _Column:
    if not (projecting and found):
        by_span = {(one.start, one.end): one for one in found}
        return [by_span.get((unit.start, unit.end)) for unit in units]
    coder = found[0].coder
    owners, landless = project(units, found, least)
    report.landless[coder] += landless
    why = too_little(least)
    report.add(f"{why}, which is missing", [one.where for one in owners if one and one.missing_reason == why])
    return [owner or SpanCoding(coder, 0, 0, None, NO_SPAN) for owner in owners]


def _asked(
    units: list[Unit], coder: str, column: _Column, report: CodingsReport, practice: Mapping[str, bool]
) -> _Column:
    """A coding for each unit that was asked of the coder and for no other; ``practice``: of each that was drawn."""
    found: _Column = []
    surplus: list[str] = []
    silent: list[str] = []
    for unit, one in zip(units, column, strict=True):
        if practice.get(unit.id) is False:
            found.append(one or SpanCoding(coder, 0, 0, None, NOT_RETURNED))
            silent += [unit.id] if one is None else []
        else:
            found.append(None)
            surplus += [one.where] if one and one.where else []
    report.add("on a unit that was not drawn for its coder, left out", surplus)
    report.add(NOT_RETURNED, silent)
    return found


def too_little(least: float) -> str:
    """Why a unit is missing that no span covers enough of."""
    return f"a span covers less than {least:g} of the unit"


def project(units: Sequence[Unit], codings: Sequence[SpanCoding], least: float = 0.0) -> tuple[_Column, int]:
    """Lay one coder's spans on a trace's units: for each unit its coding (``None``: no span overlaps it), and how many
    spans own no unit. ``overlap`` is the share of the unit's characters covered; below ``least`` the coding is missing.
    Two spans of one code are two spans: what they cover is not added up."""
    spans = sorted(codings, key=lambda span: (span.start, span.end))
    starts = [span.start for span in spans]
    furthest = list(accumulate((span.end for span in spans), max))
    owners: _Column = []
    owning: set[tuple[int, int]] = set()
    for unit in units:
        best, covered = None, 0
        # Backwards from the last span that begins before the unit's end, as long as any earlier one can reach it.
        at = bisect_left(starts, unit.end) - 1
        while at >= 0 and furthest[at] > unit.start:
            span = spans[at]
            overlap = min(unit.end, span.end) - max(unit.start, span.start)
            if overlap > 0 and overlap >= covered:
                best, covered = span, overlap
            at -= 1
        if best is None:
            owners.append(None)
            continue
        share = covered / (unit.end - unit.start)
        if share < least:
            owners.append(_lost(best, share, least))
            continue
        owning.add((best.start, best.end))
        owners.append(best._replace(overlap=round(share, 6)))
    return owners, len({(span.start, span.end) for span in spans} - owning)


def _lost(best: SpanCoding, share: float, least: float) -> SpanCoding:
    """The missing coding of a unit of which the span covers too little."""
    why, at = too_little(least), (best.start, best.end)
    return SpanCoding(best.coder, *at, None, why, overlap=round(share, 6), where=best.where)


def _coding(unit: Unit, one: SpanCoding, book: Codebook, manifest: Manifest, report: CodingsReport) -> Coding:
    if one.evidence and one.evidence not in unit.text:
        report.add("evidence not in its unit, left out", [one.where])
        one = one._replace(evidence=None)
    return Coding(unit_id=unit.id, codebook=book.stamp, run_id=manifest.run_id, **one.fields())
