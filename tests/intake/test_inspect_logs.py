"""Logs that inspect_ai itself writes: what is read of them by layout is what its own reader finds.

Skipped where PEDAGOGY_INSPECT_PYTHON names no Python that has `inspect_ai` (0.3.285 was tried). What is found either way is one
thing, so that results do not depend on what is installed beside us.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from pedagogy_r1.intake import import_traces, read_traces
from pedagogy_r1.trace import Trace

HERE = Path(__file__).parent
KEPT = "attachment://9a"


def test_both_kinds_of_log_with_every_option(tmp_path: Path) -> None:
    """Epochs, three scorers (one asks a model), reasoning before and after tool calls, redacted reasoning, texts kept apart."""
    python = os.environ.get("PEDAGOGY_INSPECT_PYTHON")
    if not python:
        pytest.skip("PEDAGOGY_INSPECT_PYTHON names no Python with inspect_ai")
    command = [python, HERE / "write_inspect_logs.py", tmp_path]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    for log in json.loads(done.stdout):
        report = import_traces([log["file"]], tmp_path / "traces.jsonl")
        assert report.formats == {"inspect_log": 4}
        found = {(t.item, t.metadata["epoch"]): t for t in read_traces(tmp_path / "traces.jsonl")}
        assert len(found) == len(log["samples"]) == 4
        for own in log["samples"]:
            _same(found[own["id"], own["epoch"]], own)


def _same(trace: Trace, own: dict[str, Any]) -> None:
    assert (trace.question, trace.answer, trace.model) == (own["question"], own["answer"], own["model"])
    assert trace.reasoning == "\n\n".join(dict.fromkeys(own["reasoning"]))
    scores = trace.metadata["scores"]
    assert {name: score["value"] for name, score in scores.items()} == own["scores"]
    assert own["graded"] in scores["model_graded_qa"]["explanation"]
    assert trace.correct is True
    whole = trace.model_dump_json()
    assert all(json.dumps(text)[1:-1] in whole for text in own["tools"])


@pytest.mark.parametrize("in_json", [True, False])
def test_texts_that_a_log_keeps_apart_are_put_back(tmp_path: Path, in_json: bool) -> None:
    """Once in the messages, once in the events: nothing is lost, and nothing refused."""
    thought, told = "A thought that is long. " * 9, "A tool told it. " * 9
    message = {
        "role": "assistant",
        "content": [{"type": "reasoning", "reasoning": KEPT}, {"type": "text", "text": "4"}],
    }
    sample = {
        "id": "s1", "epoch": 1, "input": "2+2?", "target": "4", "messages": [{"role": "user", "content": "2+2?"}, message],
        "output": {"model": "m", "choices": [{"message": message}]}, "scores": {"includes": {"value": "C"}},
        "events": [{"event": "model", "output": {"choices": [{"message": message}]}}, {"event": "tool", "result": "attachment://9b"}],
        "attachments": {"9a": thought, "9b": told, "9c": "Never referred to."},
    }  # fmt: skip
    log = {"version": 2, "eval": {"task": "sums"}, "samples": [sample]} if in_json else sample
    (tmp_path / "x.json").write_text(json.dumps(log))
    import_traces([tmp_path / "x.json"], tmp_path / "traces.jsonl")
    (trace,) = read_traces(tmp_path / "traces.jsonl")
    assert (trace.reasoning, trace.answer) == (thought, "4")
    assert trace.metadata["events"][1]["result"] == told
    assert trace.metadata["attachments"] == {"9c": "Never referred to."}


def test_redacted_reasoning_is_read_in_its_summary_only(tmp_path: Path) -> None:
    part = {"type": "reasoning", "reasoning": "gAAAAABo8x=", "redacted": True}
    texts = [({"summary": "It added."}, "It added."), ({}, "")]
    rows = [
        {"id": n, "epoch": 1, "input": "2+2?", "output": {"choices": [{"message": {"role": "assistant", "content": [part | more, {"type": "text", "text": "4"}]}}]}}
        for n, (more, _) in enumerate(texts)
    ]  # fmt: skip
    (tmp_path / "x.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    import_traces([tmp_path / "x.jsonl"], tmp_path / "traces.jsonl")
    for trace, (_, reasoning) in zip(read_traces(tmp_path / "traces.jsonl"), texts, strict=True):
        assert (trace.reasoning, trace.answer) == (reasoning, "4")
        assert "gAAAAABo8x=" in json.dumps(trace.metadata)
