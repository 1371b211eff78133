"""A continuum: one stretch of text on which several coders chose their own spans.

    0        9    14        25                  47 = length
    A  |  TR-SP   |         |     IA-SQ    |          A: [Span(0, 14, "TR-SP"), Span(25, 40, "IA-SQ")]
    B  | TR-SP |  | IA-SQ   |     IA-SQ    |          B: [Span(0, 9, "TR-SP"), Span(14, 25, "IA-SQ"), …]
    C                                                 not among the coders: C did not code this text

Offsets are half-open. What lies between a coder's spans is a *gap*: read, and found to be nothing. A coder who found
nothing anywhere has no spans; a coder who did not read it at all is not there. The two are never confused.

Units that coders chose themselves (``given@…``) are an order of their own for each coder (`own_spans`), and divide the text
only where none of them overlap:

    A   |--- 1 ---||-- 2 --|    |-- 3 --|          numbered 1, 2, 3 for A
    B      |------ 1 ------|  |--- 2 ---|          and 1, 2 for B; together they would be 5 units, two of them in each other
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd

from ..errors import PedagogyError, RunError, did_you_mean
from ..estimate import Ints
from ..formatting import counted
from ..runs.run import CoderRun, Coding, require_complete, run_labels
from ..runs.run_columns import coder_names
from ..trace import Trace, Unit

Silent = Literal["missing", "nothing"]


class Span(NamedTuple):
    """``[start, end)`` and its code; ``None``: what the coder would have said here is missing, neither code nor gap."""

    start: int
    end: int
    code: str | None


@dataclass(frozen=True)
class Continuum:
    """``length`` in the offsets' own unit (code points for a trace); ``spans``: by coder, in any order."""

    name: str
    length: int
    spans: Mapping[str, Sequence[Span]]


def coders_of(continua: Iterable[Continuum]) -> tuple[str, ...]:
    """Everybody who coded at least one continuum, in order of appearance."""
    return tuple(dict.fromkeys(coder for continuum in continua for coder in continuum.spans))


def codes_of(continua: Iterable[Continuum]) -> tuple[str, ...]:
    """Every code given, sorted."""
    return tuple(
        sorted({s.code for c in continua for spans in c.spans.values() for s in spans if s.code is not None})
    )


def in_order(continuum: Continuum, coder: str) -> list[Span]:
    """A coder's spans by offset, checked: inside the continuum, none overlapping.

    Raises `PedagogyError` naming continuum, coder and offsets.
    """
    spans = sorted(continuum.spans[coder], key=lambda span: (span.start, span.end))
    where = f"{continuum.name}: coder {coder}"
    for span in spans:
        if not 0 <= span.start < span.end <= continuum.length:
            raise PedagogyError(
                f"{where}: span {span.start}–{span.end} does not lie in its {continuum.length} characters",
                "offsets are half-open, from 0 to the length of the text",
            )
    if lapping := _overlap(where, spans):
        raise PedagogyError(
            lapping, "the unitizing alphas need disjoint spans: merge or shorten one; --gamma takes overlaps"
        )
    return spans


def overlap_in(continua: Iterable[Continuum]) -> str:
    """The first two spans of one coder that overlap, in words; nothing where none do."""
    for continuum in continua:
        for coder, spans in continuum.spans.items():
            if found := _overlap(f"{continuum.name}: coder {coder}", sorted(spans, key=lambda s: s[:2])):
                return found
    return ""


def _overlap(where: str, spans: Sequence[Span]) -> str:
    for first, second in pairwise(spans):
        if second.start < first.end:
            return f"{where}: spans {first.start}–{first.end} and {second.start}–{second.end} overlap"
    return ""


def continua_of(
    runs: Sequence[CoderRun],
    *,
    coders: Sequence[str] = (),
    silent: Silent = "missing",
    partial: bool = False,
) -> list[Continuum]:
    """The traces of ``runs`` as continua: a span is a unit that its coder coded, by primary code.

    Meant for runs whose units the coders chose (``given@…``, from ``pcode import --units own``); each run may bring its
    own, what joins them is the trace. *None applies* is a gap. ``silent``: a coder without any coding on a trace did
    not code it (``missing``), or read it and found nothing (``nothing``); a run does not record which.
    A name that coded one trace in two runs is two coders, ``name@run``. A trace that is in no run, because nobody chose
    a span there, is not known here. ``partial``: go on with the traces that unfinished runs have.

    Raises `RunError` where two runs hold different texts under one trace id.
    """
    require_complete(runs, partial)
    found = _Collected()
    for label, run in zip(run_labels(runs), runs, strict=True):
        found.add(label, run)
    continua = found.continua(silent)
    if not coders:
        return continua
    known = list(found.names().values())
    for name in coders:
        if name not in known:
            raise RunError(f"no coder is named {name!r}", did_you_mean(name, known))
    return [
        Continuum(c.name, c.length, {name: c.spans[name] for name in coders if name in c.spans})
        for c in continua
    ]


class _Collected:
    """Spans by (coder, run) and trace."""

    def __init__(self) -> None:
        self.texts: dict[str, tuple[int, int, str]] = {}
        self.spans: dict[tuple[str, str], dict[str, list[Span]]] = {}

    def add(self, label: str, run: CoderRun) -> None:
        for coder in run.manifest.coders:
            self.spans[coder.name, label] = {}
        for trace, units, codings in run.by_trace():
            self._check_text(trace, label)
            self._add_trace(label, run, {unit.id: unit for unit in units}, codings)

    def _check_text(self, trace: Trace, label: str) -> None:
        text = (len(trace.reasoning), hash(trace.reasoning))
        first = self.texts.setdefault(trace.id, (*text, label))
        if first[:2] != text:
            raise RunError(
                f"trace {trace.id} has one text in {first[2]} and another in {label}",
                "import both from the same traces file",
            )

    def _add_trace(self, label: str, run: CoderRun, units: dict[str, Unit], codings: list[Coding]) -> None:
        for coding in codings:
            if (coding.coder, label) not in self.spans:
                raise RunError(
                    f"{run.folder}: a coding names coder {coding.coder!r}, whom the run does not have",
                    "restore the run directory",
                )
            unit = units[coding.unit_id]
            mine = self.spans[coding.coder, label].setdefault(unit.trace_id, [])
            if coding.codes != ():
                mine.append(Span(unit.start, unit.end, coding.primary))

    def names(self) -> dict[tuple[str, str], str]:
        """What each (coder, run) is called: the name alone, unless it coded one trace in two runs."""
        traces: dict[str, Counter[str]] = {}
        for (name, _), by_trace in self.spans.items():
            traces.setdefault(name, Counter()).update(by_trace.keys())
        return {
            (name, run): name if max(traces[name].values(), default=0) < 2 else f"{name}@{run}"
            for name, run in self.spans
        }

    def continua(self, silent: Silent) -> list[Continuum]:
        names = self.names()
        every: dict[str, list[Span]] = {name: [] for name in names.values()}
        found = []
        for trace, (length, _, _) in self.texts.items():
            coded = {names[key]: by_trace[trace] for key, by_trace in self.spans.items() if trace in by_trace}
            if length:
                found.append(Continuum(trace, length, every | coded if silent == "nothing" else coded))
        return found


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
