"""Reading an answer: a table of real-looking answers, and what must hold of any text at all."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pedagogy_r1.wbeb.answers.chosen_option import read_choice
from pedagogy_r1.wbeb.answers.stated_value import read_stated
from pedagogy_r1.wbeb.answers.statement import LONGEST, key, plain, statements

SOIL = ("Air", "Moisture", "Temperature", "Sunlight")
CELL = ("Mitochondria", "A cell wall", "A plant cell", "The nucleus")
COUNT = ("2", "3", "5", "12")
THREE = ("Ask a student to restate it", "Give the answer", "Move on")
FIVE = ("red", "green", "blue", "black", "white")
COMBINED = ("①②", "①④", "②③", "③④")
TWICE = ("Sensing", "Storing", "Sensing", "Sorting")
ROMAN = ("I", "II", "III", "IV")

S, T = True, False

READ = [
    # the form asked for
    ("Answer: B", SOIL, "B", S),
    ("answer: b", SOIL, "B", S),
    ("ANSWER: (B)", SOIL, "B", S),
    ("**Answer:** B", SOIL, "B", S),
    ("**Answer: B**", SOIL, "B", S),
    ("### Answer\n\nB", SOIL, "B", S),
    ("## Final Answer\n**B. Moisture**", SOIL, "B", S),
    ("Pot B is dry.\n\nAnswer: B.", SOIL, "B", S),
    ("Answer: B. Moisture", SOIL, "B", S),
    ("Answer: B) Moisture", SOIL, "B", S),
    ("Answer: B Moisture", SOIL, "B", S),
    ("Answer: B - Moisture", SOIL, "B", S),
    ("Answer: A Air", SOIL, "A", S),
    ("Answer: A", SOIL, "A", S),
    ("Answer: A, because both pots differ in it.", SOIL, "A", S),
    ("Answer = D", SOIL, "D", S),
    ("Answer — D", SOIL, "D", S),
    ("Answer D", SOIL, "D", S),
    ("Ans: D", SOIL, "D", S),
    ("Ans. (D)", SOIL, "D", S),
    ("- Answer: option C", SOIL, "C", S),
    ("> Answer: C", SOIL, "C", S),
    ("Answer: `C`", SOIL, "C", S),
    ("Answer: “C”", SOIL, "C", S),
    ("Answer: Ｃ", SOIL, "C", S),
    ("Answer: 𝐂", SOIL, "C", S),
    ("Answer: Ⓒ", SOIL, "C", S),
    ("Answer: [C]", SOIL, "C", S),
    ("Answer: {C}", SOIL, "C", S),
    ("Answer: E", FIVE, "E", S),
    ("Answer: C", THREE, "C", S),
    ("Answer: B\nProbability: 0.8", SOIL, "B", S),
    ("Answer: B (not C)", SOIL, "B", S),
    ("Answer: B\r\n", SOIL, "B", S),
    ("Answer: D. 12", COUNT, "D", S),
    # boxed, tagged, JSON
    (r"\boxed{B}", SOIL, "B", S),
    (r"$\boxed{\text{B}}$", SOIL, "B", S),
    (r"Thus the final answer is $\boxed{\textbf{(B)}}$.", SOIL, "B", S),
    (r"\[ \boxed{\mathrm{B}} \]", SOIL, "B", S),
    (r"\boxed{B. Moisture}", SOIL, "B", S),
    (r"\boxed{\text{Moisture}}", SOIL, "B", T),
    (r"\fbox{B}", SOIL, "B", S),
    ("<answer>B</answer>", SOIL, "B", S),
    ('{"answer": "B", "reason": "A pot is dry"}', SOIL, "B", S),
    # sentences
    ("The answer is (B).", SOIL, "B", S),
    ("The correct answer is B.", SOIL, "B", S),
    ("Therefore, the correct answer is: **B. Moisture**", SOIL, "B", S),
    ("So the answer must be B since pot B is dry.", SOIL, "B", S),
    ("The best option is therefore C.", SOIL, "C", S),
    ("The answer to this question is option D.", SOIL, "D", S),
    ("The answer is A.", SOIL, "A", S),
    ("The answer is most likely A", SOIL, "A", T),
    ("My final answer would be C", SOIL, "C", S),
    ("First I thought the answer is A. But pot B is dry. The answer is B.", SOIL, "B", T),
    ("If the answer is A, light would matter. The answer is B.", SOIL, "B", S),
    ("Is the answer C? No. The answer is D.", SOIL, "D", S),
    ("Answer: A\n\nWait, the pots differ in moisture.\n\nAnswer: B", SOIL, "B", T),
    # alone
    ("B", SOIL, "B", S),
    ("B.", SOIL, "B", S),
    ("(b)", SOIL, "B", S),
    ("**B**", SOIL, "B", S),
    ("B. Moisture", SOIL, "B", S),
    ("B: Moisture, since that is all that differs", SOIL, "B", S),
    # other languages
    ("정답: B", SOIL, "B", S),
    ("정답은 B입니다.", SOIL, "B", S),
    ("따라서 답은 (B)이다.", SOIL, "B", S),
    ("정답은 ②번입니다", SOIL, "B", T),
    ("정답: 2번", SOIL, "B", T),
    ("정답은 두 번째 보기입니다.", SOIL, "B", T),
    ("B가 정답입니다.", SOIL, "B", T),
    ("정답 B", SOIL, "B", S),
    ("答案：B", SOIL, "B", S),
    ("正确答案是（B）。", SOIL, "B", S),
    ("因此，本题选B。", SOIL, "B", T),
    ("故选：B．", SOIL, "B", S),
    ("答案是第二个选项", SOIL, "B", T),
    ("选项B是正确的。", SOIL, "B", T),
    ("答えはBです。", SOIL, "B", S),
    ("La respuesta correcta es B.", SOIL, "B", S),
    ("La réponse est B.", SOIL, "B", S),
    ("Die Antwort ist B.", SOIL, "B", S),
    ("A resposta correta é C.", SOIL, "C", S),
    ("Ответ: B", SOIL, "B", S),
    # tolerant: number, text, other ways to choose
    ("Answer: option two", SOIL, "B", T),
    ("Answer: the second option", SOIL, "B", T),
    ("Answer: 2", SOIL, "B", T),
    ("②", SOIL, "B", T),
    ("Option 3", SOIL, "C", T),
    ("Answer: Moisture", SOIL, "B", T),
    ("The answer is moisture, because all else is equal.", SOIL, "B", T),
    ("Moisture", SOIL, "B", T),
    ("It comes down to water.\n\nMoisture.", SOIL, "B", T),
    ("Answer: a plant cell", CELL, "C", T),
    ("Answer: A plant cell", CELL, "C", T),
    ("Answer: nucleus", CELL, None, T),
    ("Answer: the nucleus.", CELL, "D", T),
    ("Answer: 3", COUNT, "B", T),
    ("Answer: 12", COUNT, "D", T),
    ("Answer: ①④", COMBINED, "B", T),
    ("Answer: III", ROMAN, "C", T),
    ("Answer: I", ROMAN, "A", T),
    ("Option B is correct.", SOIL, "B", T),
    ("I think that (C) is the best answer here.", SOIL, "C", T),
    ("I would go with C.", SOIL, "C", T),
    ("I'd choose option D because of the light.", SOIL, "D", T),
    ("Both pots are lit.\n\nB", SOIL, "B", T),
    ("Both pots are lit, so it is B.\nThat was easy.", SOIL, "B", T),
    ("B. Moisture\n\nThe other pots do not differ in it.", SOIL, "B", T),
    ("Everything points to **(B)** here.\nGood luck!", SOIL, "B", T),
    ("I believe that moisture is what differs.", SOIL, "B", T),
    ("A is wrong. Option B is right.", SOIL, "B", T),
    ("The second option is correct.", SOIL, "B", T),
    ("My choice is B", SOIL, "B", S),
    ("C because it is", SOIL, "C", S),
    ("the answer is c because", SOIL, "C", S),
    ("Answer: 3. Temperature", SOIL, "C", T),
    ("A. Air: no\nB. Moisture: yes\n\nB", SOIL, "B", T),
    # nothing that could be read
    ("", SOIL, None, T),
    ("   \n ", SOIL, None, T),
    ("I don't know.", SOIL, None, T),
    ("None of the above.", SOIL, None, T),
    ("A student planted soybeans in two pots.", SOIL, None, T),
    ("A student asks: is it C? Another says D.", SOIL, None, T),
    ("The answer is a matter of how much a plant drinks.", SOIL, None, T),
    ("The answer is A plant drinks.", SOIL, None, T),
    ("The answer is I think unclear", SOIL, None, T),
    ("Student A is right, and student B is wrong.", SOIL, None, T),
    ("Answer: A or B", SOIL, None, T),
    ("Answer: A, B", SOIL, None, T),
    ("Answer: AB", SOIL, None, T),
    ("Answer: A/B/C/D", SOIL, None, T),
    ("The answers are B and C.", SOIL, None, T),
    (r"\boxed{A, C}", SOIL, None, T),
    ("答案：A和C", SOIL, None, T),
    ("Answer: E", SOIL, None, T),
    ("Answer: D", THREE, None, T),
    ("Answer: X", SOIL, None, T),
    ("Answer: 7", SOIL, None, T),
    ("Answer: option six", SOIL, None, T),
    ("Answer: 4", COUNT, None, T),
    ("Answer: B. Temperature", SOIL, None, T),
    ("Answer: air and moisture", SOIL, None, T),
    ("Answer: sensing", TWICE, None, T),
    ("The answer is not B.", SOIL, None, T),
    ("I thought of option B.\n\nAnswer: unsure", SOIL, None, T),
    ("Answer: none of these\n\nB. was tempting.", SOIL, None, T),
    ("The answer is B cells", SOIL, None, T),
    ("Answer: 3. Moisture", SOIL, None, T),
    ("Air is the same in both.", SOIL, None, T),
    ("Moisture does not matter.", SOIL, None, T),
    ("The second option is wrong.", SOIL, None, T),
    ("Answer: both A and B", SOIL, None, T),
    ("A is wrong.", SOIL, None, T),
    ("Option B is wrong.", SOIL, None, T),
    ("I would not choose B.", SOIL, None, T),
    ("A. Air\nB. Moisture\nC. Temperature\nD. Sunlight", SOIL, None, T),
    ("It is either option B or option C.", SOIL, None, T),
    ("Vitamin C and hepatitis B matter little here.", SOIL, None, T),
    ("The answer is", SOIL, None, T),
    ("Answer:", SOIL, None, T),
    (r"\boxed{", SOIL, None, T),
    (
        "Ответ: В",
        SOIL,
        None,
        T,
    ),  # the Cyrillic letter: third of its alphabet, and looks like the second of ours
    ("Answer: B\n\nSo the answer is temperature.", SOIL, None, T),
]


def test_the_table_is_large_enough() -> None:
    assert len(READ) >= 80
    assert len({(answer, options) for answer, options, _, _ in READ}) == len(READ)


@pytest.mark.parametrize(("answer", "options", "value", "strict"), READ, ids=[repr(r[0])[:50] for r in READ])
def test_what_an_answer_chooses(
    answer: str, options: tuple[str, ...], value: str | None, strict: bool
) -> None:
    said = read_choice(answer, options)
    assert (said.value, said.strict) == (value, strict), said
    assert (said.rule is None) == (value is None)
    assert (said.why is None) == (value is not None)


@pytest.mark.parametrize(
    ("answer", "rule"),
    [
        ("Answer: B", "answer line"),
        (r"so \boxed{B}", "boxed"),
        ("I say the answer is B", "statement"),
        ("B", "whole answer"),
        ("Answer: option two", "answer line, by number"),
        ("Answer: moisture", "answer line, by text"),
        ("Pots differ.\nB", "last line"),
        ("Option B is correct, I say.", "called right"),
    ],
)
def test_the_rule_that_fired_is_said(answer: str, rule: str) -> None:
    assert read_choice(answer, SOIL).rule == rule


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ("", "the answer is empty"),
        ("Hmm.", "no option is named as the answer"),
        ("Answer: E", "answer line: E is none of the options A–D"),
        ("Answer: A or B", "answer line: names several options: A, B"),
        ("Answer: 7", "answer line: there is no option 7: A–D"),
        ("Answer: B. Temperature", "answer line: says B with the text of C"),
        ("Answer: B\nSo the answer is temperature.", "says B, and then, statement, C"),
    ],
)
def test_the_reason_is_said(answer: str, why: str) -> None:
    assert read_choice(answer, SOIL).why == why


def test_an_item_without_options_has_no_choice() -> None:
    assert read_choice("Answer: A", ()).why == "the item has no options"


# ------------------------------------------------------------------------------------------------------ fuzz

LEADS = st.sampled_from(
    [
        "Answer: {}",
        "**Answer:** {}",
        "The answer is ({}).",
        r"\boxed{{{}}}",
        "答案：{}",
        "정답: {}",
        "故选{}。",
        "<answer>{}</answer>",
    ]
)
PIECES = st.sampled_from(
    ["Answer", ":", " ", "\n", "A", "B", "b", "C", "E", "Z", "(", ")", "**", r"\boxed{", "}", "\\text{", "option", "is", "the",
     "not", "correct", "or", ",", ".", "2", "②", "번", "第", "个", "정답", "选", "moisture", "Air", "student", "I", "think", "<answer>", "</", "$", "#", "_"]
)  # fmt: skip
OPTIONS = st.lists(st.text(max_size=12), min_size=1, max_size=8).map(tuple)
ANY = st.one_of(
    st.text(max_size=300),
    st.lists(PIECES, max_size=40).map("".join),
    st.lists(PIECES, max_size=40).map(" ".join),
)


@settings(max_examples=600, deadline=None)
@given(ANY, OPTIONS)
def test_never_raises_and_never_leaves_the_options(answer: str, options: tuple[str, ...]) -> None:
    said = read_choice(answer, options)
    if said.value is None:
        assert said.why
        assert said.rule is None
        assert not said.strict
    else:
        assert said.rule
        assert said.value in "ABCDEFGH"[: len(options)]


@settings(max_examples=400, deadline=None)
@given(st.lists(PIECES, max_size=30).map(" ".join))
def test_never_invents_an_option(answer: str) -> None:
    """What is chosen stands in the answer: as a letter, as a number, or as its text."""
    said = read_choice(answer, SOIL)
    if said.value:
        place = "ABCD".index(said.value)
        text = plain(answer)
        written = (
            said.value in text,
            said.value.lower() in text,
            str(place + 1) in text,
            key(SOIL[place]) in key(text),
        )
        assert any(written), said


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="efghjklmnopqrstuvwxyz ,.\n*()-:;?!é가是", max_size=200))
def test_prose_without_letters_or_numbers_chooses_nothing(answer: str) -> None:
    assert read_choice(answer, ("Air 1", "Moisture 2", "Heat 3", "Sunlight 4")).value is None


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="efghkmnoprstuvxyz ,.\n", max_size=200), LEADS, st.sampled_from("ABCD"))
def test_a_statement_at_the_end_is_read_behind_any_prose(prose: str, lead: str, letter: str) -> None:
    said = read_choice(f"{prose}.\n\n{lead.format(letter)}", SOIL)
    assert (said.value, said.strict) == (letter, True)


@pytest.mark.parametrize(
    "piece",
    [
        "Answer: ",
        r"\boxed{",
        "the answer is ",
        "option B ",
        "(A) ",
        "<answer>",
        "A, ",
        "번",
        "**",
        "{",
        "the ",
        "\n",
        " \n",
        "A: x\n",
    ],
)
def test_four_times_as_long_an_answer_takes_four_times_as_long(piece: str) -> None:
    """A quadratic step would take sixteen times as long. Of a longer answer than these only the end is read."""

    def seconds(length: int, read: Callable[[str], object]) -> float:
        text, begun = piece * (length // len(piece)), time.process_time()
        read(text)
        return time.process_time() - begun

    for read in (lambda text: read_choice(text, SOIL), read_stated):
        short, long = (min(seconds(n, read) for _ in range(3)) for n in (LONGEST // 5, LONGEST * 4 // 5))
        assert long < max(12 * short, 0.2), (piece, short, long)


def test_only_the_end_of_a_very_long_answer_is_read() -> None:
    assert read_choice("Answer: A\n" + "so it goes on. " * 5000 + "\nAnswer: B", SOIL).value == "B"


def test_a_statement_says_where_it_stands() -> None:
    text = plain("Pot B is dry.\n\n**Answer:** B")
    (found,) = statements(text)
    assert text[found.at :].startswith("\nAnswer") or text[found.at :].startswith("Answer")
    assert found.text == "B"
