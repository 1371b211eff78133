"""Spans are found again by their quote, however their offsets were counted; else they are refused."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pedagogy_r1.files.spreadsheet import neutralise, restore
from pedagogy_r1.human.anchor import Anchored, Anchorer, Refused, fold

TEXT = "  Okay 🙂, so x² = 4.\nWait, that contradicts the premise 🙂🙂.\nSo x = 2. Wait, no. Then x = −2."
QUOTE = "Wait, that contradicts the premise"
AT = TEXT.index(QUOTE)


def place(start: int | None, end: int | None, quote: str, text: str = TEXT) -> Anchored | Refused:
    return Anchorer(text).anchor(start, end, quote)


def test_offsets_that_hold() -> None:
    assert place(AT, AT + len(QUOTE), QUOTE) == Anchored(AT, AT + len(QUOTE))


def utf16(n: int) -> int:
    return len(TEXT[:n].encode("utf-16-le")) // 2


def utf8(n: int) -> int:
    return len(TEXT[:n].encode())


def crlf(n: int) -> int:
    return n + TEXT[:n].count("\n")


@pytest.mark.parametrize(
    ("cause", "count"),
    [
        ("UTF-16 code units", utf16),
        ("UTF-8 bytes", utf8),
        ("CRLF line ends", crlf),
        ("CRLF line ends and UTF-16 code units", lambda n: utf16(n) + TEXT[:n].count("\n")),
        ("counted from 1 (or a byte-order mark)", lambda n: n + 1),
        ("counted with <think>", lambda n: n + 7),
        ("counted with <think> and a line end", lambda n: n + 8),
        ("leading white space trimmed", lambda n: n - 2),
    ],
)
def test_other_ways_of_counting_are_recognised(cause: str, count: object) -> None:
    assert callable(count)
    later = "So x = 2. Wait, no."
    at = TEXT.index(later)
    assert place(count(at), count(at + len(later)), later) == Anchored(at, at + len(later), cause)


def test_line_ends_counted_as_one_character() -> None:
    text = "One.\r\nTwo.\r\nThree."
    assert place(10, 16, "Three.", text) == Anchored(12, 18, "line ends counted as one character")


@pytest.mark.parametrize(
    "quote", [f"{QUOTE}\r\n", f" {QUOTE} ", QUOTE.replace(" ", "\u00a0"), "\ufeff" + QUOTE]
)
def test_the_place_is_right_and_the_quote_was_handled_on_the_way(quote: str) -> None:
    assert place(AT, AT + len(QUOTE), quote) == Anchored(AT, AT + len(QUOTE))


def test_composed_and_decomposed_letters_are_the_same() -> None:
    text = unicodedata.normalize("NFD", "Sí. La única opción válida es ésta, según creo.")
    quote = "La única opción válida es ésta"
    found = place(4, 34, quote, text)
    assert isinstance(found, Anchored)
    assert unicodedata.normalize("NFC", text[found.start : found.end]) == quote


def test_a_long_quote_that_occurs_once_is_found_anywhere_a_short_one_only_near() -> None:
    far = "x. " * 400
    found = place(0, 5, QUOTE, far + TEXT)
    assert found == Anchored(len(far) + AT, len(far) + AT + len(QUOTE), "other offsets: placed by the quote")
    assert isinstance(place(0, 5, "Okay 🙂", far + TEXT), Refused)
    assert isinstance(place(len(far) - 100, len(far), "Okay 🙂", far + TEXT), Anchored)


def test_the_nearest_of_several_is_taken_if_it_is_near_and_nearer() -> None:
    text = "Wait, no. " + "a" * 100 + " Wait, no. " + "b" * 500
    assert place(20, 29, "Wait, no.", text)[:2] == (0, 9)
    assert place(100, 109, "Wait, no.", text)[:2] == (111, 120)
    assert place(len(text) - 9, len(text), "Wait, no.", text) == Refused(
        "the quote is not at its offsets, and occurs 2 times elsewhere, not near"
    )
    assert place(None, None, "Wait, no.", text) == Refused("no offsets, and the quote occurs 2 times")


def test_equally_near_is_refused() -> None:
    text = "no way" + " " * 10 + "no way"
    assert place(8, 20, "no way", text) == Refused(
        "the quote is not at its offsets, and occurs twice equally near"
    )
    assert isinstance(place(7, 20, "no way", text), Anchored)


@pytest.mark.parametrize("quote", ["never said", "", " \n", "\u200b"])
def test_what_is_not_there_is_refused(quote: str) -> None:
    assert isinstance(place(3, 9, quote), Refused)


@pytest.mark.parametrize(("start", "end"), [(9, 3), (5, 5), (-4, 2), (10**12, 10**13), (0, 10**9)])
def test_impossible_offsets_are_helped_by_the_quote_or_refused(start: int, end: int) -> None:
    found = place(start, end, QUOTE)
    assert isinstance(found, Anchored)
    assert TEXT[found.start : found.end] == QUOTE
    assert found.cause


texts = st.text(st.characters(codec="utf-8") | st.sampled_from(" \n\r\t🙂é"), min_size=1, max_size=80)


@settings(max_examples=300, deadline=None)
@given(text=texts, data=st.data())
def test_a_true_span_is_always_found_where_it_is(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    found = place(start, end, text[start:end], text)
    assert found == Anchored(start, end) or not fold(text[start:end])


def test_half_a_letter_is_no_place() -> None:
    assert isinstance(place(None, None, "a", "\u00e0"), Refused)
    assert isinstance(place(None, None, "a", "a \u00e0"), Anchored)


@settings(max_examples=300, deadline=None)
@given(text=texts, quote=texts, start=st.none() | st.integers(-5, 120), end=st.none() | st.integers(-5, 120))
def test_what_is_placed_reads_like_the_quote(
    text: str, quote: str, start: int | None, end: int | None
) -> None:
    found = place(start, end, quote, text)
    if isinstance(found, Anchored):
        assert 0 <= found.start < found.end <= len(text)
        assert fold(text[found.start : found.end]) == fold(quote)
        assert start is None or found.cause or found.start == start


@given(st.text(st.sampled_from("'=+-@\t\rab")))
def test_neutralising_is_undone_exactly_and_leaves_no_formula(cell: str) -> None:
    assert restore(neutralise(cell)) == cell
    assert not neutralise(cell).startswith(("=", "+", "-", "@", "\t", "\r"))
