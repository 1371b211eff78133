"""Importers of human codings: one file each, and the folder is the registry.

    long.py    unit_id | trace_id start end quote, coder, code     one row per unit × code
    wide.py    unit_id, A, B, …                                    one column a coder
    sheet.py, label_studio.py, doccano.py, prodigy.py …            what the tools of `packets/` give back

An importer only reads: it yields `RawCoding` rows as they stand in the file. Whether the codes exist, whether the spans
lie where they say and whether somebody coded a unit twice is decided once for all formats, in ``coding/importing.py``.
A plugin is a file that exposes ``importer()``, returning an `Importer`. A file that is no table (a project, an archive)
comes as a `Table` without rows: its importer knows it by ``table.path`` and opens that.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from ... import plugins
from ...errors import InputError, did_you_mean
from ...files.records import BadRow, Row, need_file, read_rows
from ...files.spreadsheet import restore

PACKAGE = __name__
ROWS = (".csv", ".tsv", ".xlsx", ".parquet", ".json", ".jsonl", ".ndjson")
"""Files that are read as rows; any other is left to an importer that knows it."""


class RawCoding(NamedTuple):
    """One cell of codes as it stands in a file, with all that says whose and of what it is; texts are not yet checked."""

    row: int
    coder: str
    cell: str | None
    """``None`` for an empty cell; several codes are separated by semicolons."""
    unit_id: str = ""
    trace_id: str = ""
    start: str | None = None
    end: str | None = None
    quote: str | None = None
    """The span's text. With a ``unit_id`` it is optional, and checked where given."""
    memo: str | None = None
    whole: bool = False
    """The cell is all this coder says of the unit; else further rows may add a second code."""
    rank: int | None = None
    missing_reason: str | None = None
    exported: bool = False
    """The row comes from ``pcode export``: an empty code without a reason means that none applies."""
    evidence: str | None = None
    confidence: str | None = None
    overlap: str | None = None
    carried_from: str | None = None
    kind: str | None = None
    """What an export says the coder is, human or machine."""
    codebook: str | None = None
    """Under which codebook the row says it was made: ``schoen``, ``schoen@1.0.0`` or ``schoen@1.0.0#1f0c…``."""
    flag: bool = False
    """The coder wants to come back to it; said in the report."""


@dataclass(frozen=True)
class Table:
    """A file's rows, its columns in order of appearance, and the well-known ones among them by plain name."""

    path: Path
    columns: list[str]
    rows: list[Row | BadRow]
    plain: dict[str, str]

    @property
    def spreadsheet(self) -> bool:
        """Whether cells may have been neutralised against formulas."""
        return self.path.suffix.lower() in (".csv", ".tsv", ".xlsx")

    def cell(self, row: Row, name: str) -> str | None:
        """The text of a well-known column, trimmed; ``None`` if it is empty or not there."""
        return self.value(row, self.plain[name]) if name in self.plain else None

    def value(self, row: Row, column: str) -> str | None:
        """The text of any column, trimmed; a list becomes ``A; B``."""
        value = row.data.get(column)
        if isinstance(value, list | tuple):
            value = "; ".join(str(item) for item in value)
        if value is None:
            return None
        text = str(value)
        return (restore(text) if self.spreadsheet else text).strip() or None

    def text(self, row: Row, name: str) -> str | None:
        """A quote, neither trimmed nor restored."""
        value = row.data.get(self.plain[name]) if name in self.plain else None
        return value if isinstance(value, str) and value else None

    def remark(self, row: Row, name: str) -> str | None:
        """A memo or other free text, restored but not trimmed."""
        text = self.text(row, name)
        return restore(text) if text and self.spreadsheet else text


class Columns(NamedTuple):
    """What an importer makes of a table's columns."""

    coders: list[str]
    ignored: list[str]


class Importer(Protocol):
    """Reads one layout of human codings; ``table.rows`` is empty where the file is no table."""

    def sniff(self, table: Table) -> float:
        """How surely the table has this layout: 0 no, 1 yes."""

    def columns(self, table: Table) -> Columns:
        """Columns taken for coders (none in a long table), and those not read at all."""

    def read(self, table: Table) -> Iterator[RawCoding | BadRow]:
        """The rows; each row that is no record comes as a ``BadRow``."""


def plain_name(column: str) -> str:
    """Column names are compared without case, and spaces are underscores.

    >>> plain_name(" Unit ID")
    'unit_id'
    """
    return column.strip().lower().replace(" ", "_").replace("-", "_")


def read_table(path: str | Path) -> Table:
    """Read a whole file of human codings (they are small); of a file that is no table, nothing."""
    path = Path(path)
    if path.suffix.lower() not in ROWS:
        need_file(path)
        return Table(path, [], [], {})
    rows = list(read_rows(path))
    if not rows:
        raise InputError(f"{path}: no rows", "the file is empty, or has nothing but a header")
    columns = list(dict.fromkeys(name for row in rows if isinstance(row, Row) for name in row.data))
    plain: dict[str, str] = {}
    for column in columns:
        other = plain.setdefault(plain_name(column), column)
        if other != column:
            raise InputError(
                f"{path}: columns {other!r} and {column!r} differ only in case or spaces",
                "rename one of them",
            )
    return Table(path, columns, rows, plain)


def choose(table: Table, name: str | None = None) -> tuple[str, Importer]:
    """The importer called ``name``, or the one that is surest of the table."""
    names = plugins.available(PACKAGE) if name is None else [name]
    made: list[tuple[str, Any]] = [(each, plugins.load(PACKAGE, each)()) for each in names]
    surest_name, surest = max(made, key=lambda pair: pair[1].sniff(table))
    if name is None and not table.rows and not surest.sniff(table) > 0:
        raise InputError(
            f"{table.path}: cannot tell the format from the suffix {table.path.suffix!r}, nor from what is in the file",
            f"say --format ({', '.join(names)}), or use one of {' '.join(ROWS)}",
        )
    if name is None and not surest.sniff(table) > 0:
        wanted = ["unit_id", "trace_id", "start", "end", "quote", "coder", "code"]
        near = [
            f"{column!r}: {did_you_mean(column, wanted)}" for column in table.columns if column not in wanted
        ][:3]
        raise InputError(
            f"{table.path}: columns {', '.join(table.columns) or '(none)'} are no layout of codings that is known",
            "needed: unit_id coder code, or trace_id start end quote coder code, or unit_id and one column a coder"
            + "".join(f"; {hint}" for hint in near if "did you mean" in hint),
        )
    return surest_name, surest
