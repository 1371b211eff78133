"""ξ_UT and the efficiencies, against the papers' worked examples and their definitions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pedagogy_r1.errors import InputError
from pedagogy_r1.tokens import (
    Resampling,
    Response,
    SpacyTokenizer,
    efficiency,
    measure,
    outcome_term,
    process_term,
    read_thoughts,
    response_of,
    solutions_of,
    underthinking_term,
    wrong_to_right,
    xi_ut,
    xi_wut,
)
from pedagogy_r1.tokens.response_thoughts import response_correct, sure
from pedagogy_r1.trace import Trace
from pedagogy_r1.unit import unitize
from pedagogy_r1.wbeb.answers.stated_value import kind_of, read_stated, same_answer

HOW = Resampling(200, 1)
BY: dict[str, Any] = {"judge": "rule", "segmenter": "thought@1", "how": HOW}


def test_wang_2025_figure_2() -> None:
    """The first thought (411 of 7681 tokens) is correct: ξ = 1 − 411/7681 = 0.946."""
    score = xi_ut([response_of("fig2", [411, 3000, 4270], [True, False, True])], **BY)
    assert score.score.value == pytest.approx(1 - 411 / 7681)
    assert round(score.score.value or 0, 3) == 0.946
    assert score.score.interval is None
    assert score.score.warnings == ("no interval: everything comes from one item",)


def test_the_first_correct_thought_itself_is_included() -> None:
    """A public reimplementation stops before it; for a correct second thought of 30 it would give 1 − 10/100."""
    term = underthinking_term(response_of("t", [10, 30, 60], [False, True, False]))
    assert term == pytest.approx(1 - 40 / 100)


def test_thought_zero_is_a_thought() -> None:
    """A public reimplementation takes index 0 for "none" and gives 0."""
    assert underthinking_term(response_of("t", [10, 90], [True, False])) == pytest.approx(0.9)


def test_no_correct_thought_is_no_underthinking() -> None:
    assert underthinking_term(response_of("t", [10, 90], [False, False])) == 0
    assert underthinking_term(response_of("t", [], [], rest=7)) == 0
    assert underthinking_term(response_of("t", [10], [True])) == 0  # nothing comes after it


def test_the_answer_part_belongs_to_the_response() -> None:
    assert underthinking_term(response_of("t", [10, 30], [True, False], rest=60)) == pytest.approx(0.9)


def test_correct_responses_enter_the_weighted_form_alone() -> None:
    responses = [
        response_of("a", [20, 80], [True, False], item="i"),
        response_of("b", [50, 50], [False, False], item="j"),
        response_of("c", [10, 90], [True, False], correct=True, item="i"),
        response_of("d", [10, 90], [True, True], correct=True, item="j"),
    ]
    plain, weighted = xi_ut(responses, **BY), xi_wut(responses, **BY)
    assert (plain.name, plain.n, plain.score.value) == ("xi_ut", 2, pytest.approx(0.4))
    assert (weighted.name, weighted.n, weighted.score.value) == ("xi_wut", 4, pytest.approx(0.2))
    assert plain.n_incorrect == weighted.n_incorrect == 2
    assert plain.n_reached == 1
    assert (plain.judge, plain.segmenter) == ("rule", "thought@1")
    assert plain.score.clusters == 2
    unequal = xi_wut(responses[:3], **BY)
    assert "items have 1 to 2 responses" in " ".join(unequal.score.warnings)


def test_only_right_responses_leave_xi_ut_undefined() -> None:
    score = xi_ut([response_of("a", [5], [True], correct=True)], **BY)
    assert score.score.value is None
    assert score.score.why_undefined == "there is no incorrect response that could be judged"
    assert xi_wut([response_of("a", [5], [True], correct=True)], **BY).score.value == 0
    assert xi_wut([], **BY).score.why_undefined == "there is no response that could be judged"


def test_an_unjudged_thought_matters_only_before_the_first_correct_one() -> None:
    before = response_of("a", [10, 10, 80], [None, True, False])
    after = response_of("b", [10, 10, 80], [True, None, False])
    never = response_of("c", [10, 90], [False, None])
    score = xi_ut([before, after, never], **BY)
    assert (score.n, score.score.value, score.excluded) == (
        1,
        pytest.approx(0.9),
        {"a thought was not judged": 2},
    )


def test_two_judges() -> None:
    """Correct if at least one is sure (2 of 2), however unsure the other."""
    assert [sure(pair) for pair in [(2, 2), (2, 0), (0, 2), (1, 1), (0, 0)]] == [
        True,
        True,
        True,
        False,
        False,
    ]
    assert sure((None, 2)) is True
    assert sure((None, 1)) is None


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(1, 50), st.booleans()), min_size=1, max_size=8), st.integers(0, 50))
def test_the_term_is_the_share_of_tokens_behind_the_first_correct_thought(
    thoughts: list[tuple[int, bool]], rest: int
) -> None:
    tokens = [owner for owner, (count, _) in enumerate(thoughts) for _ in range(count)] + [
        len(thoughts)
    ] * rest
    right = [i for i, (_, ok) in enumerate(thoughts) if ok]
    wasted = sum(owner > right[0] for owner in tokens) / len(tokens) if right else 0
    response = response_of("t", [n for n, _ in thoughts], [ok for _, ok in thoughts], rest=rest)
    assert underthinking_term(response) == pytest.approx(wasted)
    assert 0 <= underthinking_term(response) < 1


def test_impossible_responses_are_refused() -> None:
    with pytest.raises(ValueError, match="2 thoughts, 1 verdicts"):
        Response("t", "t", False, 10, (1, 2), (True,))
    with pytest.raises(ValueError, match="thoughts end at"):
        Response("t", "t", False, 10, (5, 11), (True, True))


def test_interval_resamples_items_with_all_their_responses() -> None:
    """Terms are alike within items, so resampling responses would be far too sure."""
    rng = np.random.default_rng(3)
    responses = []
    for item in range(30):
        first = int(rng.integers(1, 99))
        responses += [
            response_of(f"{item}.{k}", [first, 100 - first], [True, False], item=str(item)) for k in range(8)
        ]
    by_item = xi_ut(responses, **BY).score
    by_trace = xi_ut(
        [response_of(r.trace_id, [r.ends[0], 100 - r.ends[0]], [True, False]) for r in responses], **BY
    ).score
    assert by_item.value == pytest.approx(by_trace.value)
    assert (by_item.n, by_item.clusters, by_trace.clusters) == (240, 30, 240)
    assert by_item.interval is not None
    assert by_trace.interval is not None
    width = (by_item.interval[1] - by_item.interval[0]) / (by_trace.interval[1] - by_trace.interval[0])
    assert 2 < width < 4  # √8 = 2.8
    assert xi_ut(responses, **BY).score == by_item


def test_wrong_to_right_ratios() -> None:
    responses = [
        response_of("a", [100] * 6, [False] * 6),
        response_of("b", [100] * 4, [False] * 4),
        response_of("c", [100, 100], [True, True], correct=True),
    ]
    found = wrong_to_right(responses, replace(HOW, interval="bootstrap"))
    assert found.tokens.value == pytest.approx(2.5)
    assert found.switches.value == pytest.approx(4)
    assert (found.mean_tokens, found.mean_switches) == ((500, 200), (4, 1))
    assert found.tokens.undefined_share > 0  # resamples without the one right response
    assert (
        wrong_to_right(responses[:2], HOW).tokens.why_undefined
        == "there are not both wrong and right responses"
    )


def test_wrong_to_right_has_no_interval_with_few_items_on_a_side() -> None:
    """Four wrong responses among 14 had [.21, 8.90], and two among five [0, 1.95e+07]."""
    lengths = [300, 500, 450, 700, 200, 240, 260, 300, 180, 220]
    wrong = [response_of(f"w{n}", [lengths[n]], [False]) for n in range(4)]
    right = [response_of(f"r{n}", [lengths[n]], [True], correct=True) for n in range(10)]
    found = wrong_to_right(wrong + right, HOW).tokens
    assert (found.value is None, found.interval) == (False, None)
    assert found.warnings == (
        "no interval: 4 items with wrong responses, and with fewer than 5 none can hold",
    )
    enough = wrong_to_right([*wrong, response_of("w4", [350], [False]), *right], HOW).tokens
    assert enough.interval is not None


def test_chen_2024_figure_2() -> None:
    """2+3: 13 solutions in 901 tokens; the first, of 39 tokens, is right; 7 perspectives (v1, arXiv 2412.21187).

    The paper names the tokens of the first solution of each perspective; the others share what is left of 901.
    """
    first = {1: 39, 2: 109, 3: 39, 7: 29, 8: 29, 9: 19, 12: 59}
    perspective = [1, 2, 3, 3, 2, 1, 4, 5, 6, 6, 1, 7, 7]
    rest = 901 - sum(first.values())
    tokens = [first.get(m, rest // 6) for m in range(1, 14)]
    tokens[-1] += rest - rest // 6 * 6
    example = solutions_of("2+3", tokens, correct=[True] * 13, perspectives=perspective)
    assert example.total == 901
    assert example.new.count(True) == 7
    assert outcome_term(example) == 39 / 901
    assert round(outcome_term(example), 3) == 0.043
    assert round(process_term(example), 3) == 0.358


def test_conventional_models_have_outcome_efficiency_equal_to_accuracy() -> None:
    """One solution a response: T̂ = D = T, so that ξ_O is accuracy and ξ_P is 1 (ibid., §2.4)."""
    found = efficiency([solutions_of(str(i), [50 + i], correct=[i % 4 > 0]) for i in range(40)], HOW)
    assert found.outcome.value == pytest.approx(0.75)
    assert found.process.value == 1
    assert found.solutions == 1


def test_sigma_asks_for_any_correct_solution() -> None:
    """A response that found the answer and lost it again still arrived: σ is not the response's own correctness."""
    assert outcome_term(solutions_of("t", [30, 70], correct=[True, False])) == 0.3
    assert outcome_term(solutions_of("t", [30, 70], correct=[False, True])) == 1
    assert outcome_term(solutions_of("t", [30, 70], correct=[False, False])) == 0
    without = efficiency([solutions_of("t", [30, 70])], HOW)
    assert without.outcome.why_undefined == "no response has a reference"
    assert without.process.value == 1


@pytest.mark.parametrize(
    ("text", "stated"),
    [
        (r"Therefore, \boxed{\frac{1}{2}}.", r"\frac{1}{2}"),
        (r"so \boxed{\text{(B)}} it is", r"\text{(B)}"),
        ("So the answer is 204. But let me check again", "204"),
        ("Therefore, the answer should be 1,234.", "1,234"),
        ("**Final Answer**: 3.5", "3.5"),
        ("**Answer:** C", "C"),
        ("the answer to the problem is $x+1$, done", "$x+1$"),
        ("The correct answer is B.", "B"),
        ("The answer is A", "A"),
        ("The answer is not 5.", None),
        ("Is the answer 5?", None),
        ("Maybe the answer is 5?", None),
        ("The answer is a number.", None),
        ("If the answer is 5, then x is 3.", None),
        ("The answer is clear now.", None),
        ("the answer is 45, which is valid. So the solutions are valid.", "45"),
        ("The answer is 3x + 1 or so", "3x"),
        ("So x = 5, and then", None),
        ("the answer is 5. No wait, the answer is 6.", "6"),
        ("", None),
    ],
)
def test_stated_answer(text: str, stated: str | None) -> None:
    assert read_stated(text).value == stated


@pytest.mark.parametrize(
    ("text", "stated"),
    [
        ("I'd go with C here", "C"),
        ("Option B is the best", "B"),
        ("So (D) is correct.", "D"),
        ("Option A? No.", None),
        ("So it is not option A.", None),
        ("I think I should read A carefully", None),
        ("Answer: (C)", "C"),
        ("The answer choices are A, B and C", None),
        ("The answer is I think B? Hmm", None),
        ("I can't choose B", None),
        ("The answer is 5", None),
    ],
)
def test_stated_option(text: str, stated: str | None) -> None:
    assert read_stated(text, "option").value == stated


def test_stated_text() -> None:
    text = "So the answer is the French Revolution. Next."
    assert read_stated(text, kind_of("French revolution")).value == "the French Revolution"
    assert same_answer("the French Revolution", "French revolution")
    assert [kind_of(r) for r in ("73", "1/2", "B", "(b)", "osmosis", "x + 1", " ", None)] == [
        "number", "number", "option", "option", "text", "text", None, None,
    ]  # fmt: skip


def test_whether_a_response_is_right() -> None:
    def of(**fields: Any) -> tuple[bool | None, str]:
        return response_correct(Trace(id="t", **fields))

    assert of(correct=False, answer=r"\boxed{3}", reference="3") == (False, "recorded")
    assert of(answer=r"\boxed{3}", reference="3") == (True, "rule")
    assert of(answer="B", reference="B") == (True, "rule")
    assert of(answer="It could be anything at all.", reference="3") == (
        None,
        "no answer was found in the answer part",
    )
    assert of(reasoning="the answer is 3", think="unclosed", reference="3") == (False, "no answer given")
    assert of(reasoning="… So the answer is 3.", think="absent", reference="3") == (True, "rule")
    assert (
        of(reasoning="the answer is 3. " + "Hmm. " * 400, think="absent", reference="3")[1]
        == "no answer given"
    )
    assert of(answer="3")[0] is None


REASONING = "Let x be 2. So the answer is 4. Wait, that is wrong. Hmm. Alternatively, use y. The answer is 5."


def test_a_trace_from_text_to_term() -> None:
    """Three thoughts; the first states the reference, the response another answer."""
    trace = Trace(id="t", item="i", reasoning=REASONING, answer="The answer is 5.", reference="4")
    found = measure(trace, SpacyTokenizer())
    assert found.thought_tokens == tuple(unit.tokens for unit in unitize(trace, "thought@1"))
    assert found.thought_correct == (True, False, False)
    assert found.thought_tokens == (11, 8, 9)
    assert (found.reasoning, found.answer) == (28, 5)
    assert found.response is not None
    assert not found.response.correct
    assert found.response.switches == 2
    assert underthinking_term(found.response) == pytest.approx(1 - 11 / 33)
    assert found.solutions.tokens == (11, 17, 5)
    assert found.solutions.correct == (True, False, False)
    assert outcome_term(found.solutions) == pytest.approx(11 / 33)


def test_thoughts_and_judges_from_a_file(write_jsonl: Any) -> None:
    cut = REASONING.index("Hmm")
    path = write_jsonl(
        "thoughts.jsonl",
        {"trace_id": "t", "start": cut, "end": len(REASONING), "confidences": [0, 2]},
        {"trace_id": "t", "start": 0, "end": cut - 1, "confidences": [1, 1]},
    )
    given = read_thoughts(path)
    assert [t.start for t in given["t"]] == [0, cut]
    trace = Trace(id="t", reasoning=REASONING, answer="The answer is 5.", reference="4")
    found = measure(trace, SpacyTokenizer(), given=given, judged=True)
    assert found.thought_correct == (False, True)
    assert found.response is not None
    assert underthinking_term(found.response) == pytest.approx(5 / 33)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"trace_id": "t", "start": 5, "end": 5}, "end lies before start"),
        ({"trace_id": "t", "start": 0, "end": 5, "confidences": [2, 3]}, "thoughts.jsonl:2: confidences.1"),
        ({"trace_id": "t", "start": 0, "end": 5, "confidence": 2}, "thoughts.jsonl:2: confidence"),
        ({"trace_id": "t", "start": 2, "end": 5}, "thoughts.jsonl:2: thought 2–5 of t overlaps 0–4"),
    ],
)
def test_bad_thoughts_name_their_line(write_jsonl: Any, row: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_thoughts(write_jsonl("thoughts.jsonl", {"trace_id": "t", "start": 0, "end": 4}, row))


def test_a_language_without_switch_cues_is_left_out_and_said() -> None:
    found = measure(
        Trace(id="t", reasoning="เดี๋ยวก่อน", lang="th", correct=False, reference="4"), SpacyTokenizer()
    )
    assert found.response is None
    assert found.why_not == "thought@1 knows no switch cues for language th"
    assert found.reasoning > 0
