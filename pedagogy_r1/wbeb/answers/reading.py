"""From a reply to a trace: reasoning told from answer, the answer read, and whether it is right.

    "<think>Air is …</think>The answer is (B)."   →   reasoning "Air is …", answer "The answer is (B).", correct True

An answer is looked for behind the reasoning. Where nothing tells the two apart the whole text is read; if such a text
was cut off, only a strict rule may fire, since what looks like an answer may be a thought on the way to one.
"""

from __future__ import annotations

import json
from typing import Any

from ...chat import ChatReply
from ...trace import Split, Trace, split_think
from ..domain import Parsed
from ..item import Item
from ..questions import AskedQuestion, Questions
from .probability import foretold


def trace_of(questions: Questions, item: Item, sample: int, asked: AskedQuestion, reply: ChatReply) -> Trace:
    """The trace. Times and ids of the server are no part of it, so that the same replies give the same file."""
    settings, task = questions.settings, questions.task(item)
    said = split(reply)
    cut = reply.finish == "length"
    parsed = read_answer(questions, item, said, cut)
    metadata: dict[str, Any] = {
        "condition": settings.condition.stamp,
        "prompt": {"system": asked.messages.system or None, "user": asked.messages.user},
        "shots": settings.shots,
        "sample": sample,
        "seed": settings.seed + sample,
        "finish": reply.finish,
        "truncated": cut,
        "tokens": {
            "prompt": reply.usage.prompt,
            "completion": reply.usage.completion,
            "thought": thought_tokens(said, reply),
        },
        "parsed": parsed._asdict(),
        "group": item.group,
        "source": item.source,
        "task": item.task,
    }
    if own := task.metadata(item):
        metadata["domain"] = own
    if task.gives_probability:
        metadata["probability"] = probability(said, reply, parsed)
    return Trace(
        id=settings.trace_id(item, sample),
        item=item.id,
        question=asked.question,
        reasoning=said.reasoning,
        answer=said.answer,
        reference=item.answer,
        correct=task.correct(parsed, item),
        domain=item.domain,
        condition=settings.condition.id,
        model=settings.called,
        lang=item.lang,
        think=said.think,
        metadata=metadata,
    )


def split(reply: ChatReply) -> Split:
    """The server's own field for reasoning where it has one, else by the tags."""
    if reply.reasoning is not None:
        return Split(reply.reasoning, reply.text, "field")
    return split_think(reply.text)


def answer_text(said: Split) -> str:
    """Where the answer is to be found: all of it, if nothing told reasoning and answer apart."""
    return said.reasoning if said.think == "absent" else said.answer


def read_answer(questions: Questions, item: Item, said: Split, cut: bool) -> Parsed:
    """What the reply answers."""
    text = answer_text(said)
    if not text.strip():
        return Parsed(None, why="cut off before an answer" if cut else "no answer behind the reasoning")
    parsed = questions.task(item).parse(text, item)
    if cut and said.think == "absent" and parsed.value is not None and not parsed.strict:
        return Parsed(None, why="cut off before an answer")
    return parsed


def probability(said: Split, reply: ChatReply, parsed: Parsed) -> dict[str, Any]:
    """That the student's step is right, from where (``token``, ``verbalised``, ``hard``), or why there is none."""
    found = foretold(logprobs(reply.raw), answer_text(said), parsed.value)
    return {key: value for key, value in found._asdict().items() if key != "why" or value is not None}


def thought_tokens(said: Split, reply: ChatReply) -> int:
    """Tokens of the reasoning: as the server counted them, else the completion's in proportion to the characters."""
    usage = json.loads(reply.raw).get("usage") or {}
    counted = (usage.get("completion_tokens_details") or {}).get("reasoning_tokens")
    if counted:
        return int(counted)
    whole = len(said.reasoning) + len(said.answer)
    return round(reply.usage.completion * len(said.reasoning) / whole) if whole else 0


def logprobs(raw: str) -> list[dict[str, Any]]:
    """The entries of a chat completion's ``logprobs.content``; empty where the server gave none."""
    choice = json.loads(raw)["choices"][0]
    return list((choice.get("logprobs") or {}).get("content") or ())
