"""Multiple-choice questions: what a record must hold to be one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from ..item import Domain, Item

LETTERS = "ABCDEFGHIJ"


class Question(NamedTuple):
    """A question as a file gives it."""

    id: str
    stem: Any
    options: Sequence[Any]
    answer: Any


def choice_item(
    question: Question, *, domain: Domain, source: str, lang: str, metadata: dict[str, Any]
) -> Item | str:
    """The item, or what is wrong with the question. ``answer`` is a letter; the item is its own question family."""
    stem = text(question.stem)
    if not stem:
        return "the question is empty"
    options = [text(option) for option in question.options]
    if len(options) < 2:
        return f"{len(options)} options"
    if len(options) > len(LETTERS):
        return f"{len(options)} options, more than {len(LETTERS)}"
    if not all(options):
        return f"option {LETTERS[options.index('')]} is empty"
    letter = text(question.answer).upper()
    if len(letter) != 1 or letter not in LETTERS[: len(options)]:
        return f"the answer {question.answer!r} is none of {LETTERS[0]} to {LETTERS[len(options) - 1]}"
    right = options[LETTERS.index(letter)]
    if options.count(right) > 1:
        same = " and ".join(name for name, option in zip(LETTERS, options, strict=False) if option == right)
        return f"options {same} are the same, and the answer is one of them"
    return Item(
        id=question.id,
        domain=domain,
        source=source,
        parts={"stem": stem},
        options=tuple(options),
        answer=letter,
        group=question.id,
        lang=lang,
        metadata={name: value for name, value in metadata.items() if value not in (None, "", [])},
    )


def text(value: Any) -> str:
    """A cell as text without space around it; numbers as they print, anything nested as nothing."""
    if isinstance(value, str):
        return value.strip()
    return str(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else ""
