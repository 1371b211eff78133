"""One process at a time in a folder: ``.lock`` holds the number of the one that is there.

with locked(folder):        RunError naming the process that is there already
    …
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import RunError


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold ``folder``, which is made if need be; a process that is killed lets go of it."""
    handle = lock(folder)
    try:
        yield
    finally:
        os.close(handle)


def lock(folder: Path) -> int:
    """The same for who holds it longer than a block: let go of it by ``os.close`` of the handle, or by ending."""
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, 0o666)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        owner = os.pread(handle, 32, 0).decode() or "unknown"
        os.close(handle)
        raise RunError(
            f"{folder} is in use by process {owner}",
            "wait for it to end, or choose another directory with -o",
        ) from None
    os.ftruncate(handle, 0)
    os.pwrite(handle, str(os.getpid()).encode(), 0)
    return handle
