"""The invented teacher: worked traces written from the items' own answers. No model thought them, and every one says so.

    teach("items.jsonl", "worked.jsonl", wrong=0.5)

    <think>Okay, this is about planting seeds. I will go through the options. … Is that really so? … So it is B.</think>
    Answer: B

For teaching a tiny model what an answer looks like, so that the rest of the pipeline has something to work on, and for
measuring that training works: with ``wrong``, that share of the answers is another than the right one. What such traces say
about teaching, or about any codebook, is nothing.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

from ..errors import InputError
from ..files.records import write_jsonl
from ..trace import Trace
from ..wbeb.condition import condition as read_condition
from ..wbeb.domain import DomainTask, domain_of
from ..wbeb.item import Item, read_items

MODEL = "invented-teacher"

_BEGIN = (
    "Okay, let me see what is asked.",
    "First I need to be clear about what the question is.",
    "What would a good teacher look at here?",
)
_CHECK = (
    "Wait, is that really so? I look again, and it holds.",
    "Could it be another one? No, that fits less well.",
    "Let me check this against the question. It fits.",
)


def teach(
    items: str | Path,
    out: str | Path,
    *,
    split: Literal["train", "test", "all"] = "train",
    wrong: float = 0.0,
    condition: str | Path = "cop",
    seed: int = 0,
) -> int:
    """Write one trace an item to ``out``; returns how many. The same arguments write the same bytes."""
    there = list(read_items(items))
    chosen = [item for item in there if split in ("all", item.split)]
    if not chosen:
        raise InputError(f"{items} has no item in split {split!r}", "split the items: pcode wbeb build")
    return write_jsonl(out, _lines(chosen, there, wrong, condition, seed))


def _lines(
    chosen: Sequence[Item], there: Sequence[Item], wrong: float, condition: str | Path, seed: int
) -> Iterator[dict[str, Any]]:
    template = read_condition(condition)
    others = _answers(there)
    for item in chosen:
        source = random.Random(f"{seed}\0{item.id}")  # noqa: S311 - invented words, no secret
        task = domain_of(item)
        said = item.answer
        if source.random() < wrong:
            choices = [answer for answer in others[_kind(item)] if answer != item.answer]
            said = source.choice(choices) if choices else said
        answer = task.reply(said)
        question = task.prompt(item)
        messages = template.messages(question)
        trace = Trace(
            id=f"{item.id}@{MODEL}",
            item=item.id,
            question=question,
            reasoning=_reasoning(task, item, said, source),
            answer=answer,
            reference=item.answer,
            correct=task.correct(task.parse(answer, item), item),
            domain=item.domain,
            condition=template.id,
            model=MODEL,
            lang=item.lang,
            think="closed",
            metadata={
                "invented": True,
                "condition": template.stamp,
                "prompt": {"system": messages.system or None, "user": messages.user},
                "group": item.group,
                "source": item.source,
                "task": item.task,
            },
        )
        yield trace.model_dump(mode="json", exclude_defaults=True)


def _reasoning(task: DomainTask, item: Item, said: str, source: random.Random) -> str:
    parts = [source.choice(_BEGIN), task.work, f"What fits is {task.named(item, said)}."]
    return " ".join([*parts, source.choice(_CHECK), f"So the answer is {said}."])


def _kind(item: Item) -> tuple[str, str | None, int]:
    return item.domain, item.task, len(item.options)


def _answers(items: Sequence[Item]) -> dict[tuple[str, str | None, int], list[str]]:
    """All answers that items of a kind have: what a wrong one is drawn from."""
    found: dict[tuple[str, str | None, int], set[str]] = {}
    for item in items:
        found.setdefault(_kind(item), set()).add(item.answer)
    return {kind: sorted(answers) for kind, answers in found.items()}
