"""From spans in a shown text to rows: the units that a span is of.

    marks  |---- u1 ----||------ u2 ------||- u3 -|
    span      |--- IA-SQ ---|                          u1: most of the span; u2: less than half of it, not coded
    span   |----------- KA-RO ------------|            u1 and u2: covered

In a text that is nobody's packet a span is a row as it is.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ...files.archive import Allowance
from ...files.records import BadRow
from ..shown_text import Stretch, share, stretches
from . import RawCoding

HALF = 0.5
"""Of the shorter one of span and unit: from there on the span is of the unit."""


class Span(NamedTuple):
    """A coding, or a unit's mark, in a text: half-open code points; ``code`` is ``None`` if the project does not define it."""

    start: int
    end: int
    coder: str
    code: str | None
    memo: str = ""


class Landing:
    """One text, its units and their marks."""

    def __init__(self, name: str, text: str, marks: Sequence[Span], allowance: Allowance) -> None:
        self.name, self.text, self._allowance = name, text, allowance
        known = stretches(text)
        self._by_unit = bool(known and known[0].unit_id)
        self._stretch = known[0] if known else Stretch(0, len(text), trace=name)
        self._marks = marks
        self._memos: dict[tuple[int, int], list[str]] = {}
        for mark in marks:
            self._memos.setdefault((mark.start, mark.end), []).append(mark.memo)
        self._units = {(one.start, one.end): one.unit_id for one in known} if self._by_unit else {}
        self._places = sorted(self._units or self._memos)
        self._longest = max((end - start for start, end in self._places), default=0)

    def rows(self, spans: Sequence[Span]) -> Iterator[RawCoding | BadRow]:
        """The rows of spans in the order of coding, then of units that were given a memo and no code."""
        found: dict[tuple[int, int, str, str | None], RawCoding] = {}
        for span in spans:
            if span.code is None:
                yield self._bad(span, "has a code that the project does not define")
                continue
            for place in self._land(span):
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
                place = next(iter(self._land(mark)))
                yield place if isinstance(place, BadRow) else self._row(mark._replace(code=None), place, None)

    def _land(self, span: Span) -> Iterator[tuple[int, int] | BadRow]:
        """The places of the units that a span is of, or its own."""
        least = 1e-9 if self._by_unit else HALF
        near = self._near(span.start, span.end)
        places = [place for place in near if share(span.start, span.end, *place) >= least]
        if not places and self._by_unit:
            yield self._bad(span, "lies in no unit")
        elif not places:
            places = [self._trimmed(span.start, span.end)]
        for place in places:
            if place[0] < self._stretch.start and not self._by_unit:
                yield self._bad(span, "lies in the question")
            else:
                self._allowance.spend(place[1] - place[0])
                yield place

    def _near(self, start: int, end: int) -> list[tuple[int, int]]:
        first = bisect_left(self._places, (start - self._longest, 0))
        return self._places[first : bisect_left(self._places, (end, 0))]

    def _row(self, span: Span, place: tuple[int, int], before: str | None) -> RawCoding:
        """A row on a place, with what was noted on the span and on the unit's mark."""
        start, end = place
        notes = [note for note in (before, span.memo, *self._memos.get(place, ())) if note]
        memo = "\n".join(dict.fromkeys(notes)) or None
        raw = RawCoding(0, span.coder, span.code, quote=self.text[start:end], memo=memo)
        if self._by_unit:
            return raw._replace(unit_id=self._units[place])
        start, end = start - self._stretch.start, end - self._stretch.start
        return raw._replace(trace_id=self._stretch.trace, start=str(start), end=str(end))

    def _trimmed(self, start: int, end: int) -> tuple[int, int]:
        inside = self.text[start:end]
        return start + len(inside) - len(inside.lstrip()), end - len(inside) + len(inside.rstrip())

    def _bad(self, span: Span, why: str) -> BadRow:
        return BadRow(0, f"{self.name}: {self.text[span.start : span.end][:60]!r} {why}", "")
