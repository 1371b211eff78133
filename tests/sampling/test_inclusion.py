"""Inclusion probabilities: read strictly, and what they are for: an enriched sample that still gives unbiased shares."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import Result
from hypothesis import given, settings
from hypothesis import strategies as st

from pedagogy_r1.errors import InputError
from pedagogy_r1.report import ReportSettings, make_report, measure_corrections, open_study
from pedagogy_r1.runs.run import CoderRun
from pedagogy_r1.sampling.inclusion import read_inclusion

from ..make_runs import make_run

QUICK = ReportSettings(replicates=50, permutations=200)


def table(path: Path, header: str, *rows: str) -> Path:
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


def enriched(tmp_path: Path, seed: int, n: int = 3000) -> tuple[CoderRun, CoderRun, Path, float]:
    """A machine run, the humans' run on an enriched sample of it, π of every unit, and the true share of B.

    The machine misses half of the Bs. Where it says B, people code with probability .8, elsewhere with .1.
    """
    rng = np.random.default_rng(seed)
    truth = rng.random(n) < 0.1
    machine = (truth & (rng.random(n) < 0.5)) | (~truth & (rng.random(n) < 0.05))
    pi = np.where(machine, 0.8, 0.1)
    drawn = rng.random(n) < pi
    codes = np.where(truth, "B", "A")
    cues = make_run(
        tmp_path / "m", {"cues": np.where(machine, "B", "A").tolist()}, machines=["cues"], per_trace=20
    )
    people = [str(code) if coded else None for code, coded in zip(codes, drawn, strict=True)]
    humans = make_run(tmp_path / "h", {"human": people}, per_trace=20)
    units = [unit.id for unit in cues.units()]
    path = table(
        tmp_path / "pi.csv",
        "unit_id,inclusion_probability",
        *(f"{u},{p}" for u, p in zip(units, pi, strict=True)),
    )
    return cues, humans, path, float(truth.mean())


def test_recorded_probabilities_undo_the_enrichment(tmp_path: Path) -> None:
    """One draw: the interval holds the truth with π, and is far off without (the sample is rich in B)."""
    cues, humans, path, truth = enriched(tmp_path, 5)
    told = measure_corrections(
        open_study([humans, cues], ReportSettings(inclusion=read_inclusion(path)))
    ).prevalence["B"]
    assumed = measure_corrections(open_study([humans, cues], QUICK)).prevalence["B"]
    assert told.dsl.covers(truth)
    assert told.human.covers(truth)
    assert not assumed.human.covers(truth)
    assert assumed.human.value is not None
    assert assumed.human.value > 2 * truth


def test_the_page_says_where_the_probabilities_come_from(tmp_path: Path) -> None:
    cues, humans, path, _ = enriched(tmp_path, 6, 400)
    own = ReportSettings(replicates=20, permutations=50, inclusion=read_inclusion(path))
    section = next(s for s in make_report([humans, cues], own).sections if s.id == "corrected")
    assert any("recorded in pi.csv (π from 0.1 to 0.8" in text for text in section.lead)
    without = ReportSettings(replicates=20, permutations=50)
    section = next(s for s in make_report([humans, cues], without).sections if s.id == "corrected")
    assert any("No --inclusion file records how units came to be coded" in text for text in section.lead)


def test_units_that_were_drawn_and_not_coded(tmp_path: Path) -> None:
    """People are half through: every probability is halved, which leaves the share and widens the interval, and it is said."""
    rng = np.random.default_rng(3)
    n = 2000
    truth = rng.random(n) < 0.3
    machine = np.where(rng.random(n) < 0.9, truth, ~truth)
    drawn = rng.random(n) < 0.4
    coded = drawn & (rng.random(n) < 0.5)
    cues = make_run(
        tmp_path / "m", {"cues": np.where(machine, "B", "A").tolist()}, machines=["cues"], per_trace=20
    )
    people = [str(c) if k else None for c, k in zip(np.where(truth, "B", "A"), coded, strict=True)]
    humans = make_run(tmp_path / "h", {"human": people}, per_trace=20)
    rows = [f"{unit.id},0.4,{int(d)}" for unit, d in zip(cues.units(), drawn, strict=True)]
    path = table(tmp_path / "pi.csv", "unit_id,inclusion_probability,drawn", *rows)
    found = measure_corrections(open_study([humans, cues], ReportSettings(inclusion=read_inclusion(path))))
    assert found.plan is not None
    assert np.asarray(found.plan.pi) == pytest.approx(0.4 * coded.sum() / drawn.sum())
    left = f"the {(drawn & ~coded).sum()} of {drawn.sum()} units drawn that nobody coded are like the others"
    assert f"it is assumed that {left}" in found.plan.words
    assert found.prevalence["B"].dsl.covers(float(truth.mean()))


def test_from_the_command_line(tmp_path: Path, pcode: Callable[..., Result]) -> None:
    cues, humans, path, _ = enriched(tmp_path, 7, 400)
    result = pcode(
        "report", humans.folder, cues.folder, "-o", tmp_path / "out", "--inclusion", path,
        "--replicates", 20, "--permutations", 50,
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    with (tmp_path / "out/tables/corrected.csv").open(newline="") as file:
        assert {row["code"] for row in csv.DictReader(file)} == {"A", "B", "C", "none"}
    some = table(tmp_path / "some.csv", "unit_id,inclusion_probability", "u1,0.5")
    result = pcode("report", humans.folder, cues.folder, "-o", tmp_path / "out", "--inclusion", some)
    assert result.exit_code == 2
    assert "no inclusion_probability for 400 unit_id" in result.stderr


def test_whole_traces(tmp_path: Path) -> None:
    found = read_inclusion(table(tmp_path / "t.csv", "trace_id,inclusion_probability", "a,0.5", "b,1"))
    assert found.of(["u1", "u2"], ["a", "b"]) == [0.5, 1.0]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (["u1,0"], "t.csv:2: inclusion_probability is '0'"),
        (["u1,0.5", "u2,1.2"], "t.csv:3: inclusion_probability is '1.2'"),
        (["u1,nan"], "t.csv:2"),
        (["u1,"], "inclusion_probability is None"),
        (["u1,0.5", ",0.5"], "t.csv:3: no unit_id"),
        (["u1,0.5", "u1,0.25"], "two probabilities"),
        ([], "no rows"),
    ],
)
def test_what_is_no_probability_is_refused(tmp_path: Path, rows: list[str], message: str) -> None:
    with pytest.raises(InputError) as caught:
        read_inclusion(table(tmp_path / "t.csv", "unit_id,inclusion_probability", *rows))
    assert message in caught.value.message


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.mktemp("fuzz") / "t.csv"
    path.write_text(text, encoding="utf-8", errors="replace")
    try:
        found = read_inclusion(path)
    except InputError:
        return
    assert all(0 < value <= 1 for value in found.probability.values())
