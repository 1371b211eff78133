"""Whole conversations as one text, in the marks of a chat template or of Harmony: training texts, raw generations.

{"text": "<|im_start|>user\\n2+2?<|im_end|>\\n<|im_start|>assistant\\n<think>Easy.</think>4<|im_end|>"}
{"text": "<|im_start|>user\\n2+2?<|im_end|>\\n<|im_start|>assistant\\n<|im_start|>think\\nEasy.\\n<|im_start|>answer\\n4<|im_end|>"}       s1K
"""

from __future__ import annotations

from ..format import Format, NoTrace, Record, Said, has
from ..prompt_marks import template_turns
from ..think_tags import split_harmony

_ELSEWHERE = (
    "response",
    "completion",
    "output",
    "generation",
    "reasoning",
    "answer",
    "messages",
    "conversations",
    "choices",
    "content",
)


def fits(record: Record) -> bool:
    whole = record.get("text")
    if not isinstance(whole, str) or any(has(record, column) for column in _ELSEWHERE):
        return False
    return split_harmony(whole) is not None or any(
        role == "assistant" for role, _ in template_turns(whole) or ()
    )


def read(record: Record) -> Said:
    whole = record["text"]
    if split_harmony(whole):
        return Said(response=whole, known=True)
    turns = template_turns(whole) or []
    last = max(n for n, (role, _) in enumerate(turns) if role == "assistant")
    asked, behind = _said_by("user", turns[:last]), dict(turns[last + 1 :])
    system = "\n\n".join(_said_by("system", turns))
    more = {"system": system} if system else {}
    said = Said(question=asked[-1] if asked else "", response=turns[last][1], more=more, known=True)
    if "think" in behind:
        said.reasoning, said.response = behind["think"], behind.get("answer", "")
    if not said.response.strip() and not said.reasoning:
        raise NoTrace("a prompt without an answer")
    return said


def _said_by(who: str, turns: list[tuple[str, str]]) -> list[str]:
    return [said for role, said in turns if role == who]


def format() -> Format:
    return Format(
        what="whole conversations as one text, in a chat template's marks or Harmony's",
        example={
            "text": "<|im_start|>user\n2+2?<|im_end|>\n<|im_start|>assistant\n<think>Two and two.</think>4<|im_end|>"
        },
        fits=fits,
        read=read,
    )
