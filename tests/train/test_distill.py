"""Distillation: seeds drawn evenly, a teacher asked through the real client, and traces that say whether they are right."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pedagogy_r1.errors import InputError
from pedagogy_r1.intake import read_traces
from pedagogy_r1.shipped import folder
from pedagogy_r1.train.distill import draw_seeds, fill, parse_weights, shares
from pedagogy_r1.train.invented_teacher import teach
from pedagogy_r1.wbeb.domain import domain_of
from pedagogy_r1.wbeb.item import Item, read_items

from ..fake_openai import Call, FakeOpenAI, Said

SAMPLE = folder("recipes") / "sample" / "items.jsonl"


def items(**counts: int) -> list[Item]:
    return [
        Item(id=f"{domain}{n}", domain=domain, source="s", answer="A", group=f"{domain}{n}", split="train")  # type: ignore[arg-type]
        for domain, count in counts.items()
        for n in range(count)
    ]


def test_every_domain_gives_the_same_number_and_a_short_one_all_it_has() -> None:
    draw = draw_seeds(items(SK=50, PK=4, KT=50), 30)
    assert Counter(item.domain for item in draw.seeds) == {"SK": 13, "PK": 4, "KT": 13}
    assert [(row.domain, row.wanted, row.drawn) for row in draw.short] == [("PK", 10, 4)]
    assert len({item.id for item in draw.seeds}) == 30


def test_weights_say_how_much_of_each() -> None:
    draw = draw_seeds(items(SK=50, PK=50, KT=50), 30, parse_weights("SK=2,KT=1"))
    assert Counter(item.domain for item in draw.seeds) == {"SK": 20, "KT": 10}
    for text in ("SX=1", "SK=-1", "SK=0", "SK=two", "SK=1,SK=2", "SK=nan"):
        with pytest.raises(InputError):
            draw_seeds(items(SK=1), 1, parse_weights(text))


def test_the_draw_depends_on_the_seed_and_not_on_the_order() -> None:
    pool = items(SK=40, PK=40)
    first = [item.id for item in draw_seeds(pool, 10).seeds]
    assert [item.id for item in draw_seeds(pool[::-1], 10).seeds] == first
    assert [item.id for item in draw_seeds(pool, 10, seed=1).seeds] != first
    assert set(first) < {item.id for item in draw_seeds(pool, 20).seeds}, (
        "a larger draw holds the smaller one"
    )


def test_nothing_is_drawn_from_what_is_held_out() -> None:
    test = [item.model_copy(update={"split": "test"}) for item in items(SK=5)]
    with pytest.raises(InputError, match="no item is in split 'train'"):
        draw_seeds(test, 3)
    assert draw_seeds([*test, *items(PK=2)], 9).table[0].domain == "PK"


WEIGHTS = st.dictionaries(st.sampled_from("abcde"), st.floats(0.01, 100), min_size=1)


@given(st.integers(1, 500), WEIGHTS, st.integers(0, 60))
def test_shares_add_up_and_nothing_is_left_while_there_is_some(
    n: int, weights: dict[str, float], size: int
) -> None:
    assert sum(shares(n, weights).values()) == n
    sizes = {name: (size + ord(name) * 7) % 61 for name in weights}
    drawn = fill(n, weights, sizes)
    assert all(drawn[name] <= sizes[name] for name in weights)
    assert sum(drawn.values()) == min(n, sum(sizes.values()))


ITEMS = list(read_items(SAMPLE))
RIGHT = {item.id: item.answer for item in ITEMS}
ASKED = {domain_of(item).prompt(item): item for item in ITEMS}


def teacher(call: Call) -> Said:
    """Right about every other item, and thinks in the server's own field."""
    item = next(item for question, item in ASKED.items() if call.user.startswith(question))
    others = [other.answer for other in ITEMS if (other.domain, other.task) == (item.domain, item.task)]
    said = (
        item.answer if ITEMS.index(item) % 2 else next(answer for answer in others if answer != item.answer)
    )
    return Said(f"Answer: {said}", reasoning="Wait, what is asked? Let me see.")


def words(out: Path, server: FakeOpenAI, *more: object) -> list[object]:
    return [
        "distill",
        SAMPLE,
        "-o",
        out,
        "--model",
        "openai:teacher",
        "--base-url",
        server.url,
        "--n",
        40,
        "--backoff",
        0.01,
        *more,
    ]


def test_a_teacher_is_asked_and_its_traces_say_whether_they_are_right(
    tmp_path: Path, pcode: Callable[..., Any]
) -> None:
    with FakeOpenAI(answer=teacher) as server:
        planned = pcode(*words(tmp_path / "d", server, "--dry-run", "--json"))
        assert json.loads(planned.stdout)["requests"] == 40
        assert server.number == 0
        result = pcode(*words(tmp_path / "d", server))
        assert result.exit_code == 0, result.output
        assert server.number == 40
        again = pcode(*words(tmp_path / "d", server))
        assert again.exit_code == 0
        assert server.number == 40, "what is there is not asked again"
    seeds, traces = (
        list(read_items(tmp_path / "d/seeds.jsonl")),
        list(read_traces(tmp_path / "d/traces.jsonl")),
    )
    assert Counter(item.domain for item in seeds) == dict.fromkeys(("SK", "PK", "KT", "AES", "DM"), 8)
    assert {item.split for item in seeds} == {"train"}
    assert [trace.item for trace in traces] == [item.id for item in seeds]
    for trace in traces:
        said = trace.answer.removeprefix("Answer: ")
        assert trace.correct is (said == RIGHT[trace.item or ""])
        assert trace.condition == "cop"
        assert "pedagogical" in trace.metadata["prompt"]["user"]
    right = sum(trace.correct is True for trace in traces)
    assert 0 < right < 40
    assert f"{right} of 40 traces are right" in result.stdout
    drawn = json.loads((tmp_path / "d/seeds.json").read_text())
    assert [row["drawn"] for row in drawn["domains"]] == [8] * 5
    filtered = pcode("filter", tmp_path / "d/traces.jsonl", "-o", tmp_path / "f")
    assert f"40 → {right} traces" in filtered.stdout


def test_several_samples_and_answers_that_never_come(tmp_path: Path, pcode: Callable[..., Any]) -> None:
    lost = ITEMS[0].parts["stem"]

    def fault(call: Call) -> str | None:
        return "500" if lost in call.user else None

    with FakeOpenAI(answer=teacher, fault=fault) as server:
        more = ("--samples", 2, "--weights", "SK=1", "--retries", 1)
        result = pcode(*words(tmp_path / "d", server, *more))
        assert result.exit_code == 1
        assert "no answer to sample-sk-01 (sample 1): server_error" in result.stderr
        traces = list(read_traces(tmp_path / "d/traces.jsonl"))
        drawn = len(list(read_items(tmp_path / "d/seeds.jsonl")))
        assert len(traces) == 2 * (drawn - 1)
        server.fault = lambda call: None
        mended = pcode(*words(tmp_path / "d", server, *more, "--retry-missing"))
        assert mended.exit_code == 0, mended.output
    assert len(list(read_traces(tmp_path / "d/traces.jsonl"))) == 2 * drawn


@pytest.mark.slow
def test_killed_and_run_again_the_files_are_the_same(
    tmp_path: Path, pcode_process: Callable[..., subprocess.Popen[str]], pcode: Callable[..., Any]
) -> None:
    with FakeOpenAI(answer=teacher, latency=0.1) as server:
        assert pcode(*words(tmp_path / "clean", server)).exit_code == 0
        server.forget()
        for after in (1, 12, 30):
            process = pcode_process(*words(tmp_path / "d", server, "--concurrency", 4))
            while server.number < after and process.poll() is None:
                time.sleep(0.002)
            process.send_signal(signal.SIGKILL)
            process.communicate()
        assert pcode(*words(tmp_path / "d", server, "--concurrency", 4)).exit_code == 0
        assert server.number <= 40 + 3 * 4, "only what was in flight is asked twice"
    for name in ("traces.jsonl", "seeds.jsonl", "seeds.json"):
        assert (tmp_path / "d" / name).read_bytes() == (tmp_path / "clean" / name).read_bytes()


def test_the_invented_teacher_says_that_it_is_and_is_as_wrong_as_told(tmp_path: Path) -> None:
    count = teach(SAMPLE, tmp_path / "right.jsonl")
    right = list(read_traces(tmp_path / "right.jsonl"))
    assert count == len(right) > 80
    assert {trace.correct for trace in right} == {True}
    assert {(trace.model, trace.metadata["invented"]) for trace in right} == {("invented-teacher", True)}
    assert {trace.metadata["prompt"]["user"] != "" for trace in right} == {True}
    teach(SAMPLE, tmp_path / "half.jsonl", wrong=0.5, seed=3)
    half = list(read_traces(tmp_path / "half.jsonl"))
    assert {trace.correct for trace in half} == {True, False}
    assert 0.35 < sum(trace.correct is False for trace in half) / len(half) < 0.65
    before = (tmp_path / "half.jsonl").read_bytes()
    teach(SAMPLE, tmp_path / "half.jsonl", wrong=0.5, seed=3)
    assert (tmp_path / "half.jsonl").read_bytes() == before
    (tmp_path / "none.jsonl").write_text("")
    with pytest.raises(InputError, match="no item in split"):
        teach(tmp_path / "none.jsonl", tmp_path / "x.jsonl")
