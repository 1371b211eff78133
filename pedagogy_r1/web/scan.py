"""Reads a run's units and codings once, front to back, and keeps only where they lie and what was said.

    {"id":"u3f…","trace_id":"aime-3",…}     units.jsonl, byte 90210
    {"unit_id":"u3f…","coder":"A",…}        codings.jsonl, byte 81112

Half a million lines must not keep anybody waiting, so the heads of the lines, which we wrote ourselves, are matched as bytes;
a line that looks otherwise is read as JSON.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import RunError
from ..runs.run import CoderRun

_TRACE = re.compile(rb'\{"id": ?("(?:[^"\\]|\\.)*"),')
_UNIT = re.compile(
    rb'\{"id":"([^"\\]*)","trace_id":("(?:[^"\\]|\\.)*"),"scheme":"[^"\\]*","index":\d+,"start":(\d+),"end":(\d+),'
)
_CODING = re.compile(rb'\{"unit_id":"([^"\\]*)","coder":("(?:[^"\\]|\\.)*"),"codes":(\[[^\]\\]*\])')
"""Of a coding that is there; the few missing ones are read as JSON."""


Said = tuple[int, bytes, bytes]
"""Place of the unit among its trace's, coder as JSON, codes as JSON or ``b""`` for missing."""


class Units(NamedTuple):
    """One trace's units in a run. ``order``: id → place; ``raw``: their lines, at the bytes ``span`` of the file."""

    trace: str
    key: bytes
    ids: list[bytes]
    spans: list[tuple[int, int]]
    order: dict[bytes, int]
    raw: bytes
    span: tuple[int, int]


class Place(NamedTuple):
    """Where a trace's lines lie in a run's files: bytes, half-open."""

    units: tuple[int, int]
    codings: tuple[int, int]


class TraceLines(NamedTuple):
    """One trace in one run, with the bytes that its codings take in their file."""

    units: Units
    said: list[Said]
    codings: tuple[int, int]


class Scanner:
    """Goes through a run's files once. Blocks come in the order of the file; ``take`` finds one by its trace."""

    def __init__(self, run: CoderRun) -> None:
        self.run = run
        self._early: dict[str, TraceLines] = {}
        self._units = _Units(run.folder / "units.jsonl")
        self._codings = (run.folder / "codings.jsonl").open("rb")
        self._raw, self._at = self._codings.readline(), 0

    def take(self, trace: str, like: Units | None = None) -> TraceLines | None:
        """The block of that trace, none if the run has no units there. ``like``: the trace's units in another run.

        Mostly it is the next one. Raises `RunError` where codings are out of the units' order.
        """
        while trace not in self._early and (units := self._units.next(like)) is not None:
            block = TraceLines(units, *self._said(units))
            self._early[units.trace] = block
        return self._early.pop(trace, None)

    def close(self) -> None:
        """Raises `RunError` if codings are left that belong to no unit."""
        rest, path = self._raw, self._codings.name
        self._units.file.close()
        self._codings.close()
        if rest.endswith(b"\n") and rest.strip():
            unit = _coding_head(rest, path, self._at)[0].decode(errors="replace")
            raise RunError(
                f"{path}: the coding of {unit} is out of order",
                "restore the run directory, or make the run again",
            )

    def _said(self, units: Units) -> tuple[list[Said], tuple[int, int]]:
        order, path = units.order, self._codings.name
        raw, at, start, readline = self._raw, self._at, self._at, self._codings.readline
        said: list[Said] = []
        while raw[-1:] == b"\n":
            match = _CODING.match(raw)
            unit, coder, codes = match.groups() if match else _coding_head(raw, path, at)
            place = order.get(unit)
            if place is None:
                break
            said.append((place, coder, codes or b""))
            at += len(raw)
            raw = readline()
        self._raw, self._at = raw, at
        return said, (start, at)


class _Units:
    """The units file, trace by trace."""

    def __init__(self, path: Path) -> None:
        self.path, self.file, self.at = path, path.open("rb"), 0

    def next(self, like: Units | None) -> Units | None:
        """The next trace's units. Where its lines are those of ``like``, byte for byte, they need not be read again."""
        start = self.at
        if like is not None:
            raw = self.file.read(len(like.raw))
            after = self.file.readline()
            if raw == like.raw and not (after and _unit_head(after, str(self.path), start)[1] == like.key):
                self.at += len(raw)
                self.file.seek(self.at)
                return like._replace(span=(start, self.at))
            self.file.seek(start)
        lines: list[bytes] = []
        ids: list[bytes] = []
        spans: list[tuple[int, int]] = []
        trace = None
        for raw in iter(self.file.readline, b""):
            if raw[-1:] != b"\n":
                break
            match = _UNIT.match(raw)
            unit, key, first, last = match.groups() if match else _unit_head(raw, str(self.path), self.at)
            if key != trace and trace is not None:
                break
            trace = key
            lines.append(raw)
            ids.append(unit)
            spans.append((int(first), int(last)))
        block = b"".join(lines)
        self.at += len(block)
        self.file.seek(self.at)
        if trace is None:
            return None
        return Units(
            json.loads(trace),
            trace,
            ids,
            spans,
            {unit: i for i, unit in enumerate(ids)},
            block,
            (start, self.at),
        )


def trace_lines(run: CoderRun, *, ids_only: bool = False) -> Iterator[tuple[int, dict[str, Any]]]:
    """Byte offset and content of each line of ``traces.jsonl``; with ``ids_only``, nothing but the ids."""
    at, path = 0, run.folder / "traces.jsonl"
    with path.open("rb") as file:
        for raw in file:
            if raw[-1:] == b"\n" and raw.strip():
                match = _TRACE.match(raw) if ids_only else None
                try:
                    yield at, ({"id": json.loads(match[1])} if match else json.loads(raw))
                except ValueError:
                    raise _foreign(str(path), at) from None
            at += len(raw)


def read_lines(path: Path, span: tuple[int, int]) -> list[dict[str, Any]]:
    """The JSON lines in a byte range."""
    with path.open("rb") as file:
        file.seek(span[0])
        return [json.loads(line) for line in file.read(span[1] - span[0]).split(b"\n") if line.strip()]


def read_line(path: Path, at: int) -> dict[str, Any]:
    """The JSON line that begins at a byte."""
    with path.open("rb") as file:
        file.seek(at)
        found: dict[str, Any] = json.loads(file.readline())
    return found


def _unit_head(raw: bytes, path: str, at: int) -> tuple[bytes, bytes, bytes, bytes]:
    """Id, trace, start and end of a unit's line."""
    if match := _UNIT.match(raw):
        return match[1], match[2], match[3], match[4]
    try:
        data = json.loads(raw)
        return data["id"].encode(), _json(data["trace_id"]), b"%d" % data["start"], b"%d" % data["end"]
    except (ValueError, KeyError, TypeError, AttributeError):
        raise _foreign(path, at) from None


def _coding_head(raw: bytes, path: str, at: int) -> tuple[bytes, bytes, bytes]:
    """Unit, coder and codes of a coding's line."""
    try:
        data = json.loads(raw)
        codes = data["codes"]
        return data["unit_id"].encode(), _json(data["coder"]), b"" if codes is None else _json(codes)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise _foreign(path, at) from None


def _foreign(path: str, at: int) -> RunError:
    return RunError(f"{path}: what begins at byte {at} is no line of a run", "restore the file")


def _json(value: Any) -> bytes:
    """As our own writer writes it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
