"""Students' sequences become KT items: the last step of a window is foretold from those before it.

A student with 120 steps and 50 steps of history a window gives three items:

    steps 1–51 foretell 51    steps 52–102 foretell 102    steps 103–120 foretell 120

Windows do not overlap, except that a last one shorter than ``least`` borrows from the one before it. All belong to the group
of their student, so that no step of a student in test was trained on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ...errors import InputError
from ..item import Item
from ..kt.sequence import Skill, Step, merge_repeats


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


def student_items(
    student: str, steps: Sequence[Step], how: Windows, names: Mapping[int, str], source: str
) -> list[Item] | str:
    """The student's items, or why there are none."""
    rows = len(steps)
    steps = steps if how.keep_repeats else merge_repeats(steps)
    if len(steps) < how.least:
        return f"fewer than {how.least} steps"
    windows = list(_windows(steps, how))
    if how.most:
        windows = windows[-how.most :]
    about = {"student": student, "of_steps": len(steps), "rows": rows, "repeats": _said(how)}
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


def _said(how: Windows) -> str:
    return "kept" if how.keep_repeats else "merged"


def _windows(steps: Sequence[Step], how: Windows) -> Iterator[tuple[int, Sequence[Step]]]:
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
