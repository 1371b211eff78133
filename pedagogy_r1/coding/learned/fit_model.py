"""Fitting the two stages, and predictions out of fold.

    fit_model(coded, seed)        the model that is used on new traces
    out_of_fold(coded, seed)      for every trace the probabilities of a model that was fitted without its item

Nothing is chosen by looking at predictions: all settings stand in this file and in `learned_model`. What stage 2 is fitted to
are predictions of stage 1 out of inner folds, which are folds over items too.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ...errors import InputError
from .coded_traces import TaughtTrace, TaughtTraces
from .learned_model import Floats, LearnedModel, Linear, NgramVocabulary, normal, stage_2_rows
from .unit_cues import UnitCues

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

LEAST = {"word": 2, "char": 3, "opening": 2}
"""Units in which an n-gram must stand to be known."""

C_FIRST, C_SECOND = 2.0, 0.3
"""Inverse strength of the penalty (L2) of the two stages."""

OUTER, INNER = 10, 5
"""Folds at most, for what is reported and for stage 2."""

REPEATS, SHARES = 5, (0.25, 0.5, 1.0)
"""Draws of the learning curve, and the parts of the traces that are learned from in each."""

FIFTH = 5
"""Parts of the items, of which the curve sets one aside (`learning_forecast.SET_ASIDE`)."""

Progress = Callable[[int, int], None]


class _Stage1(NamedTuple):
    vocabulary: NgramVocabulary
    linear: Linear

    def probabilities(self, traces: Sequence[TaughtTrace]) -> list[Floats]:
        """Of each trace."""
        sizes = np.cumsum([len(one.units) for one in traces])[:-1]
        logits = _matrix(self.vocabulary, traces) @ self.linear.weights.astype(float) / 1000
        p = normal(1 / (1 + np.exp(-(logits + self.linear.intercepts / 1000))))
        return np.split(p, sizes)


def fit_model(coded: TaughtTraces, seed: int) -> LearnedModel:
    """Raises `InputError` where there are fewer than two codes, or two items, to learn from."""
    if len(coded.codes) < 2:
        raise InputError(f"only {coded.codes[0]} was given: there is nothing to learn", "code more traces")
    folds = coded.folds(INNER, seed)
    p: list[Floats] = [np.zeros(0)] * len(coded.traces)
    for fold in range(int(folds.max()) + 1):
        out = np.flatnonzero(folds == fold)
        stage_1 = _fit_first(coded.only(np.flatnonzero(folds != fold)), seed)
        for i, found in zip(out, stage_1.probabilities(coded.only(out).traces), strict=True):
            p[i] = found
    cues = UnitCues(coded.book)
    rows = np.vstack(
        [stage_2_rows(found, one.seen, cues) for found, one in zip(p, coded.traces, strict=True)]
    )
    stage_1, second = _fit_first(coded, seed), _fit_second(rows, _targets(coded), len(coded.codes))
    return LearnedModel(coded.codes, stage_1.vocabulary, stage_1.linear, second, cues)


def out_of_fold(coded: TaughtTraces, seed: int, progress: Progress | None = None) -> list[Floats]:
    """The probabilities of each trace, by the model of the other folds' traces."""
    folds = coded.folds(OUTER, seed)
    n, p = int(folds.max()) + 1, [np.zeros(0)] * len(coded.traces)
    for fold in range(n):
        if progress:
            progress(fold, n)
        model = fit_model(coded.only(np.flatnonzero(folds != fold)), seed)
        for i in np.flatnonzero(folds == fold):
            p[i] = model.of_units(coded.traces[i].seen)
    if progress:
        progress(n, n)
    return p


def _targets(coded: TaughtTraces) -> Floats:
    return np.vstack([one.targets for one in coded.traces])


def _matrix(vocabulary: NgramVocabulary, traces: Sequence[TaughtTrace]) -> csr_matrix:
    from scipy.sparse import csr_matrix

    rows, columns, values, begun = [], [], [], 0
    for one in traces:
        for part in vocabulary.parts(one.seen):
            rows.append(np.repeat(np.arange(len(part.sizes)) + begun, part.sizes))
            columns.append(part.columns)
            values.append(part.values)
        begun += len(one.seen)
    at = np.concatenate(rows), np.concatenate(columns)
    return csr_matrix((np.concatenate(values), at), shape=(begun, vocabulary.width))


def _fit_first(coded: TaughtTraces, seed: int) -> _Stage1:
    from sklearn.linear_model import LogisticRegression

    units = [unit for one in coded.traces for unit in one.seen]
    vocabulary = NgramVocabulary.of(units, LEAST)
    x, targets = _matrix(vocabulary, coded.traces), _targets(coded)
    weights, intercepts = np.zeros((vocabulary.width, len(coded.codes))), np.full(len(coded.codes), -8.0)
    for k in range(len(coded.codes)):
        rows, truth, mass = _shares(targets, k)
        if truth.all():
            intercepts[k] = 8.0
        elif truth.any():
            model = LogisticRegression(
                C=C_FIRST, solver="liblinear", dual=True, tol=0.01, max_iter=300, random_state=seed
            )
            with warnings.catch_warnings():
                warnings.simplefilter(
                    "ignore"
                )  # that it stopped at max_iter: the penalty keeps it where it is
                model.fit(x[rows], truth, sample_weight=mass)
            weights[:, k], intercepts[k] = model.coef_[0], model.intercept_[0]
    return _Stage1(vocabulary, Linear.rounded(weights, intercepts))


def _shares(targets: Floats, k: int) -> tuple[np.ndarray, np.ndarray, Floats]:
    """Rows, whether each has code k, and with what weight: a unit on which coders differ stands there twice."""
    total, share = targets.sum(axis=1), targets[:, k]
    yes, no = np.flatnonzero(share > 0), np.flatnonzero(total - share > 1e-9)
    rows = np.concatenate([yes, no])
    truth = np.arange(len(rows)) < len(yes)
    return rows, truth, np.concatenate([share[yes], (total - share)[no]])


def _fit_second(rows: Floats, targets: Floats, k: int) -> Linear:
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits

    unit, code = np.nonzero(targets)
    mass = targets[unit, code]
    weights, intercepts = np.zeros((rows.shape[1], k)), np.full(k, -8.0)
    there = np.unique(code)
    if len(there) == 1:
        intercepts[there] = 8.0
        return Linear.rounded(weights, intercepts)
    # Threads of the linear algebra wait for each other on a busy machine: of 2,600 units one fit took 18 s and not .1.
    with threadpool_limits(1):
        model = LogisticRegression(C=C_SECOND, solver="newton-cholesky", max_iter=200, tol=1e-6)
        model.fit(rows[unit], code, sample_weight=mass)
    if len(there) == 2:  # scikit-learn gives one row for two classes
        weights[:, there[1]], intercepts[there[1]], intercepts[there[0]] = (
            model.coef_[0],
            model.intercept_[0],
            0.0,
        )
    else:
        weights[:, there], intercepts[there] = model.coef_.T, model.intercept_
    return Linear.rounded(weights, intercepts)


def learning_curve(coded: TaughtTraces, seed: int) -> Iterator[tuple[int, int, Floats, list[int]]]:
    """``(draw, traces learned from, probabilities, numbers of the traces they are of)`` for growing parts of the data.

    A fifth of the items is set aside, `REPEATS` times; the model learns from a quarter, half and all of the others. Nothing with fewer than five
    items: a fifth of those cannot be set aside.
    """
    if len({one.group for one in coded.traces}) < FIFTH:
        return
    for repeat in range(REPEATS):
        folds = coded.folds(FIFTH, seed + 1 + repeat)
        out, rest = np.flatnonzero(folds == 0), np.flatnonzero(folds != 0)
        rest = np.random.default_rng(seed + repeat).permutation(rest)
        for share in SHARES:
            mine = np.sort(rest[: max(2, round(share * len(rest)))])
            part = coded.only(mine)
            if len({one.group for one in part.traces}) < 2:
                continue
            model = fit_model(part, seed)
            found = [model.of_units(coded.traces[i].seen) for i in out]
            yield repeat, len(mine), np.vstack(found), out.tolist()
