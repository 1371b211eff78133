"""SK, subject knowledge: junior-high examination questions with options. Score: accuracy.

Which group in the animal kingdom has the most species?    A. Tortoises  B. Toads  C. Earthworms  D. Insects    → D
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ...estimate import Resampling
from ..answers.chosen_option import read_choice
from ..answers.named_options import LETTERS
from ..domain import Answered, DomainTask, Parsed, Score, form, one_of
from ..item import Item
from ..score import accuracy


@dataclass(frozen=True)
class Choice(DomainTask):
    """Questions with options, answered with a letter. ``intro``: what kind of question it is; ``stem``: of the `example`."""

    name: str
    intro: str
    work: str
    stem: str
    options: tuple[str, ...]
    answer: str

    def example(self) -> Item:
        return Item(
            id=f"{self.name.lower()}-1",
            domain=self.name,
            source="example",
            parts={"stem": self.stem},
            options=self.options,
            answer=self.answer,
            group=f"{self.name.lower()}-1",
        )

    def show(self, item: Item) -> str:
        options = (f"{a}. {text}" for a, text in zip(LETTERS, item.options, strict=False))
        return "\n".join([self.intro, "", item.parts.get("stem", ""), "", *options])

    def ask(self, item: Item) -> str:
        return form(f"Answer: <{one_of(LETTERS[: len(item.options)])}>")

    def parse(self, answer: str, item: Item) -> Parsed:
        return read_choice(answer, item.options)

    def scores(self, answered: Sequence[Answered], how: Resampling) -> list[Score]:
        return [accuracy(answered, how)]

    def metadata(self, item: Item) -> dict[str, Any]:
        return {"options": list(item.options)}

    def leak_text(self, item: Item) -> str:
        return "\n".join([DomainTask.leak_text(self, item), *item.options])

    def named(self, item: Item, said: str) -> str:
        return item.options[LETTERS.index(said)]


def domain() -> DomainTask:
    return Choice(
        "SK",
        "The following question is from an examination at junior high school.",
        "I will go through the options one by one and think of what pupils often mix up.",
        "Which group in the animal kingdom has the most species?",
        ("Tortoises", "Toads", "Earthworms", "Insects"),
        "D",
    )
