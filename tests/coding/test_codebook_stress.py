"""Whether a coder reads the codebook: scripted ones that do and do not, behind a local server."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from pedagogy_r1.cli.main import cli
from pedagogy_r1.codebook import load_codebook
from pedagogy_r1.codebook.altered_codebook import generic_labels, relabelled, reordered, swapped
from pedagogy_r1.coding.codebook_stress import NAMES, stress
from pedagogy_r1.coding.learned.fit_coder import fit_coder
from pedagogy_r1.coding.prompt_and_reply import render
from pedagogy_r1.coding.stress_report import StressReport
from pedagogy_r1.errors import ChatError
from pedagogy_r1.runs.run import CoderRun

from ..conftest import ROOT
from ..fake_openai import Call, FakeOpenAI
from ..stress_coders import (
    ScriptedCoder,
    faithful,
    first_listed,
    ignoring,
    obeying,
    old_labels,
    toy_book,
    toy_traces,
)
from .test_learned import coded


def tried(
    tmp: Path, coder: ScriptedCoder, seed: int = 0, book: Path | None = None, **more: Any
) -> dict[str, Any]:
    """Verdict and result of each test."""
    tmp.mkdir(exist_ok=True)
    book, traces = book or toy_book(tmp / "toy.yaml"), toy_traces(tmp / "traces.jsonl", seed)
    with FakeOpenAI(coder=coder) as server:
        given = {"coder": "llm", "model": "openai:fake", "base_url": server.url, "retries": 0, "api_key": "k"}
        report = stress(book, traces, tmp / "out", seed=seed, **given, **more)
    assert isinstance(report, StressReport)
    return {one.name: one for one in report.results}


def test_one_that_ignores_definitions_fails_the_swap_and_one_that_reads_them_passes_all(
    tmp_path: Path,
) -> None:
    for seed in range(2):
        read = tried(tmp_path / f"read{seed}", faithful(seed), seed)
        assert {name: read[name].verdict for name in NAMES} == {"again": "no verdict"} | dict.fromkeys(
            NAMES[1:], "passes"
        )
        assert read["legal"].verdict == "passes"
        recall = read["recall"]
        assert recall.verdict == "passes"
        assert recall.share is not None
        assert (recall.share.value, recall.share.n, recall.share.clusters) == (1.0, 16, 4)
        share = read["swap"].share
        assert share is not None
        assert share.clusters == 10
        assert share.interval is not None or "no interval" in share.warnings[0]
        whole = read["legal"].share
        assert whole is not None
        assert whole.interval is not None
        blind = tried(tmp_path / f"blind{seed}", ignoring(seed), seed)
        assert [name for name in NAMES if blind[name].verdict == "fails"] == ["swap", "exclusion"]


def test_each_fault_has_its_test(tmp_path: Path) -> None:
    def failed(name: str, coder: ScriptedCoder) -> set[str]:
        return {key for key, one in tried(tmp_path / name, coder).items() if one.verdict == "fails"}

    assert failed("obeys", obeying(0)) == {"instruction"}
    assert {"reversed", "shuffled"} <= failed("first", first_listed)
    old = tried(tmp_path / "old", old_labels)
    assert old["legal"].verdict == "fails"
    assert old["labels"].verdict == "fails"
    # A quick machine has asked for all 120 when the run breaks off after ten requests, a slow one has not.
    assert re.search(r"(\d+) of \1 units got no label of the codebook", old["labels"].says())


def test_what_was_not_asked_is_not_held_against_the_model(tmp_path: Path) -> None:
    """A model that writes other labels is broken off after ten requests; the units behind them were never seen."""
    found = tried(tmp_path, old_labels, window=3, concurrency=2)
    assert found["labels"].verdict == "fails"
    said = re.match(r"(\d+) of \1 units got no label of the codebook, after which no more was asked", found["labels"].says())  # fmt: skip
    assert said is not None
    assert found["legal"].missing == 120 - int(said[1])


@pytest.mark.parametrize("fault", ["500", "malformed"])
def test_a_server_that_breaks_off_is_no_answer(tmp_path: Path, fault: str) -> None:
    """The run under other labels begins with a code that is none, and then nothing of use comes: that is the server's affair."""
    book, traces = toy_book(tmp_path / "toy.yaml"), toy_traces(tmp_path / "traces.jsonl", 0)

    def breaks(call: Call) -> str | None:
        labels = call.data.get("units") and "## C1" in call.body["messages"][0]["content"]
        return fault if labels and "number 0." not in call.units[0] else None

    given = {
        "coder": "llm",
        "model": "openai:fake",
        "retries": 0,
        "backoff": 0.0,
        "window": 3,
        "concurrency": 2,
    }
    with FakeOpenAI(coder=old_labels, fault=breaks) as server:
        given |= {"base_url": server.url, "api_key": "k"}
        with pytest.raises(ChatError, match="brought nothing that could be used"):
            stress(book, traces, tmp_path / "out", **given)
        server.fault, server.coder = lambda call: None, faithful(0)  # it is well again
        found = stress(book, traces, tmp_path / "out", **given)
    assert isinstance(found, StressReport)
    assert {one.name: one.missing for one in found.results}["labels"] == 0


def test_definitions_that_are_not_found_again(tmp_path: Path) -> None:
    def first(call: Call) -> dict[str, Any]:
        return {"code": "AQ"} if "definition" in call.data else {"number": 1}

    book, traces = toy_book(tmp_path / "toy.yaml"), toy_traces(tmp_path / "traces.jsonl", 0)
    with FakeOpenAI(coder=faithful(0), recall=first) as server:
        given = {"coder": "llm", "model": "openai:fake", "base_url": server.url, "api_key": "k"}
        report = stress(book, traces, tmp_path / "out", **given)
        assert server.violations == []
    assert isinstance(report, StressReport)
    found = next(one for one in report.results if one.name == "recall")
    assert found.verdict == "fails"
    assert found.share is not None
    assert found.share.value == 0.25
    assert "at least 90 % asked" in found.says()


def test_a_form_without_exclusions_is_not_tested_on_them(tmp_path: Path) -> None:
    found = tried(tmp_path, faithful(0), codebook_form="names")
    assert "no exclusions" in found["exclusion"].says()


def test_what_too_few_units_would_tell_is_not_paid_for(tmp_path: Path) -> None:
    book, traces = toy_book(tmp_path / "toy.yaml"), toy_traces(tmp_path / "few.jsonl", 0, traces=3, units=4)
    with FakeOpenAI(coder=faithful(0)) as server:
        given = {"coder": "llm", "model": "openai:fake", "base_url": server.url, "api_key": "k"}
        report = stress(book, traces, tmp_path / "out", **given)
    assert isinstance(report, StressReport)
    found = {one.name: one for one in report.results}
    assert "nothing is said" in found["exclusion"].says()
    assert not (tmp_path / "out/runs/exclusion").exists()
    assert (tmp_path / "out/runs/reversed").exists()


def test_order_that_means_something_is_left_alone(tmp_path: Path) -> None:
    found = tried(tmp_path, faithful(0), book=toy_book(tmp_path / "toy.yaml", level="ordinal"))
    assert [found[name].verdict for name in ("reversed", "shuffled")] == ["not tested"] * 2
    assert "means something" in found["reversed"].says()


def test_a_swap_takes_along_what_refers_to_the_codes() -> None:
    book = load_codebook("schoen@1.1.0")
    made = swapped(book, "TR-SP", "KA-RO", 4)
    assert made.version == "0.0.4"
    assert made.code_ids == book.code_ids
    assert made.code("TR-SP").name == book.code("TR-SP").name
    was, now = book.code("KA-RO"), made.code("TR-SP")
    assert [hit.text for hit in now.hits] == [hit.text for hit in was.hits]
    assert now.family == was.family
    turned = {"TR-SP": "KA-RO", "KA-RO": "TR-SP"}
    assert [r.against for r in now.rules] == [turned.get(r.against, r.against) for r in was.rules]
    assert [m.code for m in now.near_misses] == [turned.get(m.code, m.code) for m in was.near_misses]
    assert swapped(made, "TR-SP", "KA-RO", 4).model_copy(update={"version": book.version}).codes == book.codes


def test_labels_that_say_nothing_leave_no_old_ones_and_order_leaves_all() -> None:
    book = load_codebook("schoen@1.1.0")
    shown = render(relabelled(book, generic_labels(book), 3))
    assert not [code for code in book.code_ids if code in shown]
    assert "## C1, C1" in shown
    other = reordered(book, list(reversed(book.code_ids)), 1)
    assert sorted(render(other).replace("0.0.1", "1.1.0")) == sorted(render(book))
    # Ids that are words are left in texts: "Plan" is also the verb.
    words = load_codebook("schoenfeld")
    made = relabelled(words, generic_labels(words), 3)
    assert [code.definition for code in made.codes] == [code.definition for code in words.codes]


def pcode(*words: object) -> Result:
    return CliRunner().invoke(cli, [str(word) for word in words])


def test_the_command_is_taken_up_where_it_was_stopped(tmp_path: Path) -> None:
    book, traces = toy_book(tmp_path / "toy.yaml"), toy_traces(tmp_path / "traces.jsonl", 1)
    out = tmp_path / "out"
    with FakeOpenAI(coder=ignoring(1)) as server:
        words = ["codebook", "stress", book, traces, "--model", "openai:fake", "--base-url", server.url, "-o", out]  # fmt: skip
        planned = json.loads(pcode(*words, "--dry-run", "--json").stdout)
        assert (planned["runs"], planned["requests"]) == (
            8,
            96,
        )  # 80 windows, and 4 codes asked about twice two ways
        assert not out.exists()
        first = pcode(*words, "--max-tokens-total", 3000)
        assert first.exit_code == 1
        assert "resume with the same command" in first.stderr
        assert not (out / "stress.json").exists()
        result = pcode(*words, "--json")
        assert result.exit_code == 1, result.output  # two tests are failed
        assert len(server.answered) == server.number == 96
        again = pcode(*words)
        assert server.number == 96
    assert "fails swap, exclusion" in again.stdout
    kept = json.loads((out / "stress.json").read_text())
    assert kept == json.loads(result.stdout)
    assert kept["failed"] == ["swap", "exclusion"]
    assert re.search(
        r"\| swap \| the definitions of .Q and .Q changed between them \| fails \|",
        (out / "stress.md").read_text(),
    )
    assert load_codebook(out / "books/as_is.yaml").ref == "toy@1.0.0"
    assert CoderRun(out / "runs/swap").manifest.codebook["version"] == "0.0.4"


def test_coders_without_a_prompt_say_what_makes_no_sense(tmp_path: Path) -> None:
    demo = ROOT / "demo/traces.jsonl"
    result = pcode("codebook", "stress", "schoen", demo, "--coder", "cues", "-o", tmp_path / "cues", "--json")
    assert result.exit_code == 0, result.output
    found = {one["test"]: one for one in json.loads(result.stdout)["tests"]}
    assert [name for name, one in found.items() if one["verdict"] == "passes"] == ["instruction", "legal"]
    assert "cues, not definitions" in found["swap"]["says"]
    assert found["recall"]["says"] == "rules answer no question"
    nobody = pcode("codebook", "stress", "schoen", demo, "-o", tmp_path / "none")
    assert nobody.exit_code == 2
    assert "--model BACKEND:NAME or --coder NAME" in nobody.stderr


def test_a_learned_coder_is_bound_to_its_text(tmp_path: Path) -> None:
    path, taught = coded(tmp_path / "taught")
    fit_coder([taught], tmp_path / "coder")
    words = ["codebook", "stress", tmp_path / "coder/codebook.yaml", path, "--units", taught]
    result = pcode(*words, "--coder", f"learned:{tmp_path / 'coder'}", "-o", tmp_path / "out", "--json")
    assert result.exit_code == 0, result.output
    found = {one["test"]: one for one in json.loads(result.stdout)["tests"]}
    assert [name for name, one in found.items() if one["verdict"] == "passes"] == ["legal"]
    assert "bound to the text" in found["swap"]["says"]
    assert found["legal"]["share"]["n"] == 24 * 8
