"""Another order of the codes for each repeat: how it is drawn, what the model is shown, and what is said of its effect."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from pedagogy_r1.codebook import load_codebook
from pedagogy_r1.coding.annotate import annotate, prepare
from pedagogy_r1.coding.order_effect import CodeOrders, OrderEffect, order_effect
from pedagogy_r1.errors import InputError
from pedagogy_r1.files.records import dump
from pedagogy_r1.runs.run import CoderRun

from ..fake_openai import Call, FakeOpenAI
from ..make_runs import Value, book, make_run
from ..stress_coders import WORDS, toy_book, toy_traces


def test_orders_are_drawn_anew_and_the_last_is_the_first() -> None:
    of = load_codebook("schoen@1.1.0")
    orders = CodeOrders(of, 3, 3)
    drawn = [[orders.of(f"t{n}", repeat) for repeat in range(3)] for n in range(400)]
    assert all(one[2] == one[0] != one[1] for one in drawn)
    assert len({order for one in drawn for order in one}) == 800
    assert all(sorted(order) == sorted(of.code_ids) for one in drawn for order in one)
    first = Counter(one[k][0] for one in drawn for k in (0, 1))
    assert set(first) == set(of.code_ids)
    assert max(first.values()) < 1.6 * 800 / len(of.codes)
    assert CodeOrders(of, 3, 3).of("t1", 0) == drawn[1][0]
    assert CodeOrders(of, 4, 3).of("t1", 0) != drawn[1][0]
    two = CodeOrders(of, 3, 2)
    assert two.of("t1", 1) != two.of("t1", 0)
    assert orders.codebook(drawn[0][0]).stamp != of.stamp  # another text
    assert orders.codebook(drawn[0][0]).ref == of.ref  # under the same name


def test_what_is_refused(tmp_path: Path) -> None:
    traces = toy_traces(tmp_path / "traces.jsonl", 0, 2, 2)
    how: dict[str, Any] = {
        "coder": "llm",
        "model": "openai:fake",
        "base_url": "http://127.0.0.1:9/v1",
        "api_key": "k",
    }
    with pytest.raises(InputError, match="there is one"):
        prepare(traces, tmp_path / "run", codebook=toy_book(tmp_path / "toy.yaml"), permute=True, **how)
    ordinal = toy_book(tmp_path / "ordinal.yaml", level="ordinal")
    with pytest.raises(InputError, match="order of its codes means something"):
        prepare(traces, tmp_path / "run", codebook=ordinal, permute=True, repeats=3, **how)


def enum(call: Call) -> list[str]:
    schema = call.body["response_format"]["json_schema"]["schema"]
    return list(schema["properties"]["codings"]["items"]["properties"]["primary"]["enum"])


def effect(
    tmp: Path, coder: Any, repeats: int, traces: int = 12
) -> tuple[dict[str, Any], CoderRun, list[Call]]:
    tmp.mkdir()
    with FakeOpenAI(coder=coder) as server:
        run = annotate(
            toy_traces(tmp / "traces.jsonl", 2, traces=traces),
            tmp / "run",
            codebook=toy_book(tmp / "toy.yaml"),
            coder="llm",
            model="openai:fake",
            base_url=server.url,
            api_key="k",
            permute=True,
            repeats=repeats,
        )
        calls = list(server.calls)
    return run.manifest.usage["code_order"], run, calls


def reads(_: Call, text: str) -> str:
    return next(code for code, word in WORDS.items() if word in text)


def test_one_that_takes_the_first_code_is_found_out(tmp_path: Path) -> None:
    def mostly_first(call: Call, text: str) -> str:
        return reads(call, text) if "slowly" in text else enum(call)[0]

    found, run, calls = effect(tmp_path / "first", mostly_first, 3)
    assert found["first"]["value"] > 0.5
    assert found["chance"] == 0.25
    assert found["same"]["value"] == 0.0
    assert found["more"]["value"] > 30
    assert found["more"]["low"] > 0
    assert "does not show" not in found["says"]
    # What was shown is what is recorded: in the schema, in the codebook, in the ledger.
    ledger = (run.folder / "ledger.jsonl").read_text()
    for call in calls:
        shown = [
            line[3:5] for line in call.body["messages"][0]["content"].splitlines() if line.startswith("## ")
        ]
        assert shown == enum(call)
        assert f'"order":{dump(shown)}' in ledger
    assert run.manifest.parameters["permute"] is True


def test_one_that_reads_depends_on_nothing(tmp_path: Path) -> None:
    found, _, _ = effect(tmp_path / "reads", reads, 3)
    assert (found["other"]["value"], found["same"]["value"], found["more"]["value"]) == (0.0, 0.0, 0.0)
    assert "0.0 (no interval: it stays the same whichever of the traces is left out) points" in found["says"]
    two, _, _ = effect(tmp_path / "two", reads, 2, traces=3)
    assert two["same"]["value"] is None
    assert "cannot tell (--repeats 3 can)" in two["says"]


def invented(folder: Path, other: float, seed: float, traces: int, draw: random.Random) -> OrderEffect:
    """Of two repeats in the same order a share ``seed`` differs, of two others ``other``, both harder in some traces."""
    said: dict[str, list[Value]] = {"m#1": [], "m#2": [], "m#3": []}
    for _ in range(traces):
        hard = draw.choice((0.5, 1.5))
        for _ in range(6):
            said["m#1"].append("A")
            said["m#3"].append("B" if draw.random() < seed * hard else "A")
            said["m#2"].append("C" if draw.random() < other * hard else "A")
    run = make_run(folder, said, per_trace=6, machines=list(said))
    return order_effect(run, CodeOrders(book(), 1, 3), list(said))


def test_the_difference_is_what_it_says(tmp_path: Path) -> None:
    found = invented(tmp_path / "run", 0.3, 0.1, 60, random.Random(4))
    values = [found.other.value, found.same.value, found.more.value]
    assert None not in values
    codings = list(CoderRun(tmp_path / "run").codings())
    by_unit = [[c.primary for c in codings[n : n + 3]] for n in range(0, len(codings), 3)]
    orders = CodeOrders(book(), 1, 3)
    pairs: dict[bool, list[bool]] = {True: [], False: []}
    for number, (one, two, three) in enumerate(by_unit):
        order = [orders.of(f"t{number // 6}", k) for k in range(3)]
        pairs[order[0] == order[1]] += [one != two, two != three]
        pairs[True].append(one != three)
    other, same = (sum(pairs[k]) / len(pairs[k]) for k in (False, True))
    assert values == pytest.approx([other, same, 100 * (other - same)])
    assert (found.other.n, found.same.n) == (len(pairs[False]), len(pairs[True]))
    assert found.more.interval is not None
    assert found.more.interval[0] < found.more.value < found.more.interval[1]  # type: ignore[operator]


def test_missing_codings_are_no_pair(tmp_path: Path) -> None:
    said: dict[str, list[Value]] = {"m#1": ["A", None, (), "B"], "m#2": ["B", "A", (), None]}
    run = make_run(tmp_path / "run", said, machines=list(said))
    found = order_effect(run, CodeOrders(book(), 0, 2), list(said))
    both = (found.other, found.same)
    assert sum(one.n for one in both) == 2  # of the four units, the first and the third
    assert found.first.n == 4  # A, B, B, A: a unit to which no code applies has none
    none = make_run(tmp_path / "none", {name: [None] * 4 for name in said}, machines=list(said))
    assert "no unit was coded" in order_effect(none, CodeOrders(book(), 0, 2), list(said)).says()
