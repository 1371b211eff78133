"""A corpus: traces in Parquet shards, in a folder or under an address, for what one file is too small.

    corpus/shards.json               {"shards": [{"name": "traces-0000.parquet", "traces": 1612, "sha256": "9f86…", …}, …]}
    corpus/traces-0000.parquet       the columns of `Trace`; metadata as JSON
    corpus/traces-0001.parquet …

All traces of an item stand in one shard, which a hash of the item says: what is summed within items is whole within a shard, and
every shard is a random part of the items. Within a shard they stand in the order in which they came. The record is written
last: shards without one are no corpus.
"""

from __future__ import annotations

import hashlib
import json
import re
import resource
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, Field, ValidationError, field_validator
from pydantic_core import PydanticCustomError

from ..errors import ArgumentError, InputError, RunError, first_fault
from ..files.json_text import parse_json
from ..files.places import Place, sound_copy
from ..files.seal import SealedRecord, read_sealed_model, sealed
from ..job import locked
from ..limits import MOST_AT_ONCE
from ..provenance import digest, now, versions
from ..shards.shard_record import file_name
from ..trace import Trace, item_group
from .traces_file import TracesFile

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet

CORPUS, SKIPPED = "shards.json", "skipped.jsonl"

_BUFFERED = 256_000_000
"""Characters that wait in memory, over all shards."""
_LEFT = re.compile(r"traces-\d{4,5}\.parquet|" + re.escape(SKIPPED))
"""What an import that was killed may have left; it is written anew."""
_LEAST_GROUP, _MOST_GROUP = 100_000, 8_000_000
"""Characters in a row group."""


class CorpusPart(BaseModel, frozen=True, extra="forbid"):
    """A shard, as the corpus's record has it: its file, what it holds, and the sha256 of its bytes."""

    name: str
    traces: int = Field(ge=0)
    characters: int = Field(ge=0)
    bytes: int = Field(ge=0)
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    langs: dict[str, int]


class CorpusRecord(SealedRecord):
    """``shards.json``."""

    format: Literal["corpus@1"] = "corpus@1"
    shards: list[CorpusPart] = Field(min_length=1)
    made: str = Field(default_factory=now)
    versions: dict[str, str] = Field(default_factory=lambda: versions("pyarrow"))

    @field_validator("shards")
    @classmethod
    def _in_order(cls, parts: list[CorpusPart]) -> list[CorpusPart]:
        """A file elsewhere is none of a corpus's, and one that stands twice would be counted twice."""
        for number, part in enumerate(parts):
            if part.name != file_name("traces", number):
                why = f"shard {number} is {part.name!r}, not {file_name('traces', number)!r}"
                raise PydanticCustomError("shard", "{why}", {"why": why})
        return parts


def shard_of(trace: Trace, shards: int) -> int:
    """The number of the shard in which all traces of the trace's item stand."""
    return shard_of_group(item_group(trace), shards)


def shard_of_group(group: str, shards: int) -> int:
    """The number of the shard in which a group (`item_group`) stands whole."""
    key = group.encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(key, digest_size=8).digest()) % shards


def check_shards(count: int) -> int:
    """``count``, if a corpus may have so many. Raises `ArgumentError` otherwise."""
    if not 1 <= count <= MOST_AT_ONCE:
        raise ArgumentError(f"{count} shards", f"give 1 to {MOST_AT_ONCE:,}")
    return count


def is_corpus(path: str | Path) -> bool:
    """Whether a corpus lies there."""
    place = Place(path)
    return (place.folder / CORPUS).is_file() if place.folder is not None else CORPUS in place.names()


class TraceCorpus(TracesFile):
    """A corpus, which is read as a traces file is: ``total``, ``digest``, ``langs``, and its traces, shard by shard."""

    def __init__(self, path: str | Path) -> None:
        self.place = Place(path)
        self.path = Path(path)
        self.record = _read_record(self.place)
        self.total = sum(part.traces for part in self.record.shards)
        self.digest = digest([part.sha256 for part in self.record.shards])
        self.langs = {lang for part in self.record.shards for lang in part.langs}

    def __iter__(self) -> Iterator[Trace]:
        for number in range(len(self.record.shards)):
            yield from self.shard(number)

    def shard(self, number: int) -> CorpusShard:
        """One shard of it."""
        return CorpusShard(self.place, self.record.shards[number])

    @property
    def shards(self) -> int:
        """How many there are."""
        return len(self.record.shards)


class CorpusShard(TracesFile):
    """One shard, as a traces file; other bytes than the corpus recorded are a `RunError`."""

    def __init__(self, place: Place, part: CorpusPart) -> None:
        self.place, self.part = place, part
        self.total, self.digest, self.langs = part.traces, "sha256:" + part.sha256, set(part.langs)
        self.path = (place.folder or Path(str(place))) / part.name

    def file(self) -> Path:
        """It, on this machine."""
        again = "restore it, or import the corpus again"
        return sound_copy(self.place, self.part.name, self.part.sha256, CORPUS, again)

    def __iter__(self) -> Iterator[Trace]:
        import pyarrow.parquet

        path = self.file()
        file = pyarrow.parquet.ParquetFile(path, buffer_size=1 << 20, pre_buffer=False)
        line = 0
        for batch in file.iter_batches(batch_size=256):
            for row in batch.to_pylist():
                line += 1
                try:
                    yield Trace.model_validate(row | {"metadata": parse_json(row["metadata"])})
                except (ValidationError, ValueError, KeyError, TypeError) as error:
                    why = first_fault(error) if isinstance(error, ValidationError) else str(error)
                    raise InputError(f"{path}: row {line}: {why}", "import the corpus again") from None
        if line != self.total:
            raise RunError(f"{path} holds {line:,} traces, and {CORPUS} says {self.total:,}", _AGAIN)


def _read_record(place: Place) -> CorpusRecord:
    """A corpus's record. Raises `InputError` where there is none, `RunError` where it was changed."""
    try:
        data = place.read(CORPUS)
    except InputError:
        raise InputError(
            f"{place}: no corpus (no {CORPUS})",
            "make one with: pcode traces import FILE --shards 64 -o FOLDER",
        ) from None
    return read_sealed_model(data, f"{place}/{CORPUS}", CorpusRecord, _AGAIN)


_AGAIN = "restore it from a copy, or import the corpus again"


def traces_schema() -> pa.Schema:
    """The columns of a shard of traces."""
    import pyarrow as pa

    return pa.schema(
        [(name, pa.bool_() if name == "correct" else pa.string()) for name in Trace.model_fields]
    )


class CorpusWriter:
    """Takes traces, and writes them to so many shards; as a context. The corpus is there once the context ends without an error."""

    def __init__(self, path: str | Path, shards: int) -> None:
        self.place, self._count = Place(path), check_shards(shards)
        self._parts: list[_Part] = []

    def _check_place(self) -> None:
        """Raise `RunError` where something else is; what an import that was killed left half written goes."""
        there = self.place.names()
        strangers = [name for name in there if not _LEFT.fullmatch(name)]
        if strangers or CORPUS in there:
            what = "a corpus already" if CORPUS in there else f"other files ({strangers[0]} …)"
            raise RunError(f"{self.place} holds {what}", "choose another place with -o")
        for name in there:
            self.place.remove(name)
        for part in self.place.folder.glob(".traces-*.parquet.part") if self.place.folder else ():
            part.unlink()

    def __enter__(self) -> CorpusWriter:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if soft < self._count + 256:
            resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, self._count + 256), hard))
        with ExitStack() as opened:
            if self.place.folder is not None:
                opened.enter_context(locked(self.place.folder))
            self._check_place()
            self._open = opened.pop_all()
        self._parts = [_Part(self.place, number, self._count, self._open) for number in range(self._count)]
        return self

    def put(self, trace: Trace) -> None:
        """One more."""
        self._parts[shard_of(trace, self._count)].put(trace)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self._open.__exit__(kind, error, trace)
            return
        with self._open:
            for part in self._parts:
                part.flush()
        write_corpus(self.place, [part.record() for part in self._parts])


def write_part(folder: str | Path, number: int, shards: int, traces: Iterable[Trace]) -> CorpusPart:
    """Write one shard of so many: the file that a `CorpusWriter` makes of these traces, all of which belong to it."""
    with ExitStack() as open_files:
        part = _Part(Place(folder), number, shards, open_files)
        for trace in traces:
            part.put(trace)
        part.flush()
    return part.record()


def write_corpus(place: Place, parts: Sequence[CorpusPart], **made: Any) -> None:
    """Write the record of a corpus whose shards are there; ``made``: other fields of it than by default."""
    place.put_bytes(sealed(CorpusRecord(shards=list(parts), **made).model_dump(mode="json")), CORPUS)


class _Part:
    """A shard that is being written; ``open_files`` has its file closed."""

    def __init__(self, place: Place, number: int, shards: int, open_files: ExitStack) -> None:
        self.place, self.name, self._open = place, file_name("traces", number), open_files
        self.waiting, self.langs = list[dict[str, Any]](), Counter[str]()
        self.traces = self.characters = self.ahead = 0
        self.group = min(max(_BUFFERED // shards, _LEAST_GROUP), _MOST_GROUP)
        self.writer: pyarrow.parquet.ParquetWriter | None = None
        self.file: _Hashed | None = None

    def put(self, trace: Trace) -> None:
        row = trace.model_dump(mode="json")
        row["metadata"] = json.dumps(row["metadata"], ensure_ascii=False, separators=(",", ":"))
        self.waiting.append(row)
        size = len(trace.question) + len(trace.reasoning) + len(trace.answer)
        self.characters += size
        self.ahead += size + len(row["metadata"])
        self.traces += 1
        self.langs[trace.lang] += 1
        if self.ahead >= self.group:
            self.flush()

    def flush(self) -> None:
        import pyarrow as pa
        import pyarrow.parquet

        if self.writer is None:
            self.file = _Hashed(self._open.enter_context(self.place.writer(self.name)))
            self.writer = self._open.enter_context(
                pyarrow.parquet.ParquetWriter(self.file, traces_schema(), compression="zstd")
            )
        self.writer.write_table(pa.Table.from_pylist(self.waiting, schema=traces_schema()))
        self.waiting, self.ahead = [], 0

    def record(self) -> CorpusPart:
        file = self.file
        return CorpusPart(
            name=self.name,
            traces=self.traces,
            characters=self.characters,
            bytes=file.size if file else 0,
            sha256=file.hashed.hexdigest() if file else "",
            langs=dict(sorted(self.langs.items())),
        )


class _Hashed:
    """A file that is written, with the digest of what went by."""

    closed = False

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self.hashed, self.size = file, hashlib.sha256(), 0

    def write(self, data: Any) -> int:
        self.hashed.update(data)
        self.size += len(data)
        self._file.write(data)
        return len(data)

    def tell(self) -> int:
        return self.size

    def writable(self) -> bool:
        return True

    def readable(self) -> bool:
        return False

    def seekable(self) -> bool:
        return False

    def flush(self) -> None:
        """The file's owner does it."""

    def close(self) -> None:
        """The file's owner does it."""
