"""The report as CSV: one file a kind, one row a trace, unit, thought, or coder and trace.

traces.csv · thoughts.csv · noise.csv (coder × trace) · units.csv (coder × unit)
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from ..files.records import atomic
from .efficiency import outcome_term, process_term
from .measured import Measured
from .report import TokenReport
from .underthinking import underthinking_term


def write_tables(report: TokenReport, folder: str | Path) -> list[Path]:
    """Write the tables; the coders' only where there are codings. Returns the files."""
    folder = Path(folder)
    files = [_write(folder / "traces.csv", _TRACE, (_trace(m) for m in report.measured))]
    files.append(_write(folder / "thoughts.csv", _THOUGHT, _thoughts(report.measured)))
    if report.coders:
        noise = (
            [c.coder, r.trace_id, r.tokens, r.coded, r.missing, r.outside, r.strict, r.nonreflective]
            for c in report.coders
            for r in c.rows
        )
        files.append(_write(folder / "noise.csv", _NOISE, noise))
        units = (
            [
                u.trace_id,
                u.unit_id,
                u.index,
                u.start,
                u.end,
                u.tokens,
                f"{u.stem:.4f}",
                f"{u.earlier:.4f}",
                u.coder,
                _codes(u.codes),
                u.strict,
                u.nonreflective,
            ]
            for c in report.coders
            for u in c.units
        )
        files.append(_write(folder / "units.csv", _UNIT, units))
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
    r, response, tail = m.repetition, m.response, m.repetition.tail_loop
    known = response is not None and None not in m.thought_correct
    first = next((i for i, ok in enumerate(m.thought_correct, 1) if ok), None) if known else None
    term = underthinking_term(response) if response is not None and known and not response.correct else None
    s = m.solutions
    return [
        *(m.trace_id, m.item, m.domain, m.model, m.condition, m.correct, m.correct_by, m.reasoning, m.answer),
        *(r.words, r.stem_repetition, r.self_repetition, r.loop_share, r.compression),
        *((tail.end - tail.start, tail.period) if tail else (None, None)),
        *(len(m.thoughts), max(0, len(m.thoughts) - 1), first, term, m.why_not),
        len(s.tokens),
        outcome_term(s) if s.correct is not None and s.total else None,
        process_term(s) if s.tokens and s.total else None,
    ]


def _thoughts(measured: Sequence[Measured]) -> Iterable[list[Any]]:
    for m in measured:
        rows = zip(m.thoughts, m.thought_tokens, m.thought_correct, strict=True)
        for number, (thought, tokens, correct) in enumerate(rows, 1):
            said = thought.confidences or (None, None)
            yield [
                m.trace_id,
                number,
                thought.start,
                thought.end,
                tokens,
                correct,
                *said,
                thought.perspective,
            ]


def _codes(codes: tuple[str, ...] | None) -> str | None:
    return None if codes is None else " ".join(codes) or "none"


def _write(path: Path, names: str, rows: Iterable[Sequence[Any]]) -> Path:
    with atomic(path) as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(names.split())
        table.writerows([_cell(value) for value in row] for row in rows)
    return path


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.6g}" if isinstance(value, float) else value
