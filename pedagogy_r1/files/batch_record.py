"""Which requests are out in batches: ``batches.jsonl``, written and on the disk before each step that a server remembers.

    {"kind":"batch","key":"b7c1…","requests":["9f86d081…",…],"bytes":198000123}     the file is about to be sent
    {"kind":"file","key":"b7c1…","id":"file-abc"}
    {"kind":"creating","key":"b7c1…","at":1795996800.0}                            the batch is about to be made
    {"kind":"submitted","key":"b7c1…","id":"batch_abc"}
    {"kind":"collected","key":"b7c1…","status":"completed"}                        the ledger holds what came of it

The key is ours. The file has it in its name, the batch in its metadata, so that whoever was killed between two lines finds out at
the server whether the step was made. A batch that never came to be is ``void``, and its requests go into another one.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import ChatError
from ..formatting import counted
from .ledger import Ledger, LedgerLines
from .records import Row
from .seal import BATCHES

FOLDER = "batches"
"""Beside the record: files on their way, gone when a batch is collected."""


@dataclass(eq=False)
class SentBatch:
    """One batch. ``left``: its requests of which nothing has been handed on yet; ``creating``: when it was about to be made."""

    key: str
    requests: Sequence[str]
    bytes: int
    file: str | None = None
    creating: float | None = None
    id: str | None = None
    delivered: str | None = None
    """The status with which it ended, once all that came of it is here."""
    left: set[str] = field(default_factory=set)

    @property
    def name(self) -> str:
        """Of its file, here and at the server."""
        return file_name(self.key)


class BatchRecord:
    """``open``: the batches that are not collected, by key, in the order in which they were sent."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / FOLDER
        self.folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / BATCHES
        self._ledger = Ledger(self.path)
        self.open: dict[str, SentBatch] = {}
        for _, line in self._ledger:
            _take(self.open, line)

    @property
    def afresh(self) -> str:
        """How what is out is given up, as a hint says it."""
        return f"If it is lost: {self.given_up}"

    @property
    def given_up(self) -> str:
        """The same, whatever the reason."""
        return f"delete {self.path}, and what is not answered is asked, and paid, again"

    def forget(self, answered: Callable[[str], bool]) -> None:
        """Of the open batches, what the ledger answers already."""
        for batch in list(self.open.values()):
            batch.left = {digest for digest in batch.requests if not answered(digest)}
            if not batch.left:
                self.collected(batch, "answered")

    def begin(self, requests: Sequence[str], size: int, key: str) -> SentBatch:
        """A batch is about to be sent."""
        batch = SentBatch(key, requests, size, left=set(requests))
        self._write({"kind": "batch", "key": key, "requests": list(requests), "bytes": size})
        self.open[key] = batch
        return batch

    def sent_file(self, batch: SentBatch, id: str) -> None:
        """The server has its file."""
        batch.file = id
        self._write({"kind": "file", "key": batch.key, "id": id})

    def creating(self, batch: SentBatch) -> None:
        """It is about to be made of its file."""
        batch.creating = time.time()
        self._write({"kind": "creating", "key": batch.key, "at": batch.creating})

    def submitted(self, batch: SentBatch, id: str) -> None:
        """The server has it."""
        batch.id = id
        self._write({"kind": "submitted", "key": batch.key, "id": id})

    def collected(self, batch: SentBatch, status: str) -> None:
        """All that came of it is in the ledger."""
        self._over(batch, {"kind": "collected", "status": status})

    def close_collected(self) -> None:
        """Note which batches are collected: all that came of them was handed on, and so stands in the ledger by now."""
        for batch in list(self.open.values()):
            if batch.delivered and not batch.left:
                self.collected(batch, batch.delivered)

    def void(self, batch: SentBatch, why: str) -> None:
        """It never came to be, or nothing of it was done."""
        self._over(batch, {"kind": "void", "why": why})

    def _over(self, batch: SentBatch, line: dict[str, Any]) -> None:
        self._write({**line, "key": batch.key})
        self.open.pop(batch.key, None)
        for left in self.folder.glob(f"*{batch.key}*"):
            left.unlink()

    def _write(self, line: dict[str, Any]) -> None:
        self._ledger.append(line, sync=True)

    def close(self) -> None:
        """Close the file; the folder goes where nothing is on its way."""
        self._ledger.close()
        if self.folder.is_dir() and not any(self.folder.iterdir()):
            self.folder.rmdir()


def file_name(key: str) -> str:
    """Of a batch's file."""
    return f"pcode-{key}.jsonl"


def new_key() -> str:
    """A key that no other batch has."""
    return uuid.uuid4().hex


def _take(open_: dict[str, SentBatch], line: dict[str, Any]) -> None:
    kind, key = line["kind"], line["key"]
    if kind == "batch":
        open_[key] = SentBatch(key, line["requests"], line["bytes"], left=set(line["requests"]))
    elif kind == "file":
        open_[key].file = line["id"]
    elif kind == "creating":
        open_[key].creating = line["at"]
    elif kind == "submitted":
        open_[key].id = line["id"]
    else:
        open_.pop(key, None)


def refuse_open(folder: Path, answered: Callable[[str], bool]) -> None:
    """Raise `ChatError` where requests are out in batches that nobody collected: asked one by one they would be paid twice."""
    path = folder / BATCHES
    if not path.is_file():
        return
    open_: dict[str, SentBatch] = {}
    for _, row in LedgerLines(path):
        if isinstance(row, Row):
            _take(open_, row.data)
    made = [batch for batch in open_.values() if batch.creating]  # of a file alone nothing is done
    out = sum(not answered(digest) for batch in made for digest in batch.requests)
    if out:
        raise ChatError(
            f"{folder} has {counted(out, 'request')} out in batches that were not collected",
            f"collect them: the same command with --batch (or delete {path}, and they are asked and paid again)",
        )
