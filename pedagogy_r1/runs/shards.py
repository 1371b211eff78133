"""A run over a corpus (`intake/corpus.py`): units and codings in Parquet shards, as the corpus has them; its traces stay there.

run/run.json               as of any run, with "shards": 64
run/codebook.yaml          the codebook
run/shard-0007.json        the shard's record (`shards/shard_record.py`)
run/units-0007.parquet     the columns of `Unit`
run/codings-0007.parquet   the columns of `Coding`
run/tally-0007.parquet     how often each answer is in each trace (`tally_file.py`)
run/ledger-0007.jsonl      language-model coders only
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError

from ..errors import InputError, RunError, first_fault
from ..files.places import Place, as_url, copies_of
from ..files.records import BadRow, atomic, dump, read_jsonl
from ..files.seal import LEDGER
from ..intake.corpus import CorpusShard, TraceCorpus, is_corpus
from ..provenance import digest
from ..shards.shard_record import (
    AGAIN,
    SHARD_RECORD,
    ShardRecord,
    file_name,
    put_shard,
    record_name,
    records_there,
    shard_file,
)
from ..trace import Trace, Unit
from .manifest import Manifest
from .unit_coding import Coding

if TYPE_CHECKING:
    import pyarrow as pa

KINDS: dict[str, type[Unit] | type[Coding]] = {"units": Unit, "codings": Coding}


def write_shard(
    folder: Path,
    number: int,
    traces: str,
    manifest: Manifest,
    to: Place,
    *,
    also: Sequence[Path] = (),
) -> ShardRecord:
    """Put what one process coded in ``folder`` (a run of one shard), and files ``also`` made of it, where the run over the corpus is kept.

    ``traces``: sha256 of the corpus's shard.
    """
    import pyarrow.parquet

    moved = [(path, path.name) for path in also]
    for kind in KINDS:
        name = file_name(kind, number)
        path = folder / name
        pyarrow.parquet.write_table(_from_lines(folder / f"{kind}.jsonl", kind), path, compression="zstd")
        moved.append((path, name))
    if (folder / LEDGER).is_file():
        moved.append((folder / LEDGER, file_name("ledger", number)))
    record = ShardRecord(
        number=number, run_id=manifest.run_id, source=traces, counts=manifest.counts, usage=manifest.usage
    )
    return put_shard(to, moved, record)


def schema_of(kind: str) -> pa.Schema:
    """The columns of ``units`` or ``codings``."""
    import pyarrow as pa

    numbers = {"index": pa.int64(), "start": pa.int64(), "end": pa.int64(), "tokens": pa.int64()}
    special = {**numbers, "codes": pa.list_(pa.string()), "confidence": pa.float64(), "overlap": pa.float64()}
    return pa.schema([(name, special.get(name, pa.string())) for name in KINDS[kind].model_fields])


def _from_lines(path: Path, kind: str) -> pa.Table:
    """A run's lines as columns."""
    import pyarrow as pa
    import pyarrow.json

    schema = schema_of(kind)
    if not path.stat().st_size:
        return schema.empty_table()
    try:
        table = pyarrow.json.read_json(
            path,
            read_options=pyarrow.json.ReadOptions(block_size=1 << 25, use_threads=False),
            parse_options=pyarrow.json.ParseOptions(
                explicit_schema=schema, unexpected_field_behavior="error"
            ),
        )
        return table.select(schema.names).cast(schema)
    except pa.ArrowInvalid:  # a very long line
        rows = [row.data for row in read_jsonl(path) if not isinstance(row, BadRow)]
        return pa.Table.from_pylist(rows, schema=schema)


Row = TypeVar("Row", bound=BaseModel)


@dataclass(frozen=True)
class Shards:
    """Shards of a run that are done. ``place``: where the run is; ``corpus``: where its traces are, ``digest`` of which is known."""

    place: Place
    corpus: str
    digest: str
    records: dict[int, ShardRecord]

    @classmethod
    def of(
        cls,
        place: Place,
        run_id: str,
        shards: int,
        source: Mapping[str, Any],
        sha256: Mapping[str, str | None],
    ) -> Shards:
        """Those that are done. Raises `RunError` where one that the run recorded is gone, and where one is of no shard of it."""
        there = records_there(place, ShardRecord)
        if strange := [n for n in there if n >= shards]:
            raise RunError(
                f"{place}/{record_name(min(strange))}: the run has {shards} shards, and this is none of them",
                "delete the shard's files: another run left them, or somebody copied them",
            )
        found = {n: record for n, record in there.items() if record.run_id == run_id}
        for name in sha256:
            if (matched := SHARD_RECORD.fullmatch(name)) and (number := int(matched[1])) not in found:
                other = f"is of another run, {there[number].run_id}" if number in there else "is missing"
                raise RunError(
                    f"{place}/{name} {other}",
                    "delete the shard's files and repeat the command that made the run, or restore them",
                )
        return cls(place, str(source["traces"]), str(source["traces_digest"]), found)

    @property
    def numbers(self) -> list[int]:
        """In order."""
        return sorted(self.records)

    def only(self, number: int) -> Shards:
        """One of them."""
        return replace(self, records={number: self.records[number]})

    def files(self, kind: str) -> list[Path]:
        """The files of ``traces``, ``units`` or ``codings``, on this machine, shard by shard."""
        if kind != "traces":
            return [shard_file(self.place, self.records[number], kind) for number in self.numbers]
        return [shard.file() for shard in self._corpus()]

    def rows(self, kind: str, model: type[Row]) -> Iterator[Row]:
        """Units or codings, shard by shard."""
        return rows_of(self.files(kind), model)

    def traces(self) -> Iterator[Trace]:
        """Traces, shard by shard."""
        return (trace for shard in self._corpus() for trace in shard)

    def _corpus(self) -> list[CorpusShard]:
        corpus = TraceCorpus(self._where())
        if corpus.digest != self.digest:
            raise RunError(f"{self.corpus} is not the corpus that {self.place} was made from", "restore it")
        return [corpus.shard(number) for number in self.numbers]

    def _where(self) -> str:
        """Where the corpus lies: as it was named, or from the first folder above the run from which that leads to one."""
        name = Path(self.corpus)
        if self.place.folder is None or as_url(name) or name.is_absolute() or is_corpus(name):
            return self.corpus
        above = (folder / name for folder in self.place.folder.resolve().parents)
        return next((str(path) for path in above if is_corpus(path)), self.corpus)

    def quoted(self, wanted: Collection[str]) -> dict[str, tuple[str, str]]:
        """unit id → (trace id, text) of these units."""
        import pyarrow as pa
        import pyarrow.compute as pc
        import pyarrow.parquet

        found: dict[str, tuple[str, str]] = {}
        for path in self.files("units"):
            table = pyarrow.parquet.read_table(path, columns=["id", "trace_id", "text"])
            rows = table.filter(pc.is_in(table["id"], value_set=pa.array(list(wanted), pa.string())))
            found |= {row["id"]: (row["trace_id"], row["text"]) for row in rows.to_pylist()}
        return found

    def unpacked(self, kind: str) -> Path:
        """``traces``, ``units`` or ``codings`` as the lines of a run of one file, for whoever needs these; kept in this machine's cache."""
        sums = [self.digest, *(str(self.records[number].sha256) for number in self.numbers)]
        path = copies_of(self.place.absolute()) / f"{digest(sums)[7:23]}-{kind}.jsonl"
        if path.is_file():
            return path
        with atomic(path) as file:
            if kind == "traces":
                for trace in self.traces():
                    file.write(dump(trace.model_dump(mode="json", exclude_defaults=True)) + "\n")
            else:
                for row in self.rows(kind, KINDS[kind]):
                    file.write(row.json_line())
        return path

    def table(self, kind: str, columns: Sequence[str]) -> pa.Table:
        """Columns of all shards."""
        import pyarrow as pa
        import pyarrow.parquet

        return pa.concat_tables(
            pyarrow.parquet.read_table(path, columns=list(columns)) for path in self.files(kind)
        )


def rows_of(paths: Sequence[Path], model: type[Row]) -> Iterator[Row]:
    """The rows of Parquet files, one after another, as what they are."""
    import pyarrow.parquet

    for path in paths:
        at = 0
        for batch in pyarrow.parquet.ParquetFile(path, pre_buffer=False).iter_batches(batch_size=4096):
            for row in batch.to_pylist():
                at += 1
                try:
                    yield model.model_validate(row)
                except ValidationError as error:
                    raise InputError(f"{path}: row {at}: {first_fault(error)}", AGAIN) from None
