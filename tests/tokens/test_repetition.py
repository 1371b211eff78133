"""Repetition and loops, against definitions written down naively."""

from __future__ import annotations

import time
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pedagogy_r1.tokens import SpacyTokenizer
from pedagogy_r1.tokens.word_repetition import (
    SELF_N,
    Loop,
    compression,
    in_loops,
    loops,
    ngram_ranks,
    repeats_itself,
    repeats_other,
    repetition,
    tail_loop,
)

WORDS = st.lists(st.integers(0, 3), max_size=40)
LOOPY = st.builds(
    lambda before, turn, times, after: before + turn * times + after,
    st.lists(st.integers(0, 4), max_size=8),
    st.lists(st.integers(0, 4), min_size=1, max_size=7),
    st.integers(1, 6),
    st.lists(st.integers(0, 4), max_size=8),
)


def ids(values: list[int]) -> np.ndarray:
    return np.array(values, dtype=np.uint64)


def grams(values: list[int], n: int) -> list[tuple[int, ...]]:
    return [tuple(values[i : i + n]) for i in range(len(values) - n + 1)]


def naive_itself(values: list[int], n: int) -> list[bool]:
    found = grams(values, n)
    again = [i for i in range(len(found)) if any(found[i] == found[j] for j in range(i))]
    return [any(i <= at < i + n for i in again) for at in range(len(values))]


def naive_other(values: list[int], other: list[int], n: int) -> list[bool]:
    found, known = grams(values, n), grams(other, n)
    return [
        any(i <= at < i + n and found[i] in known for i in range(len(found))) for at in range(len(values))
    ]


def naive_loops(values: list[int], least: int) -> list[Loop]:
    """For every period, every maximal stretch of tokens that equal the one a period before; smallest period only."""
    found: dict[tuple[int, int], int] = {}
    for period in range(1, len(values)):
        start = None
        for at in range(period, len(values) + 1):
            same = at < len(values) and values[at] == values[at - period]
            if same and start is None:
                start = at - period
            if not same and start is not None:
                if at - start >= max(3 * period, least):
                    found.setdefault((start, at), period)
                start = None
    return sorted(Loop(start, end, period) for (start, end), period in found.items())


@settings(deadline=None)
@given(WORDS, st.integers(1, 6))
def test_self_repetition_is_the_naive_one(values: list[int], n: int) -> None:
    assert repeats_itself(ids(values), n).tolist() == naive_itself(values, n)


@settings(deadline=None)
@given(WORDS, WORDS, st.integers(1, 6))
def test_stem_repetition_is_the_naive_one(values: list[int], other: list[int], n: int) -> None:
    assert repeats_other(ids(values), ids(other), n).tolist() == naive_other(values, other, n)


@settings(deadline=None)
@given(WORDS, st.integers(1, 9))
def test_equal_ranks_mean_equal_ngrams(values: list[int], n: int) -> None:
    ranks, found = ngram_ranks(ids(values), n).tolist(), grams(values, n)
    assert len(ranks) == len(found)
    assert all(
        (a == b) == (x == y)
        for a, x in zip(ranks, found, strict=True)
        for b, y in zip(ranks, found, strict=True)
    )


@settings(max_examples=400, deadline=None)
@given(st.one_of(WORDS, LOOPY), st.integers(1, 12))
def test_loops_are_the_naive_ones(values: list[int], least: int) -> None:
    assert loops(ids(values), least=least) == naive_loops(values, least)


@settings(max_examples=300, deadline=None)
@given(st.one_of(WORDS, LOOPY), st.integers(1, 6))
def test_tail_loop_is_the_longest_naive_one(values: list[int], least: int) -> None:
    lengths = []
    for period in range(1, len(values)):
        length = period
        while length < len(values) and values[-1 - length] == values[-1 - length + period]:
            length += 1
        if length >= max(3 * period, least):
            lengths.append((length, -period))
    found = tail_loop(loops(ids(values), least=least), len(values))
    if not lengths:
        assert found is None
    else:
        length, period = max(lengths)
        assert found == Loop(len(values) - length, len(values), -period)


def test_a_stuck_model_is_found() -> None:
    text = "First I try this: " + "Let me check again. " * 30
    words = SpacyTokenizer()(text)
    found, marks = repetition(text, words, SpacyTokenizer()("Find x."))
    assert found.tail_loop is not None
    assert found.tail_loop.period == 5
    assert found.tail_loop.end - found.tail_loop.start == 30 * 5
    assert found.loop_share == pytest.approx(150 / 155)
    assert found.self_repetition == pytest.approx(145 / 155)  # all turns but the first
    assert found.stem_repetition is None
    assert found.why == {"stem_repetition": "the question has fewer than 4 words"}
    assert marks.earlier.sum() == 145
    assert found.compression == compression(text) == len(text) / len(zlib.compress(text.encode()))
    assert found.compression > 10


def test_restating_the_item_counts_only_in_ngrams_of_it() -> None:
    question = "A pupil seals a pond plant and a snail in a jar."
    text = "So a pond plant and a snail are together. The jar is closed."
    found, marks = repetition(text, SpacyTokenizer()(text), SpacyTokenizer()(question))
    assert marks.stem.sum() == 6  # a pond plant and a snail
    assert found.stem_repetition == 6 / found.words
    assert found.self_repetition == 0


def test_no_text_and_no_question_say_why() -> None:
    found, _ = repetition("", SpacyTokenizer()(""), None)
    assert (found.words, found.self_repetition, found.compression) == (0, None, None)
    assert found.why["self_repetition"] == "no reasoning"
    assert found.why["stem_repetition"] == "no reasoning"
    short, _ = repetition("Yes.", SpacyTokenizer()("Yes."), None)
    assert short.stem_repetition is None
    assert short.self_repetition == 0


def test_nested_loops_are_both_reported() -> None:
    turn = [1, 1, 1, 1, 2]
    assert loops(ids(turn * 3 + [1]), least=4) == [
        Loop(0, 4, 1), Loop(0, 16, 5), Loop(5, 9, 1), Loop(10, 14, 1),
    ]  # fmt: skip
    assert in_loops([Loop(0, 4, 1), Loop(2, 6, 1)], 8).tolist() == [True] * 6 + [False] * 2


def test_a_million_words_take_seconds() -> None:
    """Text with a vocabulary, and the worst case: one loop from beginning to end."""
    words = np.random.default_rng(0).zipf(1.3, 1_000_000).astype(np.uint64) % 5000
    stuck = np.tile(np.arange(37, dtype=np.uint64), 27_028)
    began = time.process_time()
    for text in (words, stuck):
        repeats_itself(text, SELF_N)
        loops(text)
    assert time.process_time() - began < 40
    assert loops(stuck) == [Loop(0, len(stuck), 37)]
