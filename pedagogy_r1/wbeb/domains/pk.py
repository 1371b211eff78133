"""PK, pedagogical knowledge: questions with options from examinations of teachers. Score: accuracy.

A student says that 1/4 is larger than 1/3, because 4 is larger than 3. Which task …?    A. …  B. …  C. …  D. …    → C
"""

from __future__ import annotations

from . import DomainTask
from ._choice import Choice


def domain() -> DomainTask:
    """Pedagogical knowledge."""
    return Choice("The following question is from an examination for teachers.")
