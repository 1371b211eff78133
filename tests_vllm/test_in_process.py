"""The real vLLM in process: batches and seeds, adapters, schema, ends, and the same probabilities as transformers gives."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from pedagogy_r1.asking import ModelName, open_chat
from pedagogy_r1.chat import ChatFault, ChatFrame, ChatRequest
from pedagogy_r1.errors import ChatError
from pedagogy_r1.intake import read_traces

from .conftest import EAGER, Tiny
from .test_served import annotate, check_annotated, evaluate, lines, probabilities

Pcode = Callable[..., Any]
SCHEMA = {
    "type": "object",
    "properties": {"code": {"type": "string", "enum": ["A", "B"]}, "sure": {"type": "boolean"}},
    "required": ["code", "sure"],
    "additionalProperties": False,
}
TEXTS = [f"Question {n}: " + "why is 1/3 less than 1/2? " * (n % 5 + 1) for n in range(16)]


def request(text: str, *, partial: bool = True, schema: Any = None, **other: Any) -> ChatRequest:
    parameters = {"temperature": 0.9, "top_p": 0.9, "seed": 3, "max_completion_tokens": 24, **other}
    return ChatRequest(ChatFrame("m", "s", schema, parameters, partial), text)


def ask(model: Path, requests: Sequence[ChatRequest], backend: str = "vllm", **options: Any) -> list[Any]:
    if backend == "vllm":
        options = {"enforce_eager": True, "max_model_len": 1024, **options}

    async def run() -> list[Any]:
        chat = open_chat(ModelName(backend, str(model)), connections=len(requests), **options)
        try:
            return await asyncio.gather(*(chat.ask(each) for each in requests), return_exceptions=True)
        finally:
            await chat.close()

    return asyncio.run(run())


def test_a_reply_does_not_depend_on_what_else_is_asked_and_the_seed_decides(tiny: Tiny) -> None:
    together = ask(tiny.model, [request(text) for text in TEXTS])
    alone = ask(tiny.model, [request(TEXTS[3])])
    others = ask(
        tiny.model, [request(TEXTS[3], seed=4), *(request(text) for text in TEXTS[5:9])], batch_size=2
    )
    texts = [reply.text for reply in together]
    assert alone[0].text == texts[3] != others[0].text
    assert [reply.text for reply in others[1:]] == texts[5:9]
    assert len(set(texts)) >= 12
    assert {reply.finish for reply in together} <= {"stop", "length"}


def test_more_tokens_of_prompts_than_one_step_takes(tiny: Tiny) -> None:
    """On a CPU vLLM cannot rewind the random stream of a prompt that it took in parts: it takes them whole."""
    long = [f"Question {n}: " + "why is 1/3 less than 1/2? " * 60 for n in range(24)]
    replies = ask(tiny.model, [request(text, max_completion_tokens=4) for text in long], max_model_len=4096)
    assert [type(reply).__name__ for reply in replies] == ["ChatReply"] * 24
    assert sum(reply.usage.prompt for reply in replies) > 8192


def test_it_says_what_transformers_says_with_the_same_probabilities(tiny: Tiny) -> None:
    asked = [request(text, temperature=0, logprobs=True, top_logprobs=5) for text in TEXTS[:6]]
    for ours, theirs in zip(ask(tiny.model, asked), ask(tiny.model, asked, "hf"), strict=True):
        # Of a character that was cut in two, vLLM says nothing and transformers says that there is one.
        assert ours.text == theirs.text.rstrip("\ufffd")
        assert ours.usage.prompt == theirs.usage.prompt
        assert ours.usage.completion == theirs.usage.completion
        one, other = (json.loads(reply.raw)["choices"][0]["logprobs"]["content"] for reply in (ours, theirs))
        for entry, twin in zip(one[: len(other)], other, strict=True):
            assert entry["logprob"] == pytest.approx(twin["logprob"], abs=2e-3)
            assert len(entry["top_logprobs"]) == 5


def test_a_schema_holds_beside_requests_that_have_none_and_in_transformers_too(tiny: Tiny) -> None:
    asked = [
        request(text, schema=SCHEMA if n % 2 else None, max_completion_tokens=60)
        for n, text in enumerate(TEXTS)
    ]
    for backend in ("vllm", "hf"):
        values = [json.loads(reply.text) for reply in ask(tiny.model, asked, backend)[1::2]]
        assert all(list(value) == ["code", "sure"] and value["code"] in "AB" for value in values)


def test_an_adapter_changes_the_reply_and_its_folder_stands_for_both(tiny: Tiny) -> None:
    (plain,) = ask(tiny.model, [request("x", temperature=0)])
    (tuned,) = ask(tiny.model, [request("x", temperature=0)], lora=str(tiny.adapter))
    (by_folder,) = ask(tiny.adapter, [request("x", temperature=0)])
    (merged,) = ask(tiny.model, [request("x", temperature=0)], "hf", lora=str(tiny.adapter))
    assert plain.text != tuned.text == by_folder.text == merged.text.rstrip("\ufffd")


def test_ends_limits_and_what_is_refused(tiny: Tiny) -> None:
    (cut, stopped, long) = ask(
        tiny.model,
        [
            request("x", partial=False),
            request("y", stop=["e"], max_completion_tokens=400),
            request("why " * 3000),
        ],
    )
    (unknown,) = ask(tiny.model, [request("x", colour=1)])
    assert isinstance(cut, ChatFault)
    assert cut.kind == "length"
    assert "e" not in stopped.text
    assert isinstance(long, ChatFault)
    assert long.kind == "rejected"
    assert isinstance(unknown, ChatError)


def test_a_model_that_is_no_model_is_an_error_with_a_hint(tiny: Tiny, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "qwen2"}')
    (reply,) = ask(tmp_path, [request("x")])
    assert isinstance(reply, ChatError)
    assert reply.hint


def test_annotate_in_process(tiny: Tiny, tmp_path: Path, pcode: Pcode) -> None:
    result = pcode(*annotate(tiny, tmp_path / "run", f"vllm:{tiny.model}", *EAGER))
    check_annotated(result, tmp_path / "run")


@pytest.mark.parametrize("engine", ["local", "ray"])
def test_in_shards_the_model_is_loaded_once_and_says_what_it_says_otherwise(
    tiny: Tiny, tmp_path: Path, pcode: Pcode, monkeypatch: pytest.MonkeyPatch, engine: str
) -> None:
    """How often it is loaded can be counted in this process alone."""
    pytest.importorskip("ray" if engine == "ray" else "vllm")
    monkeypatch.setenv("RAY_worker_niceness", "0")
    loaded = list[int]()
    monkeypatch.setattr("pedagogy_r1.chat.vllm.check_weights", lambda _: loaded.append(1))
    said = []
    for name, more in (("shards", ["--shards", 3, "--engine", engine]), ("whole", [])):
        result = pcode(*evaluate(tiny, tmp_path / name, f"vllm:{tiny.model}", *EAGER, *more))
        assert result.exit_code == 0, result.output
        place = tmp_path / name if more else tmp_path / name / "traces.jsonl"
        said.append({trace.id: (trace.reasoning, trace.answer) for trace in read_traces(place)})
    assert len(loaded) == (2 if engine == "local" else 1)
    assert said[0] == said[1]
    assert len(said[0]) == 8


def test_kt_by_token_probabilities_is_the_same_in_vllm_and_in_transformers(
    tiny: Tiny, tmp_path: Path, pcode: Pcode
) -> None:
    for backend, more in (("vllm", EAGER), ("hf", [])):
        result = pcode(*evaluate(tiny, tmp_path / backend, f"{backend}:{tiny.adapter}", *more))
        assert result.exit_code == 0, result.output
    assert probabilities(tmp_path / "vllm") == pytest.approx(probabilities(tmp_path / "hf"), abs=2e-3)


def test_distill_in_process_with_an_adapter(tiny: Tiny, tmp_path: Path, pcode: Pcode) -> None:
    words = ["distill", tiny.items, "-o", tmp_path / "d", "--model", f"vllm:{tiny.adapter}", *EAGER]
    result = pcode(*words, "--condition", "cop", "--n", 4, "--max-tokens", 24)
    assert result.exit_code == 0, result.output
    traces = lines(tmp_path / "d" / "traces.jsonl")
    assert len(traces) == 4
    assert {trace["condition"] for trace in traces} == {"cop"}
