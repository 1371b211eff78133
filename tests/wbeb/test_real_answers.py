"""Answers that a real model gave to the items of the sample, each read in full; what is made of them by rule.

`real_answers.jsonl`: SmolLM2-135M-Instruct, condition generic, at most 220 tokens. ``reading`` is what the answer says in the
end, null where it says nothing, two things, or a letter with another option's words. The model is a bad one, which is what
the file is good for: most of its answers say nothing.

`real_answers_fresh.jsonl`: 148 more, each read in full: 102 of the same model (``run`` cop: that condition, at most 100 tokens), and what the recipe
``small-cpu`` asked of it and of its student (``base``, ``student``).
"""

from __future__ import annotations

import json
from pathlib import Path

from pedagogy_r1.intake.think_tags import split_response
from pedagogy_r1.shipped import folder
from pedagogy_r1.wbeb.domain import domain_of
from pedagogy_r1.wbeb.item import Item, read_items
from pedagogy_r1.wbeb.questions import read_reply

HERE = Path(__file__).parent
WRONG = {
    "sample-kt-07": "'will get this step right', then the step is listed as wrong",
    "sample-pk-09": "letter A with the words of C",
    "sample-sk-05": "letter C with the words of D",
}
"""An answer is read where none is said."""


FRESH_WRONG = {"sample-sk-17"}
"""'The answer is "D."', and then the reasoning arrives at the words of A."""
FRESH_MISSED = {
    *("sample-sk-15", "sample-kt-07", "sample-kt-14", "sample-dm-28"),  # in passing, and cut off behind it
    *(
        "sample-kt-16",
        "sample-kt-20",
    ),  # "will get this step right", then "Answer: 2." and "Answer: <right or wrong>"
    *("sample-sk-12", "sample-sk-17"),  # a loop that says it, cut off
}


def read_as_people_do(file: str) -> tuple[int, int, set[str], set[str]]:
    """How many answers say a value, in how many that one is read, and where another or none is."""
    items = {item.id: item for item in read_items(folder("recipes") / "sample" / "items.jsonl")}
    right, wrong, missed, said = 0, set(), set(), 0
    for line in (HERE / file).read_text(encoding="utf-8").splitlines():
        answer = json.loads(line)
        item = items[answer["item"]]
        read = read_reply(domain_of(item), item, split_response(answer["raw"]), answer["cut"]).value
        said += answer["reading"] is not None
        if read is not None and read == answer["reading"]:
            right += 1
        elif read is not None:
            wrong.add(answer["item"])
        elif answer["reading"] is not None:
            missed.add(answer["item"])
    return said, right, wrong, missed


def test_how_often_reading_by_rule_errs_on_a_real_model() -> None:
    """The figures of benchmarks/README.md: precision 38 of 41, recall 38 of 38. Rules that err less pass too."""
    said, right, wrong, missed = read_as_people_do("real_answers.jsonl")
    assert wrong <= WRONG.keys()
    assert not missed
    assert right >= 38
    assert said == 38


def test_how_a_large_model_answers() -> None:
    """256 answers of four writers of one large model to 64 items of all domains, each read by hand. Unseen, 204 were read, all rightly."""
    rows = [
        json.loads(line)
        for line in (HERE / "large_model_answers.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    steps = [{"problem": "p", "skills": ["s"], "correct": 1}] * 2
    for row in rows:
        item = Item(
            id="x", domain=row["domain"], source="x", options=tuple(row.get("options", ())), answer="x", group="x", task=row.get("task"),
            metadata={"AES": {"scale": row.get("scale")}, "KT": {"steps": steps}}.get(row["domain"], {}),
        )  # fmt: skip
        assert (row["raw"], domain_of(item).parse(row["raw"], item).value) == (row["raw"], row["reading"])
    assert len(rows) == 256


def test_how_often_it_errs_on_fresh_answers() -> None:
    """Before rules were changed for them: precision 32 of 35, recall 32 of 44. Since then 36 of 37 and 36 of 44."""
    said, right, wrong, missed = read_as_people_do("real_answers_fresh.jsonl")
    assert wrong <= FRESH_WRONG
    assert missed <= FRESH_MISSED
    assert said == 44
    assert right >= 36
