"""Formats of other people's traces: each by its own example, by the shared files, and by what they share."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from pedagogy_r1.errors import InputError
from pedagogy_r1.intake import import_traces, read_traces
from pedagogy_r1.intake.import_report import ImportReport
from pedagogy_r1.intake.sniff import LAST, Formats
from pedagogy_r1.trace import Trace

from ..plugin_site import installed

Pcode = Callable[..., Result]

FORMATS = Formats().all
NO_QUESTION = {"anthropic_batch", "anthropic_message", "gemini", "langchain", "ollama", "openai_batch", "openai_responses", "otlp"}  # fmt: skip
"""Formats whose example, like most of their records, has no request beside the reply."""


def imported(tmp_path: Path, *records: Any, **how: Any) -> tuple[ImportReport, list[Trace]]:
    path = tmp_path / "in.jsonl"
    path.write_text(
        "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records), encoding="utf-8"
    )
    report = import_traces([path], tmp_path / "out.jsonl", **how)
    return report, list(read_traces(tmp_path / "out.jsonl"))


@pytest.mark.parametrize("name", FORMATS)
def test_the_example_of_a_format(name: str, tmp_path: Path) -> None:
    example = FORMATS[name].example
    assert [n for n, format in FORMATS.items() if n != LAST and format.fits(example)] == [name] * (
        name != LAST
    )
    report, (trace,) = imported(tmp_path, example)
    assert report.formats == {name: 1}
    assert (trace.reasoning, trace.answer.strip()) == ("Two and two.", "4")
    assert trace.question == ("" if name in NO_QUESTION else "2+2?")


SHARED = {
    "01_openai_batch_output.jsonl": "openai_batch", "02_openai_responses.jsonl": "openai_responses", "03_vllm_reasoning_content.jsonl": "openai_chat",
    "03b_vllm_reasoning.jsonl": "openai_chat", "03c_request_response_pair.jsonl": "request_response", "04_deepseek_api.json": "openai_chat",
    "04b_single_object.json": "openai_chat", "05_anthropic_message.jsonl": "anthropic_message", "05c_anthropic_interleaved_in_messages.jsonl": "record",
    "06_gemini_response.jsonl": "gemini", "07_qwq_unopened.jsonl": "record", "08_harmony_raw.jsonl": "record", "08c_gptoss_messages_thinking.jsonl": "record",
    "08d_multilingual_thinking.jsonl": "harmony", "09_lmeval_samples.jsonl": "lm_eval", "10_lighteval_details.parquet": "lighteval",
    "11_openr1_math.parquet": "open_r1", "12_openthoughts114k.parquet": "open_thoughts", "12c_openthoughts3.parquet": "open_thoughts",
    "13_s1k11.parquet": "s1k", "14_otlp_file_exporter.jsonl": "otlp", "14c_otel_structured.jsonl": "otel_span", "15_langsmith_runs.jsonl": "langsmith",
    "16_langfuse_observations.jsonl": "langfuse", "17_ollama_chat.jsonl": "ollama", "17b_ollama_generate.jsonl": "ollama", "18_openrouter.jsonl": "openai_chat",
    "19_mistral_magistral_api.jsonl": "openai_chat", "19b_magistral_THINK.jsonl": "record", "19e_reasoning_tags.jsonl": "record",
    "19f_think_answer_tags.jsonl": "record", "20_transformers_pipeline.json": "transformers_pipeline", "21_verl_rollout.jsonl": "verl",
    "21b_trl_completions.parquet": "trl", "21c_trl_completions_conv.parquet": "trl", "22_am_deepseek.jsonl": "am_deepseek", "23_distilabel.jsonl": "distilabel",
    "27_gz.jsonl.gz": "record", "31_inspect.eval": "inspect_log",
}  # fmt: skip
ALONE = ("01_", "02_", "03_", "03b_", "04_", "04b_", "05_", "06_", "17_", "17b_", "18_", "19_")
"""Replies saved without their request."""


@pytest.mark.parametrize("name", SHARED)
def test_a_shared_file_without_any_option(name: str, shared: Path, tmp_path: Path, pcode: Pcode) -> None:
    out = tmp_path / "out.jsonl"
    done = pcode("traces", "import", shared / "data/trace_formats" / name, "-o", out, "--json")
    assert done.exit_code == 0, done.stderr
    assert set(json.loads(done.stdout)["formats"]) == {SHARED[name]}
    traces = list(read_traces(out))
    assert len(traces) == (2 if name.endswith(".eval") else 1)
    for trace in traces:
        assert trace.reasoning.strip().startswith("RRR")
        assert trace.answer.strip().startswith("AAA")
        assert trace.question.startswith("QQQ") or (name.startswith(ALONE) and not trace.question)
        assert not any(mark in trace.reasoning for mark in ("QQQ", "AAA", "<", "|"))
        assert not any(mark in trace.answer for mark in ("QQQ", "RRR", "<", "|"))


def test_every_shared_file_has_its_test(shared: Path) -> None:
    assert {path.name for path in (shared / "data/trace_formats").iterdir()} == {*SHARED}


def test_formats_are_listed_with_their_examples(pcode: Pcode) -> None:
    listed = json.loads(pcode("traces", "formats", "--json").stdout)
    assert {one["name"]: one["example"] for one in listed} == {n: f.example for n, f in FORMATS.items()}
    assert "verl: rollouts dumped by verl" in pcode("traces", "formats").stdout


def test_a_format_can_be_said(tmp_path: Path) -> None:
    row = {"input": "user\n2+2?\nassistant\n", "output": "<think>Hm.</think>4"}
    _, (trace,) = imported(tmp_path, row, format="verl")
    assert (trace.question, trace.reasoning) == ("2+2?", "Hm.")
    with pytest.raises(Exception, match="no format is named 'verk'"):
        imported(tmp_path, row, format="verk")


def test_a_format_of_another_distribution_comes_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = """
from pedagogy_r1.intake.format import Format, Said
def format():
    return Format(what="mine", example={"denk": "Hm.", "sag": "4"}, fits=lambda r: "denk" in r,
                  read=lambda r: Said(reasoning=r["denk"], response=r["sag"], question=r.get("frag", "")))
"""
    entries = "[pedagogy_r1.intake.formats]\nmine = my_format\n"
    with installed(tmp_path / "site", monkeypatch, "mine", "1.0", {"my_format": module}, entries):
        report, (trace,) = imported(
            tmp_path, {"denk": "Hm.", "sag": "4", "frag": "2+2?", "id": 7, "answer": "x"}
        )
    assert report.formats == {"mine": 1}
    assert (trace.question, trace.reasoning, trace.answer) == ("2+2?", "Hm.", "4")
    assert trace.metadata == {
        "denk": "Hm.",
        "sag": "4",
        "frag": "2+2?",
        "id": 7,
        "answer": "x",
    } or trace.metadata == {"id": 7, "answer": "x", "denk": "Hm.", "sag": "4", "frag": "2+2?"}


def test_filters_of_one_response_are_one_trace(tmp_path: Path) -> None:
    one = FORMATS["lm_eval"].example
    other = one | {"filter": "flexible-extract", "filtered_resps": ["four"], "exact_match": 0.0}
    second = one | {"doc_id": 1, "resps": [["<think>Else.</think>5"]]}
    report, traces = imported(tmp_path, one, second, other)
    assert [t.reasoning for t in traces] == ["Two and two.", "Else."]
    assert [f["filter"] for f in traces[0].metadata["filters"]] == ["strict-match", "flexible-extract"]
    assert traces[0].metadata["filters"][1]["filtered_resps"] == ["four"]
    assert (report.rows, report.traces, report.joined) == (3, 2, 1)


def test_what_is_no_trace_stops_nothing_and_is_written_aside(tmp_path: Path, pcode: Pcode) -> None:
    good = FORMATS["openai_batch"].example
    failed = {
        "id": "b2",
        "custom_id": "i2",
        "response": None,
        "error": {"code": "expired", "message": "too late"},
    }
    refused = {
        "id": "b3",
        "custom_id": "i3",
        "response": {"status_code": 429, "body": {"error": {"message": "slow down"}}},
    }
    span = {
        "name": "retrieve",
        "span_id": "s",
        "attributes": {"openinference.span.kind": "RETRIEVER", "input.value": "q"},
    }
    piece = {"model": "m", "message": {"role": "assistant", "content": "He"}, "done": False}
    path = tmp_path / "in.jsonl"
    path.write_text("".join(json.dumps(r) + "\n" for r in (good, failed, refused, span, piece)))
    done = pcode("traces", "import", path, "-o", tmp_path / "out.jsonl", "--json")
    assert done.exit_code == 0, done.stderr
    report = json.loads(done.stdout)
    assert (report["rows"], report["traces"], report["skipped"], report["left_out"]) == (5, 1, 4, 4)
    aside = [json.loads(line) for line in (tmp_path / "out.jsonl.skipped.jsonl").read_text().splitlines()]
    assert [row["why"] for row in aside] == [
        "a request that failed: too late",
        "a request that failed: slow down",
        "a span that is no model call (RETRIEVER)",
        "a piece of a stream: write whole replies, or join the pieces",
    ]
    assert [json.loads(row["raw"]) for row in aside] == [failed, refused, span, piece]
    path.write_text(json.dumps(failed) + "\n")
    with pytest.raises(InputError, match="none of 1 rows is a trace"):
        import_traces([path], tmp_path / "none.jsonl")
    assert not (tmp_path / "none.jsonl").exists()


def test_a_switch_is_no_reasoning(tmp_path: Path) -> None:
    row = {
        "input": [{"role": "user", "content": "2+2?"}],
        "output": "<think>Hm.</think>4",
        "reasoning": "on",
        "generator": "R1",
    }
    _, (trace,) = imported(tmp_path, row)
    assert (trace.question, trace.reasoning, trace.answer, trace.model) == ("2+2?", "Hm.", "4", "R1")
    report, (off,) = imported(tmp_path, row | {"output": "It is 4.", "reasoning": "off"})
    assert (off.reasoning, off.answer) == ("", "It is 4.")
    assert any("nothing to code" in note for note in report.notes)
    _, (plain,) = imported(
        tmp_path, {"question": "2+2?", "response": "<think>Hm.</think>4", "reasoning": {"effort": "high"}}
    )
    assert (plain.reasoning, plain.metadata) == ("Hm.", {"reasoning": {"effort": "high"}})


def test_generations_of_a_row_become_traces_of_one_item(tmp_path: Path, pcode: Pcode) -> None:
    row = FORMATS["open_r1"].example | {"finish_reasons": ["stop", "length"]}
    report, traces = imported(tmp_path, row, explode="generations")
    assert [(t.id, t.item, t.reasoning, t.answer, t.correct, t.reference) for t in traces] == [
        ("in:1:1", "u1", "Two and two.", "4", True, "4"),
        ("in:1:2", "u1", "Three?", "5", False, "4"),
    ]
    assert [t.metadata["finish_reasons"] for t in traces] == ["stop", "length"]
    assert (report.rows, report.traces, report.exploded) == (1, 2, 1)
    report, (one,) = imported(tmp_path, row)
    assert one.metadata["generations"][1] == "<think>Three?</think>5"
    assert any(
        "2 generations in one row" in note and "--explode generations" in note for note in report.notes
    )


def test_an_echoed_prompt_is_taken_off_and_counted(tmp_path: Path) -> None:
    chatml = "<|im_start|>system\nTeach.<|im_end|>\n<|im_start|>user\nWhat is 2+2?<|im_end|>\n<|im_start|>assistant\n<think>Hm.</think>4<|im_end|>"
    rows = [
        {"question": "What is 2+2?", "response": "What is 2+2?\n<think>Hm.</think>4"},
        {"generated_text": "What is 2+2?\n<think>Hm.</think>4"},
        {"generated_text": chatml},
        {
            "prompt": "user\nWhat is 2+2?\nassistant\n",
            "completion": "user\nWhat is 2+2?\nassistant\n<think>Hm.</think>4",
        },
    ]
    report, traces = imported(tmp_path, *rows)
    assert [(t.question, t.reasoning, t.answer.removesuffix("<|im_end|>")) for t in traces] == [
        ("What is 2+2?", "Hm.", "4")
    ] * 4
    assert report.notes["the response began with its prompt: taken off"].count == 4
    assert traces[2].metadata["system"] == "Teach."


@pytest.mark.parametrize(
    ("request_line", "reply"),
    [
        (
            {"body": {"messages": [{"role": "user", "content": "2+2?"}]}, "url": "/v1/chat/completions"},
            {
                "response": {
                    "status_code": 200,
                    "body": {"choices": [{"message": {"content": "<think>Two.</think>4"}}]},
                }
            },
        ),
        (
            {"params": {"messages": [{"role": "user", "content": "2+2?"}]}},
            {
                "result": {
                    "type": "succeeded",
                    "message": {
                        "type": "message",
                        "role": "assistant",
                        "content": [{"type": "thinking", "thinking": "Two."}, {"type": "text", "text": "4"}],
                    },
                }
            },
        ),
    ],
)
def test_a_batch_gets_its_questions_from_the_file_of_requests(
    request_line: dict[str, Any], reply: dict[str, Any], tmp_path: Path
) -> None:
    ids = {"custom_id": "q-1"}
    report, (trace,) = imported(tmp_path, ids | request_line, ids | reply)
    assert (trace.item, trace.question, trace.reasoning, trace.answer) == ("q-1", "2+2?", "Two.", "4")
    assert (report.left_out, list(report.notes)) == (
        1,
        [note for note in report.notes if note.startswith("no trace")],
    )
    report, (trace,) = imported(tmp_path, ids | reply)
    assert trace.question == ""
    assert list(report.notes) == ["no question: coders will see the reasoning without it"]
