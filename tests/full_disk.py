"""A disk that takes no more, without one: the operating system lets no file of a process grow beyond a size.

A write that crosses it is done in part, and the next one fails, as on a disk that is full.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def room_for(size: int, process: int | None = None) -> Iterator[None]:
    """No file of ``process`` (this one by default) grows beyond ``size`` bytes, until the block is left."""
    pid = os.getpid() if process is None else process
    before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, before)


def pcode_with_room(size: int | None, *words: object) -> subprocess.CompletedProcess[str]:
    """``pcode WORDS`` in a process of its own, none of whose files grows beyond ``size`` bytes."""

    def limit() -> None:
        if size is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    command = [sys.executable, "-m", "pedagogy_r1", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, preexec_fn=limit, timeout=240)
