"""A job in shards: what is done stays, the rest is made by whichever engine, and what was killed goes on where it was.

    kept = ShardedJob(Place("runs/open"), folder, work, run_id, shards=64, model=ShardRecord)
    done = kept.sound(sources)                    those that have a record, of the same job and sources, and sound files
    made = kept.make(engine, work, done)          the others
    kept.finish(held, made, counts=…, usage=…)

In the process that makes a shard:

    with made_alone(work, 7) as folder:
        done_before(place, 7, …)                  another process may have made it meanwhile
        ledger_back(place, 7, folder)             replies that lie where the shards are kept
        …
        put_shard(place, files, record)
"""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, NamedTuple

from .. import plugins
from ..errors import RunError
from ..files.places import Place, copied, copies_of
from ..files.records import atomic
from ..files.seal import LEDGER, RUN
from ..job import BY_USER, JobFolder, Status, ended_by, lock, unlock
from .engines import ShardEngine
from .shard_record import (
    Record,
    changed,
    file_name,
    record_name,
    record_there,
    records_there,
)

ENGINES = "pedagogy_r1.shards.engines"
WORK = ".work"
"""Where the shards are kept: where they lie while they are made."""
_BUSY = 120.0
"""Seconds to wait for a shard that another process is about to let go of."""

Progress = Callable[[int, int], None]


class ShardDone(NamedTuple, Generic[Record]):
    """What an engine hands back of a shard: its record; or why it did not get done."""

    number: int
    record: Record | None
    stopped: str | None = None


@dataclass(frozen=True)
class MadeShards(Generic[Record]):
    """All shards that are ``done``, by number. ``whole``: those are all; ``stopped``: why they are not."""

    done: Mapping[int, Record]
    whole: bool
    stopped: str | None
    interrupted: bool

    @property
    def records(self) -> list[Record]:
        """In order."""
        return [self.done[number] for number in sorted(self.done)]

    @property
    def status(self) -> Status:
        return "complete" if self.whole else "interrupted" if self.interrupted else "stopped"

    @property
    def why(self) -> str | None:
        return None if self.whole else self.stopped or BY_USER


@dataclass(frozen=True)
class ShardedJob(Generic[Record]):
    """Where the shards of a job are kept. ``folder``: where its record is, on this machine; ``work``: where its shards lie while they
    are made, which it has for itself; ``model``: of their records.
    """

    place: Place
    folder: Path
    work: Path
    run_id: str
    shards: int
    model: type[Record]

    def ours(self, beside: Collection[str] = (), files: re.Pattern[str] | None = None) -> list[str]:
        """Files that may lie there without the job's record: those of these names, and of shards, whose records say whose they are.

        Raises `RunError` where an object store has others.
        """
        own = [name for name in self.place.names() if name in beside or (files and files.fullmatch(name))]
        if self.place.folder is not None:
            return own
        there = self.place.names()
        strange = [name for name in there if name not in own]
        if strange and RUN not in there:
            raise RunError(
                f"{self.place} is not empty and holds no run ({strange[0]} …)",
                "choose another directory with -o",
            )
        return [path.name for path in self.folder.iterdir()] if self.folder.is_dir() else []  # copies

    def upload(self, names: Collection[str]) -> None:
        """Put files beside the shards where they are kept in an object store; the run's record, for other machines to see whose it is."""
        if self.place.folder is None:
            for name in names:
                self.place.put_bytes((self.folder / name).read_bytes(), name)

    def sound(self, records: Mapping[int, Record], sources: Sequence[str]) -> dict[int, Record]:
        """The shards that are done; those whose files, or whose source, are not what they were any more are done again.

        Raises `RunError` where a shard is of another run.
        """
        there = set(self.place.names())
        for number, record in records.items():
            if record.run_id != self.run_id:
                raise RunError(
                    f"{self.place} holds another run: shard {number} is of {record.run_id}, this would be {self.run_id}",
                    "choose another place with -o, or delete this one",
                )
        return {
            number: record
            for number, record in records.items()
            if number < len(sources)
            and record.source == sources[number]
            and not changed(self.place, record, there)
        }

    def recorded(self, sources: Sequence[str]) -> set[int]:
        """Shards that have a record of this job and their source, whose files are not looked at: what a plan takes for done."""
        ours = {(self.run_id, source, number) for number, source in enumerate(sources)}
        there = records_there(self.place, self.model)
        return {n for n, record in there.items() if (record.run_id, record.source, n) in ours}

    def forget(self, numbers: Collection[int]) -> None:
        """These shards are not done any more."""
        for number in numbers:
            self.place.remove(record_name(number))

    def make(
        self,
        engine: ShardEngine,
        work: Callable[[int], ShardDone[Record]],
        done: Mapping[int, Record],
        progress: Progress | None,
        *,
        total: int,
        counted: str = "traces",
        gpus: int = 0,
    ) -> MadeShards[Record]:
        """Make the shards that are not ``done``. ``progress`` is told how many of ``total`` are ``counted``; ``gpus``: that each process needs."""
        found = dict(done)
        so_far = sum(int(record.counts.get(counted, 0)) for record in found.values())
        if progress:
            progress(so_far, total)
        stopped, interrupted = None, False
        try:
            todo = [n for n in range(self.shards) if n not in found]
            for shard in engine.run(work, todo, gpus=gpus):
                if shard.record is None:
                    stopped = stopped or shard.stopped
                    if interrupted := shard.stopped == BY_USER:  # in this process
                        break
                    continue
                found[shard.number] = shard.record
                so_far += int(shard.record.counts.get(counted, 0))
                if progress:
                    progress(so_far, total)
        except KeyboardInterrupt as error:
            stopped, interrupted = ended_by(error)[1], True
        whole = len(found) == self.shards
        if not whole:  # some may have come to their end while the job was ended
            found = records_there(self.place, self.model)
        return MadeShards(found, whole, stopped, interrupted or engine.interrupted)

    def finish(
        self,
        held: JobFolder[Any],
        made: MadeShards[Record],
        beside: Collection[str],
        **found: Any,
    ) -> None:
        """Record how it ended. ``beside``: files of the folder that are kept beside the shards; ``found``: what else is recorded."""
        known = {name: value for record in made.records for name, value in record.sha256.items() if value}
        record = held.finish(made.status, why=made.why, known=known, **found)
        if self.place.folder is None:
            size = {name: value for one in made.records for name, value in one.bytes.items()}
            names = {record_name(number): None for number in made.done}
            sums = {**record.sha256, **names, **known}
            held.save(status=made.status, sha256=sums, bytes={**record.bytes, **size})
            self.upload([*beside, RUN])

    def ledger_of(self, number: int, names: Collection[str]) -> Path:
        """Where replies of a shard are on this machine, if there are any: where it is made, or where they were put already. ``names``:
        of the files at the place."""
        here, name = shard_folder(self.work, number) / LEDGER, file_name("ledger", number)
        return copied(self.place, name, None) if name in names and not here.is_file() else here

    def clear(self) -> None:
        """Delete the folder in which shards were made."""
        shutil.rmtree(self.work, ignore_errors=True)
        if self.work.parent == (self.folder / WORK).resolve():
            shutil.rmtree(self.work.parent, ignore_errors=True)


def folder_of(place: Place) -> Path:
    """Where the record of a job is kept on this machine: the place itself, or a folder for copies of it."""
    return place.folder if place.folder is not None else copies_of(place.url or "")


def work_of(work: str | Path | None, folder: Path, run_id: str) -> Path:
    """The folder of a job's own in which its shards are made: in ``work``, by default in ``folder``."""
    return Path(work or folder / WORK).resolve() / run_id


def engine_of(name: str, workers: int) -> ShardEngine:
    """The engine of a plugin: ``local``, ``ray``, ``ray=ADDRESS``."""
    kind, _, address = name.partition("=")
    made: ShardEngine = plugins.load(ENGINES, kind)(address or None, workers)
    return made


def shard_folder(work: str | Path, number: int) -> Path:
    """Where a shard lies while it is made."""
    return Path(work) / record_name(number).removesuffix(".json")


def done_before(place: Place, number: int, model: type[Record], run_id: str, source: str) -> Record | None:
    """The record of a shard of this job that is done, and sound."""
    record = record_there(place, number, model)
    if record is None or (record.run_id, record.source) != (run_id, source):
        return None
    return None if changed(place, record, place.names()) else record


def ledger_back(place: Place, number: int, folder: Path) -> None:
    """Take up a shard's replies where they were put already, and the shard is to be made again: nothing is asked twice."""
    name = file_name("ledger", number)
    if (folder / LEDGER).exists() or name not in place.names():
        return
    folder.mkdir(parents=True, exist_ok=True)
    with atomic(folder / LEDGER, "wb") as file:
        file.write(place.read(name))


@contextmanager
def made_alone(work: str | Path, number: int) -> Iterator[Path]:
    """The folder of a shard, for this process alone: until the shard is where the others are kept, and the folder gone.

    Where a process that was taken for dead still holds it, wait until it has let go.
    """
    folder = shard_folder(work, number)
    until = time.monotonic() + _BUSY
    while True:
        try:
            handle = lock(folder.with_name(f".{folder.name}"))
            break
        except RunError as error:
            if "is in use by process" not in error.message or time.monotonic() > until:
                raise
            time.sleep(0.5)
    try:
        yield folder
    finally:
        unlock(handle)
