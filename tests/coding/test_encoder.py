"""Reading a sentence encoder's folder: what is there is checked before any weight is loaded, and vectors are those of plain transformers."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pedagogy_r1.coding.learned.encoder import (
    BATCH,
    SentenceEncoder,
    encoder_of,
    read_encoder,
    same_encoder,
)
from pedagogy_r1.coding.learned.fine_tuned import BEFORE, BEHIND, windows_of
from pedagogy_r1.errors import InputError, PedagogyError

from ..encoders import minilm, tiny_encoder


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_encoder(tmp_path_factory.mktemp("encoders") / "tiny")


def plain_vectors(folder: Path, texts: list[str], most: int) -> np.ndarray[Any, Any]:
    """One text at a time, by transformers alone; mean of the token states, brought to length 1."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()
    rows = []
    with torch.inference_mode():
        for text in texts:
            read = tokenizer(text, truncation=True, max_length=most, return_tensors="pt")
            mean = model(**read).last_hidden_state[0].mean(dim=0)
            rows.append((mean / mean.norm()).numpy())
    return np.array(rows)


def test_vectors_are_those_of_transformers(tiny: Path) -> None:
    found = read_encoder(tiny)
    assert (found.pooling, found.normalized, found.tokens, found.width) == ("mean", True, 48, 32)
    texts = [
        "What do I know about light?",
        "",
        "so " * 100,
        *["money equals nine"] * BATCH,
        "Next, plan seeds!",
    ]
    mine = SentenceEncoder(found).embed(texts)
    assert np.allclose(mine, plain_vectors(tiny, texts, 48), atol=1e-5)
    assert SentenceEncoder(found).embed([]).shape == (0, 32)


@pytest.mark.parametrize("pooling", ["cls", "max"])
def test_other_ways_of_pooling(tiny: Path, tmp_path: Path, pooling: str) -> None:
    folder = shutil.copytree(tiny, tmp_path / "other")
    name = {"cls": "pooling_mode_cls_token", "max": "pooling_mode_max_tokens"}[pooling]
    (folder / "1_Pooling/config.json").write_text(json.dumps({name: True, "word_embedding_dimension": 32}))
    (folder / "modules.json").unlink()
    import torch
    from transformers import AutoModel, AutoTokenizer

    texts = ["light", "So money equals nine here, and the ratio."]
    batch = AutoTokenizer.from_pretrained(folder)(texts[:1], return_tensors="pt")
    with torch.inference_mode():
        states = AutoModel.from_pretrained(folder).eval()(**batch).last_hidden_state[0]
    wanted = states[0] if pooling == "cls" else states.max(dim=0).values
    mine = SentenceEncoder(read_encoder(folder)).embed(texts)
    assert np.allclose(mine[0], wanted.numpy(), atol=1e-5)


def test_the_digest_is_of_what_vectors_depend_on(tiny: Path, tmp_path: Path) -> None:
    moved = shutil.copytree(tiny, tmp_path / "moved")
    (moved / "README.md").write_text("not read")
    assert read_encoder(moved).digest == read_encoder(tiny).digest
    same_encoder(read_encoder(moved), read_encoder(tiny).record())
    (moved / "sentence_bert_config.json").write_text('{"max_seq_length": 20}')
    assert read_encoder(moved).digest != read_encoder(tiny).digest
    with pytest.raises(InputError, match="is another encoder than the coder was fitted with") as error:
        encoder_of(read_encoder(tiny).record(), moved)
    assert "--encoder PATH" in error.value.hint
    with pytest.raises(InputError, match="is not there"):
        encoder_of(read_encoder(tiny).record() | {"path": str(tmp_path / "gone")}, None)


REFUSED: list[tuple[str, str | None, str]] = [
    ("config.json", None, r"no encoder there \(no config.json\)"),
    ("config.json", "{", "config.json: cannot be read"),
    ("config.json", "[1]", "config.json: no JSON object"),
    ("config.json", "{}", "no hidden_size"),
    ("config.json", '{"hidden_size": -3}', "hidden_size is -3, not a whole number above 0"),
    ("model.safetensors", None, "no model.safetensors"),
    (
        "sentence_bert_config.json",
        '{"max_seq_length": 500}',
        "asks for 500 tokens, the encoder has 66 positions",
    ),
    ("1_Pooling/config.json", '{"pooling_mode_lasttoken": true}', "pooling_mode_lasttoken of pooling"),
    (
        "1_Pooling/config.json",
        '{"pooling_mode_cls_token": true, "pooling_mode_max_tokens": true}',
        "of pooling",
    ),
    (
        "1_Pooling/config.json",
        '{"word_embedding_dimension": 384, "pooling_mode_mean_tokens": true}',
        "vectors of 384 numbers, config.json of 32",
    ),
    ("modules.json", '[{"type": "sentence_transformers.models.Dense"}]', "a step Dense"),
    ("modules.json", '{"type": 3}', "modules.json: cannot be read"),
]


@pytest.mark.parametrize(("name", "text", "said"), REFUSED)
def test_what_is_no_encoder_is_refused(
    tiny: Path, tmp_path: Path, name: str, text: str | None, said: str
) -> None:
    folder = shutil.copytree(tiny, tmp_path / "bad")
    (folder / name).unlink()
    if text is not None:
        (folder / name).write_text(text)
    with pytest.raises(InputError, match=said) as error:
        read_encoder(folder)
    assert error.value.hint


def test_a_pickle_is_not_read(tiny: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny, tmp_path / "old")
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(InputError, match="a pickle, which can run code"):
        read_encoder(folder)


def test_damaged_weights_are_refused(tiny: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny, tmp_path / "bad")
    data = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(data[: len(data) // 2])
    found = read_encoder(folder)
    with pytest.raises(InputError, match="cannot be loaded"):
        SentenceEncoder(found)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
NAMES = ("hidden_size", "max_position_embeddings", "max_seq_length", "word_embedding_dimension", "pooling_mode_mean_tokens", "pooling_mode", "type", "model_type", "dim")  # fmt: skip
OBJECT = st.dictionaries(st.sampled_from(NAMES), JSON, max_size=4).map(json.dumps).map(str.encode)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from(
        [
            "config.json",
            "1_Pooling/config.json",
            "sentence_bert_config.json",
            "modules.json",
            "tokenizer.json",
        ]
    ),
    data=st.none() | st.binary(max_size=40) | OBJECT | JSON.map(json.dumps).map(str.encode),
)
def test_whatever_the_files_hold_it_is_read_or_refused(tmp_path: Path, name: str, data: bytes | None) -> None:
    folder = tmp_path / "fuzzed"
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "1_Pooling").mkdir(parents=True)
    (folder / "config.json").write_text('{"hidden_size": 8, "max_position_embeddings": 30}')
    for sound in ("tokenizer.json", "model.safetensors"):
        (folder / sound).write_text("{}")
    (folder / name).unlink(missing_ok=True)
    if data is not None:
        (folder / name).write_bytes(data)
    try:
        found, why = read_encoder(folder), None
    except PedagogyError as error:
        found, why = None, error
    if why:
        assert why.hint
        assert str(folder) in why.message
    else:
        assert found
        assert found.width > 0
        assert found.tokens > 0
        assert found.pooling in ("mean", "cls", "max")


@settings(max_examples=200)
@given(st.lists(st.integers(1, 14), max_size=40))
def test_every_unit_is_answered_once_with_its_neighbours(sizes: list[int]) -> None:
    """A window holds four units of 14 tokens: 4 · 15 + 1 = 61."""
    windows = windows_of(sizes, 61)
    assert [unit for w in windows for unit in range(w.first, w.last)] == list(range(len(sizes)))
    for w in windows:
        assert sum(size + 1 for size in sizes[w.begin : w.end]) + 1 <= 61
        assert w.begin <= max(0, w.first - BEFORE)
        assert w.end >= min(len(sizes), w.last + BEHIND)


def test_the_default_imports_no_torch() -> None:
    code = (
        "import sys, pedagogy_r1.coding.coders.learned, pedagogy_r1.coding.learned.fit_coder, pedagogy_r1.cli.cmd_coder; "
        "print([name for name in ('torch', 'transformers', 'safetensors') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_minilm() -> None:
    """What its page says of it: 384 numbers of length 1, 256 tokens; sentences of one meaning are near."""
    found = read_encoder(minilm())
    assert (found.pooling, found.normalized, found.tokens, found.width) == ("mean", True, 256, 384)
    texts = ["How tall is the cylinder?", "What is the height of the cylinder?", "She ate a green apple."]
    mine = SentenceEncoder(found).embed(texts)
    assert np.allclose(np.linalg.norm(mine, axis=1), 1, atol=1e-5)
    near = mine @ mine.T
    assert near[0, 1] > 0.8
    assert near[0, 2] < 0.3
