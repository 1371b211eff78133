"""A tally in a file: Parquet that anything opens, a row for each trace; what concerns all of them stands in its schema's metadata.

id      item  domain  condition  model  correct  pattern    units      tokens
aime-3  3     SK      cop        R1-7B  True     [0, 1, 2]  [17, 2, 1]  [204, 31, 12]

pcode tally   {"codebook": "schoen@1.0.0#1f0c…", "coders": [{"name": "cues", "kind": "machine"}, …],
               "answers": [["KA-RO"], ["TR-SP", "IA-SQ"], "timeout"], "patterns": [[0, 0, 1], [0, 2, 1]]}
"""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path
from typing import Annotated, Any, NoReturn

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError

from ..codebook import Codebook
from ..errors import CodebookError, InputError, RunError, first_fault
from ..estimate import Ints, TraceCounts
from ..files.records import atomic, dump, need_file
from .code_chains import Followed
from .run import CoderInfo
from .run_columns import TRACE_FIELDS
from .tally import NOT_ASKED, Tally

Count = Annotated[int, Field(ge=0)]

_HEAD = b"pcode tally"
_COUNTED = ("pattern", "units", "tokens")
_AGAIN = "restore it from a copy, or delete it and run the command that made the shard again"


class FollowedRecord(BaseModel):
    """A coder's `Followed`, a row for each of the book's codes and ``none``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    observed: tuple[tuple[Count, ...], ...]
    mean: tuple[tuple[FiniteFloat, ...], ...]
    variance: tuple[tuple[FiniteFloat, ...], ...]
    coded: Count
    traces: Count
    broken: Count


class TallyHead(BaseModel):
    """What a file's rows are about."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    codebook: str
    digest: str
    coders: tuple[CoderInfo, ...]
    answers: tuple[tuple[str, ...] | str, ...]
    patterns: tuple[tuple[Annotated[int, Field(ge=NOT_ASKED)], ...], ...]
    follows: tuple[FollowedRecord, ...] | None


def write_tally(path: Path, tally: Tally) -> str:
    """Write the file, whole or not at all; returns its sha256, which whoever keeps a record of the shard puts there."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    head = TallyHead(
        codebook=tally.book.stamp,
        digest=tally.book.digest,
        coders=tally.coders,
        answers=tally.answers,
        patterns=tuple(map(tuple, tally.patterns.tolist())),
        follows=None if tally.follows is None else tuple(map(_record, tally.follows)),
    )
    starts = pa.array(tally.units.starts.astype(np.int32))
    counted = {
        "pattern": tally.units.pattern.astype(np.int32),
        "units": tally.units.count.astype(np.int64),
        "tokens": tally.tokens.count.astype(np.int64),
    }
    table = tally.traces.select(["id", *TRACE_FIELDS])
    for name, values in counted.items():
        table = table.append_column(name, pa.ListArray.from_arrays(starts, pa.array(values)))
    table = table.replace_schema_metadata({_HEAD: dump(head.model_dump(mode="json"))})
    memory = io.BytesIO()
    pq.write_table(
        table, memory, compression="zstd", row_group_size=max(1, len(table)), write_page_checksum=True
    )
    with atomic(path, "wb") as file:
        file.write(memory.getbuffer())
    return hashlib.sha256(memory.getbuffer()).hexdigest()


def _record(found: Followed) -> FollowedRecord:
    plain = {n: v.tolist() if isinstance(v, np.ndarray) else v for n, v in vars(found).items()}
    return FollowedRecord.model_validate(plain)


def read_tally(path: Path, book: Codebook, sha256: str | None = None) -> Tally:
    """Read what `write_tally` wrote, of the corpus whose codebook is ``book``; ``sha256``: what the record of the shard says.

    Raises `InputError` for a file that is damaged or no tally, `RunError` where it is another than was recorded,
    `CodebookError` where it was made under another codebook.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    need_file(path, "run the command that made the shard again")
    data = path.read_bytes()
    if sha256 is not None and hashlib.sha256(data).hexdigest() != sha256:
        raise RunError(
            f"{path} has changed: it holds other bytes than were recorded when it was complete", _AGAIN
        )
    try:
        table = pq.read_table(pa.BufferReader(data), use_threads=False, page_checksum_verification=True)
        table.validate(full=True)
        head = TallyHead.model_validate(json.loads((table.schema.metadata or {})[_HEAD]))
    except KeyError:
        raise InputError(f"{path}: no tally of a shard", "give the file that the run wrote") from None
    except ValidationError as error:
        _refuse(path, first_fault(error))
    except (pa.ArrowException, OSError, ValueError, RecursionError) as error:
        _refuse(path, str(error))
    if head.digest != book.digest:
        raise CodebookError(
            f"{path} was coded under {head.codebook}, and the corpus under {book.stamp}",
            "code all shards of a corpus under one codebook",
        )
    return _of_table(path, table, head, book)


def _refuse(path: Path, why: str) -> NoReturn:
    raise InputError(f"{path}: damaged, or no tally of a shard ({why})", _AGAIN) from None


def _of_table(path: Path, table: Any, head: TallyHead, book: Codebook) -> Tally:
    import pyarrow as pa

    text = pa.string()
    wanted = dict.fromkeys(("id", *TRACE_FIELDS), text) | {"correct": pa.bool_()}
    wanted |= {name: pa.list_(pa.int32() if name == "pattern" else pa.int64()) for name in _COUNTED}
    if [(f.name, f.type) for f in table.schema] != list(wanted.items()):
        _refuse(path, f"columns {', '.join(f'{f.name} ({f.type})' for f in table.schema)}")
    if table["id"].null_count:
        _refuse(path, "a trace without an id")
    patterns = np.array(head.patterns, dtype=np.int64) if _are_rows(head) else None
    if patterns is None or patterns.max(initial=-1) >= len(head.answers):
        _refuse(path, "patterns that do not fit the coders and answers")
    strangers = {code for said in head.answers if not isinstance(said, str) for code in said} - set(
        book.code_ids
    )
    if strangers or len(set(head.answers)) < len(head.answers):
        _refuse(path, f"answers with {min(strangers)!r}" if strangers else "an answer twice")
    patterns = patterns.reshape(len(head.coders), -1)
    follows = _follows(path, head, len(book.code_ids) + 1)
    starts, *rows = _rows(path, table)
    if why := _fault(starts, rows[0], rows[1], rows[2], patterns.shape[1]):
        _refuse(path, why)
    traces = table.select(["id", *TRACE_FIELDS]).replace_schema_metadata(None)
    for at, field in enumerate(TRACE_FIELDS, 1):
        if field != "correct":
            traces = traces.set_column(at, field, traces[field].dictionary_encode())
    units, tokens = (TraceCounts.of(starts, rows[0], count, patterns.shape[1]) for count in rows[1:])
    return Tally(book, head.coders, head.answers, patterns, traces, units, tokens, str(path), follows)


def _follows(path: Path, head: TallyHead, k: int) -> tuple[Followed, ...] | None:
    if head.follows is None:
        return None
    found = []
    for one in head.follows:
        tables = one.observed, one.mean, one.variance
        if any(len(table) != k or {len(row) for row in table} != {k} for table in tables):
            break
        observed, mean, variance = (np.array(table) for table in tables)
        found.append(Followed(observed, mean, variance, one.coded, one.traces, one.broken))
    if len(found) != len(head.coders):
        _refuse(path, "what follows what does not fit the coders and codes")
    return tuple(found)


def _are_rows(head: TallyHead) -> bool:
    """A row for each coder, all of one length."""
    return len(head.patterns) == len(head.coders) and len({len(row) for row in head.patterns}) <= 1


def _rows(path: Path, table: Any) -> list[Ints]:
    """Where each trace's rows start, and the rows' patterns, units and tokens."""
    found: list[Ints] = []
    for name in _COUNTED:
        column = table[name].combine_chunks()
        if column.null_count or column.flatten().null_count:
            _refuse(path, f"{name} that are not there")
        lengths = column.value_lengths().to_numpy()
        starts = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])
        if found and not np.array_equal(found[0], starts):
            _refuse(path, "as many patterns as units and tokens are not there")
        found = [starts, *found[1:], column.flatten().to_numpy()]
    return found


def _fault(starts: Ints, pattern: Ints, units: Ints, tokens: Ints, width: int) -> str:
    """What is wrong with the rows."""
    if pattern.min(initial=0) < 0 or pattern.max(initial=-1) >= width:
        return "a pattern that is not there"
    if units.min(initial=1) < 1 or tokens.min(initial=0) < 0:
        return "fewer units or tokens than none"
    falls = np.diff(pattern) <= 0
    ends = starts[1:-1]
    falls[ends[(ends > 0) & (ends < len(pattern))] - 1] = False
    return "a pattern twice in one trace" if falls.any() else ""
