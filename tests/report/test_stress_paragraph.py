"""The methods repeat stress tests only for the coder, codebook and settings that they were made with."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from hypothesis import given, settings
from hypothesis import strategies as st

from pedagogy_r1.coding.annotate import annotate
from pedagogy_r1.coding.codebook_stress import stress
from pedagogy_r1.coding.stress_report import StressReport, read_stress, write_stress
from pedagogy_r1.errors import InputError
from pedagogy_r1.report import ReportSettings, make_report
from pedagogy_r1.runs.run import CoderRun

from ..fake_openai import FakeOpenAI
from ..stress_coders import ignoring, toy_book, toy_traces

QUICK = ReportSettings(replicates=20, permutations=50)


@pytest.fixture(scope="module")
def tested(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of tests, and runs of the coder that was tested, of one that was asked otherwise, and of others."""
    home = tmp_path_factory.mktemp("tested")
    book, traces = toy_book(home / "toy.yaml"), toy_traces(home / "traces.jsonl", 1)
    with FakeOpenAI(coder=ignoring(1)) as server:
        how: dict[str, Any] = {"coder": "llm", "model": "openai:fake", "base_url": server.url, "api_key": "k"}
        report = stress(book, traces, home / "stress", **how)
        assert isinstance(report, StressReport)
        write_stress(report, home / "stress")
        annotate(traces, home / "same", codebook=book, repeats=2, temperature=0.0, **how)
        annotate(traces, home / "otherwise", codebook=book, window=3, **how)
        annotate(traces, home / "another", codebook=book, **how | {"model": "openai:other"})
        changed = toy_book(home / "changed.yaml", version="1.1.0")
        annotate(traces, home / "changed", codebook=changed, **how)
    annotate(traces, home / "cues", codebook=book, coder="cues")
    return home


def said(tested: Path, *runs: str, folder: str = "stress") -> str:
    """The paragraph in the report of some runs."""
    found = replace(QUICK, stress=(read_stress(tested / folder),))
    texts = {
        one.head: one.text for one in make_report([CoderRun(tested / run) for run in runs], found).methods
    }
    return texts["Stress tests"]


def test_of_the_coder_that_was_tested(tested: Path) -> None:
    words = said(tested, "same", "cues")
    assert "Whether openai:fake reads the codebook was tested" in words
    assert "on 120 units of 10 traces" in words
    assert "Failed: swap (" in words
    assert "exclusion (" in words
    assert "other settings" not in words
    plain = make_report([CoderRun(tested / "same")], QUICK)
    assert "Stress tests" not in {one.head for one in plain.methods}


def test_of_another_coder_codebook_or_way_of_asking(tested: Path) -> None:
    assert "other settings, and say what they say of those: window 20 in the tests and 3 here" in said(
        tested, "otherwise"
    )
    words = said(tested, "another", "cues")
    assert "are of another coder, the coder openai:fake under toy@1.0.0" in words
    assert "machines here: cues and openai:other" in words
    assert "Failed" not in words
    words = said(tested, "changed")
    assert "made under another codebook, toy@1.1.0" in words
    assert "Failed" not in words


def test_tests_of_an_earlier_version_have_no_settings(tested: Path, tmp_path: Path) -> None:
    old = json.loads((tested / "stress/stress.json").read_text())
    del old["settings"]
    (tmp_path / "stress.json").write_text(json.dumps(old))
    assert "With which settings is not recorded" in said(tested, "same", folder=str(tmp_path))


def test_the_command_takes_folders(tested: Path, tmp_path: Path, pcode: Callable[..., Result]) -> None:
    done = pcode(
        "report", tested / "same", "--stress", tested / "stress", "--replicates", 0, "-o", tmp_path / "page"
    )
    assert done.exit_code == 0, done.output
    assert "Whether openai:fake reads the codebook was tested" in (tmp_path / "page/report.html").read_text()
    none = pcode("report", tested / "same", "--stress", tested, "-o", tmp_path / "none")
    assert none.exit_code == 2
    assert "no stress.json there" in none.stderr


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=80, deadline=None)
@given(
    st.sampled_from(["codebook", "coder", "settings", "traces", "units", "says", "tests", None]),
    JSON,
    st.integers(0, 400),
)
def test_whatever_lies_there_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, field: str | None, value: object, cut: int
) -> None:
    whole: dict[str, Any] = {
        "codebook": "b",
        "coder": "c",
        "settings": {},
        "traces": 1,
        "units": 2,
        "says": "s",
    }
    whole["tests"] = [{"test": "swap", "verdict": "fails", "says": "x", "share": None}]
    text = json.dumps(value if field is None else whole | {field: value})
    folder = tmp_path_factory.mktemp("fuzz")
    for data in (text, text[:cut], text + "]"):
        (folder / "stress.json").write_text(data)
        with suppress(InputError):
            assert read_stress(folder).units >= 0
