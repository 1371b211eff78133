"""The command line itself: suggestions, statuses, and no traceback for what a user can mend."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from ..conftest import ROOT

Pcode = Callable[..., Result]
DEMO = ROOT / "demo/traces.jsonl"


def test_a_mistyped_command_is_suggested(pcode: Pcode) -> None:
    result = pcode("anotate")
    assert result.exit_code == 2
    assert "did you mean annotate?" in result.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("traces", "import", DEMO, "-o", "{file}/x.jsonl"),
        ("annotate", DEMO, "-o", "{file}"),
        ("demo", "-o", "{file}"),
        ("codebook", "manual", "schoen", "-o", "{folder}"),
        ("export", "{folder}", "-o", "{file}/x.csv"),
    ],
    ids=lambda words: str(words[0]),
)
def test_a_place_that_cannot_be_written_is_said(
    tmp_path: Path, pcode: Pcode, words: tuple[object, ...]
) -> None:
    (tmp_path / "file").write_text("here")
    (tmp_path / "folder").mkdir()
    places = {"file": tmp_path / "file", "folder": tmp_path / "folder"}
    result = pcode(*(str(word).format(**places) for word in words))
    assert result.exit_code == 2, result.output
    assert "error:" in result.stderr.lower()
    assert "Traceback" not in result.stderr
    assert (tmp_path / "file").read_text() == "here"


def test_a_closed_pipe_is_no_error() -> None:
    command = f"{sys.executable} -m pedagogy_r1 codebook manual schoen | head -1"
    result = subprocess.run(["bash", "-c", command], capture_output=True, text=True)
    assert result.stdout.startswith("# ")
    assert result.stderr == ""


@pytest.mark.parametrize(
    "words",
    [
        ("traces", "check", "FILE"),
        ("traces", "show", "FILE"),
        ("tokens", "FILE"),
        ("annotate", "FILE", "-o", "OUT"),
        ("filter", "FILE", "-o", "OUT"),
    ],
    ids=" ".join,
)
def test_a_traces_file_without_a_trace_is_refused(
    tmp_path: Path, pcode: Pcode, words: tuple[str, ...]
) -> None:
    (tmp_path / "none.jsonl").touch()
    places = {"FILE": tmp_path / "none.jsonl", "OUT": tmp_path / "out"}
    result = pcode(*(places.get(word, word) for word in words))
    assert result.exit_code == 2
    assert "none.jsonl holds no trace" in result.stderr
    assert "pcode traces import" in result.stderr
    assert not (tmp_path / "out").exists()
