"""The table of answers (`answers.tsv`), the languages' files, and what must hold of any text: no letter out of prose."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pedagogy_r1
from pedagogy_r1.errors import InputError
from pedagogy_r1.wbeb.answers.answer_language import languages, read_language
from pedagogy_r1.wbeb.answers.chosen_option import read_choice
from pedagogy_r1.wbeb.answers.formula import value_of
from pedagogy_r1.wbeb.answers.given_score import read_number
from pedagogy_r1.wbeb.answers.given_word import read_word
from pedagogy_r1.wbeb.answers.parsed import DIFFER
from pedagogy_r1.wbeb.answers.stated_value import read_answer, read_stated, same_answer

SOIL = ("Air", "Moisture", "Temperature", "Sunlight")


def _table() -> list[tuple[str, str, str, str, str]]:
    """Language, answer, value, how sure, why (or nothing)."""
    found = []
    for line in (Path(__file__).parent / "answers.tsv").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            lang, options, answer, value, sure, *why = line.split("\t")
            assert options == "soil"
            found.append((lang, answer.replace("⏎", "\n"), value, sure, why[0] if why else ""))
    return found


TABLE = _table()


def test_the_table_has_300_answers_in_ten_languages_each_once() -> None:
    assert len(TABLE) >= 300
    by_language = Counter(lang for lang, *_ in TABLE)
    assert len([lang for lang, count in by_language.items() if count >= 7]) >= 10
    assert len({(lang, answer) for lang, answer, *_ in TABLE}) == len(TABLE)


@pytest.mark.parametrize("row", TABLE, ids=[f"{r[0]}-{r[1][:40]!r}" for r in TABLE])
def test_what_people_write_is_read(row: tuple[str, str, str, str, str]) -> None:
    _, answer, value, sure, why = row
    said = read_choice(answer, SOIL)
    assert (said.value or "–", said.sure) == (value, sure), said
    if sure == "unread":
        assert said.why
        assert why in said.why


@pytest.mark.parametrize(
    ("lang", "answer", "value"),
    [(one.name, answer, value) for one in languages() for answer, value in one.examples.items()],
)
def test_the_examples_of_a_language_read_as_its_file_says(lang: str, answer: str, value: str | None) -> None:
    assert read_choice(answer, SOIL).value == value


def test_every_language_has_an_example_that_is_read_and_prose_that_is_not() -> None:
    assert len(languages()) >= 8
    for one in languages():
        assert None in one.examples.values(), one.name
        assert set(one.examples.values()) - {None}, one.name


TURKISH = r"""
name: Turkish
nouns: ['(?:doğru\s+)?(?:cevap|yanıt)']
is: ['\s+']
options: [seçenek, şık]
hedges: [muhtemelen]
joins: [ve, veya]
denials: [değil, yanlış]
examples: {'Doğru cevap C.': C, 'Öğrenci C haklı.': null}
"""


def test_adding_a_language_is_adding_a_file(tmp_path: Path) -> None:
    """In a copy of the package with one more file, and nothing else, answers in that language are read."""
    copy = tmp_path / "pedagogy_r1"
    shutil.copytree(Path(pedagogy_r1.__file__).parent, copy, ignore=shutil.ignore_patterns("__pycache__"))
    asked = "Doğru cevap C.", "Doğru cevap muhtemelen şık C.", "Doğru cevap A veya C.", "Öğrenci C haklı."
    code = f"from pedagogy_r1.wbeb.answers.chosen_option import read_choice as r\nfor a in {asked!r}: print(r(a, {SOIL!r}).value, r(a, {SOIL!r}).sure)"

    assert [read_choice(answer, SOIL).sure for answer in asked] == ["unread"] * 4
    (copy / "wbeb/answers/languages/tr.yaml").write_text(TURKISH, encoding="utf-8")
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env={"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True, check=True)  # fmt: skip
    assert done.stdout.splitlines() == ["C strict", "C tolerant", "None unread", "None unread"]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("name: X\nnouns: ['(']", "'\\(' is no regular expression"),
        ("name: X\nnoun: [a]", "noun"),
        ("nouns: [a]", "name"),
        ("- a", "dictionary"),
    ],
)
def test_a_language_file_that_is_wrong_is_named(tmp_path: Path, text: str, fault: str) -> None:
    path = tmp_path / "xx.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=fault) as caught:
        read_language(path)
    assert str(path) in caught.value.message


# ------------------------------------------------------------------------------------------- never out of prose

PROSE = (
    "A student planted beans. I would ask her why. A plant needs light and B vitamins do not matter",
    "학생 A 와 학생 B 의 생각은 다르다. 교사 C 는 질문을 하였다",
    "生徒Aと生徒Bの考えは違う。C先生は質問した",
    "A同学和B同学的想法不同。老师C提了一个问题",
    "A veces la planta crece. E incluso B12 ayuda. O el alumno D pregunta",
    "Schüler A und Schülerin B denken verschieden. Note C ist selten",
    "A-t-il raison ? L'élève B pense que oui. Le plan C existe",
    "A planta cresce. E o aluno B pergunta. O professor D responde",
    "A volte cresce. E la pianta B no. I ragazzi del gruppo C",
    "Ученик A и ученик B думают по-разному. Витамин C полезен",
)


@pytest.mark.parametrize("prose", PROSE)
def test_no_letter_out_of_prose(prose: str) -> None:
    assert read_choice(prose + ".", SOIL).value is None


WORDS = sorted({word for prose in PROSE for word in prose.replace(".", " .").replace("。", " 。").split()})


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from([w for w in WORDS if w not in "ABCD"]), max_size=30).map(" ".join))
def test_prose_in_any_order_without_a_lone_letter_chooses_nothing(text: str) -> None:
    assert read_choice(text, SOIL).value is None


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(TABLE), st.sampled_from(PROSE))
def test_a_strict_answer_stays_one_behind_prose(row: tuple[str, str, str, str, str], prose: str) -> None:
    _, answer, value, sure, _ = row
    if sure == "strict" and "swer" in answer[:9]:
        assert read_choice(f"{prose}.\n\n{answer}", SOIL).value == value


# ------------------------------------------------------------------------------------------- words and numbers

KT = {"right": ("right", "correct"), "wrong": ("wrong", "incorrect")}


@pytest.mark.parametrize(
    ("answer", "value", "sure"),
    [
        ("Answer: right", "right", "strict"),
        ("<p>Answer: <b>right</b></p>", "right", "strict"),
        ("Answer: right<|im_end|>", "right", "strict"),
        ("{'answer': 'wrong'}", "wrong", "strict"),
        (r"\boxed{\mbox{wrong}}", "wrong", "strict"),
        (r"\boxed wrong", "wrong", "strict"),
        ("Answer: It's wrong.", "wrong", "strict"),
        ("Answer: probably right", "right", "tolerant"),
        ("Answer: right?", "right", "tolerant"),
        ("Answer: right\nAnswer: wrong", "wrong", "tolerant"),
        ("정답: right", "right", "strict"),
        ("【答案】wrong", "wrong", "strict"),
        ("Respuesta: right", "right", "strict"),
        ("Answer: right\n\nHuman: And the next?\nAssistant: Answer: wrong", "right", "tolerant"),
        ("Human: And the next?\nAnswer: wrong", None, "unread"),
        ("Answer: right or wrong", None, "unread"),
        ("Answer: right → wrong", None, "unread"),
        ("wrong</answer>", "wrong", "strict"),
        ("The student's response is wrong in parts.", None, "unread"),
        ("Answer: -right\nAnswer: -", "right", "strict"),
    ],
)
def test_words(answer: str, value: str | None, sure: str) -> None:
    said = read_word(answer, KT, None, ("answer", "prediction"))
    assert (said.value, said.sure) == (value, sure), said


@pytest.mark.parametrize(
    ("answer", "value", "sure"),
    [
        ("Answer: 4", "4", "strict"),
        ("<strong>Score: 4</strong>", "4", "strict"),
        ("{'score': 4}", "4", "strict"),
        (r"\boxed{\bf 4}", "4", "strict"),
        ("점수: 4점", "4", "strict"),
        ("得分：4分", "4", "strict"),
        ("点数：4点", "4", "strict"),
        ("Nota: 4", "4", "strict"),
        ("Puntuación: 4", "4", "strict"),
        ("Answer: It's a 4.", "4", "strict"),
        ("Answer: probably 4", "4", "tolerant"),
        ("Answer: 4?", "4", "tolerant"),
        ("Answer: 3\n\nOn reflection:\nAnswer: 4", "4", "tolerant"),
        ("Answer: 4</s>", "4", "strict"),
        ("Answer: 4\n\nQuestion: Score the next essay.\nAnswer: 2", "4", "tolerant"),
        ("Answer: 3 or 4", None, "unread"),
        ("Score: 4→5", None, "unread"),
        ("Score: 3, maybe 4", None, "unread"),
        ("Answer: 9", None, "unread"),
        ("Answer: 3½", None, "unread"),
    ],
)
def test_numbers(answer: str, value: str | None, sure: str) -> None:
    said = read_number(answer, 1, 6)
    assert (said.value, said.sure) == (value, sure), said


# -------------------------------------------------------------------------------------------------- mathematics


_UPTAKE = {"low": ("low",), "mid": ("mid", "medium"), "high": ("high",)}


@pytest.mark.parametrize(
    ("answer", "value", "why"),
    [
        ("Low. The idea is thanked for and then dropped.", "low", ""),
        ("low (not taken up)", "low", ""),
        ("**High** – she builds on it.", "high", ""),
        ("high, though mid would be defensible.", "high", ""),
        ("C: high", "high", ""),
        ("B, mid", "mid", ""),
        ("(A) low – it is passed over.", "low", ""),
        ("Mid.\n\nThe teacher repeats the idea and goes on.", "mid", ""),
        ("High, so to speak, but the teacher moves on", None, "none of"),
        ("Low? No.", None, "none of"),
        ("Low... no, high.", None, "none of"),
        ("Low-hanging fruit is what the teacher takes.", None, "none of"),
        ("High expectations are set here.", None, "none of"),
        ("low, mid, high", None, "names several"),
        ("A – mid", None, "says A with the words of mid"),
        ("A. low\nB. mid\nC. high", None, "list of answers: low, mid, high"),
        ("low: nothing is used\nmid: some is", None, "list of answers: low, mid"),
    ],
)
def test_a_word_that_a_reply_begins_with(answer: str, value: str | None, why: str) -> None:
    said = read_word(answer, _UPTAKE)
    assert (said.value, said.strict) == (value, False)
    assert why in (said.why or "")


@pytest.mark.parametrize(
    ("answer", "value", "why"),
    [
        ("2. There is a story, but most of it is a list.", "2", ""),
        ("**5** – a reading of its own.", "5", ""),
        ("3: six reasons are named, one is explained.", "3", ""),
        ("Score: 2 – six reasons are named, none is explained.", "2", ""),
        ("4. (Between 3 and 4: the position is clear.)", "4", ""),
        ("I would give this a 5: the science is right, no step is missing.", "5", ""),
        ("1. The essay has a clear position.", None, "no score"),
        ("2. The essay is clear.\n3. It is short.", None, "no score"),
        ("3 reasons are named.", None, "no score"),
        ("2,5 – between two levels.", None, ""),
        ("7. Everything is there.", None, "not in 1–6"),
        ("4. Fluent. But I would give it a 3.", None, "says 4, and later, score given, 3"),
        ("I don't think, on balance, that it deserves a 4.", None, "no score"),
    ],
)
def test_a_number_that_a_reply_begins_with(answer: str, value: str | None, why: str) -> None:
    said = read_number(answer, 1, 6)
    assert said.value == value
    assert why in (said.why or "")


@pytest.mark.parametrize(
    ("stated", "reference", "same"),
    [
        ("2 2/3", "2", False),
        ("2 2/3", "8/3", True),
        ("2 2/3", "22/3", False),
        (r"2\frac{1}{2}", "2.5", True),
        (r"2\frac12", "2.5", True),
        ("2½", "2.5", True),
        (r"\frac12", "0.5", True),
        (r"\frac{\sqrt{2}}{2}", r"\frac{1}{\sqrt{2}}", True),
        ("1{,}234", "1234", True),
        (r"1\,234", "1234", True),
        ("1 000 000", "1000000", True),
        (r"5\text{ cm}", "5", True),
        ("5 cm", "5", True),
        ("5 students", "5", True),
        (r"60\,\mathrm{km/h}", "60", True),
        ("5 m", "5 cm", None),
        ("50%", "0.5", True),
        ("10²", "100", True),
        ("10²", "102", False),
        (r"1.5\times 10^3", "1500", True),
        (r"2\sqrt{36}", "12", True),
        (r"\frac{\pi}{2}", r"\pi/2", True),
        ("3!", "6", True),
        ("5 or 6", "5", False),
        (r"\dfrac{1}{5}", ".2,  1/5", True),
        (r"\dfrac{23}{60}", ".3833,  23/60", True),
        ("423.5", "423.5,  847/2", True),
        ("1", "1, 2", False),
        ("2x", "2", False),
        ("5i", "5", False),
        ("(x+1)^2", "x^2+2x+1", None),
        (r"\{2,1\}", r"\{1,2\}", None),
        ("2/0", "2", False),
        ("1.5 million", "1500000", True),
        ("1e3", "1000", True),
        ("2**10", "1024", True),
        ("2**10", "210", False),
        (r"\binom{5}{2}", "10", True),
        (r"0.\overline{3}", "1/3", True),
        ("0.1666...", "1/6", True),
        ("0.333", "1/3", False),
        ("3,5", "3.5", True),
        ("3,5", "35", False),
        ("1.234,5", "1234.5", True),
        ("1.234.567", "1234567", True),
        ("10 000", "10000", True),
        (r"\text{five}", "5", True),
        ("10:30", "10", False),
        ("9^9^9^9", "1", False),
        (r"\frac{1}{2}", "0.5", True),
        (r"\dfrac{-25}{8}", "-25/8", True),
        ("073", "73", True),
        ("1,234.0", "1234", True),
        ("$50", "50", True),
        (r"50\%", "50", True),
        (r"90^\circ", "90", True),
        ("−3", "-3", True),
        ("1,2", "12", False),
        ("(B)", "B", True),
        (r"\text{b}", "B", True),
        ("B. The plant gives off oxygen", "B", True),
        ("Bern", "B", False),
        ("Photosynthesis", "photosynthesis.", True),
        ("6", "7", False),
        ("m=155", "155", True),
        ("1/0", "1/0", True),
        ("", "", False),
        ("1" + "0" * 300, "1", False),
    ],
)
def test_numbers_are_equal_by_value(stated: str, reference: str, same: bool | None) -> None:
    """What cannot be computed here is not called wrong: formulas with letters, and units, are not compared."""
    assert same_answer(stated, reference) is same


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("So the answer is 2 2/3.", "2 2/3"),
        (r"The answer is $2\frac{1}{2}$.", r"$2\frac{1}{2}$"),
        (r"the answer is \frac12, then", r"\frac12"),
        ("Answer: 1{,}234", "1{,}234"),
        (r"so \boxed{5\text{ cm}}", r"5\text{ cm}"),
        (r"\boxed{\frac{\sqrt{2}}{2}}", r"\frac{\sqrt{2}}{2}"),
        ("La respuesta es 12.", "12"),
        ("Die Antwort lautet 12.", "12"),
        ("答案是12。", "12"),
        ("정답은 12입니다.", "12"),
        ("正解は12です。", "12"),
        ("The answer is 10².", "10^{2}"),
        ("So the answer is 657 + 64 = 721.", "721"),
        ("The answer is 2^5 * 2^5 = 1024.", "1024"),
        ("The answer is 2 * 3", "2×3"),
        ("perhaps the answer is 1 + 8*7 + 28*3 + ... but no", None),
        ("The answer is −7.", "−7"),
        ("The answer is 10 000 people.", "10 000"),
        ("La réponse est 1 234.", "1 234"),
        ("Die Antwort ist 1.234,5.", "1.234,5"),
        ("The answer is 1.5 million.", "1.5 million"),
        ("The answer is twelve.", "twelve"),
        ("The answer is exactly 5.", "5"),
        ("The answer is about 5.", "5"),
        ("The answer is 10:30.", "10:30"),
        ("The answer is 0.333…, a third.", "0.333..."),
        ("The answer is 5 because 2 and 3 are.", "5"),
        ("The answer is 5 to 6.", None),
        ("The answer is 5–6.", None),
        ("The answer is 5 ± 1.", None),
        ("The answer is 5, 6, and 7.", None),
        ("The answer is 5 (or 6).", None),
        ("The answer is 5 hours and 30 minutes.", None),
        ("The answer is 5'11.", None),
        ("The answer is 3 out of 4.", None),
        ("The answer is 3/4 of 8.", None),
        ("The answer is 1 2 3.", None),
        ("The answer is 5 or 6.", None),
        ("The answer is $5$ or $6$.", None),
        (r"\boxed{5 \text{ or } 6}", None),
    ],
)
def test_what_a_thought_arrives_at(text: str, value: str | None) -> None:
    said = read_stated(text, "number")
    assert said.value == value, said
    assert (said.why is None) == (value is not None)


def test_several_values_have_a_reason_and_contradictions_are_tolerant() -> None:
    assert read_stated("The answer is 5 or 6.", "number").why == "statement: names several: 5, 6"
    said = read_stated("The answer is 5. No, the answer is 6.", "number")
    assert (said.value, said.sure) == ("6", "tolerant")
    assert DIFFER in (said.rule or "")
    assert read_stated(r"The answer is 0.5. So \boxed{\frac12}", "number").sure == "strict"


def test_what_follows_a_new_question_is_no_answer_to_this_one() -> None:
    assert read_answer("The answer is 12.\n\nQuestion: 3 + 4?\nThe answer is 7.", "number").value == "12"


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="0123456789./+-*^!(){}[]\\ frac sqrt pi cdot text,%$°x½²", max_size=60))
def test_no_formula_raises_or_takes_long(text: str) -> None:
    found = value_of(text)
    assert found is None or abs(found.number) <= 10**60
    same_answer(text, "5")
    read_stated(f"The answer is {text}", "number")


@settings(max_examples=100, deadline=None)
@given(st.fractions(min_value=-(10**6), max_value=10**6, max_denominator=999))
def test_a_fraction_is_equal_however_it_is_written(number: object) -> None:
    from fractions import Fraction

    assert isinstance(number, Fraction)
    p, q = number.numerator, number.denominator
    sign = "-" if p < 0 else ""
    for written in (
        f"{p}/{q}",
        rf"{sign}\frac{{{abs(p)}}}{{{q}}}",
        rf"\boxed{{{sign}\dfrac{{{abs(p)}}}{{{q}}}}}",
    ):
        said = read_stated(written, "number").value or written
        assert same_answer(said, f"{p}/{q}") is True
        assert same_answer(said, f"{p + 1}/{q}") is False
