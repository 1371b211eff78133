"""Issue 16, "The supplement": a study in one file, and every number of its report out of it again."""

from __future__ import annotations

import hashlib
import json
import os
import random
import re
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from pedagogy_r1.errors import InputError, PedagogyError, RunError
from pedagogy_r1.files import archive as files_archive
from pedagogy_r1.files.records import read_jsonl
from pedagogy_r1.files.seal import write_sealed
from pedagogy_r1.report import ReportSettings, build_report
from pedagogy_r1.report.report_record import read_report
from pedagogy_r1.runs.run import CoderRun
from pedagogy_r1.supplement.api_keys import refuse_keys
from pedagogy_r1.supplement.archive_check import verify_archive
from pedagogy_r1.supplement.archive_record import MANIFEST, RECORD
from pedagogy_r1.supplement.study_archive import write_archive

from ..conftest import ROOT
from ..make_runs import change_record
from .studies import make_study, sealed_anew, zipped_anew

Pcode = Callable[..., Result]


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_study(tmp_path_factory.mktemp("home") / "study")


@pytest.fixture(scope="module")
def made(study: Path) -> Path:
    return write_archive(study, study.parent / "study.zip").path


@pytest.fixture(scope="module")
def members(made: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(made) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture(scope="module")
def small(members: dict[str, bytes], study: Path) -> dict[str, bytes]:
    """The archive without its pictures, which are nine tenths of it."""
    kept = {name: data for name, data in members.items() if not name.endswith((".png", ".svg"))}
    return sealed_anew(kept, study.parent / "small.json")


def write_again(path: Path, name: str) -> None:
    """A second entry of that name."""
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(name, b"other")


def test_every_number_comes_out_again(made: Path, study: Path, pcode: Pcode) -> None:
    found = verify_archive(made)
    assert found.holds
    (report,) = found.reports
    rows = read_report(study / "report").tables.values()
    numbers = [v for table in rows for row in table["rows"] for v in row.values() if type(v) in (int, float)]
    assert report.numbers >= len(numbers) > 300
    again = pcode("archive", study, "-o", made.with_name("again.zip"), "--json")
    assert again.exit_code == 0, again.output
    assert made.with_name("again.zip").read_bytes() == made.read_bytes(), (
        "the same study gives the same bytes"
    )
    assert json.loads(again.stdout)["sha256"] == hashlib.sha256(made.read_bytes()).hexdigest() == found.sha256


def test_in_a_process_of_its_own_without_a_network(made: Path, tmp_path: Path) -> None:
    """The network is taken away where the kernel lets us; everywhere, opening a socket to anywhere ends the process."""
    guard = tmp_path / "sitecustomize.py"
    guard.write_text(
        "import sys\n"
        "def no(event, args):\n"
        "    if event in ('socket.connect', 'socket.getaddrinfo'): raise SystemExit(f'network: {args}')\n"
        "sys.addaudithook(no)\n"
    )
    alone = shutil.copyfile(made, tmp_path / "study.zip")
    command = [sys.executable, "-m", "pedagogy_r1", "archive", "verify", "study.zip"]
    cut = ["unshare", "--net", "--map-root-user"]
    if subprocess.run([*cut, "true"], capture_output=True).returncode == 0:
        command = [*cut, *command]
    env = {**os.environ, "PYTHONPATH": f"{tmp_path}:{ROOT}"}
    done = subprocess.run(command, cwd=alone.parent, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "all the same" in done.stdout


def test_one_changed_byte_in_any_file_is_found_and_named(small: dict[str, bytes], tmp_path: Path) -> None:
    chance = random.Random(0)
    for name, data in small.items():
        place = chance.randrange(len(data))
        changed = data[:place] + bytes([data[place] ^ 1 << chance.randrange(8)]) + data[place + 1 :]
        found = verify_archive(zipped_anew(tmp_path / "a.zip", small | {name: changed}))
        assert not found.holds
        assert [one.file for one in found.members] == [name], (name, place)
        assert not found.reports, "nothing is rebuilt from what was changed"


def test_one_changed_byte_of_the_zip_file_itself_is_found(made: Path, tmp_path: Path) -> None:
    data, chance = made.read_bytes(), random.Random(1)
    with zipfile.ZipFile(made) as archive:
        entries = archive.infolist()
        first, start = entries[1].header_offset, archive.start_dir
        ends = {one.header_offset - 1 for one in entries[1:]} | {start - 1}
    heads = [*range(first, first + 42), *range(start, start + 60), *range(len(data) - 22, len(data))]
    for place in (*heads[::3], *chance.sample(sorted({*range(len(data))} - ends), 20)):
        path = tmp_path / "a.zip"
        path.write_bytes(data[:place] + bytes([data[place] ^ 1 << chance.randrange(8)]) + data[place + 1 :])
        try:
            found = verify_archive(path, rebuild=False)
        except InputError:
            continue
        assert not found.holds, place


def test_missing_and_added_files_are_named(small: dict[str, bytes], tmp_path: Path, pcode: Pcode) -> None:
    less = {name: data for name, data in small.items() if name != "methods.md"}
    found = verify_archive(zipped_anew(tmp_path / "a.zip", less | {"study/more.txt": b"more"}))
    assert [(one.file, one.state) for one in found.members] == [
        ("methods.md", "missing"),
        ("study/more.txt", "added"),
    ]
    many = less | {f"study/more{n}.txt": b"more" for n in range(40)}
    said = pcode("archive", "verify", zipped_anew(tmp_path / "b.zip", many))
    assert said.exit_code == 1
    assert f"40 added, 1 missing, of {len(many)} files" in said.stderr.replace(
        "1 missing, 40 added", "40 added, 1 missing"
    )
    assert "… and 21 more files; --json has all" in said.stdout
    assert len(said.stdout.splitlines()) == 21
    whole = json.loads(pcode("archive", "verify", tmp_path / "b.zip", "--json").stdout)
    assert len(whole["members"]) == 41


def test_a_whole_archive_is_a_summary_and_no_line_a_file(made: Path, pcode: Pcode) -> None:
    said = pcode("archive", "verify", made, "--files-only")
    assert said.exit_code == 0
    assert len(said.stdout.splitlines()) == 2
    assert re.search(
        r"\d+ files \(others \d+, project \d+, study/report \d+, study/runs \d+\), each", said.stdout
    )


def test_the_checklist_says_once_that_no_model_was_asked_and_what_was_coded_before_registering(
    tmp_path: Path, pcode: Pcode
) -> None:
    study = make_study(tmp_path / "study")
    words = ("--codebook", study / "book.yaml", "--contrast", "condition:cop:generic")
    assert pcode("preregister", "-o", study, *words).exit_code == 0
    before = checklist_of(study, tmp_path / "a.zip")
    assert before.count("no run of this study asked a language model") == 1
    assert "- **Model and version; Where it ran; Prompt; Temperature and seed; Requests; Cost.**" in before
    assert (
        "runs/machine (m, a machine) was begun 2026-01-01 00:00:00 UTC, before it was registered (2" in before
    )
    for name in ("people", "machine"):
        change_record(
            study / f"runs/{name}/run.json",
            started="2999-01-01T00:00:00+00:00",
            parameters={"second_from": 0.9926},
        )
    build_report(
        [CoderRun(study / f"runs/{name}") for name in ("people", "machine")],
        study / "report",
        ReportSettings(replicates=0, permutations=99),
    )
    after = checklist_of(study, tmp_path / "b.zip")
    assert "before it was registered" not in after
    assert "m by test; a second code from a probability of 0.9926" in after
    with zipfile.ZipFile(tmp_path / "b.zip") as archive:
        methods = archive.read("methods.md").decode()
    assert "with a second code from a probability of 0.9926" in methods
    assert "second_from" not in methods


def checklist_of(study: Path, path: Path) -> str:
    with zipfile.ZipFile(write_archive(study, path).path) as archive:
        return archive.read("checklist.md").decode()


def test_a_number_that_was_forged_with_all_its_digests_does_not_come_out_again(
    small: dict[str, bytes], tmp_path: Path, pcode: Pcode
) -> None:
    record = json.loads(small["study/report/report.json"])
    row = record["tables"]["alpha"]["rows"][0]
    row["value"] += 1e-7
    write_sealed(tmp_path / "r.json", record)
    forged = small | {"study/report/report.json": (tmp_path / "r.json").read_bytes()}
    table = "study/report/tables/frequency.csv"
    forged[table] = small[table].replace(b"0.5,", b"0.6,", 1)
    assert forged[table] != small[table]
    path = zipped_anew(tmp_path / "a.zip", sealed_anew(forged, tmp_path / "x.json"))
    done = pcode("archive", "verify", path)
    assert done.exit_code == 1
    assert re.search(r"tables\.alpha\.rows\[0\]\.value: \S+ there, \S+ rebuilt", done.stdout), done.output
    assert re.search(r"tables/frequency\.csv\[\d+\]\[\d+\]: 0\.6 there, 0\.5 rebuilt", done.stdout), (
        done.output
    )


@pytest.mark.parametrize("part", [0.0, 0.3, 0.99])
def test_a_cut_archive_is_refused_in_words(part: float, made: Path, tmp_path: Path, pcode: Pcode) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(made.read_bytes()[: int(part * made.stat().st_size)])
    done = pcode("archive", "verify", path)
    assert done.exit_code == 2
    assert "not a zip archive" in done.stderr


def test_what_was_made_to_do_harm_is_refused(small: dict[str, bytes], tmp_path: Path, pcode: Pcode) -> None:
    path = tmp_path / "a.zip"
    for name in ("../out.txt", "/etc/out", "study/../../out", "C:\\out"):
        with zipfile.ZipFile(path, "w") as archive:
            for own, data in (small | {name: b"x"}).items():
                archive.writestr(own, data)
        assert "points outside the archive" in pcode("archive", "verify", path).stderr
    zipped_anew(path, small)
    with pytest.warns(UserWarning, match="Duplicate"):
        write_again(path, "methods.md")
    assert "'methods.md' is there twice" in pcode("archive", "verify", path).stderr
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for own in (RECORD, MANIFEST):
            archive.writestr(own, small[own])
        archive.writestr("study/large", bytes(files_archive.LARGEST + 1))
    done = pcode("archive", "verify", path)
    assert re.search(r"its \S+ bytes would unpack to 209,7\d\d,\d+", done.stderr), done.stderr
    (tmp_path / "b.zip").write_bytes(b"")
    assert "not a zip archive" in pcode("archive", "verify", tmp_path / "b.zip").stderr
    zipped_anew(path, {"a.txt": b"a"})
    assert "no archive of a study" in pcode("archive", "verify", path).stderr
    zipped_anew(path, {RECORD: small[RECORD]})
    none = " ".join(pcode("archive", "verify", path).stderr.split())
    assert f"({MANIFEST} not in it)" in none
    zipped_anew(path, small | {"study/a\nmissing  methods.md": b"x"})
    one = pcode("archive", "verify", path).output.splitlines()
    assert [line.split()[0] for line in one if "methods.md" in line] == ["added"]


def test_the_library_for_research_objects_reads_it(made: Path, members: dict[str, bytes]) -> None:
    from rocrate.rocrate import ROCrate

    crate = ROCrate(made)
    named = {one.id: one for one in crate.data_entities if one.type == "File"}
    assert named.keys() == members.keys() - {"ro-crate-metadata.json", RECORD, MANIFEST}
    for name, one in named.items():
        assert one["sha256"] == hashlib.sha256(members[name]).hexdigest()
        assert int(one["contentSize"]) == len(members[name])
    (action,) = (one for one in crate.contextual_entities if one.type == "CreateAction")
    assert "study/runs/people/codings.jsonl" in {one.id for one in action["object"]}
    assert "study/report/report.html" in {one.id for one in action["result"]}


def test_the_project_for_reading_programs_comes_back(
    members: dict[str, bytes], tmp_path: Path, study: Path, pcode: Pcode
) -> None:
    (tmp_path / "a.qdpx").write_bytes(members["project/abc-1.0.0.qdpx"])
    words = (
        "import",
        tmp_path / "a.qdpx",
        "--traces",
        study / "traces.jsonl",
        "--codebook",
        study / "book.yaml",
    )
    done = pcode(*words, "--units", study / "runs/people", "-o", tmp_path / "back")
    assert done.exit_code == 0, done.output
    codes: dict[str, dict[str, list[str]]] = {}
    for run in ("back", "people", "machine"):
        folder = tmp_path / run if run == "back" else study / "runs" / run
        for row in read_jsonl(folder / "codings.jsonl"):
            codes.setdefault("back" if run == "back" else "was", {})[
                f"{row.data['coder']} {row.data['unit_id']}"
            ] = row.data["codes"]
    assert codes["back"] == codes["was"]


def test_without_the_texts_no_text_is_in_it_and_the_numbers_are(study: Path, tmp_path: Path) -> None:
    found = write_archive(study, tmp_path / "a.zip", texts=False)
    assert found.record.left_out == {
        "study/traces.jsonl": "holds the texts; traces.sha256.jsonl has the sha256 of each"
    }
    with zipfile.ZipFile(found.path) as archive:
        for name in archive.namelist():
            assert b"Sentence " not in archive.read(name), name
        rows = [json.loads(line) for line in archive.read("study/traces.sha256.jsonl").splitlines()]
    text = next(iter(read_jsonl(study / "traces.jsonl"))).data["reasoning"]
    assert rows[0]["reasoning_sha256"] == hashlib.sha256(text.encode()).hexdigest()
    checked = verify_archive(found.path)
    assert checked.holds
    assert (
        checked.reports[0].numbers
        == verify_archive(write_archive(study, tmp_path / "b.zip").path).reports[0].numbers
    )


def test_nothing_but_what_pcode_knows_goes_in(study: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(study, tmp_path / "study"))
    (copy / "notes.txt").write_text("private")
    (copy / ".env").write_text("OPENAI_API_KEY=sk-not-a-real-key-0123456789abcdef")
    (copy / "runs/people/scratch.txt").write_text("private")
    (copy / "report/mine.txt").write_text("private")
    with zipfile.ZipFile(write_archive(copy, tmp_path / "a.zip").path) as archive:
        names = archive.namelist()
    assert not [
        name
        for name in names
        if name.endswith(("notes.txt", ".env", "scratch.txt", "mine.txt", ".lock", ".pcode.json"))
    ]


KEYS = {
    "sk-proj-a1b2c3d4e5f6g7h8i9j0k1l2": "a key of a model's server",
    "hf_abcdefghijklmnopqrstuvwxyzABCDEFGH": "a Hugging Face token",
    "-----BEGIN RSA PRIVATE KEY-----": "a private key",
    '"Authorization": "Bearer abcdefghijklmnop1234"': "an Authorization header",
    "my-own-servers-key": "the value of MY_API_KEY in this environment",
}


@pytest.mark.parametrize("key", KEYS)
def test_a_key_never_gets_in(
    key: str, study: Path, tmp_path: Path, pcode: Pcode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_API_KEY", "my-own-servers-key")
    copy = Path(shutil.copytree(study, tmp_path / "study"))
    (copy / "README.md").write_text(f"# Notes\n\nasked with {key}\n")
    done = pcode("archive", copy, "-o", tmp_path / "a.zip")
    assert done.exit_code == 2
    assert f"study/README.md:3: what looks like {KEYS[key]}" in done.stderr
    assert key not in done.output, "it is not printed either"
    assert not (tmp_path / "a.zip").exists()


def test_a_key_is_found_across_blocks_and_a_word_is_none(tmp_path: Path) -> None:
    path = tmp_path / "large"
    path.write_bytes(b"x\n" * (2**21 - 5) + b" sk-proj-a1b2c3d4e5f6g7h8i9j0k1l2\n" + b"y" * 10)
    with pytest.raises(InputError, match=f"large:{2**21 - 4}: what looks like a key"):
        refuse_keys("large", path, {})
    refuse_keys("words", b"a task-based, risk-averse, sk-learning-approach-without-any-numbers", {})
    refuse_keys("short", b"secret=true", {"TOKEN": "true"})


def test_a_study_that_cannot_be_rebuilt_is_refused(study: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(study, tmp_path / "study"))
    shutil.rmtree(copy / "report")
    with pytest.raises(RunError, match="holds no report"):
        write_archive(copy, tmp_path / "a.zip")
    shutil.copytree(study / "report", copy / "report")
    (copy / "report/report.json").unlink()
    with pytest.raises(RunError, match=r"report\.json is missing"):
        write_archive(copy, tmp_path / "a.zip")
    shutil.rmtree(copy / "report")
    shutil.copytree(study / "report", copy / "deeper/report")
    with pytest.raises(PedagogyError, match="not a run directory"):
        write_archive(copy, tmp_path / "a.zip")
    shutil.rmtree(copy / "deeper")
    shutil.copytree(study / "report", copy / "report")
    shutil.move(copy / "runs/machine", tmp_path / "machine")
    record = json.loads((copy / "report/report.json").read_bytes())
    record["runs"][1]["path"] = "../../machine"
    write_sealed(copy / "report/report.json", record)
    with pytest.raises(RunError, match="which is not in"):
        write_archive(copy, tmp_path / "a.zip")
    shutil.move(tmp_path / "machine", copy / "runs/machine")
    shutil.copyfile(study / "report/report.json", copy / "report/report.json")
    with (copy / "runs/people/codings.jsonl").open("ab") as file:
        file.write(b"\n")
    with pytest.raises(RunError, match="codings"):
        write_archive(copy, tmp_path / "a.zip")


def test_a_kill_amid_writing_leaves_no_half_archive(
    study: Path, tmp_path: Path, pcode_process: Callable[..., subprocess.Popen[str]]
) -> None:
    copy = Path(shutil.copytree(study, tmp_path / "study"))
    noise = random.Random(0).randbytes(2_000_000).hex()
    (copy / "README.md").write_text(noise)  # so that writing takes a while
    out = tmp_path / "out/a.zip"
    process = pcode_process("archive", copy, "-o", out)
    while process.poll() is None and not list(out.parent.glob(".a.zip.*")):
        time.sleep(0.001)
    assert process.poll() is None
    process.kill()
    process.wait()
    assert not out.exists()


def test_a_report_made_again_has_the_settings_it_had(tmp_path: Path) -> None:
    settings = ReportSettings(
        replicates=20, permutations=99, seed=7, level=0.9, family=("A", "B"), by="domain"
    )
    place = make_study(tmp_path / "study", settings)
    record = read_report(place / "report")
    assert record.settings_at(place / "report") == settings
    assert [run.folder for run in record.runs_at(place / "report")] == [
        place / "runs/people",
        place / "runs/machine",
    ]


def words_in(path: Path) -> str:
    """All that the files of an archive say, those of the projects in it too."""
    said = []
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            data = archive.read(name)
            if name.endswith(".qdpx"):
                (path.parent / "inner.zip").write_bytes(data)
                said.append(words_in(path.parent / "inner.zip"))
            said.append(data.decode("utf-8", "replace"))
    return "\n".join(said)


def test_locked_traces_are_in_no_archive_before_somebody_looked(tmp_path: Path, pcode: Pcode) -> None:
    study = make_study(tmp_path / "study", times=5)
    done = pcode("sample", study / "traces.jsonl", "--lock", ".3", "--json")
    assert done.exit_code == 0, done.output
    locked = set(json.loads(done.stdout)["traces_locked"])
    texts = {row.data["id"]: row.data["reasoning"] for row in read_jsonl(study / "traces.jsonl")}
    runs, how = (study / "runs/people", study / "runs/machine"), ("--replicates", 0, "--permutations", 99)
    assert pcode("report", *runs, "-o", study / "report", *how, "--force").exit_code == 0
    shut = write_archive(study, tmp_path / "shut.zip")
    names = ("study/runs/machine", "study/runs/people", "study/traces.jsonl")
    assert shut.record.locked == dict.fromkeys(names, len(locked)) == dict.fromkeys(names, 3)
    said = words_in(shut.path)
    assert {name for name, text in texts.items() if text in said} == texts.keys() - locked
    with zipfile.ZipFile(shut.path) as archive:
        units = {
            json.loads(line)["trace_id"]
            for line in archive.read("study/runs/people/units.jsonl").splitlines()
        }
        assert len(archive.read("study/runs/people/codings.jsonl").splitlines()) == 2 * 4 * len(units)
    assert units == texts.keys() - locked
    assert verify_archive(shut.path).holds
    assert pcode("unlock", study / "traces.jsonl", *runs, "--why", "final").exit_code == 0
    assert pcode("report", *runs, "-o", study / "report", *how).exit_code == 0
    opened = write_archive(study, tmp_path / "opened.zip")
    assert opened.record.locked == {}
    assert all(text in words_in(opened.path) for text in texts.values())
    assert "study/traces.looks.jsonl" in zipfile.ZipFile(opened.path).namelist()
    assert verify_archive(opened.path).holds
