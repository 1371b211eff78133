"""DM, teacher decision-making: what a teacher does with what a student said. Scores: accuracy and macro-F1, by task.

    task uptake     student "I'm having trouble with these two."   teacher "To solve them?"      → mid
    task move       student "Seven"                                teacher "Seven"               → restating
    task focusing   student …                                      teacher "How did you …?"      → focusing

The codes of a task are the item's options; they are put and answered by name. What they mean is said in the prompt: talk moves
after Suresh et al. (2022), uptake after Demszky et al. (2021), focusing questions after the NCTE transcripts, in our words.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from ...errors import InputError
from ...estimate import Resampling
from ..answers.given_word import read_word
from ..domain import Answered, DomainTask, Parsed, Score, form, one_of
from ..item import Item
from ..score import Beside, accuracy, most_frequent, scorer_of
from ..weighted_scores import macro_f1


class TalkCode(NamedTuple):
    """What a code means, and other ways to write it."""

    meaning: str
    also: tuple[str, ...] = ()


_MOVES = {
    "none": TalkCode("no talk move", ("no talk move", "no move", "none of these", "not coded")),
    "together": TalkCode(
        "keeping everyone together: sees to it that all students listen, follow, and know what is being talked about",
        ("keeping everyone together", "keep everyone together", "keeping together"),
    ),
    "relating": TalkCode(
        "getting students to relate to another's ideas: asks students to respond to what another student said or did",
        ("getting students to relate", "getting students to relate to another's ideas", "getting students to relate to another student's ideas", "relate"),
    ),
    "restating": TalkCode("repeats what a student said, all or part of it, in the same words", ("restate", "restatement")),
    "revoicing": TalkCode("repeats what a student said, with words added or changed", ("revoice",)),
    "accuracy": TalkCode(
        "pressing for accuracy: asks for an answer, a fact, a step, or the mathematical word",
        ("pressing for accuracy", "press for accuracy"),
    ),
    "reasoning": TalkCode(
        "pressing for reasoning: asks students to explain, justify, or connect ideas",
        ("pressing for reasoning", "press for reasoning"),
    ),
}  # fmt: skip
_UPTAKE = {
    "low": TalkCode("does not take it up, or hardly", ("low uptake",)),
    "mid": TalkCode("takes it up somewhat: acknowledges or repeats it", ("mid uptake", "medium", "moderate", "middle")),
    "high": TalkCode("takes it up fully: builds on it, asks about it, or carries it further", ("high uptake",)),
}  # fmt: skip
_FOCUSING = {
    "other": TalkCode("asks nothing of the kind, or leads step by step to one answer", ("not focusing", "no")),
    "focusing": TalkCode("asks a question that attends to what students think, and gets them to say more of it", ("focusing question", "yes")),
}  # fmt: skip


_A_MOVE = r"\b(?:an?|the)\s+[\"'“‘*]*(?:{})[\"'”’*]*\s+(?:talk\s+)?(?:move|code)\b"
"""A code in passing: "… but rather a reasoning move"."""
_TEACHER = r"\bteacher(?:\s+(?:has|is|then|also|simply|just|merely))*\s+"
_PRESSES = rf"{_TEACHER}press(?:es|ed|ing)(?:\s+(?:the\s+)?students?)?\s+for\s+(?:more\s+)?"
_DOES = {
    "together": (rf"{_TEACHER}(?:keeps|kept|keeping)\s+everyone\s+together\b",),
    "relating": (rf"{_TEACHER}(?:gets|got|getting)\s+(?:the\s+)?students?\s+to\s+relate\b",),
    "restating": (rf"{_TEACHER}restat(?:es|ed|ing)\b",),
    "revoicing": (rf"{_TEACHER}revoic(?:es|ed|ing)\b",),
    "accuracy": (rf"{_PRESSES}accuracy\b",),
    "reasoning": (rf"{_PRESSES}reasoning\b",),
}
"""What the teacher is said to do: "The teacher has pressed for accuracy"."""


class DecisionTask(NamedTuple):
    """What is asked, and the codes it may be answered with."""

    ask: str
    codes: dict[str, TalkCode]


_TASKS = {
    "move": DecisionTask("Which talk move does the teacher make?", _MOVES),
    "uptake": DecisionTask("How much does the teacher take up what the student said?", _UPTAKE),
    "focusing": DecisionTask("Does the teacher ask a focusing question?", _FOCUSING),
}


class Decisions(DomainTask):
    """Exchanges of a student and a teacher."""

    work = "I will compare what the teacher says with what the student said just before."
    leaks_if_short = False

    def example(self) -> Item:
        return Item(
            id="dm-1",
            domain="DM",
            source="example",
            task="uptake",
            parts={"student": "I'm having trouble with these two.", "teacher": "To solve them?"},
            options=("low", "mid", "high"),
            answer="mid",
            group="lesson-1",
        )

    def show(self, item: Item) -> str:
        before = [f"{turn['speaker']}: {turn['text']}" for turn in item.metadata.get("before", ())]
        said = [
            "In a mathematics lesson:",
            "",
            *(["Before:", *before, ""] if before else []),
            f"Student: {item.parts.get('student') or '(no student spoke before)'}",
            f"Teacher: {item.parts.get('teacher', '')}",
            "",
            _task(item).ask,
        ]
        return "\n".join(said)

    def ask(self, item: Item) -> str:
        codes = _task(item).codes
        meant = [
            f"- {name}: {codes[name].meaning}" if name in codes else f"- {name}" for name in item.options
        ]
        return "\n".join(["The codes:", *meant, "", form(f"Answer: <{one_of(item.options)}>")])

    def parse(self, answer: str, item: Item) -> Parsed:
        codes = _task(item).codes
        words = {
            name: (name, *codes[name].also) if name in codes else (name.casefold(),) for name in item.options
        }
        phrases = {
            name: (_A_MOVE.format("|".join(map(re.escape, also))), *_DOES.get(name, ()))
            for name, also in words.items()
        }
        return read_word(answer, words, phrases, ("answer", "talk move", "move", "code", "uptake"))

    def scores(self, answered: Sequence[Answered], how: Resampling) -> list[Score]:
        """Of one task ``accuracy``, ``macro_f1``; of several, one pair a task: ``move accuracy``, ``move macro_f1`` …"""
        tasks = sorted({a.item.task or "" for a in answered})
        if len(tasks) < 2:
            return [accuracy(answered, how), _f1(answered, how)]
        by_task = {task: [a for a in answered if (a.item.task or "") == task] for task in tasks}
        return [
            replace(score, name=f"{task} {score.name}")
            for task, own in by_task.items()
            for score in (accuracy(own, how), _f1(own, how))
        ]

    def metadata(self, item: Item) -> dict[str, Any]:
        return {"codes": list(item.options)}


def domain() -> DomainTask:
    return Decisions()


def _task(item: Item) -> DecisionTask:
    if item.task not in _TASKS:
        raise InputError(
            f"item {item.id!r} is of task {item.task!r}", f"DM tasks: {', '.join(sorted(_TASKS))}"
        )
    return _TASKS[item.task]


def _f1(answered: Sequence[Answered], how: Resampling) -> Score:
    names = sorted({name for a in answered for name in (*a.item.options, a.item.answer)})
    answers = [names.index(a.item.answer) for a in answered]
    said = [len(names) if a.parsed.value is None else names.index(a.parsed.value) for a in answered]
    shape, beside = (len(names), len(names) + 1), _f1_baselines(answered)
    return scorer_of(answered, how).of_table("macro_f1", answers, said, shape, macro_f1, "no answers", beside)


def _f1_baselines(answered: Sequence[Answered]) -> Beside:
    """In the long run: a code at random, each as likely; and the most frequent code always."""
    if not answered:
        return Beside()
    answers = [a.item.answer for a in answered]
    shares = {code: count / len(answers) for code, count in Counter(answers).items()}
    codes = {name for a in answered for name in a.item.options} | set(shares)
    k = len(codes)
    chance = sum(2 * p / (k * p + 1) for p in shares.values()) / k
    top = shares[most_frequent(answers)]
    return Beside(chance, 2 * top / (1 + top) / len(shares))
