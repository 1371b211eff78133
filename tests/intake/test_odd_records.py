"""Records that came in wrong with exit 0 until each was tried: switches, gold answers, thoughts in messages of their own, printed lists.

What each must give: question, reasoning, answer; or the refusal that says where the model's text stands.
"""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from pedagogy_r1.errors import InputError
from pedagogy_r1.intake import import_traces, read_traces
from pedagogy_r1.intake.export_traces import export_traces
from pedagogy_r1.intake.switches import is_switch
from pedagogy_r1.trace import Trace

Q, R, A = "What is the capital of Freedonia?", "Okay, so the film. Wait, let me recall.", "It is Fredville."
R1, R2 = "Okay, so the film.", "Wait, let me recall."
T = f"<think>\n{R}\n</think>\n\n{A}"
U = {"role": "user", "content": Q}
js = json.dumps


def said(text: str = A, **more: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": text, **more}


def attribute(key: str, value: Any) -> dict[str, Any]:
    return {"key": key, "value": {"stringValue": value if isinstance(value, str) else js(value)}}


def span(*attributes: Any, events: Any = ()) -> dict[str, Any]:
    one = {
        "traceId": "t",
        "spanId": "s",
        "name": "chat",
        "attributes": list(attributes),
        "events": list(events),
    }
    return {"resourceSpans": [{"resource": {}, "scopeSpans": [{"scope": {}, "spans": [one]}]}]}


THINKS = {"choices": [{"message": said(reasoning_content=R)}]}
GEMINI = {
    "candidates": [{"content": {"role": "model", "parts": [{"text": R, "thought": True}, {"text": A}]}}]
}
ITEMS = {
    "object": "response",
    "output": [
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": R}]},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": A}]},
    ],
}
# fmt: off
RIGHT: dict[str, Any] = {
    # the gold answer stands beside the model's own
    "a prediction": {"question": Q, "answer": "gold", "cot": R, "prediction": A},
    "model_output": {"question": Q, "answer": "gold", "reasoning": R, "model_output": A},
    "predicted_answer": {"question": Q, "answer": "gold", "reasoning": R, "predicted_answer": A},
    "model_answer": {"question": Q, "answer": "gold", "reasoning": R, "model_answer": A},
    "llm_response": {"question": Q, "answer": "gold", "reasoning": R, "llm_response": A},
    "a reply in a column of its own": {"question": Q, "raw_response": THINKS, "answer": "gold"},
    "a prediction that is a number": {"question": Q, "reasoning": R, "answer": A, "prediction": 0.9},
    # what is called content or text beside a column of reasoning
    "content": {"input": Q, "reasoning_content": R, "content": A, "score": 10},
    "text": {"prompt": Q, "thinking": R, "text": A},
    "an object": {"question": Q, "response": {"reasoning": R, "answer": A}},
    "output_text": {"question": Q, "response": {"output_text": A, "reasoning": R}},
    # the question by other names
    "input": {"id": "1", "input": Q, "output": T, "solution": "code"},
    "input of an object": {"input": {"question": Q}, "output": T},
    "inputs": {"inputs": Q, "generated_text": T},
    "user, assistant": {"user": Q, "assistant": T},
    "a user who is named": {"user": "u17", "question": Q, "response": T},
    "input with a tool's output": {"input": [U, {"type": "function_call_output", "call_id": "x", "output": "7"}], **ITEMS},
    "a batch without a body": {"custom_id": "1", "request": {"messages": [U]}, "response": {"type": "message", "role": "assistant", "content": [{"type": "thinking", "thinking": R}, {"type": "text", "text": A}]}},
    "messages beside outputs": {"request_id": "1", "prompt": None, "messages": [U], "outputs": [{"index": 0, "text": T}]},
    "prompts": {"id": "r", "run_type": "llm", "inputs": {"prompts": [Q]}, "outputs": {"generations": [[{"text": T}]]}},
    "a prompt in Harmony's marks": {"prompt": f"<|start|>user<|message|>{Q}<|end|><|start|>assistant", "choices": [{"text": f"<|channel|>analysis<|message|>{R}<|end|><|start|>assistant<|channel|>final<|message|>{A}", "finish_reason": "stop"}]},
    "a prompt of DeepSeek's": {"recordId": "r", "modelInput": {"prompt": f"<｜User｜>{Q}<｜Assistant｜><think>\n"}, "modelOutput": {"choices": [{"text": f"{R}\n</think>\n{A}", "stop_reason": "stop"}]}},
    # the options of an item are no choices of a server
    "options": {"question": Q, "choices": ["Air", "Water"], "response": T},
    "options with letters": {"question": Q, "choices": [{"label": "A", "text": "Air"}, {"label": "B", "text": "Water"}], "response": T},
    # one text, said twice with other white space
    "reasoning and its pieces": ({"messages": [U], "choices": [{"message": said(reasoning_content=f"{R1}\n{R2}", thinking_blocks=[{"type": "thinking", "thinking": R1}, {"type": "thinking", "thinking": R2}])}]}, {"r": f"{R1}\n{R2}"}),
    "summaries and their sum": ({"messages": [U], "choices": [{"message": said(reasoning=R1 + R2, reasoning_details=[{"type": "reasoning.summary", "summary": R1}, {"type": "reasoning.summary", "summary": R2}])}]}, {"r": R1 + R2}),
    # thoughts in messages of their own
    "tags before a tool": {"messages": [U, said(f"<think>{R}</think>", tool_calls=[{"function": {"name": "f", "arguments": "{}"}}]), {"role": "tool", "content": "7"}, said()]},
    "tags before and behind": ({"messages": [U, said(f"<think>{R1}</think>"), {"role": "tool", "content": "7"}, said(f"<think>{R2}</think>{A}")]}, {"r": f"{R1}\n\n{R2}"}),
    "the role thinking": {"messages": [U, {"role": "thinking", "content": R}, said()]},
    "the role reasoning": {"messages": [U, {"role": "reasoning", "content": R}, said()]},
    "a mark": {"messages": [U, said(R, thought=True), said()]},
    "a type": {"messages": [U, said(R, type="thinking"), said()]},
    "a page's title": {"messages": [U, said(R, metadata={"title": "🧠 Thinking"}), said()]},
    "an answer that is JSON": ({"messages": [U, said(js([{"type": "mcq", "stem": "What?"}]), reasoning_content=R)]}, {"a": js([{"type": "mcq", "stem": "What?"}])}),
    # values written into a text
    "printed messages": {"messages": repr([U, said(T)])},
    "printed by numpy": {"messages": repr([U, said(T)]).replace("}, {", "}\n {")},
    "printed prompt and completion": {"prompt": repr([U]), "completion": repr([said(T)])},
    "a printed response": {"question": Q, "response": repr([said(T)])},
    "a printed reply": {"question": Q, "response": repr(THINKS)},
    "a reply in JSON": {"question": Q, "response": js(THINKS)},
    "a message in JSON": {"question": Q, "response": js(said(reasoning_content=R))},
    "an object in JSON": {"question": Q, "response": js({"reasoning": R, "answer": A})},
    "an object in a message": {"messages": [U, said(js({"thinking": R, "answer": A}))]},
    "JSON with line breaks": {"messages": json.dumps([U, said(T)], indent=1)},
    "JSON twice": {"messages": js(js([U, said(T)]))},
    "generations in JSON": {"problem": Q, "answer": "7", "generations": js([T, "<think>x</think>y"])},
    "Gemini's reply": {"question": Q, "response": GEMINI},
    "Responses' items": {"question": Q, "response": ITEMS},
    "a text in quotes": {"id": "o", "traceId": "t", "type": "GENERATION", "input": js({"messages": [U]}), "output": js(T)},
    "an object with both": {"id": "o", "traceId": "t", "type": "GENERATION", "input": [U], "output": {"reasoning": R, "answer": A}},
    "a lone answer": ({"id": "o", "traceId": "t", "type": "GENERATION", "input": [U], "output": {"answer": "C", "sure": 0.8}}, {"r": "", "a": "C"}),
    # gpt-oss, of which the prompt held the first marks
    "behind the channel": {"prompt": Q, "response": f"analysis<|message|>{R}<|end|><|start|>assistant<|channel|>final<|message|>{A}<|return|>"},
    "behind the marks": {"prompt": Q, "response": f"{R}<|end|><|start|>assistant<|channel|>final<|message|>{A}<|return|>"},
    "a call in JSON": {"prompt": Q, "response": f"<|channel|>analysis<|message|>{R}<|end|><|start|>assistant<|channel|>commentary to=functions.get <|constrain|>json<|message|>{{\"x\": 1}}<|call|><|start|>assistant<|channel|>final<|message|>{A}"},
    # echoes
    "an echo behind a mark": {"prompt": Q, "response": f"<s> {Q}\n{T}"},
    "an echo with other space": ({"prompt": Q + "\n\nSay it.", "response": f"{Q}\nSay it.\n{T}"}, {"q": Q + "\n\nSay it."}),
    "an echo without an opening tag": {"prompt": Q, "generated_text": f"{Q}\n{R}</think>{A}"},
    # spans
    "events of messages": span(attribute("gen_ai.system", "x"), events=[{"name": "gen_ai.user.message", "attributes": [attribute("content", Q)]}, {"name": "gen_ai.choice", "attributes": [attribute("message", said(T))]}]),
    "a reply that says more": span(attribute("openinference.span.kind", "LLM"), attribute("llm.input_messages.0.message.role", "user"), attribute("llm.input_messages.0.message.content", Q), attribute("llm.output_messages.0.message.role", "assistant"), attribute("llm.output_messages.0.message.content", A), attribute("output.value", THINKS)),
    "prompts and choices": span(attribute("openinference.span.kind", "LLM"), attribute("llm.prompts.0.prompt.text", Q), attribute("llm.choices.0.completion.text", T)),
    "all messages": span(attribute("gen_ai.request.model", "m"), attribute("pydantic_ai.all_messages", [{"role": "user", "parts": [{"type": "text", "content": Q}]}, {"role": "assistant", "parts": [{"type": "thinking", "content": R}, {"type": "text", "content": A}]}])),
    "data of request and response": span(attribute("gen_ai.system", "x"), attribute("request_data", {"messages": [U]}), attribute("response_data", {"message": said(reasoning_content=R)})),
} | {
    f"tags {opening}": {"prompt": Q, "response": f"{opening}{R}{closing}{A}"}
    for opening, closing in (
        ("<think >", "</think >"), ('<think lang="en">', "</think>"), ("<analysis>", "</analysis>"), ("<reason>", "</reason>"),
        ("<|think|>", "<|/think|>"), ("<|thought|>", "<|/thought|>"), ("<thought_process>", "</thought_process>"), ("<cot>", "</cot>"),
        ("<longcat_think>", "</longcat_think>"), ("<mm:think>", "</mm:think>"), ("<inner_monologue>", "</inner_monologue>"),
        ("[unused16]", "[unused17]"), ("<unused94>thought\n", "<unused95>"), ("＜think＞", "＜/think＞"), ("Thinking...\n", "\n...done thinking.\n"),
    )
} | {
    f"answer in {opening}": {"prompt": Q, "response": f"<think>{R}</think>{opening}{A}{closing}"}
    for opening, closing in (("<solution>", "</solution>"), ("<final>", "</final>"), ("<final_answer>", "</final_answer>"), ("<answer>", "</answer><|im_end|>"))
} | {
    f"the switch {switch!r}": {"prompt": Q, "response": T, "reasoning": switch}
    for switch in ("detailed", "adaptive", "dynamic", "N/A", "nan", "-", "8192", 1024, 0, "/think", "detailed thinking on", "hybrid", "effort=high", "zero-shot", "enable", [])
}
REFUSED: dict[str, tuple[Any, str]] = {
    "several solutions": ({"question": Q, "final_answer": "gold", "r1_solution_1": T, "r1_solution_2": T}, "--map response=r1_solution_1"),
    "two models": ({"question": Q, "r1_response": T, "qwq_response": T, "answer": "gold"}, "may be the right answer"),
    "a pair of preferences": ({"prompt": Q, "chosen": T, "rejected": T, "answer": "gold"}, "--map response=chosen"),
    "a rationale": ({"question": Q, "rationale": R, "answer": A}, "may stand in 'rationale'"),
    "steps": ({"question": Q, "reasoning_steps": [R1 + " " + R2], "answer": A}, "may stand in 'reasoning_steps.0'"),
    "an empty response": ({"question": Q, "response": None, "error": "timeout", "answer": "gold"}, "an empty output"),
    "cut off before the first word": ({"key": "k", "request": {"contents": [{"role": "user", "parts": [{"text": Q}]}]}, "response": {"candidates": [{"content": {"role": "model"}, "finishReason": "MAX_TOKENS"}]}}, "an empty output"),
    "messages that were not kept": (span(attribute("gen_ai.request.model", "m")), "a model call whose messages were not recorded"),
}
# fmt: on


def imported(record: Any, tmp_path: Path) -> Trace:
    (tmp_path / "in.jsonl").write_text(js(record) + "\n", encoding="utf-8")
    import_traces([tmp_path / "in.jsonl"], tmp_path / "out.jsonl")
    (trace,) = read_traces(tmp_path / "out.jsonl")
    return trace


@pytest.mark.parametrize("name", RIGHT)
def test_an_odd_record_comes_in_right(name: str, tmp_path: Path) -> None:
    record, other = RIGHT[name] if isinstance(RIGHT[name], tuple) else (RIGHT[name], {})
    trace = imported(record, tmp_path)
    found = trace.question.strip(), trace.reasoning.strip(), trace.answer.strip()
    assert found == (other.get("q", Q), other.get("r", R), other.get("a", A))


@pytest.mark.parametrize("name", REFUSED)
def test_what_may_be_meant_otherwise_is_refused_with_its_reason(name: str, tmp_path: Path) -> None:
    record, why = REFUSED[name]
    with pytest.raises(InputError) as caught:
        imported(record, tmp_path)
    assert why in f"{caught.value.message} {caught.value.hint}"


@pytest.mark.parametrize(
    "text", ["<reasonable>x</reasonable> y", "<analysis>x", "The <cot> tag", "<coty>x</coty>"]
)
def test_a_tag_of_another_name_is_text(text: str, tmp_path: Path) -> None:
    trace = imported({"prompt": Q, "response": f"<think>{R}</think>{text}"}, tmp_path)
    assert (trace.reasoning, trace.answer) == (R, text)
    assert imported({"prompt": Q, "response": text}, tmp_path).reasoning == text


@pytest.mark.parametrize(
    "none", ["off", "none", "N/A", "-", None, "", [], False, 0, "detailed thinking off", "/no_think"]
)
def test_where_there_was_no_reasoning_a_response_is_an_answer(none: Any, tmp_path: Path) -> None:
    trace = imported({"prompt": Q, "response": A, "reasoning": none}, tmp_path)
    assert (trace.question, trace.reasoning, trace.answer) == (Q, "", A)
    assert imported({"prompt": Q, "response": R, "reasoning": "on"}, tmp_path).reasoning == R
    assert imported({"prompt": Q, "response": T, "reasoning": none}, tmp_path).reasoning.strip() == R


@pytest.mark.parametrize(
    "text", ["High stakes here.", "Long ago.", "Easy.", "no, wait", "想一想", "8192 is a power of two."]
)
def test_a_thought_is_no_switch(text: str) -> None:
    assert not is_switch(text)


def test_a_table_that_pandas_printed(tmp_path: Path) -> None:
    with (tmp_path / "in.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["messages", "n"], [str([U, said(T)]), 1]])
    import_traces([tmp_path / "in.csv"], tmp_path / "out.jsonl")
    (trace,) = read_traces(tmp_path / "out.jsonl")
    assert (trace.question, trace.reasoning.strip(), trace.answer.strip()) == (Q, R, A)


WORDS = [
    "on",
    "null",
    "N/A",
    "low",
    '[{"type":"text"}]',
    "user\nx\nassistant\n",
    "Here is my thought process: x Here is my response: y",
]


def test_our_own_table_is_taken_as_it_is(tmp_path: Path) -> None:
    """Whatever a text looks like: nothing in our own files is a switch, a template or a list of parts."""
    traces = [
        {"id": f"{n}{field}", "question": "q", "reasoning": "r", "answer": "a", "metadata": {"x": word}}
        | {field: word}
        for n, word in enumerate(WORDS)
        for field in ("question", "reasoning", "answer")
    ]
    (tmp_path / "in.jsonl").write_text("".join(js(t) + "\n" for t in traces), encoding="utf-8")
    export_traces(tmp_path / "in.jsonl", tmp_path / "hf", "hf")
    import_traces([tmp_path / "hf/data/train.parquet"], tmp_path / "back.jsonl")
    there, back = (list(read_traces(tmp_path / name)) for name in ("in.jsonl", "back.jsonl"))
    assert back == [trace.model_copy(update={"think": "field"}) for trace in there]


def test_a_log_of_ours_says_what_was_known_and_no_more(tmp_path: Path) -> None:
    known = {"domain": "SK", "condition": "cop", "lang": "ko"}
    (tmp_path / "in.jsonl").write_text(
        js({"id": "1", "question": "q", "reasoning": "r", "answer": "a"} | known) + "\n"
    )
    export_traces(tmp_path / "in.jsonl", tmp_path / "log.eval", "inspect")
    import_traces([tmp_path / "log.eval"], tmp_path / "back.jsonl")
    (back,) = read_traces(tmp_path / "back.jsonl")
    assert back.model is None
    assert {name: getattr(back, name) for name in known} == known
