"""A file to which lines of JSON are only ever added, and which loses none that it said it had.

    ledger = Ledger("OUT/ledger.jsonl")
    ledger.append({"n": 1, …})              survives a SIGKILL from here on
    ledger.append({"n": 2, …}, sync=True)   and a power cut

    {"n":1,…,"sum":"1-8c736521"}            the number of the line, and the CRC-32 of all that stands before it

CRC-32 (zlib) notices every change within four bytes in a row, and of others all but one in 4·10⁹, at a microsecond a line; whoever
wants to deceive can compute it too. Lines of earlier versions have none, and are read as they are.

A line is there whole or not at all: where the disk takes only a part of it, that part is taken back. What a kill or a power
cut left behind the last whole line is cut off when the file is opened again, and said.
"""

from __future__ import annotations

import json
import os
import re
import warnings
import zlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import DiskError, InputError, LedgerWarning, RunError, writing
from .records import PRIVATE, BadRow, Row, dump, parse_line, sync_folder

_SUM = re.compile(rb',"sum":"(\d+)-([0-9a-f]{8})"\}\n?\Z')


def require_still_there(path: Path, file: int, size: int) -> None:
    """Raise `RunError` unless what lies under ``path`` is the open ``file``, and ``size`` bytes long.

    What is written into a file that was moved away, deleted or replaced (a synchronised folder does) is seen by nobody.
    """
    with writing(path):
        ours = os.fstat(file)
        try:
            there = os.stat(path)  # noqa: PTH116 - once a reply: half of what Path.stat costs
        except FileNotFoundError:
            there = None
    if there is None or (there.st_dev, there.st_ino) != (ours.st_dev, ours.st_ino):
        what = "was moved or deleted" if there is None else "was replaced by another file"
    elif ours.st_size != size:
        what = "was changed"
    else:
        return
    raise RunError(
        f"{path} {what} by another program while it is open here: nothing more is written into it",
        "stop this command, put the file back as it was, and start again; what is in the file is kept",
    )


class Ledger:
    """An append-only JSONL file. Every line reaches the operating system before ``append`` returns.

    Raises `DiskError` where the disk takes no more; the file then ends where it did before. ``private``: only its owner can
    read it, also where it was there before.
    """

    def __init__(self, path: str | Path, *, private: bool = False) -> None:
        self.path = Path(path)
        self._lost = False
        with writing(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            mode = PRIVATE if private else 0o666
            self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, mode)
            if private:
                with suppress(PermissionError):  # it is somebody else's, who lets us write
                    os.fchmod(self._file, PRIVATE)
            try:
                self.size = self._sound()
            except BaseException:
                os.close(self._file)
                raise
            self._new = not self.size
            self._lines = self._count()

    def _sound(self) -> int:
        size = sound_length(self._file)
        if beyond := os.fstat(self._file).st_size - size:
            os.ftruncate(self._file, size)
            why = f"{self.path}: {beyond:,} bytes behind the last whole line were cut off: nobody was told that they are saved"
            warnings.warn(why, LedgerWarning, stacklevel=3)
        if size and os.pread(self._file, 1, size - 1) != b"\n":
            write_all(self._file, b"\n")
            size += 1
        return size

    def _count(self) -> int:
        """Lines so far: the last one says it; of one without a checksum all are counted."""
        start = _behind_newline(self._file, self.size - 1) if self.size else 0
        last = _Line.of(os.pread(self._file, self.size - start, start))
        if last.number is not None and not last.changed:
            return last.number
        with self.path.open("rb") as file:
            return sum(1 for _ in file)

    def append(self, value: Any, *, sync: bool = False) -> int:
        """Append one value; returns the byte offset at which it lies. ``sync``: not before it is on the disk itself."""
        return self.append_all([value], sync=sync)

    def append_all(self, values: Sequence[Any], *, sync: bool = False) -> int:
        """Append several, all of them or none; returns the byte offset of the first."""
        if self._lost:
            raise DiskError("the disk failed in the middle of a line before", self.path)
        require_still_there(self.path, self._file, self.size)
        offset = self.size
        lines = (dump(value).encode("utf-8", "backslashreplace") for value in values)
        data = b"".join(_summed(line, number) for number, line in enumerate(lines, self._lines + 1))
        try:
            with writing(self.path):
                write_all(self._file, data)
                if sync:
                    self.sync()
        except BaseException:
            self._take_back()
            raise
        self.size += len(data)
        self._lines += len(values)
        return offset

    def _take_back(self) -> None:
        """Part of a line may lie behind the last whole one: another line must never be glued to it."""
        try:
            os.ftruncate(self._file, self.size)
        except OSError:
            self._lost = True

    def at(self, offset: int) -> Any:
        """The value that ``append`` put at ``offset``."""
        length = 1 << 14
        while True:
            data = os.pread(self._file, length, offset)
            end = data.find(b"\n")
            if end >= 0:
                line = _Line.of(data[:end])
                if line.changed:
                    raise InputError(f"{self.path}: the line at byte {offset} {CHANGED}", "restore the file")
                return json.loads(line.text)
            if len(data) < length:
                raise InputError(
                    f"{self.path}: no record at byte {offset}", "the file was changed from outside"
                )
            length *= 4

    def __iter__(self) -> Iterator[tuple[int, Any]]:
        """(offset, value) of every line; those that are no JSON, or not as they were written, are left out, and said."""
        return ((offset, value) for offset, value, _ in self.rows())

    def rows(self) -> Iterator[tuple[int, Any, int]]:
        """The same with the number of the line, from 1."""
        found = LedgerLines(self.path)
        for offset, row in found:
            if isinstance(row, Row):
                yield offset, row.data, row.line
        found.say()

    def sync(self) -> None:
        """Force what was appended onto the disk; of a new file, its name as well."""
        with writing(self.path):
            os.fsync(self._file)
            if self._new:
                sync_folder(self.path.parent)
                self._new = False

    def close(self) -> None:
        os.close(self._file)


class _Line(NamedTuple):
    """A line without its checksum. ``number``: as the checksum says, if there is one; ``changed``: it does not fit the line."""

    text: bytes
    number: int | None = None
    changed: bool = False

    @classmethod
    def of(cls, raw: bytes) -> _Line:
        found = _SUM.search(raw, max(0, len(raw) - 64))
        if found is None:
            return cls(raw)
        fits = zlib.crc32(raw[: found.start(2)]) == int(found[2], 16)
        return cls(raw[: found.start()] + b"}", int(found[1]), not fits)


def _summed(data: bytes, number: int) -> bytes:
    """The line of an object with its number and checksum; of any other value as it is."""
    if data[:1] != b"{" or data == b"{}":
        return data + b"\n"
    told = b'%b,"sum":"%d-' % (data[:-1], number)
    return b'%b%08x"}\n' % (told, zlib.crc32(told))


CHANGED = "is not as it was written: its checksum does not fit it"


@dataclass
class LedgerLines:
    """The lines of a ledger, read once and front to back, and what is found wrong with them on the way.

    Iterating yields the byte offset and the line, without its checksum: a `BadRow` where it is no JSON or was changed. A line
    that stands there once more is left out. A number that does not follow on the one before is noted in ``faults``: lines
    are missing, or stand in another order.
    """

    path: Path
    lines: int = 0
    unsummed: int = 0
    """Lines without a checksum, of earlier versions."""
    bad: list[int] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def __iter__(self) -> Iterator[tuple[int, Row | BadRow]]:
        offset, last = 0, None
        with self.path.open("rb") as file:
            for raw in file:
                self.lines += 1
                row, number = self._row(raw, last)
                if number is None or number != last or isinstance(row, BadRow):
                    yield offset, row
                last = last if number is None else number
                offset += len(raw)

    def _row(self, raw: bytes, last: int | None) -> tuple[Row | BadRow, int | None]:
        line = _Line.of(raw)
        self.unsummed += line.number is None
        lost = line.number is None and last is not None and raw.strip()
        row = parse_line(self.lines, line.text)
        if line.changed or lost:
            row = BadRow(
                self.lines, "its checksum is gone" if lost else CHANGED, raw.decode("utf-8", "replace")
            )
        if isinstance(row, BadRow):
            self.bad.append(self.lines)
        elif line.number is not None and line.number != (follows := self.lines if last is None else last + 1):
            self.faults.append(
                f"line {self.lines} was line {line.number} when it was written, and {follows} would follow"
            )
        if isinstance(row, Row) or line.number is last is None:
            return row, line.number
        return row, self.lines if last is None else last + 1

    def say(self) -> None:
        """Warn of what was found."""
        say_left_out(self.path, self.bad)
        if self.faults:
            more = f" (and {len(self.faults) - 1} more)" if len(self.faults) > 1 else ""
            why = f"{self.path}: lines are missing or stand in another order: {self.faults[0]}{more}"
            warnings.warn(why, LedgerWarning, stacklevel=3)


def say_left_out(path: Path, lines: Sequence[int]) -> None:
    """Warn of lines (from 1) that cannot be read."""
    if lines:
        which = f"line {lines[0]}" if len(lines) == 1 else f"{len(lines)} lines (the first is {lines[0]})"
        warnings.warn(
            f"{path}: {which} cannot be read, or not as written; left out", LedgerWarning, stacklevel=3
        )


def write_all(handle: int, data: bytes) -> None:
    """Write to the end: the operating system may take a part at a time."""
    view = memoryview(data)
    while view:
        view = view[os.write(handle, view) :]


def sound_length(handle: int) -> int:
    """Length up to and including the last whole line; one that lacks nothing but its newline is whole.

    A kill leaves the beginning of a line; a power cut may also leave NUL bytes where text would have been, and those JSON never has.
    """
    end = os.fstat(handle).st_size
    while end:
        start = _behind_newline(handle, end - 1)
        line = os.pread(handle, end - start, start)
        if b"\0" not in line and (line.endswith(b"\n") or _is_record(line)):
            return end
        end = start
    return 0


def _is_record(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _behind_newline(handle: int, end: int) -> int:
    """Where the last line begins of the first ``end`` bytes: ``end`` itself if they end in a newline."""
    while end:
        start = max(0, end - (1 << 16))
        found = os.pread(handle, end - start, start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        end = start
    return 0
