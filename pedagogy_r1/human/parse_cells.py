"""From cells to judgements: what one coder said of one span, and everything that can be wrong with it.

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
from .importers import RawCoding

EMPTY_CELL = "empty cell"


class Problem(NamedTuple):
    """A row of codings that cannot be taken, and why. ``coder`` tells the cells of a wide row apart."""

    file: str
    row: int
    why: str
    coder: str = ""

    def __str__(self) -> str:
        coder = f" ({self.coder})" if self.coder else ""
        return f"{self.file}:{self.row}{coder}: {self.why}"


class Placed(NamedTuple):
    """A raw coding whose place in a trace is known."""

    file: str
    raw: RawCoding
    trace_id: str
    start: int
    end: int


class Judgement(NamedTuple):
    """What one coder said of one span."""

    coder: str
    start: int
    end: int
    codes: tuple[str, ...] | None
    missing_reason: str | None
    memo: str | None = None
    evidence: str | None = None
    confidence: float | None = None
    overlap: float | None = None
    carried_from: str | None = None
    where: str = ""
    """``file:row`` of its first row."""


class Wrong(Exception):
    """Why a group of rows is no coding; ``at`` is the row to blame, the first if not known."""

    def __init__(self, why: str, at: RawCoding | None = None) -> None:
        super().__init__(why)
        self.at = at


class Judge:
    """Reads cells under one codebook."""

    def __init__(self, book: Codebook) -> None:
        self.book = book
        self._by_case = {code.lower(): code for code in book.code_ids}

    def judge(self, rows: Sequence[RawCoding], start: int, end: int) -> Judgement:
        """One coder's rows on one span, in file order; raises `Wrong`."""
        codes = self._codes(rows)
        first = rows[0]
        if codes is None:
            reason = next((raw.missing_reason for raw in rows if raw.missing_reason), EMPTY_CELL)
        else:
            reason = None
        memos = list(dict.fromkeys(raw.memo for raw in rows if raw.memo))
        return Judgement(
            first.coder,
            start,
            end,
            codes,
            reason,
            memo="\n".join(memos) or None,
            evidence=first.evidence,
            confidence=_share(first, first.confidence, "confidence"),
            overlap=_share(first, first.overlap, "overlap"),
            carried_from=first.carried_from,
        )

    def remark(self, judgement: Judgement) -> str:
        """What is worth saying of it, if anything."""
        if judgement.missing_reason == EMPTY_CELL:
            return "empty cells"
        return "none in an exhaustive codebook" if judgement.codes == () and self.book.exhaustive else ""

    def _codes(self, rows: Sequence[RawCoding]) -> tuple[str, ...] | None:
        """Codes in order, ``()`` for none applies, ``None`` for missing."""
        if all(raw.rank is not None for raw in rows):
            rows = sorted(rows, key=lambda raw: raw.rank or 0)
            twice = next((b for a, b in pairwise(rows) if a.rank == b.rank), None)
            if twice:
                raise Wrong(f"{twice.coder} coded this unit twice (rank {twice.rank} comes twice)", twice)
        if len(rows) > 1 and any(raw.whole for raw in rows):
            raise Wrong(f"the unit was in row {rows[0].row} already", rows[1])
        other = next((raw for raw in rows if (raw.start, raw.end) != (rows[0].start, rows[0].end)), None)
        if other:
            raise Wrong(
                f"lies where row {rows[0].row} lies, though its offsets differ: one of them moved wrongly",
                other,
            )
        found: list[str] = []
        empty = none = 0
        for raw in rows:
            names = [name.strip() for name in re.split("[;,|\n]", raw.cell or "") if name.strip()]
            empty += not names and not (raw.exported and not raw.missing_reason)
            none += not names and raw.exported and not raw.missing_reason
            if names and raw.missing_reason:
                raise Wrong(
                    f"both a code ({raw.cell}) and a reason for its absence ({raw.missing_reason})", raw
                )
            for name in names:
                if name.lower() == NONE:
                    none += 1
                    continue
                code = self._code(name, raw)
                if code in found:
                    raise Wrong(f"{code} is given twice to one unit by {raw.coder}", raw)
                found.append(code)
        if (empty > 0) + (none > 0) + bool(found) > 1 or max(empty, none) > 1:
            kinds = [
                word
                for word, is_there in (("a code", found), ("an empty cell", empty), ('"none"', none))
                if is_there
            ]
            raise Wrong(
                f"{rows[0].coder} gave one unit "
                + (" and ".join(kinds) if len(kinds) > 1 else f"{kinds[0]} twice"),
                rows[-1],
            )
        if len(found) > self.book.max_codes:
            raise Wrong(
                f"{len(found)} codes ({', '.join(found)}) for one unit; {self.book.ref} allows {self.book.max_codes}",
                rows[-1],
            )
        return None if empty else tuple(found)

    def _code(self, name: str, raw: RawCoding) -> str:
        if name in self.book.code_ids:
            return name
        if name.lower() not in self._by_case:
            raise Wrong(f"unknown code {name!r}; {did_you_mean(name, [*self.book.code_ids, NONE])}", raw)
        return self._by_case[name.lower()]


class Judged(NamedTuple):
    """Judgements by trace, problems, and how many rows were taken: each row ends in exactly one of the two.

    ``places`` has the ``file:row`` of what is worth saying.
    """

    judgements: dict[str, list[Judgement]]
    problems: list[Problem]
    kept: int
    places: dict[str, list[str]]


def judge_all(judge: Judge, placed: Sequence[Placed]) -> Judged:
    """Judge the rows of all coders on all spans."""
    groups: dict[tuple[str, int, int, str], list[Placed]] = {}
    for one in placed:
        groups.setdefault((one.trace_id, one.start, one.end, one.raw.coder), []).append(one)
    judgements: dict[str, list[Judgement]] = {}
    problems: list[Problem] = []
    places: dict[str, list[str]] = {}
    kept = 0
    for (trace_id, start, end, coder), group in groups.items():
        mine = [one for one in group if one.file == group[0].file]
        for other in (one for one in group if one.file != group[0].file):
            why = f"{coder} coded this unit in {group[0].file}:{group[0].raw.row} already"
            problems.append(Problem(other.file, other.raw.row, why, coder))
        try:
            judgement = judge.judge([one.raw for one in mine], start, end)
        except Wrong as wrong:
            problems += _blame(mine, wrong)
            continue
        kept += len(mine)
        judgement = judgement._replace(where=f"{mine[0].file}:{mine[0].raw.row}")
        if remark := judge.remark(judgement):
            places.setdefault(remark, []).append(judgement.where)
        judgements.setdefault(trace_id, []).append(judgement)
    return Judged(judgements, problems, kept, places)


def _blame(group: list[Placed], wrong: Wrong) -> list[Problem]:
    """One problem a row: the culprit's own, and for its companions that they are left out with it."""
    culprit = wrong.at or group[0].raw
    companion = f"left out together with row {culprit.row}"
    return [
        Problem(one.file, one.raw.row, str(wrong) if one.raw is culprit else companion, one.raw.coder)
        for one in group
    ]


def _share(raw: RawCoding, text: str | None, name: str) -> float | None:
    if text is None:
        return None
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise Wrong(f"{name} {text!r} is no number between 0 and 1", raw)
    return value


def as_fields(judgement: Judgement) -> dict[str, Any]:
    """The fields of a ``Coding`` that come from the judgement."""
    fields = judgement._asdict()
    fields["rationale"] = fields.pop("memo")
    return {name: value for name, value in fields.items() if name not in ("start", "end", "where")}
