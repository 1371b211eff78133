"""Files that grow together: after a kill, everything behind the last checkpoint is cut off from all of them.

checkpoint.jsonl   {"done": 12, "bytes": {"units": 90210, "codings": 81112}, "counts": {"units": 431}}
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..files.records import Ledger
from .folder import file_size

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
