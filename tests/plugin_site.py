"""A distribution laid out by hand, as pip would install it: files, and the entry points that name them as plugins."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def installed(
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    version: str,
    files: Mapping[str, str],
    entries: str,
) -> Iterator[None]:
    """``files``: module → its text; ``entries``: the text of ``entry_points.txt``. The modules are forgotten at the end."""
    about = home / f"{name}-{version}.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (about / "entry_points.txt").write_text(entries)
    for module, text in files.items():
        (home / f"{module}.py").write_text(text)
    monkeypatch.syspath_prepend(home)
    yield
    for module in files:
        sys.modules.pop(module, None)
