"""The record of a shard: what it holds, of which run, and what it was made of.

    shard-0007.json    {"number": 7, "run_id": "cues-0eca9351f11a", "source": "9f86…", "counts": {"traces": 1612, …},
                        "sha256": {"units-0007.parquet": "77ab…", …}, …}

It is written last: a shard that has one is done, whichever process, machine or day did it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from pydantic import Field, model_validator

from ..errors import InputError
from ..files.json_text import parse_json
from ..files.places import Place, sound_copy
from ..files.seal import RUN, SealedRecord, read_sealed_model, sealed, sha256_of
from ..killed import killed

SHARD_RECORD = re.compile(r"shard-(\d{4,5})\.json")
AGAIN = "delete the shard's record, and repeat the command that made it"


class ShardRecord(SealedRecord):
    """``shard-0007.json``. ``source``: digest of what it was made of; ``sha256``: of its own files, ``bytes`` their sizes."""

    number: int
    run_id: str
    source: str
    counts: dict[str, Any]
    usage: dict[str, Any] = Field(default_factory=dict)
    bytes: dict[str, int] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _of_traces(cls, value: Any) -> Any:
        """Earlier versions called the source ``traces``: codings were all that there was."""
        if isinstance(value, dict) and "traces" in value and "source" not in value:
            return {**{k: v for k, v in value.items() if k != "traces"}, "source": value["traces"]}
        return value


class AnyShardRecord(ShardRecord, extra="allow"):
    """One of whichever kind, for what all have."""


Record = TypeVar("Record", bound=ShardRecord)


def record_name(number: int) -> str:
    """``shard-0007.json``."""
    return f"shard-{number:04d}.json"


def file_name(kind: str, number: int) -> str:
    """The name of a shard's file.

    >>> file_name("traces", 7), file_name("ledger", 7)
    ('traces-0007.parquet', 'ledger-0007.jsonl')
    """
    return f"{kind}-{number:04d}." + ("jsonl" if kind in ("ledger", "items") else "parquet")


def put_shard(to: Place, moved: Sequence[tuple[Path, str]], record: Record) -> Record:
    """Move files of this machine where the shards are kept, and behind them the record of them."""
    found = {name: (sha256_of(path), path.stat().st_size) for path, name in moved}
    for path, name in moved:
        to.put(path, name)
    sums, sizes = ({name: both[k] for name, both in found.items()} for k in (0, 1))
    record = record.model_copy(update={"sha256": sums, "bytes": sizes})
    to.put_bytes(sealed(record.model_dump(mode="json")), record_name(record.number))
    return record


def records_there(place: Place, model: type[Record]) -> dict[int, Record]:
    """The shards that are done, by number. Raises `RunError` for a record that was changed."""
    numbers = (int(matched[1]) for name in place.names() if (matched := SHARD_RECORD.fullmatch(name)))
    return {number: record for number in numbers if (record := record_there(place, number, model))}


def record_there(place: Place, number: int, model: type[Record]) -> Record | None:
    """A shard's record, of whichever run; ``None`` where there is none."""
    name = record_name(number)
    try:
        data = place.read(name)
    except InputError:
        return None
    return read_sealed_model(data, f"{place}/{name}", model, AGAIN)


def changed(place: Place, record: ShardRecord, there: Collection[str]) -> list[str]:
    """Files of a shard that are not ``there`` (the names at the place) or, on this machine, not what they were."""
    folder = place.folder
    return [
        name
        for name, sha256 in record.sha256.items()
        if name not in there or (folder is not None and sha256_of(folder / name) != sha256)
    ]


def shard_file(place: Place, record: ShardRecord, kind: str) -> Path:
    """A shard's file on this machine. Raises `RunError` where it is missing or not what it was."""
    name = file_name(kind, record.number)
    hint = "repeat the command that made the run, which makes the shard anew, or restore the file"
    return sound_copy(place, name, record.sha256.get(name), record_name(record.number), hint)


def summed(records: Iterable[ShardRecord]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Counts and usage of all shards together."""
    counts, usage = Counter[str](), Counter[str]()
    for record in records:
        counts.update(_flat(record.counts))
        usage.update(_flat(record.usage))
    return _deep(counts), _deep(usage)


_BETWEEN = "\0"


def _flat(numbers: Mapping[str, Any], before: str = "") -> dict[str, int]:
    """Numbers within numbers by their whole names; what is no number is not summed."""
    found: dict[str, int] = {}
    for name, value in numbers.items():
        if isinstance(value, Mapping):
            found |= _flat(value, f"{before}{name}{_BETWEEN}")
        elif isinstance(value, int | float) and not isinstance(value, bool):
            found[before + name] = value  # type: ignore[assignment]
    return found


def _deep(numbers: Mapping[str, int]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in sorted(numbers.items()):
        *path, last = name.split(_BETWEEN)
        inner = found
        for part in path:
            inner = inner.setdefault(part, {})
        inner[last] = value
    return found


class ShardsDone(NamedTuple):
    """How far a job in shards is. ``counts``: what its shards hold together."""

    status: str
    """As recorded; or ``killed``, where the run is on this machine and nobody is at work on it."""
    why: str | None
    shards: int
    done: int
    counts: dict[str, Any]
    missing: list[str]
    """Files that a shard's record names and that are not there; of a complete run, records of shards too."""
    strange: list[str]
    """Records that are there and of no shard of the run."""

    def said(self) -> str:
        """In words."""
        share = f"{self.done:,} of {self.shards:,} shards are done"
        held = ", ".join(f"{self.counts[name]:,} {name}" for name in _SAID if name in self.counts)
        why = f" ({self.why})" if self.why else ""
        lost = (
            f"\nmissing: {', '.join(self.missing[:3])}: the same command makes these shards anew"
            if self.missing
            else ""
        )
        if self.strange:
            lost += f"\nof another run: {', '.join(self.strange[:3])}: delete these shards' files"
        return f"{self.status}{why}: {share}{held and ', '}{held}{lost}{_GO_ON.get(self.status, _GO_ON['stopped'])}"


_GO_ON = {
    "complete": "",
    "running": "\nnext: wait for it; if it was killed, the command that started it goes on with the others",
    "stopped": "\nnext: the command that started it goes on with the others",
}
_SAID = ("traces", "units", "tokens", "coded", "correct", "wrong", "unread")
"""Counts that are told, of codings and of answers."""


def progress_of(job: str | Path) -> ShardsDone | None:
    """How far a job in shards is; ``None`` of anything else."""
    place = Place(job)
    try:
        manifest = parse_json(place.read(RUN))
    except (InputError, ValueError):
        return None
    if not isinstance(manifest, dict) or not manifest.get("shards"):
        return None
    records, there = records_there(place, AnyShardRecord), set(place.names())
    found = {n: one for n, one in records.items() if _is_of(manifest, n, one)}
    counts, _ = summed(found[number] for number in sorted(found))
    missing = [name for record in found.values() for name in record.sha256 if name not in there]
    if manifest["status"] == "complete":
        missing += [record_name(n) for n in range(manifest["shards"]) if n not in records]
    strange = [record_name(n) for n in sorted(records.keys() - found.keys())]
    status = str(manifest["status"])
    if place.folder is not None and killed(place.folder, status):
        status = "killed"
    how = status, manifest.get("stopped_why"), manifest["shards"]
    return ShardsDone(*how, len(found), counts, missing, strange)


def _is_of(manifest: Mapping[str, Any], number: int, record: ShardRecord) -> bool:
    """Whether it is a shard of the job; a record without a run's id has it from what determines the job."""
    return bool(manifest.get("run_id", record.run_id) == record.run_id and number < manifest["shards"])
