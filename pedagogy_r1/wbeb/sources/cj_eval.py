"""Junior-high questions of eight subjects in English, as OpenLearnLM passes CJEval on (SK).

The file also holds 87 graduate-level questions of GPQA. They are no junior-high knowledge and are left out, counted;
``others`` keeps them.
"""

from __future__ import annotations

from pathlib import Path

from ..source_result import SourceResult, read_openlearnlm


def source(files: list[Path], *, others: bool = False) -> SourceResult:
    """SK items. ``others``: keep questions that come from elsewhere than CJEval."""
    return read_openlearnlm(files, name="cj_eval", domain="SK", others=others)
