"""From cells to codes: what one coder said of one span, and everything that can be wrong with it.

    row 7  "ia-sq; OA-ME"  → codes (IA-SQ, OA-ME)          row 9  ""      → missing, "empty cell"
    row 8  "IA-SO"         → did you mean IA-SQ?            row 10 "none"  → none applies

Rows of one file by one coder on one span belong together: the first is the primary code, the next the second one. If
one of them is wrong none is taken, since a second code that moves up would be another coding.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from ..codebook import NONE, Codebook
from ..errors import did_you_mean
from .raw_coding import CodingRowError, RawCoding, RowProblem
from .read_codings import CodingsReport

EMPTY_CELL = "empty cell"


class SpanCoding(NamedTuple):
    """What one coder said of one span. ``where``: ``file:row`` of its first row."""

    coder: str
    start: int
    end: int
    codes: tuple[str, ...] | None
    missing_reason: str | None
    rationale: str | None = None
    evidence: str | None = None
    confidence: float | None = None
    overlap: float | None = None
    carried_from: str | None = None
    stage: str | None = None
    where: str = ""

    def fields(self) -> dict[str, Any]:
        """What a ``Coding`` of a unit takes over."""
        return {
            name: value for name, value in self._asdict().items() if name not in ("start", "end", "where")
        }


def parse_cells(
    placed: Sequence[RawCoding], book: Codebook, report: CodingsReport
) -> dict[str, list[SpanCoding]]:
    """The codings of all coders on all spans, by trace; each row is counted as kept, or becomes a problem."""
    groups: dict[tuple[tuple[str, int, int], str], list[RawCoding]] = {}
    for raw in placed:
        groups.setdefault((raw.place, raw.coder), []).append(raw)
    cells = _CellReader(book)
    found: dict[str, list[SpanCoding]] = {}
    for group in groups.values():
        first = group[0]
        mine = [raw for raw in group if raw.file == first.file]
        why = f"{first.coder} coded this unit in {first.where} already"
        report.problems += [raw.problem(why) for raw in group if raw.file != first.file]
        try:
            coding = cells.parse(mine)
        except CodingRowError as error:
            report.problems += _blame(error, mine)
            continue
        report.kept += len(mine)
        if coding.missing_reason == EMPTY_CELL:
            report.add("empty cells", [coding.where])
        elif coding.codes == () and book.exhaustive:
            report.add("none in an exhaustive codebook", [coding.where])
        found.setdefault(first.place[0], []).append(coding)
    return found


def _blame(error: CodingRowError, rows: Sequence[RawCoding]) -> list[RowProblem]:
    """What is wrong with one row, and of the others that they are left out with it."""
    culprit = error.at or rows[0]
    beside = f"left out together with row {culprit.row}"
    return [raw.problem(str(error) if raw is culprit else beside) for raw in rows]


class _CellReader:
    """Reads cells under one codebook."""

    def __init__(self, book: Codebook) -> None:
        self.book = book
        self._by_case = {code.lower(): code for code in book.code_ids}

    def parse(self, rows: Sequence[RawCoding]) -> SpanCoding:
        """One coder's rows on one span, in file order; raises `CodingRowError`."""
        codes = self._codes(_in_order(rows))
        reason = next((raw.missing_reason for raw in rows if raw.missing_reason), EMPTY_CELL)
        memos = list(dict.fromkeys(raw.memo for raw in rows if raw.memo))
        first = rows[0]
        return SpanCoding(
            first.coder,
            *first.place[1:],
            codes,
            reason if codes is None else None,
            "\n".join(memos) or None,
            first.evidence,
            _share(first, first.confidence, "confidence"),
            _share(first, first.overlap, "overlap"),
            first.carried_from,
            first.stage,
            first.where,
        )

    def _codes(self, rows: Sequence[RawCoding]) -> tuple[str, ...] | None:
        """Codes in order, ``()`` for none applies, ``None`` for missing."""
        found: list[str] = []
        empty = none = 0
        for raw in rows:
            names = _names(raw)
            if not names:
                none_applies = raw.exported and not raw.missing_reason
                none, empty = none + none_applies, empty + (not none_applies)
            for name in names:
                if name.lower() == NONE:
                    none += 1
                elif (code := self._code(name, raw)) in found:
                    raise CodingRowError(f"{code} is given twice to one unit by {raw.coder}", raw)
                else:
                    found.append(code)
        self._check(rows, found, empty, none)
        return None if empty else tuple(found)

    def _check(self, rows: Sequence[RawCoding], found: list[str], empty: int, none: int) -> None:
        kinds = {"a code": len(found) > 0, "an empty cell": empty, '"none"': none}
        given = [word for word, times in kinds.items() if times]
        if len(given) > 1 or max(empty, none) > 1:
            what = " and ".join(given) if len(given) > 1 else f"{given[0]} twice"
            raise CodingRowError(f"{rows[0].coder} gave one unit {what}", rows[-1])
        most = self.book.max_codes
        if len(found) > most:
            why = f"{len(found)} codes ({', '.join(found)}) for one unit; {self.book.ref} allows {most}"
            raise CodingRowError(why, rows[-1])

    def _code(self, name: str, raw: RawCoding) -> str:
        if name in self.book.code_ids:
            return name
        if name.lower() not in self._by_case:
            near = did_you_mean(name, [*self.book.code_ids, NONE])
            raise CodingRowError(f"unknown code {name!r}; {near}", raw)
        return self._by_case[name.lower()]


def _names(raw: RawCoding) -> list[str]:
    """What stands in the cell, code by code."""
    names = [name.strip() for name in re.split("[;,|\n]", raw.cell or "") if name.strip()]
    if names and raw.missing_reason:
        why = f"both a code ({raw.cell}) and a reason for its absence ({raw.missing_reason})"
        raise CodingRowError(why, raw)
    return names


def _in_order(rows: Sequence[RawCoding]) -> Sequence[RawCoding]:
    """By rank, where ranks are given. Raises `CodingRowError` for rows that do not belong together."""
    if all(raw.rank is not None for raw in rows):
        rows = sorted(rows, key=lambda raw: raw.rank or 0)
        for one, other in pairwise(rows):
            if one.rank == other.rank:
                why = f"{other.coder} coded this unit twice (rank {other.rank} comes twice)"
                raise CodingRowError(why, other)
    first = rows[0]
    if len(rows) > 1 and any(raw.whole for raw in rows):
        raise CodingRowError(f"the unit was in row {first.row} already", rows[1])
    for raw in rows:
        if (raw.start, raw.end) != (first.start, first.end):
            why = f"lies where row {first.row} lies, though its offsets differ: one of them moved wrongly"
            raise CodingRowError(why, raw)
    return rows


def _share(raw: RawCoding, text: str | None, name: str) -> float | None:
    if text is None:
        return None
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise CodingRowError(f"{name} {text!r} is no number between 0 and 1", raw)
    return value
