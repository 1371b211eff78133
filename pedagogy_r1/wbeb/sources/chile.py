"""Questions of Chilean teacher exams in English, as OpenLearnLM passes them on (PK)."""

from __future__ import annotations

from pathlib import Path

from ..source_result import SourceResult, read_openlearnlm


def source(files: list[Path], *, others: bool = False) -> SourceResult:
    """PK items. ``others``: keep questions that come from elsewhere than the Chilean exams."""
    return read_openlearnlm(files, name="chile", domain="PK", others=others)
