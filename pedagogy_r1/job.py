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
"""

from __future__ import annotations

import fcntl
import os
import time
import warnings
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Generic, Literal, Protocol, TypeVar

from pydantic import Field, field_validator

from .errors import DiskError, LedgerWarning, PedagogyError, RunError, writing
from .files.ledger import write_all
from .files.seal import LEDGER, SealedRecord, difference, digests, file_size, read_sealed_model, write_sealed
from .files.written import refuse_foreign, refuse_links
from .provenance import now, versions

Status = Literal["running", "interrupted", "stopped", "complete"]

SHOWN = 3
"""How many differences are named before the rest is left out."""


class JobRecord(SealedRecord):
    """What every job records; a subclass adds its own fields, and says in `settings` and `sources` what it was made with."""

    fingerprint: str
    status: Status = "running"
    stopped_why: str | None = None
    started: str
    finished: str | None = None
    seconds: float = 0.0
    """Over all sessions."""
    versions: list[dict[str, str]] = Field(default_factory=lambda: [versions()])
    """Of the first session; and of each that went on under others, ``since`` when."""
    bytes: dict[str, int] = Field(default_factory=dict)
    """Sizes of the files of a job that has ended; of earlier versions there may be none."""

    @field_validator("versions", mode="before")
    @classmethod
    def _of_one_session(cls, value: Any) -> Any:
        """Earlier versions recorded those of one session."""
        return [value] if isinstance(value, dict) else value

    def settings(self) -> Mapping[str, Any]:
        """What determines the result, by the names a user knows."""
        return {}

    def sources(self) -> Mapping[str, Any]:
        """Files that the result is made from: ``{"traces": "a.jsonl", "traces_digest": "sha256:…"}``; lists of both too."""
        return {}

    def what(self) -> str:
        """In a user's words, what kind of job it is, where a folder may hold several kinds: "codings by cues"."""
        return ""


Model = TypeVar("Model", bound=SealedRecord)


class Described(Protocol):
    """A record that says in words what it was made with, as `JobRecord` does."""

    def what(self) -> str: ...

    def settings(self) -> Mapping[str, Any]: ...

    def sources(self) -> Mapping[str, Any]: ...


def read_record(path: Path, model: type[Model], *, no_file: RunError) -> Model:
    """The record in a file. Raises ``no_file`` if there is none; `RunError` if it was changed, and if it is something else."""
    if not path.is_file():
        raise no_file
    other = "it is the record of another kind of job: choose another directory with -o; or it was changed by hand: restore it"
    return read_sealed_model(path.read_bytes(), str(path), model, other=other)


def save_record(path: Path, record: SealedRecord) -> None:
    """Write a record, sealed, whole or not at all."""
    write_sealed(path, record.model_dump(mode="json"))


def differences(old: Described, new: Described, *, otherwise: str = "made with other inputs") -> str:
    """The first things in which two jobs differ, in words: settings by name, files by their names, never by a digest.

    Jobs of two kinds differ in that they are; settings of the one are none of the other's.
    """
    if old.what() != new.what():
        return f"{old.what()}; this would be {new.what()}"
    then, now = (_as_kept(job.settings()) for job in (old, new))
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


def _as_kept(value: Any) -> Any:
    """A setting as a record that was read has it, where a tuple is a list."""
    if isinstance(value, list | tuple):
        return [_as_kept(each) for each in value]
    return {name: _as_kept(each) for name, each in value.items()} if isinstance(value, Mapping) else value


def _said(value: Any) -> str:
    """A setting in words; an empty one is none at all."""
    if isinstance(value, list) and value and all(isinstance(each, str) for each in value):
        return " and ".join(map(repr, value))
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
def locked(folder: Path, option: str = "-o") -> Iterator[None]:
    """Hold ``folder``, which is made if need be; its ``.lock`` has the number of the process there, which `RunError` names.

    A process that is killed lets go of it. ``option``: by which another folder is named.
    """
    handle = lock(folder, option)
    try:
        yield
    finally:
        unlock(handle)


def lock(folder: Path, option: str = "-o") -> int:
    """The same for who holds it longer than a block: let go of it by `unlock`, or by ending."""
    path = folder / ".lock"
    with writing(path):
        folder.mkdir(parents=True, exist_ok=True)
        if path.is_symlink() or (path.exists() and not path.is_file()):  # it is about to be emptied
            raise RunError(f"{path} is no lock of pcode's, but a link, a folder or a device", "delete it")
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK, 0o666)
    if not hold(handle, path):
        owner = os.pread(handle, _OWNER, 0).decode("utf-8", "replace").strip() or "unknown"
        os.close(handle)
        raise RunError(
            f"{folder} is in use by process {owner}",
            f"wait for it to end, or choose another directory with {option}",
        )
    try:
        with writing(path):
            os.ftruncate(handle, 0)
            write_all(handle, f"{os.getpid():<{_RESERVE}}".encode())
    except BaseException:
        os.close(handle)
        raise
    return handle


def hold(handle: int, path: Path) -> bool:
    """Lock an open file, until it is closed; false where another process has. Raises `RunError` where nothing can be locked."""
    for wait in (0.1, 0.0):  # `killed`, which only looks, has it for a moment
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            time.sleep(wait)
        except OSError as error:
            os.close(handle)
            why = f"{path} cannot be locked: {(error.strerror or str(error)).lower()}"
            hint = "choose a directory on a disk of this machine: some network file systems lock no files"
            raise RunError(why, hint) from None
    return False


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
    return "stopped", error.message if isinstance(
        error, PedagogyError
    ) else f"{type(error).__name__}: {error}"[:300]


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
        refuse_links(self.folder)
        self._lock = lock(self.folder)
        self._began = time.monotonic()
        self._at_work = False
        try:
            self.previous = self._found(record, holds, ours, otherwise)
        except BaseException:
            self.close()
            raise
        self._before = self.previous.seconds if self.previous else 0.0
        kept = {"started": self.previous.started, "versions": self._versions(record)} if self.previous else {}
        self.record: Record = record.model_copy(update=kept)
        self._news = ""
        if self.previous:
            self._news = self._other_versions(self.previous.versions)
            self._say_changed_ledgers(self.previous)

    def _versions(self, record: Record) -> list[dict[str, str]]:
        """Those of all sessions, this one's last if they are others."""
        before, today = self.previous.versions if self.previous else [], record.versions[-1]
        if before and today == {name: version for name, version in before[-1].items() if name != "since"}:
            return before
        return [*before, today | ({"since": now()} if before else {})]

    def _other_versions(self, before: Sequence[Mapping[str, str]]) -> str:
        """What to say where this session goes on under other versions than the one before; else nothing."""
        sessions = self.record.versions
        if len(sessions) == len(before) or not before:
            return ""
        old, new = before[-1], sessions[-1]
        differ = [name for name in {**old, **new} if name != "since" and old.get(name) != new.get(name)]
        said = ", ".join(f"{name} {new.get(name, 'none')} (was {old.get(name, 'none')})" for name in differ)
        return f"{self.folder} is taken up under other versions: {said}; {self.path.name} keeps both"

    def _say_changed_ledgers(self, previous: Record) -> None:
        for name, sha256 in previous.sha256.items():
            path = self.folder / name
            if path.name == LEDGER and (why := difference(path, previous.bytes.get(name), sha256)):
                more = "what is lost with it is asked again, if this session needs it"
                warnings.warn(f"{path} {why}; {more}", LedgerWarning, stacklevel=3)

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
        if self._news:
            warnings.warn(self._news, LedgerWarning, stacklevel=3)
            self._news = ""
        self._at_work = updates.get("status", self.record.status) == "running"
        seconds = round(self._before + time.monotonic() - self._began, 3)
        self.record = self.record.model_copy(update={"seconds": seconds, **updates})
        write_anyway(self._lock, lambda: save_record(self.path, self.record))
        return self.record

    def finish(
        self,
        status: Status,
        *,
        why: str | None = None,
        known: Mapping[str, str] | None = None,
        may_change: Collection[str] = (),
        **updates: Any,
    ) -> Record:
        """Record how the session ended, and size and digest of every file in the folder.

        ``known``: digests that the writer knows already; ``may_change``: files that are there to be changed.
        """
        sums = digests(self.folder, self.path.name, known=known, may_change=may_change)
        sizes = {name: file_size(self.folder / name) for name, sha256 in sums.items() if sha256}
        ended = {"stopped_why": why, "finished": now(), "bytes": sizes, "sha256": sums}
        return self.save(status=status, **ended, **updates)

    def close(self) -> None:
        """As `unlock`."""
        if self._lock >= 0:
            handle, self._lock = self._lock, -1
            unlock(handle)


def damaged(folder: Path, record: JobRecord, files: Collection[str] = ()) -> list[str]:
    """Files of a complete job that are missing, or not what they were; of any other job, none."""
    names = (files or record.bytes) if record.status == "complete" else ()
    return [n for n in names if difference(folder / n, record.bytes.get(n), record.sha256.get(n))]
