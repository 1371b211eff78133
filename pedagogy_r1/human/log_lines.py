"""The lines of a coder's log that count: up to the last whole one, and of lines that were said at once all or none.

{"n": 4, …, "batch": 4, "lines": 3, "codes": ["KA-RO"]}
{"n": 5, …, "batch": 4, "codes": ["KA-RO"]}                killed here: the two are as if they were not there
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from pathlib import Path

from ..errors import LedgerWarning
from ..files.ledger import LedgerLines, sound_length
from ..files.records import BadRow, Row


def whole_lines(path: Path) -> Iterator[Row | BadRow]:
    """Up to the last that is whole, and whose batch is."""
    found, half = LedgerLines(path), _half_batch(path)
    with path.open("rb") as file:
        end = sound_length(file.fileno()) if half is None else half
    yield from (row for offset, row in found if offset < end)
    found.say()


def _half_batch(path: Path) -> int | None:
    """Where the last batch begins, if the lines that it should have are not all there: it was being written, or a kill came between."""
    with path.open("rb") as file:
        end = sound_length(file.fileno())
    start, left = 0, 0
    for offset, row in LedgerLines(path):
        if offset >= end:
            break
        left = max(0, left - 1)
        if isinstance(row, Row) and isinstance(size := row.data.get("lines"), int) and size > 1:
            start, left = offset, size - 1
    return start if left else None


def cut_half_batch(path: Path, file: int) -> None:
    """Before anything is added to the open ``file``."""
    if (start := _half_batch(path)) is not None:
        os.truncate(path, start)
        os.fsync(file)
        why = f"{path}: the last lines were cut off: the others that were said at once with them are not there, and nobody was told that they are saved"
        warnings.warn(why, LedgerWarning, stacklevel=3)
