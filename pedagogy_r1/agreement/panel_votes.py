"""From several coders' votes on a unit to one code, with a probability for each code. Arrays only; `panel` makes a run of it.

    votes of a unit          majority     Dawid–Skene    weighted
    A: KA-RO  B, C: OA-ME    OA-ME .67    KA-RO .81      KA-RO .74      A is seldom wrong where it says KA-RO, B and C err together

- `vote_shares`: each vote counts the same.
- `dawid_skene`: how often each coder says what of which code is estimated with the codes themselves, by EM (Dawid & Skene 1979,
  *Applied Statistics* 28). Nothing but the votes is needed. It takes the errors of coders for independent; where they err together
  it is surer than it should be, and follows whoever are many.
- `fit_vote_weights`: how much each vote of each coder says is learned from units that people coded, all coders at once, so that two
  who always say the same count as one. Multinomial logistic regression on the votes; before any unit is seen each vote counts
  `PRIOR`, and the penalty (L2) is one: neither was chosen by looking at results.

Why not ``crowd-kit``: it cannot be installed without transformers and nltk; what is wanted of it is forty lines.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from .profile import MISSING, Floats, Ints, patterns, value_counts

PSEUDO = 0.01
"""Added to every count of Dawid–Skene, so that nothing that was not seen is impossible."""

PRIOR, PENALTY, FREE = 1.0, 1.0, 1e-3
"""Log-odds of a vote before people's codes are seen; strength of the penalty that holds weights to them, and the intercepts to 0."""

EM_STEPS, EM_CHANGE, FIT_STEPS = 2000, 1e-8, 500
"""Steps at most, and the change of a probability under which EM has arrived."""

SAME = 1e-9
"""Probabilities that differ by less are a tie."""


class Decided(NamedTuple):
    """``code``: (units,) or ``MISSING``; ``confidence``: (units,) its probability; ``tied``: another code was as probable."""

    code: Ints
    confidence: Floats
    tied: np.ndarray


def vote_shares(votes: Ints, q: int) -> Floats:
    """(units, q) share of a unit's coders who gave each code; zeros where nobody did. ``votes``: (coders, units)."""
    counts = value_counts(votes, q).astype(np.float64)
    return np.asarray(counts / np.maximum(counts.sum(axis=1, keepdims=True), 1))


def dawid_skene(votes: Ints, q: int) -> Floats:
    """(units, q) posterior of each code, by EM from the shares of votes. The same votes have the same posterior."""
    pattern, of_unit = patterns(votes, q)
    size = np.bincount(of_unit, minlength=pattern.shape[1]).astype(np.float64)
    size[(pattern == MISSING).all(axis=0)] = 0
    given = [_one_hot(row, q) for row in pattern]
    posterior = vote_shares(pattern, q)
    for _ in range(EM_STEPS):
        weighed = posterior * size[:, None]
        prior = weighed.sum(axis=0) + PSEUDO
        logs = np.tile(np.log(prior / prior.sum()), (len(size), 1))
        for one in given:
            confusion = weighed.T @ one + PSEUDO
            logs += one @ np.log(confusion / confusion.sum(axis=1, keepdims=True)).T
        before, posterior = posterior, _softmax(logs)
        if np.abs(posterior - before).max(initial=0) < EM_CHANGE:
            break
    return np.asarray(posterior[of_unit])


def fit_vote_weights(votes: Ints, targets: Floats, q: int) -> Floats:
    """(coders × q + 1, q) weights: what a vote of a coder for a code adds to the logit of each code; the last row is the intercepts.

    ``targets``: (units, q) what share of the people who coded the unit gave each code; rows sum to 1.
    """
    from scipy.optimize import minimize

    # The same votes are one row: people's codes of its units are added up.
    pattern, of_unit = patterns(votes, q)
    x = _rows(pattern, q)
    wanted = np.zeros((pattern.shape[1], q))
    np.add.at(wanted, of_unit, targets)
    total = wanted.sum(axis=1, keepdims=True)
    start = np.vstack([PRIOR * np.eye(q)] * len(votes) + [np.zeros((1, q))])
    held = np.full((len(start), 1), PENALTY)
    held[-1] = FREE

    def loss(flat: Floats) -> tuple[float, Floats]:
        weights = flat.reshape(start.shape)
        p, moved = _softmax(x @ weights), weights - start
        value = -(wanted * np.log(np.maximum(p, 1e-300))).sum() + (held * moved**2).sum() / 2
        return float(value), (x.T @ (p * total - wanted) + held * moved).ravel()

    found = minimize(loss, start.ravel(), jac=True, method="L-BFGS-B", options={"maxiter": FIT_STEPS})
    return np.asarray(found.x.reshape(start.shape))


def weighted_votes(weights: Floats, votes: Ints, q: int) -> Floats:
    """(units, q) probabilities by weights of `fit_vote_weights`."""
    return _softmax(_rows(votes, q) @ weights)


def decide(p: Floats, votes: Ints, order: Sequence[int]) -> Decided:
    """The most probable code of each unit; of equally probable ones that of the first coder in ``order`` (rows of ``votes``) who gave
    one of them. Where nobody voted, nothing is decided."""
    units = np.arange(len(p))
    best = p.max(axis=1, initial=0)
    equal = p >= best[:, None] - SAME
    tied = equal.sum(axis=1) > 1
    code = p.argmax(axis=1).astype(np.int64)
    for row in reversed(order):
        vote = votes[row]
        wins = tied & (vote != MISSING) & equal[units, np.maximum(vote, 0)]
        code[wins] = vote[wins]
    voted = (votes != MISSING).any(axis=0)
    return Decided(np.where(voted, code, MISSING), np.where(voted, best, 0.0), tied & voted)


def _rows(votes: Ints, q: int) -> Floats:
    """(units, coders × q + 1) who gave which code, and a 1."""
    return np.hstack([*(_one_hot(row, q) for row in votes), np.ones((votes.shape[1], 1))])


def _one_hot(vote: Ints, q: int) -> Floats:
    """(units, q) 1 at the code; nothing where missing."""
    return np.asarray(vote[:, None] == np.arange(q), dtype=np.float64)


def _softmax(logits: Floats) -> Floats:
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(p / p.sum(axis=1, keepdims=True))
