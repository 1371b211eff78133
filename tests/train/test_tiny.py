"""The model built on the spot: the same bytes every time, and the same tokens after reloading."""

from __future__ import annotations

import filecmp
from pathlib import Path

import pytest

from pedagogy_r1.errors import InputError
from pedagogy_r1.train.tiny_model import build_tiny, parameters

pytest.importorskip("transformers")
pytest.importorskip("torch")

TEXTS = [
    "A pupil counts the beads again.",
    "Wait, the teacher's question was another one…",
    "学生 는 émile\t\r\n",
] * 3


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_tiny(tmp_path_factory.mktemp("tiny"), texts=TEXTS, vocab=400)


def test_same_arguments_same_bytes(tiny: Path, tmp_path: Path) -> None:
    import torch

    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    again = build_tiny(tmp_path / "again", texts=iter(TEXTS), vocab=400)
    names = sorted(path.name for path in tiny.iterdir())
    assert filecmp.cmpfiles(tiny, again, names, shallow=False) == (names, [], [])
    assert torch.equal(before, torch.random.get_rng_state()), "the caller's random state was moved"
    other = build_tiny(tmp_path / "other", texts=TEXTS, vocab=400, seed=1)
    assert (other / "tokenizer.json").read_bytes() == (tiny / "tokenizer.json").read_bytes()
    assert (other / "model.safetensors").read_bytes() != (tiny / "model.safetensors").read_bytes()


@pytest.mark.parametrize(
    "text",
    [
        "A pupil's jar: 12345 plants!\n\nWell…",
        "<think>\nOkay, wait…\n</think>\n\nB<|im_end|>",
        "学生 日本  \t x'S THE'RE é",
        "🙂\r\n\r\n  end ",
    ],
)
def test_tokens_survive_reloading(tiny: Path, text: str) -> None:
    """The trap: saved by another class, it would come back with another pre-tokenizer, and so other ids."""
    from transformers import AutoTokenizer, Qwen2Tokenizer

    loaded = AutoTokenizer.from_pretrained(tiny)
    assert type(loaded) is Qwen2Tokenizer
    trained = Qwen2Tokenizer().train_new_from_iterator(
        TEXTS, vocab_size=398, new_special_tokens=["<|im_start|>", "<|im_end|>"], show_progress=False
    )
    assert loaded.decode(loaded.encode(text)) == text
    plain = text.replace("<think>", "").replace("</think>", "")
    assert loaded.encode(plain) == trained.encode(plain)


def test_think_tags_survive_decoding_and_the_assistant_is_marked(tiny: Path) -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(tiny)
    ids = tokenizer.encode("<think>\nhm\n</think>\n\nB<|im_end|>")
    assert tokenizer.decode(ids, skip_special_tokens=True) == "<think>\nhm\n</think>\n\nB"
    messages = [{"role": "user", "content": "why?"}, {"role": "assistant", "content": "so."}]
    out = tokenizer.apply_chat_template(messages, return_dict=True, return_assistant_tokens_mask=True)
    marked = [i for i, m in zip(out["input_ids"], out["assistant_masks"], strict=True) if m]
    assert tokenizer.decode(marked) == "so.<|im_end|>"


def test_the_model_runs_and_counts_its_parameters(tiny: Path) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model, tokenizer = AutoModelForCausalLM.from_pretrained(tiny), AutoTokenizer.from_pretrained(tiny)
    assert model.config.vocab_size == len(tokenizer)
    assert sum(p.numel() for p in model.parameters()) == parameters(tiny)
    out = model.generate(**tokenizer("hello", return_tensors="pt"), max_new_tokens=3, do_sample=False)
    assert out.shape[0] == 1


@pytest.mark.parametrize("sizes", [{"heads": 3}, {"width": 6, "heads": 2}, {"vocab": 200}])
def test_impossible_sizes(tmp_path: Path, sizes: dict[str, int]) -> None:
    with pytest.raises(InputError):
        build_tiny(tmp_path / "none", texts=TEXTS, **sizes)
    assert not (tmp_path / "none").exists()
