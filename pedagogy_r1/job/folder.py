"""A job's folder: one process at a time, nobody else's files, and the same command takes it up where it was.

    with JobFolder(out, record, holds="run", ours=("ledger.jsonl",)) as job:
        if job.previous is complete and whole: return it
        …                                       work; what is done survives a kill
        job.finish("complete", files=("traces.jsonl",), counts=…)

A folder that holds something else is refused, and so is one that holds another job, saying in words what differs.

Files that grow together: after a kill, everything behind the last checkpoint is cut off from all of them.

checkpoint.jsonl   {"done": 12, "bytes": {"units": 90210, "codings": 81112}, "counts": {"units": 431}}
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Collection, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Generic, TypeVar

from ..errors import RunError
from ..files.lock import lock
from ..files.records import Ledger
from ..provenance import now
from .record import JobRecord, Status, differences, read_record, save_record

R = TypeVar("R", bound=JobRecord)


class JobFolder(Generic[R]):
    """Locked from construction to `close`. ``previous``: the record found there, ``None`` in a new folder.

    ``record`` is what is asked for now; it takes over when the previous session started. ``holds``: what the folder is said
    to hold ("run", "answers"); ``ours``: files that a session killed before its first record may have left.
    """

    def __init__(
        self,
        folder: str | Path,
        record: R,
        *,
        holds: str = "run",
        ours: Collection[str] = (),
        name: str = "run.json",
        otherwise: str = "made with other inputs",
    ) -> None:
        self.folder = Path(folder)
        self.path = self.folder / name
        self._lock = lock(self.folder)
        self._began = time.monotonic()
        try:
            self.previous = self._found(record, holds, ours, otherwise)
        except RunError:
            self.close()
            raise
        self._before = self.previous.seconds if self.previous else 0.0
        started = self.previous.started if self.previous else record.started
        self.record: R = record.model_copy(update={"started": started})

    def __enter__(self) -> JobFolder[R]:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _found(self, record: R, holds: str, ours: Collection[str], otherwise: str) -> R | None:
        if not self.path.exists():
            strangers = sorted(
                p.name for p in self.folder.iterdir() if p.name[0] != "." and p.name not in ours
            )
            if strangers:
                raise RunError(
                    f"{self.folder} is not empty and holds no {holds} ({strangers[0]} …)",
                    "choose another directory with -o",
                )
            return None
        previous = read_record(self.path, type(record), no_file=RunError(f"{self.path} is missing"))
        if previous.fingerprint != record.fingerprint:
            raise RunError(
                f"{self.folder} holds another {holds}: {differences(previous, record, otherwise=otherwise)}",
                "choose another directory with -o, or delete this one",
            )
        return previous

    def damaged(self, files: Collection[str] = ()) -> list[str]:
        """Files (by default those recorded) that are missing, or not of the size they had when the job was complete."""
        return damaged(self.folder, self.previous, files) if self.previous else []

    def save(self, **updates: Any) -> R:
        """Record what is known by now."""
        seconds = round(self._before + time.monotonic() - self._began, 3)
        self.record = self.record.model_copy(update={"seconds": seconds, **updates})
        save_record(self.path, self.record)
        return self.record

    def finish(
        self, status: Status, *, why: str | None = None, files: Collection[str] = (), **updates: Any
    ) -> R:
        """Record how the session ended; of a complete job the sizes of ``files`` too."""
        sizes = {f: (self.folder / f).stat().st_size for f in files} if status == "complete" else {}
        return self.save(status=status, stopped_why=why, finished=now(), bytes=sizes, **updates)

    def close(self) -> None:
        """Let another process have the folder."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1


def damaged(folder: Path, record: JobRecord, files: Collection[str] = ()) -> list[str]:
    """Files of a complete job that are missing or of another size than recorded; of any other job, none."""
    if record.status != "complete":
        return []
    sizes = {name: file_size(folder / name) for name in files or record.bytes}
    return [n for n, size in sizes.items() if size is None or size != record.bytes.get(n, size)]


def file_size(path: Path) -> int | None:
    """Bytes of a file; ``None`` if there is none."""
    return path.stat().st_size if path.is_file() else None


EVERY = 1.0
"""Seconds between two checkpoints, at most: what a kill costs."""


class CheckpointedFiles:
    """``names`` in ``folder``, open for appending. ``done`` pieces lie complete on disk; ``counts`` are kept with them."""

    def __init__(self, folder: Path, names: Mapping[str, str]) -> None:
        self._ledger = Ledger(folder / "checkpoint.jsonl")
        last: dict[str, Any] = {"done": 0, "bytes": {}, "counts": {}}
        for _, value in self._ledger:
            if all((file_size(folder / names[key]) or 0) >= size for key, size in value["bytes"].items()):
                last = value  # a file that somebody shortened does not reach up to the later ones
        self.done = int(last["done"])
        self.counts = Counter[str](last["counts"])
        self._files = {}
        for key, name in names.items():
            file = (folder / name).open("ab")
            file.truncate(last["bytes"].get(key, 0))
            file.seek(0, os.SEEK_END)
            self._files[key] = file
        self._saved = time.monotonic()

    def append(self, texts: Mapping[str, str]) -> None:
        """One piece: what it adds to each file. `counts` are updated by the caller, before."""
        for key, text in texts.items():
            self._files[key].write(text.encode())
        self.done += 1
        if time.monotonic() - self._saved > EVERY:
            self.checkpoint()

    def checkpoint(self) -> None:
        """Everything appended so far survives a kill from here on."""
        for file in self._files.values():
            file.flush()
        sizes = {key: file.tell() for key, file in self._files.items()}
        self._ledger.append({"done": self.done, "bytes": sizes, "counts": dict(self.counts)})
        self._saved = time.monotonic()

    def close(self) -> None:
        """A last checkpoint, and all files closed."""
        self.checkpoint()
        for file in self._files.values():
            file.close()
        self._ledger.close()
