"""A tally: what is left of a shard's codings when texts and places go, and all that agreement and shares of a corpus need.

    answers    0: (KA-RO,)   1: (TR-SP, IA-SQ)   2: "timeout"          what coders said of units: codes, or why there are none
    patterns   cues  0  0  1                                           what every coder said of one unit, an answer each,
               llm   0  2  1                                           -1 where a coder was not asked
    traces     id      item  domain  condition  model  correct         the shard's, in order
               aime-3  3     SK      cop        R1-7B  True
    units      aime-3: pattern 0 in 17 units, 1 in 2, 2 in 1           and their tokens: 204, 31, 12

Two units of a trace of which everybody said the same are one row with a count, so 1,000 shards of 10⁵ codings are 1,000 files of
some hundred kilobytes; they add up (`add_up`) to one tally of the corpus, from which agreement and shares come out as from
the codings themselves. Quotes, which need texts, and what a unit's id is needed for, do not.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ..codebook import NONE, Codebook
from ..errors import CodebookError, RunError, did_you_mean
from ..estimate import Flags, Ints, TraceCounts, narrow
from .code_chains import Followed, chains_of
from .joined_columns import JoinedColumns, joined_columns
from .run import CoderInfo
from .run_columns import TRACE_FIELDS, RunColumns
from .where import in_order, value_text

if TYPE_CHECKING:
    import pyarrow as pa

Answer = tuple[str, ...] | str
"""The codes that a coder gave, the primary one first, or why there are none."""

NOT_ASKED = -1


@dataclass(frozen=True)
class Tally:
    """``patterns``: (coders, patterns) places among the ``answers``, `NOT_ASKED` where there is nothing; ``units``: of each trace
    and pattern; ``tokens``: theirs, in the same rows; ``name``: where it came from, for errors. ``follows``: per coder, which of the
    book's codes and ``none`` follow each other; of some traces (`where`) it is not known."""

    book: Codebook
    coders: tuple[CoderInfo, ...]
    answers: tuple[Answer, ...]
    patterns: Ints
    traces: pa.Table
    units: TraceCounts
    tokens: TraceCounts
    name: str = "tally"
    follows: tuple[Followed, ...] | None = None

    @property
    def categories(self) -> tuple[str, ...]:
        """The codebook's codes, and ``none`` where that may be said or was said all the same."""
        may = not self.book.exhaustive or () in self.answers
        return (*self.book.code_ids, NONE) if may else self.book.code_ids

    @cached_property
    def primary(self) -> Ints:
        """(coders, patterns) index of the primary code among the categories, -1 where there is none."""
        number = {code: at for at, code in enumerate(self.categories)}
        return self._of_answers(
            [-1 if isinstance(a, str) else number[(a or (NONE,))[0]] for a in self.answers], -1
        )

    @cached_property
    def present(self) -> Ints:
        """(coders, patterns) bit k is set where category k was given, as primary or secondary code; 0 where missing."""
        number = {code: at for at, code in enumerate(self.categories)}
        bits = [0 if isinstance(a, str) else sum(1 << number[c] for c in a or (NONE,)) for a in self.answers]
        return self._of_answers(bits, 0)

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why codings are missing."""
        return tuple(answer for answer in self.answers if isinstance(answer, str))

    @cached_property
    def reason(self) -> Ints:
        """(coders, patterns) index into ``reasons``; -1 where there is a coding, or the coder was not asked."""
        number = {why: at for at, why in enumerate(self.reasons)}
        return self._of_answers([number[a] if isinstance(a, str) else -1 for a in self.answers], -1)

    def _of_answers(self, values: list[int], not_asked: int) -> Ints:
        found: Ints = np.array([*values, not_asked], dtype=np.int64)[self.patterns]
        return found

    def values_of(self, field: str) -> list[str | None]:
        """The values of a field of the traces, in order, and ``None`` last where some trace has none."""
        column = self._column(field)
        texts = in_order(value_text(value) for value in column.dictionary.to_pylist())
        return [*texts, *([None] if column.null_count else [])]

    def where(self, field: str, value: str | None) -> Tally:
        """Only the traces whose field (see `TRACE_FIELDS`) is ``value``."""
        column = self._column(field)
        texts = [value_text(one) for one in column.dictionary.to_pylist()]
        at = column.indices.fill_null(-1).to_numpy()
        return self.of_traces(
            at == (texts.index(value) if value in texts else -2 if value is not None else -1)
        )

    def row(self, name: str) -> int:
        """The place of a coder of that name in ``patterns``, and in all that has a row for each coder."""
        return [each.name for each in self.coders].index(name)

    def of_coder(self, name: str) -> Tally:
        """Only what one coder said."""
        row = self.row(name)
        return replace(
            self,
            coders=(self.coders[row],),
            patterns=self.patterns[row : row + 1],
            follows=self.follows and (self.follows[row],),
        )

    def of_traces(self, wanted: Flags) -> Tally:
        """Only these traces. ``wanted``: (traces,)."""
        import pyarrow as pa

        return replace(
            self,
            traces=self.traces.filter(pa.array(wanted)),
            units=self.units.of_traces(wanted),
            tokens=self.tokens.of_traces(wanted),
            follows=None,
        )

    def _column(self, field: str) -> Any:
        """A field of the traces, its values numbered; only those values that occur."""
        if field not in TRACE_FIELDS:
            hint = f"{did_you_mean(field, list(TRACE_FIELDS))}; a corpus is added up by no other fields"
            raise RunError(f"the tally of a corpus has no field {field!r}", hint)
        return encoded(self.traces[field])


def encoded(column: Any) -> Any:
    """A column of an Arrow table as one array of numbers and the distinct values that occur."""
    import pyarrow as pa

    whole = column.combine_chunks()
    if isinstance(whole.type, pa.DictionaryType):
        whole = whole.cast(whole.type.value_type)
    return whole.dictionary_encode()


def tally(columns: RunColumns, name: str = "tally") -> Tally:
    """Of the runs of one shard, read by `read_columns`."""
    joined = joined_columns(columns)
    answers, said = _answers(columns)
    cells = np.full((len(columns.coders), len(joined.cluster)), NOT_ASKED, dtype=np.int64)
    coder, unit = columns.numbers("codings", "coder"), joined.unit[columns.numbers("codings", "unit")]
    coded = columns.primary >= 0
    for these in (~coded, coded):  # who is missing in one run and codes in another is not missing
        cells[coder[these], unit[these]] = said[these]
    patterns, pattern = _distinct(cells, len(answers))
    tokens = np.empty(len(joined.cluster), dtype=np.int64)
    tokens[joined.unit[::-1]] = columns.numbers("units", "tokens")[::-1]
    pair = joined.cluster * patterns.shape[1] + pattern
    rows, row, count = np.unique(pair, return_inverse=True, return_counts=True)
    trace, of_row = np.divmod(rows, max(1, patterns.shape[1]))
    traces = columns.traces.select(["id", *TRACE_FIELDS]).take(joined.first)
    starts = np.searchsorted(trace, np.arange(len(traces) + 1))
    width = patterns.shape[1]
    return Tally(
        columns.book,
        columns.coders,
        answers,
        patterns,
        traces,
        TraceCounts.of(starts, of_row, count, width),
        TraceCounts.of(starts, of_row, np.bincount(row, tokens, len(rows)).astype(np.int64), width),
        name,
        _follows(columns, joined, cells, answers),
    )


def _follows(
    columns: RunColumns, joined: JoinedColumns, cells: Ints, answers: tuple[Answer, ...]
) -> tuple[Followed, ...]:
    """Of each coder: of (coders, units) ``cells`` those where the coder was asked."""
    codes = (*columns.book.code_ids, NONE)
    primary = np.array(
        [-1 if isinstance(a, str) else codes.index((a or (NONE,))[0]) for a in answers], dtype=np.int64
    )
    index = np.empty(len(joined.cluster), dtype=np.int64)
    index[joined.unit[::-1]] = columns.numbers("units", "index")[::-1]
    found = []
    for row in cells:
        asked = row != NOT_ASKED
        own = primary[row[asked]], joined.cluster[asked], index[asked]
        found.append(Followed.of(*chains_of(*own, len(codes))))
    return tuple(found)


def _answers(columns: RunColumns) -> tuple[tuple[Answer, ...], Ints]:
    """What coders said, and for each coding which of it. Of second codes the order says nothing."""
    place = {code: at for at, code in enumerate(columns.book.code_ids)}
    number: dict[Answer, int] = {}
    of_pattern = [
        number.setdefault(
            (*codes[:1], *sorted(set(codes[1:]) - set(codes[:1]), key=place.__getitem__)), len(number)
        )
        for codes in columns.patterns
    ]
    lost = columns.numbers("codings", "pattern") < 0
    why = (
        columns.codings["missing_reason"]
        .filter(lost)
        .combine_chunks()
        .fill_null("missing")
        .dictionary_encode()
    )
    of_reason = [number.setdefault(reason, len(number)) for reason in why.dictionary.to_pylist()]
    said = np.array([*of_pattern, NOT_ASKED], dtype=np.int64)[columns.numbers("codings", "pattern")]
    said[lost] = np.array(of_reason, dtype=np.int64)[why.indices.to_numpy()]
    return tuple(number), said


def _distinct(cells: Ints, answers: int) -> tuple[Ints, Ints]:
    """(coders, patterns) distinct columns of (coders, units) ``cells``, and each unit's place among them."""
    key = np.zeros(cells.shape[1], dtype=np.int64)
    for row in cells:  # numbered anew for each coder, so that the numbers stay small
        key = np.unique(key * (answers + 1) + row + 1, return_inverse=True)[1]
    first, pattern = np.unique(key, return_index=True, return_inverse=True)[1:]
    return cells[:, first], pattern


def add_up(tallies: Iterable[Tally]) -> Tally:
    """The tally of a corpus from those of its shards, which are taken one at a time.

    Raises `RunError` or `CodebookError`, naming the shard, where coders or codebook differ, and where two shards hold one trace.
    """
    sum_ = _Sum()
    for one in tallies:
        sum_.add(one)
    return sum_.whole()


class _Sum:
    """Shards so far: their answers and patterns numbered anew, and their rows."""

    def __init__(self) -> None:
        self.first: Tally | None = None
        self.answers: dict[Answer, int] = {}
        self.patterns: list[Ints] = []
        self.shards: list[tuple[str, int]] = []
        self.traces: list[pa.Table] = []
        self.lengths: list[Any] = []
        self.follows: tuple[Followed, ...] | None = None
        self.rows: tuple[list[Any], ...] = ([], [], [])

    def add(self, one: Tally) -> None:
        """Raises `RunError` or `CodebookError` for a shard that is not of this corpus."""
        self.first = self.first or one
        _require_same(self.first, one)
        answer = [self.answers.setdefault(said, len(self.answers)) for said in one.answers]
        self.patterns.append(np.array([*answer, NOT_ASKED], dtype=np.int64)[one.patterns])
        for rows, column in zip(
            self.rows, (one.units.pattern, one.units.count, one.tokens.count), strict=True
        ):
            rows.append(column)
        self.lengths.append(np.diff(one.units.starts).astype(np.int32))
        self.traces.append(one.traces)
        if not self.shards:
            self.follows = one.follows
        elif self.follows is not None:
            pairs = zip(self.follows, one.follows or (), strict=False)
            self.follows = tuple(a + b for a, b in pairs) if one.follows is not None else None
        self.shards.append((one.name, len(one.traces)))

    def whole(self) -> Tally:
        """All of them."""
        import pyarrow as pa

        if self.first is None:
            raise RunError("there is no tally to add up", "name at least one shard of a corpus run")
        traces = pa.concat_tables(self.traces).unify_dictionaries().combine_chunks()
        self.traces.clear()
        _require_once(traces["id"].combine_chunks(), self.shards)
        starts = np.concatenate([[0], np.cumsum(np.concatenate(self.lengths), dtype=np.int64)])
        patterns, number = _distinct(np.concatenate(self.patterns, axis=1), len(self.answers))
        number, width = narrow(number), patterns.shape[1]
        ends = np.cumsum([own.shape[1] for own in self.patterns])[:-1]
        of_shard = np.split(number, ends)
        self.rows[0][:] = [own[rows] for own, rows in zip(of_shard, self.rows[0], strict=True)]
        pattern, count, tokens = (_joined(rows) for rows in self.rows)
        return Tally(
            self.first.book,
            self.first.coders,
            tuple(self.answers),
            patterns,
            traces,
            TraceCounts.of(starts, pattern, count, width),
            TraceCounts.of(starts, pattern, tokens, width),
            f"{len(self.shards)} shards",
            self.follows,
        )


def _joined(parts: list[Any]) -> Any:
    """One array of several, which are let go."""
    found = np.concatenate(parts)
    parts.clear()
    return found


def _require_same(first: Tally, one: Tally) -> None:
    if first.book.digest != one.book.digest:
        raise CodebookError(
            f"{first.name} was coded under {first.book.stamp} and {one.name} under {one.book.stamp}",
            "code all shards of a corpus under one codebook",
        )
    if first.coders != one.coders:
        said = (", ".join(f"{c.name} ({c.kind})" for c in each.coders) or "nobody" for each in (first, one))
        raise RunError(
            "{} was coded by {}, and {} by {}".format(
                *(x for pair in zip((first.name, one.name), said, strict=True) for x in pair)
            ),
            "give the same coders' runs for every shard of a corpus",
        )


def _require_once(ids: Any, shards: list[tuple[str, int]]) -> None:
    """Raises `RunError` where an id stands twice, naming the two shards."""
    import pyarrow.compute as pc

    if pc.count_distinct(ids).as_py() == len(ids):
        return
    numbers = ids.dictionary_encode().indices.to_numpy()
    again = np.setdiff1d(np.arange(len(numbers)), np.unique(numbers, return_index=True)[1])[0]
    places = np.flatnonzero(numbers == numbers[again])[:2]
    ends = np.cumsum([length for _, length in shards])
    first, second = (shards[int(np.searchsorted(ends, place, side="right"))][0] for place in places)
    both = f"{first} and {second} both hold" if first != second else f"{first} holds twice"
    raise RunError(
        f"{both} trace {ids[int(again)].as_py()!r}", "a trace belongs to one shard: make the corpus again"
    )
