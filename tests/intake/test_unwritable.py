"""Metadata that could not be written again is named before anything is coded; nothing of it becomes null unseen."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

ROW = {"id": "t", "reasoning": "So it is. Wait, is it?"}
FAULTS = {
    "NaN": ('{"a": NaN}', "nan is no number that JSON has"),
    "inner infinity": ('{"a": [1, {"b": -Infinity}]}', "-inf is no number that JSON has"),
    "beyond floats": ('{"a": 1e400}', "inf is no number that JSON has"),
    "900 lists": ('{"a": ' + "[" * 900 + "]" * 900 + "}", "nested too deeply"),
    "300 objects": ('{"a":' * 300 + "1" + "}" * 300, "nested too deeply"),
    "half a character": ('{"a": "\\ud800"}', "half a character (lone surrogate) in metadata"),
    "half a character in a name": ('{"b": {"\\udc00": 1}}', "half a character (lone surrogate) in metadata"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_it_is_named_with_its_line_and_nothing_is_begun(
    fault: str, tmp_path: Path, pcode: Callable[..., Result]
) -> None:
    said, why = FAULTS[fault]
    (tmp_path / "t.jsonl").write_text(json.dumps(ROW)[:-1] + f', "metadata": {said}}}\n')
    for words in (
        ["annotate", tmp_path / "t.jsonl", "-o", tmp_path / "run", "--coder", "cues"],
        ["traces", "check", tmp_path / "t.jsonl"],
    ):
        result = pcode(*words)
        assert result.exit_code == 2, result.output
        assert "t.jsonl:1: " in result.stderr
        assert why in result.stderr
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "said", ['{"a": ' + "[" * 150 + "]" * 150 + "}", '{"a": "\\ud83d\\ude00", "b": 1e308}']
)
def test_what_can_be_written_is_taken(said: str, tmp_path: Path, pcode: Callable[..., Result]) -> None:
    (tmp_path / "t.jsonl").write_text(json.dumps(ROW)[:-1] + f', "metadata": {said}}}\n')
    assert pcode("annotate", tmp_path / "t.jsonl", "-o", tmp_path / "run", "--coder", "cues").exit_code == 0
    [line] = (tmp_path / "run/traces.jsonl").read_text().splitlines()
    assert json.loads(line)["metadata"] == json.loads(said)
