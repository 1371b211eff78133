"""IRT-like logistic regression: a student's ability, estimated from the history, against the difficulty of the problem.

    training      logit P(right) = μ + θ_student + b_problem + mean of c_skill over the step's skills
                  ridge logistic regression; a penalty of 1 is a Normal(0, 1) prior on every θ, b and c
    foretelling   θ of a student is not looked up but followed through the steps so far, from Normal(0, 1):
                  p  = σ(θ + difficulty),  v ← 1 / (1/v + p(1−p)),  θ ← θ + v (y − p)

A Rasch model whose ability is updated after each answer by one Newton step of its posterior, as Wilson et al. (2016, "Back to the
basics") do exactly. Every student is new when foretold, those of the training sequences too. A problem that training did not
meet has its skills' difficulty only.
"""

from __future__ import annotations

from collections.abc import Sequence as Many

import numpy as np

from .flat import Flat, Floats, Vocabulary, flatten, vocabulary
from .logistic import fit_logistic, sigmoid
from .sequence import Sequence


class Irt:
    """Difficulties from training, ability from history."""

    def __init__(self) -> None:
        self.words = Vocabulary({}, {})
        self.level, self.problem, self.skill = 0.0, np.zeros(1), np.zeros(1)

    def fit(self, sequences: Many[Sequence], seed: int = 0) -> None:
        """The optimum is one: ``seed`` is not used."""
        from scipy import sparse

        self.words = vocabulary(sequences)
        flat = flatten(sequences, self.words)
        n, problems, skills = len(flat.y), len(self.words.problems), len(self.words.skills)
        one, rows = np.ones(n), np.arange(n)
        share = 1.0 / np.bincount(flat.pair_step, minlength=n)[flat.pair_step]
        x = sparse.hstack(
            [
                sparse.csr_matrix(one[:, None]),
                sparse.csr_matrix((one, (rows, flat.problem)), (n, problems)),
                sparse.csr_matrix((share, (flat.pair_step, flat.pair_skill)), (n, skills)),
                sparse.csr_matrix((one, (rows, flat.student)), (n, len(sequences))),
            ]
        )
        penalty = np.ones(x.shape[1])
        penalty[0] = 0.0
        weight = fit_logistic(x, flat.y, penalty)
        # What was not met has index -1, the last place: a zero there.
        self.level = float(weight[0])
        self.problem = np.append(weight[1 : 1 + problems], 0.0)
        self.skill = np.append(weight[1 + problems : 1 + problems + skills], 0.0)

    def predict(self, sequences: Many[Sequence]) -> list[Floats]:
        """One probability of right a step, from the steps before it."""
        flat = flatten(sequences, self.words)
        ease = self.level + self.problem[flat.problem] + flat.mean_of_pairs(self.skill[flat.pair_skill])
        return flat.cut(_follow(flat, ease, len(sequences)))


def _follow(flat: Flat, ease: Floats, students: int) -> Floats:
    """Foretell and update, all students side by side."""
    ability, variance = np.zeros(students), np.ones(students)
    found = np.empty(len(flat.y))
    for rows in flat.by_place():
        who = flat.student[rows]
        p = found[rows] = sigmoid(ability[who] + ease[rows])
        variance[who] = 1 / (1 / variance[who] + p * (1 - p))
        ability[who] += variance[who] * (flat.y[rows] - p)
    return found
