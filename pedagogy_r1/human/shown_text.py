"""The texts that coders read in programs for whole texts, and the way back from a place in such a text.

    ===== t90c2…: code from here on =====           a trace: everything behind the line is its reasoning
    Okay, so the pupil … Wait, is it?

    ===== 7: u4be1… (12) =====                       a unit drawn by itself, with its context: the 12 characters behind
    [question] … [reasoning] … >>>>> Wait, is it? <<<<< No …      the first ">>>>> " are the unit

The lines survive whatever a program does to names, GUIDs and the rest of a project. Line ends are ``\\n`` alone, and
what XML cannot hold is U+FFFD, so that all programs count alike; the anchoring of quotes undoes both.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ..files.archive import Allowance, legal
from ..files.records import BadRow
from ..unit.sentence import trimmed
from .packet import CodingTask, Packet, blind_id
from .raw_coding import RawCoding

TOGETHER = 100
"""Units drawn by themselves that share one text."""

HALF = 0.5
"""Of the shorter one of span and unit: from there on the span is of the unit."""

_OPEN, _CLOSE = ">>>>> ", " <<<<<"
_LINE = re.compile(
    r"^===== (?:(?P<trace>t[0-9a-f]{16}): code from here on|\d+: (?P<unit>u[0-9a-f]{20}) \((?P<length>\d{1,7})\)) =====$",
    re.MULTILINE,
)


class CodablePlace(NamedTuple):
    """Where codings may lie in a shown text: the reasoning of ``trace``, or the unit ``unit_id``; the other is empty."""

    start: int
    end: int
    trace: str = ""
    unit_id: str = ""


class ShownText(NamedTuple):
    """One text, with the units to be coded in it, in order."""

    name: str
    text: str
    marks: tuple[CodablePlace, ...]


def shown_texts(packet: Packet, coder: str) -> Iterator[ShownText]:
    """What ``coder`` reads: a text a trace, or, where units were drawn one by one, a text for `TOGETHER` of them."""
    tasks = list(packet.tasks(coder))
    if not packet.manifest.whole_traces:
        for number, first in enumerate(range(0, len(tasks), TOGETHER), 1):
            some = tasks[first : first + TOGETHER]
            yield _units(f"{number:03d} units {some[0].number}-{some[-1].number}", some)
        return
    by_trace: dict[str, list[CodingTask]] = {}
    for task in tasks:
        by_trace.setdefault(task.trace.id, []).append(task)
    for number, mine in enumerate(by_trace.values(), 1):
        yield _trace(number, mine)


def plain(text: str) -> str:
    """The text with ``\\n`` for every line end, and legal in XML."""
    return legal(text.replace("\r\n", "\n").replace("\r", "\n"))


def codable_places(text: str) -> list[CodablePlace]:
    """Read the lines of a shown text; none are found in another program's own text."""
    found: list[CodablePlace] = []
    line = _LINE.search(text)
    while line is not None:
        start = line.end() + 1
        if line["trace"]:
            # The first such line opens the reasoning, whatever stands in it.
            return [*found, CodablePlace(start, len(text), trace=line["trace"])]
        start = text.find(_OPEN, start)
        if start < 0:
            break
        start += len(_OPEN)
        end = min(len(text), start + int(line["length"]))
        found.append(CodablePlace(start, end, unit_id=line["unit"]))
        line = _LINE.search(text, end)
    return found


def share(start: int, end: int, mark_start: int, mark_end: int) -> float:
    """How much of the shorter one of two spans the other covers."""
    shorter = min(end - start, mark_end - mark_start)
    return max(0, min(end, mark_end) - max(start, mark_start)) / shorter if shorter > 0 else 0.0


def _trace(number: int, tasks: list[CodingTask]) -> ShownText:
    trace = tasks[0].trace
    name = blind_id(trace.id)
    question = f"[question]\n{plain(trace.question)}\n\n" if trace.question else ""
    practice = "[for practice]\n\n" if all(task.practice for task in tasks) else ""
    head = f"{practice}{_defused(question)}===== {name}: code from here on =====\n"
    marks = []
    for unit in sorted((task.unit for task in tasks), key=lambda unit: unit.start):
        start, end = (len(head) + at - trace.reasoning.count("\r\n", 0, at) for at in (unit.start, unit.end))
        marks.append(CodablePlace(start, end, unit_id=unit.id))
    return ShownText(f"{number:03d} {name}", head + plain(trace.reasoning), tuple(marks))


def _units(name: str, tasks: Sequence[CodingTask]) -> ShownText:
    text, marks = "", []
    for task in tasks:
        unit = plain(task.unit.text)
        question = f"[question]\n{task.trace.question}\n\n" if task.trace.question else ""
        practice = "[for practice]\n" if task.practice else ""
        before = f"{task.before_text}\n\n" if task.before else ""
        context = _defused(plain(f"{practice}{question}[reasoning]\n{before}"), _OPEN)
        text += f"===== {task.number}: {task.unit.id} ({len(unit)}) =====\n{context}{_OPEN}"
        marks.append(CodablePlace(len(text), len(text) + len(unit), unit_id=task.unit.id))
        text += f"{unit}{_CLOSE}\n\n{_defused(plain(task.after_text))}\n\n\n"
    return ShownText(name, text, tuple(marks))


def _defused(text: str, *signs: str) -> str:
    """Context in which nothing looks like our own lines and signs."""
    text = _LINE.sub(lambda found: found[0].replace("=====", "=== =="), text)
    for sign in signs:
        text = text.replace(sign, sign.replace(">>>>>", ">>>> >"))
    return text


class MarkedSpan(NamedTuple):
    """A coding, or a unit's mark, in a text: half-open code points; ``code`` is ``None`` if the project does not define it."""

    start: int
    end: int
    coder: str
    code: str | None
    memo: str = ""
    moved: str = ""
    """Why it does not lie where the file's own offsets are."""


class CodedText:
    """One text that came back, its units and their marks: which units each span is of.

        marks  |---- u1 ----||------ u2 ------||- u3 -|
        span      |--- IA-SQ ---|                          u1: most of the span; u2: less than half of it, not coded
        span   |----------- KA-RO ------------|            u1 and u2: covered

    In a text that is nobody's packet a span is a row as it is.
    """

    def __init__(self, name: str, text: str, marks: Sequence[MarkedSpan], allowance: Allowance) -> None:
        self.name, self.text, self._allowance = name, text, allowance
        known = codable_places(text)
        self._by_unit = bool(known and known[0].unit_id)
        self._codable = known[0] if known else CodablePlace(0, len(text), trace=name)
        self._marks = marks
        self._memos: dict[tuple[int, int], list[str]] = {}
        for mark in marks:
            self._memos.setdefault((mark.start, mark.end), []).append(mark.memo)
        self._units = {(one.start, one.end): one.unit_id for one in known} if self._by_unit else {}
        self._places = sorted(self._units or self._memos)
        self._longest = max((end - start for start, end in self._places), default=0)

    def rows(self, spans: Sequence[MarkedSpan]) -> Iterator[RawCoding | BadRow]:
        """The rows of spans in the order of coding, then of units that were given a memo and no code."""
        found: dict[tuple[int, int, str, str | None], RawCoding] = {}
        for span in spans:
            if span.code is None:
                yield self._bad(span, "has a code that the project does not define")
                continue
            for place in self._places_of(span):
                if isinstance(place, BadRow):
                    yield place
                    continue
                # Two spans in one unit, or one made twice, with the same code: said once.
                key = (*place, span.coder, span.code)
                first = found[key].memo if key in found else None
                found[key] = self._row(span, place, first)
        coded = {key[:2] for key in found}
        yield from found.values()
        for mark in self._marks:
            if mark.memo and (mark.start, mark.end) not in coded:
                place = next(iter(self._places_of(mark)))
                yield place if isinstance(place, BadRow) else self._row(mark._replace(code=None), place, None)

    def _places_of(self, span: MarkedSpan) -> Iterator[tuple[int, int] | BadRow]:
        """The places of the units that a span is of, or its own."""
        least = 1e-9 if self._by_unit else HALF
        near = self._near(span.start, span.end)
        places = [place for place in near if share(span.start, span.end, *place) >= least]
        if not places and self._by_unit:
            yield self._bad(span, "lies in no unit")
        elif not places:
            places = [trimmed(self.text, span.start, span.end)]
        for place in places:
            if place[0] < self._codable.start and not self._by_unit:
                yield self._bad(span, "lies in the question")
            else:
                self._allowance.spend(place[1] - place[0])
                yield place

    def _near(self, start: int, end: int) -> list[tuple[int, int]]:
        first = bisect_left(self._places, (start - self._longest, 0))
        return self._places[first : bisect_left(self._places, (end, 0))]

    def _row(self, span: MarkedSpan, place: tuple[int, int], before: str | None) -> RawCoding:
        """A row on a place, with what was noted on the span and on the unit's mark."""
        start, end = place
        notes = [note for note in (before, span.memo, *self._memos.get(place, ())) if note]
        memo = "\n".join(dict.fromkeys(notes)) or None
        raw = RawCoding(0, span.coder, span.code, quote=self.text[start:end], memo=memo, moved=span.moved)
        if self._by_unit:
            return raw._replace(unit_id=self._units[place])
        start, end = start - self._codable.start, end - self._codable.start
        return raw._replace(trace_id=self._codable.trace, start=str(start), end=str(end))

    def _bad(self, span: MarkedSpan, why: str) -> BadRow:
        return BadRow(0, f"{self.name}: {self.text[span.start : span.end][:60]!r} {why}", "")
