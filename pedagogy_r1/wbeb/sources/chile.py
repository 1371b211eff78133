"""Questions of Chilean teacher exams in English, as OpenLearnLM passes them on (PK)."""

from __future__ import annotations

from pathlib import Path

from ..loaded import Loaded
from ._openlearnlm import read_openlearnlm


def source(files: list[Path], *, others: bool = False) -> Loaded:
    """PK items. ``others``: keep questions that come from elsewhere than the Chilean exams."""
    return read_openlearnlm(files, name="chile", domain="PK", others=others)
