"""Traces that were asked for, unit by unit: a ribbon for each coder who coded them.

pcode report … --traces t-017,t-042
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from ...errors import ArgumentError, did_you_mean
from ...formatting import counted
from ..figures.figure import Figure
from ..figures.figure_legend import Sign
from ..figures.trace_ribbons import Stretch, TraceRibbon, ribbons
from ..section import Section
from ..study import Study

TOGETHER = 16
"""Ribbons of one figure."""


def measure_ribbons(study: Study) -> tuple[TraceRibbon, ...]:
    """In the order in which they were asked for. Raises `ArgumentError` for a trace that the runs do not have."""
    wanted = study.settings.ribbons
    known = {trace: row for row, trace in enumerate(study.data.traces)}
    for trace in wanted:
        if trace not in known:
            raise ArgumentError(f"no trace {trace!r} is in these runs", did_you_mean(trace, list(known)))
    spans: dict[str, tuple[int, int]] = {}
    lengths: dict[str, int] = {}
    for run in study.runs if wanted else ():
        for unit in run.units():
            if unit.trace_id in wanted:
                spans[unit.id] = unit.start, unit.end
                lengths[unit.trace_id] = max(lengths.get(unit.trace_id, 0), unit.end)
    return tuple(
        _ribbon(study, trace, known[trace], spans, lengths[trace]) for trace in dict.fromkeys(wanted)
    )


def _ribbon(
    study: Study, trace: str, row: int, spans: dict[str, tuple[int, int]], length: int
) -> TraceRibbon:
    data = study.data
    units = [k for k, at in enumerate(data.cluster.tolist()) if at == row]
    coders: dict[str, list[Stretch]] = {}
    for number, name in enumerate(data.names):
        own = []
        for k in units:
            code, why = int(data.primary[number, k]), int(data.reason[number, k])
            if code >= 0 or why >= 0:
                own.append(Stretch(*spans[data.unit_ids[k]], study.codes[code] if code >= 0 else None))
        if any(stretch.sign for stretch in own):
            coders[name] = own
    fields = data.fields[row] if data.fields else {}
    about = [str(value) for key in ("condition", "model") if (value := fields.get(key))]
    return TraceRibbon(" · ".join([trace, *about]), length, coders)


def _figures(study: Study, found: tuple[TraceRibbon, ...]) -> Iterator[Figure]:
    colors = study.palette
    signs = {code: Sign(study.labels[code], colors[code], colors.pattern(code)) for code in study.codes}
    parts: list[list[TraceRibbon]] = [[]]
    for one in found:
        if parts[-1] and sum(len(other.coders) + 1 for other in [*parts[-1], one]) > TOGETHER:
            parts.append([])
        parts[-1].append(one)
    for number, part in enumerate(parts, 1):
        yield Figure(
            f"ribbons_{number}" if len(parts) > 1 else "ribbons",
            "Traces from their first letter to their last, a ribbon for each coder, each unit in the colour of its primary code. "
            "Empty: text that a coder was not asked about.",
            partial(ribbons, part, signs, axis="letters of the trace", missing="asked about, not coded"),
        )


def section(study: Study) -> tuple[Section, ...]:
    """For the page; nothing where no trace is asked for."""
    found = study.once(measure_ribbons)
    if not found:
        return ()
    lead = f"{counted(len(found), 'trace')} that {'was' if len(found) == 1 else 'were'} chosen for it."
    return (Section("ribbons", "Chosen traces", (lead,), figures=tuple(_figures(study, found))).at(85),)
