"""Prompt and reply: nothing a trace holds gets out of its block, nothing a model says gets in unchecked."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pedagogy_r1.chat import ChatFault, rough_tokens
from pedagogy_r1.codebook import load_codebook
from pedagogy_r1.coding.prompt_and_reply import (
    FORMS,
    WHY,
    UnitAnswer,
    check,
    data_block,
    find_quote,
    make_prompt,
    message,
    parse_codings,
)

from ..fake_openai import BLOCK

BOOK = load_codebook("schoen")

nasty = st.lists(
    st.one_of(
        st.text(max_size=12),
        st.sampled_from(
            [
                "<data ",
                "</data ",
                "<",
                "/",
                "data",
                "</DATA>",
                ">\n",
                "\n",
                "\r",
                "\u2028",
                "\\",
                '"',
                "}",
                "]",
                "\\u003c",
                "0" * 12,
            ]
        ),
    ),
    max_size=12,
).map("".join)


@given(
    nasty,
    st.lists(nasty, max_size=3),
    st.lists(nasty, min_size=1, max_size=4),
    st.booleans(),
    st.sampled_from([None, *WHY]),
)
def test_whatever_a_trace_holds_there_is_one_block_and_it_holds_just_that(
    question: str, context: list[str], texts: list[str], critic: bool, why: str | None
) -> None:
    units = [{"unit": number, "text": text} for number, text in enumerate(texts, 1)]
    user = message(question, context, units, critic=critic, why=why)
    assert user == message(question, context, units, critic=critic, why=why)
    blocks = BLOCK.findall(user)
    assert len(blocks) == 1
    assert len(re.findall(r"<\s*/?\s*data", user, re.IGNORECASE)) == 2
    assert json.loads(blocks[0][1]) == {"question": question, "context": context, "units": units}
    # What stands outside the block is ours, whatever stands inside.
    assert BLOCK.sub("", user) == BLOCK.sub(
        "", message("", [], [{"unit": 1, "text": ""}], critic=critic, why=why)
    )


def test_the_fence_cannot_be_known_beforehand() -> None:
    assert data_block({"units": ["a"]}).splitlines()[0] != data_block({"units": ["b"]}).splitlines()[0]


def test_the_prompt_shows_no_cues_and_its_digest_follows_the_book() -> None:
    prompt = make_prompt(BOOK)
    other = BOOK.model_copy(update={"title": "Another title"})
    assert make_prompt(other).digest != prompt.digest
    assert make_prompt(load_codebook("schoen")) == prompt
    cues = [cue if isinstance(cue, str) else cue.cue for code in BOOK.codes for cue in code.cues]
    assert cues
    assert not [cue for cue in cues if ".." in cue and cue in prompt.system]


MOST = {"schoen": {"compact": 2500, "names": 900}, "schoenfeld": {"compact": 2500, "names": 900}}
"""Tokens. SmolLM2's tokenizer counted 14,627, 2,372 and 745 (schoen, first draft of 1.1.0), 3,106, 1,097 and 488 (schoenfeld) in the three forms."""


@pytest.mark.parametrize("name", MOST)
def test_a_compact_prompt_fits_a_small_model(name: str) -> None:
    book = load_codebook(name)
    full, compact, names = (make_prompt(book, form) for form in FORMS)
    assert full == make_prompt(book)
    assert len({full.digest, compact.digest, names.digest}) == 3
    for prompt, form in ((compact, "compact"), (names, "names")):
        # SmolLM2 has 3.8 bytes a token of these prompts; at 3.6 there is room to spare.
        assert rough_tokens(prompt.system) <= MOST[name][form]
        assert prompt.schema == full.schema
        assert all(f"{code.id}, {code.name}" in prompt.system for code in book.codes)
    assert all(code.definition.strip() in compact.system for code in book.codes)
    assert all(code.short.strip() in names.system for code in book.codes)


def test_the_full_prompt_has_the_table_of_looks_and_the_others_have_not() -> None:
    book = load_codebook("schoen@1.1.0")
    full, compact, names = (make_prompt(book, form).system for form in FORMS)
    assert (
        '\n- a claim brought in by such an opener: "Another argument is that smaller classes cost more." → KA-RO\n'
        in full
    )
    assert "# What it looks like" not in compact + names
    assert book.training[0].units[0].why not in full  # pages to practise on; a prompt has its examples


@pytest.mark.parametrize("form", FORMS)
def test_the_form_of_the_answer_that_is_shown_is_the_one_that_is_read(form: str) -> None:
    shown = re.search(r'{"codings": \[({.*?}), …]}', make_prompt(BOOK, form).system)
    assert shown
    (coding,) = parse_codings('{"codings": [' + shown[1] + "]}")
    assert list(coding) == list(make_prompt(BOOK).schema["properties"]["codings"]["items"]["properties"])


def good(**changes: Any) -> dict[str, Any]:
    return {
        "unit": 1,
        "evidence": "wait",
        "rationale": "r",
        "primary": "TR-SP",
        "secondary": None,
        "confidence": 1,
    } | changes


TEXT = "But wait,\n  that is 5."


@pytest.mark.parametrize(
    ("coding", "result"),
    [
        (good(), UnitAnswer(("TR-SP",), "wait", 1.0, "r")),
        (good(secondary="IA-SQ", confidence=0.25), UnitAnswer(("TR-SP", "IA-SQ"), "wait", 0.25, "r")),
        (good(evidence="wait, that"), UnitAnswer(("TR-SP",), "wait,\n  that", 1.0, "r")),
        (good(evidence="Wait"), "bad_quote"),
        (good(evidence=" "), "bad_quote"),
        (good(evidence="wait … that"), "bad_quote"),
        (good(evidence=None), "bad_quote"),
        (good(primary="tr-sp"), "bad_code"),
        (good(primary="none"), "bad_code"),
        (good(primary=["TR-SP"]), "bad_code"),
        (good(secondary="TR-SP"), "bad_code"),
        (good(secondary="none"), "bad_code"),
        (good(secondary=["IA-SQ"]), "bad_code"),
        (good(confidence=1.01), "bad_confidence"),
        (good(confidence=float("nan")), "bad_confidence"),
        (good(confidence="high"), "bad_confidence"),
        (good(confidence=True), "bad_confidence"),
        (good(rationale=None), "malformed"),
        (good(note="x"), "malformed"),
        ({"unit": 1, "primary": "TR-SP"}, "malformed"),
        (good(unit=2), "skipped_unit"),
        (good(unit="1"), "skipped_unit"),
        (good(unit=True), "skipped_unit"),
    ],
)
def test_a_coding_holds_or_is_named(coding: dict[str, Any], result: UnitAnswer | str) -> None:
    assert check([coding], [TEXT], BOOK) == [result]


@pytest.mark.parametrize(
    "text",
    ["", "nonsense", "[]", '{"codings": {}}', '{"codings": [1]}', '{"codings": [], "more": 1}', "[" * 99_999],
)
def test_a_reply_of_another_form_is_malformed(text: str) -> None:
    with pytest.raises(ChatFault) as caught:
        parse_codings(text)
    assert caught.value.kind == "malformed"


@given(st.text(max_size=60), st.integers(0, 60), st.integers(0, 60))
def test_every_slice_is_found_and_what_is_found_is_a_slice(text: str, start: int, end: int) -> None:
    quote = text[start:end]
    found = find_quote(quote, text)
    assert (found is not None) == bool(quote.strip())
    again = find_quote(" ".join(quote.split()), text)
    if quote.strip():
        assert again is not None
        assert again in text
        assert again.split() == quote.split()


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=5),
        lambda x: st.lists(x) | st.dictionaries(st.text(max_size=9), x),
    )
)
def test_no_reply_breaks_the_check(value: Any) -> None:
    try:
        codings = parse_codings(json.dumps({"codings": [value]}))
    except ChatFault:
        return
    assert len(check(codings, ["a", "b"], BOOK)) == 2
