"""Neighbours of the formats that are known: newer shapes of APIs, other names of columns, other tags; each tried once before it was mended.

QQQ marks the question, RRR the reasoning, AAA the answer. What is in none of these shapes is refused, and never taken for something else.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pedagogy_r1.errors import InputError
from pedagogy_r1.intake import import_traces, read_traces

Q, R, A = "QQQ what is it?", "RRR I think hard about it.", "AAA it is four."
U = {"role": "user", "content": Q}
WITHOUT = ("responses_encrypted", "anthropic_empty_thinking", "bedrock_redacted")
"""The reasoning is hidden: the answer must not be taken for it."""
RIGHT: dict[str, dict[str, Any]] = {
 # newer API shapes
 "responses_encrypted":{"object":"response","id":"r","input":Q,"model":"m","output":[{"type":"reasoning","summary":[],"encrypted_content":"gAAAAAB"},{"type":"message","role":"assistant","content":[{"type":"output_text","text":A}]}]},
 "responses_reasoning_text":{"object":"response","id":"r","input":[{"role":"user","content":[{"type":"input_text","text":Q}]}],"model":"m","output":[{"type":"reasoning","summary":[],"content":[{"type":"reasoning_text","text":R}]},{"type":"function_call","name":"f","arguments":"{}"},{"type":"message","role":"assistant","content":[{"type":"output_text","text":A}]}]},
 "anthropic_summarized":{"id":"m","type":"message","role":"assistant","model":"c","content":[{"type":"thinking","thinking":R,"signature":"x"},{"type":"server_tool_use","id":"t","name":"web_search","input":{"query":"z"}},{"type":"text","text":A}],"request":{"messages":[U]}},
 "anthropic_empty_thinking":{"id":"m","type":"message","role":"assistant","model":"c","content":[{"type":"thinking","thinking":"","signature":"x"},{"type":"text","text":A}]},
 "gemini_interactions":{"id":"v1","model":"gemini-3","input":Q,"outputs":[{"type":"thought","summary":[{"type":"text","text":R}],"signature":"s"},{"type":"text","text":A}],"status":"completed"},
 "gemini_thoughts_camel":{"candidates":[{"content":{"role":"model","parts":[{"text":R,"thought":True,"thoughtSignature":"x"},{"text":A}]}}],"modelVersion":"g"},
 "cohere_v2":{"id":"c","message":{"role":"assistant","content":[{"type":"thinking","thinking":R},{"type":"text","text":A}]},"finish_reason":"COMPLETE"},
 "cohere_tool_plan":{"id":"c","message":{"role":"assistant","tool_plan":R,"content":[{"type":"text","text":A}]},"finish_reason":"COMPLETE"},
 "mistral_nested":{"messages":[U],"choices":[{"message":{"role":"assistant","content":[{"type":"thinking","thinking":[{"type":"text","text":R}],"closed":True},{"type":"text","text":A}]}}]},
 "qwen_dashscope":{"output":{"choices":[{"message":{"role":"assistant","content":A,"reasoning_content":R},"finish_reason":"stop"}]},"usage":{},"request_id":"x"},
 "xai_grok":{"model":"grok-4","messages":[U],"choices":[{"message":{"role":"assistant","content":A,"reasoning_content":R,"refusal":None}}],"usage":{"completion_tokens_details":{"reasoning_tokens":9}}},
 "bedrock_invoke_nova":{"modelId":"n","output":{"message":{"role":"assistant","content":[{"reasoningContent":{"reasoningText":{"text":R,"signature":"s"}}},{"text":A}]}},"stopReason":"end_turn"},
 "bedrock_redacted":{"modelId":"n","output":{"message":{"role":"assistant","content":[{"reasoningContent":{"redactedContent":"Zm9v"}},{"text":A}]}}},
 "litellm":{"messages":[U],"response":{"choices":[{"message":{"role":"assistant","content":A,"reasoning_content":R,"thinking_blocks":[{"type":"thinking","thinking":R,"signature":"s"}],"provider_specific_fields":{"reasoning_content":R}}}]}},
 "vercel_ui":{"messages":[{"role":"user","parts":[{"type":"text","text":Q}]},{"role":"assistant","parts":[{"type":"step-start"},{"type":"reasoning","text":R,"state":"done"},{"type":"text","text":A,"state":"done"}]}]},
 "sharegpt_thought":{"conversations":[{"from":"human","value":Q},{"from":"gpt","value":f"<think>\n{R}\n</think>\n\n{A}"}]},
 "qwen3_messages_reasoning":{"messages":[U,{"role":"assistant","content":A,"reasoning_content":R}],"tools":None},
 "smoltalk2_think":{"messages":[{"role":"system","content":"/think"},U,{"role":"assistant","content":f"<think>{R}</think>\n{A}"}],"chat_template_kwargs":{"enable_thinking":True}},
 "nemotron_v2":{"uuid":"u","messages":[U,{"role":"assistant","content":f"<think>\n{R}\n</think>\n{A}"}],"reasoning":"on","category":"math"},
 "openthoughts_agent":{"conversations":[{"role":"user","content":Q},{"role":"assistant","content":f"<|begin_of_thought|>{R}<|end_of_thought|><|begin_of_solution|>{A}<|end_of_solution|>"}]},
 "limo":{"question":Q,"solution":f"<think>{R}</think>{A}","answer":"4"},
 "r1_distill_sft":{"problem":Q,"reannotated_assistant_content":f"<think>\n{R}\n</think>\n\n{A}","reannotated_messages":[U,{"role":"assistant","content":f"<think>\n{R}\n</think>\n\n{A}"}]},
 "medical_o1":{"Question":Q,"Complex_CoT":R,"Response":A},
 "bespoke":{"system":"s","conversations":[{"from":"user","value":Q},{"from":"assistant","value":f"<|begin_of_thought|>\n{R}\n<|end_of_thought|>\n\n<|begin_of_solution|>\n{A}\n<|end_of_solution|>"}]},
 "synthetic1":{"prompt":Q,"llm_response":f"<think>{R}</think>{A}","gold_standard_solution":"4","problem_id":"p","score":1.0},
 "phoenix_span":{"name":"LLM","span_kind":"LLM","attributes":{"openinference.span.kind":"LLM","llm.input_messages":[{"message":{"role":"user","content":Q}}],"llm.output_messages":[{"message":{"role":"assistant","contents":[{"message_content":{"type":"reasoning","text":R}},{"message_content":{"type":"text","text":A}}]}}]}},
 "otel_parts_thinking":{"name":"chat","attributes":{"gen_ai.input.messages":json.dumps([{"role":"user","parts":[{"type":"text","content":Q}]}]),"gen_ai.output.messages":json.dumps([{"role":"assistant","parts":[{"type":"thinking","content":R},{"type":"text","content":A}],"finish_reason":"stop"}])}},
 "langfuse_v3":{"id":"o","type":"GENERATION","input":{"messages":[U]},"output":{"role":"assistant","content":A,"reasoning_content":R},"model":"m"},
 "mlflow_trace":{"request":json.dumps({"messages":[U]}),"response":json.dumps({"choices":[{"message":{"role":"assistant","content":A,"reasoning_content":R}}]}),"trace_id":"t"},
 "wandb_weave":{"id":"w","op_name":"openai.chat","inputs":{"messages":[U]},"output":{"choices":[{"message":{"role":"assistant","content":A,"reasoning":R}}]}},
 "helicone":{"request_body":{"messages":[U]},"response_body":{"choices":[{"message":{"role":"assistant","content":A,"reasoning":R}}]}},
 "glm_box":{"prompt":Q,"response":f"<think>{R}</think>\n<|begin_of_box|>{A}<|end_of_box|>"},
 "minimax_details":{"messages":[U],"choices":[{"message":{"role":"assistant","content":A,"reasoning_details":[{"type":"reasoning.text","text":R,"format":"MiniMax-response-v1"}]}}]},
 "kimi_ascii":{"prompt":Q,"response":f"◁think▷{R}◁/think▷{A}"},
 "hunyuan_answer":{"prompt":Q,"response":f"<think>\n{R}\n</think>\n<answer>\n{A}\n</answer>"},
 "exaone_thought":{"prompt":Q,"response":f"<thought>\n{R}\n</thought>\n\n{A}"},
 "granite":{"prompt":Q,"response":f"Here is my thought process: {R}\nHere is my response: {A}"},
 "granite_tags":{"prompt":Q,"response":f"<think>{R}</think><response>{A}</response>"},
 "ernie":{"prompt":Q,"response":f"<think>\n{R}\n</think>\n\n<response>\n{A}\n</response>"},
 "upper_tags":{"prompt":Q,"response":f"<THINKING>{R}</THINKING>{A}"},
 "escaped_tags":{"prompt":Q,"response":f"&lt;think&gt;{R}&lt;/think&gt;{A}"},
 "scratchpad":{"prompt":Q,"response":f"<scratchpad>{R}</scratchpad>{A}"},
}  # fmt: skip
REFUSED: dict[str, dict[str, Any]] = {
    "a piece of a stream": {"messages": [U], "choices": [{"index": 0, "delta": {"role": "assistant", "reasoning_content": R}}]},
    "several models' responses": {"question": Q, "responses": [{"response_model": "m", "response": f"<think>{R}</think>{A}"}]},
    "a pair of preferences": {"prompt": Q, "chosen": [U, {"role": "assistant", "content": A}], "rejected": [U, {"role": "assistant", "content": "no"}]},
}  # fmt: skip


def _imported(tmp_path: Path, record: dict[str, Any]) -> Any:
    (tmp_path / "x.jsonl").write_text(json.dumps(record) + "\n")
    import_traces([tmp_path / "x.jsonl"], tmp_path / "out.jsonl")
    (trace,) = read_traces(tmp_path / "out.jsonl")
    return trace


@pytest.mark.parametrize("name", RIGHT)
def test_a_neighbour_comes_in_right(tmp_path: Path, name: str) -> None:
    trace = _imported(tmp_path, RIGHT[name])
    assert (trace.reasoning.strip(), trace.answer.strip()) == ("" if name in WITHOUT else R, A)
    assert trace.question == (Q if Q in json.dumps(RIGHT[name]) else "")


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_none_of_them_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="neither reasoning nor answer"):
        _imported(tmp_path, REFUSED[name])


@pytest.mark.parametrize(
    "text",
    [
        "Here is my response: yes.",
        "I said: Here is my thought process: none.",
        "Write &lt;b&gt;bold&lt;/b&gt; in HTML.",
        "Give the <output>4</output> tag.",
    ],
)
def test_words_that_only_look_like_marks_stay(tmp_path: Path, text: str) -> None:
    trace = _imported(tmp_path, {"question": Q, "response": f"<think>{R}</think>{text}"})
    assert (trace.reasoning, trace.answer) == (R, text)
    assert _imported(tmp_path, {"question": Q, "response": text}).reasoning == text
