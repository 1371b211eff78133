"""Domains, one file each. A plugin exposes ``domain() -> DomainTask``: how to ask, how to read an answer, how to score.

task = domain_of(item)
prompt = task.prompt(item, examples)            the question as text, few-shot examples in it
said = task.parse(answer, item)                 Parsed("B", "boxed") or Parsed(None, None, "no option is named")
task.correct(said, item)                        True, False, or None where nothing could be read
task.scores(answered, how)                      [Score("accuracy", .31, .25, .38, n=292, chance=.25), …]
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from ..item import Item

PLUGINS = "pedagogy_r1.wbeb.domains"


class Parsed(NamedTuple):
    """What an answer says. ``rule``: the rule that fired, strict ones first; ``why``: why nothing could be read."""

    value: str | None
    rule: str | None = None
    strict: bool = False
    why: str | None = None


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
    """One number with its interval. ``estimate`` is ``None`` where it is undefined, and ``why_undefined`` says why.

    ``low``, ``high``: 95 % bootstrap interval, groups resampled. ``chance`` and ``majority``: what guessing and the most
    frequent answer would get. ``note``: what the score was computed from (KT: which probability).
    """

    name: str
    estimate: float | None
    low: float | None
    high: float | None
    n: int
    chance: float | None = None
    majority: float | None = None
    why_undefined: str | None = None
    note: str | None = None


class Resampling(NamedTuple):
    """How intervals are made. ``keep``: where the replicates of each score are put, by its name, to be paired with another's."""

    replicates: int = 1000
    seed: int = 0
    keep: dict[str, Any] | None = None


class DomainTask(Protocol):
    """One domain."""

    def prompt(self, item: Item, examples: Sequence[Item] = ()) -> str:
        """The question as it is put, after ``examples`` with their answers (from train only: `InputError` otherwise)."""
        ...

    def parse(self, answer: str, item: Item) -> Parsed:
        """Strict rules first, tolerant ones second; never raises."""
        ...

    def correct(self, parsed: Parsed, item: Item) -> bool | None:
        """Whether it is the item's answer; ``None`` where nothing could be read (a wrong answer in every score)."""
        ...

    def scores(self, answered: Sequence[Answered], how: Resampling) -> list[Score]:
        """The domain's scores."""
        ...

    def metadata(self, item: Item) -> dict[str, Any]:
        """Settings that the prompt depends on and that the trace records."""
        ...


def domain_of(item: Item) -> DomainTask:
    """The task of the item's domain."""
    from ...plugins import load

    task: DomainTask = load(PLUGINS, item.domain.lower())()
    return task
