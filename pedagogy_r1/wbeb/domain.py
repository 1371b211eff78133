"""What a domain of the benchmark is: how its items are put, read and scored, and whatever else differs between domains.

One file a domain, in ``domains/`` or in a plugin's package, exposes ``domain() -> DomainTask``; the file is named for the domain
in small letters (SK: ``sk.py``). No other file knows a domain by name, except where something is about that domain alone.

    task = domain_of(item)
    prompt = task.prompt(item, examples)            the question as text, few-shot examples in it
    said = task.parse(answer, item)                 Parsed("B", "boxed") or Parsed(None, None, "no option is named as the answer")
    task.correct(said, item)                        True, False, or None where nothing could be read
    task.scores(answered, how)                      [Score("accuracy", Estimate(.31, .25, .38, …), chance=.25), …]
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from ..errors import InputError
from ..estimate import Estimate, Resampling
from ..plugins import load
from .answers.parsed import Parsed as Parsed
from .item import PLUGINS, Item


@dataclass(frozen=True)
class Answered:
    """One item with one answer to it. ``probability``: that the answer is ``right``, for KT; ``kind`` says from where."""

    item: Item
    parsed: Parsed
    correct: bool | None
    truncated: bool = False
    tokens: int | None = None
    probability: float | None = None
    kind: str | None = None
    """``token``, ``verbalised`` or ``hard`` (KT)."""
    thought: int | None = None
    """Tokens of the reasoning alone."""


@dataclass(frozen=True)
class Score:
    """One number with its bootstrap interval over groups.

    ``chance`` and ``majority``: what guessing and the most frequent answer would get. ``note``: what the score was computed
    from (KT: which probability), and what must be known of its interval.
    """

    name: str
    estimate: Estimate
    chance: float | None = None
    majority: float | None = None
    note: str | None = None
    replicates: Any = field(default=None, compare=False, repr=False)
    """The resampled values (replicates,), to be paired with another score's of the same groups; not written down."""

    @property
    def remarks(self) -> str:
        """The note, and what must be known of the interval."""
        return "; ".join(filter(None, (self.note, *self.estimate.warnings)))

    def as_json(self) -> dict[str, Any]:
        """Plain values, one level deep: ``name``, then the estimate's own fields."""
        beside = {"chance": self.chance, "majority": self.majority, "note": self.note}
        return {"name": self.name, **self.estimate.as_json(), **beside}


class DomainTask(Protocol):
    """One domain. Subclasses say how to ``show``, ``ask``, ``parse`` and ``scores``; what most have in common stands here."""

    work: str
    """What an invented teacher says of how it goes about an item (see `train.invented_teacher`)."""
    leaks_if_short: bool = True
    """Whether two short texts that are the same are a leak; False where they are the same by chance ("Seven." "Seven.")."""
    gives_probability: bool = False
    """Whether an answer is a probability too, so that token probabilities are asked for."""
    cost_share: float = 1.0
    """Its share of questions and answers in what a recipe costs, relative to the other domains'."""

    def example(self) -> Item:
        """A small item, for the documentation."""

    def show(self, item: Item) -> str:
        """The question without its answer."""

    def ask(self, item: Item) -> str:
        """How to answer it."""

    def prompt(self, item: Item, examples: Sequence[Item] = ()) -> str:
        """The question as it is put, after ``examples`` with their answers (from train only: `InputError` otherwise).

        "Example 1", a question of train, "Answer: B"; "Now this one.", the question, "End with a line of this form: …"
        """
        parts = []
        for number, example in enumerate(examples, 1):
            _check(example, item)
            parts += [f"Example {number}", f"{self.show(example)}\n\nAnswer: {example.answer}"]
        if examples:
            parts.append("Now this one.")
        return "\n\n".join([*parts, self.show(item), self.ask(item)])

    def parse(self, answer: str, item: Item) -> Parsed:
        """Strict rules first, tolerant ones second; never raises."""

    def correct(self, parsed: Parsed, item: Item) -> bool | None:
        """Whether it is the item's answer; ``None`` where nothing could be read (a wrong answer in every score)."""
        return None if parsed.value is None else parsed.value == item.answer

    def scores(self, answered: Sequence[Answered], how: Resampling) -> list[Score]:
        """The domain's scores."""

    def metadata(self, item: Item) -> dict[str, Any]:  # noqa: ARG002 - every domain takes it
        """Settings that the prompt depends on and that the trace records."""
        return {}

    def leak_text(self, item: Item) -> str:
        """What of an item must not be met twice; empty where the groups alone keep train and test apart."""
        return "\n".join(text for _, text in sorted(item.parts.items()))

    def named(self, item: Item, said: str) -> str:  # noqa: ARG002 - every domain takes it
        """The answer ``said`` as the invented teacher speaks of it."""
        return said

    def reply(self, said: str) -> str:
        """The invented teacher's final answer, in the form that is asked for."""
        return f"Answer: {said}"


def domain_of(item: Item) -> DomainTask:
    return domain_named(item.domain)


def domain_named(name: str) -> DomainTask:
    """The task of a domain by its name, as items write it."""
    task: DomainTask = load(PLUGINS, name.lower())()
    return task


def form(*lines: str) -> str:
    """How to answer. What is to be filled in stands in ``<…>`` and, read back, is no answer."""
    count = "a line" if len(lines) == 1 else f"{len(lines)} lines"
    return "\n".join([f"End with {count} of this form:", *lines])


def one_of(what: Sequence[str]) -> str:
    """``A, B, C or D``."""
    return " or ".join(filter(None, (", ".join(what[:-1]), *what[-1:])))


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
