"""Real weights for tests: SmolLM2-135M-Instruct as a GGUF file, where `PEDAGOGY_SMOLLM2` says its folder is. CONTRIBUTING.md says how to have it.

Nothing is downloaded here.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"


def gguf_folder() -> Path:
    """Where the file is; the test is skipped where it is not."""
    folder = Path(os.environ.get("PEDAGOGY_SMOLLM2", "")).expanduser()
    if not os.environ.get("PEDAGOGY_SMOLLM2") or not (folder / FILE).is_file():
        pytest.skip(f"PEDAGOGY_SMOLLM2 names no folder with {FILE}")
    return folder.resolve()
