"""What ``prodigy db-out`` writes: tasks as they were sent, with the answer.

    {"text": "…", "unit_id": "u4be1…", "coder": "A", "accept": ["TR-SP", "2nd IA-SQ"], "answer": "accept",
     "memo": "asks itself", "flagged": true, "_input_hash": -17, "_task_hash": 42, …}
    {"text": "🙂 Okay. …", "document": "t90c2…", "spans": [{"start": 8, "end": 12, "label": "TR-SP"}], "answer": "accept", …}

Answers other than "accept" are missing ("rejected", "ignored"). Offsets come from spaCy: code points. Of two answers to one
task in one file, the judging says so: Prodigy keeps both where somebody went back after saving.
"""

from __future__ import annotations

from collections.abc import Iterator

from ...files.records import BadRow, Row
from . import Columns, Importer, RawCoding, Table
from ._tool import Odd, codes_in_order, each_record, home, kind, objects, offset, text_of, texts

_ANSWERS = {"accept": None, "reject": "rejected", "ignore": "ignored"}


class _Prodigy:
    def sniff(self, table: Table) -> float:
        return 0.95 if "answer" in table.plain and "_input_hash" in table.columns else 0.0

    def columns(self, table: Table) -> Columns:
        return Columns([], [])

    def read(self, table: Table) -> Iterator[RawCoding | BadRow]:
        return each_record(table, _task)


def importer() -> Importer:
    """The importer of Prodigy's JSONL."""
    return _Prodigy()


def _task(row: Row, number: int) -> list[RawCoding]:
    data, where = row.data, home(row.data)
    answer = data.get("answer")
    if not isinstance(answer, str) or answer not in _ANSWERS:
        raise Odd(f"answer is {kind(answer)}, not one of {', '.join(_ANSWERS)}")
    reason = _ANSWERS[answer]
    if where.unit_id:
        codes = codes_in_order(texts(data.get("accept"), "accept")) if reason is None else None
        return [
            where.raw(
                number,
                codes,
                memo=text_of(data, "memo"),
                flag=data.get("flagged") is True,
                missing_reason=reason,
            )
        ]
    if not where.trace_id:
        raise Odd("neither unit_id nor document (or trace_id): it is no task of a packet")
    if reason is not None:
        return []
    found = []
    for span in objects(data.get("spans"), "spans"):
        start, end = offset(span.get("start"), "start"), offset(span.get("end"), "end")
        quote = text_of(span, "text") or (where.text or "")[start:end] or None
        found.append(
            RawCoding(
                number,
                where.coder,
                text_of(span, "label"),
                trace_id=where.trace_id,
                start=str(start),
                end=str(end),
                quote=quote,
                codebook=where.codebook,
            )
        )
    return found
