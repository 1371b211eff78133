"""The share of right steps in training, for everyone: AUC one half, and the accuracy of the commoner answer."""

from __future__ import annotations

from collections.abc import Sequence as Many

import numpy as np

from .flat import Floats
from .sequence import Sequence


class Majority:
    """Foretells the same for every step."""

    def __init__(self) -> None:
        self.share = 0.5

    def fit(self, sequences: Many[Sequence], seed: int = 0) -> None:
        """Nothing is drawn: ``seed`` is not used."""
        right = [step.correct for sequence in sequences for step in sequence.steps]
        self.share = float(np.mean(right)) if right else 0.5

    def predict(self, sequences: Many[Sequence]) -> list[Floats]:
        """One probability of right a step."""
        return [np.full(len(sequence.steps), self.share) for sequence in sequences]
