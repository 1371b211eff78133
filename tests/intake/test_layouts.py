"""Layouts of the formats beside their examples: documented variants, each with what has to come of it."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest

from pedagogy_r1.errors import InputError
from pedagogy_r1.intake import import_traces, read_traces
from pedagogy_r1.trace import Trace

Q, R, A = "What is 2+2?", "Two and two. Wait, that is easy.", "It is 4."
T = f"<think>\n{R}\n</think>\n\n{A}"
U = {"role": "user", "content": Q}
js = json.dumps
G = {"candidates": [{"content": {"parts": [{"text": R, "thought": True}, {"text": A}], "role": "model"}}]}
LCI = js(
    {
        "messages": [
            [
                {
                    "lc": 1,
                    "type": "constructor",
                    "id": ["langchain", "schema", "messages", "HumanMessage"],
                    "kwargs": {"content": Q, "type": "human"},
                }
            ]
        ]
    }
)
LCO = js(
    {
        "generations": [
            [
                {
                    "text": A,
                    "message": {
                        "lc": 1,
                        "type": "constructor",
                        "id": ["langchain", "schema", "messages", "AIMessage"],
                        "kwargs": {
                            "content": [{"type": "thinking", "thinking": R}, {"type": "text", "text": A}],
                            "type": "ai",
                        },
                    },
                }
            ]
        ]
    }
)
# fmt: off
LAYOUTS: dict[str, Any] = {
    "02b resp batch": {"id":"b","custom_id":"i1","response":{"status_code":200,"body":{"id":"r","object":"response","model":"o4","output":[{"type":"reasoning","id":"rs","summary":[{"type":"summary_text","text":R}]},{"type":"message","role":"assistant","content":[{"type":"output_text","text":A}]}]}},"error":None},
    "02c resp reasoning_text": {"object":"response","output":[{"type":"reasoning","content":[{"type":"reasoning_text","text":R}],"summary":[]},{"type":"message","role":"assistant","content":[{"type":"output_text","text":A}]}],"input":Q},
    "02d resp input list": {"object":"response","input":[{"role":"user","content":[{"type":"input_text","text":Q}]}],"output":[{"type":"reasoning","summary":[{"type":"summary_text","text":R}],"encrypted_content":"xx"},{"type":"message","role":"assistant","content":[{"type":"output_text","text":A}]}]},
    "02e resp no reasoning": {"object":"response","output":[{"type":"reasoning","summary":[]},{"type":"message","role":"assistant","content":[{"type":"output_text","text":A}]}]},
    "05b anth batch": {"custom_id":"i","result":{"type":"succeeded","message":{"type":"message","role":"assistant","content":[{"type":"thinking","thinking":R,"signature":"s"},{"type":"text","text":A}]}}},
    "05d anth no thinking": {"id":"m","type":"message","role":"assistant","content":[{"type":"text","text":A}]},
    "05e anth redacted": {"id":"m","type":"message","role":"assistant","content":[{"type":"redacted_thinking","data":"xx"},{"type":"text","text":A}]},
    "05f request/response": {"request":{"model":"c","system":"sys","messages":[U]},"response":{"type":"message","role":"assistant","content":[{"type":"thinking","thinking":R},{"type":"text","text":A}]}},
    "05g tooluse turns": {"messages":[U,{"role":"assistant","content":[{"type":"thinking","thinking":R},{"type":"tool_use","id":"t","name":"c","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":"7"}]},{"role":"assistant","content":[{"type":"text","text":A}]}]},
    "06b gemini batch": {"key":"k","request":{"contents":[{"parts":[{"text":Q}],"role":"user"}]},"response":G},
    "06c vertex": {"status":"","processed_time":"t","request":{"contents":[{"role":"user","parts":[{"text":Q}]}],"generationConfig":{}},"response":G},
    "06d gemini err": {"key":"k","error":{"code":8,"message":"quota"}},
    "06e vertex err": {"status":"Bad Request: x","processed_time":"t","request":{"contents":[]},"response":{}},
    "06f gemini contents": {"contents":[{"role":"user","parts":[{"text":Q}]}],**G},
    "06g converse": {"output":{"message":{"role":"assistant","content":[{"reasoningContent":{"reasoningText":{"text":R,"signature":"s"}}},{"text":A}]}},"stopReason":"end_turn","usage":{}},
    "06h converse pair": {"request":{"modelId":"m","messages":[{"role":"user","content":[{"text":Q}]}]},"response":{"output":{"message":{"role":"assistant","content":[{"reasoningContent":{"reasoningText":{"text":R}}},{"text":A}]}}}},
    "06i bedrock batch": {"recordId":"r","modelInput":{"messages":[{"role":"user","content":[{"type":"text","text":Q}]}]},"modelOutput":{"type":"message","role":"assistant","content":[{"type":"thinking","thinking":R},{"type":"text","text":A}]}},
    "06j bedrock deepseek": {"recordId":"r","modelInput":{"prompt":Q},"modelOutput":{"choices":[{"text":R+"</think>"+A,"stop_reason":"stop"}]}},
    "07b unclosed": {"question":Q,"response":"<think>\n"+R},
    "08b harmony bare": {"question":Q,"response":f"analysis{R}assistantfinal{A}"},
    "08e harmony full": {"text":f"<|start|>system<|message|>You are ChatGPT<|end|><|start|>user<|message|>{Q}<|end|><|start|>assistant<|channel|>analysis<|message|>{R}<|end|><|start|>assistant<|channel|>final<|message|>{A}<|return|>"},
    "08f channels": {"messages":[U,{"role":"assistant","channel":"analysis","content":R},{"role":"assistant","channel":"final","content":A}]},
    "08g author": {"messages":[{"author":{"role":"user"},"content":[{"type":"text","text":Q}]},{"author":{"role":"assistant"},"channel":"analysis","content":[{"type":"text","text":R}]},{"author":{"role":"assistant"},"channel":"final","content":[{"type":"text","text":A}]}]},
    "08h harmony reply content": {"choices":[{"message":{"role":"assistant","content":f"<|channel|>analysis<|message|>{R}<|end|><|start|>assistant<|channel|>final<|message|>{A}"}}]},
    "09b lmeval chat": {"doc_id":1,"doc":{"problem":Q,"solution":"s"},"target":"7","arguments":{"gen_args_0":{"arg_0":js([{"role":"user","content":Q}])}},"resps":[[T]],"filtered_resps":[T],"filter":"none"},
    "09c lmeval old args": {"doc_id":1,"doc":{"input":Q},"target":"7","arguments":[[Q,{"until":[]}]],"resps":[[T]],"filtered_resps":["7"]},
    "09d lmeval tmpl": {"doc_id":1,"doc":{"q":"x"},"target":"7","arguments":{"gen_args_0":{"arg_0":f"<|im_start|>user\n{Q}<|im_end|>\n<|im_start|>assistant\n"}},"resps":[[T]],"filtered_resps":["7"]},
    "09e lmeval mc": {"doc_id":1,"doc":{"question":Q},"target":"7","arguments":{"gen_args_0":{"arg_0":Q,"arg_1":" A"}},"resps":[[["-1.2","False"]],[["-2","True"]]],"filtered_resps":[["-1.2","False"]]},
    "10b lighteval old": {"example":Q,"full_prompt":Q,"predictions":[T],"gold":["7"],"metrics":{"x":1}},
    "10c lighteval old str": {"example":Q,"full_prompt":f"<|im_start|>user\n{Q}<|im_end|>\n<|im_start|>assistant\n","predictions":"['"+T.replace("\n","\\n")+"']","gold":"['7']","metrics":{"x":1}},
    "10d reasonings": {"doc":{"query":Q,"choices":["7"],"gold_index":[0]},"metric":{},"model_response":{"text":[A],"reasonings":[R],"input":[{"role":"user","content":Q}]}},
    "12b ot meta": {"problem":Q,"deepseek_reasoning":R,"deepseek_solution":A,"ground_truth_solution":"7","domain":"math","source":"x"},
    "13b s1k": {"solution":"7","question":Q,"cot_type":"math","source_type":"x","metadata":"{}","cot":None,"thinking_trajectories":[R],"attempt":A},
    "13c s1k tok": {"text":f"<|im_start|>system\nYou are Qwen<|im_end|>\n<|im_start|>user\n{Q}<|im_end|>\n<|im_start|>assistant\n<|im_start|>think\n{R}\n<|im_start|>answer\n{A}<|im_end|>"},
    "14b otel json str flat": {"gen_ai.request.model":"m","gen_ai.input.messages":js([{"role":"user","parts":[{"type":"text","content":Q}]}]),"gen_ai.output.messages":js([{"role":"assistant","parts":[{"type":"reasoning","content":R},{"type":"text","content":A}],"finish_reason":"stop"}])},
    "14d attributes": {"name":"chat m","context":{"trace_id":"t","span_id":"s"},"attributes":{"gen_ai.request.model":"m","gen_ai.input.messages":js([{"role":"user","parts":[{"type":"text","content":Q}]}]),"gen_ai.output.messages":js([{"role":"assistant","parts":[{"type":"reasoning","content":R},{"type":"text","content":A}]}])}},
    "14e traceloop": {"name":"openai.chat","context":{"span_id":"s"},"attributes":{"gen_ai.prompt.0.role":"user","gen_ai.prompt.0.content":Q,"gen_ai.completion.0.role":"assistant","gen_ai.completion.0.content":A,"gen_ai.completion.0.reasoning":R}},
    "14f openinf": {"name":"x","context":{"span_id":"s"},"attributes":{"openinference.span.kind":"LLM","llm.model_name":"m","llm.input_messages.0.message.role":"user","llm.input_messages.0.message.content":Q,"llm.output_messages.0.message.role":"assistant","llm.output_messages.0.message.contents.0.message_content.type":"reasoning","llm.output_messages.0.message.contents.0.message_content.text":R,"llm.output_messages.0.message.contents.1.message_content.type":"text","llm.output_messages.0.message.contents.1.message_content.text":A}},
    "14g phoenix df": {"context.span_id":"s","name":"c","span_kind":"LLM","attributes.openinference.span.kind":"LLM","attributes.llm.input_messages":[{"message.role":"user","message.content":Q}],"attributes.llm.output_messages":[{"message.role":"assistant","message.content":T}]},
    "14h openinf io": {"context":{"span_id":"s"},"name":"x","attributes":{"openinference.span.kind":"LLM","input.value":js({"messages":[U]}),"output.value":js({"choices":[{"message":{"role":"assistant","reasoning_content":R,"content":A}}]})}},
    "14i nested gen_ai": {"gen_ai":{"request":{"model":"m"},"input":{"messages":[{"role":"user","parts":[{"type":"text","content":Q}]}]},"output":{"messages":[{"role":"assistant","parts":[{"type":"reasoning","content":R},{"type":"text","content":A}]}]}}},
    "14j thinking part": {"gen_ai.output.messages":[{"role":"assistant","parts":[{"type":"thinking","content":R},{"type":"text","content":A}]}]},
    "15b ls bulk": {"id":"r","trace_id":"t","run_type":"llm","name":"x","inputs":LCI,"outputs":LCO,"extra":"{}","error":None},
    "15c ls openai": {"id":"r","run_type":"llm","inputs":{"messages":[U],"model":"m"},"outputs":{"choices":[{"message":{"role":"assistant","content":A,"reasoning_content":R}}]}},
    "15d ls nested": {"id":"r","run_type":"chain","inputs":{"input":Q},"outputs":{"output":A},"child_runs":[{"id":"c","run_type":"llm","inputs":{"messages":[U]},"outputs":{"role":"assistant","content":A,"reasoning_content":R}}]},
    "15e ls responses": {"id":"r","run_type":"llm","inputs":{"input":Q},"outputs":{"object":"response","output":[{"type":"reasoning","summary":[{"type":"summary_text","text":R}]},{"type":"message","role":"assistant","content":[{"type":"output_text","text":A}]}]}},
    "16b lf str": {"id":"o","traceId":"t","type":"GENERATION","model":"m","input":js([U]),"output":js({"role":"assistant","content":A,"reasoning_content":R})},
    "16c lf text": {"id":"o","traceId":"t","type":"GENERATION","model":"m","input":{"messages":[U]},"output":T},
    "16d lf anth": {"id":"o","traceId":"t","type":"GENERATION","input":[U],"output":[{"type":"thinking","thinking":R},{"type":"text","text":A}]},
    "16e lf trace": {"id":"t","name":"x","input":Q,"output":A,"observations":[{"id":"s","traceId":"t","type":"SPAN","name":"f"},{"id":"o","traceId":"t","type":"GENERATION","input":[U],"output":{"role":"assistant","content":T}}]},
    "18b or details": {"choices":[{"message":{"role":"assistant","content":A,"reasoning":None,"reasoning_details":[{"type":"reasoning.summary","summary":R}]}}]},
    "18c or encrypted": {"choices":[{"finish_reason":"stop","message":{"role":"assistant","content":A,"reasoning":None,"reasoning_details":[{"type":"reasoning.encrypted","data":"xx"}]}}]},
    "19c kimi": {"question":Q,"response":f"◁think▷{R}◁/think▷{A}"},
    "19d seed": {"question":Q,"response":f"<seed:think>{R}</seed:think>{A}"},
    "19g gemma": {"question":Q,"response":f"<|channel>thought\n{R}<channel|>{A}"},
    "19h thinking": {"question":Q,"response":f"<thinking>{R}</thinking>{A}"},
    "19i THOUGHT": {"question":Q,"response":f"<Thought>{R}</Thought>\n<Output>{A}</Output>"},
    "19j mistral str": {"choices":[{"message":{"role":"assistant","content":js([{"type":"thinking","thinking":[{"type":"text","text":R}]},{"type":"text","text":A}])}}]},
    "20b pipe text": [{"generated_text":f"{Q}\n{T}"}],
    "20c pipe q": {"question":Q,"generated_text":f"{Q} {T}"},
    "20d pipe tmpl": {"generated_text":f"<|im_start|>user\n{Q}<|im_end|>\n<|im_start|>assistant\n{T}"},
    "20e echo plain": {"prompt":f"user\n{Q}\nassistant\n","response":f"user\n{Q}\nassistant\n{T}"},
    "21d verl chatml": {"input":f"<|im_start|>system\nsys<|im_end|>\n<|im_start|>user\n{Q}<|im_end|>\n<|im_start|>assistant\n","output":T,"score":1.0,"step":1,"gts":"7"},
    "22b am no tags": {"messages":[{**U,"info":{"reference_answer":"7"}},{"role":"assistant","content":A,"info":{"think_content":R,"answer_content":A}}]},
    "23b distil list": {"instruction":Q,"generations":[T,"<think>x</think>y"],"model_name":["a","b"],"distilabel_metadata":{}},
    "23c distil conv": {"instruction":Q,"generation":[{"role":"assistant","content":T}],"model_name":"m","distilabel_metadata":{}},
    "24 curator": {"response_message":A,"generic_request":{"model":"m","messages":[U],"original_row":{"q":Q},"original_row_idx":0},"raw_response":{"choices":[{"message":{"content":A,"reasoning_content":R}}]},"response_errors":None},
    "24b curator str": {"response_message":T,"generic_request":{"model":"m","messages":[U]},"raw_response":None,"response_errors":None},
    "24c bespoke": {"system":"s","conversations":[{"from":"user","value":Q},{"from":"assistant","value":f"<|begin_of_thought|>\n\n{R}\n\n<|end_of_thought|>\n\n<|begin_of_solution|>\n\n{A}\n\n<|end_of_solution|>"}]},
    "24d curator ds": {"problem":Q,"deepseek_reasoning":R,"deepseek_solution":A},
    "25 nemotron": {"input":[U],"output":T,"category":"math","reasoning":"on","generator":"R1"},
    "25b nemo str": {"input":Q,"output":T,"category":"math","reasoning":"on","generator":"R1","system_prompt":"detailed thinking on"},
    "25c nemo v1": {"uuid":"u","reasoning":"on","messages":[{**U,"tool_calls":[]},{"role":"assistant","content":T,"tool_calls":[]}],"metadata":"{}"},
    "25d nemo off": {"input":[U],"output":A,"category":"math","reasoning":"off"},
    "26 dolphin": {"messages":[{"role":"system","content":"s"},U],"reasoning":R,"answer":A,"model":"R1"},
    "30 owui": [{"id":"c","user_id":"u","title":"t","chat":{"models":["m"],"messages":[{"id":"1",**U},{"id":"2","role":"assistant","content":"<details type=\"reasoning\" done=\"true\" duration=\"5\">\n<summary>Thought for 5 seconds</summary>\n> "+R.replace(". ",".\n> ")+"\n</details>\n"+A}],"history":{"messages":{"1":{"id":"1",**U},"2":{"id":"2","parentId":"1","role":"assistant","content":"x"}},"currentId":"2"}}}],
    "30b owui plain": [{"id":"c","chat":{"history":{"messages":{"1":{"id":"1","parentId":None,**U},"2":{"id":"2","parentId":"1","role":"assistant","content":T}},"currentId":"2"}}}],
    "32 inspect json": {"version":2,"status":"success","eval":{"model":"m","task":"t"},"samples":[{"id":1,"epoch":1,"input":Q,"target":"7","messages":[U,{"role":"assistant","content":[{"type":"reasoning","reasoning":R},{"type":"text","text":A}]}],"output":{"model":"m","choices":[]},"scores":{}}]},
    "33 opencompass": {"0":{"origin_prompt":[{"role":"HUMAN","prompt":Q}],"prediction":T,"gold":"7"},"1":{"origin_prompt":Q,"prediction":T,"gold":"7"}},
    "34 lc v1": {"type":"ai","content":[{"type":"reasoning","reasoning":R},{"type":"text","text":A}]},
    "34b lc msgs": {"messages":[{"type":"human","content":Q},{"type":"ai","content":[{"type":"reasoning","reasoning":R},{"type":"text","text":A}]}]},
    "34c lc dict": [{"type":"human","data":{"content":Q}},{"type":"ai","data":{"content":A,"additional_kwargs":{"reasoning_content":R}}}],
    "34d lc blocks": {"input":Q,"output":{"type":"ai","content":A,"content_blocks":[{"type":"reasoning","reasoning":R},{"type":"text","text":A}]}},
    "34e lc responses": {"type":"ai","content":[{"type":"text","text":A}],"additional_kwargs":{"reasoning":{"id":"rs","type":"reasoning","summary":[{"type":"summary_text","text":R}]}}},
    "35 vllm off": {"request_id":"0","prompt":Q,"outputs":[{"index":0,"text":R+"</think>"+A,"token_ids":[1]}],"finished":True},
    "35b vllm reasoning null tags": {"choices":[{"message":{"role":"assistant","reasoning_content":None,"content":R+"\n</think>\n"+A}}]},
    "36 odd field": {"question":Q,"thinking_content":R,"answer":A},
    "36b odd field resp": {"question":Q,"reasoning_trace":R,"response":A},
    "36c model_reasoning": {"question":Q,"model_reasoning":R,"model_answer":A},
    "36d cot+answer": {"question":Q,"cot":R,"answer":A},
    "36e plain chat": {"id":"c","object":"chat.completion","model":"gpt","choices":[{"index":0,"finish_reason":"stop","message":{"role":"assistant","content":A}}]},
    "36f o1 hidden": {"choices":[{"message":{"role":"assistant","content":A}}],"usage":{"completion_tokens_details":{"reasoning_tokens":9}}},
    "36g msgs as str": {"messages":js([U,{"role":"assistant","content":T}])},
    "36h reasoning list": {"question":Q,"reasoning":[{"type":"text","text":R}],"answer":A},
    "36i reasoning jsonstr": {"question":Q,"reasoning":js([{"type":"thinking","thinking":R}]),"answer":A},
    "36j sharegpt sys": {"conversations":[{"from":"system","value":"s"},{"from":"human","value":Q},{"from":"gpt","value":T}]},
    "36k chosen": {"prompt":Q,"chosen":T,"rejected":"<think>x</think>y"},
    "36l litellm": {"choices":[{"message":{"role":"assistant","content":A,"thinking_blocks":[{"type":"thinking","thinking":R,"signature":"x"}]}}]},
    "36m text only": {"text":f"<|im_start|>user\n{Q}<|im_end|>\n<|im_start|>assistant\n{T}<|im_end|>"},
}
# fmt: on
ANSWER_ONLY = {
    "02e resp no reasoning",
    "05d anth no thinking",
    "05e anth redacted",
    "18c or encrypted",
    "25d nemo off",
    "36e plain chat",
    "36f o1 hidden",
}  # fmt: skip
"""Replies whose reasoning was not given out: an answer, and never reasoning."""
NO_TRACE = {
    "06d gemini err": "a request that failed: quota",
    "06e vertex err": "a request that failed: Bad Request: x",
    "09e lmeval mc": "log-likelihoods, no text of a model",
}
REFUSED = {"36k chosen": "texts stand in chosen"}
NO_QUESTION = {name for name in LAYOUTS if name[:3] in ("02b", "02e", "05b", "05d", "05e", "06g", "08h", "14j", "18b", "18c", "19j", "35b") or name in ("34 lc v1", "34c lc dict", "34e lc responses", "36e plain chat", "36f o1 hidden", "36l litellm")}  # fmt: skip


def imported(value: Any, tmp_path: Path, **how: Any) -> list[Trace]:
    path = tmp_path / "in.json"
    path.write_text(json.dumps(value), encoding="utf-8")
    import_traces([path], tmp_path / "out.jsonl", **how)
    return list(read_traces(tmp_path / "out.jsonl"))


@pytest.mark.parametrize("name", [n for n in LAYOUTS if n not in NO_TRACE and n not in REFUSED])
def test_a_layout(name: str, tmp_path: Path) -> None:
    for trace in imported(LAYOUTS[name], tmp_path):
        assert trace.question == ("" if name in NO_QUESTION else Q)
        thought = trace.reasoning.replace("\n", " ").strip()
        assert thought == ("" if name in ANSWER_ONLY else R)
        answer = trace.answer.removesuffix("<|im_end|>").strip()
        assert answer == ("" if "unclosed" in name else f"<Output>{A}</Output>" if "THOUGHT" in name else A)


@pytest.mark.parametrize("name", [*NO_TRACE, *REFUSED])
def test_a_layout_that_holds_no_trace(name: str, tmp_path: Path) -> None:
    with pytest.raises(InputError) as error:
        imported(LAYOUTS[name], tmp_path)
    assert (NO_TRACE | REFUSED)[name] in str(error.value)


def test_no_think_says_otherwise_where_reasoning_has_its_own_place(tmp_path: Path) -> None:
    (trace,) = imported(LAYOUTS["36e plain chat"], tmp_path, no_think="reasoning")
    assert (trace.reasoning, trace.answer) == (A, "")


def test_a_column_named_for_reasoning_that_was_not_read_is_not_passed_over(tmp_path: Path) -> None:
    row = {"question": Q, "my_thinking": R, "response": A}
    with pytest.raises(InputError, match="--map reasoning=my_thinking"):
        imported(row, tmp_path)
    (trace,) = imported(row, tmp_path, mapping={"reasoning": "my_thinking"})
    assert (trace.reasoning, trace.answer) == (R, A)
    (trace,) = imported(row, tmp_path, no_think="reasoning")
    assert (trace.reasoning, trace.metadata) == (A, {"my_thinking": R})


def test_a_mapped_object_that_holds_reasoning_yields_it(tmp_path: Path) -> None:
    message = {"role": "assistant", "reasoning_content": R, "content": A, "id": "m1"}
    (trace,) = imported({"q": Q, "said": message}, tmp_path, mapping={"question": "q", "response": "said"})
    assert (trace.question, trace.reasoning, trace.answer) == (Q, R, A)
    assert trace.metadata == {"said": {"role": "assistant", "id": "m1"}}
    parts = [{"type": "thinking", "thinking": R, "signature": "s"}, {"type": "text", "text": A}]
    (trace,) = imported({"said": parts}, tmp_path, mapping={"response": "said"})
    assert (trace.reasoning, trace.answer) == (R, A)
    (trace,) = imported({"said": {"answer": message}}, tmp_path, mapping={"answer": "said.answer"})
    assert (trace.reasoning, trace.answer) == (R, A)


def test_hints_name_fields_that_exist_and_were_not_just_tried(tmp_path: Path) -> None:
    row = {"deep": {"said": T, "empty": ""}, "id": "x"}
    with pytest.raises(InputError) as error:
        imported(row, tmp_path, mapping={"response": "deep.empty"})
    assert "texts stand in deep.said: --map response=FIELD takes one" in error.value.hint
    with pytest.raises(InputError) as error:
        imported(row, tmp_path, mapping={"response": "deep.sayd"})
    assert "did you mean deep.said?" in error.value.hint


def test_a_column_named_for_thinking_is_offered_as_the_reasoning(tmp_path: Path) -> None:
    with pytest.raises(InputError) as error:
        imported({"question": Q, "model thinking": R, "final": A}, tmp_path)
    assert "--map 'reasoning=model thinking' takes one" in error.value.hint
    assert "--on-error" not in error.value.hint
    assert "--map id=" not in error.value.hint


def test_one_message_a_row_is_no_chat(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="one message of a chat; a chat is one row"):
        imported({"role": "user", "content": "What is two and two, and why?"}, tmp_path)


def test_packed_files_directories_and_patterns(tmp_path: Path) -> None:
    folder = tmp_path / "runs"
    (folder / "more").mkdir(parents=True)
    lines = "".join(json.dumps({"question": Q, "response": T, "n": n}) + "\n" for n in range(300)).encode()
    (folder / "a.jsonl.gz").write_bytes(gzip.compress(lines))
    with pyarrow.CompressedOutputStream(str(folder / "more/b.jsonl.zst"), "zstd") as stream:
        stream.write(lines)
    (folder / "c.csv.gz").write_bytes(gzip.compress(f'question,response\n{Q},"{T}"\n'.encode()))
    (folder / "notes.txt").write_text("not read")
    report = import_traces([folder], tmp_path / "out.jsonl")
    assert report.files == {
        f"{folder}/a.jsonl.gz": (300, 300),
        f"{folder}/c.csv.gz": (1, 1),
        f"{folder}/more/b.jsonl.zst": (300, 300),
    }
    assert [trace.id for trace in read_traces(tmp_path / "out.jsonl")][:2] == ["a:1", "a:2"]
    report = import_traces([folder / "*.gz"], tmp_path / "out.jsonl")
    assert report.traces == 301
    with pytest.raises(InputError, match="no file has such a name"):
        import_traces([folder / "*.xyz"], tmp_path / "out.jsonl")


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_a_packed_file_that_is_cut_off_keeps_what_stands_before(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"a.jsonl{suffix}"
    lines = "".join(
        json.dumps({"response": f"<think>{R}{n * 7919}</think>{n}"}) + "\n" for n in range(5000)
    ).encode()
    if suffix == ".gz":
        path.write_bytes(gzip.compress(lines))
    else:
        with pyarrow.CompressedOutputStream(str(path), "zstd") as stream:
            stream.write(lines)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(InputError, match="damaged, or not packed"):
        import_traces([path], tmp_path / "out.jsonl")
    report = import_traces([path], tmp_path / "out.jsonl", on_error="skip")
    assert report.traces + report.skipped == report.rows
    assert "nothing behind this place was read" in report.problems[-1].why


def test_runs_in_bulk_with_json_in_text(tmp_path: Path) -> None:
    table = pyarrow.Table.from_pylist(
        [LAYOUTS["15b ls bulk"], {"id": "s", "run_type": "chain", "inputs": "{}", "outputs": "{}"}]
    )
    pyarrow.parquet.write_table(table, tmp_path / "runs.parquet")
    report = import_traces([tmp_path / "runs.parquet"], tmp_path / "out.jsonl")
    (trace,) = read_traces(tmp_path / "out.jsonl")
    assert (trace.question, trace.reasoning, trace.answer) == (Q, R, A)
    assert (report.rows, report.left_out) == (2, 1)


def test_a_conversation_as_json_in_a_cell(tmp_path: Path) -> None:
    row = {"messages": json.dumps([U, {"role": "assistant", "content": T}]), "n": 1}
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist([row]), tmp_path / "chats.parquet")
    import_traces([tmp_path / "chats.parquet"], tmp_path / "out.jsonl")
    (trace,) = read_traces(tmp_path / "out.jsonl")
    assert (trace.question, trace.reasoning.strip(), trace.answer.strip(), trace.metadata) == (
        Q,
        R,
        A,
        {"n": 1},
    )
