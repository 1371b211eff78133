"""Which codes people confuse with each other: how often one gave the code in the row where another gave that in the column.

           IA-SQ  IA-PL  KA-RO
    IA-SQ     9      2      1        A said IA-SQ, and B IA-PL, of two units
    IA-PL     .     14      3

Of two people rows are the first's and columns the second's; of more, every pair of people counts both ways, so that the matrix is
symmetric.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from ..agreement.code_accuracy import Confusion, confusions
from ..agreement.profile import MISSING
from ..estimate import Ints
from .section import ReportTable, columns, listed
from .study import Study


@dataclass(frozen=True)
class PeopleConfusion:
    """``people``: who is compared; ``counts``: (codes, codes), rows by the first of two; ``pairs``: codes that differ, most often
    confused first."""

    people: tuple[str, ...]
    counts: Ints
    pairs: tuple[Confusion, ...]

    @property
    def sides(self) -> tuple[str, str]:
        """What rows and columns are called."""
        return (self.people[0], self.people[1]) if len(self.people) == 2 else ("one person", "another")

    @property
    def table(self) -> ReportTable:
        """The pairs, with their share of all disagreements."""
        total = sum(pair.count for pair in self.pairs)
        rows = tuple(
            {"code": pair.codes[0], "other": pair.codes[1], "times": pair.count, "share": pair.count / total}
            for pair in self.pairs
        )
        return ReportTable(
            "confusion_people",
            f"Which codes {listed(self.people)} confuse: how often two of them gave these two codes to one unit, whoever gave which.",
            columns(
                ("code", "code", "code"), ("and", "other", "code"), ("times", "times", "count"),
                ("of all disagreements", "share", "share"),
            ),
            rows,
        )  # fmt: skip


def measure_people_confusion(study: Study) -> PeopleConfusion | None:
    """`None` where no two people coded a unit in common."""
    people, size = study.humans, len(study.codes)
    counts = np.zeros((size, size), dtype=int)
    for first, second in combinations(people, 2):
        one, other = study.row(first), study.row(second)
        both = (one != MISSING) & (other != MISSING)
        cells = np.bincount(one[both] * size + other[both], study.data.sizes[both], minlength=size * size)
        found = cells.astype(int).reshape(size, size)
        counts += found if len(people) == 2 else found + found.T
    if not counts.any():
        return None
    return PeopleConfusion(people, counts, tuple(confusions(study.comparable.of(people))))
