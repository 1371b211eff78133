"""Real weights for tests: SmolLM2-135M-Instruct as a GGUF file, where `PEDAGOGY_SMOLLM2` says its folder is. CONTRIBUTING.md says how to have it.

Nothing is downloaded here.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
PAGE = Path(__file__).resolve().parents[1] / "docs/models.md"


def gguf_folder() -> Path:
    """Where the file is; the test is skipped where it is not."""
    folder = Path(os.environ.get("PEDAGOGY_SMOLLM2", "")).expanduser()
    if not os.environ.get("PEDAGOGY_SMOLLM2") or not (folder / FILE).is_file():
        pytest.skip(f"PEDAGOGY_SMOLLM2 names no folder with {FILE}")
    return folder.resolve()


def checkpoint(folder: Path) -> Path:
    """The file as a folder of safetensors under ``folder``, by the very lines of docs/models.md; needs `gguf`."""
    pytest.importorskip("gguf")
    models = folder / "models"
    models.mkdir()
    (models / "smol").symlink_to(gguf_folder())
    lines = (
        PAGE.read_text(encoding="utf-8").split("## A GGUF file")[1].split("```python\n")[1].split("```")[0]
    )
    done = subprocess.run([sys.executable, "-c", lines], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    return models / "smol-hf"
