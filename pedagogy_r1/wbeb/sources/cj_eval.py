"""Junior-high questions of eight subjects in English, as OpenLearnLM passes CJEval on (SK).

The file also holds 87 graduate-level questions of GPQA. They are no junior-high knowledge and are left out, counted;
``others`` keeps them.
"""

from __future__ import annotations

from pathlib import Path

from ..loaded import Loaded
from ._openlearnlm import read_openlearnlm


def source(files: list[Path], *, others: bool = False) -> Loaded:
    """SK items. ``others``: keep questions that come from elsewhere than CJEval."""
    return read_openlearnlm(files, name="cj_eval", domain="SK", others=others)
