"""Probability of right: from tokens, from what is said, from the bare answer; and never from the wrong place."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pedagogy_r1.wbeb.answers.probability import Foretold, answer_at, at_answer, foretold, trim, verbalised
from pedagogy_r1.wbeb.weighted_scores import auc


def token_probability(content: list[dict[str, Any]], text: str, *answers: tuple[str, str]) -> Foretold:
    return at_answer(content, text, *answers)[0]


def entry(token: str, p: float = 1.0, **others: float) -> dict[str, Any]:
    """One token drawn with probability ``p``; others as "_right"=.2, the underscore a space."""
    alike = {token: p, **{name.replace("_", " "): share for name, share in others.items()}}
    top = [{"token": t, "logprob": math.log(v)} for t, v in sorted(alike.items(), key=lambda tv: -tv[1])]
    return {"token": token, "logprob": math.log(p), "top_logprobs": top}


def reply(*tokens: str | dict[str, Any]) -> tuple[list[dict[str, Any]], str]:
    content = [entry(t) if isinstance(t, str) else t for t in tokens]
    return content, "".join(str(e["token"]) for e in content)


# ---- tokens


def test_summed_over_tokens_that_begin_either_answer() -> None:
    at = entry(" right", 0.60, _Right=0.03, _RIGHT=0.02, ri=0.01, _wrong=0.2, wr=0.04, _maybe=0.1)
    content, text = reply("Answer", ":", at, ".")
    assert token_probability(content, text).value == pytest.approx(0.66 / 0.90)


@pytest.mark.parametrize(
    "tokens",
    [
        ["Answer", ":", " ", entry("right", 0.6, wrong=0.3)],
        ["Answer", ":", " ", entry("r", 0.6, w=0.3), "ight"],
        ["Answer:", entry(" r", 0.6, _w=0.3), "ig", "ht", "\n"],
        ["Answer", entry(": right", 0.6, **{": wrong": 0.3})],
        ["An", entry("swer:right", 0.6, **{"swer:wrong": 0.3, "other": 0.05})],
        ["**", "Answer", ":**", entry(" **right", 0.6, **{" **wrong": 0.3}), "**"],
        ["\\", "boxed", "{", entry("right", 0.6, wrong=0.3), "}"],
        ["\\boxed{\\text{", entry("right", 0.6, wrong=0.3), "}}"],
        ["Answer:", entry("\n\nRight", 0.6, _Wrong=0.3), "."],
        ["The", " answer", " is", entry(' "right', 0.6, **{' "wrong': 0.3}), '".'],
        [entry("right", 0.6, wrong=0.3)],
        ["Answer: \\(", entry("right", 0.6, wrong=0.3), "\\)"],
        ["<answer>", entry("right", 0.6, wrong=0.3), "</answer>"],
        ["I", " think", " it", " will", " be", entry(" right", 0.6, _wrong=0.3), "."],
        ["Wrong", "?", " No", ".", " Answer", ":", entry(" right", 0.6, _wrong=0.3)],
        [
            "Answer",
            ":",
            entry(" right", 0.6, _wrong=0.3),
            "\n",
            "Probability",
            ":",
            " 0",
            ".",
            "7",
            "<|im_end|>",
        ],
        ["é", "\ufffd", "\ufffd", " Answer", ":", entry(" right", 0.6, _wrong=0.3), "。"],
    ],
)
def test_the_place_of_the_answer(tokens: list[Any]) -> None:
    content, text = reply(*tokens)
    text = text.replace("\ufffd\ufffd", "学").replace("<|im_end|>", "")
    assert token_probability(content, text).value == pytest.approx(2 / 3)


@pytest.mark.parametrize("space", ["Ġ", "▁", ""])
def test_decoders_write_leading_spaces_in_their_own_way(space: str) -> None:
    content = [
        entry("Answer"),
        entry(":"),
        entry(f"{space}right", 0.6, **{f"{space}wrong": 0.3, f"{space}Wrong": 0.05}),
    ]
    assert token_probability(content, "Answer: right").value == pytest.approx(0.6 / 0.95)


def test_reasoning_before_the_answer_is_not_looked_at() -> None:
    content, whole = reply(
        *("<think>", "Answer", ":", entry(" wrong", 0.9, _right=0.1), "</think>"),
        *("Answer", ":", entry(" right", 0.6, _wrong=0.3)),
    )
    assert token_probability(content, whole.partition("</think>")[2]).value == pytest.approx(2 / 3)
    told = token_probability(content, "I cannot say.")
    assert told.value is None
    assert told.why == "the text names neither right nor wrong"


def test_the_end_of_a_reply_is_enough_and_another_text_is_not() -> None:
    content, text = reply("Answer", ":", entry(" right", 0.6, _wrong=0.3))
    assert token_probability(content, "A long story. " * 50 + text).value == pytest.approx(2 / 3)
    assert token_probability(content[2:], text).value == pytest.approx(2 / 3)
    assert (
        token_probability(content[:2], text).why == "the answer is not in the tokens that have probabilities"
    )
    assert token_probability(content, "The answer is right").value is None


def test_the_token_drawn_counts_though_it_is_not_among_the_alternatives() -> None:
    at = entry(" wrong", 0.01)
    at["top_logprobs"] = [{"token": " right", "logprob": math.log(0.9)}]
    content, text = reply("Answer", ":", at)
    assert token_probability(content, text).value == pytest.approx(0.9 / 0.91)


@pytest.mark.parametrize(
    ("at", "why"),
    [
        (entry(" correct", 0.9, _right=0.05, _wrong=0.01), "6.0 % falls on tokens that begin right or wrong"),
        (entry(" unclear", 0.9), "0.0 % falls"),
        ({"token": " right", "logprob": -0.1}, "no alternatives"),
        ({"token": " right", "logprob": -0.1, "top_logprobs": []}, "no alternatives"),
    ],
)
def test_guarded(at: dict[str, Any], why: str) -> None:
    content, text = reply("Answer", ":", at)
    told = token_probability(content, text)
    assert told.value is None
    assert why in (told.why or "")


def test_an_answer_in_other_words_counts_where_most_falls_on_the_two() -> None:
    content, text = reply("Answer", ":", entry(" unclear", 0.1, _right=0.6, _wrong=0.3))
    assert token_probability(content, text).value == pytest.approx(2 / 3)


def test_impossible_logprobs_count_nothing() -> None:
    at = entry(" right", 0.6, _wrong=0.3)
    at["top_logprobs"] += [
        {"token": " Wrong", "logprob": value}
        for value in (math.nan, 3.0, None, "0", True, -math.inf, -9999.0)
    ]
    content, text = reply("Answer", ":", at)
    assert token_probability(content, text).value == pytest.approx(2 / 3)


def test_words_that_go_on_are_other_words() -> None:
    content, text = reply("Answer", ":", entry(" right", 0.5, _rightly=0.2, _wrong=0.25, _wrongs=0.01))
    assert token_probability(content, text).value == pytest.approx(0.5 / 0.75)


def test_pieces_that_begin_both_answers_tell_nothing() -> None:
    content, text = reply("Answer", ":", entry(" a", 0.6, _able=0.1, _apt=0.1), "ble")
    assert token_probability(content, text, ("able", "apt")).value is None


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("All right. Answer: **wrong**", 21),
        ("Answer: right. My answer is based on step 3.", 8),
        ("Answer: wrong\nFinal answer: right", 28),
        ("Answer: neither. It is all right.", 8),
        ("They were right before, now wrong.", 28),
        ("right", 0),
        ("brightly upright wrongly", None),
        ("", None),
        ("Answer:", None),
    ],
)
def test_where_the_answer_begins(text: str, at: int | None) -> None:
    assert answer_at(text) == at


# ---- what is said


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Answer: right\nProbability: 0.73", 0.73),
        ("73 %", 0.73),
        ("I would say so.\n~73%", 0.73),
        ("**Probability:** 73\\%", 0.73),
        ("Probability: 0,73", 0.73),
        ("Probability: .7", 0.7),
        ("Probability: 1", 1.0),
        ("Probability: 0", 0.0),
        ("Probability: 100 %", 1.0),
        ("Probability (0 to 1): 0.65", 0.65),
        ("Probability (0-100%): 85%", 0.85),
        ("Probability – 0.7", 0.7),
        ("Ｐrobability： ０.７", 0.7),
        ('{"answer": "right", "probability": 0.73}', 0.73),
        ("P(right) = .8", 0.8),
        ("P(wrong) = 0.2", 0.8),
        ("The probability that the student is wrong is about 30%.", 0.7),
        ("There is a 73% chance that the answer is right.", 0.73),
        ("a 20 percent probability of a wrong answer", 0.8),
        ("The probability that step 12 is right is 0.8", 0.8),
        ("Probability of success: 85 out of 100", 0.85),
        ("Probability: 0.2. On reflection, probability: 0.6", 0.6),
        ("Probability of a right answer: $0.73$", 0.73),
        ("Probability: 73", None),
        ("Probability: 1.2", None),
        ("Probability: 120%", None),
        ("Probability: -0.3", None),
        ("Probability: 1/2", None),
        ("Probability: 0.6-0.7", None),
        ("Probability: 0.6 to 0.7", None),
        ("Probability: between 0.6 and 0.7", None),
        ("The probability is not 0.5", None),
        ("probability is 1 in 4", None),
        ("Probability: high", None),
        ("Answer: right", None),
        ("Answered 40% of the items, so: right", None),
        ("", None),
    ],
)
def test_verbalised(text: str, value: float | None) -> None:
    found = verbalised(text)
    assert found == (None if value is None else pytest.approx(value))


# ---- which one


def test_token_before_verbalised_before_hard() -> None:
    content, text = reply("Answer", ":", entry(" right", 0.6, _wrong=0.3))
    assert foretold(content, text, "right") == (pytest.approx(2 / 3), "token", None)
    assert foretold(None, f"{text}\nProbability: 0.7", "right") == (pytest.approx(0.7), "verbalised", None)
    assert foretold([], text, "right") == (1.0, "hard", None)
    assert foretold([], text, "wrong") == (0.0, "hard", None)
    told = foretold(None, "no idea", None)
    assert (told.value, told.kind) == (None, None)
    assert "no token probabilities" in (told.why or "")


def test_tokens_of_another_answer_than_the_one_read_are_not_used() -> None:
    content, text = reply("Answer", ":", entry(" right", 0.6, _wrong=0.3))
    assert foretold(content, text, "wrong") == (0.0, "hard", None)


@pytest.mark.parametrize(
    "both", ["right or wrong", "wrong or right", "correct or wrong", "right or Incorrect"]
)
def test_no_token_value_where_both_answers_are_named_and_neither_is_read(both: str) -> None:
    words = [entry(f" {word}", 0.6, _right=0.2, _wrong=0.1) for word in both.split()]
    content, text = reply("The", " student", " will", " get", " this", " step", *words, ".")
    told = foretold(content, text, None)
    assert (told.value, told.kind) == (None, None)
    assert told.why == (
        "no answer could be read, and the text names both right and wrong; no probability is stated"
    )
    assert foretold(content, f"{text} Probability: 0.7", None) == (pytest.approx(0.7), "verbalised", None)


def test_tokens_of_an_unread_answer_that_names_one_word_count() -> None:
    content, text = reply("right", "?", " Hm", ",", entry(" right", 0.6, _wrong=0.2))
    assert foretold(content, text, None) == (pytest.approx(0.75), "token", None)


# ---- properties

TOKEN = st.sampled_from(
    [
        " right",
        "right",
        "Answer",
        ":",
        " wrong",
        "wr",
        "ong",
        " ",
        "\n",
        "é",
        "�",
        "\\boxed{",
        "}",
        "0.5",
        "%",
        " not",
    ]
) | st.text(max_size=4)
SHARE = st.floats(-50, 0) | st.sampled_from([math.nan, -math.inf, None, "x", 5])
ENTRY = st.fixed_dictionaries(
    {"token": TOKEN, "logprob": SHARE},
    optional={
        "top_logprobs": st.lists(st.fixed_dictionaries({"token": TOKEN, "logprob": SHARE}), max_size=5)
        | st.none()
    },
)


@given(
    st.lists(ENTRY, max_size=12), st.none() | st.text(max_size=30), st.sampled_from([None, "right", "wrong"])
)
def test_never_raises_and_stays_a_probability(
    content: list[dict[str, Any]], text: str | None, answered: str | None
) -> None:
    text = "".join(e["token"] for e in content) if text is None else text
    told = foretold(content, text, answered)
    assert (told.value is None) == (told.kind is None) == (told.why is not None)
    assert told.value is None or 0 <= told.value <= 1


@given(st.text(alphabet="probailtychnefrwds 0123456789.,%:=()-/\nPR*", max_size=80))
def test_verbalised_is_a_probability_or_nothing(text: str) -> None:
    for value in (verbalised(text), verbalised("Probability: " + text)):
        assert value is None or 0 <= value <= 1


@given(
    st.text(alphabet="abc .:\n学é*", max_size=20),
    st.floats(0.01, 0.98),
    st.floats(0.01, 0.98),
    st.lists(st.integers(1, 6), min_size=1),
)
def test_cut_anywhere_before_the_answer_it_says_the_same(
    lead: str, a: float, b: float, cuts: list[int]
) -> None:
    before, tokens = f"{lead} Answer:", []
    for size in cuts * 40:
        if not before:
            break
        tokens.append(entry(before[:size]))
        before = before[size:]
    p, q = a / (a + b), b / (a + b)
    content, text = reply(*tokens, entry(" right", p, _wrong=q) if p >= q else entry(" wrong", q, _right=p))
    assert token_probability(content, text).value == pytest.approx(p)


@pytest.mark.parametrize(
    "text",
    [
        "probability " * 2000,
        "answer:" * 3000,
        "9" * 20_000,
        "answer " + "_" * 20_000,
        "0.5 " * 5000,
        "\\a{" * 6000,
    ],
)
def test_long_answers_take_no_time(text: str) -> None:
    """Ten times these lengths: a quadratic step would take longer than any test may."""
    verbalised(text * 10)
    answer_at(text * 10)


# ---- AUC


def replies(probabilities: np.ndarray[Any, Any]) -> list[float]:
    """What comes back from made-up models' replies: drawn tokens, split and unsplit, in three ways of writing."""
    rng, found = np.random.default_rng(0), []
    for n, p in enumerate(probabilities):
        right, wrong = [(" right", " wrong"), ("Ġright", "Ġwrong"), (" r", " w")][n % 3]
        shares = {right: 0.9 * p, wrong: 0.9 * (1 - p), " maybe": 0.1}
        drawn = right if rng.random() < p else wrong
        at = entry(drawn, max(shares.pop(drawn), 1e-9), **{t: max(v, 1e-9) for t, v in shares.items()})
        rest = [] if n % 3 < 2 else [entry("ight" if drawn == right else "rong")]
        content = [entry("Answer"), entry(":"), at, *rest]
        text = "Answer: right" if drawn == right else "Answer: wrong"
        told = foretold(content, text, text.split()[-1])
        assert told.kind == "token"
        found.append(told.value)
    return found


def test_token_auc_is_scikit_learns_and_tells_a_knower_from_a_coin() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(1)
    y = rng.integers(0, 2, 2000)
    knower = np.clip(rng.normal(0.25 + 0.5 * y, 0.12), 0.001, 0.999)
    known, coin = replies(knower), replies(rng.uniform(0.05, 0.95, len(y)))
    for told in (known, coin):
        assert auc(y, told) == pytest.approx(metrics.roc_auc_score(y, told), abs=1e-12)
    assert known == pytest.approx(knower.tolist(), abs=1e-6)
    assert auc(y, known) > 0.95
    assert abs(auc(y, coin) - 0.5) < 0.04


@pytest.mark.parametrize(
    "given",
    [
        {"content": [1, "a", None]},
        {"content": [{"token": "a", "top_logprobs": [7]}]},
        {"content": [{"token": "a", "top_logprobs": "b"}]},
        {"content": [{"token": "a", "logprob": "-1"}]},
        {"content": [{"token": "a", "logprob": 1e400}]},
        {"content": [[]]},
        {"content": "abc"},
        [1, 2],
        "abc",
    ],
    ids=str,
)
def test_log_probabilities_that_are_none_are_dropped_and_counted(given: Any) -> None:
    body = {"choices": [{"message": {"content": "right"}, "logprobs": given}]}
    kept = json.loads(trim(json.dumps(body)))["choices"][0]
    entries = given["content"] if isinstance(given, dict) else given
    assert kept["logprobs"] == {"content": [], "dropped": len(entries) if isinstance(entries, list) else 1}
    assert kept["message"] == {"content": "right"}
