"""Codings of a small corpus at random, as the columns that a run's files are read into: whole, and shard by shard."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, is_dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from pedagogy_r1.codebook import Codebook
from pedagogy_r1.runs.run import CoderInfo
from pedagogy_r1.runs.run_columns import RunColumns

REASONS = ("timeout", "refused")


def random_columns(
    book: Codebook,
    coders: dict[str, str],
    *,
    traces: int,
    units: int = 12,
    seconds: float = 0.1,
    weights: Sequence[float] = (),
    seed: int = 0,
) -> RunColumns:
    """``coders``: names and kinds; ``units``: of a trace, on average. One trace in ten has no unit; each coder lacks some codings,
    with a reason or because nobody asked; humans code one trace in three. ``weights``: of the codes, else alike."""
    rng = np.random.default_rng(seed)
    lengths = rng.geometric(1 / units, traces) * (rng.random(traces) > 0.1)
    trace = np.repeat(np.arange(traces), lengths)
    n, k = len(trace), len(book.code_ids)
    index = np.arange(n) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    share = np.array(weights or np.ones(k)) / (sum(weights) or k)
    usual = rng.dirichlet(share * 3, traces)
    truth = (rng.random(n)[:, None] > usual.cumsum(axis=1)[trace]).sum(axis=1).clip(0, k - 1)
    patterns: list[tuple[str, ...]] = [(code,) for code in book.code_ids]
    patterns += [(a, b) for a in book.code_ids for b in book.code_ids if a != b]
    if not book.exhaustive:
        patterns.append(())
    rows: dict[str, list[Any]] = {"unit": [], "coder": [], "pattern": [], "missing_reason": []}
    for at, kind in enumerate(coders.values()):
        said = np.where(rng.random(n) < 0.7, truth, rng.choice(k, n, p=share))
        second = rng.random(n) < seconds
        other = k + said * (k - 1) + rng.integers(0, k - 1, n)
        said = np.where(second, other, said)
        if not book.exhaustive:
            said = np.where(rng.random(n) < 0.05, len(patterns) - 1, said)
        lost = rng.random(n) < 0.08
        why = np.array(REASONS)[rng.integers(0, 2, n)]
        asked = (rng.random(n) > 0.03) & ((trace % 3 == 0) | (kind == "machine"))
        rows["unit"] += np.flatnonzero(asked).tolist()
        rows["coder"] += [at] * int(asked.sum())
        rows["pattern"] += np.where(lost, -1, said)[asked].tolist()
        reasons = zip(why[asked].tolist(), lost[asked], strict=True)
        rows["missing_reason"] += [reason if gone else None for reason, gone in reasons]
    order = np.lexsort((rows["coder"], rows["unit"]))
    codings = pa.table(rows | {"missing_reason": pa.array(rows["missing_reason"], pa.string())}).take(order)
    return RunColumns(
        book,
        tuple(CoderInfo(name=name, kind=kind) for name, kind in coders.items()),  # type: ignore[arg-type]
        tuple(patterns),
        _traces(traces, rng),
        pa.table(
            {
                "id": [f"u{i}" for i in range(n)],
                "trace": trace,
                "index": index,
                "position": (index + 0.5) / lengths[trace],
                "tokens": rng.integers(0, 300, n),
            }
        ),
        codings,
    )


def _traces(n: int, rng: np.random.Generator) -> pa.Table:
    def some(values: list[Any], lacking: float = 0.0) -> list[Any]:
        picked = [values[i] for i in rng.integers(0, len(values), n)]
        return [None if rng.random() < lacking else value for value in picked]

    return pa.table(
        {
            "id": pa.array([f"t{i}" for i in range(n)], pa.string()),
            "item": pa.array(some([f"i{i}" for i in range(max(1, n // 3))], 0.1), pa.string()),
            "domain": pa.array(some(["SK", "PK", "KT"], 0.05), pa.string()),
            "condition": pa.array(some(["cop", "generic"]), pa.string()),
            "model": pa.array(some(["R1-7B", "R1-1.5B"]), pa.string()),
            "correct": pa.array(some([True, False], 0.2), pa.bool_()),
        }
    )


def shards(columns: RunColumns, ends: list[int]) -> list[RunColumns]:
    """The same, cut behind so many traces."""
    found = []
    for first, last in zip([0, *ends], [*ends, len(columns.traces)], strict=True):
        trace, unit = columns.numbers("units", "trace"), columns.numbers("codings", "unit")
        inside = (trace >= first) & (trace < last)
        units = columns.units.filter(pa.array(inside))
        codings = columns.codings.filter(pa.array(inside[unit]))
        number = np.cumsum(inside) - 1
        at = units.schema.get_field_index("trace"), codings.schema.get_field_index("unit")
        units = units.set_column(at[0], "trace", pa.array(units["trace"].to_numpy() - first))
        codings = codings.set_column(at[1], "unit", pa.array(number[codings["unit"].to_numpy()]))
        traces = columns.traces.slice(first, last - first)
        found.append(replace(columns, traces=traces, units=units, codings=codings))
    return found


def same(found: Any, wanted: Any, path: str = "") -> None:
    """Equal all the way down, numbers to 1e-12."""
    if isinstance(wanted, dict):
        assert list(found) == list(wanted), path
        for name in wanted:
            same(found[name], wanted[name], f"{path}.{name}")
    elif isinstance(wanted, list | tuple):
        assert len(found) == len(wanted), path
        for at, (one, other) in enumerate(zip(found, wanted, strict=True)):
            same(one, other, f"{path}[{at}]")
    elif isinstance(wanted, float):
        assert found == pytest.approx(wanted, rel=1e-12, abs=1e-12), path
    else:
        assert found == wanted, path


def deep(value: Any) -> Any:
    """Lists and dicts in place of dataclasses."""
    if isinstance(value, dict):
        return {name: deep(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [deep(one) for one in value]
    return asdict(value) if is_dataclass(value) else value  # type: ignore[arg-type]
