"""Rows of codings as they stand in a file: whose, of what, and the cell of codes; nothing is checked yet.

    unit_id,coder,code,memo            RawCoding(row=2, coder="A", cell="TR-SP", unit_id="u4be1…", memo=None)
    u4be1…,A,TR-SP,

`tools/` reads files into such rows. Whether the codes exist, whether the spans lie where they say and whether somebody
coded a unit twice is decided once for all of them, in `locate_rows.py` and `parse_cells.py`.

The second half reads the records of annotation tools: nested JSON that may hold anything. Every value is taken for what
it must be, or refused by name (`CodingRowError`); nothing is guessed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import InputError
from ..files.records import BadRow, Row, need_file, read_rows
from ..files.spreadsheet import restore
from ..files.table_rows import TableHead
from ..intake.fields import plain_name
from .anchor import between, code_points, utf16_units

ROWS = (".csv", ".tsv", ".xlsx", ".xlsm", ".ods", ".parquet", ".json", ".jsonl", ".ndjson")
_SHEETS = (".csv", ".tsv", ".xlsx", ".xlsm", ".ods")
"""Files that are read as rows; any other is left to a tool that knows it."""


NEEDED = (
    "needed: unit_id coder code, or trace_id start end quote coder code, or unit_id and one column a coder"
)
"""Of which columns a table of codings may consist."""


class RowProblem(NamedTuple):
    """A row of codings that cannot be taken, and why. ``coder`` tells the cells of a wide row apart."""

    file: str
    row: int
    why: str
    coder: str = ""

    @property
    def where(self) -> str:
        coder = f" ({self.coder})" if self.coder else ""
        return f"{self.file}:{self.row}{coder}"

    def __str__(self) -> str:
        return f"{self.where}: {self.why}"


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
    stage: str | None = None
    kind: str | None = None
    """What an export says the coder is, human or machine."""
    codebook: str | None = None
    """Under which codebook the row says it was made: ``schoen``, ``schoen@1.0.0`` or ``schoen@1.0.0#1f0c…``."""
    flag: bool = False
    """The coder wants to come back to it; said in the report."""
    by: str = ""
    """The account under which a tool says that it was made."""
    moved: str = ""
    """Why the span does not lie where the file says: said in the report."""
    file: str = ""
    place: tuple[str, int, int] = ("", 0, 0)
    """Trace, start and end, once `locate_rows` has found them."""

    @property
    def where(self) -> str:
        """``file:row``."""
        return f"{self.file}:{self.row}"

    def problem(self, why: str) -> RowProblem:
        return RowProblem(self.file, self.row, why, self.coder)


@dataclass(frozen=True)
class CodingsFile:
    """A file's rows, its columns in order of appearance, and the well-known ones among them by plain name.

    Of a file that is no table (a project, an archive) there are no rows: a tool knows it by its ``path``, and opens that.
    """

    path: Path
    columns: list[str]
    rows: list[Row | BadRow]
    plain: dict[str, str]
    sheet: str = ""
    """Of a workbook, each of whose sheets is read as a file of its own."""

    @property
    def name(self) -> str:
        """As messages call it: ``codes.xlsx``, or ``codes.xlsx[anna]``."""
        return f"{self.path}[{self.sheet}]" if self.sheet else str(self.path)

    def cell(self, row: Row, name: str) -> str | None:
        """The text of a well-known column, trimmed; ``None`` if it is empty or not there."""
        return self.value(row, self.plain[name]) if name in self.plain else None

    def value(self, row: Row, column: str) -> str | None:
        """The text of any column, trimmed; a list becomes ``A; B``."""
        value = row.data.get(column)
        if isinstance(value, list | tuple):
            value = "; ".join(str(item) for item in value)
        return None if value is None else self._restored(str(value)).strip() or None

    def text(self, row: Row, name: str) -> str | None:
        """A quote, neither trimmed nor restored."""
        value = row.data.get(self.plain[name]) if name in self.plain else None
        return value if isinstance(value, str) and value else None

    def remark(self, row: Row, name: str) -> str | None:
        """A memo or other free text, restored but not trimmed."""
        text = self.text(row, name)
        return text and self._restored(text)

    def _restored(self, text: str) -> str:
        """Without the apostrophe by which a spreadsheet was kept from running the text."""
        return restore(text) if self.path.suffix.lower() in _SHEETS else text


def read_codings_file(
    path: str | Path, notes: list[str] | None = None, *, coder: str | None = None
) -> list[CodingsFile]:
    """Read a whole file of human codings (they are small), every sheet that is one; of a file that is no table, nothing.

    ``notes`` is told what was not read: rows above the header, other sheets; and which sheets stand for coders: where nobody is
    named, neither there nor as the ``coder`` of all, a sheet is the coder's after whom it is called.
    """
    path = Path(path)
    if path.suffix.lower() not in ROWS:
        need_file(path)
        return [CodingsFile(path, [], [], {})]
    head = TableHead(_names_units, NEEDED)
    by_sheet: dict[str, list[Row | BadRow]] = {}
    for row in read_rows(path, head):
        by_sheet.setdefault(row.sheet, []).append(row)
    if notes is not None:
        notes += head.notes
    if not by_sheet:
        raise InputError(f"{path}: no rows", "the file is empty, or has nothing but a header")
    several = len(by_sheet) > 1
    found = [_of_sheet(path, sheet if several else "", rows) for sheet, rows in by_sheet.items()]
    if not several or (owned := _owned(found, coder)) is None:
        return found
    if notes is not None and coder is None:
        notes.append(f"{path}: a sheet is the coder's whose name it has: {', '.join(f.sheet for f in owned)}")
    return owned


def _names_units(names: Sequence[str]) -> bool:
    """Whether a row of a table is its header: one that says of what each row is."""
    return bool({"unit_id", "trace_id"} & {plain_name(name) for name in names})


def _of_sheet(path: Path, sheet: str, rows: list[Row | BadRow]) -> CodingsFile:
    columns = list(dict.fromkeys(name for row in rows if isinstance(row, Row) for name in row.data))
    plain: dict[str, str] = {}
    for column in columns:
        other = plain.setdefault(plain_name(column), column)
        if other != column:
            raise InputError(
                f"{path}: columns {other!r} and {column!r} differ only in case or spaces",
                "rename one of them",
            )
    return CodingsFile(path, columns, rows, plain, sheet)


def _owned(sheets: list[CodingsFile], coder: str | None) -> list[CodingsFile] | None:
    """Where nobody is named in any sheet, and each has codes in one column, a sheet is the ``coder``'s, or whose name it has."""
    coded = all({"code", "primary_code"} & file.plain.keys() for file in sheets)
    if not coded or any("coder" in file.plain for file in sheets):
        return None
    found = []
    for file in sheets:
        rows = [
            row._replace(data={**row.data, "coder": coder or file.sheet}) if isinstance(row, Row) else row
            for row in file.rows
        ]
        found.append(
            CodingsFile(
                file.path, [*file.columns, "coder"], rows, {**file.plain, "coder": "coder"}, file.sheet
            )
        )
    return found


class CodingRowError(Exception):
    """What is wrong with a row; ``at`` is the row to blame where several belong together, the first if not known."""

    def __init__(self, why: str, at: RawCoding | None = None) -> None:
        super().__init__(why)
        self.at = at


def each_record(
    file: CodingsFile, read: Callable[[Row, int], list[RawCoding]]
) -> Iterator[RawCoding | BadRow]:
    """Record by record, each with its number; one that is not as it should be (`CodingRowError`) comes as a bad row."""
    for row in file.rows:
        if isinstance(row, BadRow):
            yield row
            continue
        number = row.nth or row.line
        try:
            yield from read(row, number)
        except CodingRowError as error:
            yield BadRow(number, str(error), "")


def numbered(rows: Iterable[RawCoding | BadRow]) -> Iterator[RawCoding | BadRow]:
    """Rows of a file that is no table, counted from 1."""
    for number, row in enumerate(rows, 1):
        yield row._replace(line=number) if isinstance(row, BadRow) else row._replace(row=number)


class TaskRecord:
    """What came back of a task of ours, whatever the tool: of which unit (or trace), whose, under which codebook."""

    def __init__(self, number: int, data: dict[str, Any], nowhere: str, by: object = None) -> None:
        """Read the fields that every task has. Raises `CodingRowError` where one is no text, or (``nowhere``) none says of what it is."""
        self.unit_id = text_of(data, "unit_id") or ""
        self.trace_id = text_of(data, "trace_id") or text_of(data, "document") or ""
        self.text = text_of(data, "text") or ""
        unit, coder = text_of(data, "unit"), (text_of(data, "coder") or "").strip()
        book = text_of(data, "codebook")
        self._raw = RawCoding(number, coder, None, quote=unit, codebook=book, by=account(by))
        if not (self.unit_id or self.trace_id):
            raise CodingRowError(nowhere)

    def coding(self, cell: str | None, **more: Any) -> RawCoding:
        return self._raw._replace(cell=cell, unit_id=self.unit_id, whole=True, **more)

    def span(
        self,
        cell: str | None,
        start: object,
        end: object,
        quote: str | None = None,
        memo: str | None = None,
        *,
        utf16: bool = False,
    ) -> RawCoding:
        """A coding of a stretch of the task's text, in code points. ``utf16``: the offsets are counted as JavaScript does.

        Start 14, end 18 on "🙂 Okay. Wait, …" → start 13, end 17, quote "Wait". Where they do not lead to the quote they
        stay as they are.
        """
        given = (offset(start, "start"), offset(end, "end"))
        first, last = map(self._utf16, given) if utf16 else given
        inside = between(self.text, first, last)
        if not inside or quote not in (None, inside):
            first, last = given
        span = self._raw._replace(trace_id=self.trace_id, start=str(first), end=str(last))
        return span._replace(cell=cell, quote=quote or inside or None, memo=memo)

    @cached_property
    def _utf16(self) -> Callable[[int], int]:
        return code_points(map(utf16_units, self.text))


_ACCOUNT = ("email", "username", "name", "id")


def account(value: Any) -> str:
    """Whose account a tool names: a number, a name, or an object that has one of these."""
    if isinstance(value, dict):
        value = next((value[name] for name in _ACCOUNT if value.get(name) not in (None, "")), None)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return "" if value is None or isinstance(value, bool | list | dict) else str(value).strip()


def text_of(data: dict[str, Any], name: str) -> str | None:
    """A text, or ``None`` if it is empty or not there."""
    value = data.get(name)
    if value is None or isinstance(value, str):
        return value or None
    raise CodingRowError(f"{name} is no text but {in_short(value)}")


def texts(value: Any, name: str) -> list[str]:
    """A list of texts; one text alone is a list too, and nothing is an empty one."""
    if isinstance(value, str):
        return [value]
    return _list_of(str, value, f"{name} is no list of texts")


def objects(value: Any, name: str) -> list[dict[str, Any]]:
    """A list of objects; nothing is an empty one."""
    return _list_of(dict, value, f"{name} is no list of objects")


def _list_of(kind: type, value: Any, why: str) -> list[Any]:
    if value is None:
        return []
    if isinstance(value, list) and all(isinstance(each, kind) for each in value):
        return value
    raise CodingRowError(f"{why} but {in_short(value)}")


def in_short(value: Any) -> str:
    """What a value is, in a few words."""
    return f"{type(value).__name__} {json.dumps(value, ensure_ascii=False, default=str)[:40]}"


_RANKED = re.compile(r"(2nd|3rd|\d+th) (.+)", re.DOTALL)


def ranked_name(rank: int, code: str) -> str:
    """The name of a code at a place behind the first, for tools that do not keep an order.

    >>> ranked_name(1, "IA-SQ"), ranked_name(2, "IA-SQ"), ranked_name(3, "IA-SQ")
    ('2nd IA-SQ', '3rd IA-SQ', '4th IA-SQ')
    """
    return f"{ {1: '2nd', 2: '3rd'}.get(rank, f'{rank + 1}th') } {code}"


def codes_in_order(names: list[str]) -> str | None:
    """Codes whose places are in their names: ``["2nd OA-ME", "IA-SQ"]`` → ``IA-SQ; OA-ME``. ``None``: none was given."""
    placed: dict[int, str] = {}
    for name in names:
        found = _RANKED.fullmatch(name.strip())
        rank = 1 if not found else {"2nd": 2, "3rd": 3}.get(found[1]) or int(found[1][:-2][:3])
        if rank in placed:
            other = "two first codes" if rank == 1 else f"two codes at place {rank}"
            raise CodingRowError(f"{other}, {placed[rank]} and {name}: which one comes first is not said")
        placed[rank] = found[2] if found else name.strip()
    if placed and sorted(placed) != list(range(1, len(placed) + 1)):
        gap = min(set(range(1, 21)) - set(placed))
        raise CodingRowError(f"{', '.join(placed.values())}: there is no code at place {gap}")
    return "; ".join(placed[rank] for rank in sorted(placed)) or None


def codes_without_gap(names: Sequence[str], codes: Sequence[str | None]) -> str | None:
    """The codes of fields for the first, second … code; refused where one is empty and a later one is not."""
    found = [code or None for code in codes]
    given = [code for code in found if code]
    if found[: len(given)] != given:
        last, empty = names[found.index(given[-1])], names[found.index(None)]
        raise CodingRowError(f"{last} is {given[-1]}, and {empty} is empty")
    return "; ".join(given) or None


def offset(value: object, name: str) -> int:
    """A whole number, 0 or more. Raises `CodingRowError`."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**12:
        return value
    raise CodingRowError(f"{name} is no offset but {in_short(value)}")
