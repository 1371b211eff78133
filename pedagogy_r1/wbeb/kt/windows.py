"""Students' sequences become KT items, and back: the last step of a window is foretold from those before it.

A student with 120 steps and 50 steps of history a window gives three items:

    steps 1–51 foretell 51    steps 52–102 foretell 102    steps 103–120 foretell 120

Windows do not overlap, except that a last one shorter than ``least`` borrows from the one before it. All belong to the group
of their student, so that no step of a student in test was trained on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Sequence as Many
from pathlib import Path
from typing import Any, NamedTuple

from ...errors import InputError
from ..item import Item
from ..source_result import Gathering
from .steps import Sequence, Skill, Step, merge_repeats


class Windows(NamedTuple):
    """``history``: steps before the one foretold, at most. ``least``: steps a student must have, that one included."""

    history: int = 50
    least: int = 5
    keep_repeats: bool = False
    most: int = 0
    """Windows a student, the latest ones; 0: all."""

    def check(self) -> None:
        """Raise `InputError` for settings that make no sense."""
        if self.history < 1 or self.least < 2 or self.most < 0:
            raise InputError(
                f"history {self.history}, least {self.least}, windows {self.most}",
                "history is at least 1, least at least 2, windows 0 (all) or more",
            )


def keep_student(
    found: Gathering,
    where: tuple[Path, int],
    sequence: Sequence,
    how: Windows,
    source: str,
    names: Mapping[int, str],
    student: str | None = None,
) -> bool:
    """One student's items; False where there are too few steps. ``student``: how items call them, if not as the file does."""
    who = student or sequence.student
    items = student_items(who, sequence.steps, how, names, source)
    if isinstance(items, str):
        found.leave(*where, items, f"student {who}: {items} ({len(sequence.steps)} rows)", sequence.student)
        return False
    found.keep(*where, *items, raw=sequence.student)
    return True


def student_items(
    student: str, steps: Many[Step], how: Windows, names: Mapping[int, str], source: str
) -> list[Item] | str:
    """The student's items, or why there are none."""
    rows = len(steps)
    steps = steps if how.keep_repeats else merge_repeats(steps)
    if len(steps) < how.least:
        return f"fewer than {how.least} steps"
    windows = list(_windows(steps, how))
    if how.most:
        windows = windows[-how.most :]
    repeats = "kept" if how.keep_repeats else "merged"
    about = {"student": student, "of_steps": len(steps), "rows": rows, "repeats": repeats}
    return [
        Item(
            id=f"{source}-{student}-{start + 1}",
            domain="KT",
            source=source,
            answer="right" if window[-1].correct else "wrong",
            group=f"{source}-{student}",
            metadata={"steps": [_plain(step, names) for step in window], "first": start + 1, **about},
        )
        for start, window in windows
    ]


def _windows(steps: Many[Step], how: Windows) -> Iterator[tuple[int, Many[Step]]]:
    """A last window shorter than ``least`` takes its missing steps of history from the one before it."""
    length = how.history + 1
    for start in range(0, len(steps), length):
        window = steps[start : start + length]
        if len(window) < how.least:
            start = max(0, len(steps) - min(how.least, length))
            window = steps[start:]
        yield start, window


def _plain(step: Step, names: Mapping[int, str]) -> dict[str, Any]:
    return {
        "problem": step.problem,
        "skills": [_name(skill, names) for skill in step.skills],
        "correct": step.correct,
    }


def _name(skill: Skill, names: Mapping[int, str]) -> str:
    return names.get(skill, f"skill {skill}") if isinstance(skill, int) else skill


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
    runs: dict[int, list[Step]] = {}
    for nth, place in enumerate(sorted(at)):
        runs.setdefault(place - nth, []).append(at[place])
    return [tuple(run) for run in runs.values()]


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
