"""Tables that people make themselves, in any program: long or wide.

    trace_id,start,end,quote,coder,code,memo            unit_id,text,A,B
    aime-3,512,547,"Wait, that …",A,TR-SP,              u4be1…,"Wait, that …",TR-SP; IA-SQ,TR-SP
    aime-3,512,547,"Wait, that …",A,IA-SQ,asks itself   u90c2…,"So 24.",,none

Long: one row per unit × code, with ``unit_id`` or a span; the first row of a unit is its primary code. What ``pcode export``
writes is such a table too; its rank, reasons, evidence, confidence and kinds of coders come back in.

Wide: one row a unit, one column a coder; a cell holds the primary code, and after a semicolon the second. An empty cell is
missing; "none" says that none applies. Columns that describe the unit (text, trace_id, start, model …) are no coders, nor
are ``memo`` columns; ``A memo``, ``A_memo`` and ``memo_A`` are A's memos.

The ``codings.jsonl`` of a run is read as well, for whoever changed it by hand: one line a unit and coder, with a list of ``codes``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...codebook import NONE
from ...files.records import BadRow, Row
from ...intake.fields import plain_name
from ..packet import TASK
from ..raw_coding import CodingRowError, CodingsFile, RawCoding, each_record
from . import CodingsReader, Columns, Tool

SPAN = ("trace_id", "start", "end", "quote")
_EXPORT = ("unit_id", "run_id", "rank", "missing_reason")
_READ = {"unit_id", *SPAN, "text", "coder", "code", "memo", "rationale", "codebook", "kind"}
_TEXTS = ("missing_reason", "confidence", "overlap", "carried_from", "stage")
_READ_OF_EXPORT = {*_READ, *_TEXTS, "rank", "evidence", "scheme", "run_id"}
_TRACE = "trace_id item question answer reference correct domain condition model lang"
_UNIT = "unit_id unit_index index start end text quote tokens scheme codebook run_id"
CONTEXT = frozenset(f"{_TRACE} {_UNIT} memo memos note notes comment comments".split())
"""Columns (plain names) that describe a unit and are never taken for a coder."""


def tool() -> Tool:
    """Long and wide tables, which are read and not written."""
    long = CodingsReader(_is_long, _read_long, _long_columns)
    run = CodingsReader(_is_run, _read_run, _run_columns)
    return Tool(reads={"long": long, "wide": CodingsReader(_is_wide, _read_wide, _wide_columns), "run": run})


def _is_long(file: CodingsFile) -> float:
    known = file.plain.keys()
    return float({"coder", "code"} <= known and ("unit_id" in known or set(SPAN) <= known))


def _is_export(file: CodingsFile) -> bool:
    return all(name in file.plain for name in _EXPORT)


def _long_columns(file: CodingsFile) -> Columns:
    read = _READ_OF_EXPORT if _is_export(file) else _READ
    return Columns([], [column for plain, column in file.plain.items() if plain not in read])


def _read_long(file: CodingsFile) -> Iterator[RawCoding | BadRow]:
    def read(row: Row, _: int) -> list[RawCoding]:
        memos = (file.remark(row, "memo"), file.remark(row, "rationale"))
        raw = RawCoding(
            row=row.line,
            coder=file.cell(row, "coder") or "",
            cell=file.cell(row, "code"),
            unit_id=file.cell(row, "unit_id") or "",
            trace_id=file.cell(row, "trace_id") or "",
            start=file.cell(row, "start"),
            end=file.cell(row, "end"),
            quote=file.text(row, "quote") or file.text(row, "text"),
            memo="\n".join(filter(None, memos)) or None,
            codebook=file.cell(row, "codebook"),
            kind=file.cell(row, "kind"),
        )
        return [_of_export(file, row, raw) if export else raw]

    export = _is_export(file)
    return each_record(file, read)


def _of_export(file: CodingsFile, row: Row, raw: RawCoding) -> RawCoding:
    rank = file.cell(row, "rank") or ""
    more: dict[str, Any] = {name: file.cell(row, name) for name in _TEXTS}
    more["rank"] = int(rank) if rank.isascii() and rank.isdigit() and len(rank) < 9 else None
    return raw._replace(exported=True, evidence=file.remark(row, "evidence"), **more)


def _is_run(file: CodingsFile) -> float:
    return float(file.plain.keys() >= {"unit_id", "coder", "codes", "run_id"})


def _run_columns(file: CodingsFile) -> Columns:
    read = _READ_OF_EXPORT | {"codes"}
    return Columns([], [column for plain, column in file.plain.items() if plain not in read])


def _read_run(file: CodingsFile) -> Iterator[RawCoding | BadRow]:
    def read(row: Row, _: int) -> list[RawCoding]:
        codes = row.data.get("codes")
        if codes is not None and not (isinstance(codes, list) and all(isinstance(c, str) for c in codes)):
            raise CodingRowError(f"codes is {str(codes)[:60]!r}, and no list of codes or null")
        raw = RawCoding(
            row=row.line,
            coder=file.cell(row, "coder") or "",
            cell=None,
            unit_id=file.cell(row, "unit_id") or "",
            memo=file.remark(row, "rationale"),
            codebook=file.cell(row, "codebook"),
        )
        cells = [None] if codes is None else codes or [NONE]
        return [_of_export(file, row, raw._replace(cell=c))._replace(rank=n) for n, c in enumerate(cells, 1)]

    return each_record(file, read)


def _is_wide(file: CodingsFile) -> float:
    known = file.plain
    if "unit_id" not in known or "code" in known or known.keys() >= TASK:
        return 0.0
    return 0.8 if _coders(file) else 0.0


def _coders(file: CodingsFile) -> dict[str, list[str]]:
    """The columns of coders, and those of each one's memos."""
    others = [column for plain, column in file.plain.items() if plain not in CONTEXT]
    memos = {column: [f"{plain_name(column)}_memo", f"memo_{plain_name(column)}"] for column in others}
    taken = {name for names in memos.values() for name in names}
    found = {
        column: [name for name in memos[column] if name in file.plain]
        for column in others
        if plain_name(column) not in taken
    }
    if len(found) == 1:
        found[next(iter(found))] += ["memo"]
    return found


def _wide_columns(file: CodingsFile) -> Columns:
    coders = _coders(file)
    names = {"unit_id", "text", "quote", *(name for memos in coders.values() for name in memos)}
    read = {*coders, *(file.plain[name] for name in names & file.plain.keys())}
    return Columns(list(coders), [column for column in file.columns if column not in read])


def _read_wide(file: CodingsFile) -> Iterator[RawCoding | BadRow]:
    def read(row: Row, _: int) -> list[RawCoding]:
        unit_id = file.cell(row, "unit_id") or ""
        quote = file.text(row, "text") or file.text(row, "quote")
        found = []
        for coder, names in coders.items():
            memo = "\n".join(text for name in names if (text := file.cell(row, name))) or None
            cell = file.value(row, coder)
            found.append(
                RawCoding(row.line, coder.strip(), cell, unit_id, quote=quote, memo=memo, whole=True)
            )
        return found

    coders = _coders(file)
    return each_record(file, read)
