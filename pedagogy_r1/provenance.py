"""Who, what, when, which versions: what a result needs to be repeated.

{"pedagogy_r1": "0.1.0", "python": "3.11.7", "spacy": "3.8.18", …}
"""

from __future__ import annotations

import hashlib
import json
import platform
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

_PACKAGES = ("spacy", "aiohttp", "krippendorff", "numpy", "pandas", "statsmodels", "pydantic")


def versions(*more: str) -> dict[str, str]:
    """Versions of this package, Python, every library whose change could move a number, and ``more`` of them; of those installed."""
    found = {"pedagogy_r1": _version("pedagogy-r1"), "python": platform.python_version()}
    found |= {name: _version(name) for name in (*_PACKAGES, *more)}
    return {name: version for name, version in found.items() if version}


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def now() -> str:
    """UTC, ISO 8601, whole seconds."""
    return datetime.now(UTC).replace(microsecond=0).isoformat()


def canonical(value: Any) -> bytes:
    """One byte string per JSON value: sorted keys, no spaces, UTF-8."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


def digest(value: Any) -> str:
    """``sha256:…`` of a JSON value, independent of key order and layout."""
    return "sha256:" + hashlib.sha256(canonical(value)).hexdigest()


def draw_order(seed: int, id: str) -> tuple[bytes, str]:
    """By which to sort what is drawn at random: a place depends on the seed and the id alone, not on what else is there."""
    return hashlib.sha256(f"{seed}\0{id}".encode("utf-8", "surrogatepass")).digest(), id


def file_digest(path: str | Path) -> str:
    """``sha256:…`` of a file's bytes, read in blocks."""
    with Path(path).open("rb") as file:
        return "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()
