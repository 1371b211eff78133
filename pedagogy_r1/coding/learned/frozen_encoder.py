"""A sentence encoder as it is: the vectors of a unit and its neighbours, and one multinomial regression on them.

    unit 7   →   [ vector 7 · ½ vector 6 · ½ vector 5 · ½ vector 8 ]   →   probabilities of the codes

Vectors have length 1; a neighbour weighs half, and is 0 where the trace has none. Targets are the shares of coders that gave each
code; every coded unit weighs the same, and so does every code: no class weights.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...errors import InputError
from .encoder import SentenceEncoder, Vectors
from .fine_tuned import BEFORE, BEHIND
from .learned_model import Floats, normal

C = 10.0
"""Inverse strength of the penalty (L2): rows are of length 1 to 1.3. Set before any result was seen."""

NEIGHBOUR = 0.5
"""How long a neighbour's vector is."""

NEVER = -8.0
"""Intercept of a code that nobody gave."""

SETTINGS = {"C": C, "neighbour": NEIGHBOUR, "context": [BEFORE, BEHIND], "class_weights": "none"}


def rows_of(vectors: Vectors) -> Floats:
    """Units × (4 · width): of the units of a trace in order."""
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    own = vectors / np.maximum(length, 1e-12)
    parts = [own]
    for by in [*range(1, BEFORE + 1), *range(-1, -BEHIND - 1, -1)]:
        moved = np.zeros_like(own)
        if by > 0:
            moved[by:] = own[:-by]
        else:
            moved[:by] = own[-by:]
        parts.append(NEIGHBOUR * moved)
    return np.hstack(parts).astype(np.float64)


class FrozenEncoder:
    """``weights``: (4 · width) × codes."""

    def __init__(self, encoder: SentenceEncoder, weights: Floats, intercepts: Floats) -> None:
        wide = (1 + BEFORE + BEHIND) * encoder.folder.width
        if weights.ndim != 2 or weights.shape != (wide, len(intercepts)):
            raise InputError(
                f"weights for {weights.shape[0]} numbers a unit, and the encoder gives {wide}",
                "fit the coder again with pcode coder fit",
            )
        self.encoder, self.weights, self.intercepts = encoder, weights, intercepts

    def probabilities(self, texts: Sequence[str]) -> Floats:
        """Units × codes, of the units of a trace in order."""
        return self.of_rows(rows_of(self.encoder.embed(texts)))

    def of_rows(self, rows: Floats) -> Floats:
        """The same, of `rows_of` the units."""
        if not len(rows):
            return np.zeros((0, len(self.intercepts)))
        logits = rows @ self.weights + self.intercepts
        raised = np.exp(logits - logits.max(axis=1, keepdims=True))
        return normal(raised / raised.sum(axis=1, keepdims=True))


def fit_weights(rows: Floats, targets: Floats) -> tuple[Floats, Floats]:
    """Weights and intercepts. ``targets``: units × codes; a unit whose row is 0 is not learned from."""
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits

    unit, code = np.nonzero(targets)
    codes = targets.shape[1]
    weights, intercepts = np.zeros((rows.shape[1], codes)), np.full(codes, NEVER)
    there = np.unique(code)
    if len(there) == 1:
        intercepts[there] = -NEVER
        return weights, intercepts
    with threadpool_limits(1):
        model = LogisticRegression(C=C, max_iter=300, tol=1e-4)
        model.fit(rows[unit], code, sample_weight=targets[unit, code])
    if len(there) == 2:  # scikit-learn gives one row for two classes
        weights[:, there[1]], intercepts[there[1]] = model.coef_[0], model.intercept_[0]
        intercepts[there[0]] = 0.0
    else:
        weights[:, there], intercepts[there] = model.coef_.T, model.intercept_
    return weights, intercepts
