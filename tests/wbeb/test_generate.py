"""Generation: what is asked and recorded, resumed after anything, against a real local server."""

from __future__ import annotations

import csv
import json
import random
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from pedagogy_r1.chat import ChatReply, Usage
from pedagogy_r1.errors import ChatError, InputError, RunError
from pedagogy_r1.intake import read_traces
from pedagogy_r1.trace import Trace
from pedagogy_r1.wbeb.answers.probability import answer_start, trim
from pedagogy_r1.wbeb.condition import condition
from pedagogy_r1.wbeb.generate import generate, plan, prepare
from pedagogy_r1.wbeb.generation import Generation
from pedagogy_r1.wbeb.item import write_items
from pedagogy_r1.wbeb.questions import TOP_LOGPROBS, GenerationSettings, Questions, trace_of

from ..fake_openai import TRANSIENT, Call, FakeOpenAI, Said
from ..wbeb_items import all_domains, choice, entry, essay, move, step, thinker

FINAL = ("items.jsonl", "traces.jsonl")


def ask(server: FakeOpenAI, folder: Path, items: Any, **options: Any) -> Generation:
    given = {"model": "openai:fake", "condition": "cop", "base_url": server.url, "backoff": 0.01} | options
    return generate(items, folder, **given)


def traces_of(generation: Generation) -> list[Trace]:
    return list(read_traces(generation.folder / "traces.jsonl"))


def test_a_trace_records_what_was_asked_and_answered(tmp_path: Path) -> None:
    with FakeOpenAI(answer=thinker) as server:
        found = ask(server, tmp_path / "run", [choice(3)], seed=7, temperature=0.5, max_tokens=300)
        body = server.calls[0].body
    (trace,) = traces_of(found)
    assert body["model"] == "fake"
    assert [m["role"] for m in body["messages"]] == ["user"]  # no system message, not an empty one
    assert (body["seed"], body["temperature"], body["top_p"], body["max_completion_tokens"]) == (
        7,
        0.5,
        0.95,
        300,
    )
    assert "logprobs" not in body
    assert trace.metadata["prompt"] == {"system": None, "user": body["messages"][0]["content"]}
    assert trace.metadata["prompt"]["user"] == (
        f"{trace.question}\n\nBefore you answer, consider the pedagogical step by step."
    )
    assert trace.metadata["condition"] == condition("cop").stamp
    assert (trace.item, trace.domain, trace.condition, trace.model) == ("sk-test-3", "SK", "cop", "fake")
    assert (trace.reference, trace.think, trace.lang) == ("B", "field", "en")
    assert trace.reasoning.startswith("Okay, let me read")
    assert trace.answer.startswith("The sum is clear.")
    assert trace.correct is (trace.metadata["parsed"]["value"] == "B")
    assert trace.metadata["parsed"]["strict"] is True
    assert {k: trace.metadata[k] for k in ("sample", "seed", "finish", "truncated", "group", "source")} == {
        "sample": 0, "seed": 7, "finish": "stop", "truncated": False, "group": "test-3", "source": "made up"
    }  # fmt: skip
    words = len(f"{trace.reasoning} {trace.answer}".split())
    assert trace.metadata["tokens"]["completion"] == words
    assert 0 < trace.metadata["tokens"]["thought"] < words


def test_ids_tell_conditions_models_and_samples_apart_but_not_servers() -> None:
    item = choice(1)

    def name(**options: Any) -> str:
        given = {"model": "openai:m", "condition": condition("cop"), **options}
        return GenerationSettings(**given).trace_id(item, 0)

    assert name().startswith("sk-test-1@cop.")
    assert name(samples=2) == f"{name()}#1"
    assert name() == name(base_url="http://elsewhere:1/v1")
    others = [name(condition=condition("generic")), name(model="openai:n"), name(seed=1), name(shots=5)]
    assert len({name(), *others}) == 5


def test_samples_differ_in_their_seed(tmp_path: Path) -> None:
    with FakeOpenAI(answer=thinker) as server:
        found = ask(server, tmp_path / "run", [choice(0), choice(1)], samples=3, seed=10)
        seeds = sorted(call.body["seed"] for call in server.calls)
    traces = traces_of(found)
    assert seeds == [10, 10, 11, 11, 12, 12]
    assert [t.id.rpartition("#")[2] for t in traces] == ["1", "2", "3"] * 2
    assert [t.item for t in traces] == ["sk-test-0"] * 3 + ["sk-test-1"] * 3
    assert [t.metadata["seed"] for t in traces] == [10, 11, 12] * 2


def test_the_same_settings_write_the_same_files(tmp_path: Path) -> None:
    items = all_domains(6)
    with FakeOpenAI(answer=thinker, latency=0.0) as server:
        first = ask(server, tmp_path / "a", items, concurrency=16, probabilities=True)
        server.latency = 0.02
        second = ask(server, tmp_path / "b", items, concurrency=3, probabilities=True)
    for name in FINAL:
        assert (first.folder / name).read_bytes() == (second.folder / name).read_bytes()
    assert "seconds" not in (first.folder / "traces.jsonl").read_text()
    with (first.folder / "timings.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert sorted(row["item"] for row in rows) == sorted(item.id for item in items)
    assert all(float(row["seconds"]) >= 0 and row["outcome"] == "stop" for row in rows)


def test_few_shot_examples_come_from_train_and_depend_on_the_item_alone() -> None:
    pool = [choice(n, split="train") for n in range(200)] + [step(n, split="train") for n in range(8)]
    settings = GenerationSettings("openai:m", condition("generic"), shots=5, seed=3)
    questions = Questions(settings, pool)
    chosen = [e.id for e in questions.examples(choice(9))]
    assert len(set(chosen)) == 5
    assert chosen == [e.id for e in Questions(settings, pool).examples(choice(9))]
    assert chosen != [e.id for e in questions.examples(choice(10))]
    assert {e.domain for e in questions.examples(step(1))} == {"KT"}
    asked = questions.ask(choice(9), 0)
    assert asked.messages.user.count("Answer: B") == 5
    assert "Example" not in asked.question
    twins = [choice(n, split="train").model_copy(update={"group": choice(9).group}) for n in range(4)]
    with pytest.raises(InputError, match="needs 5 examples and train has 1"):
        Questions(settings, [*twins, choice(77, split="train")]).examples(choice(9))
    with pytest.raises(InputError, match="its split is test"):
        Questions(settings, [choice(1)])


@pytest.mark.parametrize(
    ("said", "think", "reasoning", "answer", "value", "why"),
    [
        (Said("<think>Hm.</think>\nAnswer: B"), "closed", "Hm.", "\nAnswer: B", "B", None),
        (Said("Hm.</think>\nAnswer: B"), "unopened", "Hm.", "\nAnswer: B", "B", None),
        (Said("Answer: B", "Hm."), "field", "Hm.", "Answer: B", "B", None),
        (Said("It is even. Answer: B"), "absent", "It is even. Answer: B", "", "B", None),
        (Said("<think>Answer: B? No", finish="length"), "unclosed", "Answer: B? No", "", None, "cut off before an answer"),
        (Said(None, "Answer: B?", "length"), "field", "Answer: B?", "", None, "cut off before an answer"),
        (Said(None, "I am done."), "field", "I am done.", "", None, "no answer behind the reasoning"),
        (Said("", "I am done."), "field", "I am done.", "", None, "no answer behind the reasoning"),
        (Said("so option two, or", finish="length"), "absent", "so option two, or", "", None, "cut off before an answer"),
        (Said("[THINK]Hm.[/THINK]Answer: B"), "closed", "Hm.", "Answer: B", "B", None),
        (Said("It is even. <answer>B</answer>"), "absent", "It is even. ", "B", "B", None),
        (Said("<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>final<|message|>B<|return|>"), "closed", "Hm.", "B", "B", None),
        (Said("No idea."), "absent", "No idea.", "", None, ...),
    ],
)  # fmt: skip
def test_reasoning_is_told_from_the_answer(
    tmp_path: Path, said: Said, think: str, reasoning: str, answer: str, value: str | None, why: Any
) -> None:
    with FakeOpenAI(answer=lambda call: said) as server:
        found = ask(server, tmp_path / "run", [choice(1)])
    (trace,) = traces_of(found)
    assert (trace.think, trace.reasoning, trace.answer) == (think, reasoning, answer)
    parsed = trace.metadata["parsed"]
    assert parsed["value"] == value
    assert trace.correct is (None if value is None else True)
    assert parsed["why"] if why is ... else parsed["why"] == why
    assert trace.metadata["truncated"] is (said.finish == "length")
    assert found.manifest.counts["unread"] == (value is None)
    assert server.number == 1  # what ended without an answer is data, and not asked again


def test_kt_asks_for_token_probabilities_and_says_where_the_number_is_from(tmp_path: Path) -> None:
    with FakeOpenAI(answer=thinker) as server:
        found = ask(server, tmp_path / "run", [step(1), choice(1)], probabilities=True)
        bodies = {"Next step" in call.user: call.body for call in server.calls}
        bare = ask(server, tmp_path / "bare", [step(1)], probabilities=False)
    assert (bodies[True]["logprobs"], bodies[True]["top_logprobs"]) == (True, TOP_LOGPROBS)
    assert "logprobs" not in bodies[False]
    kt, sk = traces_of(found)
    assert "probability" not in sk.metadata
    assert kt.metadata["probability"]["kind"] == "token"
    assert kt.metadata["probability"]["value"] not in (None, 0.8, 0.2)
    (spoken,) = traces_of(bare)
    assert spoken.metadata["probability"]["kind"] == "verbalised"
    assert spoken.metadata["probability"]["value"] in (0.8, 0.2)


def test_the_ledger_keeps_the_answer_s_probabilities_only(tmp_path: Path) -> None:
    with FakeOpenAI(answer=thinker) as server:
        found = ask(server, tmp_path / "run", [step(1)], probabilities=True)
    replies = [json.loads(line) for line in (found.folder / "ledger.jsonl").read_text().splitlines()]
    (raw,) = [json.loads(line["raw"]) for line in replies if line["kind"] == "reply"]
    kept = raw["choices"][0]["logprobs"]
    assert kept["dropped"] == 5
    assert [e["token"] for e in kept["content"][:3]] == ["\n\n", "Answer", ":"]
    assert "bytes" not in json.dumps(kept)


def test_lean_keeps_what_it_cannot_cut() -> None:
    assert answer_start(["<think>", "x", "</", "think", ">", " right"]) == 5
    assert answer_start(["no", " tag"]) == 0
    body = {"choices": [{"message": {"content": "right"}}]}
    assert trim(json.dumps(body)) == json.dumps(body)
    long = {"choices": [{"logprobs": {"content": [entry("x", 0.0)] * 2000}}]}
    assert len(json.loads(trim(json.dumps(long)))["choices"][0]["logprobs"]["content"]) == 512


def test_reasoning_tokens_of_the_server_are_believed() -> None:
    questions = Questions(GenerationSettings("openai:m", condition("none")))
    item = choice(1)
    body = {"usage": {"completion_tokens_details": {"reasoning_tokens": 37}}, "choices": [{}]}
    reply = ChatReply("<think>a</think>Answer: B", "stop", "m", Usage(5, 0, 50), json.dumps(body))
    trace = trace_of(questions, item, 0, questions.ask(item, 0), reply)
    assert trace.metadata["tokens"] == {"prompt": 5, "completion": 50, "thought": 37}


def test_a_reply_that_never_came_is_listed_and_asked_again_on_request(tmp_path: Path) -> None:
    items = [choice(n) for n in range(6)]
    stem = items[2].parts["stem"]
    with FakeOpenAI(answer=thinker, fault=lambda call: "refusal" if stem in call.user else None) as server:
        found = ask(server, tmp_path / "run", items, retries=1)
        assert [(m.item, m.reason) for m in found.manifest.missing] == [("sk-test-2", "refusal")]
        assert [t.item for t in traces_of(found)] == [i.id for i in items if i.id != "sk-test-2"]
        assert found.manifest.counts == {
            "traces": 5, "correct": found.manifest.counts["correct"], "wrong": found.manifest.counts["wrong"],
            "unread": 0, "truncated": 0, "missing": 1,
        }  # fmt: skip
        server.fault = lambda call: None
        before = server.number
        assert ask(server, tmp_path / "run", items, retries=1).manifest.missing  # done is done
        assert server.number == before
        again = ask(server, tmp_path / "run", items, retries=1, retry_missing=True)
        assert server.number == before + 1
    assert again.manifest.missing == []
    assert [t.item for t in traces_of(again)] == [i.id for i in items]


def test_another_run_in_the_folder_is_refused_with_what_differs(tmp_path: Path) -> None:
    items = [choice(1), choice(2)]
    with FakeOpenAI(answer=thinker) as server:
        ask(server, tmp_path / "run", items)
        for options, why in (
            ({"condition": "generic"}, "condition: 'cop@1.0.0' there, 'generic@1.0.0' now"),
            ({"temperature": 0.0}, "temperature: 0.6 there, 0.0 now"),
            ({"model": "openai:other"}, "model: 'openai:fake' there"),
        ):
            with pytest.raises(RunError) as caught:
                ask(server, tmp_path / "run", items, **options)
            assert why in caught.value.message
        with pytest.raises(RunError, match="items: 2 there, 1 now"):
            ask(server, tmp_path / "run", items[:1])
        with pytest.raises(RunError, match="have changed"):
            ask(server, tmp_path / "run", [choice(1), choice(3)])
        (tmp_path / "other").mkdir()
        (tmp_path / "other" / "thesis.docx").touch()
        with pytest.raises(RunError, match=r"thesis\.docx"):
            ask(server, tmp_path / "other", items)


def test_a_damaged_file_is_made_again_without_asking(tmp_path: Path) -> None:
    items = [choice(n) for n in range(5)]
    with FakeOpenAI(answer=thinker) as server:
        found = ask(server, tmp_path / "run", items)
        good = (found.folder / "traces.jsonl").read_bytes()
        (found.folder / "traces.jsonl").write_bytes(good[:-40])
        with pytest.raises(RunError, match="has changed"):
            list(Generation(found.folder).traces())
        (found.folder / "traces.jsonl").write_bytes(good.replace(b'"answer":', b'"answed":', 1))
        with pytest.raises(RunError, match="has changed"):  # and no error of what reads it
            list(Generation(found.folder).traces())
        before = server.number
        ask(server, tmp_path / "run", items)
        assert server.number == before
    assert (found.folder / "traces.jsonl").read_bytes() == good


def test_wrong_options_and_inputs_are_errors_before_anything_is_written(tmp_path: Path) -> None:
    def trial(items: Any, **options: Any) -> None:
        prepare(items, tmp_path / "run", **({"model": "openai:m", "condition": "cop"} | options))

    for items, options, kind, why in (
        ([], {}, InputError, "no item to ask"),
        ([choice(1), choice(1)], {}, InputError, "there twice"),
        ([choice(1)], {"temprature": 1}, ValueError, "no option 'temprature'"),
        ([choice(1)], {"samples": 0}, ValueError, "samples 0"),
        ([choice(1)], {"condition": "cops"}, InputError, "no condition is named 'cops'"),
        ([choice(1)], {"model": "fake"}, InputError, "names no model"),
        ([choice(1)], {"shots": 1}, InputError, "needs 1 examples"),
    ):
        with pytest.raises(kind, match=why):
            trial(items, **options)
    assert not (tmp_path / "run").exists()


def test_a_server_that_is_not_there_stops_the_run_and_loses_nothing(tmp_path: Path) -> None:
    with FakeOpenAI(answer=thinker) as server:
        url = server.url
    with pytest.raises(ChatError, match="cannot be reached"):
        generate([choice(1)], tmp_path / "run", model="openai:m", condition="cop", base_url=url, retries=0)
    assert Generation(tmp_path / "run").manifest.status == "stopped"


def test_a_budget_stops_cleanly_and_the_same_call_goes_on(tmp_path: Path) -> None:
    items = [choice(n) for n in range(30)]
    with FakeOpenAI(answer=thinker) as server:
        how = {"max_tokens": 50, "concurrency": 2}
        found = ask(server, tmp_path / "run", items, max_tokens_total=800, **how)
        assert found.manifest.status == "stopped"
        assert 0 < found.manifest.counts["traces"] < 30
        found = ask(server, tmp_path / "run", items, **how)
        assert found.manifest.status == "complete"
        assert server.number == 30
    assert [t.item for t in traces_of(found)] == [i.id for i in items]


def test_a_plan_counts_and_sends_nothing(tmp_path: Path) -> None:
    items = [choice(n) for n in range(10)]
    with FakeOpenAI(answer=thinker) as server:
        ask(server, tmp_path / "run", items[:4])
        (tmp_path / "run" / "run.json").unlink()
        job = prepare(items, tmp_path / "run", model="openai:fake", condition="cop", base_url=server.url)
        found = plan(job)
        assert server.number == 4
    assert (found["requests"], found["answered_already"]) == (10, 4)
    assert found["completion_tokens_at_most"] == 6 * 8192
    assert found["prompt_tokens"] > 6 * 20


def command(items: Path, run: Path, server: FakeOpenAI, *more: object) -> list[object]:
    words: list[object] = ["wbeb", "eval", "openai:fake", items, "-o", run, "--base-url", server.url]
    return [
        *words,
        "--concurrency",
        8,
        "--timeout",
        0.5,
        "--backoff",
        0.02,
        "--retries",
        12,
        "--replicates",
        50,
        *more,
    ]


def wait_for(server: FakeOpenAI, requests: int, process: subprocess.Popen[str]) -> bool:
    while server.number < requests:
        if process.poll() is not None:
            return False
        time.sleep(0.001)
    return True


def faulty(share: float, seed: int) -> Callable[[Call], str | None]:
    """Faults that another attempt cures; a refusal or a cut reply would be data here."""
    source = random.Random(seed)
    kinds = [kind for kind in TRANSIENT if kind not in ("malformed", "length", "refusal")]
    return lambda call: source.choice(kinds) if source.random() < share else None


@pytest.mark.slow
def test_kills_and_faults_change_nothing_and_nothing_kept_is_paid_twice(
    tmp_path: Path, pcode: Callable[..., Result], pcode_process: Callable[..., subprocess.Popen[str]]
) -> None:
    items, source = tmp_path / "items.jsonl", random.Random(5)
    write_items(items, all_domains(24))
    with FakeOpenAI(answer=thinker, latency=0.03, hang=2) as server:
        clean = pcode(*command(items, tmp_path / "clean", server))
        assert clean.exit_code == 0, clean.output
        assert server.number == 120
        server.forget()
        server.fault = faulty(0.2, seed=3)
        run = tmp_path / "run"
        for _ in range(5):
            process = pcode_process(*command(items, run, server))
            assert wait_for(server, server.number + source.randint(6, 26), process)
            time.sleep(source.random() * 0.03)
            process.send_signal(signal.SIGKILL)
            process.communicate()
            time.sleep(0.1)
        process = pcode_process(*command(items, run, server))
        _, errors = process.communicate(timeout=240)
        assert process.returncode == 0, errors
        for name in (*FINAL, "scores.json", "scores.csv"):
            assert (run / name).read_bytes() == (tmp_path / "clean" / name).read_bytes(), name
        assert sum(count - 1 for count in server.answered.values()) <= 5 * 8
    assert sorted(p.name for p in run.iterdir() if not p.name.startswith(".lock")) == sorted(
        p.name for p in (tmp_path / "clean").iterdir() if not p.name.startswith(".lock")
    )  # nothing is left lying about


def test_ctrl_c_drains_and_the_same_command_goes_on(
    tmp_path: Path, pcode: Callable[..., Result], pcode_process: Callable[..., subprocess.Popen[str]]
) -> None:
    items, run = tmp_path / "items.jsonl", tmp_path / "run"
    write_items(
        items, [*(choice(n) for n in range(30)), *(essay(n) for n in range(5)), *(move(n) for n in range(5))]
    )
    with FakeOpenAI(answer=thinker, latency=1.0) as server:
        words = command(items, run, server)
        words[words.index("--timeout") + 1] = 60
        process = pcode_process(*words)
        assert wait_for(server, 12, process)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=240)
        sent = server.number
        assert process.returncode == 130, errors
        assert "same command" in errors
        assert Generation(run).manifest.status == "interrupted"
        lines = [json.loads(line) for line in (run / "ledger.jsonl").read_text().splitlines()]
        assert sum(line["kind"] == "reply" for line in lines) == sent < 40  # all that was in flight came home
        assert Generation(run).manifest.counts["traces"] <= sent
        server.latency = 0.0
        assert pcode(*words).exit_code == 0
        assert server.number == 40
    assert Generation(run).manifest.status == "complete"


def test_a_folder_has_one_writer(tmp_path: Path, pcode_process: Callable[..., subprocess.Popen[str]]) -> None:
    items = tmp_path / "items.jsonl"
    write_items(items, [choice(n) for n in range(20)])
    with FakeOpenAI(answer=thinker, latency=120, hang=1) as server:
        words = command(items, tmp_path / "run", server)
        words[words.index("--timeout") + 1] = 300
        first = pcode_process(*words)
        assert wait_for(server, 1, first)
        second = pcode_process(*words)
        _, errors = second.communicate(timeout=240)
        first.kill()
        first.communicate()
    assert second.returncode == 2
    assert f"in use by process {first.pid}" in errors
