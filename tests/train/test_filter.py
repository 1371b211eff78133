"""Filters: each policy, how they combine, and that no trace is lost or doubled."""

from __future__ import annotations

import json
import signal
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pedagogy_r1.codebook import parse_codebook
from pedagogy_r1.errors import CodebookError, InputError, PluginError, RunError
from pedagogy_r1.intake import read_traces
from pedagogy_r1.runs.run import CoderInfo, Coding, Manifest
from pedagogy_r1.runs.run_writer import RunWriter
from pedagogy_r1.trace import Trace
from pedagogy_r1.train.filter import apply, filter_traces, funnel_text
from pedagogy_r1.train.policies import Drop, Given, names, read_step
from pedagogy_r1.unit import Unit, unit_id
from pedagogy_r1.wbeb.item import Item, write_items

NOTHING = Given()

BOOK = """
id: five
version: 1.0.0
title: five codes
exhaustive: false
families: [{id: UT, name: noise}, {id: KA, name: routine}, {id: IA, name: during}, {id: OA, name: afterwards}]
codes:
  - {id: UT-NF, name: noise, family: UT, short: a, definition: a}
  - {id: KA-RO, name: routine, family: KA, short: b, definition: b}
  - {id: IA-SQ, name: asks, family: IA, short: c, definition: c}
  - {id: OA-ME, name: weighs, family: OA, short: d, definition: d}
"""


def trace(name: str, correct: bool | None = True, domain: str | None = "SK", **more: Any) -> Trace:
    return Trace(
        **{
            "id": name,
            "correct": correct,
            "domain": domain,
            "reasoning": f"Thought {name}.",
            "answer": "A",
            **more,
        }
    )


def write(path: Path, traces: list[Trace]) -> Path:
    path.write_text("".join(t.model_dump_json(exclude_defaults=True) + "\n" for t in traces))
    return path


def run_of(
    folder: Path,
    traces: list[Trace],
    codes: dict[str, list[tuple[int, Any]]],
    coders: tuple[str, ...] = ("m",),
) -> Path:
    """A run that gave the n-th word of a trace so many tokens and those codes; words are the units."""
    book = parse_codebook(BOOK)
    manifest = Manifest(
        run_id="r", fingerprint=str(sorted(codes)), status="running", started="", coder="test", scheme="sentence@1",
        codebook={"id": book.id, "version": book.version, "digest": book.digest},
        coders=[CoderInfo(name=name, kind="machine") for name in coders],
    )  # fmt: skip
    writer = RunWriter(folder, manifest, book)
    for t in traces:
        units, codings = [], []
        for index, (tokens, given_codes) in enumerate(codes[t.id]):
            name = unit_id(t.id, "sentence@1", index, index + 1)
            units.append(
                Unit(
                    id=name,
                    trace_id=t.id,
                    scheme="sentence@1",
                    index=index,
                    start=index,
                    end=index + 1,
                    text="x",
                    tokens=tokens,
                )
            )
            why = "timeout" if given_codes is None else None
            codings += [
                Coding(
                    unit_id=name,
                    coder=c,
                    codes=given_codes,
                    missing_reason=why,
                    codebook=book.stamp,
                    run_id="r",
                )
                for c in coders
            ]
        writer.write(t, units, codings)
    writer.finish("complete")
    writer.close()
    return folder


def outcome(step: str, traces: list[Trace], given_: Given = NOTHING) -> dict[str, Drop | None]:
    return dict(zip((t.id for t in traces), read_step(step)(traces, given_), strict=True))


def kept(step: str, traces: list[Trace], given_: Given = NOTHING) -> list[str]:
    return [name for name, drop in outcome(step, traces, given_).items() if drop is None]


def test_correct_tells_wrong_from_unread_from_cut_off() -> None:
    traces = [trace("a"), trace("b", False), trace("c", None), trace("d", None, metadata={"truncated": True})]
    assert {n: d and d.reason for n, d in outcome("correct", traces).items()} == {
        "a": None, "b": "wrong answer", "c": "no answer could be read", "d": "cut off before an answer",
    }  # fmt: skip
    assert kept("all", traces) == ["a", "b", "c", "d"]


def test_shortest_correct_keeps_one_right_trace_an_item() -> None:
    def long(name: str, item: str, tokens: int, correct: bool = True) -> Trace:
        return trace(
            name,
            correct,
            item=item,
            metadata={"tokens": {"completion": tokens}},
            reasoning="x" * (1000 - tokens),
        )

    traces = [
        long("i#1", "i", 30),
        long("i#2", "i", 20),
        long("i#3", "i", 5, False),
        long("j#1", "j", 9),
        long("j#2", "j", 9),
    ]
    assert kept("shortest-correct", traces) == ["i#2", "j#1"]
    assert kept("shortest_correct", traces) == ["i#2", "j#1"]
    assert outcome("shortest-correct", traces)["i#1"] == Drop(
        "a shorter one is right", "30 tokens; i#2 has 20"
    )
    bare = [t.model_copy(update={"metadata": {}}) for t in traces]
    assert kept("shortest-correct", bare) == ["i#1", "j#1"], "by characters where tokens are not known"


def test_balanced_cuts_to_the_cap_or_to_the_smallest_domain_whatever_the_order() -> None:
    traces = [trace(f"s{n}") for n in range(9)] + [trace(f"k{n}", domain="KT") for n in range(4)]
    assert Counter(n[0] for n in kept("balanced", traces)) == {"s": 4, "k": 4}
    three = kept("balanced:cap=3,kt=1", traces)
    assert Counter(n[0] for n in three) == {"s": 3, "k": 1}
    assert set(kept("balanced:cap=3,kt=1", traces[::-1])) == set(three)
    assert set(three) < set(kept("balanced:cap=5,kt=2", traces)), "a higher cap keeps what a lower one kept"
    assert len({tuple(kept(f"balanced:cap=3,seed={seed}", traces)) for seed in range(8)}) > 1


def test_quiet_reads_the_noise_share_by_tokens(tmp_path: Path) -> None:
    traces = [trace("loud"), trace("quiet"), trace("routine"), trace("missing"), trace("stranger")]
    noise, ask, routine = ("UT-NF",), ("IA-SQ",), ("KA-RO",)
    run = run_of(tmp_path / "run", traces[:4], {
        "loud": [(6, noise), (4, ask), (90, None)],
        "quiet": [(1, noise), (1, noise), (8, ask)],
        "routine": [(9, routine), (1, ask)],
        "missing": [(5, None)],
    })  # fmt: skip
    found = outcome("quiet", traces, Given((run,)))
    assert found == {
        "loud": Drop("too much noise", "strict noise share 0.600, limit 0.5"), "quiet": None, "routine": None,
        "missing": Drop("not coded"), "stranger": Drop("not coded"),
    }  # fmt: skip
    assert kept("quiet:below=0.61", traces, Given((run,))) == ["loud", "quiet", "routine"]
    assert kept("quiet:below=0.6,reading=nonreflective", traces, Given((run,))) == ["quiet"]


def test_rich_keeps_wrong_traces_whose_codings_hold_k_of_the_codes(tmp_path: Path) -> None:
    ask, weigh = ("IA-SQ",), ("KA-RO", "OA-ME")
    codes = {
        "both": [(1, ask), (1, weigh)],
        "one": [(1, ask), (1, ask)],
        "poor": [(1, ("UT-NF",)), (1, ())],
        "right": [(1, ask), (1, weigh)],
    }
    traces = [trace(name, name == "right") for name in codes] + [
        trace("unread", None),
        trace("uncoded", False),
    ]
    run = Given((run_of(tmp_path / "run", traces[:4], codes),))
    assert kept("rich", traces, run) == ["both", "one"]
    assert kept("rich:k=2", traces, run) == ["both"]
    assert kept("rich:codes=IA-SQ,times=2", traces, run) == ["one"]
    assert kept("correct|rich:k=2", traces, run) == ["both", "right"]
    found = outcome("correct|rich:k=2", traces, run)
    assert found["one"] == Drop("wrong answer and too few of the codes", "1 of IA-SQ+OA-ME, 2 needed")
    assert found["unread"] == Drop("no answer could be read")
    assert found["uncoded"] == Drop("wrong answer and not coded")
    with pytest.raises(CodebookError, match="IA-QS") as error:
        outcome("rich:codes=IA-QS", traces, run)
    assert "IA-SQ" in error.value.hint


def test_codings_of_another_text_or_of_several_coders_are_refused(tmp_path: Path) -> None:
    traces = [trace("a", False)]
    run = run_of(tmp_path / "run", traces, {"a": [(1, ("IA-SQ",))]}, ("m", "critic"))
    with pytest.raises(RunError, match="2 coders"):
        kept("rich", traces, Given((run,)))
    assert kept("rich:coder=critic", traces, Given((run,))) == ["a"]
    with pytest.raises(InputError, match="another text"):
        kept("rich:coder=m", [traces[0].model_copy(update={"reasoning": "other"})], Given((run,)))
    with pytest.raises(RunError, match="reads codings"):
        kept("quiet", traces)


STEM = "A student planted four seeds in dry sand and four in wet soil and waited eleven days to see which came up first"
FORM = "Which of the following is the best answer to this question?"


def item(name: str, stem: str, split: str = "test") -> Item:
    return Item.model_validate(
        {
            "id": name,
            "domain": "SK",
            "source": "s",
            "answer": "A",
            "group": name,
            "split": split,
            "parts": {"stem": stem},
        }
    )


def test_decontaminate_finds_the_item_and_its_near_twin_but_not_the_form() -> None:
    deep = "How deep is the sea near the coast where the old ships of the king lie?"
    items = (
        item("t1", STEM),
        item(
            "t2", f"{FORM} How many birds sit in a tree of seven branches when three have left for the south?"
        ),
        item("twin", STEM.replace("eleven", "twelve"), "train"),
        item("own", deep, "train"),
    )
    traces = [
        trace("same", item="t1", question="anything"),
        trace("near", item="x", question=f"Question: {STEM.replace('four seeds', '4 seeds')}, and why? Answer with a letter."),
        trace("twin#1", item="twin", question="put in other words"),
        trace("twin#2", item="twin", question="put in other words"),
        trace("form", item="y", question=f"{FORM} {deep}"),
        trace("own", item="own", question=STEM),
        trace("history", item="z", domain="KT", question=STEM),
        trace("empty", item="z"),
    ]  # fmt: skip
    found = outcome("decontaminate", traces, Given(items=items))
    assert {n: d and d.reason for n, d in found.items() if d} == {
        "same": "is a test item", "near": "resembles a test item", "twin#1": "resembles a test item",
        "twin#2": "resembles a test item",
    }  # fmt: skip
    assert "item t1" in (found["near"] or Drop("")).detail
    assert kept("decontaminate:overlap=0.95", traces, Given(items=items))[0] == "near"
    with pytest.raises(InputError, match="needs test items"):
        kept("decontaminate", traces, Given(items=items[2:]))


@pytest.mark.parametrize(
    ("text", "error", "hint"),
    [
        ("corect", PluginError, "did you mean correct"),
        ("shortest", PluginError, "shortest-correct"),
        ("balanced:cup=3", InputError, "cap"),
        ("balanced:cap=three", InputError, "int"),
        ("balanced:cap=1,cap=2", InputError, "once"),
        ("correct:cap=3", InputError, "none"),
        ("correct|", PluginError, "known"),
        ("rich:k=3", InputError, "k"),
        ("quiet:below=50", InputError, "between 0 and 1"),
    ],
)
def test_what_a_policy_does_not_have_is_an_error(text: str, error: type[Exception], hint: str) -> None:
    with pytest.raises(error) as caught:
        read_step(text)
    assert hint in caught.value.hint  # type: ignore[attr-defined]


def test_every_policy_file_is_a_policy() -> None:
    assert names() == ["all", "balanced", "correct", "decontaminate", "quiet", "rich", "shortest-correct"]


TRACES = st.lists(
    st.builds(trace, st.uuids().map(str), st.sampled_from([True, False, None]), st.sampled_from(["SK", "KT", None]), item=st.sampled_from("abc")),
    max_size=30,
)  # fmt: skip
STEPS = st.lists(
    st.sampled_from(["correct", "all", "shortest-correct", "balanced", "balanced:cap=2", "correct|balanced:cap=1", "all|correct"]),
    min_size=1, max_size=4,
)  # fmt: skip


@given(TRACES, STEPS)
@settings(max_examples=150, deadline=None)
def test_every_trace_is_kept_or_dropped_exactly_once(traces: list[Trace], steps: list[str]) -> None:
    stay, fell, funnel = apply(traces, [read_step(text) for text in steps], Given())
    order = {t.id: n for n, t in enumerate(traces)}
    assert sorted([*(t.id for t in stay), *(t.id for t in fell)]) == sorted(order)
    assert [t.id for t in stay] == sorted((t.id for t in stay), key=order.__getitem__)
    assert (funnel.traces, funnel.kept) == (len(traces), len(stay))
    asked = len(traces)
    for stage in funnel.stages:
        gone = sum(by.total() for by in stage.dropped.values())
        assert stage.asked.total() == asked == stage.kept.total() + gone
        asked = stage.kept.total()


def test_the_command_writes_what_stayed_what_fell_and_the_funnel(
    tmp_path: Path, pcode: Callable[..., Any]
) -> None:
    traces = [trace(f"t{n}", n % 3 == 0, "SK" if n < 20 else "KT") for n in range(30)]
    path, out = write(tmp_path / "traces.jsonl", traces), tmp_path / "out"
    words = ("filter", path, "-o", out, "--policy", "correct", "--policy", "balanced:cap=4")
    result = pcode(*words)
    assert result.exit_code == 0, result.output
    assert "30 → 7 traces" in result.output
    assert "wrong answer" in result.output
    stay, fell = list(read_traces(out / "kept.jsonl")), list(read_traces(out / "dropped.jsonl"))
    assert [t.id for t in stay + fell if t.id not in {x.id for x in traces}] == []
    assert all(t == traces[int(t.id[1:])] for t in stay)
    why = Counter(t.metadata["filter"]["reason"] for t in fell)
    assert why == {"wrong answer": 20, "over the domain's cap": 3}
    table = (out / "funnel.csv").read_text().splitlines()
    assert "1,correct,SK,dropped,wrong answer,13" in table
    assert "2,balanced:cap=4,SK,kept,,4" in table
    before = {p.name: p.read_bytes() for p in out.iterdir()}
    assert pcode(*words).exit_code == 0
    assert {p.name: p.read_bytes() for p in out.iterdir()} == before
    other = pcode("filter", path, "-o", out, "--policy", "all")
    assert other.exit_code == 2
    assert "another filter (correct, balanced:cap=4)" in other.stderr
    assert json.loads(pcode(*words, "--json").stdout)["kept"] == 7


def test_nothing_left_is_said_and_is_status_1(tmp_path: Path, pcode: Callable[..., Any]) -> None:
    path = write(tmp_path / "traces.jsonl", [trace("a", False)])
    result = pcode("filter", path, "-o", tmp_path / "out")
    assert result.exit_code == 1
    assert "no trace is left" in result.stderr


def test_test_items_come_from_the_test_half(tmp_path: Path) -> None:
    halves = [
        Item(id=half, domain="SK", source="s", answer="A", group=half, split=half)
        for half in ("train", "test")
    ]  # type: ignore[arg-type]
    write_items(tmp_path / "items.jsonl", halves)
    path = write(tmp_path / "traces.jsonl", [trace("a", item="train"), trace("b", item="test")])
    funnel = filter_traces(path, tmp_path / "out", ["decontaminate"], items=tmp_path / "items.jsonl")
    assert [t.id for t in read_traces(tmp_path / "out" / "kept.jsonl")] == ["a"]
    assert "is a test item" in funnel_text(funnel)


@pytest.mark.slow
def test_killed_at_any_moment_and_run_again_the_files_are_the_same(
    tmp_path: Path, pcode: Callable[..., Any], pcode_process: Callable[..., Any]
) -> None:
    many = [trace(f"t{n}", n % 2 == 0, reasoning="word " * 400) for n in range(10_000)]
    path, out = write(tmp_path / "traces.jsonl", many), tmp_path / "out"
    words = ("filter", path, "--policy", "correct", "--policy", "balanced:cap=2500", "-o")
    assert pcode(*words, tmp_path / "clean").exit_code == 0
    wanted = {p.name: p.read_bytes() for p in (tmp_path / "clean").iterdir() if p.name[0] != "."}
    killed = 0
    for wait in ("traces", ".kept.jsonl", "kept.jsonl", ".dropped.jsonl", "dropped.jsonl"):
        process = pcode_process(*words, out)
        while process.poll() is None and not (wait == "traces" or list(out.glob(f"{wait}*"))):
            time.sleep(0.001)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        killed += process.returncode == -signal.SIGKILL
    assert killed >= 3
    assert pcode(*words, out).exit_code == 0
    assert {p.name: p.read_bytes() for p in out.iterdir() if p.name[0] != "."} == wanted
