"""Files that grow together: after a kill, everything behind the last checkpoint is cut off from all of them.

checkpoint.jsonl   {"done": 12, "bytes": {"units": 90210, "codings": 81112}, "sha256": {"units": "9f86…", …}, "counts": {"units": 431}}
"""

from __future__ import annotations

import hashlib
import os
import time
import warnings
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..errors import LedgerWarning, writing
from .ledger import Ledger, LedgerLines, require_still_there, write_all
from .records import Row
from .seal import CHECKPOINTS, file_size

EVERY = 1.0
"""Seconds between two checkpoints, at most: what a kill costs."""


NOTHING: dict[str, Any] = {"done": 0, "bytes": {}, "counts": {}}


class CheckpointedFiles:
    """``names`` in ``folder``, open for appending. ``done`` pieces lie complete on disk; ``counts`` are kept with them.

    Where the disk takes no more, all files end where the last checkpoint was, and so do ``done`` and ``counts``.
    """

    def __init__(self, folder: Path, names: Mapping[str, str]) -> None:
        self._paths = {key: folder / name for key, name in names.items()}
        self._ledger = Ledger(folder / CHECKPOINTS)
        self._last, self._hashes = self._sound([value for _, value in self._ledger])
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

    def _sound(self, lines: Sequence[Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """The last checkpoint up to which the files are what they were, and their digests up to there, to be gone on with."""
        reached = [line for line in lines if _reached(line, self._paths)]
        found: dict[str, Any] = reached[-1] if reached else NOTHING
        hashes = self._hashed(found)
        if not _fits(found, {key: hashed.hexdigest() for key, hashed in hashes.items()}):
            found = self._last_that_fits(reached)
            hashes = self._hashed(found)
        if lines and found is not lines[-1]:
            names = ", ".join(path.name for path in self._paths.values())
            why = f"{self._ledger.path.parent}: {names} are not what they were at the last checkpoint; what came behind piece {found['done']} is made again"
            warnings.warn(why, LedgerWarning, stacklevel=4)
        return found, hashes

    def _last_that_fits(self, reached: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """The last of these checkpoints at which the files had the bytes that they have; each file is read once for it."""
        sizes = {key: {r["bytes"].get(key, 0) for r in reached} for key in self._paths}
        sums = {key: _sums(path, sizes[key]) for key, path in self._paths.items()}
        fit = (r for r in reversed(reached) if _fits(r, {k: sums[k][r["bytes"].get(k, 0)] for k in sums}))
        return next(fit, NOTHING)

    def _hashed(self, checkpoint: Mapping[str, Any]) -> dict[str, Any]:
        found = {}
        for key, path in self._paths.items():
            found[key], left = hashlib.sha256(), checkpoint["bytes"].get(key, 0)
            if left:
                for block in _blocks(path, left):
                    found[key].update(block)
        return found

    @property
    def sha256(self) -> dict[str, str]:
        """Hex digits of each file up to the last checkpoint, by its name."""
        return {self._paths[key].name: hashed.hexdigest() for key, hashed in self._hashes.items()}

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
        hashes = {key: hashed.copy() for key, hashed in self._hashes.items()}
        try:
            for key, path in self._paths.items():
                require_still_there(path, self._files[key], sizes.get(key, 0))
        except BaseException:
            self._forget()  # the files are somebody else's by now
            raise
        try:
            for key, waiting in self._waiting.items():
                data = b"".join(waiting)
                with writing(self._paths[key]):
                    write_all(self._files[key], data)
                sizes[key] = sizes.get(key, 0) + len(data)
                hashes[key].update(data)
                waiting.clear()
            sums = {key: hashed.hexdigest() for key, hashed in hashes.items()}
            now = {"done": self.done, "bytes": sizes, "sha256": sums, "counts": dict(self.counts)}
            self._ledger.append(now)
        except BaseException:
            self._back()
            raise
        self._last, self._hashes, self._saved = now, hashes, time.monotonic()

    def _back(self) -> None:
        """To the last checkpoint: what lies behind it is half of something."""
        for key, file in self._files.items():
            os.ftruncate(file, self._last["bytes"].get(key, 0))
        self._forget()

    def _forget(self) -> None:
        """What was appended since the last checkpoint."""
        for waiting in self._waiting.values():
            waiting.clear()
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


def _is_checkpoint(line: Any) -> bool:
    """Whether it is one, as somebody may have written another line there."""
    if not isinstance(line, dict) or type(line.get("done")) is not int:
        return False
    given = (line.get("bytes"), line.get("counts"))
    return all(isinstance(each, dict) and all(type(n) is int for n in each.values()) for each in given)


def _reached(checkpoint: Any, paths: Mapping[str, Path]) -> bool:
    """Whether the files reach up to it: one that somebody shortened does not, and counts by an earlier one."""
    if not _is_checkpoint(checkpoint) or not checkpoint["bytes"].keys() <= paths.keys():
        return False
    return all((file_size(paths[key]) or 0) >= size for key, size in checkpoint["bytes"].items())


def last_checkpoint(folder: Path) -> Mapping[str, Any]:
    """The last checkpoint in ``folder``, as its line has it; `NOTHING` where there is none."""
    path = folder / CHECKPOINTS
    rows = (row for _, row in LedgerLines(path)) if path.is_file() else ()
    found = [row.data for row in rows if isinstance(row, Row) and _is_checkpoint(row.data)]
    return found[-1] if found else NOTHING


def checkpointed_sums(folder: Path) -> list[tuple[str, int, str | None]]:
    """Of each file that grows in ``folder``: its name, its bytes at the last checkpoint, and their sha256, if recorded."""
    last = last_checkpoint(folder)
    sums = last.get("sha256")
    known = {key: sum for key, sum in sums.items() if isinstance(sum, str)} if isinstance(sums, dict) else {}
    return [(f"{key}.jsonl", size, known.get(key)) for key, size in last["bytes"].items()]


def _fits(checkpoint: Mapping[str, Any], sums: Mapping[str, str]) -> bool:
    """Whether the digests are those recorded; of earlier versions there are none."""
    said = checkpoint.get("sha256")
    return not isinstance(said, dict) or all(said.get(key) == sum for key, sum in sums.items())


def _sums(path: Path, sizes: Collection[int]) -> dict[int, str]:
    """The digest of each of these many first bytes, in one reading."""
    found, hashed, at = {}, hashlib.sha256(), 0
    for size in sorted(sizes):
        if size > at:
            for block in _blocks(path, size - at, start=at):
                hashed.update(block)
        at = size
        found[size] = hashed.hexdigest()
    return found


def _blocks(path: Path, size: int, start: int = 0) -> Iterator[bytes]:
    with path.open("rb") as file:
        file.seek(start)
        while size and (block := file.read(min(size, 1 << 20))):
            yield block
            size -= len(block)
