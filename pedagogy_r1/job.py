"""A job's folder: one process at a time, nobody else's files, and the same command takes it up where it was.

    with JobFolder(out, record, holds="run", ours=("ledger.jsonl",)) as job:
        if job.previous is complete and whole: return it
        …                                       work; what is done survives a kill
        job.finish("complete", files=("traces.jsonl",), counts=…)

A folder that holds something else is refused, and so is one that holds another job, saying in words what differs.

Its record, ``run.json``, says what was asked for and how it ended:

    {"fingerprint": "sha256:9c1e…", "status": "complete", "started": "2026-11-28T11:05:00+00:00", "seconds": 41.2, …}

Two jobs are the same if their fingerprints are: the digest of everything that determines the result, and of nothing else
(not where the files lie, nor how many requests are in flight).

Files that grow together: after a kill, everything behind the last checkpoint is cut off from all of them.

checkpoint.jsonl   {"done": 12, "bytes": {"units": 90210, "codings": 81112}, "counts": {"units": 431}}
"""

from __future__ import annotations

import fcntl
import os
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Generic, Literal, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from .errors import DiskError, PedagogyError, RunError, writing
from .files.json_text import parse_json
from .files.ledger import Ledger, write_all
from .files.records import write_json
from .files.written import refuse_foreign
from .provenance import now, versions

Status = Literal["running", "interrupted", "stopped", "complete"]

SHOWN = 3
"""How many differences are named before the rest is left out."""


class JobRecord(BaseModel):
    """What every job records; a subclass adds its own fields, and says in `settings` and `sources` what it was made with."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    fingerprint: str
    status: Status = "running"
    stopped_why: str | None = None
    started: str
    finished: str | None = None
    seconds: float = 0.0
    """Over all sessions."""
    versions: dict[str, str] = Field(default_factory=versions)
    bytes: dict[str, int] = Field(default_factory=dict)
    """Sizes of the files of a complete job, by which damage is noticed; of earlier versions there may be none."""

    def settings(self) -> Mapping[str, Any]:
        """What determines the result, by the names a user knows."""
        return {}

    def sources(self) -> Mapping[str, Any]:
        """Files that the result is made from: ``{"traces": "a.jsonl", "traces_digest": "sha256:…"}``; lists of both too."""
        return {}


Model = TypeVar("Model", bound=BaseModel)


class Described(Protocol):
    """A record that says in words what it was made with, as `JobRecord` does."""

    def settings(self) -> Mapping[str, Any]: ...

    def sources(self) -> Mapping[str, Any]: ...


def read_record(path: Path, model: type[Model], *, no_file: RunError) -> Model:
    """The record in a file. Raises ``no_file`` if there is none, `RunError` naming the field if it is something else."""
    if not path.is_file():
        raise no_file
    try:
        parse_json(data := path.read_bytes())
        return model.model_validate_json(data)
    except ValueError as error:
        first: Any = error.errors()[0] if isinstance(error, ValidationError) else {"msg": error, "loc": "-"}
        raise RunError(
            f"{path}: {first['msg']} ({'.'.join(map(str, first['loc']))})",
            "it is the record of another kind of job: choose another directory with -o; or it was changed by hand: restore it",
        ) from None


def save_record(path: Path, record: BaseModel) -> None:
    """Write a record, whole or not at all."""
    write_json(path, record.model_dump(mode="json"))


def differences(old: Described, new: Described, *, otherwise: str = "made with other inputs") -> str:
    """The first things in which two jobs differ, in words: settings by name, files by their names, never by a digest."""
    then, now = old.settings(), new.settings()
    changed = [
        f"{key}: {_said(then.get(key))} there, {_said(now.get(key))} now"
        for key in dict.fromkeys([*then, *now])
        if then.get(key) != now.get(key)
    ]
    there, here = old.sources(), new.sources()
    changed += [
        _changed_files(key.removesuffix("_digest"), there, here)
        for key in dict.fromkeys([*there, *here])
        if key.endswith("_digest") and there.get(key) != here.get(key)
    ]
    return "; ".join(changed[:SHOWN]) or otherwise


def _said(value: Any) -> str:
    """A setting in words; an empty one is none at all."""
    return "none" if value is None or value in ("", [], {}) else repr(value)


def _changed_files(key: str, there: Mapping[str, Any], here: Mapping[str, Any]) -> str:
    """Which of the files under ``key`` is another one: by its content, or by its name."""
    then, now = (
        dict(zip(_many(source.get(key)), _many(source.get(f"{key}_digest")), strict=False))
        for source in (there, here)
    )
    for name, digest in now.items():
        if then.get(name, digest) != digest:
            return f"{name} has changed since"
    if then.keys() == now.keys():
        return f"{key}: in another order" if len(now) > 1 else f"the {key} have changed since"
    return f"{key}: {', '.join(then) or 'none'} there, {', '.join(now) or 'none'} now"


def _many(value: Any) -> list[str]:
    return [] if value is None else [str(each) for each in value] if isinstance(value, list) else [str(value)]


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold ``folder``, which is made if need be; its ``.lock`` has the number of the process there, which `RunError` names.

    A process that is killed lets go of it.
    """
    handle = lock(folder)
    try:
        yield
    finally:
        unlock(handle)


def lock(folder: Path) -> int:
    """The same for who holds it longer than a block: let go of it by `unlock`, or by ending."""
    path = folder / ".lock"
    with writing(path):
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        owner = os.pread(handle, _OWNER, 0).decode().strip() or "unknown"
        os.close(handle)
        raise RunError(
            f"{folder} is in use by process {owner}",
            "wait for it to end, or choose another directory with -o",
        ) from None
    try:
        with writing(path):
            os.ftruncate(handle, 0)
            write_all(handle, f"{os.getpid():<{_RESERVE}}".encode())
    except BaseException:
        os.close(handle)
        raise
    return handle


def unlock(handle: int) -> None:
    """Let another process have the folder."""
    try:
        os.ftruncate(handle, 0)
    finally:
        os.close(handle)


def write_anyway(handle: int, write: Callable[[], None]) -> None:
    """``write`` a record; what a full disk does not give, it takes of the room that the lock ``handle`` holds."""
    try:
        write()
    except DiskError:
        os.ftruncate(handle, _OWNER)
        write()


_OWNER, _RESERVE = 32, 1 << 15
"""Bytes of a lock: the number of its process, and room held so that a full disk can still take a record of that."""

BY_USER = "interrupted by the user"


def ended_by(error: BaseException) -> tuple[Status, str]:
    """The status of a job that ``error`` ended, and why in words."""
    if isinstance(error, KeyboardInterrupt):
        return "interrupted", BY_USER
    return "stopped", error.message if isinstance(error, PedagogyError) else repr(error)[:300]


Record = TypeVar("Record", bound=JobRecord)


class JobFolder(Generic[Record]):
    """Locked from construction to `close`. ``previous``: the record found there, ``None`` in a new folder.

    ``record`` is what is asked for now; it takes over when the previous session started. ``holds``: what the folder is said
    to hold ("run", "answers"); ``ours``: files that a session killed before its first record may have left.
    """

    def __init__(
        self,
        folder: str | Path,
        record: Record,
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
        self._at_work = False
        try:
            self.previous = self._found(record, holds, ours, otherwise)
        except BaseException:
            self.close()
            raise
        self._before = self.previous.seconds if self.previous else 0.0
        started = self.previous.started if self.previous else record.started
        self.record: Record = record.model_copy(update={"started": started})

    def __enter__(self) -> JobFolder[Record]:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """What ended a session before its `finish` is recorded."""
        self.give_up(error)

    def give_up(self, error: BaseException | None) -> None:
        """Record ``error``, if it ended a session that had a record; let another process have the folder."""
        try:
            if error is not None and self._at_work:
                status, why = ended_by(error)
                self.finish(status, why=why)
        finally:
            self.close()

    def _found(self, record: Record, holds: str, ours: Collection[str], otherwise: str) -> Record | None:
        if not self.path.exists():
            refuse_foreign(self.folder, holds, ours)
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

    def save(self, **updates: Any) -> Record:
        """Record what is known by now."""
        self._at_work = updates.get("status", self.record.status) == "running"
        seconds = round(self._before + time.monotonic() - self._began, 3)
        self.record = self.record.model_copy(update={"seconds": seconds, **updates})
        write_anyway(self._lock, lambda: save_record(self.path, self.record))
        return self.record

    def finish(
        self, status: Status, *, why: str | None = None, files: Collection[str] = (), **updates: Any
    ) -> Record:
        """Record how the session ended; of a complete job the sizes of ``files`` too."""
        sizes = {f: (self.folder / f).stat().st_size for f in files} if status == "complete" else {}
        return self.save(status=status, stopped_why=why, finished=now(), bytes=sizes, **updates)

    def close(self) -> None:
        """As `unlock`."""
        if self._lock >= 0:
            handle, self._lock = self._lock, -1
            unlock(handle)


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
    """``names`` in ``folder``, open for appending. ``done`` pieces lie complete on disk; ``counts`` are kept with them.

    Where the disk takes no more, all files end where the last checkpoint was, and so do ``done`` and ``counts``.
    """

    def __init__(self, folder: Path, names: Mapping[str, str]) -> None:
        self._paths = {key: folder / name for key, name in names.items()}
        self._ledger = Ledger(folder / "checkpoint.jsonl")
        self._last: dict[str, Any] = {"done": 0, "bytes": {}, "counts": {}}
        for _, value in self._ledger:
            if _reached(value, self._paths):
                self._last = value
        self.done, self.counts = 0, Counter[str]()
        self._files: dict[str, int] = {}
        self._waiting: dict[str, list[bytes]] = {key: [] for key in names}
        try:
            for key, path in self._paths.items():
                with writing(path):
                    self._files[key] = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
            self._back()
        except BaseException:
            self._let_go()
            raise

    def append(self, texts: Mapping[str, str]) -> None:
        """One piece: what it adds to each file. `counts` are updated by the caller, before."""
        for waiting, data in [(self._waiting[key], text.encode()) for key, text in texts.items()]:
            waiting.append(data)
        self.done += 1
        if time.monotonic() - self._saved > EVERY:
            self.checkpoint()

    def checkpoint(self) -> None:
        """Everything appended so far survives a kill from here on."""
        sizes = dict(self._last["bytes"])
        try:
            for key, waiting in self._waiting.items():
                data = b"".join(waiting)
                with writing(self._paths[key]):
                    write_all(self._files[key], data)
                sizes[key] = sizes.get(key, 0) + len(data)
                waiting.clear()
            now = {"done": self.done, "bytes": sizes, "counts": dict(self.counts)}
            self._ledger.append(now)
        except BaseException:
            self._back()
            raise
        self._last, self._saved = now, time.monotonic()

    def _back(self) -> None:
        """To the last checkpoint: what lies behind it is half of something."""
        for key, file in self._files.items():
            os.ftruncate(file, self._last["bytes"].get(key, 0))
            self._waiting[key].clear()
        self.done = int(self._last["done"])
        self.counts.clear()
        self.counts.update(self._last["counts"])
        self._saved = time.monotonic()

    def close(self) -> None:
        """A last checkpoint, if anything is behind the one before, and all files closed."""
        try:
            if self.done != self._last["done"]:
                self.checkpoint()
        finally:
            self._let_go()

    def _let_go(self) -> None:
        for file in self._files.values():
            os.close(file)
        self._files.clear()
        self._ledger.close()


def _reached(checkpoint: Any, paths: Mapping[str, Path]) -> bool:
    """Whether the files reach up to it: one that somebody shortened does not, and counts by an earlier one."""
    try:
        return all((file_size(paths[key]) or 0) >= size for key, size in checkpoint["bytes"].items())
    except (TypeError, KeyError, AttributeError):
        return False  # not a checkpoint's line
