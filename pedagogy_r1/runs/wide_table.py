"""``pcode export --wide``: a row a unit, a column a coder, as R's ``irr`` and ``irrCAC`` and most other programs want codings.

    unit_id,trace_id,…,text        ,A    ,B  ,missing_A,missing_B
    u4be1… ,aime-3  ,…,"Wait, …"   ,TR-SP,NA ,         ,timeout
    u90c2… ,aime-3  ,…,"So 3 + 4 …",none ,   ,         ,not asked

A cell is the coder's primary code, or ``none`` where no code applies; second codes are not in this table. It is ``NA`` where
the coder's coding is missing, and empty where the coder has no coding of this unit at all, which is mostly one who was never asked for it. Parquet
and JSONL have null for both. ``missing_A`` tells them apart everywhere: the reason of a missing coding, or ``not asked``.

    d <- read.csv("wide.csv", check.names = FALSE, na.strings = c("", "NA"))
    irr::kripp.alpha(t(sapply(d[, c("A", "B")], function(x) as.integer(factor(x, levels = codes)))), "nominal")
    irrCAC::gwet.ac1.raw(d[, c("A", "B")], categ.labels = codes)

A coder who coded units twice, in two runs (or traces cut in two ways), is two coders here, named ``coder@run``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count
from typing import Any

import numpy as np

from ..estimate import Ints
from .network_table import WHERE, NetworkTable, no_code_is
from .run import NOT_ASKED, CoderRun
from .run_columns import TRACE_FIELDS, RunColumns, read_columns

_MISSING, _NOT_ASKED = -1, -2
_OF_UNIT = {
    "unit_id": "text",
    "trace_id": "text",
    **dict.fromkeys(TRACE_FIELDS, "text"),
    "correct": "truth",
    "unit_index": "integer",
    "text": "text",
    "run_status": "text",
}


def wide_table(runs: Sequence[CoderRun], *, missing: str | None) -> NetworkTable:
    """A row for every unit of the runs, in their order; ``missing``: what stands for a missing coding (``NA``, or null).

    Raises `InputError` where a code of the codebook is called as what is missing would be.
    """
    columns = read_columns(runs)
    no_code_is(missing, columns.book)
    names = [coder.name for coder in columns.coders]
    cells = _free_names(names, [*_OF_UNIT, WHERE])
    why = _free_names([f"missing_{name}" for name in names], [*_OF_UNIT, WHERE, *cells])
    return NetworkTable(
        _OF_UNIT | dict.fromkeys([*cells, *why], "text"), _rows(runs, columns, cells, why, missing)
    )


def _free_names(names: Sequence[str], taken: Any) -> list[str]:
    """Each name, with underscores behind where another column has it."""
    used, found = set(taken), []
    for name in names:
        free = next(own for n in count() if (own := name + "_" * n) not in used)
        used.add(free)
        found.append(free)
    return found


def _rows(
    runs: Sequence[CoderRun],
    columns: RunColumns,
    cells: Sequence[str],
    why: Sequence[str],
    missing: str | None,
) -> Iterator[dict[str, Any]]:
    place, primary, reasons = _by_unit(columns)
    shown = [*columns.categories, None, missing]  # -2 and -1 are the last two
    status = "; ".join(sorted({run.manifest.status for run in runs}))
    for run in runs:
        for trace, units, _ in run.by_trace():
            fields = {"trace_id": trace.id} | {name: getattr(trace, name) for name in TRACE_FIELDS}
            for unit in units:
                at = place.pop(unit.id, None)
                if at is None:  # it was in an earlier run
                    continue
                own = primary[:, at].tolist()
                row = {"unit_id": unit.id, "unit_index": unit.index, "text": unit.text, "run_status": status}
                said = [reasons.get((k, at), NOT_ASKED) if value < 0 else None for k, value in enumerate(own)]
                codes = [shown[value] for value in own]
                yield fields | row | dict(zip(cells, codes, strict=True)) | dict(zip(why, said, strict=True))


def _by_unit(columns: RunColumns) -> tuple[dict[str, int], Ints, dict[tuple[int, int], str]]:
    """Number of each unit; (coders, units) primary codes, `_MISSING` or `_NOT_ASKED`; the reasons of missing codings."""
    ids = columns.units["id"].combine_chunks().dictionary_encode()
    number = ids.indices.to_numpy().astype(np.int64)[columns.numbers("codings", "unit")]
    coder, lost = columns.numbers("codings", "coder"), columns.primary < 0
    primary = np.full((len(columns.coders), len(ids.dictionary)), _NOT_ASKED, dtype=np.int64)
    primary[coder[lost], number[lost]] = _MISSING
    primary[coder[~lost], number[~lost]] = columns.primary[~lost]
    why = columns.codings["missing_reason"].filter(lost).to_pylist()
    places = zip(coder[lost].tolist(), number[lost].tolist(), strict=True)
    reasons = {at: reason or "missing" for at, reason in zip(places, why, strict=True)}
    return {name: at for at, name in enumerate(ids.dictionary.to_pylist())}, primary, reasons
