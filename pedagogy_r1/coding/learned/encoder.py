"""A sentence encoder on disk, in the layout of transformers or sentence-transformers, and texts as its vectors.

    models/minilm/config.json tokenizer.json model.safetensors       needed
                  1_Pooling/config.json                              how token vectors become one [without it: their mean]
                  modules.json                                       whether vectors are brought to length 1
                  sentence_bert_config.json                          how many tokens of a text are read at most

    found = read_encoder("models/minilm");  SentenceEncoder(found).embed(["Wait, that is odd."])      →  1 × 384

Weights are read from safetensors alone, never from a pickle, and no code that lies in the folder is run. torch and transformers
are imported when vectors are made, not before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...chat.hf import no_bars
from ...errors import InputError, first_line
from ...files.json_text import parse_json
from ...files.seal import sha256_of
from ...plugins import need
from ...provenance import digest

EXTRA = "pip install 'pedagogy_r1[encoder]'"
POOLING = {
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
}
"""The ways that are known, by their names in ``1_Pooling/config.json``."""

BATCH = 32
"""Texts that are read together, of about the same length."""

DIGESTED = (
    *("config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt", "vocab.json"),
    *("merges.txt", "modules.json", "1_Pooling/config.json", "sentence_bert_config.json", "model.safetensors"),
)  # fmt: skip
"""Files on which vectors depend."""

_HINT = "give the folder of a sentence encoder: config.json, tokenizer.json and model.safetensors"

Vectors = NDArray[np.float32]


@dataclass(frozen=True)
class EncoderFolder:
    """An encoder as its files describe it. ``digest``: of all files on which a vector depends; ``width``: numbers in a vector."""

    path: str
    digest: str
    pooling: str
    normalized: bool
    tokens: int
    width: int

    def record(self) -> dict[str, Any]:
        """What a coder that uses it notes."""
        return asdict(self)


def read_encoder(path: str | Path) -> EncoderFolder:
    """Read the folder's configuration; its weights are digested, not loaded. Raises `InputError` where it holds no encoder."""
    folder = Path(path).expanduser()
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder", _HINT)
    config = _settings(folder / "config.json", needed=True)
    if not (folder / "model.safetensors").is_file():
        pickled = (folder / "pytorch_model.bin").is_file()
        why = "its weights are a pickle, which can run code" if pickled else "no model.safetensors"
        raise InputError(f"{folder}: {why}", "save it with save_pretrained(), which writes model.safetensors")
    if not (folder / "tokenizer.json").is_file() and not (folder / "vocab.txt").is_file():
        raise InputError(f"{folder}: no tokenizer.json", _HINT)
    width = _whole(config, "hidden_size", folder / "config.json") or _whole(
        config, "dim", folder / "config.json"
    )
    if width is None:
        raise InputError(f"{folder / 'config.json'}: no hidden_size", _HINT)
    pooling, said = _pooling(folder / "1_Pooling" / "config.json")
    if said not in (None, width):
        raise InputError(
            f"{folder}: 1_Pooling/config.json is for vectors of {said} numbers, config.json of {width}",
            "the files belong to different encoders: save the folder again",
        )
    most = _whole(config, "max_position_embeddings", folder / "config.json") or 512
    if config.get("model_type") in ("roberta", "xlm-roberta", "mpnet", "camembert"):
        most -= 2  # these count positions from the padding's number on
    asked = _settings(folder / "sentence_bert_config.json")
    tokens = _whole(asked, "max_seq_length", folder / "sentence_bert_config.json")
    if tokens is not None and tokens > most:
        raise InputError(
            f"{folder}: sentence_bert_config.json asks for {tokens} tokens, the encoder has {most} positions",
            f"set max_seq_length to {most} at most",
        )
    return EncoderFolder(
        str(folder), _digest(folder), pooling, _normalized(folder / "modules.json"), tokens or most, width
    )


def same_encoder(found: EncoderFolder, record: dict[str, Any]) -> None:
    """Raise `InputError` unless this is the encoder that a coder was fitted with, of which ``record`` is what it noted."""
    if found.digest != record.get("digest"):
        raise InputError(
            f"{found.path} is another encoder than the coder was fitted with, which was read from {record.get('path')}",
            "say where that one lies: --encoder PATH, or fit the coder again with this one",
        )


def encoder_of(record: dict[str, Any], moved: str | Path | None) -> EncoderFolder:
    """The encoder that a coder was fitted with, where it was read or where it was ``moved``. Raises `InputError` where it is not."""
    path = Path(moved) if moved is not None else Path(str(record.get("path")))
    if not path.expanduser().is_dir():
        raise InputError(
            f"{path}: the encoder that the coder was fitted with is not there",
            "say where it lies now: --encoder PATH",
        )
    found = read_encoder(path)
    same_encoder(found, record)
    return found


def _digest(folder: Path) -> str:
    return digest({name: sha256_of(folder / name) for name in DIGESTED if (folder / name).is_file()})


def _settings(path: Path, *, needed: bool = False) -> dict[str, Any]:
    """A JSON object; empty where there is no such file."""
    if not path.is_file():
        if needed:
            raise InputError(f"{path.parent}: no encoder there (no {path.name})", _HINT)
        return {}
    try:
        found = parse_json(path.read_bytes())
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read ({first_line(error)})", _HINT) from None
    if not isinstance(found, dict):
        raise InputError(f"{path}: no JSON object", _HINT)
    return found


def _whole(settings: dict[str, Any], name: str, path: Path) -> int | None:
    value = settings.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 2**31:
        raise InputError(f"{path}: {name} is {value!r}, not a whole number above 0", _HINT)
    return value


def _pooling(path: Path) -> tuple[str, int | None]:
    """How token vectors become one, and of how many numbers the file says they are."""
    settings = _settings(path)
    if not settings:
        return "mean", None
    if isinstance(settings.get("pooling_mode"), str):  # sentence-transformers 5.4 and later
        chosen = [f"pooling_mode_{settings['pooling_mode']}"]
        short = {"pooling_mode_mean": "mean", "pooling_mode_cls": "cls", "pooling_mode_max": "max"}
    else:
        chosen = [name for name, value in settings.items() if name.startswith("pooling_mode") and value]
        short = POOLING
    known = [short[name] for name in chosen if name in short]
    if len(known) != 1 or len(chosen) != 1:
        raise InputError(
            f"{path}: {', '.join(chosen) or 'no way'} of pooling",
            f"one of {', '.join(POOLING)} is known here",
        )
    return known[0], _whole(settings, "word_embedding_dimension", path)


def _normalized(path: Path) -> bool:
    """Whether the last step brings vectors to length 1; steps that are not known are refused."""
    if not path.is_file():
        return False
    try:
        kinds = [str(one["type"]).rsplit(".", 1)[-1] for one in parse_json(path.read_bytes())]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: cannot be read ({first_line(error)})", _HINT) from None
    if unknown := [kind for kind in kinds if kind not in ("Transformer", "Pooling", "Normalize")]:
        raise InputError(
            f"{path}: the encoder has a step {unknown[0]}, which is not known here",
            "Transformer, Pooling and Normalize are: use an encoder without others",
        )
    return "Normalize" in kinds


class SentenceEncoder:
    """An encoder in memory. Raises `InputError` where torch or transformers is not installed, and for damaged files."""

    def __init__(self, folder: EncoderFolder) -> None:
        need("torch", "transformers", hint=EXTRA)
        from transformers import AutoModel, AutoTokenizer

        self.folder = folder
        try:
            with no_bars():
                # The configuration names no code of the folder's own: trust_remote_code stays off.
                self.tokenizer = AutoTokenizer.from_pretrained(folder.path, local_files_only=True)
                self.model = AutoModel.from_pretrained(
                    folder.path, local_files_only=True, use_safetensors=True, dtype="float32"
                ).eval()
        except Exception as error:  # noqa: BLE001 - whatever transformers makes of damaged files
            raise InputError(f"{folder.path}: cannot be loaded ({first_line(error)})", _HINT) from None
        found = int(self.model.config.hidden_size)
        if found != folder.width:
            raise InputError(f"{folder.path}: vectors have {found} numbers, not {folder.width}", _HINT)

    def tokens(self, texts: Sequence[str]) -> list[list[int]]:
        """The tokens of each text, all of them, without those that open and close it."""
        if not texts:
            return []
        found: list[list[int]] = self.tokenizer(list(texts), add_special_tokens=False, verbose=False)[
            "input_ids"
        ]
        return found

    def embed(self, texts: Sequence[str]) -> Vectors:
        """A row of ``width`` numbers for each text. Texts of about the same length are read together, which is what is fast."""
        import torch

        rows = np.zeros((len(texts), self.folder.width), dtype=np.float32)
        if not texts:
            return rows
        read = self.tokenizer(
            list(texts), truncation=True, max_length=self.folder.tokens, return_token_type_ids=False
        )["input_ids"]
        order = np.argsort([-len(ids) for ids in read], kind="stable")
        with torch.inference_mode():
            for begin in range(0, len(order), BATCH):
                mine = order[begin : begin + BATCH]
                batch = self.tokenizer.pad({"input_ids": [read[i] for i in mine]}, return_tensors="pt")
                rows[mine] = self._pooled(self.model(**batch).last_hidden_state, batch["attention_mask"])
        return rows

    def _pooled(self, states: Any, mask: Any) -> Vectors:
        import torch

        there = mask.unsqueeze(-1).to(states.dtype)
        if self.folder.pooling == "cls":
            # Where texts are padded on the left, the first token is not in the first place.
            found = states[torch.arange(len(states)), mask.argmax(dim=1)]
        elif self.folder.pooling == "max":
            found = states.masked_fill(there == 0, -torch.inf).max(dim=1).values
        else:
            found = (states * there).sum(dim=1) / there.sum(dim=1).clamp(min=1)
        if self.folder.normalized:
            found = torch.nn.functional.normalize(found, dim=1)
        vectors: Vectors = found.numpy()
        return vectors
