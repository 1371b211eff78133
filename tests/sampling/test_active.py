"""Active samples: probabilities that are exact and the best there are, a machine read as it is, and corrected shares that stay right."""

from __future__ import annotations

import csv
import json
import math
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import Result
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from benchmarks.active_sampling import DrawSettings, coverage, simulated, times, true_share, world
from pedagogy_r1.coding.annotate import annotate
from pedagogy_r1.errors import PedagogyError
from pedagogy_r1.estimate import Clusters
from pedagogy_r1.human.packet import Packet
from pedagogy_r1.limits import ICC
from pedagogy_r1.runs.run import CoderRun
from pedagogy_r1.sampling.active import (
    allocation,
    expected_squares,
)
from pedagogy_r1.sampling.draw import draw_unequal
from pedagogy_r1.sampling.machine_guess import machine_guess

from ..conftest import ROOT
from ..make_runs import book, make_run, of_an_earlier_version

DEMO = ROOT / "demo/traces.jsonl"

worths = st.lists(st.floats(0, 100), min_size=1, max_size=40)


@settings(max_examples=150, deadline=None)
@given(worths, st.floats(0.01, 1), st.data())
def test_probabilities_sum_to_n_lie_in_0_to_1_and_keep_the_floor(
    values: list[float], floor: float, data: st.DataObject
) -> None:
    n = data.draw(st.integers(1, len(values)))
    pi = allocation(np.array(values), n, floor)
    assert math.isclose(math.fsum(pi), n, rel_tol=1e-9)
    assert ((pi > 0) & (pi <= 1)).all()
    assert (pi >= floor * n / len(values) * (1 - 1e-9)).all()
    order = np.argsort(values, kind="stable")
    assert (np.diff(pi[order]) > -1e-9).all()


@settings(max_examples=100, deadline=None)
@given(st.lists(st.floats(0.01, 100), min_size=2, max_size=12), st.floats(0.05, 0.9), st.data())
def test_no_other_allocation_within_the_floor_is_better(
    values: list[float], floor: float, data: st.DataObject
) -> None:
    n = data.draw(st.integers(1, len(values) - 1))
    w, least = np.array(values), floor * n / len(values)
    pi = allocation(w, n, floor)
    i, j = data.draw(st.lists(st.integers(0, len(w) - 1), min_size=2, max_size=2, unique=True))
    moved = data.draw(st.floats(0, 1)) * min(1 - pi[i], pi[j] - least)
    assume(moved > 0)
    other = pi.copy()
    other[i] += moved
    other[j] -= moved
    assert (w**2 / other).sum() >= (w**2 / pi).sum() * (1 - 1e-9)


@settings(max_examples=100, deadline=None)
@given(worths, st.data())
def test_as_many_are_drawn_as_were_asked_for_and_what_is_certain_always(
    values: list[float], data: st.DataObject
) -> None:
    n = data.draw(st.integers(1, len(values)))
    pi = allocation(np.array(values), n, 0.25)
    strata = [(data.draw(st.sampled_from("ab")), data.draw(st.sampled_from("xy"))) for _ in values]
    drawn = draw_unequal(pi.tolist(), strata, range(len(pi)), data.draw(st.integers(0, 99)), "test")
    assert sum(drawn) == n
    assert all(hit for hit, p in zip(drawn, pi, strict=True) if p == 1)


def test_each_is_drawn_as_often_as_its_probability_says() -> None:
    """Also with small strata, whose numbers are rounded in balance."""
    pi = allocation(np.array([9.0, 1, 3, 2, 0, 1, 4, 1, 0.5, 2, 6, 1]), 5, 0.2)
    strata = [("ab"[k % 2], "xyz"[k % 3]) for k in range(12)]
    runs = 2000
    hits = sum(
        np.array(draw_unequal(pi.tolist(), strata, range(12), seed, "t"), float) for seed in range(runs)
    )
    z = (hits / runs - pi) / np.sqrt(np.maximum(pi * (1 - pi), 1e-12) / runs)
    assert (np.abs(z) < 4).all()
    assert pi.max() > 4 * pi.min()


def test_the_squares_are_those_of_errors_that_resemble_each_other() -> None:
    """Of three traces, by simulation: y with correlation ICC within a trace (all of it copies one draw, or none)."""
    rng = np.random.default_rng(0)
    of = Clusters(np.repeat(np.arange(3), [1, 3, 6]), 3)
    p, g = np.full(10, 0.3), np.linspace(0, 0.9, 10)
    scale = np.where(np.arange(10) % 4 == 3, 0.0, 0.1)
    runs = 100_000
    own, shared = rng.random((runs, 10)) < p, (rng.random((runs, 3)) < 0.3)[:, of.number]
    one = rng.random((runs, 10)) < math.sqrt(ICC)
    y = np.where(one, shared, own)
    errors = scale * (y - g)
    sums = np.stack([errors[:, of.number == k].sum(axis=1) for k in range(3)], axis=1)
    assert (sums**2).mean(axis=0) == pytest.approx(expected_squares(p, g, scale, of), rel=0.03)


# What a machine run says


def with_confidences(
    folder: Path, codes: list[Any], said: list[tuple[float | None, str | None]], name: str = "m"
) -> CoderRun:
    """A machine's run, each coding with its confidence and rationale."""
    run = make_run(folder, {name: codes}, machines=[name])
    path = folder / "codings.jsonl"
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    for row, (confidence, rationale) in zip(rows, said, strict=True):
        row |= {k: v for k, v in (("confidence", confidence), ("rationale", rationale)) if v is not None}
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    of_an_earlier_version(folder)
    return run


def test_probabilities_are_read_where_a_run_says_them_and_else_dealt_out(tmp_path: Path) -> None:
    said: list[tuple[float | None, str | None]] = [
        (0.7, "A 0.70, C 0.20"),  # both said; .1 for B and none
        (0.7, "the unit asks"),  # prose: A alone is known
        (0.7, "B 0.70, C 0.20"),  # of another code than the one given
        (0.7, "A 0.70, C 0.90"),  # more than there is
        (0.6, None),
        (None, None),  # missing
    ]
    with_confidences(tmp_path / "r", ["A", "A", "A", "A", "B", None], said)
    found = machine_guess(tmp_path / "r", book())
    assert found.codes == ("A", "B", "C", "none")
    assert found.p.sum(axis=1) == pytest.approx(1)
    assert found.p[0] == pytest.approx([0.7, 0.075, 0.2, 0.025])  # B was given once (and ½), none never (½)
    assert found.p[1:4, 0] == pytest.approx(0.7)
    assert np.ptp(found.p[1:4], axis=0) == pytest.approx(0)
    assert found.p[1, 1:] == pytest.approx(0.3 * np.array([1.5, 0.5, 0.5]) / 2.5)
    assert found.said.tolist() == [0, 0, 0, 0, 1, -1]


@settings(max_examples=40, deadline=None)
@given(
    st.text(max_size=30)
    | st.lists(st.sampled_from(["A 0.70", "B 0.2", "B 0.20", "C 0.99", "x", "none 0.10"])).map(", ".join)
)
def test_any_rationale_leaves_probabilities(tmp_path_factory: pytest.TempPathFactory, rationale: str) -> None:
    folder = tmp_path_factory.mktemp("fuzz") / "r"
    with_confidences(folder, ["A", "B"], [(0.7, rationale), (1.0, None)])
    p = machine_guess(folder, book()).p
    assert p.sum(axis=1) == pytest.approx(1)
    assert ((p >= 0) & (p <= 1)).all()
    assert p[0, 0] == pytest.approx(0.7, abs=0.01)


def test_what_a_run_must_be(tmp_path: Path) -> None:
    with_confidences(tmp_path / "none", ["A", "B"], [(None, None), (0.5, None)])
    make_run(tmp_path / "two", {"m": ["A"], "n": ["B"]}, machines=["m", "n"])
    make_run(tmp_path / "people", {"P": ["A"]})
    for name, message in (
        ("none", "1 of 2 codings have no confidence"), ("two", "2 machine coders (m, n)"), ("people", "no machine coder"),
    ):  # fmt: skip
        with pytest.raises(PedagogyError) as caught:
            machine_guess(tmp_path / name, book())
        assert message in caught.value.message
        assert caught.value.hint


# From the command line


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's traces, coded by the coder that comes with the package."""
    folder = tmp_path_factory.mktemp("active") / "run"
    annotate(DEMO, folder, coder="learned", path="schoen")
    return folder


ASK = ["sample", DEMO, "--what", "units", "--n", 80, "--coders", "A,B", "--target", "OA-ME,IA-SQ"]


def test_the_key_says_how_it_was_drawn_and_the_report_believes_it(
    run: Path, tmp_path: Path, pcode: Callable[..., Result]
) -> None:
    packet = tmp_path / "packet"
    result = pcode(*ASK, "-o", packet, "--active", run, "--floor", 0.3)
    assert result.exit_code == 0, result.output
    assert "of the corrected figures" in " ".join(result.stdout.split())
    drawn = Packet(packet).manifest.drawn["active"]
    assert drawn == {
        "run": str(run), "run_id": CoderRun(run).manifest.run_id, "codes": ["OA-ME", "IA-SQ"], "floor": 0.3,
    }  # fmt: skip
    assert Packet(packet).manifest.source["active_digest"].startswith("sha256:")
    with (packet / "key/sample.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    pi = np.array([float(row["inclusion_probability"]) for row in rows])
    assert pi.sum() == pytest.approx(80)
    assert pi.min() == pytest.approx(0.3 * 80 / len(rows))
    assert pi.max() > 2 * pi.min()
    assert sum(row["drawn"] == "1" for row in rows) == 80

    codings = tmp_path / "back.csv"
    lines = [
        f"{task.unit.id},{coder},{'IA-SQ' if task.unit.text.endswith('?') else 'KA-RO'}"
        for coder in "AB"
        for task in Packet(packet).tasks(coder)
    ]
    codings.write_text("\n".join(["unit_id,coder,code", *lines]) + "\n")
    result = pcode("import", codings, "--packet", packet, "-o", tmp_path / "human")
    assert result.exit_code == 0, result.output
    assert pcode("agreement", tmp_path / "human", run).exit_code == 0
    result = pcode(
        "report", tmp_path / "human", run, "-o", tmp_path / "out", "--inclusion", packet / "key/sample.csv",
        "--replicates", 20, "--permutations", 50,
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    page = (tmp_path / "out/report.html").read_text(encoding="utf-8")
    assert "the units were drawn with unequal probabilities, which are recorded in sample.csv" in page
    assert "promise" not in page  # as many were coded as the probabilities say


def test_whole_traces_and_a_contrast(run: Path, tmp_path: Path, pcode: Callable[..., Result]) -> None:
    result = pcode(
        "sample", DEMO, "-o", tmp_path / "p", "--n", 6, "--coders", "A", "--active", run, "--target", "KA-RO",
        "--contrast", "condition:cop:generic", "--json",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    made = json.loads(result.stdout)
    assert made["drawn"]["active"]["contrast"] == "condition:cop:generic"
    assert made["whole_traces"]
    assert made["counts"]["traces"] == 6
    unknown = pcode(
        "sample",
        DEMO,
        "-o",
        tmp_path / "q",
        "--n",
        6,
        "--coders",
        "A",
        "--active",
        run,
        "--contrast",
        "condition:cop:genric",
    )
    assert unknown.exit_code == 2
    assert "no trace has condition 'genric'" in unknown.stderr
    assert "generic" in unknown.stderr


def test_the_plan_draws_nothing_and_says_what_it_saves(
    run: Path, tmp_path: Path, pcode: Callable[..., Result]
) -> None:
    before = sorted(tmp_path.rglob("*"))
    plan = ["sample", "--plan", "--active", run, "--what", "units", "--n", 80, "--target", "OA-ME"]
    shown = pcode(*plan)
    assert shown.exit_code == 0, shown.output
    assert "OA-ME" in shown.stdout
    assert "count as" in shown.stderr
    found = json.loads(pcode(*plan, "--json").stdout)
    row = found["rows"][0]
    assert row["times"] == pytest.approx((row["equal"] / row["active"]) ** 2)
    assert row["times"] > 1
    assert row["needed"] > 80
    assert sorted(tmp_path.rglob("*")) == before
    equal = json.loads(pcode(*plan, "--json", "--floor", 1).stdout)
    assert equal["rows"][0]["times"] == pytest.approx(1)
    assert equal["kish"] == pytest.approx(80)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--target", "OA-ME"], "--target belongs to --active"),
        (["--floor", 0.5], "--floor belongs to --active"),
        (["--active", "RUN", "--floor", 0], "--floor 0 is not above 0"),
        (["--active", "RUN", "--target", "OA-MEE"], "no code 'OA-MEE'"),
        (["--active", "RUN", "--contrast", "cop-generic"], "is no comparison"),
        (["--active", "RUN", "--enrich", "OA-ME", "--run", "RUN"], "exclude each other"),
        (["--active", "RUN", "--scheme", "paragraph@1"], "take its units: --units"),
        (["--active", "RUN", "--codebook", "schoen@1.0.0"], "was coded under schoen@1.1.0"),
    ],
)
def test_what_cannot_be_is_refused(
    run: Path, words: list[Any], message: str, tmp_path: Path, pcode: Callable[..., Result]
) -> None:
    given_ = [run if word == "RUN" else word for word in words]
    result = pcode(
        "sample", DEMO, "-o", tmp_path / "p", "--what", "units", "--n", 30, "--coders", "A", *given_
    )
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.split())
    assert "hint:" in result.stderr
    assert not (tmp_path / "p").exists()


def test_another_target_is_another_packet_and_the_same_one_puts_back(
    run: Path, tmp_path: Path, pcode: Callable[..., Result]
) -> None:
    out = tmp_path / "p"
    assert pcode(*ASK, "-o", out, "--active", run).exit_code == 0
    first = {p: p.read_bytes() for p in sorted(out.rglob("*")) if p.is_file()}
    (out / "key/sample.csv").unlink()
    assert pcode(*ASK, "-o", out, "--active", run).exit_code == 0
    assert {p: p.read_bytes() for p in sorted(out.rglob("*")) if p.is_file()} == first
    other = pcode(*ASK, "-o", out, "--active", run, "--floor", 0.5)
    assert other.exit_code == 2
    assert "holds another packet" in other.stderr


def test_killed_at_any_moment_it_is_drawn_again_the_same(
    run: Path, tmp_path: Path, pcode: Callable[..., Result]
) -> None:
    words = [str(w) for w in ASK]
    command = [
        sys.executable,
        "-m",
        "pedagogy_r1",
        *words,
        "--active",
        str(run),
        "-o",
        str(tmp_path / "killed"),
    ]
    for wait in (1.0, 1.6, 2.2):
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(wait)
        process.kill()
        process.wait()
        assert not (tmp_path / "killed").exists() or Packet(tmp_path / "killed").units
    assert pcode(*ASK, "--active", run, "-o", tmp_path / "killed").exit_code == 0
    assert pcode(*ASK, "--active", run, "-o", tmp_path / "whole").exit_code == 0
    files = [
        sorted(p.relative_to(f) for p in f.rglob("*") if p.is_file())
        for f in (tmp_path / "killed", tmp_path / "whole")
    ]
    assert files[0] == files[1]
    for name in files[0]:
        assert (tmp_path / "killed" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


# What it is all for


@pytest.mark.parametrize("machine", ["calibrated", "overconfident"])
def test_corrected_shares_are_right_and_more_precise(machine: str) -> None:
    """A small version of benchmarks/active_sampling.py; the equal draws of the same data beside."""
    runs = 80
    draws = simulated(machine, ("C6",), runs, DrawSettings(150, traces=100))["C6"]
    truth = true_share("C6", 10_000)
    values = np.array([one["active"][:, 0] for one in draws])
    off = (values.mean(axis=0) - truth) / (values.std(axis=0, ddof=1) / math.sqrt(runs))
    assert (np.abs(off) < 4).all()
    ratio, _ = times(draws)
    assert ratio > 1.4
    assert coverage(draws, "active", truth) > 0.95 - 4 * math.sqrt(0.95 * 0.05 / runs)


def test_the_plan_is_what_a_calibrated_machine_keeps() -> None:
    draws = simulated("calibrated", ("C4",), 80, DrawSettings(150, traces=100), seed=2)["C4"]
    ratio, error = times(draws)
    promised = float(np.mean([one["planned"][0] for one in draws]))
    assert abs(ratio - promised) < 3 * error


def test_the_least_sure_alone_would_miss_what_the_machine_gets_wrong() -> None:
    """The docs' warning: the n least sure units, taken for a random sample, give another share; the floor does not."""
    rng, k = np.random.default_rng(0), 6
    off = []
    for _ in range(40):
        here = world(rng, "calibrated", 100)
        sure = here.guess.p.max(axis=1)
        least = np.argsort(sure)[:150]
        off.append((here.true[least] == k).mean() - (here.true == k).mean())
    assert abs(np.mean(off)) > 6 * np.std(off) / math.sqrt(40)
