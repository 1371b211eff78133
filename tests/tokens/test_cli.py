"""``pcode tokens`` on real traces and on small runs."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from pedagogy_r1.codebook import load_codebook
from pedagogy_r1.files.records import write_jsonl as write
from pedagogy_r1.runs.run import CoderRun

from ..make_runs import make_run

Pcode = Callable[..., Result]


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def coded(tmp_path: Path) -> tuple[Path, CoderRun]:
    """Two traces of four units: human A with two missing codings, machine B complete."""
    values: dict[str, Any] = {
        "A": ["UT-NF", "KA-RO", "IA-SQ", None, "UT-NF", "UT-NF", None, "OA-ME"],
        "B": ["UT-NF"] * 8,
    }
    run = make_run(tmp_path / "run", values, machines=["B"], codebook=load_codebook("schoen"))
    write(tmp_path / "traces.jsonl", (t.model_dump(mode="json", exclude_defaults=True) for t in run.traces()))
    return tmp_path / "traces.jsonl", run


def test_noise_of_each_coder(pcode: Pcode, coded: tuple[Path, CoderRun], tmp_path: Path) -> None:
    traces, run = coded
    result = pcode("tokens", traces, run.folder, "--json", "-", "--by", "domain", "-o", tmp_path / "out")
    assert result.exit_code == 0, result.stderr
    report = json.loads(result.stdout)
    assert [group["name"] for group in report["groups"]] == [None, "SK"]
    a, b = report["groups"][0]["noise"]
    assert (a["coder"], a["share"]["missing"], a["share"]["coded"]) == ("A", 6, 18)
    assert a["share"]["strict"]["value"] == pytest.approx(3 / 6)
    assert a["share"]["nonreflective"]["value"] == pytest.approx(4 / 6)
    assert b["share"]["strict"]["value"] == 1
    assert report["method"]["noise_in_the_paper"] == "about 65 %"
    units = table(tmp_path / "out/units.csv")
    assert len(units) == 16
    assert [u["strict"] for u in units if u["coder"] == "A"] == [
        "true",
        "false",
        "false",
        "",
        "true",
        "true",
        "",
        "false",
    ]
    noise = table(tmp_path / "out/noise.csv")
    assert [(n["coder"], n["missing"], n["strict"]) for n in noise] == [
        ("A", "3", "3"), ("A", "3", "6"), ("B", "0", "12"), ("B", "0", "12"),
    ]  # fmt: skip


def test_by_any_field_and_coders_in_two_runs(pcode: Pcode, tmp_path: Path) -> None:
    """`--by metadata.grade`; A's two runs of other units are one coder, B's two of the same units are two, named as everywhere."""
    schoen = load_codebook("schoen")
    first = make_run(tmp_path / "one", {"A": ["UT-NF", "KA-RO", "IA-SQ", "KA-RO"]}, codebook=schoen)
    more = make_run(tmp_path / "two", {"A": ["KA-RO"] * 4}, codebook=schoen, offset=4)
    twice = [make_run(tmp_path / name, {"B": ["UT-NF"] * 8}, codebook=schoen) for name in ("may", "june")]
    grades = [{"metadata": {"grade": 10}}, {"metadata": {"grade": 9}}]
    rows = [t.model_dump(mode="json", exclude_defaults=True) for t in twice[0].traces()]
    write(tmp_path / "traces.jsonl", (row | more for row, more in zip(rows, grades, strict=True)))
    runs = [run.folder for run in (first, more, *twice)]
    told = pcode("tokens", tmp_path / "traces.jsonl", *runs, "--by", "metadata.grade", "--json", "-")
    assert told.exit_code == 0, told.stderr
    everything, nine, ten = json.loads(told.stdout)["groups"]
    assert (nine["name"], ten["name"]) == ("9", "10")
    assert [noise["coder"] for noise in everything["noise"]] == ["A", "B@may", "B@june"]
    a = everything["noise"][0]["share"]
    assert (a["coded"], a["missing"], a["strict"]["value"]) == (24, 0, pytest.approx(1 / 8))
    assert "grade " in pcode("tokens", tmp_path / "traces.jsonl", *runs, "--by", "metadata.grade").stdout
    unknown = pcode("tokens", tmp_path / "traces.jsonl", *runs, "--by", "grade")
    assert (unknown.exit_code, "metadata.grade" in unknown.stderr) == (2, True)


def test_one_trace_in_two_runs_of_a_coder_is_counted_once(pcode: Pcode, tmp_path: Path) -> None:
    """Four units of a trace in one run, of which two are missing and coded in the other: no token counts twice."""
    schoen = load_codebook("schoen")
    first = make_run(tmp_path / "one", {"A": ["UT-NF", "KA-RO", None, None]}, codebook=schoen)
    rest = make_run(tmp_path / "two", {"A": [None, None, "KA-RO", "KA-RO"]}, codebook=schoen)
    write(tmp_path / "t.jsonl", (t.model_dump(mode="json", exclude_defaults=True) for t in first.traces()))
    told = pcode("tokens", tmp_path / "t.jsonl", first.folder, rest.folder, "--json", "-")
    (noise,) = json.loads(told.stdout)["groups"][0]["noise"]
    share = noise["share"]
    assert (share["coded"], share["missing"], share["strict"]["value"]) == (12, 0, pytest.approx(1 / 4))


def test_the_table_tells_the_two_quantities_apart(pcode: Pcode, coded: tuple[Path, CoderRun]) -> None:
    traces, run = coded
    result = pcode("tokens", traces, run.folder, "--replicates", 50)
    assert result.exit_code == 0, result.stderr
    for text in (
        "about 65 %",
        "strict",
        "non-reflective",
        "Noise and ξ_UT are different quantities",
        "6 tokens are in units without a coding",
        "judge: rule@3",
        "thoughts: thought@1",
        "ξ_UT leaves out 2 (neither correctness nor a reference is recorded)",
    ):
        assert text in result.stdout
    alone = pcode("tokens", traces)
    assert "no run is given" in alone.stdout
    assert "Traceback" not in alone.stderr


def test_a_codebook_without_noise_says_why(pcode: Pcode, tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", {"A": ["A", "B", "C", "A"]})
    write(tmp_path / "traces.jsonl", (t.model_dump(mode="json", exclude_defaults=True) for t in run.traces()))
    result = pcode("tokens", tmp_path / "traces.jsonl", run.folder)
    assert result.exit_code == 0
    assert "abc@1.0.0 has no family UT; it has F" in result.stdout
    named = pcode(
        "tokens", tmp_path / "traces.jsonl", run.folder, "--noise", "F", "--routine", "", "--json", "-"
    )
    assert json.loads(named.stdout)["groups"][0]["noise"][0]["share"]["strict"]["value"] == 1


def test_a_run_over_other_traces_is_refused(
    pcode: Pcode, coded: tuple[Path, CoderRun], write_jsonl: Any
) -> None:
    _, run = coded
    other = write_jsonl("other.jsonl", {"id": "t0", "reasoning": "Something else."})
    result = pcode("tokens", other, run.folder)
    assert result.exit_code == 2
    assert "trace t0, coded by A, has another reasoning in the traces file" in result.stderr
    result = pcode("tokens", write_jsonl("third.jsonl", {"id": "x", "reasoning": "Hm."}), run.folder)
    assert "trace t0, coded by A, is not in the traces file" in result.stderr


def test_judged_thoughts_are_named_as_such(pcode: Pcode, write_jsonl: Any) -> None:
    traces = write_jsonl(
        "traces.jsonl",
        {"id": "w", "reasoning": "One two three. Four five six.", "correct": False},
        {"id": "r", "reasoning": "One two.", "correct": True},
    )
    thoughts = write_jsonl(
        "thoughts.jsonl",
        {"trace_id": "w", "start": 0, "end": 14, "confidences": [2, 0]},
        {"trace_id": "w", "start": 15, "end": 29, "confidences": [0, 0]},
        {"trace_id": "r", "start": 0, "end": 8, "confidences": [2, 2]},
    )
    result = pcode("tokens", traces, "--thoughts", thoughts, "--json", "-")
    assert result.exit_code == 0, result.stderr
    group = json.loads(result.stdout)["groups"][0]
    plain, weighted = group["underthinking"], group["underthinking_weighted"]
    assert (plain["name"], plain["n"], plain["score"]["value"]) == ("xi_ut", 1, 0.5)
    assert (weighted["name"], weighted["n"], weighted["score"]["value"]) == ("xi_wut", 2, 0.25)
    assert plain["judge"].startswith("two judges: correct if at least one says 2 of 2")
    assert plain["segmenter"] == f"spans of {thoughts}"
    stray = write_jsonl("stray.jsonl", {"trace_id": "zz", "start": 0, "end": 1})
    assert "traces that are not here: zz" in pcode("tokens", traces, "--thoughts", stray).stderr


def test_real_traces_end_to_end(pcode: Pcode, shared: Path, tmp_path: Path) -> None:
    """DeepSeek-R1 on AIME 2024, coded by rule: whatever the numbers are, they fit together."""
    source = shared / "data/reasoningflow/traces/DeepSeek-R1_aime2024.jsonl"
    lines = source.read_text(encoding="utf-8").splitlines()[:14]
    (tmp_path / "r1.jsonl").write_text("\n".join(lines), encoding="utf-8")
    assert pcode("traces", "import", tmp_path / "r1.jsonl", "-o", tmp_path / "traces.jsonl").exit_code == 0
    assert (
        pcode("annotate", tmp_path / "traces.jsonl", "-o", tmp_path / "run", "--coder", "cues").exit_code == 0
    )
    result = pcode(
        "tokens",
        tmp_path / "traces.jsonl",
        tmp_path / "run",
        "--by",
        "correct",
        "--json",
        "-",
        "-o",
        tmp_path / "out",
        "--replicates",
        100,
    )
    assert result.exit_code == 0, result.stderr
    report = json.loads(result.stdout)
    everything, right, wrong = report["groups"]
    assert (right["name"], wrong["name"]) == ("right", "wrong")
    assert everything["reasoning"] == right["reasoning"] + wrong["reasoning"]
    assert (
        right["underthinking"]["score"]["why_undefined"]
        == "there is no incorrect response that could be judged"
    )
    assert wrong["underthinking"]["n"] == wrong["traces"] == everything["underthinking"]["n"] == 4
    assert everything["underthinking_weighted"]["n"] == 14
    share = everything["noise"][0]["share"]
    assert share["coded"] + share["missing"] + share["outside"] == share["tokens"] == everything["reasoning"]
    assert 0 < share["strict"]["value"] < share["nonreflective"]["value"] < 1
    assert everything["wrong_to_right"]["tokens"]["value"] > 1.5  # wrong answers cost more, as the paper says
    traces = table(tmp_path / "out/traces.csv")
    assert sum(int(row["reasoning_tokens"]) for row in traces) == everything["reasoning"]
    assert sum(int(row["tokens"]) for row in table(tmp_path / "out/units.csv")) == everything["reasoning"]
    assert [row["correct"] for row in traces].count("false") == 4
