"""Issue 11, "who may delete what": what a command reads, and what a link leads to, is never written over."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from ..conftest import ROOT
from ..make_runs import make_run

Pcode = Callable[..., Result]
TRACES = ROOT / "demo/traces.jsonl"
BOOK = ("--codebook", "schoen@1.0.0")


@pytest.fixture
def ours(tmp_path: Path, pcode: Pcode) -> Path:
    """Files that pcode wrote, so that it may replace them."""
    assert pcode("traces", "import", TRACES, "-o", tmp_path / "t.jsonl").exit_code == 0
    assert pcode("codebook", "export", "schoen", "-o", tmp_path / "b.qdc").exit_code == 0
    make_run(tmp_path / "run", {"h": ("A", "B", "A", "C"), "k": ("A", "A", "A", "C")})
    return tmp_path


@pytest.mark.parametrize("force", [(), ("--force",)])
@pytest.mark.parametrize(
    ("words", "read"),
    [
        ("codebook import {o}/b.qdc -o {o}/b.qdc", "b.qdc"),
        ("tokens {o}/t.jsonl --replicates 0 --json-out {o}/t.jsonl", "t.jsonl"),
        ("tokens {o}/hard.jsonl --replicates 0 --json-out {o}/t.jsonl", "t.jsonl"),
        ("traces import {o}/t.jsonl -o {o}/t.jsonl", "t.jsonl"),
        ("agreement {o}/run --replicates 0 --json-out {o}/run/run.json", "run/run.json"),
        ("agreement {o}/run --replicates 0 --json-out {o}/run/codings.jsonl", "run/codings.jsonl"),
    ],
)
def test_an_input_is_not_written_over_even_if_pcode_wrote_it(
    ours: Path, pcode: Pcode, words: str, read: str, force: tuple[str, ...]
) -> None:
    os.link(ours / "t.jsonl", ours / "hard.jsonl")
    before = (ours / read).read_bytes()
    result = pcode(*words.format(o=ours).split(), *force)
    assert result.exit_code == 2
    assert "would be" in result.stderr
    assert (ours / read).read_bytes() == before


def test_beside_an_input_there_is_room(ours: Path, pcode: Pcode) -> None:
    assert pcode("agreement", ours / "run", "--replicates", 0, "--json-out", ours / "a.json").exit_code == 0
    assert pcode("agreement", ours / "run", "--replicates", 0, "--json-out", ours / "a.json").exit_code == 0
    assert pcode("filter", ours / "t.jsonl", "--policy", "all", "-o", ours / "kept").exit_code == 0
    assert pcode("filter", ours / "t.jsonl", "--policy", "all", "-o", ours / "kept").exit_code == 0


@pytest.mark.parametrize("name", [".lock", "codings.jsonl", "traces.jsonl", "codebook.yaml", "run.json"])
@pytest.mark.parametrize("there", [False, True], ids=["new", "a run"])
def test_a_job_writes_through_no_link(tmp_path: Path, pcode: Pcode, name: str, there: bool) -> None:
    (mine := tmp_path / "mine").write_text("mine")
    (out := tmp_path / "out").mkdir()
    if there:
        assert pcode("annotate", TRACES, "-o", out, *BOOK).exit_code == 0
        (out / name).unlink(missing_ok=True)
    (out / name).symlink_to(mine)
    result = pcode("annotate", TRACES, "-o", out, *BOOK)
    assert result.exit_code == 2
    assert "symbolic link" in result.stderr
    assert mine.read_text() == "mine"


def test_the_record_of_what_was_written_is_no_way_out(tmp_path: Path, pcode: Pcode) -> None:
    (mine := tmp_path / "mine").write_text("mine")
    (tmp_path / "out").mkdir()
    (tmp_path / "out/.pcode.json").symlink_to(mine)
    for words in (
        ["codebook", "manual", "schoen", "-o", tmp_path / "out/x.md"],
        ["filter", TRACES, "--policy", "all", "-o", tmp_path / "out"],
        ["filter", TRACES, "--policy", "all", "-o", tmp_path / "out", "--force"],
    ):
        assert pcode(*words).exit_code == 2, words
        assert mine.read_text() == "mine"


def test_a_lock_that_is_none_is_said(tmp_path: Path, pcode: Pcode) -> None:
    os.mkfifo(tmp_path / ".lock")
    result = pcode("annotate", TRACES, "-o", tmp_path, *BOOK)
    assert result.exit_code == 2
    assert "no lock of pcode's" in result.stderr


@pytest.mark.parametrize("out", ["", ".", ".."])
@pytest.mark.parametrize("words", ["traces import {t}", "codebook export schoen", "codebook manual schoen"])
def test_a_folder_is_no_file(pcode: Pcode, words: str, out: str) -> None:
    result = pcode(*words.format(t=TRACES).split(), "-o", out)
    assert result.exit_code == 2
    assert ("is a directory" if out else "it is empty; the current folder is .") in result.stderr


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252"])
def test_a_terminal_without_greek(tmp_path: Path, encoding: str) -> None:
    make_run(tmp_path / "run", {"h": ("A", "B", "A", "C"), "k": ("A", "A", "A", "C")})
    words = ["agreement", tmp_path / "run", "--replicates", "0"]
    done = subprocess.run(
        [sys.executable, "-m", "pedagogy_r1", *map(str, words)],
        capture_output=True,
        env=os.environ | {"PYTHONIOENCODING": encoding},
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert b"h" in done.stdout


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_closed_streams(tmp_path: Path, closed: str) -> None:
    words = [sys.executable, "-m", "pedagogy_r1", "codebook", "show", "schoen"]
    done = subprocess.run(
        ["bash", "-c", f'"$@" {closed}', "-", *words], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr


def test_nothing_is_left_of_what_was_refused(tmp_path: Path, pcode: Pcode) -> None:
    shutil.copy(TRACES, tmp_path / "t.jsonl")
    pcode("tokens", tmp_path / "t.jsonl", "--replicates", 0, "--json-out", tmp_path / "t.jsonl", "--force")
    assert [path.name for path in tmp_path.iterdir()] == ["t.jsonl"]
