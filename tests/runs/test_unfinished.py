"""Unfinished runs: every command refuses them in the same words; with partial, every output carries the same words."""

from __future__ import annotations

import csv
import json
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from click.testing import Result

from pedagogy_r1 import export_runs
from pedagogy_r1.agreement import agree, continua_of, disagreements, drift
from pedagogy_r1.agreement.agreement_report import AgreementReport
from pedagogy_r1.agreement.code_accuracy import quoted
from pedagogy_r1.errors import RunError
from pedagogy_r1.report import ReportSettings, build_report, make_report
from pedagogy_r1.report.disagreement_sheet import heading
from pedagogy_r1.report.study_report import render_page
from pedagogy_r1.runs.codings_table import code_table
from pedagogy_r1.runs.run import FILES, CoderRun, require_complete
from pedagogy_r1.web.scan import scan

from ..make_runs import change_record, make_run

Pcode = Callable[..., Result]

REFUSED = "is interrupted, not complete (by the user): the first traces of a file are a biased sample"
CARRIED = "is interrupted (by the user): only a prefix of its traces is here, the first 3"


@pytest.fixture
def run(tmp_path: Path) -> Path:
    codes = ["A", "B", "C", "A", "B", (), "A", "A", "C", "B"]
    return unfinished(make_run(tmp_path / "run", {"X": codes, "Y": [*codes[1:], "A"]}).folder)


def unfinished(folder: Path, status: str = "interrupted") -> Path:
    """The run as a Ctrl-C would have left it."""
    why = "by the user"
    change_record(folder / "run.json", status=status, stopped_why=why, bytes={}, sha256={})
    return folder


COMMANDS: dict[str, tuple[str, ...]] = {
    "agreement": ("RUN",),
    "disagreements": ("RUN",),
    "report": ("RUN", "-o", "OUT"),
    "tokens": ("RUN/traces.jsonl", "RUN"),
    "unitizing": ("RUN",),
    "export": ("RUN", "-o", "OUT.csv"),
    "export --wide": ("RUN", "--wide", "-o", "OUT.csv"),
    "export --for ena": ("RUN", "--for", "ena", "-o", "OUT.csv"),
    "export --for tna": ("RUN", "--for", "tna", "-o", "OUT.csv"),
    "quotes": ("RUN", "--code", "A", "-o", "OUT.md"),
    "agreement --before": ("SOUND", "--before", "RUN"),
    "web": ("RUN", "--no-browser"),
}
DRAWN = (
    "RUN/traces.jsonl", "--codebook", "RUN/codebook.yaml", "--coders", "A,B",
    "--n", "4", "-o", "OUT",
)  # fmt: skip
WITHOUT_PARTIAL: dict[str, tuple[str, ...]] = {
    "codebook": ("migrate", "RUN", "--to", "schoen", "-o", "OUT"),
    "filter": ("RUN/traces.jsonl", "--policy", "quiet:below=0.5", "--codings", "RUN", "-o", "OUT"),
    "annotate": ("RUN/traces.jsonl", "--units", "RUN", "-o", "OUT"),
    "import": ("CODED", "--codebook", "RUN/codebook.yaml", "--units", "RUN", "-o", "OUT"),
    "sample": ("RUN/traces.jsonl", "--plan", "--run", "RUN"),
    "sample --units": (*DRAWN, "--units", "RUN"),
    "sample --enrich": (*DRAWN, "--scheme", "sentence@1", "--enrich", "A", "--run", "RUN"),
    "analysis": ("run", "code_frequency", "RUN"),
    "analysis underthinking": ("run", "underthinking", "RUN"),
}


@pytest.mark.parametrize("command", [*COMMANDS, *WITHOUT_PARTIAL])
def test_every_command_refuses_in_the_same_words(
    command: str, run: Path, tmp_path: Path, pcode: Pcode
) -> None:
    words = (COMMANDS | WITHOUT_PARTIAL)[command]
    coded = tmp_path / "coded.csv"
    unit = next(CoderRun(run).units()).id
    coded.write_text(f"unit_id,coder,code\n{unit},A,A\n")
    sound = make_run(tmp_path / "sound", {"X": ["A", "B"], "Y": ["A", "A"]}).folder
    places = {"RUN": run, "OUT": tmp_path / "out", "CODED": coded, "SOUND": sound}
    for name, place in places.items():
        words = tuple(word.replace(name, str(place)) for word in words)
    done = pcode(command.split()[0], *words)
    assert done.exit_code == 2
    said = " ".join(done.stderr.split())
    assert f"{run} {REFUSED}" in said
    assert "complete it with the command that started it" in said
    assert ("--partial" in said) == (command in COMMANDS)
    assert not list(tmp_path.glob("out*"))


def test_every_result_carries_the_same_words(run: Path, tmp_path: Path) -> None:
    carried = (f"{run} {CARRIED}",)
    assert require_complete([CoderRun(run)], partial=True) == carried
    report: AgreementReport = agree([run], replicates=0, partial=True)
    assert (report.partial, report.as_json()["partial"]) == (carried, list(carried))
    found = disagreements([run], partial=True)
    assert (found.partial, found.as_json()["partial"]) == (carried, list(carried))
    assert carried[0] in heading(found)
    page = make_report([run], ReportSettings(replicates=0, permutations=1), partial=True)
    assert page.study.partial == carried
    assert render_page(page, {figure.name: figure.render() for figure in page.figures}).count(carried[0]) >= 2
    assert continua_of([CoderRun(run)], partial=True)
    export_runs([run], tmp_path / "out.jsonl", partial=True)
    rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert {row["run_status"] for row in rows} == {"interrupted"}


WRITTEN: dict[str, tuple[str, ...]] = {
    "agreement": ("--replicates", "0"),
    "disagreements": ("-o", "OUT"),
    "report": ("--replicates", "0", "--permutations", "1"),
    "tokens": ("-o", "OUT", "--replicates", "0"),
    "unitizing": ("--replicates", "0"),
}


@pytest.mark.parametrize("command", WRITTEN)
def test_what_a_command_prints_and_every_table_it_writes_say_so(
    command: str, run: Path, tmp_path: Path, pcode: Pcode
) -> None:
    out = tmp_path / "out"
    words = [
        word.replace("RUN", str(run)).replace("OUT", str(out))
        for word in (*COMMANDS[command], *WRITTEN[command])
    ]
    done = pcode(command, *words, "--partial")
    assert done.exit_code == 0, done.output
    assert f"{run} {CARRIED}" in " ".join(done.stdout.split())
    tables = list(out.rglob("*.csv"))
    assert bool(tables) == ("-o" in words)
    for path in tables:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        assert {row["partial"] for row in rows} <= {f"{run} {CARRIED}"}, path


def test_tables_of_complete_runs_have_no_such_column(tmp_path: Path, pcode: Pcode) -> None:
    run = make_run(tmp_path / "whole", {"X": ["A", "B"], "Y": ["A", "A"]}).folder
    assert pcode("disagreements", run, "-o", tmp_path / "out").exit_code == 0
    assert (
        pcode("tokens", run / "traces.jsonl", run, "-o", tmp_path / "out", "--replicates", 0).exit_code == 0
    )
    assert all("partial" not in path.read_text() for path in (tmp_path / "out").glob("*.csv"))


def test_web_pages_carry_them_too(run: Path) -> None:
    pytest.importorskip("starlette")
    from pedagogy_r1.web.state import open_state

    assert open_state([run], partial=True).partial == (f"{run} {CARRIED}",)
    with pytest.raises(RunError, match="not complete"):
        open_state([run])


def test_tokens_say_it_and_write_it(run: Path, tmp_path: Path) -> None:
    from pedagogy_r1.intake import read_traces
    from pedagogy_r1.tokens import measure_traces, token_report

    partial = require_complete([CoderRun(run)], partial=True)
    measured = list(measure_traces(read_traces(run / "traces.jsonl")))
    assert token_report(measured, tokenizer="spacy", partial=partial).as_json()["partial"] == list(partial)


def test_of_a_run_that_was_killed_only_what_lies_before_the_checkpoint_is_read(run: Path) -> None:
    unfinished(run, "running")
    counts = {"traces": 1, "units": 4, "coded": 8}
    (run / "checkpoint.jsonl").write_text(json.dumps({"done": 1, "bytes": {}, "counts": counts}) + "\n")
    with (run / "codings.jsonl").open("a") as file:
        file.write('{"unit_id": "torn')
    killed = CoderRun(run)
    assert [len(list(lines)) for lines in (killed.traces(), killed.units(), killed.codings())] == [1, 4, 8]
    assert [len(units) for _, units, _ in killed.by_trace()] == [4]
    assert agree([run], replicates=0, partial=True).n_units == 4
    assert require_complete([killed], partial=True)[0].endswith("the first 1")
    assert len(code_table([killed], partial=True)) == 8


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("command", COMMANDS)
def test_a_cut_file_of_a_complete_run_is_refused_by_every_command(
    command: str, name: str, tmp_path: Path, pcode: Pcode
) -> None:
    """The lines that are left are sound: only the size tells that there were more."""
    run = make_run(
        tmp_path / "run", {"X": ["A", "B", "C", "A", "B", "A"], "Y": ["A", "B", "A", "A", "C", "A"]}
    )
    cut = run.folder / name
    lines = cut.read_bytes().splitlines(keepends=True)
    whole = sum(map(len, lines))
    cut.write_bytes(b"".join(lines[: len(lines) // 2]))
    sound = make_run(tmp_path / "sound", {"X": ["A", "B"], "Y": ["A", "A"]}).folder
    places = {"RUN": run.folder, "OUT": tmp_path / "out", "SOUND": sound}
    words = COMMANDS[command]
    for found, place in places.items():
        words = tuple(word.replace(found, str(place)) for word in words)
    done = pcode(command.split()[0], *words)
    assert done.exit_code == 2, done.output
    said = "".join(done.stderr.split())
    assert f"{name}has{cut.stat().st_size:,}bytes,and{whole:,}whentherunwascomplete" in said


def test_quotes_and_pages_look_at_the_size_too(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", {"X": ["A", "B"], "Y": ["A", "A"]})
    unit = next(run.units()).id
    for name in ("units.jsonl", "codings.jsonl"):
        path = run.folder / name
        path.write_bytes(path.read_bytes().splitlines(keepends=True)[0])
    with pytest.raises(RunError, match="when the run was complete"):
        quoted([run], {unit})
    with pytest.raises(RunError, match="when the run was complete"):
        list(scan(run))
    with pytest.raises(RunError, match="when the run was complete"):
        code_table([run])


def test_drift_looks_whether_its_runs_are_complete(run: Path) -> None:
    with pytest.raises(RunError, match="not complete"):
        drift([run], [run])
    assert drift([run], [run], replicates=0, partial=True).value == 0


def test_a_complete_run_needs_no_words(tmp_path: Path) -> None:
    run = make_run(tmp_path / "whole", {"X": ["A", "B"], "Y": ["A", "A"]})
    assert require_complete([run]) == require_complete([run], partial=True) == ()
    assert agree([run], replicates=0).partial == ()


QUOTED = {"docx": "word/document.xml", "html": "", "md": "", "csv": ""}


@pytest.mark.parametrize("suffix", QUOTED)
def test_quotations_say_so_in_every_format(suffix: str, run: Path, tmp_path: Path, pcode: Pcode) -> None:
    out = tmp_path / f"quotes.{suffix}"
    done = pcode("quotes", run, "--code", "A", "-o", out, "--partial")
    assert done.exit_code == 0, done.output
    assert f"{run} {CARRIED}" in " ".join(done.stderr.split())
    data = zipfile.ZipFile(out).read(QUOTED[suffix]) if QUOTED[suffix] else out.read_bytes()
    assert CARRIED in data.decode().replace("\\", "")


@pytest.mark.parametrize("table", ["--wide", "--for=ena", "--for=tna"])
@pytest.mark.parametrize("suffix", ["csv", "xlsx", "parquet", "jsonl"])
def test_every_exported_row_says_so(table: str, suffix: str, run: Path, tmp_path: Path, pcode: Pcode) -> None:
    out = tmp_path / f"out.{suffix}"
    done = pcode("export", run, table, "-o", out, "--partial")
    assert done.exit_code == 1, "something is not there"
    assert f"{run} {CARRIED}" in " ".join(done.stderr.split())
    read = {"csv": pd.read_csv, "xlsx": pd.read_excel, "parquet": pd.read_parquet}.get(suffix)
    rows = read(out) if read else pd.read_json(out, lines=True)
    assert set(rows["run_status"]) == {"interrupted"}


def test_figures_of_an_unfinished_run_say_so(run: Path, tmp_path: Path) -> None:
    """They are put on slides without the page they stand on."""
    settings = ReportSettings(replicates=0, permutations=1)
    build_report([run], tmp_path / "out", settings, partial=True)
    pictures = list((tmp_path / "out" / "figures").glob("*.svg"))
    assert pictures
    for picture in pictures:
        words = " ".join(re.sub(r"<[^>]*>", " ", picture.read_text(encoding="utf-8")).split())
        assert "only a prefix of its traces is here, the first 3" in words, picture
