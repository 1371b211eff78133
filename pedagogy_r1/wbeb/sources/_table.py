"""Tables from before UTF-8 was a matter of course: ASAP's are written in Windows-1252.

0x92 in ``don\\x92t`` is ’ there, and a byte that begins nothing in UTF-8.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from ...errors import InputError
from ...files.records import BadRow, Row, dump, need_file, read_rows


class Decoded(NamedTuple):
    """A file's text and the encoding it was read in."""

    text: str
    encoding: str


def decode(data: bytes) -> Decoded:
    """UTF-8 where it is that, else Windows-1252, else Latin-1, which takes the five bytes that 1252 leaves undefined."""
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            return Decoded(data.decode(encoding), encoding.removesuffix("-sig"))
        except UnicodeDecodeError:
            continue
    return Decoded(data.decode("latin-1"), "latin-1")


def read_table(path: Path) -> tuple[Iterator[Row | BadRow], str]:
    """Rows of a table and its encoding; CSV and TSV in any of three encodings, the other kinds as `read_rows` takes them."""
    delimiters = {".tsv": "\t", ".csv": ",", ".txt": "\t"}
    if path.suffix.lower() not in delimiters:
        return read_rows(path), "utf-8"
    need_file(path)
    text, encoding = decode(path.read_bytes())
    return _rows(path, text, delimiters[path.suffix.lower()]), encoding


def _rows(path: Path, text: str, delimiter: str) -> Iterator[Row | BadRow]:
    csv.field_size_limit(2**31 - 1)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        names = [name.strip() for name in next(reader, [])]
        if not any(names):
            raise InputError(f"{path}:1: no header row", "the first row names the columns")
        line = reader.line_num + 1
        for cells in reader:
            extra = [cell for cell in cells[len(names) :] if cell.strip()]
            if extra:
                yield BadRow(line, f"{len(cells)} cells under {len(names)} columns", dump(cells))
            elif any(cells):
                padded = cells + [""] * (len(names) - len(cells))
                yield Row(line, {n: c or None for n, c in zip(names, padded, strict=False) if n})
            line = reader.line_num + 1
    except csv.Error as error:
        raise InputError(f"{path}:{reader.line_num}: {error}", "save the table again") from None
