"""The locked part: traces set aside before a codebook or a coder is developed, on which nobody measures before the end.

    traces.jsonl
    traces.locked.json    {"lock_id": "k-3f9c…", "share": 0.3, "seed": 0, "locked": {"aime-3": {"text": "9c1e…", "asked": "77ab…"}, …}, …}
    traces.looks.jsonl    {"look": 1, "when": "2026-11-29T…", "who": "kim", "why": "final test", "runs": [{"run_id": …, "key": …}], …}

How a command knows that a trace is locked: it looks for files named ``*.locked.json`` where the traces or the run lie, and in every
folder above. A trace is locked if its reasoning is that of a locked one, spaces aside, whatever its id; or if id and question
(without a question: item) are, whatever was done to its text. So a copy of the traces is locked too, under another name and in
another format, in the same folder or below. A run or a packet made under a lock keeps a copy of it, by which it is locked wherever it
is moved; the copy says where the lock lies, for there the looks are counted.

What reads a run or traces to develop a codebook or a coder never reads locked traces. What measures (agreement, report) reads those
of runs that a look was counted for (`Lock.opens`): of a machine by codebook and coder with all parameters (`Manifest.look_key`), so that a coder
that was changed since is not opened; of people exactly these codings. Packets, imports and migrations read everything: locked
traces are coded like others, blind.

What this cannot prevent: that somebody deletes the lock, copies traces to a place that is not below it, edits text and question,
copies the lock with its looks to count in two places, or opens the files in another program. ``pcode verify RUN`` says where a lock
that a run recorded was removed or changed.
"""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel, Field, ValidationError

from ..errors import InputError, RunError, first_fault
from ..files.json_text import parse_json
from ..files.ledger import LedgerLines, sound_length
from ..files.records import BadRow
from ..files.seal import SealedRecord, broken, difference, has_seal, write_sealed
from ..formatting import counted
from ..provenance import digest
from ..trace import Trace, item_group

LOCKED, LOOKS = ".locked.json", ".looks.jsonl"
"""How the name of a lock ends, and that of its looks."""

_RESTORE = "restore it from a copy; a lock that was changed protects nothing"


class LockedTrace(BaseModel, frozen=True, extra="forbid"):
    """What a locked trace is known again by: `text_key`, `asked_key`."""

    text: str | None
    asked: str | None


class LockedPart(SealedRecord):
    """``NAME.locked.json``. ``looks``: how many were counted when it was written; ``home``: of a copy, where the lock lies from there."""

    lock_id: str = Field(pattern=r"^k-[0-9a-f]{12}$")
    made: str
    traces: str
    traces_digest: str
    share: float = Field(gt=0, lt=1)
    seed: int
    counts: dict[str, int] = Field(default_factory=dict)
    locked: dict[str, LockedTrace] = Field(min_length=1)
    looks: int = Field(default=0, ge=0)
    home: str | None = None


class LookedRun(BaseModel, frozen=True, extra="forbid"):
    """A run for which a look opened the locked part. ``key``: `Manifest.look_key`."""

    run: str
    run_id: str
    key: str
    codebook: str
    codebook_digest: str
    coder: str
    coders: tuple[str, ...]


class CountedLook(BaseModel, frozen=True, extra="forbid"):
    """A line of ``NAME.looks.jsonl``. ``end``: the lock ended with it, and all traces may be used for anything."""

    look: int = Field(ge=1)
    lock_id: str
    when: str
    who: str
    why: str
    locked: int = Field(ge=1)
    end: bool = False
    runs: tuple[LookedRun, ...] = ()


def plain_text(text: str) -> str:
    """Without what a change of format may change: how white space and letters are written."""
    return " ".join(unicodedata.normalize("NFKC", text).split())


def _hashed(*parts: str) -> str:
    return blake2b("\0".join(parts).encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()


def text_key(trace: Trace) -> str | None:
    """Digest of the reasoning, spaces aside (without any, of the answer); ``None`` where there is neither."""
    text = plain_text(trace.reasoning) or plain_text(trace.answer)
    return _hashed(text) if text else None


def same_groups(traces: Iterable[Trace]) -> list[str]:
    """What must not stand on both sides of a fold or a lock: of each trace its `item_group`, one for items that share a text or
    `asked_key`: else the other half would be known by the first.
    """
    leader: dict[str, str] = {}

    def lead(name: str) -> str:
        while leader.setdefault(name, name) != name:
            name = leader[name]
        return name

    first: dict[str, str] = {}
    own = []
    for trace in traces:
        own.append(item_group(trace))
        for key in (text_key(trace), asked_key(trace)):
            if key is not None:
                leader[lead(own[-1])] = lead(first.setdefault(key, own[-1]))
    return [lead(name) for name in own]


def asked_key(trace: Trace) -> str | None:
    """Digest of id and question (without one, item); ``None`` where there is neither: an id alone, such as ``1``, is that of many."""
    question = plain_text(trace.question) or plain_text(trace.item or "")
    return _hashed(trace.id, question) if question else None


OF_TRACES = ("traces_digest", "units_digest", "locked_digest")
"""What a machine's run records of the traces that it coded; every other digest is of what the machine itself goes by."""


def coder_key(
    codebook: str,
    coder: str,
    parameters: Mapping[str, Any],
    scheme: str,
    seed: int | None,
    lang: str,
    source: Mapping[str, Any],
) -> str:
    """What a look opens the locked part for, of a machine: its codebook (a digest) and all that determines its codes but the traces.

    ``source``: what its run records of files that were read, the examples that a model is shown among them.
    """
    settings = {"coder": coder, "parameters": dict(parameters), "scheme": scheme, "seed": seed, "lang": lang}
    read = {
        name: value for name, value in source.items() if name.endswith("_digest") and name not in OF_TRACES
    }
    return digest({"codebook": codebook, **settings} | ({"source": read} if read else {}))


class Lock:
    """A lock on disk with the looks that were counted; ``path`` is a copy's own where the lock itself is not found."""

    def __init__(self, path: Path, part: LockedPart, looks: tuple[CountedLook, ...]) -> None:
        self.path, self.part, self.looks = path, part, looks

    @cached_property
    def _texts(self) -> frozenset[str | None]:
        return frozenset(one.text for one in self.part.locked.values()) - {None}

    @cached_property
    def _asked(self) -> frozenset[str | None]:
        return frozenset(one.asked for one in self.part.locked.values()) - {None}

    def holds(self, trace: Trace) -> bool:
        """Whether the trace is locked, or a copy of one that is."""
        return text_key(trace) in self._texts or asked_key(trace) in self._asked

    @property
    def ended(self) -> bool:
        """Whether the traces may be used for anything again."""
        return any(look.end for look in self.looks)

    def opens(self, key: str) -> bool:
        """Whether a look was counted for runs of this `Manifest.look_key`."""
        return self.ended or any(run.key == key for look in self.looks for run in look.runs)

    @property
    def counted(self) -> tuple[CountedLook, ...]:
        """Looks at runs; the end of a lock is none."""
        return tuple(look for look in self.looks if look.runs)

    def looked(self) -> str:
        """``looked at once, on 2026-11-29``; of several looks what they are worth too."""
        dates = [look.when[:10] for look in self.counted]
        if not dates:
            return "not looked at"
        if len(dates) == 1:
            return f"looked at once, on {dates[0]}"
        last = "the second is" if len(dates) == 2 else "those after the first are"
        return (
            f"looked at {len(dates)} times ({', '.join(dates)}): {last} no longer independent of what was "
            "changed after the first"
        )

    def write_copy(self, folder: Path, *, private: bool = False) -> None:
        """Put a copy into ``folder``, of a run or of a packet's key."""
        path = folder / f"{self.part.lock_id}{LOCKED}"
        home = os.path.relpath(self.path.resolve(), folder.resolve())
        write_sealed(path, self.part.model_copy(update={"home": home, "looks": 0}).model_dump(mode="json"))
        if private:
            path.chmod(0o600)


def read_lock(path: Path) -> LockedPart:
    """Raises `RunError` for a file that is no lock, or not as it was written."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise RunError(f"{path} cannot be read: {(error.strerror or str(error)).lower()}", _RESTORE) from None
    if broken(data) or not has_seal(data):
        raise RunError(f"{path} is no lock as it was written: its seal does not fit it", _RESTORE)
    try:
        parse_json(data)
        return LockedPart.model_validate_json(data)
    except (ValueError, RecursionError) as error:
        why = first_fault(error) if isinstance(error, ValidationError) else error
        raise RunError(f"{path} is no lock: {why}", "name no other file *.locked.json") from None


def looks_path(lock: Path) -> Path:
    """Where the looks at a lock are counted."""
    return lock.with_name(lock.name.removesuffix(LOCKED) + LOOKS)


def read_looks(lock: Path, part: LockedPart) -> tuple[CountedLook, ...]:
    """The looks at a lock. Raises `RunError` where lines were changed, or fewer are there than were counted."""
    path = looks_path(lock)
    found: list[CountedLook] = []
    if path.is_file():
        with path.open("rb") as file:
            sound = sound_length(file.fileno())
        lines = LedgerLines(path)
        for offset, row in lines:
            if offset >= sound:
                break  # cut off by a kill: nobody was shown anything by it
            look = None if isinstance(row, BadRow) else _look(row.data)
            if look is None or (look.lock_id, look.look) != (part.lock_id, len(found) + 1):
                raise RunError(f"{path}: line {row.line} is no look at {lock} as it was written", _RESTORE)
            found.append(look)
    if len(found) < part.looks:
        raise RunError(
            f"{path} holds {counted(len(found), 'look')}, and {part.looks} were counted",
            "restore it from a copy",
        )
    return tuple(found)


def _look(data: Any) -> CountedLook | None:
    with suppress(ValidationError):
        return CountedLook.model_validate(data)
    return None


def open_lock(path: Path) -> Lock:
    """The lock in a file; of a copy, the lock that it is a copy of, where that is found."""
    part = read_lock(path)
    if part.home is None:
        return Lock(path, part, read_looks(path, part))
    home = path.parent / part.home
    if home.is_file():
        own = read_lock(home)
        if own.lock_id == part.lock_id and own.home is None:
            return Lock(Path(os.path.normpath(home)), own, read_looks(home, own))
    return Lock(path, part, ())


def locks_of(*paths: str | Path) -> tuple[Lock, ...]:
    """The locks that count for files or folders: beside them and in every folder above, each once; not those that ended.

    Raises `RunError` for one that was changed.
    """
    found: dict[str, Lock] = {}
    for folder in _folders(map(Path, paths)):
        for path in _locks_in(folder):
            lock = open_lock(path)
            known = found.get(lock.part.lock_id)
            if known is None or (lock.part.home is None, len(lock.looks)) > (
                known.part.home is None,
                len(known.looks),
            ):
                found[lock.part.lock_id] = lock
    return tuple(lock for lock in found.values() if not lock.ended)


def _folders(paths: Iterable[Path]) -> Iterator[Path]:
    seen: dict[Path, None] = {}
    for path in paths:
        for place in (path.absolute(), path.resolve()):
            start = place if place.is_dir() else place.parent
            seen |= dict.fromkeys((start, *start.parents))
    return iter(seen)


def _locks_in(folder: Path) -> list[Path]:
    with suppress(OSError), os.scandir(folder) as entries:  # a folder above may not be ours to list
        return sorted(
            Path(entry.path) for entry in entries if entry.name.endswith(LOCKED) and entry.is_file()
        )
    return []


class Hidden(NamedTuple):
    """Ids of the traces that are not read, and a sentence that says so."""

    ids: frozenset[str]
    said: str


def hidden_of(
    traces: Iterable[Trace], locks: Iterable[Lock], where: object, verb: str = "not read"
) -> Hidden:
    """Which of the traces of ``where`` the locks hold. Raises `RunError` where that is all of them."""
    kept, total, ids = tuple(locks), 0, set()
    if not kept:
        return Hidden(frozenset(), "")
    for trace in traces:
        total += 1
        if any(lock.holds(trace) for lock in kept):
            ids.add(trace.id)
    names = ", ".join(lock.path.name for lock in kept)
    if ids and len(ids) == total:
        raise RunError(f"all traces of {where} are locked ({names})", UNLOCK)
    are = "is" if len(ids) == 1 else "are"
    said = f"{len(ids):,} of the {total:,} traces of {where} {are} locked ({names}) and {verb}; {UNLOCK}"
    return Hidden(frozenset(ids), said if ids else "")


UNLOCK = "when all is settled, pcode unlock opens them, and counts the look"


def check_copies(folder: Path, sums: Mapping[str, str | None]) -> None:
    """Raise `RunError` if a copy of a lock that a run recorded is gone or changed."""
    for name, sha256 in sums.items():
        if name.endswith(LOCKED) and (why := difference(folder / name, None, sha256)):
            raise RunError(f"{folder / name} {why}: the run was made under this lock", _RESTORE)


def lost_home(copy: Path) -> str | None:
    """Why the lock that a copy is of is not what it was, in words; ``None`` where nothing is known against it."""
    try:
        part = read_lock(copy)
    except RunError as error:
        return error.message
    if part.home is None:
        return None
    home = Path(os.path.normpath(copy.parent / part.home))
    if not home.is_file():
        return f"the lock itself, {home}, is missing" if home.parent.is_dir() else None
    try:
        own = read_lock(home)
        read_looks(home, own)
    except (RunError, InputError) as error:
        return error.message
    return None if own.locked == part.locked and own.lock_id == part.lock_id else f"{home} is another lock"
