"""The classical models beside language models: trained on the train split, scored on the same test items.

    rows = baselines(items, train, test)
    rows[0]    Row("majority", "every step", (Score("auc", .5, …), Score("accuracy", …)))

Each is scored twice: on every step from the second on, as the literature does, and on the items' target steps alone, given just
the history that the item shows. The second stands beside a language model's scores; it is over few steps, and intervals are wide.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from collections.abc import Sequence as Many
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from ...errors import InputError, PluginError, did_you_mean
from ..domains import Resampling, Score
from ..item import Item
from .bkt import Bkt
from .dkt import Dkt
from .evaluate import every_step, last_steps, scores
from .flat import Floats
from .irt import Irt
from .items import asked
from .majority import Majority
from .pfa import Pfa
from .sequence import Sequence

EVERY, TARGETS = "every step", "items"


class Tracer(Protocol):
    """A model of knowledge tracing."""

    def fit(self, sequences: Many[Sequence], seed: int = 0) -> None:
        """Learn from training sequences."""
        ...

    def predict(self, sequences: Many[Sequence]) -> list[Floats]:
        """For each sequence (steps,): the probability that a step is right, from the steps before it alone."""
        ...


TRACERS: dict[str, Callable[[], Tracer]] = {
    "majority": Majority,
    "IRT": Irt,
    "PFA": Pfa,
    "BKT": Bkt,
    "DKT": Dkt,
}


@dataclass(frozen=True)
class Row:
    """One model on one set of steps. ``why_missing``: why there are no scores."""

    model: str
    on: str
    scores: tuple[Score, ...]
    seconds: float = 0.0
    """To fit; not part of the result (see `as_json`)."""
    why_missing: str | None = None

    def as_json(self) -> dict[str, Any]:
        """The same for the same seed: without times."""
        found = asdict(self)
        del found["seconds"]
        return found


def baselines(
    items: Many[Item],
    train: Many[Sequence],
    test: Many[Sequence] = (),
    *,
    models: Many[str] = tuple(TRACERS),
    seed: int = 0,
    how: Resampling | None = None,
    progress: Callable[[str], None] | None = None,
) -> list[Row]:
    """Rows of every model: on every step of ``test`` where given, then on the targets of ``items`` where given.

    Skills and problems go by the same names in all three. A model that cannot run here (DKT without torch) has rows that
    say why. Raises `InputError` for a student of ``train`` in ``test`` or ``items``.
    """
    unknown = [name for name in models if name not in TRACERS]
    if unknown:
        raise InputError(f"no baseline is named {unknown[0]!r}", did_you_mean(unknown[0], list(TRACERS)))
    if not any(sequence.steps for sequence in train):
        raise InputError("no steps to train on", "give items or sequences of the train split")
    sets = {EVERY: list(test), TARGETS: asked(items)}
    sets = {name: sequences for name, sequences in sets.items() if sequences}
    _no_leak(train, sets)
    return [row for name in models for row in _rows(name, train, sets, seed, how or Resampling(), progress)]


def _no_leak(train: Many[Sequence], sets: dict[str, list[Sequence]]) -> None:
    both = {s.student for s in train} & {s.student for found in sets.values() for s in found}
    if both:
        raise InputError(
            f"{len(both)} students are in train and test, {min(both)!r} among them",
            "split by student: pcode wbeb build does",
        )


def _rows(
    name: str,
    train: Many[Sequence],
    sets: dict[str, list[Sequence]],
    seed: int,
    how: Resampling,
    progress: Callable[[str], None] | None,
) -> Iterator[Row]:
    if progress:
        progress(name)
    try:
        tracer = TRACERS[name]()
    except PluginError as error:
        yield from (Row(name, on, (), why_missing=f"{error.message}: {error.hint}") for on in sets)
        return
    start = time.perf_counter()
    tracer.fit(train, seed)
    seconds = time.perf_counter() - start
    for on, sequences in sets.items():
        pick = every_step if on == EVERY else last_steps
        found = scores(*pick(sequences, tracer.predict(sequences)), how, f"probability of {name}, {on}")
        yield Row(name, on, tuple(found), seconds)
