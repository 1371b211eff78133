"""Spreadsheets: cells that would be run as formulas made harmless and back, what a sheet can hold, XLSX read as text.

    -3 + 4 = 1   ⇄   '-3 + 4 = 1

A cell is given one apostrophe if it begins with ``= + - @``, a tab or a line end, whatever number of apostrophes
stands before; so taking one away always restores it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..errors import InputError

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


def sheet_text(text: str) -> str:
    """The text as an XLSX cell can hold it: XML has no place for most control characters, a visible mark stands for each."""
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    return ILLEGAL_CHARACTERS_RE.sub("\ufffd", text)


def sheet_rows(path: Path) -> Iterator[list[str | None]]:
    """The rows of the first sheet of an XLSX file, with the header, as text; an empty cell is ``None``."""
    import openpyxl

    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except Exception as error:  # noqa: BLE001 - openpyxl raises many kinds for a damaged file
        raise InputError(
            f"{path}: not a readable XLSX file ({type(error).__name__}: {error})", "save it again as .xlsx"
        ) from None
    try:
        for cells in book.worksheets[0].iter_rows(values_only=True):
            yield [None if cell is None or cell == "" else _cell_text(cell) for cell in cells]
    except Exception as error:  # noqa: BLE001 - sheets are parsed as they are read, and break in as many ways
        raise InputError(
            f"{path}: damaged XLSX file ({type(error).__name__}: {error})", "save it again as .xlsx"
        ) from None
    finally:
        book.close()


def _cell_text(cell: Any) -> str:
    if isinstance(cell, bool):
        return str(cell).lower()
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell)
