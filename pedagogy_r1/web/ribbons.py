"""A trace at a glance: a bar of each coder's codes, unit by unit; a map of the text, down the page; and what the colours are.

    <svg class="strip" viewBox="0 0 4 1" role="img" aria-label="A: KA-RO 3, IA-SQ 1"><path class="c1" d="M0 .5h3"/>…
    [CodeCount("KA-RO", {0: 3, 1: 2}), CodeCount("IA-SQ", {0: 1})]        of the columns 0 and 1

Primary codes only; what is missing is a gap. Whose bar it is stands beside it.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import NamedTuple

from markupsafe import Markup

from ..codebook import Codebook
from ..runs.run import primary_code
from .escape import code_class
from .index import CoderColumn, Index, TraceRow
from .trace_view import SchemeUnits

NEARLY = 0.9


class Ribbon(NamedTuple):
    """One coder's bar. ``column``: its number."""

    column: int
    who: CoderColumn
    drawn: Markup


class CodeCount(NamedTuple):
    """How often a code is somebody's primary code, by column; columns that never have it are left out."""

    code: str
    counts: Mapping[int, int]


def lead(coded: Mapping[int, int], columns: Sequence[CoderColumn]) -> int | None:
    """Whose codes colour a trace, given how many units each column coded: none if nobody coded any.

    Of those who coded nearly as much as the one who coded most, the first person; a machine where there is none.
    """
    most = max(coded.values(), default=0)
    fit = [column for column, count in coded.items() if count and count >= NEARLY * most]
    return min(fit, key=lambda column: (columns[column].kind != "human", column), default=None)


def primaries(
    said: Iterable[array[int]], column: int, sets: Sequence[tuple[str, ...] | None]
) -> list[str | None]:
    """A column's primary codes, unit by unit; none where there is no coding."""
    return [primary_code(sets[cells[column]]) for cells in said]


def strip(primary: Sequence[str | None], book: Codebook, who: str) -> Markup:
    """The bar of one coder's primary codes, every unit as wide as any other."""
    at, drawn = 0, []
    for code, run in groupby(primary):
        width = len(list(run))
        if code is not None:
            drawn.append((code, f"M{at} .5h{width}"))
        at += width
    counts = Counter(code for code in primary if code is not None)
    label = f"{who}: " + (", ".join(f"{code} {n}" for code, n in counts.most_common()) or "no code")
    return Markup(
        '<svg class="strip" viewBox="0 0 {} 1" preserveAspectRatio="none" role="img" aria-label="{}">{}</svg>'
    ).format(max(1, at), label, _paths(drawn, book))


def text_map(part: SchemeUnits, column: int, length: int, book: Codebook, who: str) -> Markup:
    """One coder's primary codes down the text, every unit as high as it is long; a mark beside those on which coders differ."""
    drawn, differ = [], []
    for unit in part.units:
        coding = unit.codings.get(column)
        code = primary_code(None if coding is None or coding["codes"] is None else tuple(coding["codes"]))
        if code is not None:
            drawn.append((code, f"M.4 {unit.start}v{unit.end - unit.start}"))
        if unit.differ:
            differ.append(f"M.9 {unit.start}v{unit.end - unit.start}")
    marks = Markup('<path class="differ" d="{}"/>').format("".join(differ)) if differ else Markup()
    label = f"The text from top to bottom, in the colours of {who}’s codes"
    return Markup(
        '<svg class="strip" viewBox="0 0 1 {}" preserveAspectRatio="none" role="img" aria-label="{}">{}{}</svg>'
    ).format(max(1, length), label, _paths(drawn, book), marks)


def ribbons(index: Index, row: TraceRow, part: SchemeUnits, book: Codebook) -> list[Ribbon]:
    """A bar for each of the part's coders."""
    said = _said(index, row, part)
    return [
        Ribbon(i, (who := index.columns[i]), strip(primaries(said, i, index.sets), book, who.label))
        for i in part.columns
    ]


def legend(index: Index, row: TraceRow, part: SchemeUnits, book: Codebook) -> list[CodeCount]:
    """The codes that the part's bars show, in the codebook's order, *none* and codes that it does not have behind them."""
    said = _said(index, row, part)
    counts = {i: Counter(primaries(said, i, index.sets)) for i in part.columns}
    there = {code for count in counts.values() for code in count if code is not None}
    order = [code for code in book.code_ids if code in there]
    return [
        CodeCount(code, {i: count[code] for i, count in counts.items() if count[code]})
        for code in (*order, *sorted(there - set(order)))
    ]


def _said(index: Index, row: TraceRow, part: SchemeUnits) -> list[array[int]]:
    return index.said(row)[part.units[0].place : part.units[-1].place + 1]


def _paths(drawn: Iterable[tuple[str, str]], book: Codebook) -> Markup:
    """Stretches, each with its code: one path a code."""
    paths: dict[str, list[str]] = {}
    for code, stretch in drawn:
        paths.setdefault(code, []).append(stretch)
    return Markup().join(
        Markup('<path class="{}" d="{}"/>').format(code_class(book, code), "".join(parts))
        for code, parts in paths.items()
    )
