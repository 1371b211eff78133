"""A coder who draws spans: traces in the coder's own order, and the log in which every span is kept.

    place.act(3, {"do": "draw 512 547 IA-SQ", "quote": "Wait, is it 24?"})   →  (3, "s81…"), the trace and the span to be shown then

``do``: ``draw START END [CODE]``, ``trim SPAN START END``, ``split SPAN AT``, ``merge SPAN SPAN``, ``remove SPAN``; of the span in the field
``span`` what is said of a unit too (``first CODE``, ``second``, ``drop``, ``clear``, ``flag``, ``unflag``, ``memo``, ``comment``); ``next``: the trace is read to
its end; ``undo N``. Offsets are code points. A split, a merge is one batch of the log: all of it or nothing, and one undo takes it back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from threading import Lock
from typing import Any, NamedTuple

from starlette.exceptions import HTTPException

from ..errors import InputError
from ..human.coding_log import EMPTY, NO_NOTE, Attribution, CodingLog, Entry, LoggedChange
from ..human.drawn_spans import DrawnSpan, draw_span
from ..human.packet import CodingTask, blind_id
from ..trace import Trace, Unit
from .coded_text import own_of
from .pace import Progress, TraceProgress, progress_of, reading_left
from .workplace import changed_memo, codes_after, decided, lines_of, short_enough

OwnSpan = tuple[str, int, int, str, str]
"""Name, start, end, codes and letters (`coded_text.own_of`); what the page's script colours the text by."""

Changes = list[tuple[str, Attribution, Mapping[str, Any]]]


class SpanTrace(NamedTuple):
    """A trace in which spans are drawn, blind. ``name``: `blind_id`; ``units`` help the reader: steps, and what spans snap to."""

    number: int
    name: str
    trace: Trace
    units: Sequence[Unit]
    practice: bool


class SpanPlace:
    """``tasks``: the units of whole traces, in the order in which they are read; traces are numbered from 1."""

    def __init__(
        self, tasks: Sequence[CodingTask], units: Mapping[str, Sequence[Unit]], log: CodingLog
    ) -> None:
        self.log = log
        self._turn = Lock()
        """What a form changes is said of what was there: of two windows one waits for the other."""
        traces = {task.trace.id: task for task in tasks}
        self.spots = [
            SpanTrace(number, blind_id(trace_id), task.trace, units[trace_id], task.practice)
            for number, (trace_id, task) in enumerate(traces.items(), 1)
        ]
        self._numbers = {spot.name: spot.number for spot in self.spots}

    def spot(self, number: int) -> SpanTrace:
        """The trace of that number, or a page that says there is none."""
        if not 1 <= number <= len(self.spots):
            raise HTTPException(404, "There is no such trace.")
        return self.spots[number - 1]

    def spans(self, spot: SpanTrace) -> list[tuple[str, Entry]]:
        """Name and state of the spans that are drawn in it, in the order of the text."""
        found = [(name, entry) for name, entry in self.log.work.entries.items() if _in(entry) == spot.name]
        return sorted(found, key=_place)

    def comments(self, name: str) -> Sequence[LoggedChange]:
        """What the coder wrote about a span."""
        return self.log.work.comments.get(name, ())

    def over(self, spot: SpanTrace) -> bool:
        """Whether it is read to its end."""
        return self.log.entry(spot.name).read

    @property
    def done(self) -> int:
        """How many are."""
        return sum(map(self.over, self.spots))

    def next_open(self, number: int = 0) -> int | None:
        """The next that is not read behind ``number``, else the first of all; none if all are."""
        undone = [spot.number for spot in self.spots if not self.over(spot)]
        return next((n for n in undone if n > number), undone[0] if undone else None)

    def progress(self) -> Progress:
        """How many traces are read; practice apart from what counts."""
        return progress_of([(spot.practice, self.over(spot)) for spot in self.spots])

    def left(self) -> str:
        """How long the rest takes at the coder's own pace. A trace that is being read is gone through as far as its last span."""
        sizes = [len(spot.trace.reasoning) for spot in self.spots]
        ends: dict[str, int] = {}
        for entry in self.log.work.entries.values():
            if entry.span:
                ends[entry.span.document] = max(entry.span.end, ends.get(entry.span.document, 0))
        through = sum(
            size if self.over(spot) else ends.get(spot.name, 0)
            for spot, size in zip(self.spots, sizes, strict=True)
        )
        return reading_left(self.log.work, through, sum(sizes) - through)

    def traces(self) -> list[TraceProgress]:
        """The traces; how many spans of each have a code, and how many there are."""
        return [self._progress(spot) for spot in self.spots]

    def _progress(self, spot: SpanTrace) -> TraceProgress:
        spans = self.spans(spot)
        coded = sum(entry.done for _, entry in spans)
        return TraceProgress(spot.number, spot.number, coded, len(spans), spot.practice)

    def values(self, spot: SpanTrace, span: str) -> dict[str, Any]:
        """What the templates show of a trace and of one of its spans, if there is one of that name."""
        spans = self.spans(spot)
        entry = dict(spans).get(span)
        step = self.log.undoable
        return {
            "number": spot.number,
            "total": len(self.spots),
            "progress": self.progress(),
            "left": self.left(),
            "practice": spot.practice,
            "read": self.over(spot),
            "open": sum(not one.done for _, one in spans),
            "span": span if entry else "",
            "entry": entry or EMPTY,
            "own": [self._own(name, one) for name, one in spans],
            "comments": self.comments(span) if entry else (),
            "question": spot.trace.question,
            "lang": spot.trace.lang,
            "text": spot.trace.reasoning,
            "cuts": [unit.start for unit in spot.units],
            "undo": step.n if step else None,
        }

    def _own(self, name: str, entry: Entry) -> OwnSpan:
        _, codes, letters = own_of(0, entry, self.comments(name))
        start, end = entry.span.place if entry.span else (0, 0)
        return name, start, end, codes, letters

    def act(self, number: int, said: Mapping[str, Any], who: str = "") -> tuple[int | None, str]:
        """Do what ``who``'s form says; the trace to show next (none when all are read) and its span. Saved when it returns."""
        with self._turn:
            return self._act(number, said, who)

    def _act(self, number: int, said: Mapping[str, Any], who: str) -> tuple[int | None, str]:
        spot, span = self.spot(number), str(said.get("span", ""))
        verb, _, what = str(said.get("do", "")).partition(" ")
        if verb == "undo":
            return self._undo(int(what) if what.isdecimal() and len(what) < 10 else 0, number, span)
        there = dict(self.spans(spot))
        memo = changed_memo(said, there[span].memo) if span in there else {}
        if verb == "comment" and span in there:
            self.log.comment(span, who, short_enough(lines_of(said.get("comment", "")), "comment"))
            verb = "memo"
        if verb == "next":
            self._change([(span, memo)] if memo else [], [(spot.name, {"read": True})])
            return self.next_open(number), ""
        if verb in EDITS:
            changes, shown = self._edited(spot, there, verb, what.split(), _quote(said))
            if memo and not any(name == span for name, _ in changes):
                changes = [*changes, (span, memo)]
            self._change(changes)
            return number, shown
        if span not in there:
            raise InputError("no span is chosen", "choose one, or choose words and draw one")
        self._change([(span, memo | self._updates(there[span], verb, what))])
        return number, span

    def _change(self, *changes: Sequence[tuple[str, Mapping[str, Any]]]) -> None:
        self.log.change_all([(name, NO_NOTE, more) for some in changes for name, more in some if more])

    def _undo(self, n: int, number: int, span: str) -> tuple[int, str]:
        step = self.log.undoable
        was = self.log.entry(step.unit_id) if step else EMPTY
        name = self.log.undo(n)
        if name is None:
            return number, span
        entry = self.log.entry(name)
        place = self._numbers.get(_in(entry) or _in(was) or name, number)
        return place, name if entry.span else ""

    def _updates(self, entry: Entry, verb: str, what: str) -> dict[str, Any]:
        if verb in ("first", "second", "drop"):
            return decided(codes_after(self.log.book, entry.codes or (), verb, what))
        if verb == "clear":
            return {"codes": None}
        if verb in ("flag", "unflag"):
            return {"flag": verb == "flag"}
        if verb in ("", "memo"):
            return {}
        raise HTTPException(400, "The page asks for what is not known here.")

    def _edited(
        self, spot: SpanTrace, there: Spans, verb: str, words: Sequence[str], quote: str | None
    ) -> Edited:
        """What becomes of which span where one is drawn, moved or taken away, and the span to be shown."""
        name, other = (*words, "", "")[:2]
        if verb == "draw":
            return self._draw(there, draw_span(spot.trace, *_ends(words[:2]), quote), words[2:])
        if verb == "remove":
            return [(name, _GONE)] if name in there else [], ""
        entry, (start, end) = _there(there, name)
        if verb == "trim":
            return [(name, {"span": draw_span(spot.trace, *_ends(words[1:]), quote)})], name
        if verb == "split":
            return self._split(spot, name, entry, (start, _offset(other), end))
        if name == other:
            raise InputError("a span is merged with another one", "choose another one")
        return self._merge(spot, (name, entry), (other, _there(there, other)[0]))

    def _draw(self, there: Spans, made: DrawnSpan, code: Sequence[str]) -> Edited:
        """Said twice, it is drawn once."""
        codes = decided((code[0],)) if code else {}
        if name := next((name for name, entry in there.items() if entry.span == made), ""):
            return [(name, codes)], name
        name = self._name(made)
        return [(name, {"span": made} | codes)], name

    def _split(self, spot: SpanTrace, name: str, entry: Entry, at: tuple[int, int, int]) -> Edited:
        """Both parts keep the codes; memo and comments stay with the first."""
        start, middle, end = at
        if not start < middle < end:
            raise InputError("a span is split within it", "choose the word with which its second part begins")
        first, second = draw_span(spot.trace, start, middle), draw_span(spot.trace, middle, end)
        new = {"span": second, "codes": entry.codes}
        return [(name, {"span": first}), (self._name(second), new)], name

    def _merge(self, spot: SpanTrace, one: tuple[str, Entry], other: tuple[str, Entry]) -> Edited:
        """The first keeps its codes, or takes the other's where it has none; memos are joined, and what lies between comes along."""
        (name, a), (gone, b) = one, other
        ends = [place for entry in (a, b) if entry.span for place in entry.span.place]
        memo = short_enough("\n".join(filter(None, (a.memo, b.memo))), "memo")
        kept = {
            "span": draw_span(spot.trace, min(ends), max(ends)),
            "codes": b.codes if a.codes is None else a.codes,
            "memo": memo,
            "flag": a.flag or b.flag,
        }
        return [(gone, _GONE), (name, kept)], name

    def _name(self, span: DrawnSpan) -> str:
        """A name that no span of this log has had: ``s`` and 16 hex digits."""
        key = f"{span.document}\0{span.start}\0{span.end}\0{self.log.work.n}"
        return "s" + blake2b(key.encode(), digest_size=8).hexdigest()


Spans = Mapping[str, Entry]
Edited = tuple[list[tuple[str, Mapping[str, Any]]], str]

_GONE = EMPTY.model_dump()
EDITS = ("draw", "trim", "split", "merge", "remove")


def _in(entry: Entry) -> str | None:
    return entry.span.document if entry.span else None


def _place(named: tuple[str, Entry]) -> tuple[int, int]:
    span = named[1].span
    return span.place if span else (0, 0)


def _there(there: Spans, name: str) -> tuple[Entry, tuple[int, int]]:
    """The span of that name. Raises `InputError` where it is gone, as after an undo in another window."""
    entry = there.get(name)
    if entry is None or entry.span is None:
        raise InputError("this span is not there any more", "load the page again")
    return entry, entry.span.place


def _quote(said: Mapping[str, Any]) -> str | None:
    """The text of the span as the page has it, where the page says it."""
    quote = said.get("quote")
    return quote if isinstance(quote, str) and quote else None


def _ends(words: Sequence[str]) -> tuple[int, int]:
    start, end = (*words, "", "")[:2]
    return _offset(start), _offset(end)


def _offset(word: str) -> int:
    """Raises 400 where it is none."""
    if not (word.isascii() and word.isdigit() and len(word) < 10):
        raise HTTPException(400, "The page asks for what is not known here.")
    return int(word)
