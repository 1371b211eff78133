"""Digests of files and folders, remembered by size and time so that a model of 15 GB is read once.

    digests = Digests(out / "stages" / "digests.json")
    digests.of(out / "sft" / "merged")     "sha256:…" over names and contents of all files in it
    digests.save()

What differs between two equal runs (timings, ledgers, manifests with their times) is left out of a folder's digest.
"""

from __future__ import annotations

import json
from pathlib import Path

from ..files.records import atomic
from ..provenance import digest, file_digest

VOLATILE = frozenset({"run.json", "ledger.jsonl", "timings.csv", "timings.json", "checkpoint.jsonl"})
"""Files that hold times of day or durations, or the order in which answers happened to come."""

PASSING = frozenset({"checkpoints"})
"""Folders of what is needed while a command runs."""


class Digests:
    """Remembers; a file whose size or time has changed is read again."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._known: dict[str, list[object]] = json.loads(path.read_bytes())
        except (OSError, ValueError):
            self._known = {}

    def of(self, path: Path) -> str | None:
        """Of a file, or of a folder's files with their names; ``None`` where there is nothing."""
        if path.is_file():
            return self._of_file(path)
        if not path.is_dir():
            return None
        return digest({str(file.relative_to(path)): self._of_file(file) for file in files(path)})

    def _of_file(self, path: Path) -> str:
        state = path.stat()
        mark: list[object] = [state.st_size, state.st_mtime_ns]
        known = self._known.get(str(path))
        if known is not None and known[:2] == mark:
            return str(known[2])
        found = file_digest(path)
        self._known[str(path)] = [*mark, found]
        return found

    def save(self) -> None:
        """Write what is known."""
        with atomic(self._path) as file:
            file.write(json.dumps(self._known, indent=0, sort_keys=True) + "\n")


def files(folder: Path) -> list[Path]:
    """The files of a folder that its digest is of, sorted."""
    found = []
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        hidden = any(part[0] == "." for part in parts)
        if path.is_file() and not hidden and path.name not in VOLATILE and not PASSING & set(parts):
            found.append(path)
    return found
