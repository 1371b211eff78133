"""The fitted model: how likely each code is for each unit of a trace, by what the units look like, what stands around them,
and what the codebook's cues say.

    model = LearnedModel.load(folder);  model.probabilities(question, texts)   →  array, units × codes, rows sum to 1

On disk: ``model.npz`` (numbers, no pickle) and ``vocabulary.txt`` (an n-gram a line, as JSON). numpy alone is needed to read and use it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError
from ...files.json_text import parse_json
from ...files.records import atomic, write_text
from .unit_cues import UnitCues
from .unit_features import PLACE, SeenUnit, char_grams, is_short, see

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

KINDS = ("word", "char", "opening")
WEIGHTS = {"word": 1.0, "char": 1.0, "opening": 0.7, "before": 0.4, "after": 0.4, "place": 0.7}
"""How long the part of a unit's vector is that each kind of feature makes. Set once, before any data were looked at."""

AROUND = (-2, -1, 1, 2)
"""Neighbours whose probabilities stage 2 sees."""

LEAST = 1e-4
"""No code is less likely than this for any unit."""

SCALE = 1000
"""Weights are kept in thousandths, so that the same data give the same bytes on any machine."""


UNREADABLE = (OSError, KeyError, ValueError, EOFError, TypeError, BadZipFile)
"""What reading a damaged file of a coder raises."""


def write_arrays(path: Path, arrays: Mapping[str, Any]) -> None:
    """Write an ``.npz`` file, whole or not at all."""
    with atomic(path, "wb") as file:
        np.savez(file, **arrays)


def read_arrays(path: Path) -> dict[str, Any]:
    """The arrays of an ``.npz`` file, none of them pickled. Raises one of `UNREADABLE` where it is damaged."""
    with np.load(path, allow_pickle=False) as found:
        return {name: found[name] for name in found.files}


class FeatureBlock(NamedTuple):
    """The units of a trace by one kind of feature: unit i has the next ``sizes[i]`` of ``columns``, with these values."""

    sizes: Ints
    columns: Ints
    values: Floats


class NgramVocabulary:
    """N-grams that are known, by kind, each with its inverse document frequency; their columns in stage 1's matrix.

    ``short``: of the words, those that the neighbours are seen by. The columns: word, char, opening, before, after, place.
    """

    def __init__(self, grams: dict[str, list[str]], idf: dict[str, Floats]) -> None:
        self.grams, self.idf = grams, idf
        self.number = {kind: {gram: i for i, gram in enumerate(found)} for kind, found in grams.items()}
        self._of_piece = lru_cache(maxsize=50_000)(self._numbers_of)  # most words come again
        self.short = np.array([is_short(gram) for gram in grams["word"]], dtype=bool)
        sizes = [len(grams[kind]) for kind in KINDS] + [len(grams["word"])] * 2
        self.begins = dict(zip((*WEIGHTS,), np.cumsum([0, *sizes]).tolist(), strict=True))
        self.width = self.begins["place"] + len(PLACE)

    @classmethod
    def of(cls, units: Sequence[SeenUnit], least: dict[str, int]) -> NgramVocabulary:
        """All n-grams that stand in at least so many units."""
        grams, idf = {}, {}
        for kind in KINDS:
            counts: dict[str, int] = {}
            for unit in units:
                for gram in getattr(unit, kind):
                    counts[gram] = counts.get(gram, 0) + 1
            grams[kind] = sorted(gram for gram, n in counts.items() if n >= least[kind])
            seen = np.array([counts[gram] for gram in grams[kind]], dtype=float)
            idf[kind] = np.round(np.log((1 + len(units)) / (1 + seen)) + 1, 4)
        return cls(grams, idf)

    def parts(self, seen: Sequence[SeenUnit]) -> list[FeatureBlock]:
        """The units of one trace as rows of stage 1's matrix, kind by kind."""
        known = {kind: self._known(kind, seen) for kind in KINDS}
        found = [self._weighed(kind, kind, *of_kind) for kind, of_kind in known.items()]
        sizes, columns = known["word"]
        kept = self.short[columns]
        unit = np.repeat(np.arange(len(seen)), sizes)[kept]
        short, columns = np.bincount(unit, minlength=len(seen)), columns[kept]
        last, first = int(short[-1]), int(short[0])
        before = np.concatenate([[0], short[:-1]]), columns[: len(columns) - last]
        after = np.concatenate([short[1:], [0]]), columns[first:]
        place = np.array([unit.place for unit in seen]) * WEIGHTS["place"]
        wide = np.full(len(seen), len(PLACE))
        at = np.tile(np.arange(len(PLACE)) + self.begins["place"], len(seen))
        return [
            *found,
            self._weighed("before", "word", *before),
            self._weighed("after", "word", *after),
            FeatureBlock(wide, at, place.ravel()),
        ]

    def _known(self, kind: str, seen: Sequence[SeenUnit]) -> tuple[Ints, Ints]:
        if kind == "char":
            known = [
                list(dict.fromkeys(chain.from_iterable(map(self._of_piece, unit.pieces)))) for unit in seen
            ]
        else:
            number = self.number[kind]
            known = [[number[gram] for gram in getattr(unit, kind) if gram in number] for unit in seen]
        sizes = np.array([len(one) for one in known], dtype=np.int64)
        return sizes, np.fromiter(chain.from_iterable(known), np.int64, int(sizes.sum()))

    def _numbers_of(self, piece: str) -> tuple[int, ...]:
        """The runs of characters of a piece that are known, by number."""
        number = self.number["char"]
        return tuple(number[gram] for gram in char_grams(piece) if gram in number)

    def _weighed(self, name: str, kind: str, sizes: Ints, columns: Ints) -> FeatureBlock:
        """Every unit's part is as long as its kind weighs."""
        idf = self.idf[kind][columns]
        unit = np.repeat(np.arange(len(sizes)), sizes)
        length = np.sqrt(np.bincount(unit, idf * idf, len(sizes)))
        return FeatureBlock(sizes, columns + self.begins[name], idf * WEIGHTS[name] / length[unit])


def stage_2_rows(p: Floats, seen: Sequence[SeenUnit], cues: UnitCues) -> Floats:
    """What stage 2 sees of the units of one trace: log p, the neighbours' p (0 where there is none), the place, what the cues say,
    and which code they would give the unit before and the one behind."""
    place = np.array([unit.place for unit in seen]).reshape(len(seen), len(PLACE))
    parts = [np.log(p), *(_moved(p, by) for by in AROUND), place]
    if cues.width:
        told = np.array([unit.cues for unit in seen]).reshape(len(seen), cues.width)
        parts += [told, *(_moved(cues.given(told), by) for by in (-1, 1))]
    return np.hstack(parts)


def _moved(rows: Floats, by: int) -> Floats:
    """Row i is row i + ``by``; 0 where there is none."""
    moved = np.zeros_like(rows)
    if by < 0:
        moved[-by:] = rows[:by]
    elif by < len(rows):
        moved[:-by] = rows[by:]
    return moved


def _stage_2_width(k: int, cues: UnitCues) -> int:
    own = cues.width + 2 * (cues.codes + 1) if cues.width else 0
    return (1 + len(AROUND)) * k + len(PLACE) + own


def normal(p: Floats) -> Floats:
    """Rows that sum to 1, none of them certain."""
    p = np.maximum(p, LEAST)
    found: Floats = p / p.sum(axis=1, keepdims=True)
    return found


@dataclass(frozen=True)
class Linear:
    """Weights (features × codes) and intercepts, in thousandths."""

    weights: NDArray[np.int32]
    intercepts: NDArray[np.int32]

    @classmethod
    def rounded(cls, weights: Floats, intercepts: Floats) -> Linear:
        """The same, in thousandths."""
        return cls(np.rint(weights * SCALE).astype(np.int32), np.rint(intercepts * SCALE).astype(np.int32))


class LearnedModel:
    """``codes``: those it was taught, in the codebook's order, ``none`` last if it was."""

    def __init__(
        self,
        codes: Sequence[str],
        vocabulary: NgramVocabulary,
        first: Linear,
        second: Linear,
        cues: UnitCues,
    ) -> None:
        self.codes, self.vocabulary, self.cues = tuple(codes), vocabulary, cues
        self.first, self.second = first, second
        self._w1 = first.weights / SCALE
        self._b1 = first.intercepts / SCALE
        self._w2, self._b2 = second.weights / SCALE, second.intercepts / SCALE

    def probabilities(self, question: str, texts: Sequence[str], lang: str | None = None) -> Floats:
        """Units × codes. ``lang``: the trace's, if it is not the codebook's."""
        return self.of_units(see(question, texts, self.cues, lang))

    def of_units(self, seen: Sequence[SeenUnit]) -> Floats:
        """The same, of the units of a trace as they are seen."""
        if not seen:
            return np.zeros((0, len(self.codes)))
        logits = np.tile(self._b1, (len(seen), 1))
        for part in self.vocabulary.parts(seen):
            some = part.sizes > 0
            if some.any():
                begins = (np.cumsum(part.sizes) - part.sizes)[some]
                products = self._w1[part.columns] * part.values[:, None]
                logits[some] += np.add.reduceat(products, begins, axis=0)
        p = normal(1 / (1 + np.exp(-logits)))
        return self.second_stage(p, seen)

    def second_stage(self, p: Floats, seen: Sequence[SeenUnit]) -> Floats:
        """Of the probabilities of stage 1."""
        logits = stage_2_rows(p, seen, self.cues) @ self._w2 + self._b2
        raised = np.exp(logits - logits.max(axis=1, keepdims=True))
        return normal(raised / raised.sum(axis=1, keepdims=True))

    # --- on disk

    def save(self, folder: Path) -> None:
        """Write ``model.npz`` and ``vocabulary.txt``."""
        arrays: dict[str, Any] = {f"idf_{kind}": self.vocabulary.idf[kind] for kind in KINDS}
        for name, linear in (("first", self.first), ("second", self.second)):
            arrays |= {f"{name}_weights": _small(linear.weights), f"{name}_intercepts": linear.intercepts}
        write_arrays(folder / "model.npz", arrays)
        lines = [
            json.dumps([kind, gram], ensure_ascii=False)
            for kind in KINDS
            for gram in self.vocabulary.grams[kind]
        ]
        write_text(folder / "vocabulary.txt", "\n".join(lines) + "\n")

    @classmethod
    def load(cls, folder: Path, codes: Sequence[str], cues: UnitCues) -> LearnedModel:
        """``cues``: those of the codebook that it was learned under. Raises `InputError` for files that do not go together."""
        hint = "the folder is damaged: fit the coder again with pcode coder fit"
        try:
            grams: dict[str, list[str]] = {kind: [] for kind in KINDS}
            for line in (folder / "vocabulary.txt").read_text(encoding="utf-8").split("\n")[:-1]:
                kind, gram = parse_json(line)
                grams[kind].append(gram)
            arrays = read_arrays(folder / "model.npz")
            vocabulary = NgramVocabulary(grams, {kind: arrays[f"idf_{kind}"] for kind in KINDS})
            first, second = (
                Linear(arrays[f"{name}_weights"].astype(np.int32), arrays[f"{name}_intercepts"])
                for name in ("first", "second")
            )
            sizes = [len(arrays[f"idf_{kind}"]) == len(grams[kind]) for kind in KINDS]
        except UNREADABLE as error:
            raise InputError(f"{folder}: no learned coder can be read there ({error})", hint) from None
        k = len(codes)
        if len(second.weights) == _stage_2_width(k, UnitCues(None)):  # fitted before cues were features
            cues = UnitCues(None)
        wide = _stage_2_width(k, cues)
        if (
            not all(sizes)
            or first.weights.shape != (vocabulary.width, k)
            or second.weights.shape != (wide, k)
        ):
            raise InputError(f"{folder}: model.npz and vocabulary.txt do not go together", hint)
        return cls(codes, vocabulary, first, second, cues)


def _small(weights: NDArray[np.int32]) -> NDArray[Any]:
    """In two bytes each, where they fit."""
    most = int(np.abs(weights).max(initial=0))
    return weights.astype(np.int16) if most < 2**15 else weights
