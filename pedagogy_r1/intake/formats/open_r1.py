"""OpenR1-Math and its kind: several generations of one problem, and columns aligned with them.

    {"problem": "2+2?", "solution": "by a human", "answer": "4", "uuid": "u1", "generations": ["<think>Easy.</think>4", …],
     "correctness_math_verify": [true, …], "finish_reasons": ["stop", …], "messages": [{"role": "user", …}, {"role": "assistant", …}]}

``answer`` is the reference, never the model's. With ``--explode generations`` each is a trace of the same item.
"""

from __future__ import annotations

from typing import Any

from ..format import Format, Record, Said, first, name, text
from ..messages import NotChat, hear, is_conversation, last_turn

_CORRECT = ("correctness_math_verify", "correctness_llama", "correctness")


def fits(record: Record) -> bool:
    generations = record.get("generations")
    return (
        isinstance(generations, list | str)
        and ("problem" in record or "messages" in record)
        and "distilabel_metadata" not in record
    )


def read(record: Record) -> list[Said]:
    generations = (
        record["generations"] if isinstance(record["generations"], list) else [record["generations"]]
    )
    question = next((record[c] for c in ("problem", "question", "prompt") if text(record.get(c))), "")
    messages = record.get("messages")
    if not question and is_conversation(messages):
        question = last_turn(messages, prompt_only=True).question
    verdicts = first([record[c] for c in _CORRECT if isinstance(record.get(c), list | bool)])
    found = []
    for n, generation in enumerate(generations):
        if not isinstance(generation, str | dict):
            raise NotChat(f"generations.{n} is {type(generation).__name__}, not text")
        heard, correct = hear(generation), _verdict(verdicts, n)
        found.append(
            Said(
                question=question, response=heard.text, reasoning=heard.reasoning or None, correct=correct,
                reference=record.get("answer"), item=name(record.get("uuid")), known=True,
            )
        )  # fmt: skip
    return found


def _verdict(verdicts: Any, n: int) -> Any:
    """That of the n-th generation, or the one of all."""
    if isinstance(verdicts, list):
        return verdicts[n] if n < len(verdicts) else None
    return verdicts


def format() -> Format:
    return Format(
        what="OpenR1-Math and its kind: several generations of one problem",
        example={
            "problem": "2+2?", "solution": "by a human", "answer": "4", "uuid": "u1",
            "generations": ["<think>Two and two.</think>4", "<think>Three?</think>5"], "correctness_math_verify": [True, False],
        },
        fits=fits,
        read=read,
    )  # fmt: skip
