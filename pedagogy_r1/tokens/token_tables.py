"""The report as CSV: one file a kind, one row a trace, unit, thought, or coder and trace.

traces.csv · thoughts.csv · noise.csv (coder × trace) · units.csv (coder × unit); of runs that are not complete all have a
column ``partial``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import astuple
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

from ..files.records import write_csv
from ..runs.run import marked_partial
from .measured import Measured
from .solutions import outcome_term, process_term
from .tokens_report import CoderNoise, TokenReport
from .underthinking import underthinking_term


def write_tables(report: TokenReport, folder: str | Path) -> list[Path]:
    """Write the tables; the coders' only where there are codings. Returns the files."""
    folder = Path(folder)
    write = partial(_write, unfinished=report.partial)
    files = [
        write(folder / "traces.csv", _TRACE, map(_trace, report.measured)),
        write(folder / "thoughts.csv", _THOUGHT, _thoughts(report.measured)),
    ]
    if report.coders:
        files.append(write(folder / "noise.csv", _NOISE, _noise(report.coders)))
        files.append(write(folder / "units.csv", _UNIT, _units(report.coders)))
    return files


_TRACE = (
    "trace_id item domain model condition correct correct_by reasoning_tokens answer_tokens words stem_repetition "
    "self_repetition loop_share compression tail_loop_words tail_loop_period thoughts switches first_correct_thought "
    "underthinking_term left_out solutions outcome_term process_term"
)
_THOUGHT = "trace_id thought start end tokens correct confidence_1 confidence_2 perspective"
_NOISE = "coder trace_id tokens coded missing outside strict nonreflective"
_UNIT = (
    "trace_id unit_id index start end tokens stem_repetition self_repetition coder codes strict nonreflective"
)


def _trace(m: Measured) -> list[Any]:
    r, tail, s = m.repetition, m.repetition.tail_loop, m.solutions
    first, term = _first_correct(m)
    return [
        *(m.trace_id, m.item, m.domain, m.model, m.condition, m.correct, m.correct_by, m.reasoning, m.answer),
        *(r.words, r.stem_repetition, r.self_repetition, r.loop_share, r.compression),
        *((tail.end - tail.start, tail.period) if tail else (None, None)),
        *(len(m.thoughts), max(0, len(m.thoughts) - 1), first, term, m.why_not),
        len(s.tokens),
        outcome_term(s) if s.correct is not None and s.total else None,
        process_term(s) if s.tokens and s.total else None,
    ]


def _first_correct(m: Measured) -> tuple[int | None, float | None]:
    """Number of the first correct thought, and the term of ξ_UT where the response is wrong."""
    if m.response is None or None in m.thought_correct:
        return None, None
    first = next((i for i, ok in enumerate(m.thought_correct, 1) if ok), None)
    return first, None if m.response.correct else underthinking_term(m.response)


def _thoughts(measured: Sequence[Measured]) -> Iterable[list[Any]]:
    for m in measured:
        rows = zip(m.thoughts, m.thought_tokens, m.thought_correct, strict=True)
        for number, (thought, tokens, correct) in enumerate(rows, 1):
            said = thought.confidences or (None, None)
            where = (m.trace_id, number, thought.start, thought.end, tokens)
            yield [*where, correct, *said, thought.perspective]


def _noise(coders: Sequence[CoderNoise]) -> Iterable[list[Any]]:
    for c in coders:
        for r in c.rows:
            yield [c.coder, *astuple(r)]


def _units(coders: Sequence[CoderNoise]) -> Iterable[list[Any]]:
    for u in (unit for c in coders for unit in c.units):
        where = (u.trace_id, u.unit_id, u.index, u.start, u.end, u.tokens)
        repeated = (f"{u.stem:.4f}", f"{u.earlier:.4f}")
        codes = None if u.codes is None else " ".join(u.codes) or "none"
        yield [*where, *repeated, u.coder, codes, u.strict, u.nonreflective]


def _write(path: Path, names: str, rows: Iterable[Sequence[Any]], unfinished: Sequence[str]) -> Path:
    table = marked_partial(chain([names.split()], rows), unfinished)
    write_csv(path, ([_cell(value) for value in row] for row in table))
    return path


def _cell(value: Any) -> Any:
    """Six digits; a negative number stays a number, which no spreadsheet takes for a formula."""
    if not isinstance(value, float):
        return value
    return float(f"{value:.6g}") if value < 0 else f"{value:.6g}"
