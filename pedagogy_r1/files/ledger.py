"""A file to which lines of JSON are only ever added, and which loses none that it said it had.

    ledger = Ledger("OUT/ledger.jsonl")
    ledger.append({"n": 1, …})              survives a SIGKILL from here on
    ledger.append({"n": 2, …}, sync=True)   and a power cut

A line is there whole or not at all: where the disk takes only a part of it, that part is taken back. What a kill or a power
cut left behind the last whole line is cut off when the file is opened again, and said.
"""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..errors import DiskError, InputError, LedgerWarning, writing
from .records import PRIVATE, dump


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

    def append(self, value: Any, *, sync: bool = False) -> int:
        """Append one value; returns the byte offset at which it lies. ``sync``: not before it is on the disk itself."""
        if self._lost:
            raise DiskError("the disk failed in the middle of a line before", self.path)
        offset, data = self.size, dump(value).encode("utf-8", "backslashreplace") + b"\n"
        try:
            with writing(self.path):
                write_all(self._file, data)
                if sync:
                    self.sync()
        except BaseException:
            self._take_back()
            raise
        self.size += len(data)
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
                return json.loads(data[:end])
            if len(data) < length:
                raise InputError(
                    f"{self.path}: no record at byte {offset}", "the file was changed from outside"
                )
            length *= 4

    def __iter__(self) -> Iterator[tuple[int, Any]]:
        """(offset, value) of every line; those that are no JSON are left out, and said."""
        offset, bad = 0, []
        with self.path.open("rb") as file:
            for number, raw in enumerate(file, 1):
                try:
                    value = json.loads(raw)
                except (ValueError, RecursionError):
                    bad.append(number)
                else:
                    yield offset, value
                offset += len(raw)
        say_left_out(self.path, bad)

    def sync(self) -> None:
        """Force what was appended onto the disk; of a new file, its name as well."""
        with writing(self.path):
            os.fsync(self._file)
            if self._new:
                sync_folder(self.path.parent)
                self._new = False

    def close(self) -> None:
        os.close(self._file)


def say_left_out(path: Path, lines: Sequence[int]) -> None:
    """Warn of lines (from 1) that cannot be read."""
    if lines:
        which = f"line {lines[0]}" if len(lines) == 1 else f"{len(lines)} lines (the first is {lines[0]})"
        warnings.warn(f"{path}: {which} cannot be read; left out", LedgerWarning, stacklevel=3)


def write_all(handle: int, data: bytes) -> None:
    """Write to the end: the operating system may take a part at a time."""
    view = memoryview(data)
    while view:
        view = view[os.write(handle, view) :]


def sync_folder(folder: Path) -> None:
    """Force names onto the disk that are new in ``folder``."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


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
