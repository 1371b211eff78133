"""Whether a session of a job was killed, as its folder shows it to others."""

from __future__ import annotations

import fcntl
import json
import os
from pathlib import Path

from .files.seal import RUN


def killed(folder: Path, status: str) -> bool:
    """Whether a session was killed: its record still says "running", but nobody holds the folder.

    On a file system that locks no files, or where the lock may not be read, nobody is taken for killed.
    """
    if status != "running":
        return False
    try:
        handle = os.open(folder / ".lock", os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(handle)
    try:  # it may have come to its end since ``status`` was read
        return bool(json.loads((folder / RUN).read_bytes())["status"] == "running")
    except (OSError, ValueError, KeyError, TypeError):
        return True
