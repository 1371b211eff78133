"""AM-DeepSeek-R1-Distilled: messages, each with an ``info`` that says its reasoning, its answer and the reference again.

{"messages": [{"role": "user", "content": "2+2?", "info": {"reference_answer": "4", …}},
  {"role": "assistant", "content": "<think>Easy.</think>\\n<answer>4</answer>", "info": {"think_content": "Easy.", "answer_content": "4"}}]}
"""

from __future__ import annotations

from ..format import Format, Record, Said, obj, text
from ..messages import is_conversation, last_turn


def fits(record: Record) -> bool:
    messages = record.get("messages")
    return is_conversation(messages) and any(
        "think_content" in obj(message.get("info")) for message in messages or ()
    )


def read(record: Record) -> Said:
    turn = last_turn(record["messages"])
    infos = [obj(message.get("info")) for message in record["messages"]]
    said = Said(question=turn.question, response=turn.response, reasoning=turn.reasoning or None)
    said.reference = next((info["reference_answer"] for info in infos if info.get("reference_answer")), None)
    thought = text(infos[-1].get("think_content"))
    if thought and thought.strip() not in turn.response:
        said.reasoning = thought
    if turn.system:
        said.more["system"] = turn.system
    return said


def format() -> Format:
    asked = {
        "role": "user",
        "content": "2+2?",
        "info": {"source": "sums", "reference_answer": "4", "think_content": None, "answer_content": None},
    }
    info = {"source": None, "reference_answer": None, "think_content": "Two and two.", "answer_content": "4"}
    answered = {
        "role": "assistant",
        "content": "<think>Two and two.</think>\n<answer>4</answer>",
        "info": info,
    }
    return Format(
        what="AM-DeepSeek-R1-Distilled", example={"messages": [asked, answered]}, fits=fits, read=read
    )
