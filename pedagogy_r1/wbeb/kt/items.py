"""KT items as sequences: one by one as they are asked, or a student's windows put together again.

item s-1    steps 1–51, foretells 51        asked([item])       its 51 steps, alone
item s-52   steps 52–70, foretells 70       students([…])       one sequence of 70 steps
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Sequence as Many
from typing import Any

from ...errors import InputError
from ..item import Item
from .sequence import Sequence, Step


def asked(items: Iterable[Item]) -> list[Sequence]:
    """One sequence an item: what a language model is shown, and last the step to be foretold."""
    return [Sequence(item.group, _steps(item)) for item in items]


def students(items: Iterable[Item]) -> list[Sequence]:
    """The students' sequences, each step once; where windows between are missing, what lies behind is a sequence of its own.

    Items that do not say where they begin (``metadata["first"]``) stand alone.
    """
    windows: dict[str, dict[int, Step]] = {}
    alone: list[Sequence] = []
    for item in items:
        first = item.metadata.get("first")
        steps = _steps(item)
        if not isinstance(first, int):
            alone.append(Sequence(item.group, steps))
            continue
        at = windows.setdefault(item.group, {})
        for place, step in enumerate(steps, first):
            if at.setdefault(place, step) != step:
                raise InputError(
                    f"item {item.id}: step {place} of {item.group} is not what another item of it says",
                    "items of one student come from one build",
                )
    return [Sequence(who, run) for who, at in windows.items() for run in _runs(at)] + alone


def _runs(at: dict[int, Step]) -> list[tuple[Step, ...]]:
    runs: list[list[Step]] = []
    before: int | None = None
    for place in sorted(at):
        if before is None or place != before + 1:
            runs.append([])
        runs[-1].append(at[place])
        before = place
    return [tuple(run) for run in runs]


def _steps(item: Item) -> tuple[Step, ...]:
    given = item.metadata.get("steps")
    if item.domain != "KT" or not isinstance(given, Many) or isinstance(given, str) or not given:
        raise InputError(f"item {item.id}: no steps in its metadata", "KT items come from: pcode wbeb build")
    return tuple(_step(step, item) for step in given)


def _step(given: Any, item: Item) -> Step:
    try:
        step = Step(str(given["problem"]), tuple(given["skills"]), int(given["correct"]))
        if step.correct not in (0, 1) or not step.skills:
            raise ValueError
        hash(step.skills)
    except (KeyError, TypeError, ValueError):
        raise InputError(
            f"item {item.id}: a step is not {{problem, skills, correct}}: {str(given)[:80]}",
            "KT items come from: pcode wbeb build",
        ) from None
    return step
