"""The five domains: what is asked, what is read, and what must not get into a prompt."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pedagogy_r1.errors import InputError
from pedagogy_r1.plugins import available
from pedagogy_r1.wbeb.answers.given_score import read_number
from pedagogy_r1.wbeb.answers.given_word import read_word
from pedagogy_r1.wbeb.domain import Parsed, domain_of
from pedagogy_r1.wbeb.domains.kt import Tracing
from pedagogy_r1.wbeb.item import PLUGINS, Item, domain_names

MOVES = ("none", "together", "relating", "restating", "revoicing", "accuracy", "reasoning")


def item(domain: str, n: int = 1, **more: Any) -> Item:
    """An item of each domain; ``n`` tells them apart."""
    fields: dict[str, Any] = {"id": f"{domain}-{n}", "domain": domain, "source": "own", "group": f"g{n}"}
    if domain in ("SK", "PK"):
        fields |= {"parts": {"stem": f"What is {n} + 1?"}, "options": ("0", str(n + 1), "x"), "answer": "B"}
    elif domain == "KT":
        steps = [
            {"problem": "1", "skills": ["Venn Diagram"], "correct": 1},
            {"problem": "2", "skills": ["Table", "Mean"], "correct": 0},
            {"problem": "3", "skills": ["Mean"], "correct": n % 2},
        ]
        fields |= {"metadata": {"steps": steps}, "answer": "right" if n % 2 else "wrong"}
    elif domain == "AES":
        parts = {"prompt": "Do computers do good?", "essay": f"They do, {n} times."}
        fields |= {"parts": parts, "metadata": {"scale": [1, 6]}, "answer": "4"}
    else:
        parts = {"student": "Seven", "teacher": "Seven"}
        fields |= {"parts": parts, "task": "move", "options": MOVES, "answer": "restating"}
    return Item(**{**fields, **more})


# ---------------------------------------------------------------------------------------------- prompts


def test_there_is_a_file_for_each_domain() -> None:
    assert available(PLUGINS) == sorted(domain.lower() for domain in domain_names())


@pytest.mark.parametrize("domain", domain_names())
def test_a_prompt_ends_with_the_form_of_the_answer_and_holds_no_answer(domain: str) -> None:
    one = item(domain)
    prompt = domain_of(one).prompt(one)
    head, _, ask = prompt.rpartition("End with ")
    assert ask.startswith(("a line of this form:\nAnswer: <", "2 lines of this form:\nAnswer: <"))
    assert "Answer:" not in head
    assert "Example" not in prompt


@pytest.mark.parametrize("domain", domain_names())
def test_the_right_answer_in_the_form_asked_for_is_read_strictly_and_is_right(domain: str) -> None:
    one = item(domain)
    task = domain_of(one)
    said = task.parse(f"Let me see.\n\nAnswer: {one.answer}", one)
    assert said == Parsed(one.answer, "answer line", True)
    assert task.correct(said, one) is True
    assert task.correct(Parsed(None, why="nothing"), one) is None


@pytest.mark.parametrize("domain", domain_names())
def test_the_prompt_read_back_as_an_answer_answers_nothing(domain: str) -> None:
    """A model that repeats the question has not answered it."""
    one = item(domain)
    task = domain_of(one)
    assert task.parse(task.prompt(one), one).value is None


@pytest.mark.parametrize("domain", domain_names())
def test_examples_stand_before_the_question_with_their_answers(domain: str) -> None:
    one, two, three = item(domain), item(domain, 2, split="train"), item(domain, 3, split="train")
    task = domain_of(one)
    prompt = task.prompt(one, [two, three])
    assert prompt.startswith("Example 1\n\n")
    assert prompt.index(f"Answer: {two.answer}") < prompt.index("Example 2") < prompt.index("Now this one.")
    assert prompt.endswith(task.prompt(one))
    assert prompt.count("End with ") == 1


@pytest.mark.parametrize("split", ["test", None])
def test_examples_come_from_train_only(split: Any) -> None:
    one = item("SK")
    with pytest.raises(InputError, match="not from train"):
        domain_of(one).prompt(one, [item("SK", 2, split=split)])


def test_examples_are_of_another_group_and_of_the_same_task() -> None:
    one = item("DM")
    with pytest.raises(InputError, match="of the group of item"):
        domain_of(one).prompt(one, [item("DM", 2, split="train", group="g1")])
    uptake = item("DM", 2, split="train", task="uptake", options=("low", "high"), answer="low")
    with pytest.raises(InputError, match="no example for"):
        domain_of(one).prompt(one, [uptake])
    with pytest.raises(InputError, match="no example for"):
        domain_of(one).prompt(one, [item("SK", 2, split="train")])


@pytest.mark.parametrize("n", [1, 2])
def test_the_step_to_be_foretold_is_not_given_away(n: int) -> None:
    prompt = domain_of(item("KT", n)).prompt(item("KT", n))
    assert "1. Venn Diagram: right\n2. Table; Mean: wrong\n\nNext step: 3. Mean\n" in prompt
    same = domain_of(item("KT")).prompt(item("KT"))
    assert prompt == same, "items that differ in the last answer alone are asked alike"


def test_a_probability_is_asked_for_unless_told_otherwise() -> None:
    one = item("KT")
    assert "Probability: <" in domain_of(one).prompt(one)
    assert "Probability" not in Tracing(verbalise=False).prompt(one)
    assert domain_of(one).metadata(one) == {"history": 2, "verbalise": True}


def test_a_student_without_history_is_asked_about() -> None:
    steps = [{"problem": "1", "skills": ["Mean"], "correct": 1}]
    one = item("KT", metadata={"steps": steps})
    assert "A student begins to work" in domain_of(one).prompt(one)


@pytest.mark.parametrize(
    ("domain", "fields", "what"),
    [
        ("KT", {"metadata": {}}, "has no steps"),
        ("AES", {"metadata": {}}, "has no scale"),
        ("AES", {"metadata": {"scale": [6, 1]}}, "has no scale"),
        ("DM", {"task": "praise"}, "is of task 'praise'"),
        ("DM", {"task": None}, "is of task None"),
    ],
)
def test_an_item_that_lacks_something_says_so(domain: str, fields: dict[str, Any], what: str) -> None:
    one = item(domain, **fields)
    with pytest.raises(InputError, match=what):
        domain_of(one).prompt(one)


def test_options_of_any_number_get_letters() -> None:
    one = item("PK", options=tuple("uvwxy"), answer="E")
    prompt = domain_of(one).prompt(one)
    assert "\nE. y\n" in prompt
    assert prompt.endswith("Answer: <A, B, C, D or E>")


def test_codes_are_put_with_their_meaning_and_earlier_turns_are_shown() -> None:
    one = item("DM", metadata={"before": [{"speaker": "teacher", "text": "Three and four?"}]})
    prompt = domain_of(one).prompt(one)
    assert "- revoicing: repeats what a student said, with words added or changed\n" in prompt
    assert "Before:\nteacher: Three and four?\n\nStudent: Seven\nTeacher: Seven\n" in prompt
    alone = item("DM", parts={"student": "", "teacher": "Okay"})
    assert "Student: (no student spoke before)" in domain_of(alone).prompt(alone)


# ------------------------------------------------------------------------------------------- right / wrong

KT_READ = [
    ("Answer: right\nProbability: 0.73", "right", True),
    ("Probability: 0.73\nAnswer: wrong", "wrong", True),
    ("**Answer:** Wrong.", "wrong", True),
    ("Answer: incorrect", "wrong", True),
    (r"\boxed{\text{right}}", "right", True),
    ("Answer: right (they know Mean well)", "right", True),
    ("Answer: likely right", "right", False),
    ("Answer: <wrong>", "wrong", True),
    ("Answer: [wrong]", "wrong", True),
    ("right", "right", True),
    ("Prediction: wrong", "wrong", True),
    ("Answer: wrong\n\nOn reflection:\n\nAnswer: right", "right", False),
    ("They got Mean wrong before.\nright", "right", False),
    ("So the answer is right.", "right", False),
    ("The student will probably get it wrong.", "wrong", False),
    ("Answer: The student will answer it correctly.", "right", False),
    ("The student will not answer correctly.", "wrong", False),
    ("The student will not get this step right. The steps are incorrect.", "wrong", False),
    ("The student won't get it wrong.", "right", False),
    ("The student will not be asked whether it is right.", None, False),
    ("The student is unlikely to answer this correctly.", "wrong", False),
    ("Answer: right or wrong", None, False),
    ("Answer: right/wrong", None, False),
    ("Answer: not right", None, False),
    ("Answer: unsure", None, False),
    ("They will get it right, or they will get it wrong.", None, False),
    ("The right answer is 5.", None, False),
    ("Probability: 0.4", None, False),
    ("", None, False),
]


@pytest.mark.parametrize(("answer", "value", "strict"), KT_READ, ids=[repr(r[0])[:50] for r in KT_READ])
def test_whether_right_or_wrong_was_foretold(answer: str, value: str | None, strict: bool) -> None:
    said = domain_of(item("KT")).parse(answer, item("KT"))
    assert (said.value, said.strict) == (value, strict), said
    assert (said.why is None) == (value is not None)


# ------------------------------------------------------------------------------------------------- scores

AES_READ = [
    ("Answer: 4", "4", True),
    ("Score: 4/6", "4", True),
    ("Overall Score: 5 (good)", "5", True),
    ("Answer: **4 out of 6**", "4", True),
    ("Answer: four", "4", True),
    ("Answer: 4.0", "4", True),
    ("Answer: <4>", "4", True),
    ("Answer: Level 4", "4", True),
    (r"\boxed{5}", "5", True),
    ("점수: 4점", "4", True),
    ("评分：5分", "5", True),
    ("4", "4", True),
    ("3/6", "3", True),
    ("Content: 3\nAnswer: 4", "4", True),
    ("The final score is 4.", "4", False),
    ("Good start, weak end.\n\n3", "3", False),
    ("I'd give it a 4.", "4", False),
    ("This essay deserves a 6.", "6", False),
    ("I would rate this essay 2 out of 6.", "2", False),
    ("Answer: 3.5", None, False),
    ("Answer: 3-4", None, False),
    ("Answer: 3 or 4", None, False),
    ("Answer: 8/12", None, False),
    ("Answer: 7", None, False),
    ("Answer: 0", None, False),
    ("Answer: -3", None, False),
    ("Answer: 4+", None, False),
    ("Answer: 80%", None, False),
    ("Answer: good", None, False),
    ("Content score: 3\nOrganisation score: 5", None, False),
    ("Content: 4/6. Style: 5/6.", None, False),
    ("The essay has 3 paragraphs.", None, False),
    ("", None, False),
]


@pytest.mark.parametrize(("answer", "value", "strict"), AES_READ, ids=[repr(r[0])[:50] for r in AES_READ])
def test_which_score_was_given(answer: str, value: str | None, strict: bool) -> None:
    said = domain_of(item("AES")).parse(answer, item("AES"))
    assert (said.value, said.strict) == (value, strict), said
    assert (said.why is None) == (value is not None)


# -------------------------------------------------------------------------------------------------- codes

DM_READ = [
    ("Answer: restating", "restating", True),
    ("Answer: **Revoicing**", "revoicing", True),
    ("Answer: pressing for accuracy", "accuracy", True),
    ("Answer: Pressing for Reasoning.", "reasoning", True),
    ("Answer: keeping everyone together", "together", True),
    ("Answer: keeping_everyone_together", "together", True),
    ("Answer: getting students to relate to another's ideas", "relating", True),
    ("Answer: none", "none", True),
    ("Answer: No talk move", "none", True),
    ("The talk move is revoicing.", "revoicing", False),
    ("restating", "restating", True),
    ("Answer: restating or revoicing", None, False),
    ("Answer: none relating to what she said", "none", True),
    ("Answer: praise", None, False),
    ("She is restating what he says, not revoicing it.", None, False),
]


@pytest.mark.parametrize(("answer", "value", "strict"), DM_READ, ids=[repr(r[0])[:50] for r in DM_READ])
def test_which_talk_move_was_named(answer: str, value: str | None, strict: bool) -> None:
    said = domain_of(item("DM")).parse(answer, item("DM"))
    assert (said.value, said.strict) == (value, strict), said


ECHOED = [
    "Answer:\n- low: does not take it up, or hardly\n- mid: takes it up somewhat\n- high: takes it up fully",
    "Answer: - low: does not take it up - mid: takes it up - high: fully",
    "Answer: low: does not take it up. mid: takes it up. high: fully",
    "Uptake: low: hardly\nmid: some",
    "The answer is - low: hardly - mid: some",
    "Answer:\nlow\nmid\nhigh",
    "low\nmid\nhigh",
]


@pytest.mark.parametrize("answer", ECHOED)
def test_an_echoed_list_of_options_is_no_answer(answer: str) -> None:
    three = item("DM", task="uptake", options=("low", "mid", "high"), answer="mid")
    said = domain_of(three).parse(answer, three)
    assert said.value is None
    assert "repeats the list of answers: " in (said.why or "")


def test_an_echoed_list_whose_last_lead_is_the_name_of_a_code() -> None:
    said = domain_of(item("DM")).parse("The codes:\n- none: no talk move\n- together: keeping", item("DM"))
    assert said.why == "statement: repeats the list of answers: together, none"


@pytest.mark.parametrize("answer", ["Answer: low mid high", "Answer: low-mid", "Answer: <low | mid | high>"])
def test_several_levels_with_nothing_between_them_are_several(answer: str) -> None:
    three = item("DM", task="uptake", options=("low", "mid", "high"), answer="mid")
    assert "names several: low, mid" in (domain_of(three).parse(answer, three).why or "")


@pytest.mark.parametrize(
    ("answer", "strict"),
    [
        ("- low: does not\n- mid: some\n- high: fully\n\nAnswer: mid", True),
        ("Answer: mid: the teacher repeats it.", True),
        ("Answer: mid\n\nmid: because the teacher repeats it, which is low for some", True),
        ("low: no, she answers. high: no. So the answer is mid", False),
    ],
)
def test_an_answer_beside_a_list_of_options_is_read(answer: str, strict: bool) -> None:
    three = item("DM", task="uptake", options=("low", "mid", "high"), answer="mid")
    said = domain_of(three).parse(answer, three)
    assert (said.value, said.strict) == ("mid", strict), said


def test_only_levels_of_the_item_are_read() -> None:
    three = item("DM", task="uptake", options=("low", "mid", "high"), answer="mid")
    two = item("DM", task="uptake", options=("low", "high"), answer="low")
    assert domain_of(three).parse("Answer: mid", three).value == "mid"
    assert domain_of(two).parse("Answer: mid", two).value is None
    assert "mid" not in domain_of(two).prompt(two)


# --------------------------------------------------------------------------------------------------- fuzz

PIECES = st.sampled_from(
    ["Answer", ":", " ", "\n", "right", "wrong", "not", "or", "/", "4", "6", "-", ".", "5", "score", "of", "out", "a", "**", "(", ")",
     r"\boxed{", "}", "will", "get", "it", "none", "accuracy", "revoicing", "점", "<answer>", "</"]
)  # fmt: skip
ANY = st.one_of(st.text(max_size=200), st.lists(PIECES, max_size=30).map(" ".join))


@settings(max_examples=400, deadline=None)
@given(ANY, st.sampled_from(domain_names()))
def test_reading_never_raises_and_gives_what_the_item_allows(answer: str, domain: str) -> None:
    one = item(domain)
    allowed = {"KT": {"right", "wrong"}, "AES": set("123456"), "DM": set(MOVES)}.get(domain, set("ABC"))
    said = domain_of(one).parse(answer, one)
    if said.value is None:
        assert said.why
        assert said.rule is None
    else:
        assert said.value in allowed
        assert said.rule


@settings(max_examples=300, deadline=None)
@given(st.lists(PIECES, max_size=25).map(" ".join))
def test_no_score_and_no_word_is_invented(answer: str) -> None:
    score = read_number(answer, 1, 6).value
    assert score is None or score in answer
    word = read_word(answer, {"right": ("right",), "wrong": ("wrong",)}).value
    assert word is None or word in answer


# --------------------------------------------------------------------------------------------- real items


def test_prompts_of_real_items_can_be_put_and_answered(shared: Path) -> None:
    from pedagogy_r1.plugins import load

    files = {
        "cj_eval": ["sk/cj_eval_train.jsonl"],
        "chile": ["pk/chile_train.jsonl"],
        "asap": ["aes/asap_set1_sample.tsv"],
        "uptake": ["dm/uptake_data.csv"],
        "talkmoves": ["dm/talkmoves_test_teacher.tsv"],
        "assist2009": ["kt/assist2009_pid_test1.csv", "kt/skill.json"],
    }
    for name, names in files.items():
        loaded = load("pedagogy_r1.wbeb.sources", name)([shared / "data/wbeb" / file for file in names])
        some = loaded.items[:: max(1, len(loaded.items) // 100)]
        assert some
        for one in some:
            task = domain_of(one)
            prompt = task.prompt(one)
            assert task.parse(prompt, one).value is None, one.id
            said = task.parse(f"Let me think.\n\nAnswer: {one.answer}", one)
            assert (said.value, said.strict) == (one.answer, True), one.id
            if one.domain in ("SK", "PK"):
                text = one.options["ABCDEFG".index(one.answer)]
                full = task.parse(f"Answer: {one.answer}. {text}", one)
                twin = sum(option.strip().casefold() == text.strip().casefold() for option in one.options) > 1
                assert full.value == one.answer or twin, (one.id, full)
