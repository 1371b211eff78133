"""The real vLLM over HTTP: strict schema in ``annotate``, an adapter by its name, token probabilities for KT, ``distill``."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema

from pedagogy_r1.asking import ModelName, open_chat
from pedagogy_r1.chat import ChatFrame, ChatReply, ChatRequest
from pedagogy_r1.codebook import parse_codebook
from pedagogy_r1.coding.prompt_and_reply import make_prompt
from pedagogy_r1.files.records import Row, read_jsonl
from pedagogy_r1.runs.run import CoderRun
from tests.make_runs import BOOK

from .conftest import Tiny

Pcode = Callable[..., Any]


def lines(path: Path) -> list[dict[str, Any]]:
    return [row.data for row in read_jsonl(path) if isinstance(row, Row)]


def check_replies(run: Path) -> int:
    """Every reply of a run that was not cut off fits the schema, as a validator sees it; returns how many there are."""
    schema, whole = make_prompt(parse_codebook(BOOK)).schema, 0
    for line in lines(run / "ledger.jsonl"):
        if line["kind"] == "reply" or line.get("fault") not in (None, "length"):
            text = json.loads(line["raw"])["choices"][0]["message"]["content"]
            jsonschema.validate(json.loads(text), schema)
            whole += 1
    return whole


def check_annotated(result: Any, run: Path) -> None:
    """The words of a model that knows nothing are noise, so no quote stands in its unit, but never is the form of a reply wrong.

    A run in which nothing of the first requests can be used is stopped; else all units are accounted for.
    """
    assert check_replies(run) >= 8
    malformed = {line["message"] for line in lines(run / "ledger.jsonl") if line.get("fault") == "malformed"}
    assert malformed <= {"no coding in the reply held"}
    manifest = CoderRun(run).manifest
    if result.exit_code == 2:
        assert "the first 10 requests brought nothing that could be used" in result.output
        assert manifest.status == "stopped"
    else:
        assert result.exit_code in (0, 1), result.output
        assert manifest.counts["coded"] + sum(manifest.counts["missing"].values()) == 12
        assert "malformed" not in manifest.counts["missing"]


def annotate(tiny: Tiny, run: Path, model: str, *more: object) -> list[object]:
    words = ["annotate", tiny.traces, "-o", run, "--codebook", tiny.book, "--model", model, "--window", 1]
    return [*words, "--temperature", 1, "--max-output-tokens", 1500, "--retries", 3, *more]


def test_annotate_gets_what_the_schema_says_from_a_model_that_knows_nothing(
    tiny: Tiny, server: str, tmp_path: Path, pcode: Pcode
) -> None:
    result = pcode(*annotate(tiny, tmp_path / "run", "openai:tiny", "--base-url", server))
    check_annotated(result, tmp_path / "run")


def ask(model: str, url: str, text: str) -> ChatReply:
    async def run() -> ChatReply:
        chat = open_chat(ModelName.read(model), base_url=url)
        try:
            parameters = {"temperature": 0, "max_completion_tokens": 20}
            return await chat.ask(ChatRequest(ChatFrame(chat.model, "", None, parameters, True), text))
        finally:
            await chat.close()

    return asyncio.run(run())


def test_an_adapter_is_a_model_of_its_own(tiny: Tiny, server: str) -> None:
    base, again, tuned = (ask(f"openai:{name}", server, "Why is that?") for name in ("tiny", "tiny", "tuned"))
    assert base.text == again.text != tuned.text


def evaluate(tiny: Tiny, out: Path, model: str, *more: object) -> list[object]:
    words = ["wbeb", "eval", model, tiny.items, "-o", out, "--condition", "none", "--replicates", 100]
    return [*words, "--temperature", 0, "--max-tokens", 24, "--json", *more]


def probabilities(out: Path) -> list[float]:
    """Of each answer, from its tokens: higher for every student who gets it right than for any who does not."""
    traces = lines(out / "traces.jsonl")
    told = [trace["metadata"]["probability"] for trace in traces]
    assert [one["kind"] for one in told] == ["token"] * 8
    values = [float(one["value"]) for one in told]
    by_outcome: dict[str, list[float]] = {"right": [], "wrong": []}
    for value, trace in zip(values, traces, strict=True):
        by_outcome[trace["reference"]].append(value)
    assert 1 >= min(by_outcome["right"]) > max(by_outcome["wrong"]) >= 0
    return values


def test_the_probability_of_a_students_answer_is_that_of_its_tokens(
    tiny: Tiny, server: str, tmp_path: Path, pcode: Pcode
) -> None:
    result = pcode(*evaluate(tiny, tmp_path / "eval", "openai:tuned", "--base-url", server))
    assert result.exit_code == 0, result.output
    probabilities(tmp_path / "eval")
    assert '"auc"' in (tmp_path / "eval" / "scores.json").read_text()


def test_distill_writes_a_trace_for_every_question_and_resumes_for_nothing(
    tiny: Tiny, server: str, tmp_path: Path, pcode: Pcode
) -> None:
    words = ["distill", tiny.items, "-o", tmp_path / "d", "--model", "openai:tuned", "--base-url", server]
    words += ["--condition", "none", "--n", 4, "--samples", 2, "--max-tokens", 24]
    first = pcode(*words)
    assert first.exit_code == 0, first.output
    traces = lines(tmp_path / "d" / "traces.jsonl")
    assert len(traces) == 8
    assert {trace["item"] for trace in traces} == {"kt-8", "kt-9", "kt-10", "kt-11"}
    assert {trace.get("correct") for trace in traces} & {True, False}
    ledger = (tmp_path / "d" / "ledger.jsonl").read_bytes()
    assert pcode(*words).exit_code == 0
    assert (tmp_path / "d" / "ledger.jsonl").read_bytes() == ledger
    coded = pcode("annotate", tmp_path / "d" / "traces.jsonl", "-o", tmp_path / "coded")
    assert coded.exit_code == 0, coded.output
