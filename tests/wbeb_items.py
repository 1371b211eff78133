"""Small items of every domain, and a fake model that answers them: what the tests of generation and evaluation share."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Sequence
from typing import Any

from pedagogy_r1.wbeb.item import Item

from .fake_openai import Call, Said

LETTERS = "ABCD"


def choice(n: int, *, domain: str = "SK", split: str = "test") -> Item:
    """A question with four options; every fourth group has two questions."""
    return Item.model_validate(
        {
            "id": f"{domain.lower()}-{split}-{n}",
            "domain": domain,
            "source": "made up",
            "parts": {"stem": f"What is {n} plus one, as {split} asks?"},
            "options": [str(n + k) for k in range(4)],
            "answer": "B",
            "group": f"{split}-{n - (n % 4 == 1)}",
            "split": split,
        }
    )


def step(n: int, *, split: str = "test") -> Item:
    """A student's ten steps; the last is right for every other student."""
    steps = [{"problem": f"p{k}", "skills": [f"skill {n} {k % 3}"], "correct": (n + k) % 2} for k in range(9)]
    right = n % 2
    return Item.model_validate(
        {
            "id": f"kt-{split}-{n}",
            "domain": "KT",
            "source": "made up",
            "answer": "right" if right else "wrong",
            "group": f"student {split} {n}",
            "split": split,
            "metadata": {"steps": [*steps, {"problem": "p9", "skills": ["skill 1"], "correct": right}]},
        }
    )


def essay(n: int, *, split: str = "test") -> Item:
    return Item.model_validate(
        {
            "id": f"aes-{split}-{n}",
            "domain": "AES",
            "source": "made up",
            "parts": {"prompt": f"Write about {n}.", "essay": f"Essay {n} is about {n}."},
            "answer": str(n % 6 + 1),
            "group": f"essay {split} {n}",
            "split": split,
            "metadata": {"scale": [1, 6]},
        }
    )


def move(n: int, *, split: str = "test") -> Item:
    return Item.model_validate(
        {
            "id": f"dm-{split}-{n}",
            "domain": "DM",
            "source": "made up",
            "parts": {"student": f"{n}", "teacher": f"{n}?"},
            "options": ["low", "mid", "high"],
            "answer": ("low", "mid", "high")[n % 3],
            "group": f"transcript {split} {n // 2}",
            "task": "uptake",
            "split": split,
        }
    )


def all_domains(count: int, *, split: str = "test") -> list[Item]:
    """So many of each."""
    numbers = range(count)
    return [
        *(choice(n, split=split) for n in numbers),
        *(choice(n, domain="PK", split=split) for n in numbers),
        *(step(n, split=split) for n in numbers),
        *(essay(n, split=split) for n in numbers),
        *(move(n, split=split) for n in numbers),
    ]


THOUGHTS = (
    "Okay, let me read the question first.",
    "The student works with the numbers that are given.",
    "So I add one to it and compare the options.",
)
COP_THOUGHTS = (
    "What would this student find hard here?",
    "Why would a learner choose the other option?",
    "How sure am I of this reasoning, and where could it be wrong?",
)


def number_of(call: Call) -> int:
    """A number that depends on the messages and the seed alone."""
    text = f"{call.user}|{call.body.get('seed')}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")


def thinker(call: Call) -> Said:
    """Right most of the time; thinks in a field of its own, asks itself questions under ``cop``; wrong answers think longer."""
    cop, number = "pedagogical" in call.user, number_of(call)
    right = number % 10 < (8 if cop else 5)
    thoughts = [
        *THOUGHTS,
        *(COP_THOUGHTS if cop else ()),
        *(() if right else ("Let me compute that again.",) * 4),
    ]
    return Said(
        answer(call.user, right, number), "\n".join(thoughts), logprobs=tokens_of(call.user, right, number)
    )


def answer(question: str, right: bool, number: int) -> str:
    """A final answer in the form that was asked for."""
    if "right or wrong" in question:
        truth = question_truth(question)
        word = ("right" if truth else "wrong") if right else ("wrong" if truth else "right")
        return f"Answer: {word}\nProbability: {0.5 + (0.3 if word == 'right' else -0.3):.2f}"
    if re.search(r"^Teacher: ", question, re.MULTILINE):
        return f"Answer: {('low', 'mid', 'high')[number % 3]}"
    if re.search(r"^B\. ", question, re.MULTILINE):
        return f"The sum is clear.\nAnswer: {'B' if right else 'C'}"
    return f"Answer: {number % 6 + 1}"


def question_truth(question: str) -> bool:
    """Whether the student gets it right: the first step's outcome, as `step` makes them (9 steps later is the other one)."""
    first = re.search(r"^1\. .*?: (right|wrong)", question, re.MULTILINE)
    assert first is not None
    return first[1] == "right"


def tokens_of(question: str, right: bool, number: int) -> list[dict[str, Any]] | None:
    """Logprobs of a KT answer, the reasoning's among them."""
    if "right or wrong" not in question:
        return None
    text = answer(question, right, number)
    said = "right" if "Answer: right" in text else "wrong"
    other = "wrong" if said == "right" else "right"
    sure = 0.6 + number % 7 / 20
    entries: list[dict[str, Any]] = [
        entry(token, 0.0) for token in ("Okay", ",", " wrong", "?", "</think>", "\n\n")
    ]
    entries += [entry("Answer", 0.0), entry(":", 0.0)]
    entries.append(
        entry(f" {said}", math.log(sure), [(f" {said}", math.log(sure)), (f" {other}", math.log(1 - sure))])
    )
    entries += [entry(token, 0.0) for token in re.findall(r"\s?\S+|\s", text.split(said, 1)[1])]
    return entries


def entry(token: str, logprob: float, top: Sequence[tuple[str, float]] = ()) -> dict[str, Any]:
    """As a server writes it."""
    alternatives = [{"token": t, "logprob": p, "bytes": list(t.encode())} for t, p in top]
    return {"token": token, "logprob": logprob, "bytes": list(token.encode()), "top_logprobs": alternatives}
