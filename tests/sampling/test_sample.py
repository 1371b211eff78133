"""Samples: probabilities that are exact, nothing lost on the way to the coders, and folders that give nothing away."""

from __future__ import annotations

import csv
import json
import math
import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import Result
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.coverage_sampling import simulate, summary
from pedagogy_r1.agreement import agree, krippendorff_alpha
from pedagogy_r1.errors import InputError, PedagogyError, RunError
from pedagogy_r1.human.packet import Packet
from pedagogy_r1.human.write_packet import write_packet
from pedagogy_r1.report.planned_precision import (
    Coders,
    alpha_precision,
    alphas_of,
    share_precision,
    simulated,
    units_needed,
)
from pedagogy_r1.runs.run import CoderRun
from pedagogy_r1.sampling.assignment import Design, DrawnElements, Enrichment, check_coders, draw_from
from pedagogy_r1.sampling.draw import draw, probabilities, rounded, systematic
from pedagogy_r1.sampling.draw_sample import draw_sample
from pedagogy_r1.sampling.inclusion import read_inclusion
from pedagogy_r1.sampling.population import Member, Population, check_fields, stratum_of
from pedagogy_r1.stats.dsl import cross_fitted
from pedagogy_r1.stats.sampled import sampled
from pedagogy_r1.trace import Trace

from ..conftest import ROOT
from ..make_runs import make_run

DEMO = ROOT / "demo/traces.jsonl"


@st.composite
def populations(draw_: st.DrawFn) -> Population:
    """Up to 12 traces of 1–6 units in up to 3 × 2 strata."""
    sizes = draw_(st.lists(st.integers(1, 6), min_size=1, max_size=12))
    members = []
    for t, size in enumerate(sizes):
        stratum = (draw_(st.sampled_from("SPK")), draw_(st.sampled_from("cg")))
        members.append(Member(f"t{t}", stratum, tuple(f"u{t}.{i}" for i in range(size))))
    return Population(tuple(members), 0)


@st.composite
def cases(draw_: st.DrawFn) -> tuple[Population, Design, frozenset[str]]:
    population = draw_(populations())
    units = [u for member in population.members for u in member.unit_ids]
    seen = frozenset(draw_(st.lists(st.sampled_from(units), max_size=5)))
    enrichment = Enrichment(
        ("X",), "", draw_(st.floats(1, 50)), draw_(st.none() | st.floats(0.05, 0.95)) if seen else None
    )
    design = Design(
        coders=tuple("ABC"[: draw_(st.integers(1, 3))]),
        what=draw_(st.sampled_from(["traces", "units"])),
        fraction=draw_(st.floats(0.01, 1)),
        double=draw_(st.floats(0, 1)),
        enrichment=draw_(st.sampled_from([None, enrichment])),
        shuffle=draw_(st.sampled_from([None, "traces", "units"])),
        seed=draw_(st.integers(0, 1000)),
    )
    return population, design, seen if design.enrichment else frozenset()


@settings(max_examples=300, deadline=None)
@given(cases())
def test_no_unit_is_lost_and_probabilities_are_probabilities(
    case: tuple[Population, Design, frozenset[str]],
) -> None:
    population, design, seen = case
    found = draw_from(population, design, seen)
    everything = [u for member in population.members for u in member.unit_ids]
    assert sorted(u for e in found.elements for u in e.unit_ids) == sorted(everything)
    assert all(0 < p <= 1 for p in found.pi)
    n = len(found.drawn)
    assert math.isclose(sum(found.pi), n, rel_tol=1e-9)
    assert n == max(1, min(len(found.elements), int((design.fraction or 0) * len(found.elements) + 0.5)))
    wanted = Counter(
        u for e, c in zip(found.elements, found.coders, strict=True) for u in e.unit_ids for _ in c
    )
    assert Counter(line.unit_id for order in found.orders.values() for line in order) == wanted
    assert all(len({line.unit_id for line in order}) == len(order) for order in found.orders.values())
    if design.shuffled == "traces":
        _is_read_in_order(population, found)


def _is_read_in_order(population: Population, found: DrawnElements) -> None:
    """Each trace in one go, from its beginning."""
    place = {u: (m.trace_id, i) for m in population.members for i, u in enumerate(m.unit_ids)}
    for order in found.orders.values():
        seen: list[str] = []
        last = ("", -1)
        for line in order:
            trace, i = place[line.unit_id]
            if trace == last[0]:
                assert i > last[1]
            else:
                assert trace not in seen
                seen.append(trace)
            last = (trace, i)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.floats(0.01, 100), min_size=1, max_size=40), st.data())
def test_probabilities_follow_the_weights(weights: list[float], data: st.DataObject) -> None:
    n = data.draw(st.integers(1, len(weights)))
    pi = probabilities(weights, n)
    assert all(0 < p <= 1 for p in pi)
    assert math.isclose(math.fsum(pi), n, rel_tol=1e-9)
    free = [(p, w) for p, w in zip(pi, weights, strict=True) if p < 1]
    assert all(math.isclose(p / w, free[0][0] / free[0][1], rel_tol=1e-9) for p, w in free)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0, 6), st.sampled_from("abcd"), st.sampled_from("xy")), max_size=25),
    st.integers(0, 99),
)
def test_rounding_is_up_or_down_and_keeps_the_total(cells: list[tuple[float, str, str]], seed: int) -> None:
    expected = [e for e, _, _ in cells]
    found = rounded(expected, [(a, b) for _, a, b in cells], seed, "test")
    assert all(math.floor(e + 1e-9) <= r <= math.ceil(e - 1e-9) for e, r in zip(expected, found, strict=True))
    assert abs(sum(found) - sum(expected)) < 1 + 1e-6


@given(st.integers(1, 60), st.data())
def test_systematic_gives_distinct_places(size: int, data: st.DataObject) -> None:
    n = data.draw(st.integers(0, size))
    start = data.draw(st.floats(0, 1, exclude_max=True))
    places = systematic(size, n, start)
    assert len(set(places)) == n
    assert all(0 <= p < size for p in places)


@pytest.mark.parametrize("what", ["traces", "units"])
def test_recorded_probabilities_are_those_of_the_draw(what: Any) -> None:
    """1,500 seeds: every element is drawn as often as its π says (4.5 standard errors; some 20 to 60 elements)."""
    rng = np.random.default_rng(2)
    members = tuple(
        Member(
            f"t{t}",
            ("SPK"[t % 3], "cg"[t % 2], "m" if t < 5 else "n"),
            tuple(f"u{t}.{i}" for i in range(1 + t % 4)),
        )
        for t in range(20)
    )
    units = [u for member in members for u in member.unit_ids]
    seen = frozenset(u for u in units if rng.random() < 0.15)
    runs, counts, enrichment = 1500, Counter[str](), Enrichment(("X",), "", 4.0)
    for seed in range(runs):
        design = Design(coders=("A",), what=what, n=7, enrichment=enrichment, seed=seed)
        found = draw_from(Population(members, 0), design, seen)
        counts.update(e.id for e in found.drawn)
    assert len(set(found.pi)) == 2
    for element, pi in zip(found.elements, found.pi, strict=True):
        error = math.sqrt(pi * (1 - pi) / runs)
        assert abs(counts[element.id] / runs - pi) < 4.5 * error


def test_as_in_the_paper_14_of_42_with_the_conditions_in_balance() -> None:
    """42 traces, five domains, two conditions: every sample has 7 of each condition, and no coder has one condition only."""
    members = tuple(
        Member(f"t{t}", (("SK", "PK", "KT", "AES", "DM")[t // 2 % 5], ("cop", "generic")[t % 2]), (f"u{t}",))
        for t in range(42)
    )
    shared: Counter[str] = Counter()
    for seed in range(50):
        found = draw_from(Population(members, 0), Design(coders=("A", "B"), fraction=0.33, seed=seed))
        assert Counter(e.stratum[1] for e in found.drawn) == {"cop": 7, "generic": 7}
        all_of_them = draw_from(
            Population(members, 0), Design(coders=("A", "B"), fraction=1.0, double=0.33, seed=seed)
        )
        parts = Counter(coders for coders in all_of_them.coders)
        assert parts == {("A", "B"): 14, ("A",): 14, ("B",): 14}
        for who in parts:
            own = [e for e, c in zip(all_of_them.elements, all_of_them.coders, strict=True) if c == who]
            assert 6 <= sum(e.stratum[1] == "cop" for e in own) <= 8
        shared.update(
            e.id for e, c in zip(all_of_them.elements, all_of_them.coders, strict=True) if len(c) == 2
        )
    assert len(shared) == 42


def test_the_order_of_the_file_does_not_matter_and_the_seed_does() -> None:
    members = tuple(Member(f"t{t}", ("SK",), tuple(f"u{t}.{i}" for i in range(9))) for t in range(30))

    def drawn(members: tuple[Member, ...], seed: int) -> set[str]:
        design = Design(coders=("A",), what="units", n=40, by=("domain",), seed=seed)
        return {e.id for e in draw_from(Population(members, 0), design).drawn}

    assert drawn(members, 1) == drawn(members[::-1], 1)
    assert drawn(members, 1) != drawn(members, 2)


def test_units_are_spread_over_traces() -> None:
    members = tuple(Member(f"t{t}", ("SK",), tuple(f"u{t}.{i}" for i in range(10))) for t in range(30))
    for seed in range(20):
        found = draw_from(Population(members, 0), Design(coders=("A",), what="units", n=60, seed=seed))
        per_trace = Counter(e.trace_id for e in found.drawn)
        assert len(per_trace) == 30
        assert set(per_trace.values()) <= {1, 2, 3}


def test_practice_is_none_of_the_drawn_and_the_same_for_all() -> None:
    members = tuple(Member(f"t{t}", ("SK",), (f"u{t}.0", f"u{t}.1")) for t in range(10))
    found = draw_from(Population(members, 0), Design(coders=("A", "B"), n=6, double=0.5, practice=2))
    practice = [[line.unit_id for line in order if line.practice] for order in found.orders.values()]
    assert practice[0] == practice[1]
    assert len(practice[0]) == 4
    assert all(line.practice for line in found.orders["A"][:4])
    assert not set(practice[0]) & {u for e in found.drawn for u in e.unit_ids}
    with pytest.raises(InputError, match="only 4 traces were not drawn"):
        draw_from(Population(members, 0), Design(coders=("A",), n=6, practice=5))


# What is written


def secret(tmp_path: Path, write_jsonl: Callable[..., Path]) -> Path:
    """Traces whose every field that could sway a coder is a word of its own."""
    return write_jsonl(
        "traces.jsonl",
        *(
            {
                "id": f"t{i}", "item": f"i{i // 2}", "question": "Why?", "domain": "SK", "answer": "So.",
                "reasoning": f"Let me see number {i}. Wait, that contradicts the premise. 그건 아니다 🙂. So $x_{i} = 3$.",
                "condition": ("secretcop", "secretgeneric")[i % 2], "model": "secretmodel", "correct": bool(i % 3),
                "reference": "secretreference", "metadata": {"school": {"name": f"secretschool{i % 2}"}},
            }
            for i in range(12)
        ),
    )  # fmt: skip


def written(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_a_coders_folder_gives_nothing_away(
    tmp_path: Path, write_jsonl: Callable[..., Path], pcode: Callable[..., Result]
) -> None:
    traces = secret(tmp_path, write_jsonl)
    assert pcode("annotate", traces, "-o", tmp_path / "machine", "--coder", "cues").exit_code == 0
    result = pcode(
        "sample", traces, "-o", tmp_path / "packet", "--what", "units", "--n", 20, "--coders", "Anna,Berta",
        "--double", ".5", "--enrich", "TR-SP", "--run", tmp_path / "machine", "--practice", 2,
        "--by", "condition,metadata.school.name",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    packet = Packet(tmp_path / "packet")
    known = {unit.id for units in packet.units.values() for unit in units}
    for coder, other in (("Anna", "Berta"), ("Berta", "Anna")):
        files = list((tmp_path / "packet" / coder).rglob("*"))
        assert [f.name for f in files] == ["order.jsonl"]
        text = files[0].read_text(encoding="utf-8").lower()
        for word in (
            "secret",
            other.lower(),
            "true,",
            "correct",
            "cues",
            "probability",
            "drawn",
            *packet.codebook.code_ids,
        ):
            assert word.lower() not in text
        lines = [json.loads(line) for line in text.splitlines()]
        assert all(set(line) <= {"unit_id", "practice"} and line["unit_id"] in known for line in lines)
        tasks = list(packet.tasks(coder))
        assert [task.unit.id for task in tasks] == [line["unit_id"] for line in lines]
        assert all("secret" not in task.trace.model_dump_json() for task in tasks)
    orders = [[task.unit.id for task in packet.tasks(c) if not task.practice] for c in ("Anna", "Berta")]
    both = [[u for u in order if u in orders[1 - k]] for k, order in enumerate(orders)]
    assert set(both[0]) == set(both[1])
    assert both[0] != both[1]


def test_the_same_command_writes_the_same_bytes_and_puts_back_what_was_lost(tmp_path: Path) -> None:
    def sample() -> Any:
        return draw_sample(DEMO, Design(coders=("A", "민지"), fraction=0.5))

    one, two = tmp_path / "one", tmp_path / "two"
    write_packet(sample(), one)
    write_packet(sample(), two)
    first = written(one)
    assert first == written(two)
    assert set(first) == {
        "packet.json", "codebook.yaml", "key/traces.jsonl", "key/units.jsonl", "key/sample.csv",
        "A/order.jsonl", "민지/order.jsonl",
    }  # fmt: skip
    (one / "A/codings.jsonl").write_text("a person's work")
    (one / "A/order.jsonl").write_text("spoilt")
    (one / "key/units.jsonl").unlink()
    write_packet(sample(), one)
    assert written(one) == first | {"A/codings.jsonl": b"a person's work"}
    assert sorted(p.name for p in tmp_path.iterdir()) == ["one", "two"]


def test_only_its_owner_reads_the_key_also_where_it_was_open(tmp_path: Path) -> None:
    """Under umask 022, and when the same command is given for a packet whose key others can read."""
    out = tmp_path / "packet"
    for again in (False, True):
        if again:
            (out / "key").chmod(0o755)
            for path in (out / "key").iterdir():
                path.chmod(0o644)
            (out / "key/sample.csv").unlink()
        before = os.umask(0o022)
        try:
            write_packet(draw_sample(DEMO, Design(coders=("A",), fraction=0.5)), out)
        finally:
            os.umask(before)
        modes = {p.relative_to(out).as_posix(): p.stat().st_mode & 0o777 for p in out.rglob("*")}
        key = {name: mode for name, mode in modes.items() if name.startswith("key")}
        assert key == dict.fromkeys(("key/traces.jsonl", "key/units.jsonl", "key/sample.csv"), 0o600) | {
            "key": 0o700
        }
        assert modes["A/order.jsonl"] == 0o644


def test_a_foreign_folder_is_left_alone(tmp_path: Path) -> None:
    design = Design(coders=("A",), fraction=0.5)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/thesis.txt").write_text("x")
    with pytest.raises(RunError, match="holds no packet"):
        write_packet(draw_sample(DEMO, design), tmp_path / "mine")
    with pytest.raises(RunError, match="is a file"):
        write_packet(draw_sample(DEMO, design), tmp_path / "mine/thesis.txt")
    assert written(tmp_path / "mine") == {"thesis.txt": b"x"}
    (tmp_path / "empty").mkdir()
    write_packet(draw_sample(DEMO, design), tmp_path / "empty")
    before = written(tmp_path / "empty")
    with pytest.raises(RunError, match="seed: 0 there, 1 now"):
        write_packet(draw_sample(DEMO, Design(coders=("A",), fraction=0.5, seed=1)), tmp_path / "empty")
    with pytest.raises(RunError, match="coders: 'A' there, 'A, B' now"):
        write_packet(draw_sample(DEMO, Design(coders=("A", "B"), fraction=0.5)), tmp_path / "empty")
    assert written(tmp_path / "empty") == before


def test_a_write_that_fails_leaves_nothing(tmp_path: Path, write_jsonl: Callable[..., Path]) -> None:
    traces = secret(tmp_path, write_jsonl)
    sample = draw_sample(traces, Design(coders=("A",), fraction=0.5))
    traces.write_text("torn", encoding="utf-8")
    with pytest.raises(InputError):
        write_packet(sample, tmp_path / "packet")
    assert [p.name for p in tmp_path.iterdir()] == ["traces.jsonl"]


def test_the_key_knows_every_unit(tmp_path: Path) -> None:
    packet = write_packet(draw_sample(DEMO, Design(coders=("A", "B"), what="units", n=40)), tmp_path / "p")
    with (tmp_path / "p/key/sample.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == packet.manifest.counts["population_units"] == 261
    assert sum(int(row["drawn"]) for row in rows) == packet.manifest.counts["units"] == 40
    inclusion = read_inclusion(tmp_path / "p/key/sample.csv")
    assert inclusion.by == "unit_id"
    assert math.isclose(sum(inclusion.probability.values()), 40)
    drawn = {row["unit_id"] for row in rows if row["drawn"] == "1"}
    assert {task.unit.id for task in packet.tasks("A")} == drawn == {t.unit.id for t in packet.tasks("B")}


def test_units_of_a_run_are_the_population(tmp_path: Path, pcode: Callable[..., Result]) -> None:
    run = tmp_path / "run"
    assert pcode("annotate", DEMO, "-o", run, "--coder", "cues", "--scheme", "paragraph@1").exit_code == 0
    result = pcode("sample", DEMO, "-o", tmp_path / "p", "--n", 3, "--coders", "A", "--units", run)
    assert result.exit_code == 0, result.output
    packet = Packet(tmp_path / "p")
    ids = {json.loads(line)["id"] for line in (run / "units.jsonl").read_text(encoding="utf-8").splitlines()}
    assert packet.manifest.scheme == "paragraph@1"
    assert {unit.id for units in packet.units.values() for unit in units} <= ids
    assert packet.manifest.counts["population_units"] == len(ids)


def test_an_enriched_sample_reaches_the_report(tmp_path: Path, pcode: Callable[..., Result]) -> None:
    """Draw where the machine saw IA-SQ, code it "by hand", import, report: the page knows the probabilities."""
    run, packet = tmp_path / "machine", tmp_path / "packet"
    assert pcode("annotate", DEMO, "-o", run, "--coder", "cues").exit_code == 0
    result = pcode(
        "sample", DEMO, "-o", packet, "--what", "units", "--n", 120, "--coders", "A", "--enrich", "IA-SQ,OA-ME",
        "--run", run, "--json",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    made = json.loads(result.stdout)
    assert made["counts"]["seen_drawn"] > made["counts"]["seen"] * 120 / 261
    assert sum(row["drawn"] for row in made["strata"]) == 120
    tasks = list(Packet(packet).tasks("A"))
    rows = [f"{task.unit.id},A,{'IA-SQ' if task.unit.text.endswith('?') else 'KA-RO'}" for task in tasks]
    codings = tmp_path / "A.csv"
    codings.write_text("\n".join(["unit_id,coder,code", *rows]) + "\n")
    result = pcode("import", codings, "--traces", DEMO, "--codebook", "schoen", "-o", tmp_path / "human")
    assert result.exit_code == 0, result.output
    result = pcode(
        "report", tmp_path / "human", run, "-o", tmp_path / "out", "--inclusion", packet / "key/sample.csv",
        "--replicates", 20, "--permutations", 50,
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    page = (tmp_path / "out/report.html").read_text(encoding="utf-8")
    assert "recorded in sample.csv" in page
    assert "promise" not in page  # what the probabilities promise is what was coded


# What it is all for


def test_enriched_samples_give_unbiased_shares() -> None:
    """A small version of benchmarks/coverage_sampling.py; 40 runs of 80 traces."""
    truth, rows = simulate("factor 5", 40, 80, 0.06, 0.6, 1)
    for way in ("DSL", "PPI++", "human only"):
        found = summary(truth, rows, way)
        assert abs(found["bias"]) < 4 * found["bias error"]
        assert found["coverage"] > 0.95 - 4 * math.sqrt(0.95 * 0.05 / 40)
    assert summary(truth, rows, "ignored")["bias"] > 0.05
    off = np.array([row["off"] for row in rows])
    assert (np.abs(off.mean(axis=0)) < 4 * off.std(axis=0) / math.sqrt(40) + 0.05).all()


def test_dsl_learns_from_a_machine_that_finds_a_rare_code() -> None:
    """3 % of units have the code, 42 % of those where the machine sees it: Newton's full steps never settled there."""
    rng = np.random.default_rng(0)
    true = rng.random(5000) < 0.03
    machine = np.where(true, rng.random(5000) < 0.7, rng.random(5000) < 0.03).astype(float)
    coded = np.where(rng.random(5000) < 0.1, true, np.nan)
    units = sampled(coded, machine, 0.1, np.arange(5000) // 25)
    learnt = cross_fitted(units, np.ones((5000, 1)))
    for side in (machine > 0, machine == 0):
        assert learnt[side].mean() == pytest.approx(np.nanmean(coded[side]), rel=0.1)


# How many units?


def test_simulated_alphas_are_krippendorffs() -> None:
    values = simulated(Coders(0.6, (0.5, 0.3, 0.2), 10, 0.1, 3), 12, 4, np.random.default_rng(0))
    for run, alpha in enumerate(alphas_of(values, 3)):
        ours = krippendorff_alpha(values[:, run], np.arange(120) // 10, 3, replicates=0)
        assert alpha == pytest.approx(ours.value, abs=1e-12)


@pytest.mark.parametrize("icc", [0.0, 0.1])
def test_simulated_studies_have_the_alpha_that_is_assumed(icc: float) -> None:
    found = alpha_precision(Coders(0.7, (0.6, 0.3, 0.1), 20, icc), 100, runs=200)
    assert found.value == pytest.approx(0.7, abs=0.01)
    assert found.undefined_share == 0
    assert found.half is not None
    assert (0.02 < found.half < 0.06) if icc == 0 else (0.03 < found.half < 0.09)


def test_undefined_alphas_are_counted() -> None:
    found = alpha_precision(Coders(0.7, (0.999, 0.001), 5, 0.0), 2, runs=100)
    assert found.why_undefined == "α is undefined in half of the studies or more"
    assert found.undefined_share > 0.9
    assert found.half is None


def test_shares_get_more_precise_with_units_and_less_with_clustering() -> None:
    def half(n: int, icc: float = 0.1) -> float:
        found = share_precision(0.05, n, per_trace=25, icc=icc).half
        assert found is not None
        return found

    assert half(200) > half(800) > half(3200)
    assert half(800, icc=0) < half(800)
    n = units_needed(0.05, 0.02, per_trace=25, icc=0.1)
    assert n is not None
    assert half(n) <= 0.02
    assert units_needed(0.5, 0.00001) is None


def test_plan_from_a_pilot(tmp_path: Path, pcode: Callable[..., Result]) -> None:
    files = [ROOT / f"demo/coder_{name}.csv" for name in "AB"]
    assert pcode(
        "import",
        *files,
        "--traces",
        DEMO,
        "--codebook",
        "schoen@1.0.0",
        "--scheme",
        "sentence@1",
        "-o",
        tmp_path / "pilot",
    ).exit_code in (0, 1)
    result = pcode(
        "sample", "--plan", "--run", tmp_path / "pilot", "--code", "IA-SQ", "-o", tmp_path / "plan", "--json"
    )
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["assumed"]["code"] == "IA-SQ"
    assert found["assumed"]["origin"]["alpha"] == f"from {tmp_path / 'pilot'}"
    alpha = agree([CoderRun(tmp_path / "pilot")]).comparisons[0].result.value
    assert found["assumed"]["alpha"] == pytest.approx(alpha)
    assert [row["n_units"] for row in found["rows"]] == [50, 100, 200, 400, 800, 1600, 3200]
    assert found["needed"]["share"] > 50
    before = written(tmp_path / "plan")
    assert set(before) == {"plan.csv", "plan.svg", "plan.png", ".pcode.json"}
    assert (
        pcode(
            "sample", "--plan", "--run", tmp_path / "pilot", "--code", "IA-SQ", "-o", tmp_path / "plan"
        ).exit_code
        == 0
    )
    assert written(tmp_path / "plan") == before


def test_a_plan_says_what_the_pilot_showed_where_it_simulates_another(
    tmp_path: Path, pcode: Callable[..., Result]
) -> None:
    """α of 1 cannot be simulated: .99 is, and was unsaid; and a code's α that the pilot lacks is not the pilot's."""
    row = ["A", "B", "A", "C"] * 10
    run = make_run(tmp_path / "pilot", {"x": row, "y": row}).folder
    told = pcode("sample", "--plan", "--run", run, "--codebook", run / "codebook.yaml")
    assert told.exit_code == 0, told.stderr
    first = told.stdout.splitlines()[0]
    assert f"α 0.99 (from {run}, where it is 1.000)" in first
    assert f"25 % of units (from {run}), α 0.99 (from {run}, where it is 1.000)" in first
    alone = make_run(tmp_path / "alone", {"x": row}).folder
    told = pcode("sample", "--plan", "--run", alone, "--codebook", run / "codebook.yaml")
    first = told.stdout.splitlines()[0]
    assert "α 0.75 (assumed)" in first
    assert f"25 % of units (from {alone}), α 0.75 (as of all codes)" in first


# What is refused


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--coders", "A"], "say how much to draw"),
        (["--coders", "A", "--n", 3, "--fraction", 0.5], "exclude each other"),
        (["--coders", "A", "--fraction", 1.5], "--fraction 1.5"),
        (["--coders", "A", "--n", 15], "there are 14 traces"),
        (["--n", 3], "no coder is named"),
        (["--coders", "A,a", "--n", 3], "there twice"),
        (["--coders", "A,../B", "--n", 3], "'../B' cannot be a coder's name"),
        (["--coders", "A,key", "--n", 3], "'key' cannot be"),
        (["--coders", "A", "--n", 3, "--double", 2], "--double 2"),
        (["--coders", "A", "--n", 3, "--by", "domian"], "no trace has a field 'domian'"),
        (["--coders", "A", "--n", 3, "--by", "item,item"], "twice"),
        (["--coders", "A", "--n", 3, "--enrich", "OA-ME"], "give a machine run"),
        (["--coders", "A", "--n", 3, "--enrich-factor", 3], "no code to enrich"),
        (["--coders", "A", "--n", 3, "--enrich", "OA-ME", "--run", "nowhere"], "not a run directory"),
        (
            ["--coders", "A", "--n", 3, "--enrich", "X", "--run", "r", "--enrich-factor", 0.5],
            "--enrich-factor 0.5",
        ),
        (["--coders", "A", "--n", 3, "--enrich", "X", "--run", "r", "--enrich-share", 1], "--enrich-share 1"),
        (["--coders", "A", "--n", 3, "--codebook", "schön"], "schön"),
        (["--plan", "--code", "IA-SQ"], "--code needs a pilot"),
        (["--coders", "A", "--n", 3, "--icc", 0.1], "--icc belongs to --plan"),
    ],
)
def test_errors_say_what_is_wrong(
    words: list[object], message: str, tmp_path: Path, pcode: Callable[..., Result]
) -> None:
    result = pcode("sample", DEMO, "-o", tmp_path / "packet", *words)
    assert result.exit_code == 2
    assert message in result.stderr
    assert "hint:" in result.stderr
    assert not (tmp_path / "packet").exists()


def test_enrichment_that_cannot_be(tmp_path: Path, pcode: Callable[..., Result]) -> None:
    run = tmp_path / "run"
    assert pcode("annotate", DEMO, "-o", run, "--coder", "cues", "--scheme", "paragraph@1").exit_code == 0
    more = ["sample", DEMO, "-o", tmp_path / "p", "--n", 3, "--coders", "A", "--run", run]
    assert "--units" in pcode(*more, "--enrich", "OA-ME").stderr
    result = pcode(*more, "--enrich", "OA-MEE", "--units", run)
    assert "no code 'OA-MEE'" in result.stderr
    assert "OA-ME" in result.stderr


def test_dry_run_writes_nothing(tmp_path: Path, pcode: Callable[..., Result]) -> None:
    result = pcode("sample", DEMO, "-o", tmp_path / "p", "--fraction", 0.5, "--coders", "A,B", "--dry-run")
    assert result.exit_code == 0
    assert "7 of 14 traces" in result.stdout
    assert list(tmp_path.iterdir()) == []


def test_strata_of_metadata() -> None:
    trace = Trace(id="t", domain="SK", correct=True, metadata={"school": {"name": "Seoul"}, "year": 3})
    assert stratum_of(trace, ("domain", "condition", "correct", "metadata.school.name", "year")) == (
        "SK", "–", "true", "Seoul", "3",
    )  # fmt: skip
    with pytest.raises(InputError, match="yaer"):
        check_fields(("yaer",), [trace])


@given(st.text(max_size=8))
def test_coder_names_are_folders_that_stay_inside(name: str) -> None:
    try:
        check_coders([name])
    except PedagogyError:
        return
    assert Path(name).name == name
    assert (Path("/p") / name).resolve().parent == Path("/p")


def test_draw_needs_one_probability_a_stratum() -> None:
    hits = draw([0.5] * 10, [("a",)] * 4 + [("b",)] * 6, range(10), 0, "test")
    assert sum(hits[:4]) == 2
    assert sum(hits[4:]) == 3
