"""The report as CSV: one file a kind, one row a trace, unit, thought, or coder and trace.

traces.csv · thoughts.csv · noise.csv (coder × trace) · units.csv (coder × unit); of runs that are not complete all have a
column ``partial``. Traces and thoughts are written while they are measured: of a corpus none of them is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import astuple
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import Any

from ..files.records import atomic
from ..files.table_rows import put_rows
from ..runs.run import marked_partial
from .measured import Measured
from .solutions import outcome_term, process_term
from .tokens_report import CoderNoise
from .underthinking import underthinking_term


class TokenTables:
    """Writes the tables into ``folder``, as a context that ends with all of them or, after an error, with none; nothing where there
    is no folder. ``unfinished``: what `require_complete` says. ``files``: what was written."""

    def __init__(self, folder: str | Path | None, unfinished: Sequence[str] = ()) -> None:
        self._folder, self._unfinished = None if folder is None else Path(folder), unfinished
        self.files: list[Path] = []

    def __enter__(self) -> TokenTables:
        self._open = ExitStack()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.__exit__(kind, error, trace)

    def measured(self, traces: Iterable[Measured]) -> Iterator[Measured]:
        """The traces, each after its rows were written."""
        put_trace, put_thoughts = self._table("traces.csv", _TRACE), self._table("thoughts.csv", _THOUGHT)
        for one in traces:
            put_trace([_trace(one)])
            put_thoughts(_thoughts(one))
            yield one

    def coders(self, coders: Sequence[CoderNoise]) -> None:
        """Their tables, where there are codings; that of units only of coders whose units are held."""
        if coders:
            self._table("noise.csv", _NOISE)(_noise(coders))
        if any(coder.units is not None for coder in coders):
            self._table("units.csv", _UNIT)(_units(coders))

    def _table(self, name: str, head: str) -> Callable[[Iterable[Sequence[Any]]], object]:
        """What puts rows behind a head into a file."""
        if self._folder is None:
            return lambda rows: None  # noqa: ARG005 - nothing is written
        path = self._folder / name
        file = self._open.enter_context(atomic(path))
        self.files.append(path)
        columns = head.split()
        put_rows(file, marked_partial([columns], self._unfinished))

        def put(rows: Iterable[Sequence[Any]]) -> None:
            marked = marked_partial(chain([columns], rows), self._unfinished)
            next(marked)  # the head, which is there
            put_rows(file, ([_cell(value) for value in row] for row in marked))

        return put


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


def _thoughts(m: Measured) -> Iterable[list[Any]]:
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
    for u in (unit for c in coders for unit in c.units or ()):
        where = (u.trace_id, u.unit_id, u.index, u.start, u.end, u.tokens)
        repeated = (f"{u.stem:.4f}", f"{u.earlier:.4f}")
        codes = None if u.codes is None else " ".join(u.codes) or "none"
        yield [*where, *repeated, u.coder, codes, u.strict, u.nonreflective]


def _cell(value: Any) -> Any:
    """Six digits; a negative number stays a number, which no spreadsheet takes for a formula."""
    if not isinstance(value, float):
        return value
    return float(f"{value:.6g}") if value < 0 else f"{value:.6g}"
