"""Performance factors analysis (Pavlik, Cen & Koedinger 2009): successes and failures so far, skill by skill.

    logit P(right) = μ + Σ over the step's skills k of  β_k + γ_k · successes on k so far + ρ_k · failures on k so far

Counts are raw. A small ridge penalty keeps the weights of rare skills finite; it is the same for β, γ and ρ.
"""

from __future__ import annotations

from collections.abc import Sequence as Many
from typing import Any

import numpy as np

from .flat import Flat, Floats, Vocabulary, flatten, vocabulary
from .logistic import fit_logistic, sigmoid
from .sequence import Sequence

PENALTY = 0.1


class Pfa:
    """One logistic regression over all skills."""

    def __init__(self) -> None:
        self.words = Vocabulary({}, {})
        self.weight = np.zeros(1)

    def fit(self, sequences: Many[Sequence], seed: int = 0) -> None:
        """The optimum is one: ``seed`` is not used."""
        self.words = vocabulary(sequences)
        flat = flatten(sequences, self.words)
        x = _features(flat, len(self.words.skills))
        penalty = np.full(x.shape[1], PENALTY)
        penalty[0] = 0.0
        self.weight = fit_logistic(x, flat.y, penalty)

    def predict(self, sequences: Many[Sequence]) -> list[Floats]:
        """One probability of right a step; a skill not met in training adds nothing."""
        flat = flatten(sequences, self.words)
        return flat.cut(sigmoid(_features(flat, len(self.words.skills)) @ self.weight))


def _features(flat: Flat, skills: int) -> Any:
    """Sparse (steps, 1 + 3 skills): one, then for each skill whether it is there, its successes and its failures so far."""
    from scipy import sparse

    n = len(flat.y)
    known = flat.pair_skill >= 0
    row, column = flat.pair_step[known], flat.pair_skill[known]
    right, wrong = counts_so_far(flat)
    blocks = [
        sparse.csr_matrix((values, (row, column)), (n, skills))
        for values in (np.ones(len(row)), right[known], wrong[known])
    ]
    return sparse.hstack([sparse.csr_matrix(np.ones((n, 1))), *blocks]).tocsr()


def counts_so_far(flat: Flat) -> tuple[Floats, Floats]:
    """For every pair (m,), how often its student was right, and wrong, on its skill before that step."""
    student, y = flat.student[flat.pair_step], flat.y[flat.pair_step]
    order = np.lexsort((flat.pair_step, flat.pair_skill, student))
    key = np.stack([student[order], flat.pair_skill[order]])
    first = np.append(True, (key[:, 1:] != key[:, :-1]).any(axis=0))[: len(order)]
    run = np.cumsum(first) - 1
    found = []
    for values in (y[order], 1 - y[order]):
        before = np.cumsum(values) - values
        out = np.empty(len(order))
        out[order] = before - before[first][run]
        found.append(out)
    return found[0], found[1]
