"""Our own traces file, strictly: the first bad row is an error.

for trace in read_traces_file("traces.jsonl"): …
TracesFile("traces.jsonl").total, .digest
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ..errors import InputError, first_fault
from ..files.records import BadRow, half_in, need_file, read_jsonl
from ..files.seal import RUN, check_beside
from ..trace import Trace

HELD = 20_000_000
"""Characters of a traces file that are kept in memory between counting and use; a larger file is read again."""

_HALF = re.compile(rb"\\u[dD][89a-fA-F]")
"""How JSON in UTF-8 can hold half a character: no other way."""


class TracesFile:
    """A traces file that was read through: its first bad row is an error at once. ``total`` traces, ``digest`` of its bytes, their ``langs``.

    Iterating yields the traces.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.total, size = 0, 0
        self.langs: set[str] = set()
        self._held: list[Trace] | None = []
        hashed = hashlib.sha256()
        for trace in read_traces_file(path, hashed.update):
            self.total += 1
            self.langs.add(trace.lang)
            size += len(trace.reasoning) + len(trace.question) + len(trace.answer)
            if self._held is not None:
                self._held.append(trace)
                if size > HELD:
                    self._held = None
        check_beside(self.path, hashed.hexdigest())
        self.digest = "sha256:" + hashed.hexdigest()

    def __iter__(self) -> Iterator[Trace]:
        return iter(self._held) if self._held is not None else read_traces_file(self.path)


def read_traces_file(path: str | Path, passing: Callable[[bytes], object] | None = None) -> Iterator[Trace]:
    """Traces of a file that ``pcode traces import`` wrote; the first bad row or repeated id is an error.

    ``passing`` is called with every line's bytes.
    """
    path = need_traces(path)
    seen: dict[str, int] = {}
    escaped = False

    def look(raw: bytes) -> None:
        nonlocal escaped
        escaped = _HALF.search(raw) is not None
        if passing:
            passing(raw)

    for row in read_jsonl(path, look):
        where = f"{path}:{row.line}"
        if isinstance(row, BadRow):
            mend = "mend the line, or import with: pcode traces import --on-error skip"
            if path.suffix.lower() != ".jsonl":
                mend = f"this is no traces file; {_MAKE.replace('FILE', str(path))}"
            raise InputError(f"{where}: {row.why}", mend)
        try:
            trace = Trace.model_validate(row.data)
        except ValidationError as error:
            raise InputError(
                f"{where}: {first_fault(error)}",
                "this is not our trace format; convert it with: pcode traces import FILE --map TARGET=FIELD",
            ) from None
        if trace.id in seen:
            used = f"trace id {trace.id!r} was used on line {seen[trace.id]}"
            raise InputError(f"{where}: {used}", "give every trace its own id")
        if escaped and (halves := half_in(trace)):
            raise InputError(
                f"{where}: half a character (lone surrogate) in {halves}",
                f"pcode traces import {path} -o FILE replaces it by U+FFFD",
            )
        if why := _unwritable(trace.metadata):
            raise InputError(
                f"{where}: metadata: {why}", "mend the line: it could not be written again as it is"
            )
        seen[trace.id] = row.line
        yield trace


_MAKE = "make it with: pcode traces import FILE -o traces.jsonl"


def need_traces(path: str | Path) -> Path:
    """The path of a traces file. Raises `InputError` where there is no file."""
    path = Path(path)
    inside = path / "traces.jsonl"
    hint = f"it holds {inside}" if inside.is_file() else _MAKE
    if (path / RUN).is_file() and not inside.is_file():
        hint = f"it is a run over a corpus: name the corpus, which {path / RUN} has as its source"
    elif path.is_dir() and not inside.is_file():
        hint = f"a corpus has a file shards.json, which comes last: the command that makes it goes on; or {_MAKE}"
    need_file(path, hint)
    return path


DEEPEST = 200
"""Objects and lists within each other that are read in a trace's metadata; pydantic writes about 255."""


def _unwritable(value: Any, depth: int = 0) -> str | None:
    """What JSON cannot hold, or we could not write again."""
    if isinstance(value, float):
        return None if math.isfinite(value) else f"{value} is no number that JSON has"
    if not isinstance(value, dict | list):
        return None
    if depth > DEEPEST:
        return "nested too deeply"
    inner = value.values() if isinstance(value, dict) else value
    return next((why for one in inner if (why := _unwritable(one, depth + 1))), None)
