"""A question with examples before it; and what every domain's question ends with.

Example 1

(the question of an item of train)

Answer: B

Now this one.

(the question)

End with a line of this form:
Answer: <A, B, C or D>
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ...errors import InputError
from ..item import Item


def with_examples(
    item: Item, examples: Sequence[Item], show: Callable[[Item], str], ask: Callable[[Item], str]
) -> str:
    """``show``: an item without its answer; ``ask``: how to answer it. Raises `InputError` for an example that gives away."""
    parts = []
    for number, example in enumerate(examples, 1):
        _check(example, item)
        parts += [f"Example {number}", f"{show(example)}\n\nAnswer: {example.answer}"]
    if examples:
        parts.append("Now this one.")
    return "\n\n".join([*parts, show(item), ask(item)])


def _check(example: Item, item: Item) -> None:
    if (example.domain, example.task) != (item.domain, item.task):
        raise InputError(
            f"item {example.id!r} ({example.domain}, {example.task or 'no task'}) is no example for {item.id!r}",
            "examples are of the item's own domain and task",
        )
    if example.split != "train":
        raise InputError(
            f"example {example.id!r} is not from train, but {example.split or 'from no split'}",
            "few-shot examples come from train only; make splits with: pcode wbeb build",
        )
    if example.group == item.group or example.id == item.id:
        raise InputError(
            f"example {example.id!r} is of the group of item {item.id!r} ({item.group})",
            "examples must not share the student, essay, transcript or question family with the item",
        )


def form(*lines: str) -> str:
    """How to answer. What is to be filled in stands in ``<…>`` and, read back, is no answer."""
    count = "a line" if len(lines) == 1 else f"{len(lines)} lines"
    return "\n".join([f"End with {count} of this form:", *lines])


def one_of(what: Sequence[str]) -> str:
    """``A, B, C or D``."""
    return " or ".join(filter(None, (", ".join(what[:-1]), *what[-1:])))
