"""Nothing is changed unseen: every file of a run, changed in every way, is noticed by `verify` and by whoever reads it."""

from __future__ import annotations

import json
import re
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest

from pedagogy_r1 import job
from pedagogy_r1.agreement import agree
from pedagogy_r1.asking.transcript import Transcript
from pedagogy_r1.cli.console import say_renamed
from pedagogy_r1.codebook import load_codebook
from pedagogy_r1.errors import CodebookError, LedgerWarning, PedagogyError, RunError
from pedagogy_r1.files.checkpointed import CheckpointedFiles
from pedagogy_r1.files.ledger import Ledger
from pedagogy_r1.files.seal import digests
from pedagogy_r1.files.written import record_files
from pedagogy_r1.job import JobFolder, save_record
from pedagogy_r1.runs.run import CoderRun
from pedagogy_r1.runs.run_columns import read_columns
from pedagogy_r1.runs.verify import verify
from pedagogy_r1.train.filter import filter_traces
from pedagogy_r1.web.index import Index

from ..make_runs import make_run, of_an_earlier_version
from ..packets import HARD, make_packet
from ..tampering import unnoticed
from ..test_job import Toy

Change = Callable[[bytes], bytes]


def _number(data: bytes) -> bytes:
    """Another digit in the first number that stands behind a colon, or in the first there is."""
    found = re.search(rb"[:-] ?\d*(\d)", data) or re.search(rb"(\d)", data)
    assert found is not None
    at = found.start(1)
    return data[:at] + (b"7" if data[at : at + 1] != b"7" else b"8") + data[at + 1 :]


def _lines(data: bytes, order: Callable[[list[bytes]], list[bytes]]) -> bytes:
    return b"".join(order(data.splitlines(keepends=True)))


def _swapped(data: bytes) -> bytes:
    """One code for another of equal length; where there is none, two letters."""
    found = data.replace(b'"A"', b'"B"', 1) if b'"A"' in data else data.replace(b"id: A", b"id: Z", 1)
    return found if found != data else data.replace(b"e", b"a", 1)


CHANGES: dict[str, Change] = {
    "first byte": lambda d: bytes([d[0] ^ 1]) + d[1:],
    "inside a key": lambda d: re.sub(rb"(\w)(\w)(\"?:)", rb"\1x\3", d, count=1),
    "a code of equal length": _swapped,
    "inside a number": _number,
    "last line": lambda d: d[:-4] + bytes([d[-4] ^ 1]) + d[-3:],
    "trailing newline": lambda d: d.removesuffix(b"\n"),
    "one newline more": lambda d: d + b"\n",
    "a line removed": lambda d: _lines(d, lambda lines: lines[:1] + lines[2:]),
    "first line removed": lambda d: _lines(d, lambda lines: lines[1:]),
    "last line removed": lambda d: _lines(d, lambda lines: lines[:-1]),
    "a line doubled": lambda d: _lines(d, lambda lines: [*lines[:2], *lines[1:]]),
    "two lines swapped": lambda d: _lines(d, lambda lines: [lines[1], lines[0], *lines[2:]]),
    "truncated": lambda d: d[: len(d) // 2],
    "emptied": lambda _: b"",
}
FILES = ("run.json", "codebook.yaml", "traces.jsonl", "units.jsonl", "codings.jsonl", "ledger.jsonl")


def the_run(folder: Path) -> Path:
    """A small run of two coders, with a ledger as a model's run has it."""
    run = make_run(folder, {"x": ["A", "B"] * 6, "y": ["A", "A", "B"] * 4}, per_trace=3).folder
    ledger = Ledger(run / "ledger.jsonl")
    for number in range(4):
        body = {
            "digest": f"{number:02x}" * 32,
            "attempt": 1,
            "seconds": 0.25,
            "model": "m",
            "raw": '{"A": 1}',
        }
        ledger.append({"kind": "reply", **body})
    ledger.close()
    record = CoderRun(run).manifest
    with JobFolder(run, record) as again:
        again.finish("complete")
    assert all(each.holds for each in verify(run))
    return run


def _read(run: Path) -> None:
    """By columns, as agreement and the report do; by stream, as exports do; in the browser; and the ledger, as a resume does."""
    read_columns([CoderRun(run)])


def _stream(run: Path) -> None:
    _ = CoderRun(run).codebook
    for _ in CoderRun(run).by_trace():
        """Read to the end."""


def _browse(run: Path) -> None:
    _ = CoderRun(run).codebook
    index = Index([CoderRun(run)])
    index.start()
    index.wait()
    index.wait_texts()


def _resume(run: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", LedgerWarning)
        with JobFolder(run, CoderRun(run).manifest):
            transcript = Transcript(run)
            transcript.close()


READERS = {"agreement and report": _read, "export": _stream, "web": _browse}


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return the_run(tmp_path_factory.mktemp("sound") / "run")


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("change", [*CHANGES, "removed"])
def test_every_change_of_every_file_is_noticed_by_verify_and_by_reading(
    sound: Path, tmp_path: Path, name: str, change: str
) -> None:
    run = tmp_path / "run"
    shutil.copytree(sound, run)
    path = run / name
    data = path.read_bytes()
    if change == "removed":
        path.unlink()
    else:
        path.write_bytes(CHANGES[change](data))
        assert path.read_bytes() != data
    if (change, name) == ("removed", "run.json"):
        with pytest.raises(RunError, match="no record of what lies there"):
            verify(run)
    else:
        (found,) = verify(run)
        assert [each.file for each in found.files if each.state in ("changed", "missing")] == [name]
    readers = {"resume": _resume} if name == "ledger.jsonl" else READERS
    for read in readers.values():
        with pytest.raises((PedagogyError, LedgerWarning)) as refused:
            read(run)
        assert name in str(refused.value) or "not a run directory" in str(refused.value)


@pytest.mark.parametrize("name", ["run.json", "codings.jsonl", "ledger.jsonl"])
def test_every_byte_counts(sound: Path, tmp_path: Path, name: str) -> None:
    """Each byte of a file, one bit of it turned."""
    run = tmp_path / "run"
    shutil.copytree(sound, run)
    data = (run / name).read_bytes()
    for at in range(0, len(data), 7):
        (run / name).write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
        (found,) = verify(run)
        assert [each.file for each in found.files if each.state == "changed"] == [name], at


def test_a_file_that_was_added_is_said_and_read_by_nobody(sound: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(sound, run)
    (run / "codings2.jsonl").write_bytes((run / "codings.jsonl").read_bytes())
    (found,) = verify(run)
    assert [(each.file, each.state) for each in found.files if each.state != "holds"] == [
        ("codings2.jsonl", "added")
    ]
    for read in READERS.values():
        read(run)


def test_one_code_for_another_of_equal_length_is_refused_and_says_what_next(
    sound: Path, tmp_path: Path, pcode
) -> None:  # type: ignore[no-untyped-def]
    run = tmp_path / "run"
    shutil.copytree(sound, run)
    path = run / "codings.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"A"', b'"B"', 1))
    with pytest.raises(RunError, match=r"codings\.jsonl has changed: it holds other bytes") as refused:
        agree([run])
    (words,) = re.findall(r"new import: pcode (import .*) -o NEW_RUN", refused.value.hint)
    made = pcode(*words.split(), "-o", tmp_path / "new")
    assert made.exit_code == 0, made.output
    assert len(list(CoderRun(tmp_path / "new").codings())) == len(path.read_bytes().splitlines())
    again = pcode("verify", run, tmp_path / "new")
    assert again.exit_code == 1
    assert "codings.jsonl was changed" in again.stderr
    told = json.loads(pcode("verify", run, "--json").stdout)
    assert [f["file"] for f in told["folders"][0]["files"] if f["state"] == "changed"] == ["codings.jsonl"]
    assert pcode("verify", tmp_path / "new").exit_code == 0


@pytest.mark.parametrize(
    ("name", "words"),
    [("nowhere", "is not there"), ("empty", "no record of what lies there"), ("file", "is a file")],
)
def test_what_is_no_run_is_refused_before_any_other_is_read(
    sound: Path, tmp_path: Path, pcode, name: str, words: str
) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("x")
    done = pcode("verify", sound, tmp_path / name)
    assert (done.exit_code, done.stdout) == (2, "")
    assert words in " ".join(done.stderr.split())


def test_many_runs_are_checked_at_once_and_one_that_was_changed_is_named(
    sound: Path, tmp_path: Path, pcode
) -> None:  # type: ignore[no-untyped-def]
    for name in ("a", "b"):
        shutil.copytree(sound, tmp_path / name)
    (tmp_path / "b/traces.jsonl").unlink()
    done = pcode("verify", tmp_path / "a", tmp_path / "b", "--json")
    found = {Path(each["folder"]).name: each for each in json.loads(done.stdout)["folders"]}
    assert done.exit_code == 1
    assert (found["a"]["holds"], found["b"]["holds"]) == (True, False)
    assert [f["file"] for f in found["b"]["files"] if f["state"] != "holds"] == ["traces.jsonl"]


def test_what_pcode_wrote_later_into_a_folder_holds_until_it_is_changed(sound: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(sound, run)
    (run / "scores.json").write_text("{}")
    record_files(run, ["scores.json"])
    (found,) = verify(run)
    assert found.holds
    (run / "scores.json").write_text("[]")
    (found,) = verify(run)
    assert [(f.file, f.state) for f in found.files if f.state != "holds"] == [("scores.json", "changed")]


def test_a_run_of_an_earlier_version_is_read_and_said_to_be_unchecked(sound: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(sound, run)
    of_an_earlier_version(run, versions={"pedagogy_r1": "0.0.9"})
    lines = [json.loads(raw) for raw in (run / "ledger.jsonl").open("rb")]
    plain = [{name: value for name, value in line.items() if name != "sum"} for line in lines]
    (run / "ledger.jsonl").write_text("".join(json.dumps(line) + "\n" for line in plain))
    (found,) = verify(run)
    assert found.holds
    states = {each.file: (each.state, each.why) for each in found.files}
    assert states["codings.jsonl"] == ("not checked", "nothing is recorded of it")
    assert states["codebook.yaml"] == ("holds", "abc@1.0.0, digest as recorded")
    assert "4 of 4 lines of an earlier version: no checksum" in states["ledger.jsonl"][1]
    assert CoderRun(run).manifest.versions == [{"pedagogy_r1": "0.0.9"}]
    _read(run)
    _resume(run)


def test_a_snapshot_of_a_codebook_that_was_edited_is_refused_wherever_it_is_read(
    sound: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    shutil.copytree(sound, run)
    path = run / "codebook.yaml"
    path.write_text(path.read_text().replace("definition: a", "definition: z", 1))
    with pytest.raises(CodebookError, match=r"not the codebook that run\.json beside it recorded"):
        load_codebook(path)
    with pytest.raises(RunError, match="not the codebook the run was made with"):
        _ = CoderRun(run).codebook


def test_what_a_later_session_added_to_a_ledger_is_growth_and_a_foreign_line_is_not(
    sound: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    shutil.copytree(sound, run)
    ledger = Ledger(run / "ledger.jsonl")
    ledger.append({"kind": "gave_up", "digest": "00", "reason": "timeout", "missing": True})
    ledger.close()
    (found,) = verify(run)
    assert found.holds
    with (run / "ledger.jsonl").open("ab") as file:
        file.write(b'{"kind":"reply","digest":"00"}\n')
    (found,) = verify(run)
    assert not found.holds


@pytest.mark.parametrize(
    "change",
    [
        {"bytes": {"codings.jsonl": "abc", "ledger.jsonl": "x"}},
        {"bytes": [1], "sha256": {"codings.jsonl": 5}},
        {"sha256": {"codings.jsonl": [1], "traces.jsonl": {}}, "codebook": {"digest": 5}},
        {"status": [1], "sha256": "abc", "codebook": "abc"},
    ],
)
def test_a_record_that_says_anything_at_all_is_still_checked(
    sound: Path, tmp_path: Path, change: dict[str, object]
) -> None:
    run = tmp_path / "run"
    shutil.copytree(sound, run)
    record = json.loads((run / "run.json").read_bytes()) | change
    (run / "run.json").write_text(json.dumps(record, indent=1))
    (found,) = verify(run)
    assert [each.file for each in found.files if each.state == "changed"] == ["run.json"]


@pytest.mark.parametrize(
    "line",
    ['{"x": 1}', '{"bytes": 5}', '{"bytes": {}}', '{"done": 1, "bytes": {"units": "x"}, "counts": {}}'],
)
def test_a_line_that_is_no_checkpoint_is_passed_over_by_all_who_read_checkpoints(
    line: str, sound: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    shutil.copytree(sound, run)
    save_record(run / "run.json", CoderRun(run).manifest.model_copy(update={"status": "running"}))
    (run / "checkpoint.jsonl").write_text(line + "\n")
    assert verify(run)
    assert CoderRun(run).prefix == dict.fromkeys(("traces.jsonl", "units.jsonl", "codings.jsonl"), 0)
    with pytest.warns(LedgerWarning, match="what came behind piece 0 is made again"):
        files = CheckpointedFiles(run, {"units": "units.jsonl"})
    files.close()
    assert files.done == 0


def test_resuming_under_another_version_appends_to_versions_and_says_so(tmp_path: Path) -> None:
    old = {"pedagogy_r1": "0.0.9", "python": "3.11.0"}
    asked = Toy(fingerprint="x", started="2026", window=5, source={}, versions=[old])
    with JobFolder(tmp_path, asked) as first:
        first.save()
        first.finish("stopped", why="budget")
    new = asked.model_copy(update={"versions": [old | {"pedagogy_r1": "0.1.0"}]})
    with JobFolder(tmp_path, new) as second:
        with pytest.warns(
            LedgerWarning,
            match=r"taken up under other versions: pedagogy_r1 0\.1\.0 \(was 0\.0\.9\); run\.json",
        ):
            second.save()
        second.finish("complete")
    there = job.read_record(tmp_path / "run.json", Toy, no_file=RunError("none"))
    assert [each["pedagogy_r1"] for each in there.versions] == ["0.0.9", "0.1.0"]
    assert "since" in there.versions[1]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with JobFolder(tmp_path, new) as third:
            third.save()
            assert len(third.finish("complete").versions) == 2


def test_a_filter_says_what_of_it_was_changed(tmp_path: Path) -> None:
    (tmp_path / "traces.jsonl").write_text("".join(t.model_dump_json() + "\n" for t in HARD))
    filter_traces(tmp_path / "traces.jsonl", tmp_path / "f", ["all"])
    assert verify(tmp_path / "f")[0].holds
    kept = tmp_path / "f/kept.jsonl"
    kept.write_bytes(kept.read_bytes().replace(b"zebra", b"zebro", 1))
    (found,) = verify(tmp_path / "f")
    assert [(f.file, f.state) for f in found.files if f.state == "changed"] == [("kept.jsonl", "changed")]


def test_a_damaged_line_of_a_ledger_is_said_and_its_reply_is_not_used(sound: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(sound, run)
    path = run / "ledger.jsonl"
    path.write_bytes(path.read_bytes().replace(rb"\"A\": 1", rb"\"A\": 2", 1))
    with pytest.warns(LedgerWarning, match=r"line 1 cannot be read, or not as written; left out"):
        transcript = Transcript(run)
    assert transcript.spent.requests == 3
    assert transcript.answered("00" * 32) is None
    transcript.close()


def test_a_model_that_changed_its_name_is_recorded_with_where(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.jsonl")
    for number, model in enumerate(["m-1", "m-1", "m-2"]):
        body = {"digest": f"{number:02x}" * 32, "attempt": 1, "model": model, "raw": "{}"}
        ledger.append({"kind": "reply", **body})
    ledger.close()
    transcript = Transcript(tmp_path)
    assert transcript.spent.summary()["renamed"] == [["m-1", 1], ["m-2", 3]]
    transcript.close()


def test_a_model_that_changed_its_name_is_said_at_the_end(capsys: pytest.CaptureFixture[str]) -> None:
    served = {"m-1": 2, "m-2": 1}
    say_renamed({"served_models": served, "renamed": [["m-1", 1], ["m-2", 3]]}, "codings")
    said = " ".join(capsys.readouterr().err.split())
    assert "changed the name of its model, from m-1 (2 replies, the first to request 1) to m-2" in said
    assert "to m-2 (1 reply, the first to request 3): the codings may not be of one model" in said
    say_renamed({"served_models": {"m-1": 3}})
    assert not capsys.readouterr().err


def test_changes_of_a_packet_are_noticed(tmp_path: Path) -> None:
    packet = make_packet(tmp_path / "packet")
    sums = digests(packet.folder, "packet.json")
    save_record(packet.folder / "packet.json", packet.manifest.model_copy(update={"sha256": sums}))
    tried, missed = unnoticed(packet.folder, tmp_path / "copies")
    assert (tried > 25, missed) == (True, [])


def test_units_of_the_same_bytes_are_parsed_once_and_checked_in_every_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import pyarrow.json

    one = make_run(tmp_path / "one", {"A": ["A", "B", "C", None] * 3})
    other = make_run(tmp_path / "other", {"cues": ["A", "A", (), "C"] * 3}, machines=["cues"])
    parsed: list[object] = []
    parse = pyarrow.json.read_json
    monkeypatch.setattr(pyarrow.json, "read_json", lambda *a, **k: parsed.append(a) or parse(*a, **k))
    both = read_columns([one, other])
    assert len(parsed) == 4  # traces, units, and the codings of each
    assert both.units["id"].to_pylist() == 2 * read_columns([one]).units["id"].to_pylist()
    assert (
        both.numbers("units", "trace").tolist() == [0] * 4 + [1] * 4 + [2] * 4 + [3] * 4 + [4] * 4 + [5] * 4
    )
    assert both.numbers("codings", "unit").tolist() == [*range(24)]
    for name in ("units.jsonl", "traces.jsonl"):
        whole = (other.folder / name).read_bytes()
        (other.folder / name).write_bytes(_swapped(whole))
        with pytest.raises(RunError, match=rf"other.{name} has changed"):
            read_columns([one, CoderRun(other.folder)])
        (other.folder / name).write_bytes(whole)
