"""Sentence encoders for tests: a tiny one with random weights, made here, and MiniLM, where `PEDAGOGY_MINILM` says its folder is.

Nothing is downloaded; CONTRIBUTING.md says how to have MiniLM.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

KNOWN = """
what do i know about understand at all why believe in the value of is twelve so equals nine here then comes to seven
let me first look will turn next plan area rain verbs maps light money seeds ratio poems clocks rivers sound . , ? !
"""


def tiny_encoder(folder: Path, seed: int = 0, layers: int = 3) -> Path:
    """A BERT of three layers and 32 numbers with random weights, in the layout of sentence-transformers."""
    pytest.importorskip("torch")
    pytest.importorskip("transformers")
    import torch
    from transformers import BertConfig, BertModel, BertTokenizer

    folder.mkdir(parents=True)
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *dict.fromkeys(KNOWN.split())]
    (folder / "vocab.txt").write_text("\n".join(vocabulary) + "\n")
    BertTokenizer(str(folder / "vocab.txt")).save_pretrained(folder)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        config = BertConfig(
            vocab_size=len(vocabulary),
            hidden_size=32,
            num_hidden_layers=layers,
            num_attention_heads=4,
            intermediate_size=64,
            max_position_embeddings=66,
            initializer_range=0.3,
        )
        BertModel(config).save_pretrained(folder)
    (folder / "1_Pooling").mkdir()
    pooling = {
        "word_embedding_dimension": 32,
        "pooling_mode_cls_token": False,
        "pooling_mode_mean_tokens": True,
    }
    (folder / "1_Pooling/config.json").write_text(json.dumps(pooling))
    (folder / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": 48}))
    kinds = ("models.Transformer", "models.Pooling", "models.Normalize")
    steps = [{"idx": i, "type": f"sentence_transformers.{kind}"} for i, kind in enumerate(kinds)]
    (folder / "modules.json").write_text(json.dumps(steps))
    return folder


def minilm() -> Path:
    """Where MiniLM is; the test is skipped where it is not."""
    pytest.importorskip("torch")
    pytest.importorskip("transformers")
    named = os.environ.get("PEDAGOGY_MINILM", "")
    folder = Path(named).expanduser()
    if not named or not (folder / "model.safetensors").is_file():
        pytest.skip("PEDAGOGY_MINILM names no folder with model.safetensors")
    return folder.resolve()
