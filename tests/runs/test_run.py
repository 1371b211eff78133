"""A run directory: taken up after a kill, held by one process, and never mixed with another run."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pedagogy_r1.errors import CodebookError, InputError, LedgerWarning, RunError
from pedagogy_r1.runs.run import CoderInfo, CoderRun, Coding, Manifest
from pedagogy_r1.runs.run_writer import RunWriter
from pedagogy_r1.trace import Trace
from pedagogy_r1.unit import Unit, unit_id

from ..make_runs import book, change_record, make_run, of_an_earlier_version


def manifest(fingerprint: str = "one", **updates: object) -> Manifest:
    values = {
        "run_id": "r",
        "fingerprint": fingerprint,
        "status": "running",
        "started": "2026-01-01T00:00:00+00:00",
        "codebook": {"id": "abc", "version": "1.0.0", "digest": book().digest},
        "coders": [CoderInfo(name="x", kind="human")],
        "coder": "test",
        "scheme": "sentence@1",
    }
    return Manifest.model_validate(values | updates)


def one(number: int) -> tuple[Trace, list[Unit], list[Coding]]:
    trace = Trace(id=f"t{number}", reasoning="Hmm.")
    unit = Unit(
        id=unit_id(trace.id, "sentence@1", 0, 4),
        trace_id=trace.id,
        scheme="sentence@1",
        index=0,
        start=0,
        end=4,
        text="Hmm.",
        tokens=2,
    )
    codes = None if number == 1 else ("A",)
    coding = Coding(
        unit_id=unit.id,
        coder="x",
        codes=codes,
        missing_reason="tired" if number == 1 else None,
        codebook=book().stamp,
        run_id="r",
    )
    return trace, [unit], [coding]


def test_a_killed_run_goes_on_behind_its_last_checkpoint(tmp_path: Path) -> None:
    whole = RunWriter(tmp_path / "whole", manifest(), book())
    for number in range(5):
        whole.write(*one(number))
    whole.finish("complete")
    whole.close()

    killed = RunWriter(tmp_path / "killed", manifest(), book())
    killed.write(*one(0))
    killed.write(*one(1))
    killed.checkpoint()
    killed.write(*one(2))
    for file in killed._files._files.values():
        os.write(file, b'{"half a li')
    killed.close()  # the lock goes with the process; the files stay as they are
    with (tmp_path / "killed/checkpoint.jsonl").open("ab") as file:
        file.write(b'{"done": 3, "by')

    with pytest.warns(LedgerWarning, match=r"checkpoint\.jsonl: 15 bytes .* were cut off"):
        again = RunWriter(tmp_path / "killed", manifest(), book())
    assert again.done == 2
    for number in range(again.done, 5):
        again.write(*one(number))
    again.finish("complete")
    again.close()
    for name in ("traces.jsonl", "units.jsonl", "codings.jsonl", "codebook.yaml"):
        assert (tmp_path / "killed" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes(), name
    assert CoderRun(tmp_path / "killed").manifest.counts == {
        "traces": 5,
        "units": 5,
        "tokens": 10,
        "coded": 4,
        "missing": {"tired": 1},
    }


def test_a_second_process_is_refused(tmp_path: Path) -> None:
    first = RunWriter(tmp_path / "run", manifest(), book())
    with pytest.raises(RunError, match="in use by process"):
        RunWriter(tmp_path / "run", manifest(), book())
    first.close()
    RunWriter(tmp_path / "run", manifest(), book()).close()


def test_another_run_in_the_directory_is_refused_and_named(tmp_path: Path) -> None:
    RunWriter(tmp_path / "run", manifest(parameters={"window": 20}), book()).close()
    with pytest.raises(RunError, match="window: 20 there, 5 now"):
        RunWriter(tmp_path / "run", manifest("two", parameters={"window": 5}), book())
    many = {"context": 3, "scheme_of": "x", "format": "excel", "strictly": True}
    with pytest.raises(RunError, match="codings made by test; this would be an import of people's codings"):
        RunWriter(tmp_path / "run", manifest("three", coder="import", parameters=many), book())
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/thesis.txt").write_text("precious")
    with pytest.raises(RunError, match=r"not empty.*thesis\.txt"):
        RunWriter(tmp_path / "mine", manifest(), book())
    assert (tmp_path / "mine/thesis.txt").read_text() == "precious"


def test_a_complete_run_is_left_alone(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", {"x": ["A", "B"]})
    before = {p.name: p.read_bytes() for p in run.folder.iterdir() if p.name != ".lock"}
    writer = RunWriter(run.folder, run.manifest, book())
    assert writer.complete
    writer.close()
    assert {p.name: p.read_bytes() for p in run.folder.iterdir() if p.name != ".lock"} == before


def test_what_is_wrong_with_a_run_directory_is_said(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="not a run directory"):
        CoderRun(tmp_path)
    run = make_run(tmp_path / "run", {"x": ["A", "B"]})
    codebook = run.folder / "codebook.yaml"
    codebook.write_text(codebook.read_text().replace("three codes", "other codes"))
    with pytest.raises(RunError, match="not the codebook the run was made with"):
        _ = run.codebook
    codebook.write_text("][")
    with pytest.raises(CodebookError):
        _ = run.codebook
    (run.folder / "codings.jsonl").write_text('{"unit_id"\n')
    with pytest.raises(RunError, match=r"codings\.jsonl has 11 bytes, and \d+ when"):
        list(run.codings())
    of_an_earlier_version(run.folder)
    with pytest.raises(InputError, match=r"codings\.jsonl:1: bad JSON"):
        list(CoderRun(run.folder).codings())
    change_record(run.folder / "run.json", extra=1)
    with pytest.raises(RunError, match=r"run\.json: extra: Extra inputs"):
        CoderRun(run.folder)


def test_a_coding_is_missing_or_not(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="missing_reason"):
        Coding(unit_id="u", coder="x", codes=None, codebook="b", run_id="r")
    with pytest.raises(ValueError, match="missing_reason"):
        Coding(unit_id="u", coder="x", codes=(), missing_reason="tired", codebook="b", run_id="r")
    assert Coding(unit_id="u", coder="x", codes=(), codebook="b", run_id="r").primary == "none"


@pytest.mark.parametrize("damage", [b"", b'{"unit_id": "u', None])
def test_a_complete_run_that_was_damaged_is_written_again(tmp_path: Path, damage: bytes | None) -> None:
    folder = tmp_path / "run"

    def write() -> RunWriter:
        writer = RunWriter(folder, manifest(), book())
        if not writer.complete:
            for number in range(writer.done, 3):
                writer.write(*one(number))
            writer.finish("complete")
        writer.close()
        return writer

    write()
    names = ("traces.jsonl", "units.jsonl", "codings.jsonl", "codebook.yaml")
    whole = {name: (folder / name).read_bytes() for name in names}
    assert CoderRun(folder).manifest.bytes == {name: len(whole[name]) for name in names}
    if damage is None:
        (folder / "units.jsonl").unlink()
    else:
        (folder / "units.jsonl").write_bytes(damage)
    with pytest.raises(RunError, match="repeat the command that made the run"):
        list(CoderRun(folder).units())
    assert write().damaged == ["units.jsonl"]
    assert {name: (folder / name).read_bytes() for name in names} == whole
    again = write()
    assert again.complete
    assert again.damaged == []


def test_a_shortened_file_takes_an_interrupted_run_back_to_where_it_was_whole(tmp_path: Path) -> None:
    first = RunWriter(tmp_path / "run", manifest(), book())
    for number in range(3):
        first.write(*one(number))
        first.checkpoint()
    first.finish("interrupted")
    first.close()
    codings = tmp_path / "run/codings.jsonl"
    whole = codings.read_bytes()
    codings.write_bytes(whole[: whole.index(b"\n") + 20])
    with pytest.warns(LedgerWarning, match="not what they were at the last checkpoint"):
        again = RunWriter(tmp_path / "run", manifest(), book())
    assert again.done == 1
    for number in range(1, 3):
        again.write(*one(number))
    again.finish("complete")
    again.close()
    assert codings.read_bytes() == whole


def test_tallies_are_kept_over_sessions(tmp_path: Path) -> None:
    first = RunWriter(tmp_path / "run", manifest(), book())
    first.write(*one(0), {"fallback": 2, "foreign_traces: ko": 1})
    first.finish("interrupted")
    first.close()
    again = RunWriter(tmp_path / "run", manifest(), book())
    again.write(*one(1), {"fallback": 1, "foreign_traces: zh": 1})
    again.finish("complete", usage=again.usage)
    again.close()
    done = CoderRun(tmp_path / "run").manifest
    assert done.usage == {"fallback": 3, "foreign_traces": {"ko": 1, "zh": 1}}
    assert set(done.counts) == {"traces", "units", "tokens", "coded", "missing"}
