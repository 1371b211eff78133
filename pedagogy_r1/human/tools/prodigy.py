"""Prodigy: tasks of the choice interface and the settings of a recipe that shows them; and what ``prodigy db-out`` writes.

    A.prodigy.jsonl   {"text": "… >>>>> Wait, is it? <<<<< …", "options": [{"id": "IA-SQ", "text": "IA-SQ …"}, …], …}
    A.prodigy.json    {"view_id": "blocks", "config": {"blocks": [{"view_id": "choice"}, {"view_id": "text_input", …}], …}}

    {"text": "…", "unit_id": "u4be1…", "coder": "A", "accept": ["TR-SP", "2nd IA-SQ"], "answer": "accept",
     "memo": "asks itself", "flagged": true, "_input_hash": -17, "_task_hash": 42, …}
    {"text": "🙂 Okay. …", "document": "t90c2…", "spans": [{"start": 8, "end": 12, "label": "TR-SP"}], "answer": "accept", …}

Prodigy is not free, and was not run here: the fields are those of its documentation (interfaces "choice", "text_input",
"spans_manual"). A recipe of ten lines, in docs/packets.md, serves the two files. Second codes have ids of their own
("2nd IA-SQ"), since nothing says that ``accept`` keeps an order. Answers other than "accept" are missing ("rejected",
"ignored"). Offsets come from spaCy: code points. Of two answers to one task in one file the import says so: Prodigy keeps
both where somebody went back after saving.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ...codebook import NONE, Codebook
from ...files.records import Row, write_json, write_jsonl
from ..packet import MEMO, Packet, code_line, in_context, trace_records, unit_records
from ..raw_coding import (
    CodingRowError,
    RawCoding,
    TaskRecord,
    account,
    codes_in_order,
    each_record,
    in_short,
    objects,
    ranked_name,
    text_of,
    texts,
)
from . import CodingsReader, Tool

_TIME = re.compile(r"(.*-)?\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d")
_ANSWERS = {"accept": None, "reject": "rejected", "ignore": "ignored"}


def tool() -> Tool:

    def sniff(file: Any) -> float:
        return 0.95 if "answer" in file.plain and "_input_hash" in file.columns else 0.0

    return Tool({"prodigy": _write}, {"prodigy": CodingsReader(sniff, lambda file: each_record(file, _task))})


def _write(packet: Packet, coder: str, out: Path, *, spans: bool = False) -> list[Path]:
    """Write ``OUT/CODER.prodigy.jsonl`` and ``….prodigy.json``."""
    tasks, settings = out / f"{coder}.prodigy.jsonl", out / f"{coder}.prodigy.json"
    write_jsonl(tasks, trace_records(packet, coder) if spans else _units(packet, coder))
    write_json(settings, _settings(packet.codebook, spans))
    return [tasks, settings]


def _units(packet: Packet, coder: str) -> Iterator[dict[str, Any]]:
    options, shown = _options(packet.codebook), ("unit", "unit_id", "practice", "coder", "codebook")
    for record in unit_records(packet, coder):
        meta = {"number": record["number"], "trace": record["trace"]}
        fields = {name: record[name] for name in shown}
        yield {"text": in_context(record), "options": options, **fields, "meta": meta}


def _options(book: Codebook) -> list[dict[str, str]]:
    first = [{"id": code.id, "text": code_line(code)} for code in book.codes]
    more = [
        (ranked_name(rank, code.id), code.name) for rank in range(1, book.max_codes) for code in book.codes
    ]
    none = {"id": NONE, "text": "none: no code applies"}
    return [*first, none, *({"id": id, "text": f"{id} {name}"} for id, name in more)]


def _settings(book: Codebook, spans: bool) -> dict[str, Any]:
    if spans:
        names = [code.id for code in book.codes] + ([] if book.exhaustive else [NONE])
        return {"view_id": "spans_manual", "config": {"labels": names, "show_flag": True}}
    blocks = [
        {"view_id": "choice"},
        {"view_id": "text_input", "field_id": MEMO, "field_rows": 2, "field_label": MEMO},
    ]
    config = {"blocks": blocks, "choice_style": "multiple", "show_flag": True, "feed_overlap": True}
    return {"view_id": "blocks", "config": config}


def _task(row: Row, number: int) -> list[RawCoding]:
    data = row.data
    by = account(data.get("_annotator_id"))
    # Without a name in the address of the session Prodigy puts the time in its place.
    by = "" if _TIME.fullmatch(by) else by
    nowhere = "neither unit_id nor document (or trace_id): it is no task of a packet"
    task = TaskRecord(number, data, nowhere, by)
    answer = data.get("answer")
    if not isinstance(answer, str) or answer not in _ANSWERS:
        raise CodingRowError(f"answer is {in_short(answer)}, not one of {', '.join(_ANSWERS)}")
    reason = _ANSWERS[answer]
    if task.unit_id:
        codes = codes_in_order(texts(data.get("accept"), "accept")) if reason is None else None
        memo, flag = text_of(data, "memo"), data.get("flagged") is True
        return [task.coding(codes, memo=memo, flag=flag, missing_reason=reason)]
    return [
        task.span(text_of(span, "label"), span.get("start"), span.get("end"), text_of(span, "text"))
        for span in (objects(data.get("spans"), "spans") if reason is None else [])
    ]
