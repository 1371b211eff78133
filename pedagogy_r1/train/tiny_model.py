"""A model small enough for tests and laptops, built on the spot: the real Qwen2 code, random weights, a tokenizer of its own.

    folder = build_tiny("tiny")            about 200,000 parameters, under a second
    AutoModelForCausalLM.from_pretrained(folder), LLM(model=str(folder))        both load it

It knows nothing. What it is for: every stage of the pipeline runs on it as on a model of seven billion parameters.

Three traps, each met: a fast tokenizer saved beside a ``qwen2`` config reloads with another pre-tokenizer unless it was made
by ``Qwen2Tokenizer``; vLLM on a CPU knows no attention heads below 32 wide; and ``<think>`` must be a token that is *not*
special, or decoding without special tokens would swallow the border between reasoning and answer.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import prod
from pathlib import Path
from typing import Any

from ..errors import InputError
from ..files.records import Row, read_jsonl
from ..plugins import need
from ..shipped import folder as shipped

CHAT_TEMPLATE = (
    "{%- for message in messages -%}"
    "{%- if message['role'] == 'assistant' -%}"
    "{{- '<|im_start|>assistant\\n' -}}"
    "{%- generation -%}{{- message['content'] + '<|im_end|>' -}}{%- endgeneration -%}"
    "{{- '\\n' -}}"
    "{%- else -%}"
    "{{- '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' -}}"
    "{%- endif -%}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\\n' -}}{%- endif -%}"
)
"""ChatML, as Qwen2's, with the assistant's words marked for TRL's ``assistant_only_loss``."""

_END, _PAD = "<|im_end|>", "<|endoftext|>"
_BYTES = 256


def build_tiny(
    folder: str | Path,
    *,
    seed: int = 0,
    texts: Iterable[str] | None = None,
    layers: int = 2,
    width: int = 64,
    heads: int = 2,
    vocab: int = 2000,
    positions: int = 2048,
) -> Path:
    """Write a Qwen2 model with random weights and its tokenizer into ``folder``; the same arguments write the same bytes.

    ``texts``: what the tokenizer is trained on (by default the traces of the demo). ``vocab``: most tokens it may have, the 256
    bytes and 5 marks included; few texts make fewer. ``positions``: longest sequence. ``width`` / ``heads`` is the size of an
    attention head: keep it at 32 or more where vLLM on a CPU shall load the model.

    Returns the folder. Raises `InputError` for sizes that no model has, and where the ``[train]`` packages are missing.
    """
    if width % heads or (width // heads) % 2:
        raise InputError(
            f"a width of {width} cannot be shared by {heads} heads", "width / heads must be an even number"
        )
    if vocab < _BYTES + 5:
        raise InputError(
            f"a vocabulary of {vocab} is too small", f"it holds 256 bytes and 5 marks: at least {_BYTES + 5}"
        )
    need("torch", "transformers")
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = _tokenizer(_demo_texts() if texts is None else texts, vocab, positions)
    tokenizer.save_pretrained(folder)
    _model(tokenizer, seed, layers, width, heads, positions).save_pretrained(folder)
    return folder


def _demo_texts() -> list[str]:
    path = shipped("demo") / "traces.jsonl"
    rows = [row.data for row in read_jsonl(path) if isinstance(row, Row)]
    return [str(row.get(part) or "") for row in rows for part in ("question", "reasoning", "answer")]


def _tokenizer(texts: Iterable[str], vocab: int, positions: int) -> Any:
    from tokenizers import AddedToken
    from transformers import Qwen2Tokenizer

    marks = ["<|im_start|>", _END]
    # <|endoftext|> is Qwen2Tokenizer's own; the two think marks come after training.
    made = Qwen2Tokenizer().train_new_from_iterator(
        list(texts), vocab_size=vocab - 2, new_special_tokens=marks, show_progress=False
    )
    made.add_tokens([AddedToken(mark, special=False, normalized=False) for mark in ("<think>", "</think>")])
    made.eos_token, made.pad_token = _END, _PAD
    made.model_max_length = positions
    made.chat_template = CHAT_TEMPLATE
    return made


def _model(tokenizer: Any, seed: int, layers: int, width: int, heads: int, positions: int) -> Any:
    import torch
    from transformers import GenerationConfig, Qwen2Config, Qwen2ForCausalLM

    end, pad = tokenizer.convert_tokens_to_ids([_END, _PAD])
    config = Qwen2Config(
        vocab_size=len(tokenizer),
        hidden_size=width,
        intermediate_size=width * 4,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=max(1, heads // 2) if heads % 2 == 0 else heads,
        max_position_embeddings=positions,
        tie_word_embeddings=True,
        # The usual 0.02 is made for widths of thousands; at 64 attention starts flat, and little is learnt in 300 steps.
        initializer_range=width**-0.5,
        bos_token_id=None,
        eos_token_id=end,
        pad_token_id=pad,
        dtype="float32",
    )
    # The caller's random state is none of our business: it is put back behind us.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = Qwen2ForCausalLM(config)
    model.generation_config = GenerationConfig(eos_token_id=[end, pad], pad_token_id=pad)
    return model


def parameters(folder: str | Path) -> int:
    """How many numbers the saved model holds, by the shapes that its files name."""
    from safetensors import safe_open

    total = 0
    for path in Path(folder).glob("*.safetensors"):
        with safe_open(path, "np") as file:
            names = file.keys()
            total += sum(prod(file.get_slice(name).get_shape()) for name in names)
    return total
