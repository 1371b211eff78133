"""What is read is what was written: a record keeps the sha256 of every file beside it, and one of itself.

    RUN/run.json    {
                     "seal": "sha256:5a0c…",                          of this file without this line
                     "sha256": {"codings.jsonl": "9f86…", "ledger.jsonl": "77ab…"},
                     …

    grep -v '^ "seal"' run.json | sha256sum          is the seal
    sha256sum codings.jsonl                          is what stands there

A file whose digest is null is not checked: it is there to be changed. Records of earlier versions have neither, and are read as
they are. This notices what happens to files, not a forger, who can seal anew.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import IO, Any, NamedTuple, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ..errors import InputError, RunError, first_fault
from .json_text import parse_json
from .ledger import LedgerLines
from .records import BadRow, read_jsonl, write_text

LEDGER, WEB_LOG = "ledger.jsonl", "web.jsonl"
"""Files that grow a line at a time: replies, and decisions made together; and a coder's own in the browser."""
CHECKPOINTS = "checkpoint.jsonl"
BATCHES = "batches.jsonl"
"""Which requests were sent to a server in which batch."""
PASSING = frozenset({"checkpoints", "batches"})
"""Folders of what is needed while a command runs."""

RUN, SETTINGS, FUNNEL, PACKET = "run.json", "settings.json", "funnel.json", "packet.json"
RECORDS = (RUN, SETTINGS, FUNNEL, PACKET)
"""Names of records that say what lies beside them: of runs and answers, students, filters, packets."""
STAGES, RECIPE = "stages", "recipe.yaml"
"""Of a pipeline: the folder in which each stage has its record; and what it was run by."""

_SEAL = re.compile(rb'\A\{\n "seal": "sha256:([0-9a-f]{64})",\n')
_RESTORE = "restore it from a copy, or give the command that wrote it another directory with -o"


class SealedRecord(BaseModel):
    """A record that knows the files beside it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seal: str | None = None
    """sha256 of the record's own bytes without the line on which this stands; put there when it is written."""
    sha256: dict[str, str | None] = Field(default_factory=dict)
    """By file, once the job has ended; null of files that are there to be changed."""


Sealed = TypeVar("Sealed", bound=SealedRecord)


def write_sealed(path: Path, record: Mapping[str, Any]) -> None:
    """Write a record as JSON, whole or not at all, with the digest of its own bytes."""
    write_text(path, sealed(record))


def sealed(record: Mapping[str, Any]) -> bytes:
    """The bytes of a record with their digest."""
    plain = {name: value for name, value in record.items() if name != "seal"}
    text = json.dumps(plain, ensure_ascii=False, indent=1).encode("utf-8", "backslashreplace") + b"\n"
    seal = hashlib.sha256(text).hexdigest().encode()
    return b'{\n "seal": "sha256:%b",\n' % seal + text.removeprefix(b"{\n")


def read_sealed(path: Path, hint: str = _RESTORE) -> bytes:
    """The bytes of a record. Raises `RunError` if they are not what was written; a record of an earlier version has no seal."""
    data = path.read_bytes()
    if broken(data):
        raise RunError(f"{path} was changed since it was written: its seal does not fit it", hint)
    return data


def read_sealed_model(
    data: bytes, where: str, model: type[Sealed], hint: str = _RESTORE, *, other: str = ""
) -> Sealed:
    """A record from its bytes. Raises `RunError` with ``hint`` if they are not what was written, with ``other`` if it is something else."""
    try:
        parse_json(data)
        if broken(data):
            raise RunError(f"{where} was changed since it was written: its seal does not fit it", hint)
        return model.model_validate_json(data)
    except ValueError as error:
        why = first_fault(error) if isinstance(error, ValidationError) else error
        raise RunError(f"{where}: {why}", other or hint) from None


def broken(data: bytes) -> bool:
    """Whether a record's seal does not fit it, or is gone."""
    found = _SEAL.match(data)
    if found is None:
        return b'"seal":' in data[:120] or b'\n "sha256": {' in data
    return hashlib.sha256(b"{\n" + data[found.end() :]).hexdigest().encode() != found[1]


def has_seal(data: bytes) -> bool:
    """Whether a record says what its bytes were; those of earlier versions do not."""
    return _SEAL.match(data) is not None


def names_in(folder: Path, record: str = "") -> list[str]:
    """The files of a folder that its ``record`` is about: all but hidden ones and what only a command at work needs."""
    found = []
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        passing = any(part[0] == "." for part in parts) or PASSING & set(parts[:-1])
        if not passing and path.name != CHECKPOINTS and path.is_file():
            found.append("/".join(parts))
    return [name for name in found if name != record]


def digests(
    folder: Path, record: str, *, known: Mapping[str, str] | None = None, may_change: Collection[str] = ()
) -> dict[str, str | None]:
    """sha256 of each of the files; of those ``known`` already nothing is read."""
    known = known or {}
    return {
        name: None if name in may_change else known.get(name) or sha256_of(folder / name)
        for name in names_in(folder, record)
    }


def sha256_of(path: Path, first: int | None = None) -> str:
    """Hex digits of a file, or of its ``first`` bytes."""
    hashed = hashlib.sha256()
    with path.open("rb") as file:
        left = first
        while block := file.read(1 << 20 if left is None else min(left, 1 << 20)):
            hashed.update(block)
            left = None if left is None else left - len(block)
    return hashed.hexdigest()


def file_size(path: Path) -> int | None:
    """Bytes of a file; ``None`` if there is none."""
    return path.stat().st_size if path.is_file() else None


def difference(path: Path, size: int | None, sha256: str | None, *, first: int | None = None) -> str:
    """In which way a file is not what it was, of which the record says size and digest, or one of them; empty where it is.

    ``first``: what is recorded is of this many first bytes.
    """
    now = file_size(path)
    if now is None:
        return "is missing"
    if first is not None:
        same = now >= first and sha256_of(path, first) == sha256
        return "" if same else f"has other bytes in its first {first:,} than were recorded"
    if path.name in (LEDGER, BATCHES) and size is not None and now > size:
        return _grown(path, size, sha256)
    if size is not None and size != now:
        return f"has {now:,} bytes, and {size:,} when that was recorded"
    if sha256 is not None and sha256_of(path) != sha256:
        return f"has {now:,} bytes as it had, but not the same ones"
    return ""


def _grown(path: Path, size: int, sha256: str | None) -> str:
    """A ledger may grow: replies of a later session, decisions after those that were written out."""
    if sha256 is not None and (why := difference(path, None, sha256, first=size)):
        return why
    lines = LedgerLines(path)
    for _ in lines:
        """What is wrong is noted."""
    if lines.bad or lines.faults:
        return (
            f"has grown by lines that no ledger wrote (line {lines.bad[0]})" if lines.bad else lines.faults[0]
        )
    return ""


class DigestWatch:
    """Takes the digest of a file while it is read, once: ``update`` with all its bytes, then `end`.

    ``recorded``: the sha256 that it had; ``None`` where nobody knows.
    """

    def __init__(self, path: Path, recorded: str | None, hint: str) -> None:
        self.path, self.recorded, self.hint = path, recorded, hint
        self._hashed = hashlib.sha256()
        self.update = self._hashed.update if recorded else _pass

    def through(self) -> Path:
        """Read the file for that alone; returns its path."""
        if self.recorded:
            with self.path.open("rb") as file:
                while block := file.read(1 << 20):
                    self.update(block)
        self.end()
        return self.path

    def again(self) -> DigestWatch:
        """One that has seen nothing yet."""
        return DigestWatch(self.path, self.recorded, self.hint)

    def end(self) -> None:
        """Raises `RunError` if other bytes went by than were recorded."""
        if self.recorded and self._hashed.hexdigest() != self.recorded:
            raise RunError(
                f"{self.path} has changed: it holds other bytes than were recorded when it was complete",
                self.hint,
            )


def _pass(data: bytes) -> None:
    """Nothing is recorded of what is read."""


Parsed = TypeVar("Parsed", bound=BaseModel)


def models_of(watch: DigestWatch, model: type[Parsed], first: int | None = None) -> Iterator[Parsed]:
    """The lines of a file (or its ``first`` ones) as what they are, read once.

    Raises `RunError` where the file is not what was recorded, `InputError` naming a line that is no ``model``.
    """
    for row in islice(read_jsonl(watch.path, watch.update), first):
        try:
            if isinstance(row, BadRow):
                raise InputError(row.why)
            found = model.model_validate(row.data)
        except (InputError, ValidationError) as error:
            watch.again().through()  # which says more, where the file is not what it was
            why = error.message if isinstance(error, InputError) else first_fault(error)
            hint = "run the same command again, or restore the file"
            raise InputError(f"{watch.path}:{row.line}: {why}", hint) from None
        yield found
    watch.end()


class WatchedFile:
    """A file for reading, of which a `DigestWatch` sees all that is read."""

    closed = False

    def __init__(self, file: IO[bytes], watch: DigestWatch) -> None:
        self._file, self._watch = file, watch

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        self._watch.update(data)
        return data

    def close(self) -> None:
        """Whoever opened the file closes it."""

    def readable(self) -> bool:
        return True


class RecordBeside(NamedTuple):
    """What the record beside a file says of it."""

    record: Path
    said: dict[str, Any]
    sha256: str | None


def beside(path: Path) -> RecordBeside | None:
    """The record that lies beside a file (of a packet's key: above it), if there is one that can be read."""
    for folder in (path.parent, path.parent.parent):
        for name in RECORDS if folder == path.parent else (PACKET,):
            record = folder / name
            if record.is_file() and record != path:
                try:
                    said = json.loads(record.read_bytes())
                    known = said.get("sha256", {}).get(path.relative_to(folder).as_posix())
                except (ValueError, AttributeError, RecursionError):
                    return None
                return RecordBeside(record, said, known if isinstance(known, str) else None)
    return None


def check_beside(path: Path, sha256: str) -> None:
    """Raise `RunError` if the record beside a file knows it with another digest (hex digits) than it has."""
    found = beside(path)
    if found is not None and found.sha256 not in (None, sha256):
        raise RunError(
            f"{path} has changed: it holds other bytes than {found.record.name} beside it recorded",
            "restore it from a copy; what you changed on purpose belongs into a file outside that directory",
        )
