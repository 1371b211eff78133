"""Completions that TRL's trainers log, as text or as messages, and every pair of prompt and completion.

{"step": 10, "prompt": "2+2?", "completion": "<think>Easy.</think>4", "accuracy_reward": 1.0, "advantage": 0.5}
{"step": 10, "prompt": [{"role": "user", "content": "2+2?"}], "completion": [{"role": "assistant", "content": "<think>Easy.</think>4"}]}
"""

from __future__ import annotations

from ..format import Format, Record, Said, text
from ..messages import is_conversation, last_turn
from ..prompt_marks import asked


def fits(record: Record) -> bool:
    prompt, completion = record.get("prompt"), record.get("completion")
    asked_for = isinstance(prompt, str) or is_conversation(prompt)
    return (
        asked_for and (isinstance(completion, str) or is_conversation(completion)) and "choices" not in record
    )


def read(record: Record) -> Said:
    prompt, completion = record["prompt"], record["completion"]
    said = Said(known=True, where={"question": "prompt", "response": "completion"})
    if isinstance(prompt, str):
        said.question, system = asked(prompt)
        said.prompt = prompt
    else:
        turn = last_turn(prompt, prompt_only=True)
        said.question, system = turn.question, turn.system
    if system:
        said.more["system"] = system
    if isinstance(completion, str):
        said.response = text(completion)
    else:
        turn = last_turn(completion)
        said.response, said.reasoning = turn.response, turn.reasoning or None
    return said


def format() -> Format:
    return Format(
        what="completions logged by TRL; prompt and completion, as text or messages",
        example={
            "step": 10,
            "prompt": "2+2?",
            "completion": "<think>Two and two.</think>4",
            "accuracy_reward": 1.0,
            "advantage": 0.5,
        },
        fits=fits,
        read=read,
    )
