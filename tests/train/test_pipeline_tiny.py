"""``tiny-cpu`` from end to end, killed in one stage or in every one, beside one that was left alone."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import time
from base64 import b64decode
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from pedagogy_r1.intake import read_traces
from pedagogy_r1.runs.run import CoderRun
from pedagogy_r1.train.recipe import expand, load_recipe
from pedagogy_r1.train.stage_inputs import files

pytest.importorskip("torch")
pytest.importorskip("trl")

SMALL = (
    "--set",
    "n=10",
    "--set",
    "samples=1",
    "--set",
    "steps=30",
    "--set",
    "policy=all",
    "--set",
    "max_tokens=60",
)
STAGES = [task.name for task in expand(load_recipe("tiny-cpu"))]

Start = Callable[..., subprocess.Popen[str]]


# The report says when the runs it is about were finished, and its record is sealed over that; nothing else holds a time of day.
_FILE = re.compile(rb";base64,([A-Za-z0-9+/=]+)")
_TIME = re.compile(rb"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00")
_SEAL = re.compile(rb'^ "seal": "sha256:[0-9a-f]{64}",$', re.M)


def _opened(page: bytes) -> bytes:
    """With the files in the page readable: times stand in them too."""
    return _FILE.sub(lambda found: b64decode(found[1]), page)


def contents(out: Path) -> dict[str, bytes]:
    return {
        f"{name}/{path.relative_to(out / name)}": _SEAL.sub(
            b"SEAL", _TIME.sub(b"TIME", _opened(path.read_bytes()))
        )
        if name == "report"
        else path.read_bytes()
        for name in STAGES
        for path in files(out / name)
    }


def seconds_of(out: Path, stage: str) -> float:
    seconds: float = json.loads((out / "stages" / f"{stage}.json").read_text())["seconds"]
    return seconds


def kill_in(stage: str, process: subprocess.Popen[str], out: Path, after: Callable[[], float]) -> bool:
    """Whether the process was still in that stage so many seconds after it began it, and has been killed there."""
    record = out / "stages" / f"{stage}.json"
    while not record.exists():
        if process.poll() is not None:
            return False
        time.sleep(0.01)
    time.sleep(after())
    process.send_signal(signal.SIGKILL)
    process.communicate()
    return json.loads(record.read_text())["status"] == "running"


def finish(process: subprocess.Popen[str]) -> str:
    """What it said."""
    _, errors = process.communicate(timeout=400)
    assert process.returncode == 0, errors
    return errors


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_killed_while_the_student_learns_its_files_are_those_of_one_left_alone(
    tmp_path: Path, pcode_process: Start
) -> None:
    out = tmp_path / "out"
    words = ("pipeline", "run", "tiny-cpu", "-o", out, *SMALL)
    assert kill_in("sft", pcode_process(*words), out, lambda: 0.15 * seconds_of(out, "teacher"))
    assert "── sft: resume (running on" in finish(pcode_process(*words))
    _what_came_out(out)
    found = contents(out)
    (out / "sft").rename(tmp_path / "sft")
    said = finish(pcode_process(*words))
    assert [name for name in STAGES if f"── {name}: run (" in said] == ["sft"], said
    assert contents(out) == found


@pytest.mark.whole
@pytest.mark.timeout(900)
def test_killed_in_every_stage_the_files_are_those_of_a_run_left_alone(
    tmp_path: Path, pcode_process: Start
) -> None:
    out = tmp_path / "out"
    words = ("pipeline", "run", "tiny-cpu", "-o", out, *SMALL)
    finish(pcode_process(*words))
    wanted = contents(out)
    seconds = {name: seconds_of(out, name) for name in STAGES}
    _what_came_out(out)
    out.rename(tmp_path / "clean")

    killed = [
        name
        for name in STAGES
        if kill_in(name, pcode_process(*words), out, partial(float, 0.3 * seconds[name]))
    ]
    assert len(killed) >= len(STAGES) - 4, f"only in {killed}"
    finish(pcode_process(*words))
    found = contents(out)
    assert {name for name in {**found, **wanted} if found.get(name) != wanted.get(name)} == set()


def _what_came_out(out: Path) -> None:
    worked = list(read_traces(out / "worked/worked.jsonl"))
    assert all(trace.metadata["invented"] for trace in worked)
    assert len(list(read_traces(out / "distill/traces.jsonl"))) == 10
    for condition in ("generic", "cop"):
        asked = list(read_traces(out / f"eval-{condition}/traces.jsonl"))
        assert len(asked) == 23
        assert {trace.condition for trace in asked} == {condition}
        assert [t.id for t in CoderRun(out / f"code-{condition}").traces()] == [t.id for t in asked]
    assert (out / "report/report.html").stat().st_size > 10_000
    assert (
        "IA-SQ" in (out / "codings/codings.csv").read_text()
        or "KA-RO" in (out / "codings/codings.csv").read_text()
    )
    assert (out / "compare/compare.md").exists()
