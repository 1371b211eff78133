"""Where the rows of a codings file lie in the traces: by offsets and quote, or by the id of a unit.

trace_id=aime-3 start=512 end=547 quote="Wait, …"   → (aime-3, 512, 547)     re-anchored, `anchor.py`
unit_id=u4be1…                                      → (aime-3, 512, 547)     under the scheme whose units have such ids
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from ..errors import InputError, did_you_mean
from ..files.spreadsheet import restore
from ..intake import read_traces
from ..trace import Trace
from ..unit import SCHEMES, Unit, Unitizer
from .anchor import Anchored, Anchorer, Refused, fold
from .importers import RawCoding
from .parse_cells import Placed, Problem

_OFFSET = re.compile(r"\d{1,15}(\.0+)?")


class Entry(NamedTuple):
    """A raw coding and its file."""

    file: str
    raw: RawCoding

    @property
    def where(self) -> str:
        """``file:row``."""
        return f"{self.file}:{self.raw.row}"

    def problem(self, why: str) -> Problem:
        """Why this row cannot be taken."""
        return Problem(self.file, self.raw.row, why, self.raw.coder)


@dataclass
class Placing:
    """Rows with a place, rows without, by what cause which ones moved, and how many traces there are.

    ``outside`` are spans that lie in the answer, or are a think tag: rightly quoted, but no part of the reasoning.
    """

    placed: list[Placed] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    moved: dict[str, list[str]] = field(default_factory=dict)
    outside: list[str] = field(default_factory=list)
    traces: int = 0

    def put(self, entry: Entry, trace_id: str, start: int, end: int) -> None:
        """The row has a place."""
        self.placed.append(Placed(entry.file, entry.raw, trace_id, start, end))


def place_spans(
    entries: Iterable[Entry], traces: Path, unitizer: Unitizer | None = None, *, strict: bool = True
) -> Placing:
    """Anchor spans. With a ``unitizer`` each must be exactly one of its units; if not ``strict``, it need not."""
    placing = Placing()
    by_trace: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        by_trace[entry.raw.trace_id].append(entry)
    ids = []
    for trace in read_traces(traces):
        ids.append(trace.id)
        if trace.id in by_trace:
            _place_in(trace, by_trace.pop(trace.id), unitizer, placing, strict)
    placing.traces = len(ids)
    for trace_id, homeless in by_trace.items():
        why = (
            f"{traces} has no trace {trace_id!r}; {did_you_mean(trace_id, ids[:2000])[:200]}"
            if trace_id
            else "no trace_id"
        )
        placing.problems += [entry.problem(why) for entry in homeless]
    return placing


def _place_in(
    trace: Trace, entries: list[Entry], unitizer: Unitizer | None, placing: Placing, strict: bool
) -> None:
    anchorer = Anchorer(trace.reasoning)
    units = {(unit.start, unit.end) for unit in unitizer(trace)} if unitizer else None
    answer = fold(trace.answer)
    for entry in entries:
        found = _anchor(anchorer, entry.raw)
        exact = isinstance(found, Anchored) and not found.cause
        if not exact and _is_outside(entry.raw, len(trace.reasoning), answer):
            placing.outside.append(entry.where)
            continue
        if isinstance(found, Refused):
            placing.problems.append(entry.problem(found.why))
            continue
        span = (found.start, found.end)
        if units is not None and span not in units:
            span = _trimmed(trace.reasoning, *span)
            if strict and unitizer and span not in units:
                why = f"no unit of {unitizer.scheme} lies exactly at {found.start}–{found.end}; --project takes the largest overlap"
                placing.problems.append(entry.problem(why))
                continue
        if found.cause:
            placing.moved.setdefault(found.cause, []).append(entry.where)
        placing.put(entry, trace.id, *span)


def _is_outside(raw: RawCoding, length: int, answer: str) -> bool:
    """Whether the span was made on the whole response, and lies behind the reasoning."""
    quote = fold(raw.quote or "")
    if quote in ("<think>", "</think>"):
        return True
    behind = (
        raw.start is not None
        and _OFFSET.fullmatch(raw.start) is not None
        and int(raw.start.partition(".")[0]) >= length
    )
    return behind and quote != "" and quote in answer


def _anchor(anchorer: Anchorer, raw: RawCoding) -> Anchored | Refused:
    offsets: list[int | None] = []
    for name, text in (("start", raw.start), ("end", raw.end)):
        if text is not None and not _OFFSET.fullmatch(text):
            return Refused(f"{name} {text[:40]!r} is no offset (a whole number, 0 or more)")
        offsets.append(None if text is None else int(text.partition(".")[0]))
    quote = raw.quote or ""
    found = anchorer.anchor(offsets[0], offsets[1], quote)
    if isinstance(found, Refused) and restore(quote) != quote:
        found = anchorer.anchor(offsets[0], offsets[1], restore(quote))
    if isinstance(found, Refused) and offsets[0] is not None and (cut := _without_tags(quote)) != quote:
        found = anchorer.anchor(offsets[0], offsets[0] + len(cut), cut)
        if isinstance(found, Anchored):
            found = found._replace(cause="the span took in a think tag, which was cut off")
    return (
        found._replace(why=f"{found.why}: {_short(quote)}") if isinstance(found, Refused) and quote else found
    )


def _without_tags(quote: str) -> str:
    """The quote less a think tag at its beginning or end, as spans made on a whole response may have."""
    begins, ends = quote.lstrip().startswith("<think>"), quote.rstrip().endswith("</think>")
    quote = quote.lstrip().removeprefix("<think>") if begins else quote
    return quote.rstrip().removesuffix("</think>") if ends else quote


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    inside = text[start:end]
    return start + len(inside) - len(inside.lstrip()), end - len(inside) + len(inside.rstrip())


def place_units(entries: Iterable[Entry], traces: Path, unitizer: Unitizer) -> Placing:
    """Find units by id; a quote, where the file gives one, must be the unit's text."""
    placing = Placing()
    wanted: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        wanted[entry.raw.unit_id].append(entry)
    for trace in read_traces(traces):
        placing.traces += 1
        for unit in unitizer(trace) if wanted else ():
            for entry in wanted.pop(unit.id, ()):
                if _drifted(unit, entry.raw):
                    why = f"the text drifted: the unit is {_short(unit.text)}, the row has {_short(entry.raw.quote or '')}"
                    placing.problems.append(entry.problem(why))
                else:
                    placing.put(entry, trace.id, unit.start, unit.end)
    for unit_id, homeless in wanted.items():
        why = f"{unit_id!r} is no unit of {traces} under {unitizer.scheme}" if unit_id else "no unit_id"
        placing.problems += [entry.problem(why) for entry in homeless]
    return placing


def find_scheme(entries: Iterable[Entry], traces: Path, first: Iterable[str], lang: str | None) -> str:
    """The scheme whose units have the ids of the file; ``first`` are tried first."""
    wanted = {entry.raw.unit_id for entry in entries}
    schemes = [scheme for scheme in dict.fromkeys([*first, *SCHEMES]) if scheme in SCHEMES]
    for trace in read_traces(traces):
        for scheme in schemes:
            if any(unit.id in wanted for unit in Unitizer(scheme, lang)(trace)):
                return scheme
    raise InputError(
        f"none of the {len(wanted)} unit_ids is a unit of {traces} under {', '.join(schemes)}",
        "give the traces file the units were made from, or with --units RUN the run they come from",
    )


def _drifted(unit: Unit, raw: RawCoding) -> bool:
    if raw.quote is None:
        return False
    text = fold(unit.text)
    return fold(raw.quote) != text and fold(restore(raw.quote)) != text


def _short(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:59] + "…")
