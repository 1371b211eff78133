"""Filter, SFT and all five domains on real weights: the recipe ``small-cpu``, as small as it can be.

Skipped where the weights are not (`tests.real_weights`), or `gguf`, with which they are converted as docs/models.md says.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pedagogy_r1.intake import read_traces

from ..real_weights import checkpoint

pytest.importorskip("torch")
pytest.importorskip("trl")

SMALL = {
    "samples": 1,
    "max_tokens": 24,
    "epochs": 0.5,
    "policy": '[correct, "balanced:cap=2"]',
}


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_filter_training_and_all_domains_on_real_weights(
    tmp_path: Path, pcode_process: Callable[..., Any]
) -> None:
    given = {"student": checkpoint(tmp_path), **SMALL}
    words = [word for key, value in given.items() for word in ("--set", f"{key}={value}")]
    process = pcode_process("pipeline", "run", "small-cpu", "-o", tmp_path / "out", *words)
    _, errors = process.communicate()
    assert process.returncode == 0, errors
    out = tmp_path / "out"
    kept = list(read_traces(out / "filter/kept.jsonl"))
    assert len(kept) == 10
    assert all(trace.correct for trace in kept)
    assert json.loads((out / "sft/data.json").read_text())["used"] == 10
    base, student = (list(read_traces(out / f"eval-{who}/traces.jsonl")) for who in ("base", "student"))
    assert len(base) == len(student) == 23
    assert {trace.domain for trace in base} == {"SK", "PK", "KT", "AES", "DM"}
    assert [t.metadata["prompt"] for t in base] == [t.metadata["prompt"] for t in student]
    assert any(a.answer + a.reasoning != b.answer + b.reasoning for a, b in zip(base, student, strict=True))
    for trace in (*base, *student):
        assert (trace.answer + trace.reasoning).strip()
        assert trace.metadata["truncated"] == (trace.metadata["tokens"]["completion"] == 24)
    for who in ("base", "student"):
        scores = json.loads((out / f"eval-{who}/scores.json").read_text())
        assert {row["domain"] for row in scores["rows"]} == {"SK", "PK", "KT", "AES", "DM"}
