"""A question with options, answered with a letter: what SK and PK have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import fsum
from typing import Any

from ..answer import read_choice
from ..item import Item
from ..option import LETTERS
from ..score import Beside, Sample, majority_share
from . import Answered, Parsed, Resampling, Score
from ._shots import form, one_of, with_examples


@dataclass(frozen=True)
class Choice:
    """Questions with options. ``intro``: what kind of question it is."""

    intro: str

    def prompt(self, item: Item, examples: Sequence[Item] = ()) -> str:
        """The question, options under it by letter."""
        return with_examples(item, examples, self._show, _ask)

    def _show(self, item: Item) -> str:
        options = (f"{a}. {text}" for a, text in zip(LETTERS, item.options, strict=False))
        return "\n".join([self.intro, "", item.parts.get("stem", ""), "", *options])

    def parse(self, answer: str, item: Item) -> Parsed:
        """The letter of the option chosen."""
        return read_choice(answer, item.options)

    def correct(self, parsed: Parsed, item: Item) -> bool | None:
        """Whether it is the right letter."""
        return None if parsed.value is None else parsed.value == item.answer

    def scores(self, answered: Sequence[Answered], how: Resampling) -> list[Score]:
        """Accuracy; what could not be read is wrong. Chance: one option at random."""
        return [accuracy(answered, how)]

    def metadata(self, item: Item) -> dict[str, Any]:
        """The options, in the order they were put."""
        return {"options": list(item.options)}


def _ask(item: Item) -> str:
    return form(f"Answer: <{one_of(LETTERS[: len(item.options)])}>")


def accuracy(answered: Sequence[Answered], how: Resampling) -> Score:
    """Share of right answers, for items with options."""
    chance = fsum(1 / max(1, len(a.item.options)) for a in answered) / len(answered) if answered else None
    beside = Beside(chance, majority_share(answered))
    return Sample.of(answered, how).share("accuracy", [bool(a.correct) for a in answered], beside)
