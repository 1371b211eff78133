"""What coders filled in in a workbook or CSV file of a packet: a row a unit, a column for each code.

    …,unit,primary_code,second_code,memo,flag,unit_id,coder,codebook
    …,"Wait, is it?",TR-SP,IA-SQ,asks itself,yes,u4be1…,A,schoen@1.0.0#1f0c…

Label Studio's exports CSV and JSON-MIN have these columns too, beside its own. Without the column ``coder``, say
``--coder``. An empty row is missing, whatever its flag.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from ...files.records import BadRow, Row
from . import Columns, Importer, RawCoding, Table

FIRST = "primary_code"
_RANKS = (FIRST, "second_code", "third_code", *(f"code_{n}" for n in range(4, 21)))
_READ = {*_RANKS, "memo", "flag", "unit_id", "unit", "coder", "codebook"}
SHOWN = {"number", "trace", "practice", "question", "before", "after"}
_NO = ("", "no", "false", "0")


class _Sheet:
    def sniff(self, table: Table) -> float:
        return 1.0 if {"unit_id", FIRST} <= table.plain.keys() else 0.0

    def columns(self, table: Table) -> Columns:
        return Columns([], [column for plain, column in table.plain.items() if plain not in _READ | SHOWN])

    def read(self, table: Table) -> Iterator[RawCoding | BadRow]:
        ranks = [name for name in _RANKS if name in table.plain]
        for row in table.rows:
            yield row if isinstance(row, BadRow) else _raw(table, row, ranks)


def importer() -> Importer:
    """The importer of filled-in sheets."""
    return _Sheet()


def _raw(table: Table, row: Row, ranks: list[str]) -> RawCoding | BadRow:
    number = row.nth or row.line
    for name in (*ranks, "memo", "flag", "unit", "unit_id", "coder", "codebook"):
        value = row.data.get(table.plain.get(name, name))
        if isinstance(value, dict) or (
            isinstance(value, list) and not all(isinstance(v, str) for v in value)
        ):
            return BadRow(number, f"{name} is no text", _excerpt(row.data))
    codes = [table.cell(row, name) for name in ranks]
    given = [code for code in codes if code]
    if given and codes[: len(given)] != given:
        empty = ranks[codes.index(None)]
        return BadRow(number, f"{ranks[codes.index(given[-1])]} is {given[-1]}, and {empty} is empty", "")
    flag = table.cell(row, "flag") or ""
    return RawCoding(
        number,
        table.cell(row, "coder") or "",
        "; ".join(given) or None,
        table.cell(row, "unit_id") or "",
        quote=table.text(row, "unit"),
        memo=_memo(table, row),
        whole=True,
        codebook=table.cell(row, "codebook"),
        flag=flag.lower() not in _NO,
    )


def _memo(table: Table, row: Row) -> str | None:
    value = row.data.get(table.plain.get("memo", "memo"))
    if isinstance(value, list):
        return "\n".join(value) or None
    return table.remark(row, "memo")


def _excerpt(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)[:500]
