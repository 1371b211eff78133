"""The learned coder with a sentence encoder beside: both say how likely each code is, and their opinions are pooled.

    p(code) ∝ words(code)^a · encoder(code)^b

A logarithmic opinion pool (Genest & Zidek 1986, Statistical Science 1). The two weights, at least 0, are those under which what people
coded is the most likely, out of fold: they make the confidence right too, and an encoder that learned nothing weighs nothing. What is
said of a trace out of fold is of two models that had not seen its item, with the weights of the other folds' traces.

    encoder.safetensors    what was taught: the encoder's upper layers and the last one (fine-tuned), or the weights on its vectors

The encoder itself is not copied: the coder's record says which one it was, by its digest, and where it was read.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from ...errors import ArgumentError, InputError
from ...files.records import atomic
from ...plugins import need
from .coded_traces import TaughtTraces
from .encoder import EXTRA, EncoderFolder, SentenceEncoder, read_encoder
from .fine_tuned import EPOCHS, FineTunedEncoder, ReadWindow
from .fine_tuned import SETTINGS as FINE_TUNED
from .frozen_encoder import SETTINGS as FROZEN
from .frozen_encoder import FrozenEncoder, fit_weights, rows_of
from .learned_model import UNREADABLE, Floats, Ints, LearnedModel, normal, read_arrays, write_arrays

FILE = "encoder.safetensors"
FOLDS = "folds"
"""Folder of a fit that goes on: ``fold-03.npz`` has the probabilities of the fold's traces."""

EQUAL = (0.5, 0.5)
"""Weights where nobody coded anything."""

MOST = 5.0
"""No opinion weighs more."""

Progress = Callable[[int, int], None]


class EncoderCoder(Protocol):
    """An encoder that was taught codes, frozen or not."""

    def probabilities(self, texts: Sequence[str]) -> Floats:
        """Units × codes, of the units of a trace in order."""
        ...


Weights = tuple[float, float]


def pooled(words: Floats, encoder: Floats, weights: Weights = EQUAL) -> Floats:
    """Both opinions as one; units × codes."""
    logits = weights[0] * np.log(words) + weights[1] * np.log(encoder)
    raised = np.exp(logits - logits.max(axis=1, keepdims=True, initial=-np.inf))
    return normal(raised / raised.sum(axis=1, keepdims=True))


def weights_of(words: Floats, encoder: Floats, targets: Floats) -> Weights:
    """Those under which the targets are the most likely, in thousandths."""
    if not targets.any():
        return EQUAL
    from scipy.optimize import minimize

    opinions, mass = np.stack([np.log(words), np.log(encoder)]), targets.sum(axis=1, keepdims=True)

    def lost(weights: Floats) -> tuple[float, Floats]:
        logits = np.tensordot(weights, opinions, 1)
        logits -= logits.max(axis=1, keepdims=True)
        log_p = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
        slope = np.tensordot(opinions, mass * np.exp(log_p) - targets, 2)
        return float(-(targets * log_p).sum() / mass.sum()), slope / mass.sum()

    found = minimize(lost, EQUAL, jac=True, method="L-BFGS-B", bounds=[(0, MOST)] * 2)
    a, b = (round(float(weight), 3) for weight in found.x)
    return a, b


def pooled_out_of_fold(
    coded: TaughtTraces, words: Sequence[Floats], encoder: Sequence[Floats], folds: Ints
) -> list[Floats]:
    """Of each trace, with the weights of the other folds' traces."""
    found: list[Floats] = [np.zeros(0)] * len(folds)
    for fold in range(int(folds.max()) + 1):
        others = np.flatnonzero(folds != fold).tolist()
        targets = np.vstack([coded.traces[i].targets for i in others])
        weights = weights_of(
            np.vstack([words[i] for i in others]), np.vstack([encoder[i] for i in others]), targets
        )
        for i in np.flatnonzero(folds == fold).tolist():
            found[i] = pooled(words[i], encoder[i], weights)
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


def asked_encoder(path: str | Path | None, fine_tune: bool) -> EncoderFolder | None:
    """The encoder that is to be taught, if one is. Raises `ArgumentError` for ``fine_tune`` without one, and as `read_encoder` does."""
    if path is None:
        if fine_tune:
            raise ArgumentError("--fine-tune is of an encoder, and none was given", "add --encoder PATH")
        return None
    need("torch", "transformers", "safetensors", hint=EXTRA)
    return read_encoder(path)


def teach_beside(
    learner: EncoderLearner, words: Sequence[Floats], folds: Ints, folder: Path, progress: Progress | None
) -> tuple[list[Floats], Weights]:
    """Write what was taught into ``folder``; the pooled opinions out of fold, and the weights for new traces.

    ``words``: what the coder without an encoder says of each trace, out of the same folds.
    """
    said = learner.out_of_fold(folds, folder / FOLDS, progress)
    save_taught(folder, learner.fit(progress))
    shutil.rmtree(folder / FOLDS)
    coded = learner.coded
    targets = np.vstack([one.targets for one in coded.traces])
    weights = weights_of(np.vstack(list(words)), np.vstack(said), targets)
    return pooled_out_of_fold(coded, words, said, folds), weights


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

    def __init__(self, words: LearnedModel, encoder: EncoderCoder, weights: Weights) -> None:
        self.codes, self.words, self.encoder, self.weights = words.codes, words, encoder, weights

    def probabilities(self, question: str, texts: Sequence[str], lang: str | None = None) -> Floats:
        """As `LearnedModel.probabilities`."""
        p = self.words.probabilities(question, texts, lang)
        return pooled(p, self.encoder.probabilities(texts), self.weights) if len(p) else p
