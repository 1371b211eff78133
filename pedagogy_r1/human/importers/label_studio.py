"""What Label Studio exports as JSON: tasks, their annotations, and each annotation's results.

    [{"data": {"unit_id": "u4be1…", "unit": "Wait, is it?", "coder": "A", …}, "annotations": [{"completed_by": 1, "result": [
      {"from_name": "primary_code", "type": "choices", "value": {"choices": ["TR-SP"]}},
      {"from_name": "memo", "type": "textarea", "value": {"text": ["asks itself"]}}]}]}]

Also spans: ``{"type": "labels", "value": {"start": 9, "end": 21, "text": "Wait, is it?", "labels": ["TR-SP"]}}``, counted in
UTF-16 code units of the task's text. A skipped task is missing. Row numbers are those of the tasks.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...files.records import BadRow, Row
from . import Columns, Importer, RawCoding, Table
from ._tool import FLAG, Home, Odd, each_record, home, objects, text_of, texts
from .sheet import _RANKS

SKIPPED = "skipped"


class _LabelStudio:
    def sniff(self, table: Table) -> float:
        return 0.95 if {"data", "annotations"} <= table.plain.keys() else 0.0

    def columns(self, table: Table) -> Columns:
        return Columns([], ["predictions"] if "predictions" in table.plain else [])

    def read(self, table: Table) -> Iterator[RawCoding | BadRow]:
        return each_record(table, _task)


def importer() -> Importer:
    """The importer of Label Studio's JSON."""
    return _LabelStudio()


def _task(row: Row, number: int) -> list[RawCoding]:
    data = row.data.get("data")
    if not isinstance(data, dict):
        raise Odd("the task has no data")
    where = home(data)
    if not (where.unit_id or where.trace_id):
        raise Odd("its data has neither unit_id nor document (or trace_id): it is no task of a packet")
    made = objects(row.data.get("annotations"), "annotations")
    if len(made) > 1:
        who = ", ".join(str(each.get("completed_by"))[:60] for each in made)
        raise Odd(
            f"{len(made)} annotations of one task (completed_by {who}): one project a coder, or export one person's"
        )
    return [raw for each in made for raw in _annotation(each, where, number)]


def _annotation(made: dict[str, Any], where: Home, number: int) -> list[RawCoding]:
    results = objects(made.get("result"), "result")
    if made.get("was_cancelled") is True:
        return [where.raw(number, None, missing_reason=SKIPPED)] if where.unit_id else []
    return [_unit(results, where, number)] if where.unit_id else _spans(results, where, number)


def _unit(results: list[dict[str, Any]], where: Home, number: int) -> RawCoding:
    said = {name: _said(results, name) for name in (*_RANKS, "memo", FLAG)}
    codes = [said[name] for name in _RANKS]
    several = next((name for name in _RANKS if len(said[name]) > 1), None)
    if several:
        raise Odd(f"{several} is {' and '.join(said[several])}")
    given = [code[0] for code in codes if code]
    if codes[: len(given)] != [[code] for code in given]:
        raise Odd(
            f"{_RANKS[codes.index([given[-1]])]} is {given[-1]}, and {_RANKS[codes.index([])]} is empty"
        )
    return where.raw(
        number, "; ".join(given) or None, memo="\n".join(said["memo"]) or None, flag=bool(said[FLAG])
    )


def _said(results: list[dict[str, Any]], name: str) -> list[str]:
    found: list[str] = []
    for result in results:
        if result.get("from_name") == name:
            found += texts(_value(result).get("text" if name == "memo" else "choices"), name)
    return found


def _value(result: dict[str, Any]) -> dict[str, Any]:
    value = result.get("value")
    if not isinstance(value, dict):
        raise Odd(f"the value of {str(result.get('from_name'))[:40]} is no object")
    return value


def _spans(results: list[dict[str, Any]], where: Home, number: int) -> list[RawCoding]:
    """A region is all results of one id: what was marked, and a memo about it."""
    memos: dict[str, list[str]] = {}
    for result in results:
        if result.get("type") == "textarea":
            memos.setdefault(str(result.get("id")), []).extend(texts(_value(result).get("text"), "memo"))
    found = []
    for result in results:
        if result.get("type") != "labels":
            continue
        value = _value(result)
        names = texts(value.get("labels"), "labels")
        memo = "\n".join(memos.get(str(result.get("id")), [])) or None
        span = where.span(
            number,
            "; ".join(names) or None,
            value.get("start"),
            value.get("end"),
            text_of(value, "text"),
            memo=memo,
        )
        found.append(span)
    return found
