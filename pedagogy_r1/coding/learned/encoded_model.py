"""The learned coder with a sentence encoder beside: both say how likely each code is, and their opinions are pooled.

    p(code) ∝ (words(code) · encoder(code)) ^ (1 / 2T)

Both weigh the same, so nothing is fitted to how good they were (a logarithmic opinion pool: Genest & Zidek 1986, Statistical Science
1). T, one number, makes the confidence right (temperature scaling: Guo et al. 2017, ICML). What is said of a trace out of fold is
of two models that had not seen its item, with T from the other folds' traces.

    encoder.safetensors    what was taught: the encoder's upper layers and the last one (fine-tuned), or the weights on its vectors

The encoder itself is not copied: the coder's record says which one it was, by its digest, and where it was read.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from ...errors import InputError
from ...files.records import atomic
from .coded_traces import TaughtTraces
from .encoder import EncoderFolder, SentenceEncoder
from .fine_tuned import EPOCHS, FineTunedEncoder, ReadWindow
from .fine_tuned import SETTINGS as FINE_TUNED
from .frozen_encoder import SETTINGS as FROZEN
from .frozen_encoder import FrozenEncoder, fit_weights, rows_of
from .learned_model import UNREADABLE, Floats, Ints, LearnedModel, normal, read_arrays, write_arrays

FILE = "encoder.safetensors"
FOLDS = "folds"
"""Folder of a fit that goes on: ``fold-03.npz`` has the probabilities of the fold's traces."""

TEMPERATURES = np.round(np.exp(np.linspace(np.log(0.25), np.log(4), 161)), 4)
"""Those that are tried."""

Progress = Callable[[int, int], None]


class EncoderCoder(Protocol):
    """An encoder that was taught codes, frozen or not."""

    def probabilities(self, texts: Sequence[str]) -> Floats:
        """Units × codes, of the units of a trace in order."""
        ...


def pooled(words: Floats, encoder: Floats, temperature: float = 1.0) -> Floats:
    """Both opinions as one; units × codes."""
    logits = (np.log(words) + np.log(encoder)) / (2 * temperature)
    raised = np.exp(logits - logits.max(axis=1, keepdims=True, initial=-np.inf))
    return normal(raised / raised.sum(axis=1, keepdims=True))


def temperature_of(words: Floats, encoder: Floats, targets: Floats) -> float:
    """The one under which the targets are the most likely; 1 where there are none."""
    if not targets.any():
        return 1.0
    lost = [-(targets * np.log(pooled(words, encoder, float(t)))).sum() for t in TEMPERATURES]
    return float(TEMPERATURES[int(np.argmin(lost))])


def pooled_out_of_fold(
    coded: TaughtTraces, words: Sequence[Floats], encoder: Sequence[Floats], folds: Ints
) -> list[Floats]:
    """Of each trace, with the temperature of the other folds' traces."""
    found: list[Floats] = [np.zeros(0)] * len(folds)
    for fold in range(int(folds.max()) + 1):
        others = np.flatnonzero(folds != fold).tolist()
        t = temperature_of(
            np.vstack([words[i] for i in others]),
            np.vstack([encoder[i] for i in others]),
            np.vstack([coded.traces[i].targets for i in others]),
        )
        for i in np.flatnonzero(folds == fold).tolist():
            found[i] = pooled(words[i], encoder[i], t)
    return found


class EncoderLearner:
    """Teaches an encoder from coded traces, which it reads once. ``fine_tune``: its upper layers too, else it is frozen."""

    def __init__(self, folder: EncoderFolder, coded: TaughtTraces, seed: int, *, fine_tune: bool) -> None:
        self.encoder, self.coded, self.seed = SentenceEncoder(folder), coded, seed
        self._tuned = FineTunedEncoder(self.encoder, coded.codes) if fine_tune else None
        self._windows: list[list[ReadWindow]] = []
        self._rows: list[Floats] = []
        self._targets = [one.targets for one in coded.traces]

    @property
    def epochs(self) -> int:
        """Steps of the progress of one fit."""
        return EPOCHS if self._tuned else 1

    def out_of_fold(self, folds: Ints, kept: Path, progress: Progress | None = None) -> list[Floats]:
        """Units × codes of each trace, by a model taught from the other folds. What ``kept`` has of an earlier session is not done again."""
        count = int(folds.max()) + 1
        found: list[Floats] = [np.zeros(0)] * len(folds)
        kept.mkdir(exist_ok=True)
        for fold in range(count):
            path, out = kept / f"fold-{fold:02d}.npz", np.flatnonzero(folds == fold).tolist()
            said = self._kept(path, out)
            if said is None:
                self._fit(np.flatnonzero(folds != fold).tolist(), self._step(fold, count, progress))
                said = [self._of_trace(i) for i in out]
                write_arrays(path, {str(i): p for i, p in zip(out, said, strict=True)})
            for i, p in zip(out, said, strict=True):
                found[i] = p
        return found

    def fit(self, progress: Progress | None = None) -> dict[str, Any]:
        """Taught from all traces: what `save_taught` writes."""
        return self._fit(list(range(len(self.coded.traces))), self._step(0, 1, progress))

    def _step(self, fold: int, count: int, progress: Progress | None) -> Callable[[int], None]:
        def step(epoch: int) -> None:
            if progress:
                progress(fold * self.epochs + epoch, count * self.epochs)

        step(0)
        return step

    def _kept(self, path: Path, traces: Sequence[int]) -> list[Floats] | None:
        """What an earlier session found, if it can be read whole."""
        try:
            arrays = read_arrays(path)
            said = [arrays[str(i)] for i in traces]
        except UNREADABLE:
            return None
        fits = all(p.shape == self._targets[i].shape for p, i in zip(said, traces, strict=True))
        return said if fits else None

    def _fit(self, traces: list[int], step: Callable[[int], None]) -> dict[str, Any]:
        self._read()
        if self._tuned:
            windows = [window for i in traces for window in self._windows[i]]
            return self._tuned.fit(windows, self._targets, self.seed, step)
        rows, targets = (np.vstack([of[i] for i in traces]) for of in (self._rows, self._targets))
        weights, intercepts = fit_weights(rows, targets)
        self._frozen = FrozenEncoder(self.encoder, weights, intercepts)
        step(1)
        return {"weights": weights.astype(np.float32), "intercepts": intercepts.astype(np.float32)}

    def _read(self) -> None:
        """All traces, by the part of the encoder that stays as it is."""
        if self._windows or self._rows:
            return
        for i, one in enumerate(self.coded.traces):
            texts = [unit.text for unit in one.units]
            if self._tuned:
                self._windows.append(self._tuned.read(texts, i))
            else:
                self._rows.append(rows_of(self.encoder.embed(texts)))

    def _of_trace(self, i: int) -> Floats:
        if self._tuned:
            return self._tuned.of_windows(self._windows[i], len(self._targets[i]))
        return self._frozen.of_rows(self._rows[i])


def settings(fine_tune: bool) -> dict[str, Any]:
    """What the record says of how an encoder was taught."""
    return {"fine_tuned": fine_tune} | (FINE_TUNED if fine_tune else FROZEN)


def save_taught(folder: Path, tensors: dict[str, Any]) -> None:
    """Write ``encoder.safetensors``, whole or not at all; the same tensors give the same bytes."""
    from safetensors.numpy import save

    arrays = {name: np.ascontiguousarray(tensors[name]) for name in sorted(tensors)}
    with atomic(folder / FILE, "wb") as file:
        file.write(save(arrays))


def load_taught(
    folder: Path, found: EncoderFolder, codes: Sequence[str], *, fine_tuned: bool
) -> EncoderCoder:
    """The encoder as it was taught. Raises `InputError` for files that do not go together."""
    encoder = SentenceEncoder(found)
    hint = "the folder is damaged: fit the coder again with pcode coder fit"
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        arrays = load_file(folder / FILE)
        if fine_tuned:
            import torch

            return FineTunedEncoder(encoder, codes, {name: torch.from_numpy(a) for name, a in arrays.items()})
        weights, intercepts = (arrays[name].astype(np.float64) for name in ("weights", "intercepts"))
    except (*UNREADABLE, SafetensorError) as error:
        raise InputError(f"{folder / FILE}: cannot be read ({error})", hint) from None
    if len(intercepts) != len(codes):
        raise InputError(f"{folder / FILE}: for {len(intercepts)} codes, not {len(codes)}", hint)
    return FrozenEncoder(encoder, weights, intercepts)


class EncodedModel:
    """A `LearnedModel` and an encoder beside it; used as the former is."""

    def __init__(self, words: LearnedModel, encoder: EncoderCoder, temperature: float) -> None:
        self.codes, self.words, self.encoder, self.temperature = words.codes, words, encoder, temperature

    def probabilities(self, question: str, texts: Sequence[str], lang: str | None = None) -> Floats:
        """As `LearnedModel.probabilities`."""
        p = self.words.probabilities(question, texts, lang)
        return pooled(p, self.encoder.probabilities(texts), self.temperature) if len(p) else p
