"""Excel and other spreadsheet programs: a coder's units as a workbook or a CSV file, and the same filled in.

    …,unit,primary_code,second_code,memo,flag,unit_id,coder,codebook
    …,"Wait, is it?",TR-SP,IA-SQ,asks itself,yes,u4be1…,A,schoen@1.0.0#1f0c…

    A.xlsx      coding     … | unit           | primary_code ▾ | second_code ▾ | memo | flag ▾ |
                codebook   code | name | family | definition | include | exclude | rules | examples | near misses
                guide      what the codebook says of coding in general
    A.csv       the first sheet; UTF-8 with a byte-order mark, by which Excel knows it

Only the cells to fill in can be changed (there is no password); ids stand in hidden columns behind them. The same packet
gives the same bytes.

What comes back is the format "sheet", which is also how Label Studio exports CSV and JSON-MIN, with columns of its own
beside. Without the column ``coder``, say ``--coder``. An empty row is missing, whatever its flag.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any
from unicodedata import east_asian_width

from ...codebook import NONE, Codebook
from ...errors import InputError
from ...files.archive import zipped
from ...files.records import BadRow, Row, write_csv, write_text
from ...files.spreadsheet import CELL_LIMIT, ROW_LIMIT, neutralise, sheet_text
from ..packet import FIRST, FLAG, MEMO, RANKS, Packet, definition, ranks, unit_records
from ..raw_coding import CodingRowError, CodingsFile, RawCoding, account, codes_without_gap, each_record
from . import CodingsReader, Columns, Tool

_KEYS = ("unit_id", "coder", "codebook")
"""By these the file finds its way back; nobody need look at them."""

_SHOWN = {"number": 8, "trace": 7, "practice": 9, "question": 36, "before": 44, "unit": 60, "after": 32}
"""What a coder reads, and how wide."""

_WIDTH = _SHOWN | {MEMO: 36, FLAG: 7}
_READ = {*RANKS, MEMO, FLAG, "unit", "kind", "annotator", *_KEYS}
_NO = ("", "no", "false", "0")
_LINE, _TALLEST = 15, 360
_CUT = " […] "
_FULL = ("Definition", "Include", "Exclude", "Rules", "Examples", "Near misses")
_FLAGGED = "yes"


def tool() -> Tool:
    return Tool({"xlsx": _write_xlsx, "csv": _write_csv}, {"sheet": CodingsReader(_sniff, _read, _columns)})


def _names(book: Codebook) -> list[str]:
    return [*_SHOWN, *ranks(book), MEMO, FLAG, *_KEYS]


def _rows(packet: Packet, coder: str) -> Iterator[list[str | int | None]]:
    """The cells of each of a coder's units."""
    names = _names(packet.codebook)
    for record in unit_records(packet, coder):
        cells = dict(record)
        cells["practice"] = "practice" if record["practice"] else None
        yield [cells.get(name) for name in names]


def _write_csv(packet: Packet, coder: str, out: Path) -> list[Path]:
    """Write ``OUT/CODER.csv``."""
    path = out / f"{coder}.csv"
    write_csv(path, chain([_names(packet.codebook)], _rows(packet, coder)), mark=True)
    return [path]


def _write_xlsx(packet: Packet, coder: str, out: Path) -> list[Path]:
    """Write ``OUT/CODER.xlsx``. Raises `InputError` where a sheet cannot hold a unit, or so many of them."""
    import openpyxl

    book = openpyxl.Workbook()
    sheet: Any = book.active
    sheet.title = "coding"
    path = out / f"{coder}.xlsx"
    last = _fill(sheet, packet, coder, path)
    _definitions(book.create_sheet("codebook"), packet.codebook)
    _guide(book.create_sheet("guide"), packet.codebook)
    _layout(sheet, packet.codebook, last)
    write_text(path, _bytes(book))
    return [path]


def _fill(sheet: Any, packet: Packet, coder: str, path: Path) -> int:
    names = _names(packet.codebook)
    _row(sheet, 1, names)
    number = 1
    for number, cells in enumerate(_rows(packet, coder), 2):
        if number > ROW_LIMIT:
            raise InputError(f"{path}: an XLSX sheet holds {ROW_LIMIT:,} rows", "send a CSV file")
        where = dict(zip(names, cells, strict=True))
        if len(str(where["unit"])) > CELL_LIMIT:
            raise InputError(
                f"{path}: unit {where['unit_id']} has {len(str(where['unit'])):,} characters; an XLSX cell holds {CELL_LIMIT:,}",
                "send this coder another format, such as csv",
            )
        _row(sheet, number, cells)
    return number


def _row(sheet: Any, number: int, cells: list[Any]) -> None:
    for column, value in enumerate(cells, 1):
        if value is None:
            continue
        cell = sheet.cell(number, column)
        if isinstance(value, int):
            cell.value = value
        else:
            # XML cannot hold most control characters; what only helps to understand the unit may be cut.
            cell.value = sheet_text(_shortened(neutralise(value)))
            cell.data_type = "s"


def _shortened(text: str) -> str:
    if len(text) <= CELL_LIMIT:
        return text
    half = (CELL_LIMIT - len(_CUT)) // 2
    return text[:half] + _CUT + text[-half:]


def _definitions(sheet: Any, book: Codebook) -> None:
    _row(sheet, 1, ["code", "name", "family", "in short", *(name.lower() for name in _FULL)])
    families = {family.id: family.name for family in book.families}
    for number, code in enumerate(book.codes, 2):
        full, family = dict(definition(code)), families.get(code.family, code.family)
        texts = [code.name, family, code.short, *(full.get(name, "") for name in _FULL)]
        _row(sheet, number, [code.id, *texts])
    _row(sheet, len(book.codes) + 2, [NONE, "none applies", "", "no code of this codebook applies"])
    _style(sheet, len(book.codes) + 2, [12, 24, 24, 32, 60, 48, 48, 48, 48, 48])
    sheet.protection.sheet = True
    sheet.protection.formatColumns = sheet.protection.formatRows = False


def _guide(sheet: Any, book: Codebook) -> None:
    lines = [f"{book.title} ({book.ref})", "", *book.about.splitlines(), "", *HOW.splitlines()]
    for number, line in enumerate(lines, 1):
        _row(sheet, number, [line])
    _style(sheet, len(lines), [120])
    sheet.freeze_panes = None


HOW = """How to fill in the sheet
Choose a primary code for every unit, from the list. "none" says that no code applies; an empty cell says nothing: the unit counts as missing.
A second code is for units that do two things. Doubts belong in the memo; "yes" under flag marks what you want to come back to.
Rows may be sorted and columns made wider. Save the file as .xlsx and send it back under any name."""


def _style(sheet: Any, last: int, widths: list[int]) -> None:
    from openpyxl.styles import Alignment, Font
    from openpyxl.utils import get_column_letter

    for column, width in enumerate(widths, 1):
        sheet.column_dimensions[get_column_letter(column)].width = width
    for row in sheet.iter_rows(1, last, 1, len(widths)):
        lines = max(_lines(cell.value, width) for cell, width in zip(row, widths, strict=True))
        sheet.row_dimensions[row[0].row].height = min(_LINE * lines + 3, _TALLEST)
        for cell in row:
            cell.alignment = Alignment(wrap_text=True, vertical="top")
            if cell.row == 1:
                cell.font = Font(bold=True)
    sheet.freeze_panes = "A2"


def _lines(value: object, width: int) -> int:
    """How many lines a cell takes: programs do not all make rows as high as their text needs."""
    texts = str(value or "").splitlines() or [""]
    return sum(-(-sum(1 + (east_asian_width(c) in "WF") for c in text) // width) or 1 for text in texts)


def _layout(sheet: Any, book: Codebook, last: int) -> None:
    from openpyxl.styles import Font, PatternFill, Protection
    from openpyxl.utils import get_column_letter

    names = _names(book)
    _style(sheet, last, [_WIDTH.get(name, 14) for name in names])
    chosen = {*ranks(book), FLAG}
    for column, name in enumerate(names, 1):
        letter = get_column_letter(column)
        sheet.column_dimensions[letter].hidden = name in _KEYS
        for (cell,) in sheet.iter_rows(2, last, column, column):
            if name in {*chosen, MEMO}:
                cell.protection = Protection(locked=False)
                cell.fill = PatternFill("solid", fgColor="FFF9E5")
            if name == MEMO:
                cell.number_format = "@"  # what a coder types here is text, even if it begins like a number
            if name == "unit":
                cell.font = Font(bold=True)
        if name in chosen:
            rule = _choice(name, len(book.codes))
            rule.add(f"{letter}2:{letter}{max(2, last)}")
            sheet.add_data_validation(rule)
    sheet.protection.sheet = True
    for allowed in ("formatColumns", "formatRows", "sort", "autoFilter"):
        setattr(sheet.protection, allowed, False)


def _choice(name: str, codes: int) -> Any:
    """The list from which a cell of the column is filled in; there are so many ``codes``."""
    from openpyxl.worksheet.datavalidation import DataValidation

    if name == FLAG:
        what, error = f'"{_FLAGGED}"', f"leave it empty, or choose {_FLAGGED}"
    else:
        # A list in the cell's own rule may have 255 characters; a range has no such limit. "none" is its last row.
        last = codes + 2 if name == FIRST else codes + 1
        what, error = f"codebook!$A$2:$A${last}", "choose a code from the list"
    rule = DataValidation("list", what, allow_blank=True, showErrorMessage=True)
    rule.errorStyle, rule.errorTitle, rule.error = "stop", "not in the codebook", error
    return rule


_SAVED = re.compile(rb"(<dcterms:(created|modified)[^>]*>)[^<]*(</dcterms:)")


def _bytes(book: Any) -> bytes:
    """The file without the time of its making."""
    made = io.BytesIO()
    book.save(made)
    with zipfile.ZipFile(made) as file:
        entries = {name: file.read(name) for name in file.namelist()}
    about = "docProps/core.xml"
    entries[about] = _SAVED.sub(rb"\g<1>2000-01-01T00:00:00Z\g<3>", entries[about])
    return zipped(entries.items())


def _sniff(file: CodingsFile) -> float:
    return float({"unit_id", FIRST} <= file.plain.keys())


def _columns(file: CodingsFile) -> Columns:
    known = _READ | _SHOWN.keys()
    return Columns([], [column for plain, column in file.plain.items() if plain not in known])


def _read(file: CodingsFile) -> Iterator[RawCoding | BadRow]:
    known = [name for name in RANKS if name in file.plain]
    return each_record(file, lambda row, number: [_raw(file, row, number, known)])


def _raw(file: CodingsFile, row: Row, number: int, known: list[str]) -> RawCoding:
    for name in (*known, MEMO, FLAG, "unit", *_KEYS):
        value = row.data.get(file.plain.get(name, name))
        if isinstance(value, dict) or (
            isinstance(value, list) and not all(isinstance(v, str) for v in value)
        ):
            raise CodingRowError(f"{name} is no text")
    memo = row.data.get(file.plain.get(MEMO, MEMO))
    return RawCoding(
        number,
        file.cell(row, "coder") or "",
        codes_without_gap(known, [file.cell(row, name) for name in known]),
        file.cell(row, "unit_id") or "",
        quote=file.text(row, "unit"),
        memo=("\n".join(memo) or None) if isinstance(memo, list) else file.remark(row, MEMO),
        whole=True,
        codebook=file.cell(row, "codebook"),
        flag=(file.cell(row, FLAG) or "").lower() not in _NO,
        kind=file.cell(row, "kind"),
        by=account(row.data.get(file.plain.get("annotator", ""))),
    )
