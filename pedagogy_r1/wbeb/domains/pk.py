"""PK, pedagogical knowledge: questions with options from examinations of teachers. Score: accuracy. Put and read as in SK."""

from __future__ import annotations

from ..domain import DomainTask
from .sk import Choice


def domain() -> DomainTask:
    return Choice(
        "PK",
        "The following question is from an examination for teachers.",
        "I will ask of each option what it would do for the pupil who hears it.",
        "A student says that 1/4 is larger than 1/3, because 4 is larger than 3. Which task helps best?",
        (
            "Colour 1/3 and 1/4 of the same strip.",
            "Add 1/3 and 1/4.",
            "Write both as decimals.",
            "Learn a rule.",
        ),
        "A",
    )
