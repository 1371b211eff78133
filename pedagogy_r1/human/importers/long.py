"""Long tables: one row per unit × code, the first row of a unit is its primary code.

    trace_id,start,end,quote,coder,code,memo            unit_id,coder,code,memo
    aime-3,512,547,"Wait, that …",A,TR-SP,              u4be1…,A,TR-SP,
    aime-3,512,547,"Wait, that …",A,IA-SQ,asks itself   u4be1…,A,IA-SQ,asks itself

What ``pcode export`` writes is such a table too; its rank, reasons, evidence, confidence and kinds of coders come back in.
"""

from __future__ import annotations

from collections.abc import Iterator

from ...files.records import BadRow, Row
from . import Columns, Importer, RawCoding, Table

SPAN = ("trace_id", "start", "end", "quote")
_EXPORT = ("unit_id", "run_id", "rank", "missing_reason")
_READ = ("unit_id", *SPAN, "text", "coder", "code", "memo", "rationale", "codebook")
_READ_OF_EXPORT = (
    *_READ,
    "rank",
    "missing_reason",
    "evidence",
    "confidence",
    "overlap",
    "carried_from",
    "scheme",
    "run_id",
    "kind",
)


class _Long:
    def sniff(self, table: Table) -> float:
        if not {"coder", "code"} <= table.plain.keys():
            return 0.0
        return 1.0 if "unit_id" in table.plain or set(SPAN) <= table.plain.keys() else 0.0

    def columns(self, table: Table) -> Columns:
        read = _READ_OF_EXPORT if _is_export(table) else _READ
        return Columns([], [column for plain, column in table.plain.items() if plain not in read])

    def read(self, table: Table) -> Iterator[RawCoding | BadRow]:
        export = _is_export(table)
        for row in table.rows:
            yield row if isinstance(row, BadRow) else _raw(table, row, export)


def importer() -> Importer:
    """The importer of long tables."""
    return _Long()


def _is_export(table: Table) -> bool:
    return all(name in table.plain for name in _EXPORT)


def _raw(table: Table, row: Row, export: bool) -> RawCoding:
    def cell(name: str) -> str | None:
        return table.cell(row, name)

    memo = "\n".join(text for text in (table.remark(row, "memo"), table.remark(row, "rationale")) if text)
    raw = RawCoding(
        row=row.line,
        coder=cell("coder") or "",
        cell=cell("code"),
        unit_id=cell("unit_id") or "",
        trace_id=cell("trace_id") or "",
        start=cell("start"),
        end=cell("end"),
        quote=table.text(row, "quote") or table.text(row, "text"),
        memo=memo or None,
        codebook=cell("codebook"),
    )
    if not export:
        return raw
    rank = cell("rank")
    return raw._replace(
        rank=int(rank) if rank and rank.isascii() and rank.isdigit() and len(rank) < 9 else None,
        missing_reason=cell("missing_reason"),
        exported=True,
        evidence=table.remark(row, "evidence"),
        confidence=cell("confidence"),
        overlap=cell("overlap"),
        carried_from=cell("carried_from"),
        kind=cell("kind"),
    )
