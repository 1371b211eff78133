"""Spreadsheets: cells that would be run as formulas made harmless and back, what a sheet can hold, XLSX and ODS read as text.

    -3 + 4 = 1   ⇄   '-3 + 4 = 1

A cell is given one apostrophe if it begins with ``= + - @``, a tab or a line end, whatever number of apostrophes
stands before; so taking one away always restores it.

What is read is every sheet, with what a program shows and a bare table of values does not say: which cells lie under a
merged one, which formulas were never computed, which rows are hidden.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import InputError
from .archive import Allowance, Archive, check_head, legal, local, parse_xml, read_bytes

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

Cells = list[str | None]

CELL_LIMIT, ROW_LIMIT = 32_767, 1_048_576
"""What an XLSX sheet can hold: characters a cell, rows with the header."""

_RISKY = re.compile("'*[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
_MADE_HARMLESS = re.compile("'+[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")


def neutralise(cell: str) -> str:
    """Put an apostrophe before what a spreadsheet would take for a formula.

    >>> neutralise("=1+1"), neutralise("'=1+1"), neutralise("1+1")
    ("'=1+1", "''=1+1", '1+1')
    """
    return "'" + cell if _RISKY.match(cell) else cell


def restore(cell: str) -> str:
    """Undo `neutralise`.

    >>> restore(neutralise("-x")), restore("'tis")
    ('-x', "'tis")
    """
    return cell[1:] if _MADE_HARMLESS.match(cell) else cell


def harmless(cell: Any) -> Any:
    """A cell as it is written: text neutralised, truth in the words that come back as such, all else as it is."""
    if isinstance(cell, bool):
        return str(cell).lower()
    return neutralise(cell) if isinstance(cell, str) else cell


def sheet_text(text: str) -> str:
    """The text as an XLSX cell can hold it: XML has no place for some characters (`legal`), a visible mark stands for each."""
    return legal(text)


@dataclass
class Sheet:
    """One sheet of a workbook: its rows with their numbers, from 1, and which of its cells cannot be taken as they stand."""

    name: str
    rows: Iterable[tuple[int, Cells]]
    hidden: bool = False
    hidden_rows: set[int] = field(default_factory=set)
    covered: dict[int, dict[int, str]] = field(default_factory=dict)
    """By row and column, from 1: the merged range that covers the cell, which is empty for it."""
    uncomputed: dict[int, dict[int, str]] = field(default_factory=dict)
    """By row and column: formulas whose value the file does not have."""

    def fault(self, row: int, columns: Iterable[int]) -> str:
        """What is wrong with a row's cells in these columns; empty if nothing is."""
        covered, formulas = self.covered.get(row, {}), self.uncomputed.get(row, {})
        for column in columns:
            if column in covered:
                return f"cell {address(row, column)} lies in the merged cells {covered[column]}: unmerge them, and fill in each"
            if column in formulas:
                return (
                    f"cell {address(row, column)} is a formula without a value ({formulas[column][:40]}): "
                    "open the file in a spreadsheet program and save it, or write the value"
                )
        return ""


def address(row: int, column: int) -> str:
    """A cell as a spreadsheet program calls it.

    >>> address(2, 1), address(3, 28)
    ('A2', 'AB3')
    """
    letters = ""
    while column:
        column, digit = divmod(column - 1, 26)
        letters = chr(ord("A") + digit) + letters
    return f"{letters}{row}"


def sheets_of(path: Path) -> Iterator[Sheet]:
    """All sheets of an XLSX or ODS file, in their order. Raises `InputError` for what no spreadsheet program wrote."""
    data = read_bytes(path, "save it as CSV")
    if data.startswith(_OLE):
        locked = "EncryptedPackage".encode("utf-16-le") in data
        why = "is password-protected" if locked else "is a workbook of Excel 97 to 2003 (.xls), or damaged"
        raise InputError(f"{path}: {why}", f"save it as .xlsx{' without a password' if locked else ''}")
    archive = Archive(data, str(path), f"save it again as {path.suffix.lower()}")
    yield from (_ods if path.suffix.lower() == ".ods" else _xlsx)(path, data, archive)


_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_MERGED = re.compile(rb'<(?:\w+:)?mergeCell\s[^>]*?ref="([A-Z]{1,3})(\d{1,7}):([A-Z]{1,3})(\d{1,7})"')
_HIDDEN = re.compile(rb'<(?:\w+:)?row\b(?=[^>]*?\shidden="(?:1|true)")[^>]*?\br="(\d{1,7})"')
_FORMULA = re.compile(rb"<(?:\w+:)?c\s([^>]*)>\s*<(?:\w+:)?f\b([^>]*>.*?)</(?:\w+:)?c>", re.DOTALL)
_VALUE = re.compile(rb"<(?:\w+:)?(?:v|t)(?:\s[^>]*)?>[^<]")
_PLACE = re.compile(rb'\br="([A-Z]{1,3})(\d{1,7})"')


def _xlsx(path: Path, data: bytes, archive: Archive) -> Iterator[Sheet]:
    import openpyxl

    parts = _parts(archive)
    again = "save it again as .xlsx"
    try:
        book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
    except Exception as error:  # noqa: BLE001 - openpyxl raises many kinds for a damaged file
        raise InputError(
            f"{path}: not a readable XLSX file ({type(error).__name__}: {error})", again
        ) from None
    try:
        for sheet in book.worksheets:
            sheet.reset_dimensions()  # what a program says of a sheet's size may be wrong, and would cut it
            raw = archive.read(parts[sheet.title]) if parts.get(sheet.title) in archive.names else b""
            yield _marked(
                Sheet(sheet.title, _xlsx_rows(path, sheet), sheet.sheet_state != "visible"), raw, path
            )
    finally:
        book.close()


def _parts(archive: Archive) -> dict[str, str]:
    """The name of each sheet's file. Every file is measured before any is opened by another program's code."""
    spent = Allowance(archive.where)
    for name in archive.names:
        if name.lower().endswith((".xml", ".rels")):
            data = archive.read(name)
            check_head(data, f"{archive.where}: {name}")
            spent.spend(len(data))
    try:
        links = parse_xml(archive.read("xl/_rels/workbook.xml.rels"), archive.where)
        book = parse_xml(archive.read("xl/workbook.xml"), archive.where)
    except InputError:
        return {}  # other names are allowed; openpyxl finds them
    targets = {link.get("Id"): (link.get("Target") or "") for link in links}
    found = {}
    for sheet in book.iter():
        if local(sheet.tag) == "sheet":
            target = targets.get(next((v for k, v in sheet.attrib.items() if local(k) == "id"), ""), "")
            found[sheet.get("name") or ""] = target[1:] if target.startswith("/") else f"xl/{target}"
    return found


def _xlsx_rows(path: Path, sheet: Any) -> Iterator[tuple[int, Cells]]:
    try:
        for number, cells in enumerate(sheet.iter_rows(values_only=True), 1):
            yield number, [None if cell is None or cell == "" else _cell_text(cell) for cell in cells]
    except Exception as error:  # noqa: BLE001 - sheets are parsed as they are read, and break in as many ways
        raise InputError(
            f"{path}: damaged XLSX file ({type(error).__name__}: {error})", "save it again as .xlsx"
        ) from None


MOST_MERGED = 1_000_000
"""Merged cells of a sheet, as many as a column has; a file of a kilobyte can say that all are."""


def _marked(sheet: Sheet, raw: bytes, path: Path) -> Sheet:
    """The sheet with what its file says beside the values."""
    merged = 0
    sheet.hidden_rows |= {int(found[1]) for found in _HIDDEN.finditer(raw)}
    for found in _MERGED.finditer(raw):
        left, top, right, bottom = _column(found[1]), int(found[2]), _column(found[3]), int(found[4])
        bottom = min(bottom, ROW_LIMIT)
        merged += max(0, bottom - top + 1) * max(0, right - left + 1)
        if merged > MOST_MERGED:
            raise InputError(
                f"{path}, sheet {sheet.name!r}: more than {MOST_MERGED:,} cells are merged",
                "take the merging back; every coding needs a row of its own",
            )
        _cover(sheet, top, left, bottom, right)
    for found in _FORMULA.finditer(raw):
        place = _PLACE.search(found[1])
        if place and not _VALUE.search(found[2]) and b't="str"' not in found[1]:
            text = found[2].partition(b">")[2].partition(b"<")[0].decode("utf-8", "replace")
            sheet.uncomputed.setdefault(int(place[2]), {})[_column(place[1])] = f"={text}"
    return sheet


def _cover(sheet: Sheet, top: int, left: int, bottom: int, right: int) -> None:
    name = f"{address(top, left)}:{address(bottom, right)}"
    for row in range(top, bottom + 1):
        for column in range(left, right + 1):
            if (row, column) != (top, left):
                sheet.covered.setdefault(row, {})[column] = name


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


def _cell_text(cell: Any) -> str:
    """A value as it is stored, not as it is shown: 12300000000 and not 1.23E+10, 0.5 and not 50%, a day with its time."""
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, timedelta) and timedelta() <= cell < timedelta(days=1):
        return str(
            (datetime.min + cell).time()
        )  # a length of time and a time of day differ in how they are shown alone
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell)


# --- OpenDocument: read here, since no library says which cells are covered, hidden or never computed


def _ods(path: Path, _: bytes, archive: Archive) -> Iterator[Sheet]:
    if "META-INF/manifest.xml" in archive.names and b"encryption-data" in archive.read(
        "META-INF/manifest.xml"
    ):
        raise InputError(f"{path}: is password-protected", "save it without a password")
    root = parse_xml(archive.read("content.xml"), f"{path}: content.xml")
    hidden_styles = {
        _attribute(style, "name")
        for style in root.iter()
        if local(style.tag) == "style"
        and any(
            _attribute(inner, "display") == "false"
            for inner in style
            if local(inner.tag) == "table-properties"
        )
    }
    allowance = Allowance(str(path))
    for table in (each for each in root.iter() if local(each.tag) == "table"):
        sheet = Sheet(_attribute(table, "name"), [])
        sheet.hidden = _attribute(table, "style-name") in hidden_styles
        sheet.rows = list(_ods_rows(table, sheet, allowance))
        yield sheet


def _ods_rows(table: Element, sheet: Sheet, allowance: Allowance) -> Iterator[tuple[int, Cells]]:
    """Rows that are not blank. A row or cell may stand for many."""
    number = 0
    for row in (each for each in table.iter() if local(each.tag) == "table-row"):
        times = _times(row, "number-rows-repeated")
        cells = _ods_cells(row, number + 1, sheet, allowance)
        size = 1 + sum(len(cell or "") for cell in cells)
        for n in range(number + 1, number + 1 + (times if any(cells) else 0)):
            allowance.spend(size)
            yield n, list(cells)
            if _attribute(row, "visibility") in ("collapse", "filter"):
                sheet.hidden_rows.add(n)
        number += times


def _ods_cells(row: Element, number: int, sheet: Sheet, allowance: Allowance) -> Cells:
    cells: Cells = []
    for cell in row:
        kind = local(cell.tag)
        if kind not in ("table-cell", "covered-table-cell"):
            continue
        times, text = (
            _times(cell, "number-columns-repeated"),
            _ods_value(cell) if kind == "table-cell" else "",
        )
        column = len(cells) + 1
        if text:
            allowance.spend(times * (1 + len(text)))
        down, right = _times(cell, "number-rows-spanned"), _times(cell, "number-columns-spanned")
        if down * right > 1:
            allowance.spend(down * right)
            _cover(sheet, number, column, number + down - 1, column + right - 1)
        if not text and _attribute(cell, "formula") and _office(cell, "value-type") in ("", "error"):
            sheet.uncomputed.setdefault(number, {})[column] = _attribute(cell, "formula")
        cells += [text or None] * (times if text or column + times <= _WIDEST else 0)
    return cells


_WIDEST = 16_384
"""Columns that a sheet can have."""


def _ods_value(cell: Element) -> str:
    """What the cell holds, as `_cell_text` writes it of an XLSX: of a text its paragraphs, one a line, without comments.

    What is shown of a number, a day or a truth is rounded, or in the words of a country: 3,5; 1.23E+10; 50%; WAHR.
    """
    name, read = _TYPED.get(_office(cell, "value-type"), ("", str))
    if stored := _office(cell, name):
        try:
            return _cell_text(read(stored))
        except ValueError:
            return stored  # not what it says it is; whoever reads the cell says so
    lines = ["".join(_ods_letters(part)) for part in cell if local(part.tag) in ("p", "h")]
    return "\n".join(lines) or _office(cell, "string-value") or _office(cell, "value")


def _number(text: str) -> int | float:
    """As openpyxl: whole numbers keep all their digits."""
    return int(text) if text.lstrip("-").isdigit() else float(text)


def _length(text: str) -> timedelta:
    """``PT36H00M00S`` (ISO 8601, without months and years)."""
    if not (found := _DURATION.fullmatch(text)):
        raise ValueError(text)
    days, hours, minutes, seconds = (float((part or "0").replace(",", ".")) for part in found.groups()[1:])
    try:
        length = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    except OverflowError:
        raise ValueError(text) from None
    return -length if found[1] else length


_DURATION = re.compile(
    r"(-?)P(?:([0-9]+)D)?(?:T(?:([0-9]+)H)?(?:([0-9]+)M)?(?:([0-9]+(?:[.,][0-9]*)?)S)?)?", re.ASCII
)
_TYPED: dict[str, tuple[str, Callable[[str], Any]]] = {
    "float": ("value", _number),
    "percentage": ("value", _number),
    "currency": ("value", _number),
    "date": ("date-value", datetime.fromisoformat),
    "time": ("time-value", _length),
    "boolean": ("boolean-value", str),
}
"""By a cell's type, where its value stands and how it is read (OpenDocument 1.3, part 3, `office:value-type`)."""


def _office(cell: Element, name: str) -> str:
    """An attribute of the cell's value; programs have attributes of their own of the same names."""
    return cell.get(f"{{{_OFFICE}}}{name}", "")


_OFFICE = "urn:oasis:names:tc:opendocument:xmlns:office:1.0"


def _ods_letters(part: Element) -> Iterator[str]:
    yield part.text or ""
    for inner in part:
        kind = local(inner.tag)
        if kind == "s":
            yield " " * _times(inner, "c")
        elif kind in ("tab", "line-break"):
            yield "\t" if kind == "tab" else "\n"
        elif kind not in ("annotation", "note"):
            yield from _ods_letters(inner)
        yield inner.tail or ""


def _attribute(element: Element, name: str) -> str:
    return next((value for key, value in element.attrib.items() if local(key) == name), "")


def _times(element: Element, name: str) -> int:
    text = _attribute(element, name)
    return min(int(text), ROW_LIMIT) if text.isascii() and text.isdigit() and 0 < len(text) < 8 else 1
