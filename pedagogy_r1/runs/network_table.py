"""``pcode export --for ena|tna``: codings as the tables that R's ``rENA`` and ``tna`` read as they are.

    ena   trace_id,…,coder,conversation,unit_id,unit_index,text,TR_SP,KA_RO,…      a row a coded unit, a 0/1 column a code
          aime-3,…  ,A    ,A aime-3 1  ,u4be1… ,7         ,"Wait, …",1,0,…

    tna   trace_id,…,coder,T1,T2,T3,…                          a row a trace and coder, the primary codes in order
          aime-3,…  ,A    ,KA-RO,TR-SP,,KA-RO,…                empty: missing (NA in R), and the end of shorter traces

    ena(data, codes = c("TR_SP", …), units = c("condition", "trace_id"), conversation = "conversation")
    tna(data[, grepl("^T[0-9]+$", names(data))])

A missing coding is neither a code nor none of them: for ENA its row is left out and the conversation ends there, so that no
window reaches across; for TNA it is NA, so that no transition does. Where no code applies, ENA has zeros and TNA ``none``.
A coder who coded units twice, in two runs (or traces cut in two ways), is two coders here, named ``coder@run``.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from ..codebook import NONE, Codebook
from ..errors import InputError
from ..trace import Trace, Unit
from .run import CoderRun, Coding
from .run_columns import TRACE_FIELDS, coder_names

TRACE_COLUMNS = ("trace_id", *TRACE_FIELDS, "coder", "run_id", "run_status")
WHERE = "where"
"""Last column of any export of runs that are restricted to some traces; no coder and no code has it."""
NA = "NA"
"""In CSV and XLSX: the coding is missing. R reads it so, and so does pandas."""

Row = dict[str, Any]


class NetworkTable(NamedTuple):
    """Columns in order, with what they hold (as in `export.COLUMNS`), and the rows."""

    columns: dict[str, str]
    rows: Iterator[Row]


def ena_table(runs: Sequence[CoderRun], book: Codebook) -> NetworkTable:
    """A row for every coded unit and coder, units of a trace in order."""
    codes = _column_names(book)
    columns = _kinds() | {"conversation": "text", "unit_id": "text", "unit_index": "integer", "text": "text"}
    return NetworkTable(columns | dict.fromkeys(codes.values(), "integer"), _ena_rows(runs, codes))


def _ena_rows(runs: Sequence[CoderRun], codes: dict[str, str]) -> Iterator[Row]:
    parts = Counter[tuple[str, str]]()
    for row, coder, units, said in _sequences(runs):
        conversation, gap = (coder, row["trace_id"]), True
        for unit in units:
            coding = said.get(unit.id)
            if coding is None or coding.codes is None:
                gap = True
                continue
            parts[conversation] += gap
            gap = False
            name = f"{coder} {row['trace_id']} {parts[conversation]}"
            place = {"conversation": name, "unit_id": unit.id}
            given = {name: int(code in coding.codes) for code, name in codes.items()}
            yield row | place | {"unit_index": unit.index, "text": unit.text} | given


def no_code_is(missing: str | None, book: Codebook) -> None:
    """Raises `InputError` where a code of the book is called as what is missing would be (`NA`)."""
    if missing in book.code_ids:
        raise InputError(f"{book.ref} has a code {missing}, which R reads as missing", "export to .parquet")


def tna_table(runs: Sequence[CoderRun], book: Codebook, *, missing: str | None) -> NetworkTable:
    """A row for every trace and coder: the primary code of each of its units in T1, T2 … ``missing``: what R will read as that.

    Raises `InputError` where a code is called so.
    """
    no_code_is(missing, book)
    found = [
        (row, [said[unit.id].primary if unit.id in said else None for unit in units])
        for row, _, units, said in _sequences(runs)
    ]
    times = [f"T{n}" for n in range(1, max((len(states) for _, states in found), default=0) + 1)]
    blank = dict.fromkeys(times)
    rows = (row | blank | dict(zip(times, states, strict=False)) for row, states in found)
    return NetworkTable(_kinds() | dict.fromkeys(times, "text"), rows)


def _sequences(runs: Sequence[CoderRun]) -> Iterator[tuple[Row, str, list[Unit], dict[str, Coding]]]:
    """Every trace with every coder who coded in it: what its rows have in common, coder, units, codings by unit."""
    for run, names in zip(runs, coder_names(runs), strict=True):
        for trace, units, codings in run.by_trace():
            by_coder: dict[str, dict[str, Coding]] = {}
            for coding in codings:
                name = names.get(coding.coder, coding.coder)
                by_coder.setdefault(name, {})[coding.unit_id] = coding
            for coder, said in by_coder.items():
                yield _row(run, trace, coder), coder, units, said


def _row(run: CoderRun, trace: Trace, coder: str) -> Row:
    fields = {name: getattr(trace, name) for name in TRACE_FIELDS}
    made = {"coder": coder, "run_id": run.manifest.run_id, "run_status": run.manifest.status}
    return {"trace_id": trace.id} | fields | made


def _kinds() -> dict[str, str]:
    return dict.fromkeys(TRACE_COLUMNS, "text") | {"correct": "truth"}


def _column_names(book: Codebook) -> dict[str, str]:
    """Code → column: what R takes as a name without changing it, ``TR_SP`` for TR-SP."""
    taken = {*TRACE_COLUMNS, "conversation", "unit_id", "unit_index", "text", WHERE, NONE}
    names: dict[str, str] = {}
    for code in book.code_ids:
        name = re.sub(r"\W", "_", code)
        name = name if name[0].isalpha() else f"c{name}"
        while name in taken:
            name += "_"
        taken.add(name)
        names[code] = name
    return names
