"""The table of codes that every statistic starts from: one row for each unit and coder.

    trace_id  item  domain  condition  model  correct  unit_id  index  position  tokens  coder  kind     primary  codes
    aime-3    3     SK      cop        R1-7B  True     u4be1…   7      0.375     7       cues   machine  TR-SP    (TR-SP, KA-RO)
    aime-3    3     SK      cop        R1-7B  True     u90c2…   8      0.425     12      cues   machine  none     ()
    aime-3    3     SK      cop        R1-7B  True     u77aa…   9      0.475     3       cues   machine  <NA>     None

``primary`` is a categorical whose categories are the codebook's codes in its order, with ``none`` where that may be
said, so that a code that nobody used still counts as 0 of n. A missing coding is ``<NA>``, never ``none``.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ..codebook import NONE, Codebook
from ..errors import CodebookError, InputError, RunError, did_you_mean
from ..files.records import BadRow, read_jsonl
from .run import CoderRun

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

Ints = npt.NDArray[np.int64]

COLUMNS = (
    "trace_id", "item", "domain", "condition", "model", "correct", "unit_id", "index", "position", "tokens",
    "coder", "kind", "primary", "codes",
)  # fmt: skip

_BLOCK = 1 << 25
_SEPARATOR = "\x1f"


def code_table(runs: Sequence[CoderRun | str | Path]) -> pd.DataFrame:
    """All codings of the runs as one table with `COLUMNS`; the runs must share one codebook version.

    ``position`` is the unit's midpoint in its trace, counted in units: (index + ½) / units, strictly between 0 and 1.
    ``tokens`` as the unit carries them. A coder who appears in two runs is one coder if no unit was coded twice, else
    two, named ``coder@run``. Raises `RunError`, `CodebookError` or `InputError`, naming the run or ``file:line``.
    """
    import pyarrow as pa

    opened = [run if isinstance(run, CoderRun) else CoderRun(run) for run in runs]
    book = _one_codebook(opened)
    parts = [_run_table(run) for run in opened]
    names = _coder_names(opened, parts)
    parts = [
        part.set_column(part.schema.get_field_index("coder"), "coder", _renamed(part["coder"], new))
        for part, new in zip(parts, names, strict=True)
    ]
    return _frame(pa.concat_tables(parts).combine_chunks(), book)


def of_coder(table: pd.DataFrame, coder: str | None = None) -> pd.DataFrame:
    """The rows of one coder; ``None`` means the only one there is, and is an error if there are several."""
    known = [str(name) for name in table["coder"].unique()]
    if coder is None and len(known) == 1:
        return table
    if coder is None:
        raise RunError(f"the table holds {len(known)} coders", f"name one of them: {', '.join(known) or '-'}")
    if coder not in known:
        raise RunError(f"no coder is named {coder!r}", did_you_mean(coder, known))
    return table[table["coder"] == coder]


def _one_codebook(runs: Sequence[CoderRun]) -> Codebook:
    if not runs:
        raise RunError("no run was given", "name at least one run directory")
    twice = sorted({run.name for run in runs if [r.name for r in runs].count(run.name) > 1})
    if twice:
        raise RunError(f"two runs are named {twice[0]}", "rename one of the directories")
    first, *others = [(run.name, run.codebook) for run in runs]
    for name, book in others:
        if book.digest != first[1].digest:
            raise CodebookError(
                f"{first[0]} was coded under {first[1].stamp} and {name} under {book.stamp}",
                "carry the older codings over with: pcode codebook migrate RUN --to ID@VERSION -o NEW_RUN",
            )
    return first[1]


def _run_table(run: CoderRun) -> pa.Table:
    """One run: codings joined to their units, units to their traces, as Arrow columns."""
    import pyarrow as pa
    import pyarrow.compute as pc

    text = pa.string()
    traces = _read(
        run,
        "traces.jsonl",
        {"id": text, "item": text, "domain": text, "condition": text, "model": text, "correct": pa.bool_()},
        ("id",),
    )
    units = _read(
        run,
        "units.jsonl",
        {"id": text, "trace_id": text, "index": pa.int64(), "tokens": pa.int64()},
        ("id", "trace_id", "index", "tokens"),
    )
    codings = _read(
        run,
        "codings.jsonl",
        {"unit_id": text, "coder": text, "codes": pa.list_(text)},
        ("unit_id", "coder"),
    )
    trace_of = _places(run, units["trace_id"], traces["id"], "a unit names the trace")
    unit_of = _places(run, codings["unit_id"], units["id"], "a coding names the unit")
    _places(
        run,
        codings["coder"],
        pa.chunked_array([pa.array([c.name for c in run.manifest.coders], text)]),
        "a coding names the coder",
    )
    length = np.bincount(trace_of, minlength=len(traces))
    position = (units["index"].to_numpy() + 0.5) / np.maximum(length[trace_of], 1)
    columns: dict[str, Any] = {"trace_id": units["trace_id"].take(unit_of)}
    for name in ("item", "domain", "condition", "model", "correct"):
        columns[name] = traces[name].take(trace_of[unit_of])
    columns |= {
        "unit_id": codings["unit_id"],
        "index": units["index"].take(unit_of),
        "position": position[unit_of],
        "tokens": units["tokens"].take(unit_of),
        "coder": codings["coder"],
        "kind": _renamed(codings["coder"], {c.name: c.kind for c in run.manifest.coders}),
        "codes": pc.binary_join(codings["codes"], _SEPARATOR),
    }
    return pa.table(columns)


def _read(run: CoderRun, name: str, fields: dict[str, pa.DataType], needed: Sequence[str]) -> pa.Table:
    """The named fields of a JSONL file, parsed by Arrow; what Arrow refuses is read line by line, to name the line."""
    import pyarrow as pa
    import pyarrow.json

    path = run.folder / name
    if not path.is_file():
        raise RunError(f"{path} is missing", "run the same command again to complete the run")
    schema = pa.schema(list(fields.items()))
    sure = run.prefix[name] if run.prefix else None
    try:
        table = pyarrow.json.read_json(
            path,
            read_options=pyarrow.json.ReadOptions(block_size=_BLOCK),
            parse_options=pyarrow.json.ParseOptions(
                explicit_schema=schema, unexpected_field_behavior="ignore"
            ),
        ).select(list(fields))
        table = table.slice(0, sure)
        if not any(table[field].null_count for field in needed):
            return table
    except pa.ArrowInvalid:
        pass  # a lone surrogate, a very long line, an empty file, or a fault that the slow way will name
    columns: dict[str, list[Any]] = {field: [] for field in fields}
    for row in islice(read_jsonl(path), sure):
        why = row.why if isinstance(row, BadRow) else _faults(row.data, fields, needed)
        if why or isinstance(row, BadRow):
            raise InputError(f"{path}:{row.line}: {why}", "run the same command again, or restore the file")
        for field, values in columns.items():
            values.append(row.data.get(field))
    return pa.table({field: pa.array(values, fields[field]) for field, values in columns.items()})


def _faults(data: dict[str, Any], fields: dict[str, pa.DataType], needed: Sequence[str]) -> str:
    kinds = {"string": str, "int64": int, "bool": bool, "list<item: string>": list}
    for field, kind in fields.items():
        value = data.get(field)
        if value is None and field in needed:
            return f"no {field!r}"
        if value is not None and not isinstance(value, kinds[str(kind)]):
            return f"{field!r} is {value!r}"
    return ""


def _places(run: CoderRun, names: pa.ChunkedArray, known: pa.ChunkedArray, what: str) -> Ints:
    """(rows,) where each name stands among the known ones; an unknown name is an error."""
    import pyarrow.compute as pc

    found = pc.index_in(names, value_set=known.combine_chunks())
    if found.null_count:
        stranger = names.filter(pc.is_null(found))[0].as_py()
        raise RunError(
            f"{run.folder}: {what} {stranger!r}, which the run does not have", "restore the run directory"
        )
    return found.to_numpy().astype(np.int64)  # type: ignore[no-any-return]


def _coder_names(runs: Sequence[CoderRun], parts: Sequence[pa.Table]) -> list[dict[str, str]]:
    """Per run, what each coder is called in the table: ``name``, or ``name@run`` where units were coded twice."""
    import pyarrow.compute as pc

    names = [{coder.name: coder.name for coder in run.manifest.coders} for run in runs]
    for name in {name for own in names for name in own}:
        holders = [place for place, own in enumerate(names) if name in own]
        ids = [
            parts[place].filter(
                pc.and_(pc.equal(parts[place]["coder"], name), pc.is_valid(parts[place]["codes"]))
            )["unit_id"]
            for place in holders
        ]
        coded = [len(found) for found in ids]
        if len(holders) > 1 and len({u for found in ids for u in found.to_pylist()}) < sum(coded):
            for place in holders:
                names[place][name] = f"{name}@{runs[place].name}"
    return names


def _renamed(column: pa.ChunkedArray, new: dict[str, str]) -> pa.ChunkedArray:
    import pyarrow as pa

    parts = []
    for chunk in column.chunks:
        coded = chunk if isinstance(chunk, pa.DictionaryArray) else chunk.dictionary_encode()
        words = pa.array([new[word] for word in coded.dictionary.to_pylist()], pa.string())
        parts.append(words.take(coded.indices))
    return pa.chunked_array(parts, pa.string())


def _frame(table: pa.Table, book: Codebook) -> pd.DataFrame:
    import pandas as pd
    import pyarrow as pa

    patterns = table["codes"].combine_chunks().dictionary_encode()
    tuples = [tuple(text.split(_SEPARATOR)) if text else () for text in patterns.dictionary.to_pylist()]
    place = patterns.indices.fill_null(len(tuples)).to_numpy()
    codes = np.empty(len(tuples) + 1, dtype=object)
    codes[:-1], codes[-1] = pd.Series(tuples, dtype=object), None
    exhaustive = book.exhaustive and () not in tuples
    categories = [*book.code_ids, *([] if exhaustive else [NONE])]
    strangers = sorted({code for found in tuples for code in found} - set(book.code_ids))
    if strangers:
        raise CodebookError(
            f"{book.stamp} has no code {strangers[0]!r}, which a coding gives", "restore the run"
        )
    number = {code: at for at, code in enumerate(categories)}
    first = np.array([number[found[0] if found else NONE] for found in tuples] + [-1], dtype=np.int16)
    columns: dict[str, Any] = {}
    for name in COLUMNS[:-2]:
        column = table[name]
        if name in ("trace_id", "item", "domain", "condition", "model", "coder", "kind"):
            column = pa.chunked_array([column.combine_chunks().dictionary_encode()])
        columns[name] = column.to_pandas(types_mapper={pa.bool_(): pd.BooleanDtype()}.get)
    columns["primary"] = pd.Categorical.from_codes(first[place], categories=pd.Index(categories))
    columns["codes"] = pd.Series(codes[place], dtype=object)
    return pd.DataFrame(columns)
