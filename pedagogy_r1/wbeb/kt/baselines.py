"""The classical models beside language models: trained on the train split, scored on the same test items.

    rows = baselines(items, train, test)
    rows[0]    TracerScores("majority", "every step", (Score("auc", .5, …), Score("accuracy", …)))

Each is scored twice: on every step from the second on, as the literature does, and on the items' target steps alone, given just
the history that the item shows. The second stands beside a language model's scores; it is over few steps, and intervals are wide.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from collections.abc import Sequence as Many
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np

from ...errors import ArgumentError, InputError, PluginError, did_you_mean
from ...estimate import Resampling
from ..domain import Score
from ..item import Item
from ..score import Beside, Scorer
from .bkt import Bkt
from .dkt import Dkt
from .regressions import Irt, Pfa
from .steps import Floats, Sequence, asked

EVERY, TARGETS = "every step", "items"


class Tracer(Protocol):
    """A model of knowledge tracing."""

    def fit(self, sequences: Many[Sequence], seed: int = 0) -> None:
        """Learn from training sequences."""

    def predict(self, sequences: Many[Sequence]) -> list[Floats]:
        """For each sequence (steps,): the probability that a step is right, from the steps before it alone."""


class Majority:
    """Foretells the share of right steps in training for everyone: AUC one half, and the accuracy of the commoner answer."""

    share = 0.5

    def fit(self, sequences: Many[Sequence], seed: int = 0) -> None:  # noqa: ARG002 - nothing is drawn
        right = [step.correct for sequence in sequences for step in sequence.steps]
        self.share = float(np.mean(right)) if right else 0.5

    def predict(self, sequences: Many[Sequence]) -> list[Floats]:
        return [np.full(len(sequence.steps), self.share) for sequence in sequences]


TRACERS: dict[str, Callable[[], Tracer]] = {
    "majority": Majority,
    "IRT": Irt,
    "PFA": Pfa,
    "BKT": Bkt,
    "DKT": Dkt,
}


class ForetoldSteps(NamedTuple):
    """Steps: whether each came out right (n,), the probability of that (n,), and its student."""

    right: Floats
    probability: Floats
    student: list[str]


@dataclass(frozen=True)
class TracerScores:
    """One model on one set of steps. ``why_missing``: why there are no scores."""

    model: str
    on: str
    scores: tuple[Score, ...]
    seconds: float = 0.0
    """To fit; not part of the result (see `as_json`)."""
    why_missing: str | None = None

    def as_json(self) -> dict[str, Any]:
        """The same for the same seed: without times."""
        scores = [score.as_json() for score in self.scores]
        return {"model": self.model, "on": self.on, "scores": scores, "why_missing": self.why_missing}


def baselines(
    items: Many[Item],
    train: Many[Sequence],
    test: Many[Sequence] = (),
    *,
    models: Many[str] = tuple(TRACERS),
    seed: int = 0,
    how: Resampling | None = None,
    progress: Callable[[str], None] | None = None,
) -> list[TracerScores]:
    """Rows of every model: on every step of ``test`` where given, then on the targets of ``items`` where given.

    Skills and problems go by the same names in all three. A model that cannot run here (DKT without torch) has rows that
    say why. Raises `InputError` for a student of ``train`` in ``test`` or ``items``.
    """
    _check_can_train(models, train)
    sets = {EVERY: list(test), TARGETS: asked(items)}
    sets = {name: sequences for name, sequences in sets.items() if sequences}
    _no_leak(train, sets)
    rows = []
    for name in models:
        if progress:
            progress(name)
        try:
            tracer = TRACERS[name]()
        except PluginError as error:
            why = f"{error.message}: {error.hint}"
            rows += [TracerScores(name, on, (), why_missing=why) for on in sets]
            continue
        start = time.perf_counter()
        tracer.fit(train, seed)
        seconds = time.perf_counter() - start
        for on, sequences in sets.items():
            foretold = foretold_steps(sequences, tracer.predict(sequences), every=on == EVERY)
            found = scores(foretold, how or Resampling(), f"probability of {name}, {on}")
            rows.append(TracerScores(name, on, found, seconds))
    return rows


def _check_can_train(models: Many[str], train: Many[Sequence]) -> None:
    unknown = [name for name in models if name not in TRACERS]
    if unknown:
        meant = did_you_mean(unknown[0], list(TRACERS))
        raise ArgumentError(f"no baseline is named {unknown[0]!r}", meant)
    if not any(sequence.steps for sequence in train):
        raise ArgumentError("no steps to train on", "give items or sequences of the train split")


def _no_leak(train: Many[Sequence], sets: dict[str, list[Sequence]]) -> None:
    both = {s.student for s in train} & {s.student for found in sets.values() for s in found}
    if both:
        raise InputError(
            f"{len(both)} students are in train and test, {min(both)!r} among them",
            "split by student: pcode wbeb build does",
        )


def foretold_steps(sequences: Many[Sequence], told: Many[Floats], *, every: bool) -> ForetoldSteps:
    """``every`` step from the second on, the literature's way; or the last of each sequence, which is what items ask."""
    parts = [
        (s, s.steps[1:], p[1:]) if every else (s, s.steps[-1:], p[-1:])
        for s, p in zip(sequences, told, strict=True)
    ]
    return ForetoldSteps(
        np.array([step.correct for _, steps, _ in parts for step in steps], dtype=float),
        np.concatenate([p for _, _, p in parts]) if parts else np.zeros(0),
        [s.student for s, steps, _ in parts for _ in steps],
    )


def scores(foretold: ForetoldSteps, how: Resampling, note: str) -> tuple[Score, ...]:
    """AUC and accuracy (right where the probability is .5 or more); students are resampled."""
    y, p, who = foretold
    scorer = Scorer.of(who, how)
    majority = float(max(y.mean(), 1 - y.mean())) if len(y) else None
    return (
        scorer.area("auc", y == 1, p, Beside(0.5, 0.5, note)),
        scorer.share("accuracy", (p >= 0.5) == (y == 1), Beside(0.5, majority, note)),
    )
