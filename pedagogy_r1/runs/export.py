"""``pcode export``: runs as one tidy table, a row per unit × coder × code, with the trace's fields joined.

    trace_id,item,…,unit_id,unit_index,start,end,text,…,coder,run_id,rank,code,missing_reason,…
    aime-3,…       ,u4be1…,7,512,547,"Wait, …",…,A,import-…,1,TR-SP,,…
    aime-3,…       ,u4be1…,7,512,547,"Wait, …",…,A,import-…,2,IA-SQ,,…
    aime-3,…       ,u4be1…,7,512,547,"Wait, …",…,B,import-…,1,,empty cell,…

``rank`` counts a coder's codes of a unit from 1. A unit without a code has one row, rank 1, with an empty code: and a
reason if it is missing, none if no code applies. A unit that a coder of the run never coded has the reason "not coded".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import Any, Literal

from ..errors import ArgumentError, InputError
from ..files.records import atomic, write_csv, write_jsonl
from ..files.spreadsheet import CELL_LIMIT, ROW_LIMIT, harmless, neutralise, sheet_text
from ..trace import Trace, Unit
from .network_table import NA, WHERE, NetworkTable, ena_table, tna_table
from .run import NOT_CODED, CoderRun, Coding, Manifest, one_codebook, opened, require_complete
from .run_columns import TRACE_FIELDS
from .scout_table import scout_table
from .wide_table import wide_table

_CONTRACT = (
    "trace_id item domain condition model unit_id unit_index start end text tokens coder run_id "
    "rank code missing_reason evidence confidence rationale"
)
_KINDS = dict.fromkeys(("unit_index", "start", "end", "tokens", "rank"), "integer") | {
    "confidence": "number",
    "overlap": "number",
    "correct": "truth",
}
COLUMNS = {
    name: _KINDS.get(name, "text")
    for name in f"{_CONTRACT} codebook scheme correct overlap carried_from kind run_status stage".split()
}
"""Columns in order, and what they hold. The first of them, up to rationale, are a contract; more may follow."""

Record = dict[str, Any]
Columns = Mapping[str, str]


def export_runs(
    runs: Iterable[CoderRun | str | Path],
    out: str | Path,
    *,
    partial: bool = False,
    for_: Literal["ena", "tna", "scout"] | None = None,
    wide: bool = False,
) -> int:
    """Write the codings of ``runs`` to ``out`` (CSV, XLSX, Parquet or JSONL, by its suffix), whole or not at all.

    Returns the number of rows. ``for_``: instead of the tidy table one that R's ``rENA`` or ``tna`` reads as it is
    (`network_table`), or ``scout``, in the columns of inspect_scout's results (`scout_table`); ``wide``: one with a row a unit and a column a coder (`wide_table`); for both the runs must share one codebook. ``partial``: also of runs that are not complete, the traces
    they have; the column ``run_status`` tells them. Of runs that are restricted to some traces a last column ``where`` says so. In CSV and XLSX, text that a spreadsheet would run as a formula gets an apostrophe in
    front (`files.spreadsheet`); ``pcode import`` takes it away again.
    """
    out = Path(out)
    writers = {".csv": _write_csv, ".xlsx": _write_xlsx, ".parquet": _write_parquet, ".jsonl": _write_jsonl}
    if out.suffix.lower() not in writers:
        raise InputError(
            f"{out}: cannot tell the format from the suffix {out.suffix!r}",
            f"use one of {', '.join(writers)}",
        )
    found = opened(runs)
    if not found:
        raise InputError("no run to export", "name at least one run directory")
    if wide and for_:
        raise ArgumentError(f"--wide and --for {for_} exclude each other", "say one of them")
    require_complete(found, partial)
    spare_runs(out)
    missing = NA if out.suffix.lower() in (".csv", ".xlsx") else None
    if wide:
        table = wide_table(found, missing=missing)
    elif for_ == "scout":
        table = scout_table(found)
    elif for_ is None:
        table = NetworkTable(COLUMNS, (record for run in found for record in records(run)))
    else:
        book = one_codebook(found)
        table = ena_table(found, book) if for_ == "ena" else tna_table(found, book, missing=missing)
    return writers[out.suffix.lower()](out, *_marked(table, found))


def _marked(table: NetworkTable, runs: Sequence[CoderRun]) -> NetworkTable:
    """With a last column ``where`` that says to which traces the runs are restricted, where they are."""
    said = runs[0].picked.said if runs[0].picked else None
    if said is None:
        return table
    return NetworkTable(table.columns | {WHERE: "text"}, (row | {WHERE: said} for row in table.rows))


def spare_runs(out: Path) -> None:
    """Raises `InputError` where a file is to be written into a run directory, or is one."""
    if out.is_dir():
        raise InputError(f"{out}: is a directory", "name a file with -o")
    if (out.resolve().parent / "run.json").is_file():
        raise InputError(
            f"{out} lies in a run directory, whose files are not to be mixed with others",
            "choose a place outside it with -o",
        )


def records(run: CoderRun) -> Iterator[Record]:
    """The run's rows, in the order of its units, coders in the manifest's order."""
    coders = {coder.name: coder.kind for coder in run.manifest.coders}
    for trace, units, codings in run.by_trace():
        by_unit: dict[str, dict[str, Coding]] = {unit.id: {} for unit in units}
        for coding in codings:
            by_unit[coding.unit_id][coding.coder] = coding
        for unit in units:
            made = by_unit[unit.id]
            for coder in dict.fromkeys([*coders, *made]):
                yield from coder_rows(trace, unit, coder, coders.get(coder), made.get(coder), run.manifest)


def coder_rows(
    trace: Trace, unit: Unit, coder: str, kind: str | None, coding: Coding | None, run: Manifest
) -> Iterator[Record]:
    """What one coder of a run said of a unit: a row a code, with all `COLUMNS`."""
    row: Record = dict.fromkeys(COLUMNS) | {name: getattr(trace, name) for name in TRACE_FIELDS}
    row |= {"kind": kind, "run_status": run.status}
    row |= unit.model_dump(exclude={"id", "index"}) | {"unit_id": unit.id, "unit_index": unit.index}
    row |= {"coder": coder, "run_id": run.run_id, "rank": 1}
    if coding is None:
        yield row | {"missing_reason": NOT_CODED}
        return
    row |= coding.model_dump(exclude={"codes"})
    for rank, code in enumerate(coding.codes or [None], 1):
        yield row | {"rank": rank, "code": code}


def _write_csv(out: Path, columns: Columns, rows: Iterator[Record]) -> int:
    return write_csv(out, chain([list(columns)], ([row[name] for name in columns] for row in rows)))


def _write_jsonl(out: Path, columns: Columns, rows: Iterator[Record]) -> int:
    return write_jsonl(out, ({name: row[name] for name in columns} for row in rows))


def _write_parquet(out: Path, columns: Columns, rows: Iterator[Record]) -> int:
    import pyarrow
    import pyarrow.parquet

    types = {
        "text": pyarrow.string(),
        "integer": pyarrow.int64(),
        "number": pyarrow.float64(),
        "truth": pyarrow.bool_(),
    }
    schema = pyarrow.schema([(name, types[kind]) for name, kind in columns.items()])
    count = 0
    with atomic(out, "wb") as file, pyarrow.parquet.ParquetWriter(file, schema, compression="zstd") as writer:
        while batch := list(islice(rows, 5000)):
            writer.write_table(pyarrow.Table.from_pylist(batch, schema))
            count += len(batch)
    return count


def _write_xlsx(out: Path, columns: Columns, rows: Iterator[Record]) -> int:
    import openpyxl

    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("codings")
    sheet.freeze_panes = "A2"
    count = 0
    try:
        sheet.append([sheet_text(neutralise(name)) for name in columns])
        for count, row in enumerate(rows, 1):
            if count >= ROW_LIMIT:
                raise InputError(
                    f"{out}: an XLSX sheet holds {ROW_LIMIT:,} rows, and there are more codings",
                    "export to .parquet or .csv",
                )
            sheet.append([_xlsx_cell(out, row, name) for name in columns])
    finally:
        sheet.close()
    with atomic(out, "wb") as file:
        book.save(file)
    return count


def _xlsx_cell(out: Path, row: Record, name: str) -> Any:
    value = harmless(row[name])
    if not isinstance(value, str):
        return value
    if len(value) > CELL_LIMIT:
        raise InputError(
            f"{out}: {name} of unit {row.get('unit_id')} (trace {row['trace_id']}) has {len(value):,} characters; an XLSX cell holds {CELL_LIMIT:,}",
            "export to .parquet, .csv or .jsonl",
        )
    return sheet_text(value)
