"""Where the rows of a codings file lie in the traces: by offsets and quote, or by the id of a unit.

trace_id=aime-3 start=512 end=547 quote="Wait, …"   → (aime-3, 512, 547)     re-anchored, `anchor.py`
unit_id=u4be1…                                      → (aime-3, 512, 547)     under the scheme whose units have such ids

Rows that have no place become problems of the report; spans that lie in the answer, or are a think tag, are counted apart:
they are rightly quoted, but no part of the reasoning.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from ..errors import InputError, did_you_mean
from ..files.spreadsheet import restore
from ..intake import read_traces
from ..trace import Trace, Unit
from ..unit.sentence import Span, trimmed
from ..unit.unitizer import SCHEMES, Unitizer
from .anchor import Anchored, Anchorer, Refused, fold
from .raw_coding import RawCoding
from .read_codings import CodingsReport

_OFFSET = re.compile(r"\d{1,15}(\.0+)?")


def place_spans(
    rows: Iterable[RawCoding],
    traces: Path,
    report: CodingsReport,
    unitizer: Unitizer | None = None,
    *,
    strict: bool = True,
) -> list[RawCoding]:
    """Anchor spans. With a ``unitizer`` each must be exactly one of its units; if not ``strict``, it need not."""
    placed: list[RawCoding] = []
    by_trace: dict[str, list[RawCoding]] = defaultdict(list)
    for raw in rows:
        by_trace[raw.trace_id].append(raw)
    ids = []
    for trace in read_traces(traces):
        ids.append(trace.id)
        if trace.id in by_trace:
            placed += _place_in(trace, by_trace.pop(trace.id), unitizer, report, strict)
    report.traces_left_out = len(ids)
    for trace_id, homeless in by_trace.items():
        near = did_you_mean(trace_id, ids[:2000])[:200]
        why = f"{traces} has no trace {trace_id!r}; {near}" if trace_id else "no trace_id"
        report.problems += [raw.problem(why) for raw in homeless]
    return placed


def _place_in(
    trace: Trace, rows: list[RawCoding], unitizer: Unitizer | None, report: CodingsReport, strict: bool
) -> list[RawCoding]:
    anchorer = Anchorer(trace.reasoning)
    units = {(unit.start, unit.end) for unit in unitizer(trace)} if unitizer else None
    answer = fold(trace.answer)
    placed = []
    for raw in rows:
        found = _anchor(anchorer, raw)
        moved = isinstance(found, Refused) or bool(found.cause)
        if moved and _is_outside(raw, len(trace.reasoning), answer):
            report.outside += 1
            report.places.setdefault("outside", []).append(raw.where)
        elif isinstance(found, Refused):
            report.problems.append(raw.problem(found.why))
        elif (span := _fitted(found, trace.reasoning, units, strict)) is None:
            scheme = unitizer.scheme if unitizer else ""
            why = f"no unit of {scheme} lies exactly at {found.start}–{found.end}; --project takes the largest overlap"
            report.problems.append(raw.problem(why))
        else:
            if found.cause:
                report.add(found.cause, [raw.where], report.moved)
            placed.append(raw._replace(place=(trace.id, *span)))
    return placed


def _fitted(found: Anchored, text: str, units: set[Span] | None, strict: bool) -> Span | None:
    """The span, without white space around it if that is no unit; ``None`` if it has to be one and is none."""
    span = (found.start, found.end)
    if units is None or span in units:
        return span
    span = trimmed(text, *span)
    return span if span in units or not strict else None


def _is_outside(raw: RawCoding, length: int, answer: str) -> bool:
    """Whether the span was made on the whole response, and lies behind the reasoning."""
    quote = fold(raw.quote or "")
    if quote in ("<think>", "</think>"):
        return True
    start = raw.start or ""
    behind = _OFFSET.fullmatch(start) is not None and int(start.partition(".")[0]) >= length
    return behind and quote != "" and quote in answer


def _anchor(anchorer: Anchorer, raw: RawCoding) -> Anchored | Refused:
    if why := _no_offset(raw):
        return Refused(why)
    start, end = (None if text is None else int(text.partition(".")[0]) for text in (raw.start, raw.end))
    quote = raw.quote or ""
    found = anchorer.anchor(start, end, quote)
    if isinstance(found, Refused) and restore(quote) != quote:
        found = anchorer.anchor(start, end, restore(quote))
    cut = _without_tags(quote)
    if isinstance(found, Refused) and start is not None and cut != quote:
        found = anchorer.anchor(start, start + len(cut), cut)
        if isinstance(found, Anchored):
            return found._replace(cause="the span took in a think tag, which was cut off")
    return Refused(f"{found.why}: {_short(quote)}") if isinstance(found, Refused) and quote else found


def _no_offset(raw: RawCoding) -> str | None:
    for name, text in (("start", raw.start), ("end", raw.end)):
        if text is not None and not _OFFSET.fullmatch(text):
            return f"{name} {text[:40]!r} is no offset (a whole number, 0 or more)"
    return None


def _without_tags(quote: str) -> str:
    """The quote less a think tag at its beginning or end, as spans made on a whole response may have."""
    begins, ends = quote.lstrip().startswith("<think>"), quote.rstrip().endswith("</think>")
    quote = quote.lstrip().removeprefix("<think>") if begins else quote
    return quote.rstrip().removesuffix("</think>") if ends else quote


def place_units(
    rows: Iterable[RawCoding], traces: Path, report: CodingsReport, unitizer: Unitizer
) -> list[RawCoding]:
    """Find units by id; a quote, where the file gives one, must be the unit's text."""
    placed: list[RawCoding] = []
    wanted: dict[str, list[RawCoding]] = defaultdict(list)
    for raw in rows:
        wanted[raw.unit_id].append(raw)
    for trace in read_traces(traces):
        report.traces_left_out += 1
        for unit in unitizer(trace) if wanted else ():
            for raw in wanted.pop(unit.id, ()):
                if _drifted(unit, raw):
                    unit_has, row_has = where_they_part(fold(unit.text), fold(raw.quote or ""))
                    why = f"the text was changed: the unit has {unit_has}, the row {row_has}"
                    report.problems.append(raw.problem(why))
                else:
                    placed.append(raw._replace(place=(trace.id, unit.start, unit.end)))
    for unit_id, homeless in wanted.items():
        why = f"{unit_id!r} is no unit of {traces} under {unitizer.scheme}" if unit_id else "no unit_id"
        report.problems += [raw.problem(why) for raw in homeless]
    return placed


def find_scheme(rows: Sequence[RawCoding], traces: Path, first: Iterable[str], lang: str | None) -> str:
    """The scheme whose units have the ids of the file; ``first`` are tried first."""
    wanted = {raw.unit_id for raw in rows}
    schemes = [scheme for scheme in dict.fromkeys([*first, *SCHEMES]) if scheme in SCHEMES]
    for trace in read_traces(traces):
        for scheme in schemes:
            if any(unit.id in wanted for unit in Unitizer(scheme, lang)(trace)):
                return scheme
    raise InputError(
        f"{', '.join(dict.fromkeys(raw.file for raw in rows))}: none of the {len(wanted)} unit_ids is a unit of {traces} under {', '.join(schemes)}",
        "give the traces file the units were made from, or with --units RUN the run they come from",
    )


def _drifted(unit: Unit, raw: RawCoding) -> bool:
    if raw.quote is None:
        return False
    text = fold(unit.text)
    return fold(raw.quote) != text and fold(restore(raw.quote)) != text


def where_they_part(one: str, other: str) -> tuple[str, str]:
    """Both texts, shortened such that the first place where they differ is seen."""
    same = next(
        (at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
    )
    start = max(0, same - 20) if same > 40 else 0
    before = "…" if start else ""
    return _short(before + one[start:]), _short(before + other[start:])


def _short(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:59] + "…")
