"""Reads a run's units and codings once, front to back, and keeps only where they lie and what was said.

    {"id":"u3f…","trace_id":"aime-3",…}     units.jsonl, byte 90210
    {"unit_id":"u3f…","coder":"A",…}        codings.jsonl, byte 81112

Half a million lines must not keep anybody waiting, so the heads of the lines, which we wrote ourselves, are matched as bytes;
a line that looks otherwise is read as JSON. Not the columnar reader (`runs/run_columns.py`), which has all lines before the first
and none of their places: 2.6 s of processor and 401 MB for 300,000 units of four coders, where the first page stands here after 0.9 s
and all of it takes 109 MB (``benchmarks/web_speed.py``).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import RunError
from ..files.seal import DigestWatch
from ..runs.run import CoderRun

_TRACE = re.compile(rb'\{"id": ?("[^"\\]*(?:\\.[^"\\]*)*"),')
_UNIT = re.compile(
    rb'\{"id":"([^"\\]*)","trace_id":("[^"\\]*(?:\\.[^"\\]*)*"),"scheme":"[^"\\]*","index":\d+,"start":(\d+),"end":(\d+),'
)
_CODING = re.compile(rb'\{"unit_id":"([^"\\]*)","coder":("[^"\\]*(?:\\.[^"\\]*)*"),"codes":(\[[^\]\\]*\])')
"""Of a coding that is there; the few missing ones are read as JSON."""

Span = tuple[int, int]


class TraceLines(NamedTuple):
    """One trace in one run. ``ids`` and ``spans`` (offsets) of its units; ``said``: place of the unit, coder as JSON, codes as
    JSON or ``b""`` for missing; ``units`` and ``codings``: the bytes that its lines take in the two files, half-open."""

    trace: str
    ids: tuple[bytes, ...]
    spans: list[Span]
    said: list[tuple[int, bytes, bytes]]
    units: Span
    codings: Span


def scan(run: CoderRun) -> Iterator[TraceLines]:
    """The run's traces in the order of its units; raises `RunError` where codings are out of that order.

    A last line that is still being written is left out.
    """
    units = _heads(run.watch("units.jsonl"), _UNIT, _unit_head)
    path = run.file("codings.jsonl")
    codings = _heads(run.watch("codings.jsonl"), _CODING, _coding_head)
    coding, at, said_at = next(codings, None), 0, 0
    for trace, lines in groupby(units, key=itemgetter(2)):
        ends, ids, _, starts, stops = zip(*lines, strict=True)
        place = {unit: number for number, unit in enumerate(ids)}
        said: list[tuple[int, bytes, bytes]] = []
        said_end = said_at
        while coding is not None and (number := place.get(coding[1])) is not None:
            said_end, _, coder, codes = coding
            said.append((number, coder, codes))
            coding = next(codings, None)
        spans = list(zip(map(int, starts), map(int, stops), strict=True))
        yield TraceLines(json.loads(trace), ids, spans, said, (at, ends[-1]), (said_at, said_end))
        at, said_at = ends[-1], said_end
    if coding is not None:
        run.sound("codings.jsonl")
        raise RunError(
            f"{path}: the coding of {coding[1].decode(errors='replace')} is out of order",
            "restore the run directory, or make the run again",
        )


def _heads(
    watch: DigestWatch, pattern: re.Pattern[bytes], parsed: Callable[[dict[str, Any]], tuple[bytes, ...]]
) -> Iterator[tuple[Any, ...]]:
    """Where each whole line ends, and what its head says."""
    end, match, path = 0, pattern.match, watch.path
    with path.open("rb") as file:
        for raw in file:
            watch.update(raw)
            if raw[-1:] != b"\n":
                return
            at, end = end, end + len(raw)
            if found := match(raw):
                yield end, *found.groups()
                continue
            try:
                head = parsed(json.loads(raw))
            except (ValueError, KeyError, TypeError, AttributeError):
                raise _foreign(path, at) from None
            yield end, *head
    watch.end()


def trace_lines(run: CoderRun, *, ids_only: bool = False) -> Iterator[tuple[int, dict[str, Any]]]:
    """Byte offset and content of each line of ``traces.jsonl``; with ``ids_only``, nothing but the ids."""
    at, watch = 0, run.watch("traces.jsonl")
    path = watch.path
    with path.open("rb") as file:
        for raw in file:
            watch.update(raw)
            if raw[-1:] == b"\n" and raw.strip():
                match = _TRACE.match(raw) if ids_only else None
                try:
                    yield at, ({"id": json.loads(match[1])} if match else json.loads(raw))
                except ValueError:
                    raise _foreign(path, at) from None
            at += len(raw)
    watch.end()


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


def _unit_head(data: dict[str, Any]) -> tuple[bytes, ...]:
    """Id, trace, start and end, as `_UNIT` finds them."""
    return data["id"].encode(), _json(data["trace_id"]), b"%d" % data["start"], b"%d" % data["end"]


def _coding_head(data: dict[str, Any]) -> tuple[bytes, ...]:
    """Unit, coder and codes, as `_CODING` finds them."""
    codes = data["codes"]
    return data["unit_id"].encode(), _json(data["coder"]), b"" if codes is None else _json(codes)


def _foreign(path: Path, at: int) -> RunError:
    return RunError(f"{path}: what begins at byte {at} is no line of a run", "restore the file")


def _json(value: Any) -> bytes:
    """As our own writer writes it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
