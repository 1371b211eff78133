"""Wide tables: one row a unit, one column a coder; a cell holds the primary code, and after a semicolon the second.

    unit_id,text,A,B
    u4be1…,"Wait, that …",TR-SP; IA-SQ,TR-SP
    u90c2…,"So 24.",,none                       A's cell is empty: missing. B's: none applies.

Columns that describe the unit (text, trace_id, start, model …) are no coders, nor are ``memo`` columns; ``A memo``,
``A_memo`` and ``memo_A`` are A's memos.
"""

from __future__ import annotations

from collections.abc import Iterator

from ...files.records import BadRow
from . import Columns, Importer, RawCoding, Table, plain_name

_TRACE = (
    "trace_id",
    "item",
    "question",
    "answer",
    "reference",
    "correct",
    "domain",
    "condition",
    "model",
    "lang",
)
_UNIT = (
    "unit_id",
    "unit_index",
    "index",
    "start",
    "end",
    "text",
    "quote",
    "tokens",
    "scheme",
    "codebook",
    "run_id",
)
CONTEXT = frozenset((*_TRACE, *_UNIT, "memo", "memos", "note", "notes", "comment", "comments"))
"""Columns (plain names) that describe a unit and are never taken for a coder."""


class _Wide:
    def sniff(self, table: Table) -> float:
        return (
            0.8
            if "unit_id" in table.plain and "code" not in table.plain and self.columns(table).coders
            else 0.0
        )

    def columns(self, table: Table) -> Columns:
        others = [column for plain, column in table.plain.items() if plain not in CONTEXT]
        memos = {memo for column in others for memo in _memo_names(column)}
        coders = [column for column in others if plain_name(column) not in memos]
        read = {*coders, *(table.plain[name] for name in ("unit_id", "text", "quote") if name in table.plain)}
        read |= {table.plain[name] for name in memos if name in table.plain}
        if len(coders) == 1:
            read |= {table.plain[name] for name in ("memo",) if name in table.plain}
        return Columns(coders, [column for column in table.columns if column not in read])

    def read(self, table: Table) -> Iterator[RawCoding | BadRow]:
        coders = self.columns(table).coders
        memos = {coder: [n for n in _memo_names(coder) if n in table.plain] for coder in coders}
        if len(coders) == 1:
            memos[coders[0]].append("memo")
        for row in table.rows:
            if isinstance(row, BadRow):
                yield row
                continue
            unit_id = table.cell(row, "unit_id") or ""
            quote = table.text(row, "text") or table.text(row, "quote")
            for coder in coders:
                memo = "\n".join(text for name in memos[coder] if (text := table.cell(row, name)))
                yield RawCoding(
                    row.line,
                    coder.strip(),
                    table.value(row, coder),
                    unit_id,
                    quote=quote,
                    memo=memo or None,
                    whole=True,
                )


def importer() -> Importer:
    """The importer of wide tables."""
    return _Wide()


def _memo_names(coder: str) -> tuple[str, str]:
    return f"{plain_name(coder)}_memo", f"memo_{plain_name(coder)}"
