"""The two logistic regressions of knowledge tracing, IRT and PFA. scikit-learn fits both, with a ridge penalty on all but the
intercept: a penalty of 1/σ² is a Normal(0, σ²) prior on every weight.

    IRT   logit P(right) = μ + θ_student + b_problem + mean of c_skill over the step's skills
    PFA   logit P(right) = μ + Σ over the step's skills k of  β_k + γ_k · successes on k so far + ρ_k · failures on k so far
"""

from __future__ import annotations

from collections.abc import Sequence as Many
from typing import Any

import numpy as np

from .steps import Flat, Floats, Sequence, Vocabulary, flatten, vocabulary

IRT_PENALTY = 1.0
PFA_PENALTY = 0.1
"""Small: it keeps the weights of rare skills finite."""

MANY_COLUMNS = 2000


class Irt:
    """A Rasch model: difficulties from training, ability from history.

    θ of a student is not looked up but followed through the steps so far, from Normal(0, 1), by one Newton step of its posterior
    after each answer, as Wilson et al. (2016, "Back to the basics") do exactly:
    p = σ(θ + difficulty),  v ← 1 / (1/v + p(1−p)),  θ ← θ + v (y − p). So every student is new when foretold, those of the
    training sequences too. A problem that training did not meet has its skills' difficulty only.
    """

    def __init__(self) -> None:
        self.words = Vocabulary({}, {})
        self.level, self.problem, self.skill = 0.0, np.zeros(1), np.zeros(1)

    def fit(self, sequences: Many[Sequence], seed: int = 0) -> None:  # noqa: ARG002 - there is one optimum
        from scipy import sparse

        self.words = vocabulary(sequences)
        flat = flatten(sequences, self.words)
        n, problems, skills = len(flat.y), len(self.words.problems), len(self.words.skills)
        one, rows = np.ones(n), np.arange(n)
        share = 1.0 / np.bincount(flat.pair_step, minlength=n)[flat.pair_step]
        x = sparse.hstack(
            [
                sparse.csr_matrix((one, (rows, flat.problem)), (n, problems)),
                sparse.csr_matrix((share, (flat.pair_step, flat.pair_skill)), (n, skills)),
                sparse.csr_matrix((one, (rows, flat.student)), (n, len(sequences))),
            ]
        )
        self.level, weight = fit_logistic(x, flat.y, IRT_PENALTY)
        # What was not met has index -1, the last place: a zero there.
        self.problem = np.append(weight[:problems], 0.0)
        self.skill = np.append(weight[problems : problems + skills], 0.0)

    def predict(self, sequences: Many[Sequence]) -> list[Floats]:
        """One probability of right a step, from the steps before it."""
        flat = flatten(sequences, self.words)
        ease = self.level + self.problem[flat.problem] + flat.mean_of_pairs(self.skill[flat.pair_skill])
        ability, variance = np.zeros(len(sequences)), np.ones(len(sequences))
        found = np.empty(len(flat.y))
        for rows in flat.by_place():  # all students side by side
            who = flat.student[rows]
            p = found[rows] = sigmoid(ability[who] + ease[rows])
            variance[who] = 1 / (1 / variance[who] + p * (1 - p))
            ability[who] += variance[who] * (flat.y[rows] - p)
        return flat.cut(found)


class Pfa:
    """Performance factors analysis (Pavlik, Cen & Koedinger 2009): raw counts of successes and failures, skill by skill."""

    def __init__(self) -> None:
        self.words = Vocabulary({}, {})
        self.level, self.weight = 0.0, np.zeros(0)

    def fit(self, sequences: Many[Sequence], seed: int = 0) -> None:  # noqa: ARG002 - there is one optimum
        self.words = vocabulary(sequences)
        flat = flatten(sequences, self.words)
        self.level, self.weight = fit_logistic(_features(flat, len(self.words.skills)), flat.y, PFA_PENALTY)

    def predict(self, sequences: Many[Sequence]) -> list[Floats]:
        """One probability of right a step; a skill not met in training adds nothing."""
        flat = flatten(sequences, self.words)
        return flat.cut(sigmoid(self.level + _features(flat, len(self.words.skills)) @ self.weight))


def _features(flat: Flat, skills: int) -> Any:
    """Sparse (steps, 3 skills): for each skill whether it is there, its successes and its failures so far."""
    from scipy import sparse

    known = flat.pair_skill >= 0
    row, column = flat.pair_step[known], flat.pair_skill[known]
    right, wrong = counts_so_far(flat)
    blocks = [
        sparse.csr_matrix((values, (row, column)), (len(flat.y), skills))
        for values in (np.ones(len(row)), right[known], wrong[known])
    ]
    return sparse.hstack(blocks).tocsr()


def counts_so_far(flat: Flat) -> tuple[Floats, Floats]:
    """For every pair (m,), how often its student was right, and wrong, on its skill before that step."""
    order, first = flat.by_skill()
    y = flat.y[flat.pair_step][order]
    before = np.cumsum([y, 1 - y], axis=1) - [y, 1 - y]
    found = np.empty((2, len(order)))
    found[:, order] = before - np.repeat(before[:, first], np.diff(np.append(first, len(order))), axis=1)
    return found[0], found[1]


def sigmoid(x: Floats) -> Floats:
    """1 / (1 + e^-x), without overflow."""
    found: Floats = 0.5 * (1 + np.tanh(x / 2))
    return found


def fit_logistic(x: Any, y: Floats, penalty: float) -> tuple[float, Floats]:
    """Intercept and weights (columns,) for the sparse matrix ``x`` (rows, columns) and ``y`` (rows,) of 0/1."""
    from sklearn.linear_model import LogisticRegression

    if y.min() == y.max():  # scikit-learn refuses one class; without the other, the intercept has no optimum
        return 30.0 * (2 * y[0] - 1), np.zeros(x.shape[1])
    # Of 170,000 steps PFA's 321 columns take newton-cholesky .7 s and newton-cg 7; but it holds the square of the columns.
    solver = "newton-cholesky" if x.shape[1] < MANY_COLUMNS else "newton-cg"
    model = LogisticRegression(C=1 / penalty, solver=solver, tol=1e-6, max_iter=1000)
    model.fit(x, y)
    return float(model.intercept_[0]), model.coef_[0].astype(float)
