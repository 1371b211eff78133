"""Counting tokens: spaCy's as in units, a model's by offsets."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pedagogy_r1.errors import PedagogyError
from pedagogy_r1.tokens import SpacyTokenizer, Tokens, load_tokenizer
from pedagogy_r1.tokens.tokenizer import ModelTokenizer
from pedagogy_r1.trace import Trace
from pedagogy_r1.unit import unitize

TEXT = "Okay, so 3.5 + 1 = 4.5.\n\nWait — is it? 😀 Let me check 한국어 too.\n  Done."


def test_spacy_counts_as_units_do() -> None:
    units = unitize(Trace(id="t", reasoning=TEXT))
    tokens = SpacyTokenizer()(TEXT)
    spans = [(unit.start, unit.end) for unit in units]
    assert tokens.within(spans).tolist() == [unit.tokens for unit in units]
    assert tokens.outside(spans) == 0
    assert len(tokens) == sum(unit.tokens for unit in units)


@settings(max_examples=200, deadline=None)
@given(st.sets(st.integers(0, 40)), st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=6))
def test_within_and_outside_count_one_by_one(at: set[int], pairs: list[tuple[int, int]]) -> None:
    import numpy as np

    tokens = Tokens(np.array(sorted(at), dtype=np.int64), np.zeros(len(at), dtype=np.uint64))
    spans = [(min(pair), max(pair)) for pair in pairs]
    assert tokens.within(spans).tolist() == [sum(a <= x < b for x in at) for a, b in spans]
    assert tokens.outside(spans) == sum(not any(a <= x < b for a, b in spans) for x in at)


def test_a_token_lies_where_its_first_visible_character_is() -> None:
    """Offsets as byte-level tokenizers give them: the space belongs to the next word, an emoji is three tokens."""
    text = "So it is.\n\n Wait 😀"
    offsets = [(0, 2), (2, 5), (5, 8), (8, 9), (9, 11), (11, 16), (16, 18), (17, 18), (17, 18)]
    tokens = ModelTokenizer(lambda _: (list(range(len(offsets))), offsets), "fake")(text)
    assert tokens.at.tolist() == [0, 3, 6, 8, 9, 12, 17, 17, 17]
    units = [(0, 9), (12, 18)]
    assert tokens.within(units).tolist() == [4, 4]
    assert tokens.outside(units) == 1  # the blank line


def test_empty_text() -> None:
    assert len(SpacyTokenizer()("")) == 0
    empty = ModelTokenizer(lambda _: ([], []), "fake")("")
    assert len(empty) == empty.outside([]) == 0


def test_unknown_tokenizers_are_explained(tmp_path: Path) -> None:
    with pytest.raises(PedagogyError, match="no such file"):
        load_tokenizer(str(tmp_path / "tokenizer.json"))


@pytest.mark.skipif(importlib.util.find_spec("transformers") is not None, reason="transformers is installed")
def test_without_transformers_the_hint_says_what_to_install() -> None:
    with pytest.raises(PedagogyError, match="transformers") as caught:
        load_tokenizer("Qwen/Qwen2.5-0.5B")
    assert caught.value.hint.startswith("pip install transformers")


def _tiny(folder: Path) -> Path:
    """A byte-level BPE tokenizer of 300 tokens, as models ship it."""
    tokenizers = pytest.importorskip("tokenizers")
    made = tokenizers.Tokenizer(tokenizers.models.BPE())
    made.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = tokenizers.decoders.ByteLevel()
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=300,
        initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet(),
        special_tokens=["<s>"],
    )
    made.train_from_iterator([TEXT, "Wait, let me check it again. " * 20], trainer)
    made.post_processor = tokenizers.processors.TemplateProcessing(
        single="<s> $A", special_tokens=[("<s>", 0)]
    )
    made.save(str(folder / "tokenizer.json"))
    return folder / "tokenizer.json"


def test_a_tokenizer_file(tmp_path: Path) -> None:
    tokenizer = load_tokenizer(str(_tiny(tmp_path)))
    tokens = tokenizer(TEXT)
    units = [(unit.start, unit.end) for unit in unitize(Trace(id="t", reasoning=TEXT))]
    within = tokens.within(units)
    assert 0 not in tokens.ids.tolist()  # no special token
    assert all(within)
    assert within.sum() + tokens.outside(units) == len(tokens)
    assert len(tokens) > len(SpacyTokenizer()(TEXT))


def test_a_model_folder_counts_like_its_file(tmp_path: Path) -> None:
    pytest.importorskip("transformers")
    path = _tiny(tmp_path)
    (tmp_path / "tokenizer_config.json").write_text(
        json.dumps({"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": 8})
    )
    by_folder, by_file = load_tokenizer(str(tmp_path))(TEXT), load_tokenizer(str(path))(TEXT)
    assert by_folder.at.tolist() == by_file.at.tolist()
    assert len(by_folder) > 8  # nothing is cut at the model's length


def test_a_model_that_does_not_exist_is_explained(tmp_path: Path) -> None:
    pytest.importorskip("transformers")
    (tmp_path / "model").mkdir()
    with pytest.raises(PedagogyError, match="no tokenizer could be loaded"):
        load_tokenizer(str(tmp_path / "model"))
