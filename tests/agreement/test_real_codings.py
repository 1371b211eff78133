"""Codings of real traces by real people, imported by span. Only where ../shared lies beside the checkout."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import krippendorff
import numpy as np
import pytest
from click.testing import Result

from pedagogy_r1.agreement import continua_of, unitizing_alpha
from pedagogy_r1.estimate.reliability_verdict import verdict
from pedagogy_r1.formatting import interval, shown
from pedagogy_r1.human.import_codings import import_codings
from pedagogy_r1.intake import import_traces
from pedagogy_r1.runs.run import CoderRun

from ..real import flow_files, schoenfeld_rows, write_spans

Pcode = Callable[..., Result]


@pytest.fixture(scope="module")
def flow(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with traces.jsonl, nine.yaml, and one span file a coder."""
    folder = tmp_path_factory.mktemp("flow")
    flow_files(shared / "data", folder)
    import_traces([folder / "raw.jsonl"], folder / "traces.jsonl")
    return folder


def _primary(run: CoderRun) -> dict[str, dict[str, str]]:
    """coder → unit → primary code."""
    found: dict[str, dict[str, str]] = {}
    for coding in run.codings():
        if coding.primary is not None:
            found.setdefault(coding.coder, {})[coding.unit_id] = coding.primary
    return found


def _alpha(a: dict[str, str], b: dict[str, str]) -> float:
    units = sorted(a.keys() | b.keys())
    data = np.array([[coder.get(unit, "nan") for unit in units] for coder in (a, b)])
    return float(krippendorff.alpha(reliability_data=data, level_of_measurement="nominal"))


def test_two_humans_on_their_own_spans(flow: Path, tmp_path: Path) -> None:
    files = [flow / "A.csv", flow / "D.csv"]
    report = import_codings(
        files, flow / "traces.jsonl", tmp_path / "run", codebook=flow / "nine.yaml", units="own"
    )
    assert (report.rows, report.kept, report.units, report.codings) == (1380, 1380, 690, 1380)
    assert not report.problems
    assert not report.alone
    assert not report.moved
    run = CoderRun(tmp_path / "run")
    assert [coder.name for coder in run.manifest.coders] == ["A", "D"]
    assert run.manifest.scheme.startswith("given@")
    by_coder = _primary(run)
    assert _alpha(by_coder["A"], by_coder["D"]) == pytest.approx(0.7432, abs=5e-5)


def test_a_human_and_a_machine_share_some_spans(flow: Path, tmp_path: Path) -> None:
    files = [flow / "D.csv", flow / "Gemini.csv"]
    report = import_codings(
        files, flow / "traces.jsonl", tmp_path / "run", codebook=flow / "nine.yaml", units="own"
    )
    assert report.rows == 690 + 619
    assert report.shared == 499
    assert report.alone == {"D": 690 - 499, "Gemini": 619 - 499}
    assert report.units == 690 + 619 - 499
    by_coder = _primary(CoderRun(tmp_path / "run"))
    assert _alpha(by_coder["D"], by_coder["Gemini"]) == pytest.approx(0.7978, abs=5e-5)


def test_projection_to_sentences_keeps_each_overlap(flow: Path, tmp_path: Path) -> None:
    files = [flow / "A.csv", flow / "D.csv"]
    report = import_codings(
        files, flow / "traces.jsonl", tmp_path / "run", codebook=flow / "nine.yaml", project="sentence@1"
    )
    run = CoderRun(tmp_path / "run")
    overlaps = [coding.overlap for coding in run.codings() if coding.codes]
    assert overlaps
    assert all(overlap is not None and 0 < overlap <= 1 for overlap in overlaps)
    assert report.units == sum(1 for _ in run.units())
    owners = Counter(coding.coder for coding in run.codings())
    assert owners == {"A": report.units, "D": report.units}
    by_coder = _primary(run)
    assert 0.5 < _alpha(by_coder["A"], by_coder["D"]) < 0.9


@pytest.fixture(scope="module")
def schoenfeld(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[list[Any]]]:
    """humans.csv with the 1,204 sentences of the 19 coded responses, and its rows."""
    rows = schoenfeld_rows(shared / "data")
    assert len({row[0] for row in rows}) == 19
    assert len(rows) == 1204
    path = tmp_path_factory.mktemp("schoenfeld") / "humans.csv"
    write_spans(path, rows)
    return path, rows


@pytest.mark.parametrize("target", ["response", "reasoning"])
def test_every_sentence_of_the_schoenfeld_files_finds_its_place(
    target: str, schoenfeld: tuple[Path, list[list[Any]]], shared: Path, tmp_path: Path, pcode: Pcode
) -> None:
    source = shared / "data/schoenfeld_original.json"
    done = pcode("traces", "import", source, "-o", tmp_path / "traces.jsonl", "--map", "id=Question ID", "--map", "question=Instruction",
                 "--map", f"{target}=deepseek-reasoner (response)", "--map", "reference=Correct Answer")  # fmt: skip
    assert done.exit_code == 0, done.stderr
    path, rows = schoenfeld
    report = import_codings(
        [path], tmp_path / "traces.jsonl", tmp_path / "run", codebook="schoenfeld@1.0.0", units="own"
    )
    # Mapped as the response, it is cut at </think>, and the coders coded the answer behind it as well.
    behind = 0
    if target == "response":
        ends = {
            row["Question ID"]: row["deepseek-reasoner (response)"].index("</think>")
            for row in json.loads(source.read_text())
        }
        behind = sum(row[1] >= ends[row[0]] for row in rows)
    assert report.outside == behind
    assert (report.kept, report.units) == (1204 - behind, 1204 - behind)
    assert (report.traces, report.traces_left_out) == (19, 19)
    tagged = sum(row[3].endswith("</think>") and row[3] != "</think>" for row in rows) if behind else 0
    assert report.moved.total() == tagged
    codes = Counter(coding.primary for coding in CoderRun(tmp_path / "run").codings())
    assert codes.total() == 1204 - behind
    assert target == "response" or codes == Counter(row[5] for row in rows)


def test_the_command_says_how_many_own_spans_are_compared_and_alpha_of_the_whole_text(
    flow: Path, tmp_path: Path, pcode: Pcode
) -> None:
    """α of the spans that both chose says nothing of the 311 that one chose alone."""
    files = [flow / "D.csv", flow / "Gemini.csv"]
    import_codings(files, flow / "traces.jsonl", tmp_path / "run", codebook=flow / "nine.yaml", units="own")
    told = pcode("agreement", tmp_path / "run", "--json-out", tmp_path / "out.json")
    whole = unitizing_alpha(continua_of([CoderRun(tmp_path / "run")])).u
    (line,) = [line for line in told.stdout.splitlines() if "that they chose" in line]
    assert line.startswith(
        "D – Gemini: of 810 units that they chose, two chose 499 alike (61.6 %), and only those are compared"
    )
    assert (
        f"unitizing α = {shown(whole.value)} {interval(whole.low, whole.high)}: {verdict(whole).words}"
        in line
    )
    (found,) = json.loads((tmp_path / "out.json").read_text())["chosen_spans"].values()
    assert found["unitizing_alpha"]["value"] == whole.value
