"""doccano: data set and codes to import into a project of their own, and what it exports (JSONL or JSON).

    A.doccano.jsonl         {"text": "[question] … >>>>> Wait, is it? <<<<< …", "label": [], "unit_id": "u4be1…", …}
    A.doccano.labels.json   [{"text": "IA-SQ", …}, {"text": "2nd IA-SQ", …}, {"text": "none", …}, {"text": "flag", …}]

    {"id": 7, "text": "…", "unit_id": "u4be1…", "coder": "A", "label": ["2nd IA-SQ", "TR-SP"], "Comments": ["asks itself"]}
    {"id": 8, "text": "🙂 Okay. …", "document": "t90c2…", "label": [[9, 13, "TR-SP"]], "Comments": []}

Make a project *Text Classification* without single choice, Import Dataset (JSONL, columns text and label), then Labels →
Import. With ``spans``: a project *Sequence Labeling*, a trace a text. A comment is a memo.

Only texts that were marked as done are exported. doccano sorts the names, so the place of a second code is in its name.
Its page counts spans in UTF-16 code units, unless the project counts grapheme clusters: then offsets cannot be trusted.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from typing import Any

from ...codebook import NONE, Codebook
from ...files.records import Row, write_json, write_jsonl
from ..packet import FLAG, Packet, in_context, trace_records, unit_records
from ..raw_coding import (
    CodingRowError,
    CodingsFile,
    RawCoding,
    TaskRecord,
    codes_in_order,
    each_record,
    objects,
    ranked_name,
    text_of,
    texts,
)
from . import CodingsReader, Columns, Tool

_COLOURS = (
    *("#4477aa", "#ee6677", "#228833", "#aa8800", "#3399bb", "#aa3377"),
    *("#666666", "#994455", "#117733", "#332288"),
)
_OURS = {"number", "practice", "unit", "unit_id", "coder", "codebook", "document", "trace_id", "question"}
_ACCOUNTS = ("annotator", "user", "username")
_READ = _OURS | {"id", "text", "label", "entities", "comments", *_ACCOUNTS}


def tool() -> Tool:
    reader = CodingsReader(_sniff, lambda file: each_record(file, _text), _columns)
    return Tool({"doccano": _write}, {"doccano": reader})


def _write(packet: Packet, coder: str, out: Path, *, spans: bool = False) -> list[Path]:
    """Write ``OUT/CODER.doccano.jsonl`` and ``….labels.json``."""
    data, names = out / f"{coder}.doccano.jsonl", out / f"{coder}.doccano.labels.json"
    write_jsonl(data, trace_records(packet, coder, label=[]) if spans else _units(packet, coder))
    write_json(names, _names(packet.codebook, spans))
    return [data, names]


def _units(packet: Packet, coder: str) -> Iterator[dict[str, Any]]:
    shown = ("number", "practice", "unit", "unit_id", "coder", "codebook")
    for record in unit_records(packet, coder):
        yield {"text": in_context(record), "label": [], **{name: record[name] for name in shown}}


def _names(book: Codebook, spans: bool) -> list[dict[str, Any]]:
    """Codes with a key to press each, while there are keys; then what else can be said of a unit."""
    keys = iter("1234567890")
    colours = [code.color or spare for code, spare in zip(book.codes, cycle(_COLOURS), strict=False)]
    codes = list(zip(book.code_ids, colours, strict=True))
    found = [_name(code, colour, next(keys, None)) for code, colour in codes]
    if spans:
        return found if book.exhaustive else [*found, _name(NONE, "#999999", "n")]
    for rank in range(1, book.max_codes):
        found += [_name(ranked_name(rank, code), colour) for code, colour in codes]
    return [*found, _name(NONE, "#999999", "n"), _name(FLAG, "#cc3311", "f")]


def _name(text: str, colour: str, key: str | None = None) -> dict[str, Any]:
    return {"text": text, "suffix_key": key, "background_color": colour, "text_color": "#ffffff"}


def _sniff(file: CodingsFile) -> float:
    known = file.plain.keys()
    ours = {"label", "entities"} & known and {"unit_id", "document", "trace_id"} & known
    return 0.9 if ours and {"id", "text"} <= known else 0.0


def _columns(file: CodingsFile) -> Columns:
    # A comment on a whole trace is about none of its spans.
    read = _READ if "unit_id" in file.plain else _READ - {"comments"}
    return Columns([], [column for plain, column in file.plain.items() if plain not in read])


def _text(row: Row, number: int) -> list[RawCoding]:
    data = row.data
    nowhere = "neither unit_id nor document (or trace_id): it is no text of a packet"
    by = next((data[name] for name in _ACCOUNTS if data.get(name)), None)
    task = TaskRecord(number, data, nowhere, by)
    if task.unit_id:
        names = texts(data.get("label"), "label")
        codes = codes_in_order([name for name in names if name != FLAG])
        return [task.coding(codes, memo=_memo(data), flag=FLAG in names)]
    return [task.span(_code(name), start, end, utf16=True) for start, end, name in _marks(data)]


def _marks(data: dict[str, Any]) -> Iterator[tuple[object, object, object]]:
    """Spans as triples, or, of a project with relations, as objects."""
    for each in objects(data.get("entities"), "entities"):
        yield each.get("start_offset"), each.get("end_offset"), each.get("label")
    spans = data.get("label")
    if spans is None:
        return
    if not isinstance(spans, list):
        raise CodingRowError(f"label is no list of spans but {type(spans).__name__}")
    for span in spans:
        if not (isinstance(span, list) and len(span) == 3):
            raise CodingRowError("a span is not [start, end, code]")
        yield span[0], span[1], span[2]


def _code(value: object) -> str:
    if isinstance(value, str) and value:
        return value
    raise CodingRowError("the code of a span is no text")


def _memo(data: dict[str, Any]) -> str | None:
    """Comments; a project with relations exports them as objects."""
    said = data.get("Comments")
    if isinstance(said, list) and any(isinstance(each, dict) for each in said):
        said = [text_of(each, "comment") or "" for each in objects(said, "Comments")]
    return "\n".join(each for each in texts(said, "Comments") if each) or None
