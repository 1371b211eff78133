"""NVIDIA's post-training data sets: ``reasoning`` is a switch there, and no reasoning.

    {"input": [{"role": "user", "content": "2+2?"}], "output": "<think>Easy.</think>4", "category": "math", "reasoning": "on", "generator": "DeepSeek-R1"}
    {"uuid": "u1", "reasoning": "off", "messages": [{"role": "user", …}, {"role": "assistant", "content": "4"}]}

With ``"off"`` the response is an answer.
"""

from __future__ import annotations

from ..format import Format, Record, Said, name, text
from ..messages import is_conversation, last_turn
from ..prompt_marks import asked
from ..switches import is_switch


def fits(record: Record) -> bool:
    flag = record.get("reasoning")
    switch = isinstance(flag, bool) or (isinstance(flag, str) and is_switch(flag))
    return switch and ("output" in record or is_conversation(record.get("messages")))


def read(record: Record) -> Said:
    off = str(record["reasoning"]).strip().lower() in ("off", "false", "no")
    said = Said(model=name(record.get("generator")), item=name(record.get("uuid")), known=True)
    if is_conversation(record.get("messages")):
        asked_for = record["messages"]
        answered = last_turn(asked_for)
        said.response, thought = answered.response, answered.reasoning
    else:
        asked_for, output = record.get("input"), record["output"]
        spoken = last_turn(output) if is_conversation(output) else None
        said.response, thought = (spoken.response, spoken.reasoning) if spoken else (text(output), "")
    said.reasoning = thought or ("" if off else None)
    if is_conversation(asked_for):
        turn = last_turn(asked_for, prompt_only=True)
        said.question, system = turn.question, turn.system
    else:
        said.question, system = asked(text(asked_for))
    if system:
        said.more["system"] = system
    return said


def format() -> Format:
    return Format(
        what="NVIDIA's post-training data sets (Nemotron)",
        example={
            "input": [{"role": "user", "content": "2+2?"}], "output": "<think>Two and two.</think>4",
            "category": "math", "reasoning": "on", "generator": "DeepSeek-R1",
        },
        fits=fits,
        read=read,
    )  # fmt: skip
