"""Changing the files of a folder one at a time, on a copy, and asking ``verify`` each time whether it noticed."""

from __future__ import annotations

import contextlib
import re
import shutil
from collections.abc import Callable
from pathlib import Path

from pedagogy_r1.errors import RunError
from pedagogy_r1.runs.verify import verify

CHANGES: dict[str, Callable[[bytes], bytes]] = {
    "first byte": lambda d: bytes([d[0] ^ 1]) + d[1:],
    "inside a number": lambda d: re.sub(rb"\d", lambda m: b"7" if m[0] != b"7" else b"8", d, count=1),
    "one newline more": lambda d: d + b"\n",
    "a line removed": lambda d: b"".join(line for n, line in enumerate(d.splitlines(True)) if n != 1),
}


def unnoticed(folder: Path, home: Path) -> tuple[int, list[tuple[str, str]]]:
    """How many changes of a folder's files were tried, and which of them `verify` did not notice; each by itself, on a copy."""
    copy, tried, missed = home / folder.name, 0, []
    shutil.copytree(folder, copy)
    assert all(each.holds for each in verify(copy))
    for path in sorted(path for path in copy.rglob("*") if path.is_file() and path.name[0] != "."):
        data = path.read_bytes()
        if path.name in ("digests.json", "web.jsonl", "timings.json"):
            continue  # a cache; people's work; times
        for name in CHANGES if data.count(b"\n") > 2 else ():
            made = CHANGES[name](data)
            if made != data:
                path.write_bytes(made)
                tried += 1
                if all(each.holds for each in verify(copy)):
                    missed.append((path.relative_to(copy).as_posix(), name))
        path.unlink()
        tried += 1
        with contextlib.suppress(RunError):  # without its record it is no folder of ours
            if all(each.holds for each in verify(copy)):
                missed.append((path.relative_to(copy).as_posix(), "removed"))
        path.write_bytes(data)
    return tried, missed
