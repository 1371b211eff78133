"""The log of a coder in the browser: all that one person said, as a file to which lines are only ever added.

    PACKET/A/web.jsonl
    {"desk": 1, "packet": "p-3f…", "coder": "A", "codebook": "schoen@1.0.0#1f0c…"}
    {"n": 1, "at": "2026-01-01T09:00:00+00:00", "unit_id": "u3f…", "codes": ["IA-SQ"]}
    {"n": 2, "at": …, "unit_id": "u3f…", "codes": ["IA-SQ", "OA-ME"], "memo": "asks, then judges"}
    {"n": 3, "at": …, "unit_id": "u3f…", "codes": ["IA-SQ"], "undoes": 2}
    {"n": 4, "at": …, "unit_id": "u3f…", "batch": 4, "lines": 2, "codes": ["KA-RO"]}
    {"n": 5, "at": …, "unit_id": "u40…", "batch": 4, "codes": ["KA-RO"]}
    {"n": 6, "at": …, "unit_id": "u40…", "comment": "is it one step?", "who": "A"}

Where coders draw spans, a line is of one span, by a name of its own, or (``t90c2…``) of a whole trace:

    {"n": 1, "at": …, "unit_id": "s81…", "codes": ["IA-SQ"], "span": {"document": "t90c2…", "start": 512, "end": 547, "quote": …}}
    {"n": 2, "at": …, "unit_id": "s81…"}                      taken away again
    {"n": 3, "at": …, "unit_id": "t90c2…", "read": true}      read to its end

A line is the whole state of its unit from then on, so the last one counts. It lies on the disk before the browser is
told so. Lines of one ``batch`` were said at once, and one undo takes them all back; its first says how many ``lines`` it has, since a
kill may leave some of them, which count for nothing then. A ``comment`` says nothing about the
unit's codes. ``codes: []`` is "none applies"; no ``codes`` is not coded, and with ``"missing": true`` cannot be coded. The first
line is called "desk" in the file, and gives the version of the layout.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple

from pydantic import BaseModel, ValidationError, field_validator

from ..codebook import Codebook
from ..errors import InputError, RunError, first_fault
from ..files.ledger import Ledger
from ..files.records import PRIVATE, BadRow, whole_text
from ..job import hold
from ..provenance import now
from .drawn_spans import DrawnSpan, check_apart
from .log_lines import cut_half_batch, whole_lines

PRACTICE = "practice with "
"""How the ``packet`` of the first line begins where a coder only practised; such a log holds no codings."""

CANNOT = "cannot be coded"
"""Why a unit is missing that the coder looked at and could not code, unless a memo says it."""

NOT_YET = "not decided yet"
"""Why a unit is missing for which the coder wrote a memo or set a flag, and gave no code."""


class LogHeader(BaseModel, frozen=True, extra="forbid"):
    """The first line: whose log it is, and under which codebook; ``desk`` is the version of the layout."""

    desk: int
    packet: str
    coder: str
    codebook: str
    spans: bool = False
    """Whether the coder draws spans; else units are given."""


class Entry(BaseModel, frozen=True, extra="forbid"):
    """What the coder says of a unit. ``checked``: practice whose answer has been shown, and which no longer changes."""

    codes: tuple[str, ...] | None = None
    missing: bool = False
    memo: str = ""
    flag: bool = False
    checked: bool = False
    span: DrawnSpan | None = None
    """Where the coder drew it; none of a unit that was given, and of a span that was taken away."""
    read: bool = False
    """Of a whole trace in which spans are drawn: there are no more in it."""

    @field_validator("memo")
    @classmethod
    def _memo_that_a_page_can_show(cls, memo: str) -> str:
        return whole_text(memo)

    @property
    def done(self) -> bool:
        """Whether there is a decision."""
        return self.codes is not None or self.missing

    @property
    def missing_reason(self) -> str | None:
        """Why there are no codes, if there are none."""
        return None if self.codes is not None else CANNOT if self.missing else NOT_YET


EMPTY = Entry()


class LoggedChange(Entry, frozen=True):
    """A line after the first. ``undoes``: the ``n`` of the line that it takes back."""

    n: int
    at: str
    unit_id: str
    undoes: int | None = None
    who: str = ""
    """Whose decision it is, where several share a log to adjudicate."""
    said: dict[str, tuple[str, ...] | None] = {}
    """What the coders had said of the unit when it was decided."""
    batch: int = 0
    """The ``n`` of the first line of those that were said at once; 0 where a line stands alone."""
    lines: int = 0
    """In the first line of a batch: how many it has."""
    comment: str = ""
    """Added to the discussion of the unit; such a line says nothing else."""

    @property
    def entry(self) -> Entry:
        """The state of the unit from this line on."""
        return Entry(**{name: getattr(self, name) for name in Entry.model_fields})


class Attribution(NamedTuple):
    """Who decided, and upon what, where that is to be kept too."""

    who: str = ""
    said: dict[str, tuple[str, ...] | None] = {}  # noqa: RUF012 - a NamedTuple's default, never written to


NO_NOTE = Attribution()


class UndoStep(NamedTuple):
    """What can be undone: line ``n`` (and lines before it that belong to it) changed the unit from ``before``.

    ``others``: units that the same ``batch`` changed, each with what it was before. ``who``: as in `LoggedChange`.
    """

    n: int
    unit_id: str
    before: Entry
    only_memo: bool
    batch: int = 0
    others: tuple[tuple[str, Entry], ...] = ()
    who: str = ""

    @property
    def units(self) -> set[str]:
        return {self.unit_id, *(unit_id for unit_id, _ in self.others)}


@dataclass
class Work:
    """What the lines add up to. ``rows`` and ``said``: of the line on which each unit was last spoken of."""

    entries: dict[str, Entry] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)
    said: dict[str, dict[str, tuple[str, ...] | None]] = field(default_factory=dict)
    steps: list[UndoStep] = field(default_factory=list)
    checked: list[str] = field(default_factory=list)
    """Practice units in the order in which their answers were shown."""
    changes: list[LoggedChange] = field(default_factory=list)
    """Every line as it was written."""
    comments: dict[str, list[LoggedChange]] = field(default_factory=dict)
    """By unit, in the order in which they were written."""

    @property
    def n(self) -> int:
        return self.changes[-1].n if self.changes else 0

    def decided(self, units: Collection[str] | None = None) -> int:
        """How many units, of these or of all, have a decision."""
        return sum(one.done for unit_id, one in self.entries.items() if units is None or unit_id in units)

    def take(self, change: LoggedChange, row: int) -> None:
        self.changes.append(change)
        if change.comment:
            self.comments.setdefault(change.unit_id, []).append(change)
            return
        before, after = self.entries.get(change.unit_id, EMPTY), change.entry
        self.entries[change.unit_id], self.rows[change.unit_id] = after, row
        self.said[change.unit_id] = change.said
        if after.checked:
            self.steps.clear()
            self.checked.append(change.unit_id)
        elif change.undoes is not None:
            self.steps = [step for step in self.steps if step.n != change.undoes]
        else:
            self._remember(change, before, after)

    def _remember(self, change: LoggedChange, before: Entry, after: Entry) -> None:
        """A memo is saved while it is being typed; undoing takes back all of that at once."""
        only_memo = before.model_copy(update={"memo": after.memo}) == after
        last = self.steps[-1] if self.steps else None
        if change.batch and last and last.batch == change.batch:
            others = (*last.others, (change.unit_id, before))
            self.steps[-1] = last._replace(n=change.n, others=others)
        elif (
            only_memo
            and last
            and last.only_memo
            and (last.unit_id, last.who) == (change.unit_id, change.who)
            and not (last.batch or change.batch)
        ):
            self.steps[-1] = last._replace(n=change.n)
        else:
            step = UndoStep(change.n, change.unit_id, before, only_memo, change.batch, who=change.who)
            self.steps.append(step)


def read_log(path: Path) -> tuple[LogHeader, Work]:
    """The first line, and what the others add up to; what a kill or a power cut left behind them was never confirmed.

    Raises `InputError` naming the line that is none of a log.
    """
    header, work = None, Work()
    for row in whole_lines(path):
        where = f"{path}:{row.line}"
        if isinstance(row, BadRow):
            raise InputError(f"{where}: {row.why}", "restore the file from a copy, or delete that line")
        try:
            if header is None:
                header = LogHeader.model_validate(row.data)
            else:
                work.take(LoggedChange.model_validate(row.data), row.line)
        except ValidationError as error:
            raise InputError(f"{where}: {first_fault(error)}", "restore the line") from None
    if header is None:
        raise InputError(
            f"{path}: nothing is in it", "it is written by: pcode web --packet PACKET --coder NAME"
        )
    return header, work


class CodingLog:
    """A log that is open for work, by one process at a time. All methods may be called from any thread."""

    def __init__(self, path: Path, header: LogHeader, book: Codebook) -> None:
        self.path, self.book = path, book
        self.still = Lock()
        """Nothing changes while it is held."""
        self._closed = False
        path.parent.mkdir(parents=True, exist_ok=True)
        with ExitStack() as opened:  # what fails lets go of it
            opened.callback(os.close, held := _hold(path))
            cut_half_batch(path, held)
            self._ledger = Ledger(path, private=True)
            opened.callback(self._ledger.close)
            if not self._ledger.size:
                self._ledger.append(header.model_dump(mode="json", exclude_defaults=True), sync=True)
            found, self.work = read_log(path)
            if found != header:
                raise RunError(
                    f"{path} is the work of {found.coder} on packet {found.packet} under {found.codebook}",
                    "it belongs to another packet, coder or codebook: put it back where it came from",
                )
            self._opened = opened.pop_all()

    def entry(self, unit_id: str) -> Entry:
        return self.work.entries.get(unit_id, EMPTY)

    @property
    def undoable(self) -> UndoStep | None:
        """What `undo` would take back."""
        return self.work.steps[-1] if self.work.steps else None

    def undoable_by(self, who: str) -> UndoStep | None:
        """The same of one of several who share the log: what that person did last, unless others went on with its units."""
        later = set[str]()
        for step in reversed(self.work.steps):
            if step.who == who:
                return None if step.units & later else step
            later |= step.units
        return None

    def change(self, unit_id: str, note: Attribution = NO_NOTE, **updates: Any) -> Entry:
        """Change some fields of a unit's entry; it is on the disk when this returns. No change writes no line.

        Raises `InputError` for codes that the codebook does not allow, and for practice that has been checked.
        """
        self.change_all([(unit_id, note, updates)])
        return self.entry(unit_id)

    def change_all(self, said: Sequence[tuple[str, Attribution, Mapping[str, Any]]]) -> None:
        """The same of several units, each with its note and its changes: all of them or none, and one `undo` takes all back."""
        with self.still:
            found, spans = [], dict[str, DrawnSpan | None]()
            for unit_id, note, updates in said:
                before = self.entry(unit_id)
                after = Entry.model_validate({**before.model_dump(), **updates})
                if after == before and note.said == self.work.said.get(unit_id, note.said):
                    continue
                if before.checked:
                    raise InputError(
                        "its answer has been shown; it does not change any more", "go on to the next"
                    )
                self._check(after)
                found.append((unit_id, after.model_dump() | note._asdict()))
                if after.span != before.span:
                    spans[unit_id] = after.span
            if spans:
                drawn = {name: entry.span for name, entry in self.work.entries.items()} | spans
                check_apart([span for span in drawn.values() if span], self.book.overlap)
            self._write(found)

    def comment(self, unit_id: str, who: str, text: str) -> None:
        """Add to the discussion of a unit. It is on the disk when this returns; what is empty is not kept.

        Sent twice, because the first answer was lost, it is kept once.
        """
        with self.still:
            last = self.work.comments.get(unit_id, [])[-1:]
            again = [(one.who, one.comment) for one in last]
            if (comment := whole_text(text).strip()) and (who, comment) not in again:
                self._write([(unit_id, {"who": who, "comment": comment})])

    def undo(
        self, n: int, notes: Callable[[str], Attribution] = lambda _: NO_NOTE, who: str | None = None
    ) -> str | None:
        """Take back line ``n`` if it is the last that can be (by ``who``); returns its unit. Asked twice, it is done once.

        ``notes``: of a unit, what is kept beside what it becomes again.
        """
        with self.still:
            step = self.undoable if who is None else self.undoable_by(who)
            if step is None or step.n != n:
                return None
            back = ((step.unit_id, step.before), *step.others)
            self._write(
                [(unit, before.model_dump() | notes(unit)._asdict() | {"undoes": n}) for unit, before in back]
            )
            return step.unit_id

    def _write(self, found: Sequence[tuple[str, Mapping[str, Any]]]) -> None:
        if not found:
            return
        if self._closed:
            raise RunError(f"{self.path.name} is closed: a new round has begun", "load the page again")
        first, at = self.work.n + 1, now()
        batch = first if len(found) > 1 else 0
        changes = [
            LoggedChange(n=n, at=at, unit_id=unit_id, batch=batch, lines=batch == n and len(found), **more)
            for n, (unit_id, more) in enumerate(found, first)
        ]
        self._ledger.append_all([_line(change) for change in changes], sync=True)
        for change in changes:
            self.work.take(change, row=change.n + 1)

    def _check(self, entry: Entry) -> None:
        codes = entry.codes or ()
        if unknown := [code for code in codes if code not in self.book.code_ids]:
            raise InputError(f"{self.book.ref} has no code {unknown[0]!r}", "load the page again")
        if len(set(codes)) < len(codes):
            raise InputError(f"{codes[0]} is given twice", "choose another second code")
        if len(codes) > self.book.max_codes:
            raise InputError(
                f"{self.book.ref} allows {self.book.max_codes} codes a unit", "take one away first"
            )
        if entry.codes == () and self.book.exhaustive:
            raise InputError(f"under {self.book.ref} every unit has a code", "choose the nearest one")

    def close(self) -> None:
        """Let another process have it. What is said afterwards, by a page that was open, is refused."""
        with self.still:
            self._closed = True
            self._opened.close()


def _line(change: LoggedChange) -> dict[str, Any]:
    told = change.model_dump(mode="json", exclude_defaults=True)
    return {name: told.pop(name) for name in ("n", "at", "unit_id")} | told


def _hold(path: Path) -> int:
    """Two servers would each not know what the other has been told."""
    held = os.open(path, os.O_RDONLY | os.O_CREAT, PRIVATE)
    if not hold(held, path):
        os.close(held)
        raise RunError(f"{path} is open in another pcode web", "use that one, or stop it first")
    return held
