"""SK, subject knowledge: junior-high examination questions with options. Score: accuracy.

Which group in the animal kingdom has the most species?    A. Tortoises  B. Toads  C. Earthworms  D. Insects    → D
"""

from __future__ import annotations

from . import DomainTask
from ._choice import Choice


def domain() -> DomainTask:
    """Subject knowledge."""
    return Choice("The following question is from an examination at junior high school.")
