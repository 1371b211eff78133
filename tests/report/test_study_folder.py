"""``pcode init`` and ``pcode status``: the commands that a study's folder names are those that come next, and they run."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pedagogy_r1.human.coding_log import CodingLog, LogHeader
from pedagogy_r1.human.packet import Packet
from pedagogy_r1.job import locked, save_record
from pedagogy_r1.report.study_folder import COMMANDS, new_study, read_study
from pedagogy_r1.runs.run import CoderRun

Pcode = Callable[..., Result]


def _next(pcode: Pcode) -> str:
    done = pcode("status", "--json")
    assert done.exit_code == 0, done.output
    return str(json.loads(done.stdout)["next"])


def _typed(pcode: Pcode, command: str) -> Result:
    name, *words = shlex.split(command)
    assert name == "pcode"
    done = pcode(*words)
    assert done.exit_code == 0, f"{command}\n{done.output}"
    return done


def _code_all(packet: Path, coder: str) -> None:
    """Decide every unit, as the page in the browser writes it down."""
    found = Packet(packet)
    header = LogHeader(desk=1, packet=found.manifest.packet_id, coder=coder, codebook=found.codebook.stamp)
    log = CodingLog(packet / coder / "web.jsonl", header, found.codebook)
    for task in found.tasks(coder):
        log.change(task.unit.id, codes=("KA-RO" if len(task.unit.text) % 2 else "UT-NF",), missing=False)
    log.close()


def test_following_status_from_an_empty_study_to_a_report(
    tmp_path: Path, pcode: Pcode, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert pcode("init", tmp_path / "study").exit_code == 0
    monkeypatch.chdir(tmp_path / "study")
    assert _next(pcode) == "pcode annotate traces.jsonl --codebook codebook.yaml -o runs/machine"
    _typed(pcode, _next(pcode))
    assert _next(pcode).startswith("pcode sample traces.jsonl")
    _typed(pcode, _next(pcode))
    assert _next(pcode) == "pcode web --packet packet --coder A --coder B"
    _code_all(Path("packet"), "A")
    assert _next(pcode) == "pcode web --packet packet --coder B"
    _code_all(Path("packet"), "B")
    assert _next(pcode).startswith("pcode import --packet packet packet/A/web.jsonl packet/B/web.jsonl")
    _typed(pcode, _next(pcode))
    assert _next(pcode) == "pcode report runs/people runs/machine -o report --inclusion packet/key/sample.csv"
    _typed(pcode, _next(pcode) + " --replicates 0")
    _typed(pcode, _next(pcode) + " --replicates 0")
    said = pcode("status").output
    assert "missing" not in said
    assert "an import of people's codings (web): A, B" in said


def test_of_several_codebooks_only_runs_under_one_are_put_together(
    tmp_path: Path, pcode: Pcode, monkeypatch: pytest.MonkeyPatch
) -> None:
    new_study(tmp_path / "s", new="talk")
    monkeypatch.chdir(tmp_path / "s")
    Path("codebook.yaml").rename("talk.yaml")
    drawn = Path("talk.yaml").read_text().replace('id: "talk"', "id: drawn").replace("sentence@1  ", "span  ")
    Path("drawn.yaml").write_text(drawn)
    assert "by drawn.yaml, one of 2 codebooks here" in pcode("status").output
    assert _next(pcode).startswith(
        "pcode sample traces.jsonl --codebook drawn.yaml"
    )  # nothing a machine could cut
    _typed(pcode, "pcode annotate traces.jsonl --codebook talk.yaml -o runs/machine")
    assert _next(pcode).startswith("pcode sample traces.jsonl --codebook talk.yaml")
    _typed(pcode, "pcode sample traces.jsonl --codebook talk.yaml -o packet --n 1 --coders A")
    found = Packet(Path("packet"))
    header = LogHeader(desk=1, packet=found.manifest.packet_id, coder="A", codebook=found.codebook.stamp)
    log = CodingLog(Path("packet/A/web.jsonl"), header, found.codebook)
    log.change(next(iter(found.tasks("A"))).unit.id, codes=("OTHER",), missing=False)
    log.close()
    _typed(pcode, "pcode import --packet packet packet/A/web.jsonl -o runs/a-people")
    (tmp_path / "s/runs/z-people").mkdir()
    manifest = json.loads(Path("runs/a-people/run.json").read_text())
    for path in Path("runs/a-people").iterdir():
        (tmp_path / "s/runs/z-people" / path.name).write_bytes(path.read_bytes())
    manifest["codebook"]["id"] = "drawn"
    Path("runs/z-people/run.json").write_text(json.dumps(manifest))
    assert _next(pcode).startswith("pcode report runs/a-people runs/machine -o report ")


def test_a_killed_run_is_told_from_one_that_runs(
    tmp_path: Path, pcode: Pcode, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both are recorded as running; only the one has somebody who holds its folder."""
    assert pcode("init", tmp_path / "study").exit_code == 0
    monkeypatch.chdir(tmp_path / "study")
    _typed(pcode, _next(pcode))
    run = Path("runs/machine")
    record = CoderRun(run).manifest
    save_record(run / "run.json", record.model_copy(update={"status": "running"}))
    assert "killed while it was running: the same command goes on" in pcode("status").output
    with locked(run):
        said = pcode("status").output
    assert "running now: wait for it" in said
    assert "killed" not in said
    (run / ".lock").unlink()
    assert "killed while it was running" in pcode("status").output


def test_a_corpus_is_the_traces_of_a_study(
    tmp_path: Path, pcode: Pcode, monkeypatch: pytest.MonkeyPatch
) -> None:
    new_study(tmp_path / "s")
    monkeypatch.chdir(tmp_path / "s")
    assert pcode("traces", "import", "traces.jsonl", "-o", "corpora/open", "--shards", "3").exit_code == 0
    Path("traces.jsonl").unlink()
    assert "corpora/open   14 traces in 3 shards" in pcode("status").output
    assert _next(pcode).startswith("pcode annotate corpora/open --codebook codebook.yaml")
    assert "a corpus: 14 traces in 3 shards" in pcode("status", "corpora/open").output
    Path("corpora/open/shards.json").unlink()
    half = pcode("annotate", "corpora/open", "-o", "runs/machine")
    assert half.exit_code == 2
    assert "shards.json" in half.stderr


def test_the_readme_has_the_commands(tmp_path: Path) -> None:
    new_study(tmp_path / "s", new="talk")
    text = (tmp_path / "s/README.md").read_text()
    assert "talk@0.1.0" in text
    for command, what in COMMANDS:
        assert command.format(traces="traces.jsonl", book="codebook.yaml") in text
        assert what in text


def test_a_folder_in_use_is_not_made_a_study(tmp_path: Path, pcode: Pcode) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    refused = pcode("init", tmp_path)
    assert refused.exit_code == 2
    assert "not empty" in refused.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
    assert (
        "one codebook" in pcode("init", tmp_path / "n", "--codebook", "schoen", "--new-codebook", "x").stderr
    )
    assert "no such folder" in pcode("status", tmp_path / "nowhere").stderr


def test_what_cannot_be_read_is_said_and_the_rest_is_listed(tmp_path: Path, pcode: Pcode) -> None:
    new_study(tmp_path / "s")
    (tmp_path / "s/run.d").mkdir()
    (tmp_path / "s/run.d/run.json").write_text('{"run_id": "x", "coders": []')
    (tmp_path / "s/other").mkdir()
    (tmp_path / "s/other/run.json").write_text('{"status": "complete"}')
    done = pcode("status", tmp_path / "s")
    assert done.exit_code == 0
    assert "not readable: run.d/run.json" in done.stderr
    assert "another command's folder (complete)" in done.stdout
    assert "14 traces" in done.stdout


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from(["run.json", "packet.json", "a.jsonl", "book.yaml"]), data=st.binary(max_size=200)
)
def test_no_file_ends_it_in_a_traceback(
    name: str, data: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("study")
    (folder / name).write_bytes(data)
    study = read_study(folder)
    assert study.next_command()[0].startswith("pcode ")
