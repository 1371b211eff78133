"""Issue 11, "who may delete what": every -o in the product, on somebody else's files."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from click.testing import Result

from pedagogy_r1.cli.main import cli
from pedagogy_r1.cli.options import Written
from pedagogy_r1.errors import RunError
from pedagogy_r1.files.written import RECORD, refuse_others, replacing
from pedagogy_r1.wbeb.generate import generate

from ..conftest import ROOT
from ..fake_openai import FakeOpenAI
from ..full_disk import room_for
from ..make_runs import make_run
from ..packets import make_packet
from ..supplement.studies import make_study
from ..wbeb.test_kt import halves
from ..wbeb_items import all_domains, thinker
from .test_options import commands

Pcode = Callable[..., Result]
DEMO = ROOT / "demo"
MINE = "mine: never to be replaced\n"


class Case(NamedTuple):
    """``{o}`` is what -o names, ``{m}`` the folder of `material`; ``files``: what must not be replaced there."""

    words: str
    files: tuple[str, ...] = ()


FOLDERS = {
    "codebook stress": Case(
        "codebook stress schoen {demo}/traces.jsonl --coder cues -o {o} --replicates 0",
        ("stress.json", "instruction.jsonl"),
    ),
    "demo": Case("demo -o {o}", ("codings.csv",)),
    "disagreements": Case(
        "disagreements {m}/run -o {o}", ("disagreements.html", "units.csv", "disagreements.json")
    ),
    "filter": Case("filter {demo}/traces.jsonl --policy all -o {o}", ("dropped.jsonl", "kept.jsonl")),
    "pipeline tiny": Case(
        "pipeline tiny --layers 1 --width 8 --vocab 261 -o {o}", ("model.safetensors", "config.json")
    ),
    "report": Case(
        "report {m}/run -o {o} --replicates 0", ("report.html", "report.json", "tables/frequency.csv")
    ),
    "sample": Case("sample --plan -o {o}", ("plan.csv", "plan.svg", "plan.png")),
    "tokens": Case("tokens {demo}/traces.jsonl -o {o} --replicates 0", ("traces.csv", "thoughts.csv")),
    "wbeb compare": Case("wbeb compare {m}/eval -o {o} --replicates 0", ("compare.md", "scores.csv")),
}

FILES = {
    "agreement": Case("agreement {m}/run --replicates 0 --json-out {o}.json", (".json",)),
    "archive write": Case("archive {m}/study -o {o}.zip", (".zip",)),
    "codebook export": Case("codebook export schoen -o {o}.qdc", (".qdc",)),
    "codebook import": Case("codebook import {m}/book.qdc -o {o}.yaml", (".yaml",)),
    "codebook manual": Case("codebook manual schoen -o {o}.md", (".md",)),
    "export": Case("export {m}/run -o {o}.csv", (".csv",)),
    "pipeline teach": Case("pipeline teach {m}/items.jsonl --split all -o {o}.jsonl", (".jsonl",)),
    "quotes": Case("quotes {m}/run --code A -o {o}.md", (".md",)),
    "tokens json": Case("tokens {demo}/traces.jsonl --replicates 0 --json-out {o}.json", (".json",)),
    "traces export": Case("traces export {demo}/traces.jsonl --to openai-messages -o {o}.jsonl", (".jsonl",)),
    "traces import": Case(
        "traces import {demo}/traces.jsonl -o {o}.jsonl", (".jsonl", ".jsonl.skipped.jsonl")
    ),
    "wbeb baselines": Case(
        "wbeb baselines {m}/kt.jsonl --only majority --replicates 0 -o {o}.csv", (".csv",)
    ),
    "wbeb baselines json": Case(
        "wbeb baselines {m}/kt.jsonl --only majority --replicates 0 --json-out {o}.json", (".json",)
    ),
    "wbeb build": Case(
        "wbeb build chile {m}/chile.jsonl --no-split -o {o}.jsonl",
        (".jsonl", ".build.json", ".skipped.jsonl"),
    ),
}

JOBS = {
    "annotate": "annotate {demo}/traces.jsonl -o {o}",
    "coder fit": "coder fit {m}/two -o {o}",
    "codebook migrate": "codebook migrate {m}/schoen --to {m}/next.yaml -o {o}",
    "corpus copy": "corpus copy teaching --part dev -o {o}",
    "distill": "distill {m}/items.jsonl --model openai:none --base-url http://127.0.0.1:9 -o {o}",
    "panel": "panel {m}/m1 {m}/m2 -o {o}",
    "import": "import {demo}/coder_A.csv --traces {demo}/traces.jsonl --project sentence@1 --codebook schoen@1.0.0 -o {o}",
    "pipeline run": "pipeline run {m}/light.yaml -o {o}",
    "sample": "sample {demo}/traces.jsonl --n 2 --coders A,B -o {o}",
    "sft": "sft {m}/traces.jsonl --model {m}/tiny -o {o}",
    "thoughts": "thoughts {m}/wrong.jsonl --segmenter openai:none --base-url http://127.0.0.1:9 -o {o}",
    "wbeb eval": "wbeb eval openai:none {m}/items.jsonl --base-url http://127.0.0.1:9 -o {o}",
    "web": "web {m}/two --adjudicate N --no-browser -o {o}",
}

APART = {"analysis copy", "codebook bump", "codebook new", "packet write", "preregister"}
"""Each has a test of its own below; `codebook new` in test_terminal.py, `preregister` in report/test_preregistration.py."""


@pytest.fixture(scope="module")
def material(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the commands read."""
    from pedagogy_r1.cli.main import cli as main

    place = tmp_path_factory.mktemp("material")
    make_run(place / "run", {"h": ("A", "B", "A", "C"), "k": ("A", "A", "A", "C")})
    make_study(place / "study")
    make_run(place / "two", {"h": ("A", "B"), "k": ("B", "B")})
    for name in ("m1", "m2"):
        make_run(place / name, {name: ("A", "B")}, machines=[name])
    items = [*all_domains(3), *all_domains(3, split="train")]
    for name, found in (("items", items), ("kt", [item for half in halves(8) for item in half])):
        lines = [json.dumps(item.model_dump(mode="json", exclude_none=True)) for item in found]
        (place / f"{name}.jsonl").write_text("\n".join(lines) + "\n")
    with FakeOpenAI(answer=thinker) as server:
        generate(items, place / "eval", base_url=server.url, model="openai:fake", condition="cop", retries=0)
    traces, book = str(DEMO / "traces.jsonl"), (ROOT / "codebook/schoen/1.0.0.yaml").read_text()
    moved = "\nmigrations:\n- {version: 1.0.0}\n"
    (place / "next.yaml").write_text(book.replace("version: 1.0.0", "version: 1.0.1", 1) + moved)
    question = {
        "item_id": "q1",
        "question": "What is it?",
        "options": ["x", "y"],
        "answer": "A",
        "metadata": {},
    }
    (place / "chile.jsonl").write_text(json.dumps(question) + "\n")
    wrong = {
        "id": "t",
        "question": "?",
        "reasoning": "It is 4. Wait, is it 5?",
        "answer": "5",
        "correct": False,
    }
    (place / "wrong.jsonl").write_text(json.dumps(wrong) + "\n")
    (place / "light.yaml").write_text(
        json.dumps({"id": "x", "title": "x", "stages": {"s": {"run": "filter", "arguments": [traces]}}})
    )
    for words in (
        ["annotate", traces, "-o", str(place / "schoen"), "--codebook", "schoen@1.0.0"],
        ["codebook", "export", "schoen", "-o", str(place / "book.qdc")],
        [
            "pipeline",
            "teach",
            str(place / "items.jsonl"),
            "--split",
            "all",
            "-o",
            str(place / "traces.jsonl"),
        ],
        ["pipeline", "tiny", "--layers", "1", "--width", "8", "--vocab", "261", "-o", str(place / "tiny")],
    ):
        with pytest.raises(SystemExit) as ended:
            main([*words])
        assert ended.value.code == 0, words
    return place


def run(pcode: Pcode, words: str, out: Path, material: Path, *more: str) -> Result:
    return pcode(*(word.format(o=out, m=material, demo=DEMO) for word in words.split()), *more)


def test_no_command_that_writes_is_forgotten() -> None:
    """Whatever takes -o, --out, --output or --json-out says what it may replace, and stands in a list above."""
    found = set()
    for name, command in commands(cli):
        for param in command.params:
            if {"-o", "--out", "--output", "--json-out"} & set(param.opts):
                assert isinstance(param, Written), (name, param.opts)
                kind = param.writes.kind
                assert kind in ("job", "new", "own", "file", "folder"), (name, kind)
                found.add(name + (" json" if "--json-out" in param.opts and kind == "file" else ""))
    listed = {*FOLDERS, *FILES, *JOBS, *APART}
    assert found - {"agreement json"} - listed == set()
    assert listed - found - {"agreement"} == set()


def holding(result: Result) -> str:
    assert result.exit_code == 2, result.output + str(result.exception)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.stderr


def some(names: Iterable[str], *others: str) -> list[Any]:
    """All; those others, which take longest, in ``make test-whole`` alone."""
    return [pytest.param(name, marks=pytest.mark.whole if name in others else []) for name in names]


@pytest.mark.parametrize("name", some(FOLDERS, "demo", "sample", "codebook stress", "report"))
def test_results_lie_in_a_folder_of_their_own(
    name: str, tmp_path: Path, material: Path, pcode: Pcode
) -> None:
    words, files = FOLDERS[name]
    out = tmp_path / "out"
    first = run(pcode, words, out, material)
    assert first.exit_code == 0, first.output + str(first.exception)
    written = {p.relative_to(out).as_posix() for p in out.rglob("*") if p.is_file() and p.name[0] != "."}
    known = json.loads((out / RECORD).read_text())
    jobs = ("cues/", "humans/", "learned/", "runs/")  # of the demo and of stress, which watch over themselves
    assert {file for file in written if not file.startswith(jobs)} == set(known["files"])
    assert known["unfinished"] == []
    note = out / "notes.md"
    note.write_text(MINE)
    assert run(pcode, words, out, material).exit_code == 0, "what it wrote itself, it replaces"
    for file in files:
        (out / file).write_text(MINE)
        said = holding(run(pcode, words, out, material))
        assert f"{file} would be replaced, and it was changed since pcode wrote it" in said
        assert (out / file).read_text() == note.read_text() == MINE
        assert run(pcode, words, out, material, "--force").exit_code == 0
        assert (out / file).read_bytes() != MINE.encode()
    assert note.read_text() == MINE


@pytest.mark.parametrize("name", FOLDERS)
def test_somebody_elses_folder_is_left_as_it_is(
    name: str, tmp_path: Path, material: Path, pcode: Pcode
) -> None:
    words, files = FOLDERS[name]
    out, elsewhere = tmp_path / "theirs", tmp_path / "elsewhere"
    (out / files[-1]).parent.mkdir(parents=True)
    (out / files[-1]).write_text(MINE)
    before = sorted(out.rglob("*"))
    said = holding(run(pcode, words, out, material))
    assert "theirs" in said
    assert "hint" in said
    assert (out / files[-1]).read_text() == MINE
    assert sorted(out.rglob("*")) == before
    (out / files[-1]).rename(tmp_path / "kept")
    (out / files[-1]).symlink_to(tmp_path / "kept")
    if name != "demo":
        holding(run(pcode, words, out, material))
    assert "symbolic link" in holding(run(pcode, words, out, material, "--force"))
    assert (tmp_path / "kept").read_text() == MINE
    elsewhere.symlink_to(out)
    if name != "demo":
        assert "is a symbolic link" in holding(run(pcode, words, elsewhere, material))


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_pcode_did_not_write_is_not_replaced(
    name: str, tmp_path: Path, material: Path, pcode: Pcode
) -> None:
    words, endings = FILES[name]
    out = tmp_path / "of [mine]"
    for ending in endings:
        path = Path(f"{out}{ending}")
        path.write_text(MINE)
        said = holding(run(pcode, words, out, material))
        assert f"{path} would be replaced, and pcode has no record of having written it" in said
        assert path.read_text() == MINE
        path.unlink()
    first = run(pcode, words, out, material)
    assert first.exit_code == 0, first.output + str(first.exception)
    assert run(pcode, words, out, material).exit_code == 0, "what it wrote itself, it replaces"
    path = Path(f"{out}{endings[0]}")
    path.write_text(MINE)
    assert "it was changed since pcode wrote it" in holding(run(pcode, words, out, material))
    assert path.read_text() == MINE
    assert run(pcode, words, out, material, "--force").exit_code == 0
    assert path.read_bytes() != MINE.encode()
    (tmp_path / "kept").write_text(MINE)
    path.unlink()
    path.symlink_to(tmp_path / "kept")
    assert "symbolic link" in holding(run(pcode, words, out, material, "--force"))
    assert (tmp_path / "kept").read_text() == MINE


@pytest.mark.parametrize("name", JOBS)
def test_a_job_refuses_a_folder_that_holds_anything_else(
    name: str, tmp_path: Path, material: Path, pcode: Pcode
) -> None:
    out = tmp_path / "theirs"
    file = out / ("s/kept.jsonl" if name == "pipeline run" else "notes.md")
    file.parent.mkdir(parents=True)
    file.write_text(MINE)
    said = holding(run(pcode, JOBS[name], out, material))
    assert "theirs" in said
    assert "-o" in said
    assert file.read_text() == MINE
    assert [p for p in out.rglob("*") if p.is_file() and p.name[0] != "."] == [file]


FULL = {
    **{name: JOBS[name] for name in ("annotate", "import", "panel", "sample", "codebook migrate")},
    **{name: FOLDERS[name].words for name in ("filter", "report", "tokens")},
    **{name: FILES[name].words for name in ("archive write", "export", "traces import", "wbeb build")},
}


@pytest.mark.parametrize("name", some(FULL, "report", "codebook migrate", "archive write"))
def test_on_a_full_disk_one_sentence_is_said_and_the_same_command_goes_on(
    name: str, tmp_path: Path, material: Path, pcode: Pcode
) -> None:
    """Issue 11, "disk full anywhere": tracebacks, a status of ``running``, and then "not empty and holds no run"."""
    clean, place = tmp_path / "clean", tmp_path / "full"
    clean.mkdir()
    assert run(pcode, FULL[name], clean / "out", material).exit_code == 0
    largest = max(path.stat().st_size for path in clean.rglob("*") if path.is_file())
    for room in (0, largest - 1):
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        with room_for(room):
            said = holding(run(pcode, FULL[name], place / "out", material))
        assert said.count("error: ") == 1, said
        assert re.search(r"error: no file may grow as large here: \S+ was not written", said), said
        if (place / "out/run.json").is_file():
            assert json.loads((place / "out/run.json").read_bytes())["status"] == "stopped"
        assert run(pcode, FULL[name], place / "out", material).exit_code == 0
        assert {p.relative_to(place) for p in place.rglob("*")} == {
            p.relative_to(clean) for p in clean.rglob("*")
        }


def test_what_is_new_never_meets_what_is_there(tmp_path: Path, pcode: Pcode) -> None:
    for words in (["analysis", "copy", "noise"], ["codebook", "bump", "schoen", "--minor"]):
        path = tmp_path / "theirs.py"
        path.write_text(MINE)
        holding(pcode(*words, "-o", path))
        assert path.read_text() == MINE


def test_what_a_coder_filled_in_is_not_written_anew(tmp_path: Path, pcode: Pcode) -> None:
    packet = make_packet(tmp_path / "packet").folder
    words = ("packet", "write", packet, "--format", "csv,inception")
    assert pcode(*words).exit_code == 0
    assert pcode(*words).exit_code == 0
    sheet = packet / "A/A.csv"
    filled = sheet.read_text() + "coded\n"
    sheet.write_text(filled)
    assert f"{sheet} would be replaced, and it was changed since" in holding(pcode(*words))
    assert sheet.read_text() == filled
    assert pcode(*words, "--force").exit_code == 0
    assert sheet.read_text() != filled
    assert not [p for p in packet.iterdir() if p.name.endswith(".half")]


def test_studies_ask_as_well(tmp_path: Path, material: Path, pcode: Pcode) -> None:
    out = tmp_path / "t.csv"
    for study in ("noise", "code_frequency", "agreement", "underthinking"):
        out.write_text(MINE)
        words = (
            "analysis",
            "run",
            study,
            material / ("run" if study == "agreement" else "schoen"),
            "-o",
            out,
        )
        assert "would be replaced" in holding(pcode(*words)), study
        assert out.read_text() == MINE
        assert pcode(*words, "--force").exit_code == 0
        assert out.read_text() != MINE
        out.unlink()


def test_force_is_for_what_may_be_replaced(tmp_path: Path, pcode: Pcode) -> None:
    refused = pcode(
        "sample", DEMO / "traces.jsonl", "--n", 2, "--coders", "A", "-o", tmp_path / "p", "--force"
    )
    assert "--force belongs to --plan" in holding(refused)
    assert not (tmp_path / "p").exists()


def test_a_dry_run_and_an_error_leave_nothing(tmp_path: Path, pcode: Pcode) -> None:
    for words in (
        ("filter", tmp_path / "none.jsonl", "-o", tmp_path / "new/deep"),
        ("export", tmp_path / "none", "-o", tmp_path / "new/deep.csv"),
    ):
        holding(pcode(*words))
        assert list(tmp_path.iterdir()) == []


def test_a_pipe_is_no_file(tmp_path: Path, pcode: Pcode) -> None:
    assert pcode("codebook", "manual", "schoen", "--format", "md", "-o", "/dev/null").exit_code == 0
    assert not Path("/dev", RECORD).exists()


def test_what_was_cut_off_is_taken_up(tmp_path: Path) -> None:
    """A command that was killed recorded nothing of what it wrote, but what it was about to write."""
    with replacing(tmp_path / "out", ["a.csv", "b.csv"]):
        unfinished = (tmp_path / "out" / RECORD).read_bytes()
        (tmp_path / "out/a.csv").write_text("half")
    (tmp_path / "out" / RECORD).write_bytes(unfinished)  # as a kill would have left it
    (tmp_path / "out/c.csv").write_text(MINE)
    with replacing(tmp_path / "out", ["a.csv", "b.csv"]):
        pass
    with pytest.raises(RunError, match=r"c\.csv would be replaced"), replacing(tmp_path / "out", ["c.csv"]):
        pass
    assert json.loads((tmp_path / "out" / RECORD).read_text())["unfinished"] == []
    (tmp_path / "out/b.csv").write_text(MINE)
    with (
        pytest.raises(RunError, match=r"b\.csv would be replaced"),
        replacing(tmp_path / "out", ["a.csv", "b.csv"]),
    ):
        pass
    assert (tmp_path / "out/b.csv").read_text() == MINE


def test_what_a_killed_command_left_is_no_other_commands(tmp_path: Path) -> None:
    """Its names (``*.json``) may be those of somebody's file that another command would replace."""
    with replacing(tmp_path / "out", ["*.json", "*.txt"]):
        unfinished = (tmp_path / "out" / RECORD).read_bytes()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / RECORD).write_bytes(unfinished)  # as a kill would have left it
    (tmp_path / "out/report.json").write_text(MINE)
    for names in (["report.json"], ["tables/*", "report.json"]):
        with (
            pytest.raises(RunError, match=r"report\.json would be replaced"),
            replacing(tmp_path / "out", names),
        ):
            """Not reached."""
    with pytest.raises(RunError, match=r"report\.json would be deleted"):
        refuse_others(tmp_path / "out")
    assert (tmp_path / "out/report.json").read_text() == MINE
    with replacing(tmp_path / "out", ["*.json"]):
        """The same names go on."""


@pytest.mark.parametrize("record", ["", "[]", "{}", '{"files": [], "unfinished": 3}', "[" * 100_000, "\0"])
def test_a_damaged_record_vouches_for_nothing(record: str, tmp_path: Path) -> None:
    (tmp_path / RECORD).write_text(record)
    (tmp_path / "a.csv").write_text(MINE)
    with pytest.raises(RunError, match="no record of having written it"), replacing(tmp_path, ["a.csv"]):
        pass


def test_two_commands_in_one_folder_both_are_remembered(tmp_path: Path) -> None:
    with replacing(tmp_path / "a.csv", beside=["{name}"]), replacing(tmp_path / "b.csv", beside=["{name}"]):
        for name in ("a", "b"):
            (tmp_path / f"{name}.csv").write_text(name)
    found: dict[str, Any] = json.loads((tmp_path / RECORD).read_text())
    assert sorted(found["files"]) == ["a.csv", "b.csv"]


@pytest.mark.parametrize("name", FOLDERS)
def test_nothing_is_written_into_a_folder_that_another_command_recorded(
    name: str, tmp_path: Path, material: Path, pcode: Pcode
) -> None:
    """With --force or without: what its record says of the folder would no longer hold."""
    place = tmp_path / "run"
    shutil.copytree(material / "schoen", place)
    before = {path.name: path.read_bytes() for path in place.iterdir()}
    for force in ([], ["--force"]) if name != "demo" else ([],):
        found = run(pcode, FOLDERS[name].words, place, material, *force)
        assert found.exit_code == 2, found.output
        assert {path.name: path.read_bytes() for path in place.iterdir() if path.name != ".lock"} == {
            name: data for name, data in before.items() if name != ".lock"
        }
    assert pcode("verify", place).exit_code == 0
