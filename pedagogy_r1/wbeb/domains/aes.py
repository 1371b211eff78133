"""AES, essay scoring: a whole score for an essay. Scores: quadratic weighted kappa, exact and adjacent agreement, MAE.

    parts {"prompt": "Do computers do people good?", "essay": "Dear local newspaper, …"}    scale 1–6    → "4"

An answer that could not be read agrees with nothing, exactly or nearly. For kappa and the mean absolute error it has no value:
it is left out there, and the note and ``n`` say so.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from ...errors import InputError
from ...estimate import Resampling
from ..answers.given_score import read_number
from ..domain import Answered, DomainTask, Parsed, Score, form
from ..item import Item
from ..score import Beside, most_frequent, scorer_of
from ..weighted_scores import weighted_kappa


class Essays(DomainTask):
    """Essays on the scale of ``metadata["scale"]``, ``[low, high]``."""

    work = "I will hold the essay against the scale: claim, reasons, order, language."

    def example(self) -> Item:
        essay = "Dear local newspaper, computers help us …"
        return Item(
            id="aes-1",
            domain="AES",
            source="example",
            parts={"prompt": "Do computers do people good?", "essay": essay},
            answer="4",
            group="prompt-1",
            metadata={"scale": [1, 6]},
        )

    def show(self, item: Item) -> str:
        """The essay's own prompt, the essay, the scale."""
        parts = ["A student wrote this essay."]
        if item.parts.get("prompt"):
            parts.append(f"What was asked for:\n{item.parts['prompt']}")
        if item.parts.get("rubric"):
            parts.append(f"How it is scored:\n{item.parts['rubric']}")
        low, high = scale(item)
        ask = f"Score the essay as a whole, from {low} (worst) to {high} (best), as an experienced teacher would."
        return "\n\n".join([*parts, f"The essay:\n{item.parts.get('essay', '')}", ask])

    def ask(self, item: Item) -> str:
        low, high = scale(item)
        return form(f"Answer: <a whole number from {low} to {high}>")

    def parse(self, answer: str, item: Item) -> Parsed:
        return read_number(answer, *scale(item))

    def scores(self, answered: Sequence[Answered], how: Resampling) -> list[Score]:
        """Chance: every score of the scale as likely; majority: always the most frequent one."""
        scorer = scorer_of(answered, how)
        low, shape = _widest([scale(a.item) for a in answered])
        truth = [int(a.item.answer) for a in answered]
        said = [None if a.parsed.value is None else int(a.parsed.value) for a in answered]
        apart, unread = _apart(said, truth), said.count(None)
        left_out = f"{unread} of {len(said)} could not be read and are left out" if unread else None
        same, near = _baselines(answered, lambda d: d == 0), _baselines(answered, lambda d: d <= 1)
        constant = "people or the model always give one and the same score"
        rows, columns = [t - low for t in truth], [-1 if s is None else s - low for s in said]
        beside = Beside(0.0, 0.0, left_out)
        return [
            scorer.of_table("qwk", rows, columns, shape, weighted_kappa, constant, beside),
            scorer.share("exact", [d == 0 for d in apart], Beside(*same)),
            scorer.share("adjacent", [d <= 1 for d in apart], Beside(*near)),
            scorer.mean("mae", apart, Beside(*_baselines(answered, float), left_out)),
        ]

    def metadata(self, item: Item) -> dict[str, Any]:
        return {"scale": list(scale(item))}

    def leak_text(self, item: Item) -> str:
        """The essay: many answer one prompt."""
        return item.parts.get("essay", "")


def _apart(said: Sequence[int | None], truth: Sequence[int]) -> list[float]:
    """(answers,) how far what is said lies from what is right; NaN where nothing is said."""
    return [math.nan if s is None else abs(s - t) for s, t in zip(said, truth, strict=True)]


def domain() -> DomainTask:
    return Essays()


def scale(item: Item) -> tuple[int, int]:
    """Lowest and highest score. Raises `InputError` where the item does not say."""
    match item.metadata.get("scale"):
        case [int(low), int(high)] if low < high:
            return low, high
    raise InputError(f"item {item.id!r} has no scale", 'an AES item has metadata {"scale": [1, 6]}')


def _widest(scales: Sequence[tuple[int, int]]) -> tuple[int, tuple[int, int]]:
    """The lowest score of all scales, and the shape of the table from there up to the highest."""
    low, high = min((low for low, _ in scales), default=0), max((high for _, high in scales), default=0)
    return low, (high - low + 1, high - low + 1)


def _baselines(
    answered: Sequence[Answered], value: Callable[[int], float]
) -> tuple[float | None, float | None]:
    """Mean of ``value`` of the distance, for a score at random and for the most frequent score."""
    if not answered:
        return None, None
    truth = [int(a.item.answer) for a in answered]
    usual = int(most_frequent([a.item.answer for a in answered]))
    guessed = []
    for t, a in zip(truth, answered, strict=True):
        low, high = scale(a.item)
        guessed.append(sum(value(abs(t - s)) for s in range(low, high + 1)) / (high - low + 1))
    return math.fsum(guessed) / len(truth), math.fsum(value(abs(t - usual)) for t in truth) / len(truth)
