"""What a person may choose about a report; everything else follows from the runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from ..errors import PedagogyError
from ..sampling.inclusion import Inclusion


class ColumnContrast(NamedTuple):
    """Two values of a column: ``condition:cop:generic``."""

    column: str
    a: Any
    b: Any

    @property
    def words(self) -> str:
        """``cop against generic``; correctness is written as right and wrong."""
        return f"{value_words(self.column, self.a)} against {value_words(self.column, self.b)}"


COLUMNS = ("condition", "correct", "model", "domain")


@dataclass(frozen=True)
class ReportSettings:
    """``coder``: whose codings the frequencies show; default the one who coded most units. ``contrasts``: default all
    that the runs allow. ``family``: codes whose error is controlled together, named before looking; default all.
    ``inclusion``: with what probability each unit was given to people, from the sampling plan."""

    coder: str | None = None
    contrasts: tuple[ColumnContrast, ...] = ()
    family: tuple[str, ...] | None = None
    replicates: int = 1000
    permutations: int = 9999
    seed: int = 0
    inclusion: Inclusion | None = None

    def __post_init__(self) -> None:
        if self.replicates < 0 or self.permutations < 1:
            raise PedagogyError(
                f"{self.replicates} resamples and {self.permutations} permutations",
                "give 0 or more resamples and 1 or more permutations",
            )


def parse_comparison(text: str) -> ColumnContrast:
    """``COLUMN:A:B``; the last colon divides, so a model's name may hold one if ``B`` does not."""
    column, _, rest = text.partition(":")
    a, _, b = rest.rpartition(":")
    if column not in COLUMNS or not a or not b or a == b:
        raise PedagogyError(
            f"{text!r} is no comparison",
            f"write COLUMN:A:B with two values of {', '.join(COLUMNS)}, as condition:cop:generic",
        )
    if column != "correct":
        return ColumnContrast(column, a, b)
    truth = {"true": True, "right": True, "false": False, "wrong": False}
    if a.lower() not in truth or b.lower() not in truth:
        raise PedagogyError(f"{text!r}: correct is right or wrong", "write correct:right:wrong")
    return ColumnContrast(column, truth[a.lower()], truth[b.lower()])


def sameness(column: str, values: Sequence[Any]) -> str:
    """Why there is nothing to tell apart by a column that has one value, or none.

    >>> sameness("condition", ["cop"])
    'condition is cop everywhere'
    """
    if values:
        return f"{column} is {value_words(column, values[0])} everywhere"
    return (
        "no trace says whether its answer is right" if column == "correct" else f"no trace names its {column}"
    )


def value_words(column: str, value: Any) -> str:
    """A value of a column for the reader.

    >>> value_words("correct", True), value_words("domain", None)
    ('right', 'no domain')
    """
    if value is None:
        return f"no {column}" if column != "correct" else "not known"
    if column == "correct":
        return "right" if value else "wrong"
    return str(value)
