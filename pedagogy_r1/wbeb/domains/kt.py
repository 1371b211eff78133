"""KT, knowledge tracing: will the student get the next step right? Scores: AUC and accuracy.

    1. Venn Diagram: right                     metadata["steps"]: {"skills": ["Venn Diagram"], "correct": 1} …
    2. Table; Mean: wrong
    Next step: 3. Mean                         the last of the steps
    Answer: wrong                              answer "wrong"
    Probability: 0.31                          that it is right

AUC orders steps by the probability that they are right. Where that is from matters more than anything else (``note``): from the
probabilities of the answer's tokens, from the model's words, or from its hard answer, where AUC is no more than balanced
accuracy. Probabilities of several kinds are not on one scale; if there are several, the note counts them. It counts those too
that come from answers in which neither word could be read: accuracy counts such an answer as wrong, AUC does not.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ...errors import InputError
from ...estimate import Resampling
from ...formatting import counted
from ..answers.given_word import read_word
from ..domain import Answered, DomainTask, Parsed, Score, form
from ..item import Item
from ..score import Beside, majority_share, scorer_of

_WORDS = {"right": ("right", "correct", "correctly"), "wrong": ("wrong", "incorrect", "incorrectly")}
_WILL = r"\b(?:will|would|should|likely to|going to|expected to)\b[^.\n]{0,40}\b(?:answer|get|solve|do)\b[^.\n]{0,30}?"
_WILL_NOT = r"\b(?:(?:will|would|does|is likely to|is going to|is expected to)\s+not|won['’]t|wouldn['’]t|doesn['’]t|is(?:n['’]t| not) (?:likely|going|expected) to|is unlikely to)\s+(?:be able to\s+)?(?:answer|get|solve|do)\b[^.\n]{0,30}?"
_FORETOLD = r"\b(?:expect|predict|foresee|forecast)\b[^.,\n]{0,30}?"
_ANSWER_IS = r"\bstudent['’]s (?:answer|response|next step)\b[^.,;\n]{0,40}?\b(?:is|will be)\s+"
_PHRASES = {
    "right": (
        rf"{_FORETOLD}\b(?:right|correct(?:ly)?)\b",
        rf"{_WILL}\b(?:right|correct(?:ly)?)\b",
        rf"{_WILL_NOT}\b(?:wrong|incorrect(?:ly)?)\b",
        rf"{_ANSWER_IS}(?:right|correct)\b",
    ),
    "wrong": (
        rf"{_FORETOLD}\b(?:wrong|incorrect(?:ly)?)\b",
        rf"{_WILL}\b(?:wrong|incorrect(?:ly)?)\b",
        rf"{_WILL_NOT}\b(?:right|correct(?:ly)?)\b",
        rf"{_ANSWER_IS}(?:wrong|incorrect)\b",
        rf"{_ANSWER_IS}not\s+(?:right|correct)\b",
    ),
}
_ANSWER = "Answer: <right or wrong>"
_PROBABILITY = (
    "Probability: <a number from 0.00 to 1.00: how likely it is that the student gets this step right>"
)


@dataclass(frozen=True)
class Tracing(DomainTask):
    """``verbalise``: ask for the probability in words too, so that AUC can be had from any model."""

    verbalise: bool = True
    work = "I will look at how the student did on the same skill before."
    gives_probability = True

    def example(self) -> Item:
        steps = [
            {"problem": "p1", "skills": ["Venn Diagram"], "correct": 1},
            {"problem": "p2", "skills": ["Table", "Mean"], "correct": 0},
            {"problem": "p3", "skills": ["Mean"], "correct": 0},
        ]
        about = {"steps": steps}
        return Item(
            id="kt-1", domain="KT", source="example", answer="wrong", group="student-1", metadata=about
        )

    def show(self, item: Item) -> str:
        *before, after = _steps(item)
        opening = "A student begins to work through exercises."
        if before:
            opening = "A student works through exercises. The steps so far, in order, each with the skills it takes:"
        told = [
            f"{n}. {_skills(step)}: {'right' if step['correct'] else 'wrong'}"
            for n, step in enumerate(before, 1)
        ]
        following = f"Next step: {len(before) + 1}. {_skills(after)}"
        return "\n".join([opening, *told, "", following, "Will the student get this step right or wrong?"])

    def ask(self, item: Item) -> str:  # noqa: ARG002 - every domain takes it
        return form(_ANSWER, _PROBABILITY) if self.verbalise else form(_ANSWER)

    def parse(self, answer: str, item: Item) -> Parsed:  # noqa: ARG002 - every domain takes it
        """``right`` or ``wrong``; the line with the probability is read by `wbeb.answers.probability`."""
        return read_word(answer, _WORDS, _PHRASES, ("answer", "prediction"))

    def scores(self, answered: Sequence[Answered], how: Resampling) -> list[Score]:
        """AUC from probabilities (answers without one are left out, and counted), accuracy from the words."""
        scorer = scorer_of(answered, how)
        told = [_told(a) for a in answered]
        right = [a.item.answer == "right" for a in answered]
        p = [math.nan if value is None else value for value, _ in told]
        beside = Beside(0.5, majority_share(answered), "from the answer in words")
        unread = sum(
            a.parsed.value is None and value is not None for a, (value, _) in zip(answered, told, strict=True)
        )
        return [
            scorer.area("auc", right, p, Beside(0.5, 0.5, _note([kind for _, kind in told], unread))),
            scorer.share("accuracy", [bool(a.correct) for a in answered], beside),
        ]

    def metadata(self, item: Item) -> dict[str, Any]:
        return {"history": len(_steps(item)) - 1, "verbalise": self.verbalise}

    def leak_text(self, item: Item) -> str:  # noqa: ARG002 - every domain takes it
        """Nothing: the groups keep students apart."""
        return ""

    def reply(self, said: str) -> str:
        return f"Answer: {said}\nProbability: {0.9 if said == 'right' else 0.1:.2f}"


def domain() -> DomainTask:
    return Tracing()


def _steps(item: Item) -> list[dict[str, Any]]:
    steps = item.metadata.get("steps")
    if not isinstance(steps, list) or not steps:
        raise InputError(
            f"item {item.id!r} has no steps", 'a KT item has metadata {"steps": [{"skills": …}]}'
        )
    return steps


def _skills(step: dict[str, Any]) -> str:
    return "; ".join(map(str, step["skills"])) or "skill not named"


def _told(answer: Answered) -> tuple[float | None, str | None]:
    """The probability and where it is from; the hard answer where there is no other."""
    if answer.probability is not None:
        return answer.probability, answer.kind or "unknown"
    if answer.parsed.value is not None:
        return float(answer.parsed.value == "right"), "hard"
    return None, None


def _note(kinds: Sequence[str | None], unread: int) -> str:
    """Where the probabilities are from; ``unread``: how many are from answers that could not be read."""
    counts = Counter(kind for kind in kinds if kind)
    none = sum(kind is None for kind in kinds)
    if len(counts) > 1:
        said = "mixed probabilities, not on one scale: " + ", ".join(
            f"{k} in {n}" for k, n in counts.most_common()
        )
    elif counts:
        (kind,) = counts
        said = "from hard answers: balanced accuracy" if kind == "hard" else f"from {kind} probabilities"
    else:
        said = "no probabilities"
    if unread:
        said += f"; {unread} of {counts.total()} from answers that could not be read"
    return said + (f"; {counted(none, 'answer')} without one left out" if none and counts else "")
