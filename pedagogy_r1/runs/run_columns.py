"""Runs as columns: traces, units and codings as Arrow tables, joined by row numbers. A million codings take a second.

    traces   id      item  domain  condition  model  correct      units   id      trace  index  position  tokens
             aime-3  3     SK      cop        R1-7B  True                 u4be1…  0      7      0.375     7

    codings  unit  coder  pattern  missing_reason                 coders    cues (machine), A (human)
             0     0      1        null                           patterns  (), (TR-SP,), (TR-SP, KA-RO)
             1     1      -1       timeout

For whoever computes over whole runs; `CoderRun` streams, for whoever needs the texts or writes them on.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from ..codebook import NONE, Codebook
from ..errors import CodebookError, InputError, RunError
from ..estimate import Flags, Ints
from ..files.records import BadRow, read_jsonl
from ..files.seal import WatchedFile
from .run import CoderInfo, CoderRun, one_codebook, other_text, run_labels

if TYPE_CHECKING:
    import pyarrow as pa

TRACE_FIELDS = ("item", "domain", "condition", "model", "correct")

_BLOCK = 1 << 25
_SEPARATOR = "\x1f"


@dataclass(frozen=True)
class RunColumns:
    """All rows of all runs, in order; a trace or unit that stands in two runs has two rows with one id.

    ``units["trace"]`` and ``codings["unit"]`` are row numbers, ``codings["coder"]`` indexes ``coders``, and
    ``codings["pattern"]`` ``patterns``, -1 where the coding is missing. ``position`` is a unit's midpoint in its trace,
    counted in units: (index + ½) / units. A coder who appears in two runs is one coder if no unit was coded twice, and no
    trace cut in two ways, else two, named ``coder@run``; of one coder, a coding that is missing in one run and made in
    another is not missing.
    """

    book: Codebook
    coders: tuple[CoderInfo, ...]
    patterns: tuple[tuple[str, ...], ...]
    traces: pa.Table
    units: pa.Table
    codings: pa.Table

    @property
    def categories(self) -> tuple[str, ...]:
        """The codebook's codes, and ``none`` where that may be said or was said all the same."""
        may = not self.book.exhaustive or () in self.patterns
        return (*self.book.code_ids, NONE) if may else self.book.code_ids

    @cached_property
    def primary(self) -> Ints:
        """(codings,) index of the primary code among the categories, -1 where missing."""
        number = {code: at for at, code in enumerate(self.categories)}
        return self._of_pattern([number[codes[0] if codes else NONE] for codes in self.patterns], -1)

    @cached_property
    def present(self) -> Ints:
        """(codings,) bit k is set where category k was given, as primary or secondary code; 0 where missing."""
        number = {code: at for at, code in enumerate(self.categories)}
        bits = [sum(1 << number[code] for code in set(codes or (NONE,))) for codes in self.patterns]
        return self._of_pattern(bits, 0)

    def _of_pattern(self, values: list[int], missing: int) -> Ints:
        return np.array([*values, missing], dtype=np.int64)[self.numbers("codings", "pattern")]

    def numbers(self, table: str, column: str) -> Ints:
        """A column of whole numbers."""
        found: Ints = getattr(self, table)[column].to_numpy()
        return found

    def missing(self) -> tuple[Counter[str], ...]:
        """For each coder, how often each reason for a missing coding was recorded."""
        counts = tuple(Counter[str]() for _ in self.coders)
        lost = self.numbers("codings", "pattern") < 0
        reasons = self.codings["missing_reason"].filter(lost).to_pylist()
        for coder, reason in zip(self.numbers("codings", "coder")[lost], reasons, strict=True):
            counts[coder][reason or "missing"] += 1
        return counts


def read_columns(runs: Sequence[CoderRun]) -> RunColumns:
    """Read the runs, which must share one codebook version.

    Raises `RunError`, `CodebookError` or `InputError`, naming the run or ``file:line``; also where a trace id has two texts.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    book = one_codebook(runs)
    texts = len({run.texts_key for run in runs}) > 1
    read: dict[Any, pa.Table] = {}
    parts = [_read_run(run, read, texts=texts) for run in runs]
    if texts:
        _require_same_texts(runs, parts)
    coders, numbers = _tell_apart(runs, parts)
    rows = Counter[str]()
    joined: dict[str, list[pa.Table]] = {"traces": [], "units": [], "codings": []}
    for part, number in zip(parts, numbers, strict=True):
        shifted = {"trace": ("units", rows["traces"]), "unit": ("codings", rows["units"])}
        for column, (table, offset) in shifted.items():
            part[table] = _replaced(part[table], column, pc.add(part[table][column], offset))
        own = number[part["codings"]["coder"].to_numpy()]
        part["codings"] = _replaced(part["codings"], "coder", pa.array(own))
        for name, table in part.items():
            joined[name].append(table)
            rows[name] += len(table)
    tables = {name: pa.concat_tables(found).combine_chunks() for name, found in joined.items()}
    codes = tables["codings"]["codes"].combine_chunks().dictionary_encode()
    patterns = tuple(tuple(text.split(_SEPARATOR)) if text else () for text in codes.dictionary.to_pylist())
    strangers = sorted({code for found in patterns for code in found} - set(book.code_ids))
    if strangers:
        raise CodebookError(
            f"{book.stamp} has no code {strangers[0]!r}, which a coding gives", "restore the run"
        )
    pattern = codes.indices.fill_null(-1).cast(pa.int64())
    codings = tables["codings"].drop_columns(["codes"]).append_column("pattern", pattern)
    if len(coders) < sum(len(run.manifest.coders) for run in runs):
        codings = codings.filter(pa.array(_not_made_up_for(codings, tables["units"])))
    return RunColumns(book, coders, patterns, tables["traces"], tables["units"], codings)


def _not_made_up_for(codings: pa.Table, units: pa.Table) -> Flags:
    """(codings,) all but the missing ones of units that the same coder coded in another run: recoded after a migration, say."""
    unit = units["id"].combine_chunks().dictionary_encode().indices.to_numpy()[codings["unit"].to_numpy()]
    pair = np.unique(np.stack([unit, codings["coder"].to_numpy()]), axis=1, return_inverse=True)[1].ravel()
    coded = codings["pattern"].to_numpy() >= 0
    made = np.zeros(pair.max(initial=-1) + 1, dtype=bool)
    made[pair[coded]] = True
    kept: Flags = coded | ~made[pair]
    return kept


def _replaced(table: pa.Table, name: str, values: Any) -> pa.Table:
    return table.set_column(table.schema.get_field_index(name), name, values)


def _require_same_texts(runs: Sequence[CoderRun], parts: Sequence[dict[str, pa.Table]]) -> None:
    """Take the texts out of ``parts`` again. Raises `InputError` where a trace id has two: a unit's id tells no texts apart."""
    known: dict[str, int] = {}
    for run, part in zip(runs, parts, strict=True):
        for rows in part["traces"].select(["id", "reasoning"]).to_batches():
            for name, text in zip(*(column.to_pylist() for column in rows.columns), strict=True):
                if known.setdefault(name, found := hash(text or "")) != found:
                    raise other_text(run, name, "give runs of one traces file")
        part["traces"] = part["traces"].drop_columns(["reasoning"])


def _read_run(run: CoderRun, read: dict[Any, pa.Table], *, texts: bool = False) -> dict[str, pa.Table]:
    """One run's tables, with row numbers of its own in ``trace``, ``unit`` and ``coder``; ``texts``: each trace's reasoning too.

    ``read``: files of earlier runs, see `_read`.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    text = pa.string()
    fields = dict.fromkeys(("id", *TRACE_FIELDS, *["reasoning"] * texts), text) | {"correct": pa.bool_()}
    traces = _read(run, "traces.jsonl", fields, ("id",), read)
    fields = {"id": text, "trace_id": text, "index": pa.int64(), "tokens": pa.int64()}
    units = _read(run, "units.jsonl", fields, tuple(fields), read)
    fields = {"unit_id": text, "coder": text, "codes": pa.list_(text), "missing_reason": text}
    codings = _read(run, "codings.jsonl", fields, ("unit_id", "coder"), {})  # of every run its own
    trace = _places(run, units["trace_id"], traces["id"], "a unit names the trace")
    unit = _places(run, codings["unit_id"], units["id"], "a coding names the unit")
    names = pa.chunked_array([pa.array([c.name for c in run.manifest.coders], text)])
    coder = _places(run, codings["coder"], names, "a coding names the coder")
    if not run.whole:
        kept = _kept(run, traces, trace, unit)
        traces, units, codings = (
            table.filter(mask) for table, mask in zip((traces, units, codings), kept, strict=True)
        )
        trace, unit = (np.cumsum(kept[0]) - 1)[trace[kept[1]]], (np.cumsum(kept[1]) - 1)[unit[kept[2]]]
        coder = coder[kept[2]]
    index = units["index"].to_numpy()
    length = np.bincount(trace, minlength=len(traces))[trace]
    return {
        "traces": traces,
        "units": pa.table(
            {
                "id": units["id"],
                "trace": trace,
                "index": index,
                "position": (index + 0.5) / np.maximum(length, 1),
                "tokens": units["tokens"],
            }
        ),
        "codings": pa.table(
            {
                "unit": unit,
                "coder": coder,
                "codes": pc.binary_join(codings["codes"], _SEPARATOR),
                "missing_reason": codings["missing_reason"],
            }
        ),
    }


def _kept(run: CoderRun, traces: pa.Table, trace: Ints, unit: Ints) -> tuple[Flags, Flags, Flags]:
    """Which rows of traces, units and codings belong to the traces to which the run is restricted."""
    own = np.array([run.keeps(name) for name in traces["id"].to_pylist()], dtype=bool)
    return own, own[trace], own[trace][unit]


def _read(
    run: CoderRun,
    name: str,
    fields: Mapping[str, pa.DataType],
    needed: Sequence[str],
    read: dict[Any, pa.Table],
) -> pa.Table:
    """The named fields of a JSONL file, parsed by Arrow; what Arrow refuses is read line by line, to name the line.

    ``read``: by digest and fields, what was parsed already: two coders of the same texts have units of the same bytes. These are
    checked, and not parsed again.
    """
    import pyarrow as pa
    import pyarrow.json

    if run.shards is not None:
        return run.shards.table(name.removesuffix(".jsonl"), list(fields))
    watch = run.watch(name)
    path = watch.path
    sure = run.prefix[name] if run.prefix else None
    key = (watch.recorded, sure, *fields)
    if watch.recorded and key in read:
        watch.through()
        return read[key]
    how = {"explicit_schema": pa.schema(list(fields.items())), "unexpected_field_behavior": "ignore"}
    try:
        with path.open("rb") as file:
            table = pyarrow.json.read_json(
                WatchedFile(file, watch) if watch.recorded else file,
                read_options=pyarrow.json.ReadOptions(block_size=_BLOCK),
                parse_options=pyarrow.json.ParseOptions(**how),
            )
        watch.end()
        table = table.select(list(fields)).slice(0, sure)
        if not any(table[field].null_count for field in needed):
            read[key] = table
            return table
    except pa.ArrowInvalid:
        pass  # a lone surrogate, a very long line, an empty file, or a fault that the slow way will name
    run.sound(name)  # which says more, where the file is not what it was
    return _read_lines(islice(read_jsonl(path), sure), path, fields, needed)


def _read_lines(rows: Any, path: Any, fields: Mapping[str, pa.DataType], needed: Sequence[str]) -> pa.Table:
    import pyarrow as pa

    columns: dict[str, list[Any]] = {field: [] for field in fields}
    for row in rows:
        why = row.why if isinstance(row, BadRow) else _fault(row.data, fields, needed)
        if why or isinstance(row, BadRow):
            raise InputError(f"{path}:{row.line}: {why}", "run the same command again, or restore the file")
        for field, values in columns.items():
            values.append(row.data.get(field))
    return pa.table({field: pa.array(values, fields[field]) for field, values in columns.items()})


def _fault(data: dict[str, Any], fields: Mapping[str, pa.DataType], needed: Sequence[str]) -> str:
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

    if names.equals(known):  # of one coder who coded everything: no need to look each up
        return np.arange(len(names))
    found = pc.index_in(names, value_set=known.combine_chunks())
    if found.null_count:
        stranger = names.filter(pc.is_null(found))[0].as_py()
        raise RunError(
            f"{run.folder}: {what} {stranger!r}, which the run does not have", "restore the run directory"
        )
    return found.to_numpy().astype(np.int64)  # type: ignore[no-any-return]


def _tell_apart(
    runs: Sequence[CoderRun], parts: Sequence[dict[str, pa.Table]]
) -> tuple[tuple[CoderInfo, ...], list[Ints]]:
    """All coders; and for each run, which of them its own coders are."""
    holders: dict[str, dict[int, CoderInfo]] = defaultdict(dict)
    for at, run in enumerate(runs):
        for coder in run.manifest.coders:
            holders[coder.name][at] = coder
    labels = run_labels(runs)
    every: list[CoderInfo] = []
    place: dict[tuple[int, str], int] = {}
    for name, by_run in holders.items():
        apart = len(by_run) > 1 and _coded_twice(name, [(runs[at], parts[at]) for at in by_run])
        for nth, (at, coder) in enumerate(by_run.items()):
            if apart or nth == 0:
                every.append(CoderInfo(name=f"{name}@{labels[at]}", kind=coder.kind) if apart else coder)
            place[at, name] = len(every) - 1
    return tuple(every), [
        np.array([place[at, coder.name] for coder in run.manifest.coders], dtype=np.int64)
        for at, run in enumerate(runs)
    ]


def coder_names(runs: Sequence[CoderRun]) -> list[dict[str, str]]:
    """For each run, what its coders are called beside those of the others: as in `RunColumns`, but nothing is kept."""
    often = Counter(coder.name for run in runs for coder in run.manifest.coders)
    if not any(count > 1 for count in often.values()):
        return [{coder.name: coder.name for coder in run.manifest.coders} for run in runs]
    read: dict[Any, pa.Table] = {}
    every, numbers = _tell_apart(runs, [_read_run(run, read) for run in runs])
    return [
        {coder.name: every[number].name for coder, number in zip(run.manifest.coders, own, strict=True)}
        for run, own in zip(runs, numbers, strict=True)
    ]


def _coded_twice(name: str, holders: Sequence[tuple[CoderRun, dict[str, pa.Table]]]) -> bool:
    """Whether a coder of that name coded a unit in two of the runs, or a trace cut in two ways: the same words count once."""
    import pyarrow.compute as pc

    seen: set[str] = set()
    cut: dict[str, str] = {}
    for run, part in holders:
        own = [coder.name for coder in run.manifest.coders].index(name)
        codings = part["codings"]
        coded = codings.filter(pc.and_(pc.equal(codings["coder"], own), pc.is_valid(codings["codes"])))
        units = part["units"].take(coded["unit"])
        ids = units["id"].to_pylist()
        traces = part["traces"]["id"].take(units["trace"].unique()).to_pylist()
        scheme = run.manifest.scheme
        if not seen.isdisjoint(ids) or any(cut.setdefault(trace, scheme) != scheme for trace in traces):
            return True
        seen.update(ids)
    return False
