"""Tokens of a text: how many, where, and which.

    SpacyTokenizer()("So x = 3.\\n\\nWait", "en").at   →   [0, 3, 5, 7, 8, 11]

spaCy's tokens (white space not counted) are the default and are those of ``Unit.tokens``. The tokenizer of the
model that wrote the trace counts what the model was charged for; it also has tokens for white space alone, which
lie between units and are counted apart.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from ..errors import PedagogyError
from ..files.records import need_file
from ..unit.language import tokenize

if TYPE_CHECKING:
    from spacy.tokens import Doc

Ints = npt.NDArray[np.int64]
Ids = npt.NDArray[np.uint64]
Encode = Callable[[str], tuple[list[int], list[tuple[int, int]]]]


@dataclass(frozen=True)
class Tokens:
    """Tokens of one text. ``at``: (n,) offset of each token's first visible character, in order; ``ids``: (n,)."""

    at: Ints
    ids: Ids

    def __len__(self) -> int:
        return len(self.at)

    def bare(self) -> Tokens:
        """Without ids, for who only counts."""
        return Tokens(self.at, self.ids[:0])

    def before(self, offsets: Sequence[int] | Ints) -> Ints:
        """How many tokens begin before each offset."""
        return np.searchsorted(self.at, np.asarray(offsets, dtype=np.int64))

    def within(self, spans: Sequence[tuple[int, int]]) -> Ints:
        """How many tokens begin in each half-open span."""
        edges = np.array(spans, dtype=np.int64).reshape(-1, 2)
        return self.before(edges[:, 1]) - self.before(edges[:, 0])

    def outside(self, spans: Sequence[tuple[int, int]]) -> int:
        """How many tokens begin in none of the spans, which may overlap."""
        edges = np.array(sorted(spans), dtype=np.int64).reshape(-1, 2)
        if not len(edges):
            return len(self)
        begin = np.maximum(edges[:, 0], np.maximum.accumulate(np.concatenate([[0], edges[:-1, 1]])))
        end = np.maximum(begin, edges[:, 1])
        return len(self) - int((self.before(end) - self.before(begin)).sum())


class Tokenizer(Protocol):
    """What counts tokens."""

    @property
    def name(self) -> str:
        """Name and version, as results record it."""

    def __call__(self, text: str, lang: str = "en") -> Tokens:
        """Tokens of a text."""


class SpacyTokenizer:
    """The blank pipeline of the trace's language; the same count as ``Unit.tokens``."""

    @property
    def name(self) -> str:
        """``spacy 3.8.18``."""
        return f"spacy {metadata.version('spacy')}"

    def __call__(self, text: str, lang: str = "en") -> Tokens:
        """Tokens that are not white space; two ids are equal if the words are, but for case."""
        return tokens_of(tokenize(text, lang))


def tokens_of(doc: Doc) -> Tokens:
    """Tokens of a text that spaCy has read already."""
    table = doc.to_array(["IDX", "IS_SPACE", "LOWER"]).reshape(-1, 3)
    table = table[table[:, 1] == 0]
    return Tokens(table[:, 0].astype(np.int64), table[:, 2].astype(np.uint64))


@dataclass(frozen=True)
class ModelTokenizer:
    """A fast tokenizer of ``transformers``, or of ``tokenizers`` for a ``tokenizer.json``.

    ``encode``: text → ids and (start, end) offsets; ``name``: the name or path it was loaded by.
    """

    encode: Encode
    name: str

    def __call__(self, text: str, lang: str = "en") -> Tokens:  # noqa: ARG002 - every tokenizer takes it
        """Tokens without special ones. A token like ``" Wait"`` lies where its first visible character is."""
        ids, offsets = self.encode(text)
        spans = np.array(offsets, dtype=np.int64).reshape(-1, 2)
        visible = _next_visible(text)[spans[:, 0]]
        at = np.where(visible < spans[:, 1], visible, spans[:, 0])
        return Tokens(np.maximum.accumulate(at), np.array(ids, dtype=np.uint64))


def _next_visible(text: str) -> Ints:
    """(len + 1,) offset of the first character at or behind each offset that is not white space."""
    points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    white = np.array([point for point in np.unique(points) if chr(int(point)).isspace()], dtype=np.uint32)
    places = np.where(np.isin(points, white), len(text), np.arange(len(text)))
    places = np.append(places, len(text))
    return np.minimum.accumulate(places[::-1])[::-1]


def load_tokenizer(name: str = "spacy") -> Tokenizer:
    """``spacy``, a ``tokenizer.json`` file, or whatever ``transformers`` knows by that name or folder."""
    if name == "spacy":
        return SpacyTokenizer()
    encode = _from_file(Path(name)) if name.endswith(".json") else _from_transformers(name)
    return ModelTokenizer(encode, name)


def _from_file(path: Path) -> Encode:
    need_file(path, "give a tokenizer.json, a model's name or its folder, or spacy")
    tokenizers = _library("tokenizers")
    try:
        tokenizer = tokenizers.Tokenizer.from_file(str(path))
    except Exception as error:  # noqa: BLE001 - the Rust library raises bare Exception
        raise PedagogyError(
            f"{path}: not a tokenizer ({error})",
            "give the tokenizer.json that lies beside the model's weights",
        ) from None
    tokenizer.no_truncation()
    tokenizer.no_padding()

    def encode(text: str) -> tuple[list[int], list[tuple[int, int]]]:
        found = tokenizer.encode(text, add_special_tokens=False)
        return found.ids, found.offsets

    return encode


def _from_transformers(name: str) -> Encode:
    transformers = _library("transformers")
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(name, use_fast=True)
    except (OSError, ValueError, KeyError, ImportError) as error:
        first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise PedagogyError(
            f"no tokenizer could be loaded as {name!r}: {first}",
            "give a model's name on the hub, its folder, or a tokenizer.json; spacy is the default",
        ) from None
    if not tokenizer.is_fast:
        raise PedagogyError(
            f"the tokenizer of {name!r} does not say where its tokens lie in the text",
            "a fast tokenizer does: one with a tokenizer.json",
        )

    def encode(text: str) -> tuple[list[int], list[tuple[int, int]]]:
        found = tokenizer(
            text, add_special_tokens=False, return_offsets_mapping=True, truncation=False, verbose=False
        )
        return found["input_ids"], found["offset_mapping"]

    return encode


def _library(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        raise PedagogyError(
            f"--tokenizer needs the package {name!r}, which is not installed",
            f"pip install {name}; or leave the option out to count spaCy's tokens",
        ) from None
