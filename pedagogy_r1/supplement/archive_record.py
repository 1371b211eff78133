"""``archive.json``: what an archive of a study holds, what was left out and why, and the digest of the list of its files.

    {"seal": "sha256:5a0c…", "archive": 1, "made": "2026-11-29T…", "texts": true, "manifest": "77ab…",
     "reports": ["study/report"], "left_out": {"study/runs/llm/ledger.jsonl": "holds the texts"}, …}

    manifest-sha256.txt      9f86…  study/runs/people/codings.jsonl        sha256sum -c manifest-sha256.txt

Every byte is under a digest: each file's stands in the list, the list's in this record, and this record is sealed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from pydantic import ConfigDict, Field

from ..errors import InputError
from ..files.seal import SealedRecord

RECORD, MANIFEST, STUDY = "archive.json", "manifest-sha256.txt", "study"


class ArchiveRecord(SealedRecord):
    """``archive.json``. ``needs_texts``: by report, what cannot be rebuilt from an archive without the texts."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    archive: int = 1
    title: str
    made: str
    """When the newest of its reports was written: the same study gives the same bytes."""
    texts: bool
    manifest: str
    reports: tuple[str, ...] = Field(min_length=1)
    left_out: dict[str, str] = Field(default_factory=dict)
    locked: dict[str, int] = Field(default_factory=dict)
    """By run or file, how many traces were left out since they are locked."""
    needs_texts: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    versions: dict[str, str]


def manifest_text(sums: Mapping[str, str]) -> str:
    """The list as ``sha256sum`` reads it."""
    return "".join(f"{sum_}  {name}\n" for name, sum_ in sorted(sums.items()))


def parse_manifest(data: bytes, where: str) -> dict[str, str]:
    """sha256 by name. Raises `InputError` for a line that is none."""
    found = {}
    for number, line in enumerate(data.decode("utf-8", "replace").splitlines(), 1):
        sum_, gap, name = line.partition("  ")
        if not gap or len(sum_) != 64 or not name:
            raise InputError(f"{where}: {MANIFEST}:{number}: no digest and name", "get the archive again")
        found[name] = sum_
    return found


def digest_of(data: bytes | Path) -> str:
    """Hex digits of sha256."""
    if isinstance(data, bytes):
        return hashlib.sha256(data).hexdigest()
    with data.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
