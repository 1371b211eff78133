"""What doccano exports (JSONL or JSON): texts with the codes they were given, comments, and the fields of the data set.

    {"id": 7, "text": "…", "unit_id": "u4be1…", "coder": "A", "label": ["2nd IA-SQ", "TR-SP"], "Comments": ["asks itself"]}
    {"id": 8, "text": "🙂 Okay. …", "document": "t90c2…", "label": [[9, 13, "TR-SP"]], "Comments": []}

Only texts that were marked as done are exported. doccano sorts the names, so the place of a second code is in its name.
Its page counts spans in UTF-16 code units, unless the project counts grapheme clusters: then offsets cannot be trusted.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...files.records import BadRow, Row
from . import Columns, Importer, RawCoding, Table
from ._tool import FLAG, Odd, codes_in_order, each_record, home, objects, text_of, texts

_OURS = {"number", "practice", "unit", "unit_id", "coder", "codebook", "document", "trace_id", "question"}
_READ = _OURS | {"id", "text", "label", "entities", "comments"}


class _Doccano:
    def sniff(self, table: Table) -> float:
        codes = {"label", "entities"} & table.plain.keys()
        homes = {"unit_id", "document", "trace_id"} & table.plain.keys()
        return 0.9 if codes and homes and {"id", "text"} <= table.plain.keys() else 0.0

    def columns(self, table: Table) -> Columns:
        # A comment on a whole trace is about none of its spans.
        read = _READ if "unit_id" in table.plain else _READ - {"comments"}
        return Columns([], [column for plain, column in table.plain.items() if plain not in read])

    def read(self, table: Table) -> Iterator[RawCoding | BadRow]:
        return each_record(table, _text)


def importer() -> Importer:
    """The importer of doccano's exports."""
    return _Doccano()


def _text(row: Row, number: int) -> list[RawCoding]:
    where, data = home(row.data), row.data
    if where.unit_id:
        names = texts(data.get("label"), "label")
        codes = codes_in_order([name for name in names if name != FLAG])
        return [where.raw(number, codes, memo=_memo(data), flag=FLAG in names)]
    if not where.trace_id:
        raise Odd("neither unit_id nor document (or trace_id): it is no text of a packet")
    return [where.span(number, _name(name), start, end, None) for start, end, name in _marks(data)]


def _marks(data: dict[str, Any]) -> Iterator[tuple[object, object, object]]:
    """Spans as triples, or, of a project with relations, as objects."""
    for each in objects(data.get("entities"), "entities"):
        yield each.get("start_offset"), each.get("end_offset"), each.get("label")
    spans = data.get("label")
    if spans is None:
        return
    if not isinstance(spans, list):
        raise Odd(f"label is no list of spans but {type(spans).__name__}")
    for span in spans:
        if not (isinstance(span, list) and len(span) == 3):
            raise Odd("a span is not [start, end, code]")
        yield span[0], span[1], span[2]


def _name(value: object) -> str:
    if isinstance(value, str) and value:
        return value
    raise Odd("the code of a span is no text")


def _memo(data: dict[str, Any]) -> str | None:
    """Comments; a project with relations exports them as objects."""
    said = data.get("Comments")
    if isinstance(said, list) and any(isinstance(each, dict) for each in said):
        said = [text_of(each, "comment") or "" for each in objects(said, "Comments")]
    return "\n".join(each for each in texts(said, "Comments") if each) or None
