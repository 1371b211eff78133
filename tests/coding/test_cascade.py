"""A cascade: the learned coder's codes where it is sure, and a second coder asked about the rest and about nothing else."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pedagogy_r1.coding.annotate import annotate, plan, prepare
from pedagogy_r1.errors import ArgumentError, PedagogyError
from pedagogy_r1.runs.run import DEFERRED, CoderRun, Coding

from ..fake_openai import FakeOpenAI, mixed
from .cascades import FAKE, Taught, make_taught
from .test_llm_kill import ledger_ids, wait_for


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory) -> Taught:
    return make_taught(tmp_path_factory.mktemp("cascade"))


def by_unit(run: CoderRun) -> dict[str, Coding]:
    return {one.unit_id: one for one in run.codings()}


def test_the_second_coder_gets_the_deferred_units_and_no_others(taught: Taught, tmp_path: Path) -> None:
    alone = annotate(taught.traces, tmp_path / "alone", **taught.how)
    with FakeOpenAI() as server:
        both = annotate(taught.traces, tmp_path / "both", **taught.how, then=FAKE, base_url=server.url)
        asked = [text for call in server.calls for text in call.units]
    first, texts = by_unit(alone), {unit.id: unit.text for unit in alone.units()}
    deferred = [unit for unit, one in first.items() if one.missing_reason == DEFERRED]
    assert 0 < len(deferred) < len(first)
    assert sorted(asked) == sorted(texts[unit] for unit in deferred)
    assert list(by_unit(both)) == list(first)
    for unit, one in by_unit(both).items():
        assert one.coder == "cascade"
        if unit in deferred:
            assert (one.stage, one.missing_reason) == (FAKE, None)
        else:
            assert (one.stage, one.codes) == ("learned", first[unit].codes)
    manifest = both.manifest
    assert manifest.stages == {"learned": len(first) - len(deferred), FAKE: len(deferred)}
    assert manifest.who == f"cascade (learned {len(first) - len(deferred)}, {FAKE} {len(deferred)})"
    assert manifest.deferred == 0
    assert manifest.parameters["then_model"] == FAKE


def test_requests_go_down_with_the_units_left_open(taught: Taught, tmp_path: Path) -> None:
    with FakeOpenAI() as server:
        how = {"base_url": server.url, "window": 3}
        book = taught.coder / "codebook.yaml"
        annotate(taught.traces, tmp_path / "all", coder="llm", model=FAKE, codebook=book, **how)
        every = sum(len(call.user) for call in server.calls), server.number
        server.forget()
        run = annotate(taught.traces, tmp_path / "both", **taught.how, then=FAKE, **how)
        some = sum(len(call.user) for call in server.calls), server.number
    share = run.manifest.stages[FAKE] / run.manifest.counts["units"]
    assert some[1] <= every[1] * share + 30  # one window a trace may be short
    assert some[0] < every[0]


def test_a_left_out_unit_stands_before_the_unit_it_precedes(taught: Taught, tmp_path: Path) -> None:
    with FakeOpenAI() as server:
        run = annotate(
            taught.traces, tmp_path / "run", **taught.how, then=FAKE, base_url=server.url, window=4, context=2
        )
        calls = list(server.calls)
    texts: dict[str, list[str]] = {}
    for unit in run.units():
        texts.setdefault(unit.trace_id, []).append(unit.text)
    seen = 0
    for call in calls:
        own = next(found for found in texts.values() if call.units[0] in found)
        shown = [*call.data["context"]]
        for unit in call.data["units"]:
            shown += [*unit.get("before", ()), unit["text"]]
            assert len(unit.get("before", ())) <= 2
            seen += "before" in unit
        at, places = 0, []
        for text in shown:  # an excerpt, in the order of the trace
            at = own.index(text, at)
            places.append(at)
            at += 1
        assert places == sorted(set(places))
        assert ('"before" holds' in call.user) == any("before" in unit for unit in call.data["units"])
    assert seen


def test_killed_in_the_second_stage_it_pays_nothing_twice(
    taught: Taught,
    tmp_path: Path,
    pcode: Callable[..., Any],
    pcode_process: Callable[..., subprocess.Popen[str]],
) -> None:
    rng = random.Random(2)
    with FakeOpenAI(latency=0.04) as server:
        clean = pcode(*taught.command(tmp_path / "clean", server))
        assert clean.exit_code == 0, clean.output
        wanted, once = (tmp_path / "clean/codings.jsonl").read_bytes(), server.number
        assert once > 20

        server.forget()
        server.fault = mixed(0.1, seed=5)
        run, kept = tmp_path / "run", []
        for _ in range(3):
            process = pcode_process(*taught.command(run, server, "--concurrency", 2))
            assert wait_for(server, server.number + rng.randint(3, 6), process)
            process.send_signal(signal.SIGKILL)
            process.communicate()
            time.sleep(0.15)  # what was in flight runs out at the server
            kept.append((server.number, ledger_ids(run)))
        assert kept[-1][1]
        process = pcode_process(*taught.command(run, server))
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors
        again = server.number
        assert pcode(*taught.command(run, server)).exit_code == 0
        assert server.number == again
    assert server.violations == []
    assert (run / "codings.jsonl").read_bytes() == wanted
    key_of = {call.number: call.key for call in server.calls}
    for number, ids in kept:
        answered = {key_of[i] for i in ids}
        assert not [call for call in server.calls if call.number > number and call.key in answered]


def test_what_the_second_coder_cannot_answer_is_missing_and_asked_again_when_told(
    taught: Taught, tmp_path: Path, pcode: Callable[..., Any]
) -> None:
    run = tmp_path / "run"
    with FakeOpenAI(fault=lambda call: "bad_code" if "topic1" in call.units[0] else None) as server:
        found = pcode(*taught.command(run, server))
        assert found.exit_code == 1
        assert "missing: " in found.stderr
        assert "bad_code (ask again with --retry-missing)" in found.stderr
        lost = [one for one in CoderRun(run).codings() if one.codes is None]
        assert {(one.stage, one.missing_reason) for one in lost} == {(FAKE, "bad_code")}
        before, server.fault = server.number, lambda call: None
        assert pcode(*taught.command(run, server, "--retry-missing")).exit_code == 0
        assert server.number > before
    assert all(one.codes is not None for one in CoderRun(run).codings())


def test_the_plan_says_how_many_units_are_asked_and_what_is_paid_already(
    taught: Taught, tmp_path: Path, pcode: Callable[..., Any]
) -> None:
    run = tmp_path / "run"
    with FakeOpenAI() as server:
        said = pcode(*taught.command(run, server, "--dry-run", "--json", "--price-in", 1))
        before = json.loads(said.stdout)
        assert server.number == 0
        assert not run.exists()
        assert pcode(*taught.command(run, server)).exit_code == 0
        assert before["requests"] == server.number
        assert before["units_deferred"] == CoderRun(run).manifest.stages[FAKE]
        assert before["money"] > 0
        after = json.loads(pcode(*taught.command(run, server, "--dry-run", "--json")).stdout)
    assert (after["answered_already"], after["prompt_tokens"]) == (after["requests"], 0)


@pytest.mark.parametrize("then", ["cues", "learned"])
def test_coders_that_cost_nothing_can_be_second(taught: Taught, tmp_path: Path, then: str) -> None:
    name = then if then == "cues" else f"learned:{taught.coder}"
    job = prepare(taught.traces, tmp_path / "run", **taught.how, then=name)
    said = plan(job)
    run = annotate(taught.traces, tmp_path / "run", **taught.how, then=name)
    first, second = run.manifest.stages
    assert (first, second) == ("learned", then if then == "cues" else "learned (then)")
    assert said["units_deferred"] == run.manifest.stages[second] > 0
    assert said["units"] == run.manifest.counts["units"] == sum(run.manifest.stages.values())


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"error": None, "confidence": None}, "without --error it leaves nothing open"),
        ({"coder": "cues", "path": None, "error": None, "confidence": None}, "cues leaves nothing open"),
        ({"then": "opnai:x"}, "neither a coder nor where a model is"),
        ({"then": "people"}, "names no run"),
        ({"then": FAKE, "repeats": 3}, "the second coder of a cascade is one"),
        ({"then": FAKE, "critic": True}, "the second coder of a cascade is one"),
        ({"then": "cues", "window": 3}, "coder 'cues' has no option 'window'"),
        ({"then": FAKE, "model": "openai:other"}, "name a model each"),
        ({"then": "learned"}, "needs 'path'"),
    ],
)
def test_what_is_no_cascade_is_refused_with_a_hint(
    taught: Taught, tmp_path: Path, change: dict[str, Any], why: str
) -> None:
    how = taught.how | {"then": FAKE} | change
    with pytest.raises(ArgumentError, match=why) as refused:
        prepare(taught.traces, tmp_path / "run", **{k: v for k, v in how.items() if v is not None})
    assert refused.value.hint
    assert not (tmp_path / "run").exists()


def test_another_second_coder_is_another_run(taught: Taught, tmp_path: Path) -> None:
    annotate(taught.traces, tmp_path / "run", **taught.how, then="cues")
    with pytest.raises(PedagogyError, match="then: 'cues' there, 'learned' now"):
        annotate(taught.traces, tmp_path / "run", **taught.how, then=f"learned:{taught.coder}")


TEXTS = st.text(min_size=1, max_size=12)


@given(
    st.builds(
        Coding,
        unit_id=TEXTS,
        coder=st.just("cascade"),
        codes=st.lists(TEXTS, max_size=2).map(tuple),
        stage=st.none() | TEXTS,
        confidence=st.none() | st.floats(0, 1),
        codebook=TEXTS,
        run_id=TEXTS,
    )
)
@settings(max_examples=200, deadline=None)
def test_a_coding_keeps_its_stage_through_its_line(coding: Coding) -> None:
    line = coding.json_line()
    assert Coding.model_validate_json(line) == coding
    assert ("stage" in json.loads(line)) == (coding.stage is not None)
