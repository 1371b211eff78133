"""Small runs for tests, written through the same writer as real ones."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from pedagogy_r1.codebook import Codebook, parse_codebook
from pedagogy_r1.files.seal import write_sealed
from pedagogy_r1.runs.run import CoderInfo, CoderRun, Coding, Manifest
from pedagogy_r1.runs.run_writer import RunWriter
from pedagogy_r1.trace import Trace
from pedagogy_r1.unit import Unit, unit_id

BOOK = """
id: abc
version: 1.0.0
title: three codes
exhaustive: false
families: [{id: F, name: f}]
codes:
  - {id: A, name: a, family: F, short: a, definition: a}
  - {id: B, name: b, family: F, short: b, definition: b}
  - {id: C, name: c, family: F, short: c, definition: c}
"""

Value = str | tuple[str, ...] | None
"""A code, several codes, ``()`` for none applies, ``None`` for missing."""


def change_record(path: Path, **changes: Any) -> None:
    """Write a record anew, sealed, with other values."""
    write_sealed(path, json.loads(path.read_bytes()) | changes)


def of_an_earlier_version(run: Path, **changes: Any) -> None:
    """Take digests and sizes out of ``run.json``, and the seal: as it was written before there were any."""
    path = run / "run.json"
    data = json.loads(path.read_bytes()) | changes
    kept = {name: value for name, value in data.items() if name not in ("seal", "sha256", "bytes")}
    path.write_text(json.dumps(kept))


def book(text: str = BOOK) -> Codebook:
    """The little codebook."""
    return parse_codebook(text)


def make_run(
    folder: Path,
    values: dict[str, Sequence[Value]],
    *,
    per_trace: int = 4,
    machines: Sequence[str] = (),
    codebook: Codebook | None = None,
    offset: int = 0,
    scheme: str = "sentence@1",
    stages: Sequence[str] = (),
) -> CoderRun:
    """A run in which coder ``name`` gave ``values[name][i]`` to unit ``i + offset``; of a cascade, ``stages[i]`` did."""
    codebook = codebook or book()
    length = len(next(iter(values.values())))
    coders = [CoderInfo(name=name, kind="machine" if name in machines else "human") for name in values]
    manifest = Manifest(
        run_id=f"r-{folder.name}",
        fingerprint=f"test {folder.name}",
        status="running",
        started="2026-01-01T00:00:00+00:00",
        codebook={"id": codebook.id, "version": codebook.version, "digest": codebook.digest},
        coders=coders,
        coder="test",
        scheme=scheme,
    )
    writer = RunWriter(folder, manifest, codebook)
    try:
        for first in range(0, length, per_trace):
            rows = range(first, min(first + per_trace, length))
            trace, units = _trace([row + offset for row in rows], (first + offset) // per_trace, scheme)
            codings = [
                _coding(unit, name, values[name][row], codebook, manifest.run_id).model_copy(
                    update={"stage": stages[row] if stages else None}
                )
                for row, unit in zip(rows, units, strict=True)
                for name in values
            ]
            writer.write(trace, units, codings)
        writer.finish("complete")
    finally:
        writer.close()
    return CoderRun(folder)


def with_fields(folder: Path, fields: Callable[[int], dict[str, Any]]) -> CoderRun:
    """The run with ``fields(n)`` as further fields of its n-th trace."""
    path = folder / "traces.jsonl"
    rows = [json.loads(line) | fields(n) for n, line in enumerate(path.read_text().splitlines())]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return without_sizes(folder)


def without_sizes(folder: Path) -> CoderRun:
    """The run as of an earlier version, which recorded no sizes: its files can be changed without being refused for that."""
    of_an_earlier_version(folder)
    return CoderRun(folder)


def _trace(numbers: list[int], number: int, scheme: str) -> tuple[Trace, list[Unit]]:
    sentences = [f"Sentence {n}." for n in numbers]
    trace = Trace(id=f"t{number}", question="?", reasoning=" ".join(sentences), domain="SK", condition="cop")
    units, start = [], 0
    for index, text in enumerate(sentences):
        end = start + len(text)
        identity = unit_id(trace.id, scheme, start, end)
        units.append(
            Unit(
                id=identity,
                trace_id=trace.id,
                scheme=scheme,
                index=index,
                start=start,
                end=end,
                text=text,
                tokens=3,
            )
        )
        start = end + 1
    return trace, units


def _coding(unit: Unit, coder: str, value: Value, codebook: Codebook, run_id: str) -> Coding:
    codes = (value,) if isinstance(value, str) else value
    why = "not sure" if codes is None else None
    return Coding(
        unit_id=unit.id, coder=coder, codes=codes, missing_reason=why, codebook=codebook.stamp, run_id=run_id
    )
