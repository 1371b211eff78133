"""The units that a reader filtered, with everybody's codes, as a table to take away: the rows of ``pcode export``.

    /read/units.csv?domain=PK&code=IA-SQ&differ=primary     of all traces that fit
    /read/units.jsonl?id=aime-3&code=IA-SQ&show=A           of one, and of the coders that are shown

It is written while it is read, trace by trace.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from starlette.responses import StreamingResponse

from ..files.records import dump, whole_text
from ..files.table_rows import put_rows
from ..runs.export import COLUMNS, coder_rows
from ..runs.run import Coding
from ..trace import Unit
from .index import Index
from .trace_view import Opened

FORMS = {"csv": "text/csv; charset=utf-8", "jsonl": "application/x-ndjson"}


def unit_rows(
    index: Index, opened: Opened, columns: Sequence[int], fits: set[str] | None
) -> Iterator[dict[str, Any]]:
    """The rows of a trace: of the units that fit (all, where nothing is asked of units) and of the coders in these columns."""
    for part in opened.parts:
        for unit in part.units:
            if fits is not None and unit.id not in fits:
                continue
            whole = Unit(
                id=unit.id,
                trace_id=opened.row.id,
                scheme=part.scheme,
                index=unit.nth,
                start=unit.start,
                end=unit.end,
                text=unit.text,
                tokens=unit.tokens,
            )
            for i in part.columns:
                column, made = index.columns[i], unit.codings.get(i)
                if i in columns and column.run in unit.runs:
                    coding = Coding.model_validate(made) if made else None
                    manifest = index.runs[column.run].manifest
                    yield from coder_rows(opened.trace, whole, column.coder, column.kind, coding, manifest)


def download(
    form: str, name: str, traces: Iterable[Callable[[], Iterator[dict[str, Any]]]]
) -> StreamingResponse:
    """The rows of all ``traces`` as one file of the form (`FORMS`); each is opened when its rows are asked for."""
    safe = re.sub(r"[^A-Za-z0-9._-]+", "_", name).strip("._")[:80] or "units"
    head = {"Content-Disposition": f'attachment; filename="{safe}.{form}"', "Cache-Control": "no-store"}
    return StreamingResponse(_written(form, traces), media_type=FORMS[form], headers=head)


def _written(form: str, traces: Iterable[Callable[[], Iterator[dict[str, Any]]]]) -> Iterator[bytes]:
    if form == "csv":
        yield _csv([[*COLUMNS]])
    for rows in traces:
        if form == "csv":
            yield _csv([row[name] for name in COLUMNS] for row in rows())
        else:
            lines = "".join(dump({name: row[name] for name in COLUMNS}) + "\n" for row in rows())
            yield whole_text(lines).encode()


def _csv(rows: Iterable[Iterable[Any]]) -> bytes:
    file = io.StringIO()
    put_rows(file, rows)
    return whole_text(file.getvalue()).encode()
