"""Tables: CSV and the sheets of workbooks, found by their header, read strictly, so that no row is swallowed; CSV written.

    Interview study, wave 2           row 1   a title, not read
    unit_id,coder,code,memo           row 3   the header, as the caller knows it
    u4be1…,A,TR-SP,"never closed      row 4   → refused: a quote that opens in line 4 is not closed
    u90c2…,A,KA-RO,

This is the one place where the package writes CSV: no spreadsheet runs a cell of it. A line that Excel understands, ``sep=;``,
may stand before everything.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import IO, Any, NamedTuple

from ..errors import InputError
from .spreadsheet import Cells, Sheet, harmless, restore, sheets_of

_SEP = re.compile(r'"?sep=(.)"?[\r\n]*', re.IGNORECASE)
_DELIMITERS = ",;\t"


class Row(NamedTuple):
    """A record and the 1-based line (or spreadsheet row) it came from."""

    line: int
    data: dict[str, Any]
    nth: int | None = None
    """Its place in a JSON array, from 1: several elements may stand on one line."""
    sheet: str = ""
    """Of a workbook."""


class BadRow(NamedTuple):
    """A line that is no record: where, why, and its raw text so that nothing is lost."""

    line: int
    why: str
    raw: str
    sheet: str = ""


HEAD_ROWS = 30
"""Rows of a table that are looked through for its header; titles and notes may stand above it."""


@dataclass
class TableHead:
    """How a caller knows the header of its table (``None``: the first row is it), and what there is to say of the search."""

    known: Callable[[Sequence[str]], bool] | None = None
    needed: str = ""
    """Which columns make a header, for whoever gave none that is known."""
    notes: list[str] = field(default_factory=list)

    def place(self, rows: Sequence[tuple[int, Cells]]) -> int | None:
        """The first of these rows that is a header; ``None`` if none is known as one."""
        if self.known is None:
            return None
        return next((n for n, (_, cells) in enumerate(rows) if self.known(_names(cells))), None)


def read_csv(
    path: Path,
    delimiter: str | None,
    head: TableHead,
    opened: Callable[[Path], AbstractContextManager[IO[bytes]]],
) -> Iterator[Row | BadRow]:
    try:
        with opened(path) as raw, io.TextIOWrapper(raw, encoding="utf-8-sig", newline="") as file:
            yield from csv_rows(path, file, delimiter, head)
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path}: not UTF-8 (byte {error.start + 1})", "save the file as UTF-8; in Excel: 'CSV UTF-8'"
        ) from None


def csv_rows(
    path: Path, lines: Iterable[str], delimiter: str | None, head: TableHead | None = None
) -> Iterator[Row | BadRow]:
    """Rows of the lines of a table, the first of which (or that which ``head`` knows) names the columns; ``path`` is for messages."""
    head = head or TableHead()
    cells = csv_cells(path, lines, delimiter, head)
    yield from _table(path, Sheet("", cells), list(islice(cells, HEAD_ROWS)), head)


def read_workbook(path: Path, head: TableHead) -> Iterator[Row | BadRow]:
    """Rows of every visible sheet whose header ``head`` knows; of one without any, and if it knows none, of the only sheet that is not empty."""
    read, left = 0, []
    full: dict[str, list[str]] = {}
    for sheet in sheets_of(path):
        rows = iter(sheet.rows)
        sheet.rows, start = rows, [row for row in islice(rows, HEAD_ROWS) if any(row[1])]
        if not start:
            continue
        known = head.known is not None and head.place(start) is not None
        if sheet.hidden:
            left += [
                f"{sheet.name!r}, which is hidden" + (" and has a header that is known" if known else "")
            ]
        elif known:
            read += 1
            yield from _table(path, sheet, start, head)
        else:
            full[sheet.name] = [name for name in _names(start[0][1]) if name]
    if not read:
        yield from _only_sheet(path, full, left, head)
    elif full or left:
        head.notes.append(f"{path}: sheets not read: {', '.join([*map(repr, full), *left])}")


def _only_sheet(
    path: Path, full: dict[str, list[str]], left: list[str], head: TableHead
) -> Iterator[Row | BadRow]:
    if len(full) > 1 and head.needed:
        found = "; ".join(f"{name!r}: {', '.join(names[:8])}" for name, names in [*full.items()][:4])
        raise InputError(f"{path}: no sheet has a header that is known ({found})", head.needed)
    if len(full) != 1:
        found = ", ".join([*map(repr, full), *left])
        what = (
            f"which of its sheets is meant? ({found})"
            if full
            else f"no header row{found and f' (there is {found})'}"
        )
        raise InputError(f"{path}: {what}", "keep one sheet, visible, whose first row names the columns")
    if left:
        head.notes.append(f"{path}: sheets not read: {', '.join(left)}")
    for sheet in sheets_of(path):
        if sheet.name in full:
            rows = iter(sheet.rows)
            sheet.rows, start = rows, [row for row in islice(rows, HEAD_ROWS) if any(row[1])]
            yield from _table(path, sheet, start, head)


def _table(
    path: Path, sheet: Sheet, start: list[tuple[int, Cells]], head: TableHead
) -> Iterator[Row | BadRow]:
    """Rows of a sheet, of which ``start`` has been read already."""
    where = f"{path}[{sheet.name}]" if sheet.name else str(path)
    at = head.place(start) or 0
    line, cells = start[at] if start else (1, [])
    if at:
        head.notes.append(f"{where}: the header is row {line}; {at} rows above it are not read")
    names = _header(where, line, cells)
    columns = [n for n, name in enumerate(names, 1) if name]
    hidden = 0
    for line, cells in chain(start[at + 1 :], sheet.rows):
        if not any(cell and cell.strip() for cell in cells):
            continue
        hidden += line in sheet.hidden_rows
        if why := sheet.fault(line, columns):
            yield BadRow(line, why, json.dumps(cells, ensure_ascii=False), sheet.name)
        else:
            yield _table_row(line, names, cells, sheet.name)
    if hidden:
        head.notes.append(f"{where}: {hidden} hidden rows are read like the others")


def _header(where: str, line: int, cells: Cells) -> list[str]:
    names = _names(cells)
    if not any(names):
        raise InputError(f"{where}:{line}: no header row", "the first row names the columns")
    while names and not names[-1]:
        names.pop()
    twice = sorted({name for name in names if name and names.count(name) > 1})
    if twice:
        raise InputError(f"{where}:{line}: column {twice[0]!r} appears twice", "rename one of them")
    return names


def _names(cells: Cells) -> list[str]:
    """What a row calls the columns, if it is the header; an apostrophe that kept a spreadsheet from running a name is none of it."""
    return ["" if cell is None else restore(cell.strip()) for cell in cells]


def _table_row(line: int, names: list[str], cells: Cells, sheet: str) -> Row | BadRow:
    wide = max((n for n, cell in enumerate(cells, 1) if cell and cell.strip()), default=0)
    if wide > len(names):
        why = f"{wide} cells under {len(names)} columns"
        return BadRow(line, why, json.dumps(cells, ensure_ascii=False), sheet)
    padded = cells + [None] * (len(names) - len(cells))
    return Row(line, {name: cell for name, cell in zip(names, padded, strict=False) if name}, sheet=sheet)


def put_rows(file: IO[str], rows: Iterable[Iterable[Any]]) -> int:
    """Write rows of cells, the first of them the header, into an open file; returns how many rows stand behind the header.

    Texts that a spreadsheet would run get an apostrophe in front (`neutralise`); numbers are written as numbers, truth as
    ``true`` and ``false``, ``None`` as an empty cell.
    """
    plain = csv.writer(file, lineterminator="\n")
    quoted = csv.writer(file, lineterminator="\n", quoting=csv.QUOTE_ALL)
    count = -1
    for row in rows:
        cells = [harmless(cell) for cell in row]
        # Before Python 3.13 a carriage return alone is not reason enough for quotes, and would end the row when it is read.
        writer = quoted if any(isinstance(cell, str) and "\r" in cell for cell in cells) else plain
        writer.writerow(cells)
        count += 1
    return max(count, 0)


class _Lines:
    """Lines of a file as they are read; those since the last row are kept, to find in them where a quote opened."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines, self.since = iter(lines), list[str]()

    def __iter__(self) -> Iterator[str]:
        for line in self._lines:
            self.since.append(line)
            yield line


def csv_cells(
    path: Path, lines: Iterable[str], delimiter: str | None, table: TableHead
) -> Iterator[tuple[int, Cells]]:
    """Rows of a table and the line each begins in; an empty cell is ``None``, and blank rows are left out.

    Without a ``delimiter`` it is found in the first lines. Raises `InputError` for a quote that is not closed, or is closed
    in the middle of a cell: what stands behind it would be swallowed without a word.
    """
    csv.field_size_limit(2**31 - 1)
    source = iter(lines)
    head = list(islice(source, 1))
    told = _SEP.fullmatch(head[0]) if head else None
    line = 2 if told else 1
    delimiter = told[1] if told else delimiter
    head = [] if told else head
    if delimiter is None:
        head += islice(source, HEAD_ROWS - len(head))
        delimiter = _delimiter(head, table)
    kept = _Lines(chain(head, source))
    reader, first = csv.reader(kept, delimiter=delimiter, strict=True), line
    try:
        for cells in reader:
            if any(cells):
                yield line, [cell if cell != "" else None for cell in cells]
            line = first + reader.line_num
            kept.since.clear()
    except csv.Error as error:
        raise _broken(path, line, kept.since, delimiter, error) from None


def _delimiter(lines: list[str], table: TableHead) -> str:
    """Spreadsheets write semicolons where the comma is the decimal sign, and tabs on request."""
    for sign in _DELIMITERS:
        for line in lines:
            cells = next(csv.reader([line], delimiter=sign), [])
            if len(cells) > 1 and table.place([(1, [*cells])]) is not None:
                return sign
    head = next((line for line in lines if line.strip()), "")
    return "," if "," in head else max(_DELIMITERS, key=head.count)


def _broken(path: Path, first: int, lines: list[str], delimiter: str, error: csv.Error) -> InputError:
    """What is wrong with the row whose ``lines`` begin in line ``first``."""
    opened, closed = _last_quote("".join(lines), delimiter)
    opened, closed = first + opened, first + closed
    if "expected after" in str(error):
        where = f"a quote that opens in line {opened}" + (
            f" closes in line {closed}" if closed > opened else " closes"
        )
        why = f"{where} in the middle of a cell: one of the two is not meant as one, or a quote is missing between them"
    elif "unexpected end" in str(error):
        why = f"a quote that opens in line {opened} is not closed: everything behind it would be one cell"
    else:
        why = str(error)
    hint = 'mend the line: close the cell with ", and write a quote inside of a cell twice (""); or save the table again as CSV'
    return InputError(f"{path}:{opened}: {why}", hint)


def _last_quote(text: str, delimiter: str) -> tuple[int, int]:
    """In which line of a row, from 0, the quote opened that broke it, and in which it closed."""
    at, opened, start, size = 0, 0, True, len(text)
    while at < size:
        if start and text[at] == '"':
            opened, at = at, at + 1
            while at < size and (text[at] != '"' or text[at : at + 2] == '""'):
                at += 2 if text[at] == '"' else 1
            at += 1
            if at >= size or text[at] not in (delimiter, "\r", "\n"):
                break
        start = at < size and text[at] in (delimiter, "\r", "\n")
        at += 1
    return _line_ends(text[:opened]), _line_ends(text[: min(at, size)])


def _line_ends(text: str) -> int:
    return text.count("\n") + text.count("\r") - text.count("\r\n")
