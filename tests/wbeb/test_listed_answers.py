"""Issue 11, "scores that mean what they say": several answers at once, in the ways found by trying, are read as none."""

from __future__ import annotations

import pytest

from pedagogy_r1.wbeb.domains import dm, kt

LISTED = [
    "Answer: right (or wrong)",
    "Answer: right vs. wrong",
    "Answer: right versus wrong",
    "Answer: right; alternatively wrong",
    "Answer: right -> wrong",
    "Answer: right or perhaps wrong",
]
UPTAKE = [
    "Answer: low to mid",
    "Answer: low → mid → high",
    "Answer: low through high",
    "Answer: low (mid: , high: )",
    "Answer: (low) ... (mid) ... (high)",
    "Answer: low means it does not, mid means it does, high means more",
    "Answer: low if not taken up, mid if repeated, high if built upon",
]
READ = {
    "Answer: Wrong (right is unlikely)": "wrong",
    "Answer: ~~right~~ wrong": "wrong",
    "Answer: ~~wrong~~ right": "right",
    "Answer: right, to be sure": "right",
}
READ_UPTAKE = {
    "Answer: low: mid would need a repeat, high a question": "low",
    "Answer: low rather than mid or high": "low",
    "Answer: high. It is neither low nor mid.": "high",
    "Answer: ~~low~~ mid": "mid",
    "Answer: mid, since it is neither low nor high": "mid",
}


@pytest.mark.parametrize("answer", LISTED)
def test_right_or_wrong_is_neither(answer: str) -> None:
    task = kt.domain()
    assert task.parse(answer, task.example()).value is None


@pytest.mark.parametrize("answer", UPTAKE)
def test_a_list_of_the_answers_is_none(answer: str) -> None:
    task = dm.domain()
    assert task.parse(answer, task.example()).value is None


@pytest.mark.parametrize("answer", [*READ, *READ_UPTAKE])
def test_an_answer_set_against_the_others_is_one(answer: str) -> None:
    task = kt.domain() if answer in READ else dm.domain()
    assert task.parse(answer, task.example()).value == (READ | READ_UPTAKE)[answer]
