"""One trace, read from the runs' files: its texts, its units, and all that everybody said of them.

SchemeUnits(scheme="sentence@1", columns=(A, B, cues), units=(OpenUnit(id="u3f…", codings={A: {…}, cues: {…}}), …))
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from ..trace import Trace
from .index import Index, TraceRow, unit_order
from .scan import read_line, read_lines


class OpenUnit(NamedTuple):
    """``place``: among all units of the trace, ``nth``: among those of its scheme; ``codings``: by column number, as in the file; ``runs``: which have the unit."""

    id: str
    place: int
    nth: int
    start: int
    end: int
    tokens: int
    text: str
    runs: tuple[int, ...]
    codings: dict[int, dict[str, Any]]

    @property
    def differ(self) -> bool:
        """Whether primary codes differ."""
        return len({tuple(c["codes"][:1]) for c in self.codings.values() if c["codes"] is not None}) > 1


class SchemeUnits(NamedTuple):
    """The units of one scheme. ``columns``: numbers of the coders whose runs have the trace so cut."""

    scheme: str
    columns: tuple[int, ...]
    units: tuple[OpenUnit, ...]


class Opened(NamedTuple):
    """A row with what it stands for."""

    row: TraceRow
    trace: Trace
    parts: tuple[SchemeUnits, ...]

    @property
    def units(self) -> Iterator[OpenUnit]:
        """All of them, in order."""
        return (unit for part in self.parts for unit in part.units)


class TextPiece(NamedTuple):
    """A stretch of running text, with the unit whose it is, if any."""

    text: str
    unit: OpenUnit | None = None


def open_trace(index: Index, row: TraceRow) -> Opened:
    trace = Trace.model_validate(read_line(index.path(row.run, "traces.jsonl"), row.at))
    units, parts = _units(index, row), []
    codings = _codings(index, row)
    for scheme in index.schemes:
        mine = tuple(
            OpenUnit(
                data["id"],
                place,
                data["index"],
                data["start"],
                data["end"],
                data["tokens"],
                data["text"],
                data["runs"],
                codings.get(data["id"], {}),
            )
            for place, data in enumerate(units)
            if data["scheme"] == scheme
        )
        runs = {r for r in row.places if index.runs[r].manifest.scheme == scheme}
        columns = tuple(i for i, column in enumerate(index.columns) if column.run in runs)
        if mine:
            parts.append(SchemeUnits(scheme, columns, mine))
    return Opened(row, trace, tuple(parts))


def unit_spans(index: Index, row: TraceRow) -> list[tuple[int, int]]:
    """Offsets of the row's units, in its order."""
    return [(data["start"], data["end"]) for data in _units(index, row)]


def pieces(reasoning: str, units: Sequence[OpenUnit]) -> Iterator[TextPiece]:
    """The reasoning as it runs, and which unit each stretch is. Where units overlap, the earlier one has the text."""
    at = 0
    for unit in units:
        if unit.start > at:
            yield TextPiece(reasoning[at : unit.start])
        yield TextPiece(reasoning[max(at, unit.start) : unit.end], unit)
        at = max(at, unit.end)
    if at < len(reasoning):
        yield TextPiece(reasoning[at:])


def _units(index: Index, row: TraceRow) -> list[dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    parts = []
    for r, place in row.places.items():
        run = index.runs[r]
        lines = read_lines(index.path(r, "units.jsonl"), place[0])
        parts.append(
            (
                index.schemes.index(run.manifest.scheme),
                [(d["start"], d["end"]) for d in lines],
                [d["id"] for d in lines],
            )
        )
        for data in lines:
            runs = (*found[data["id"]]["runs"], r) if data["id"] in found else (r,)
            found[data["id"]] = {**data, "scheme": run.manifest.scheme, "runs": runs}
    return [found[unit] for unit in unit_order(parts)]


def _codings(index: Index, row: TraceRow) -> dict[str, dict[int, dict[str, Any]]]:
    found: dict[str, dict[int, dict[str, Any]]] = {}
    for r, place in row.places.items():
        column = {c.coder: i for i, c in enumerate(index.columns) if c.run == r}
        for data in read_lines(index.path(r, "codings.jsonl"), place[1]):
            found.setdefault(data["unit_id"], {})[column[data["coder"]]] = data
    return found
