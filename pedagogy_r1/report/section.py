"""A section of the report: what it says in words, its tables and figures, and what it cannot say.

Section("noise", "Noise", lead=("41.2 % of the tokens …",), tables=(…,), figures=(…,))
Section("contrast", "Contrasts", absent="no column has two values to compare: condition is … everywhere")
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from .figure import Figure
from .table import ReportTable


class Gap(NamedTuple):
    """Something that could not be estimated, and why."""

    what: str
    why: str


@dataclass(frozen=True)
class Quote:
    """A unit's text with what each coder said of it."""

    trace_id: str
    text: str
    said: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Section:
    """``absent``: why there is nothing here; ``lead``: paragraphs; ``cautions``: what to know before trusting it."""

    id: str
    title: str
    lead: tuple[str, ...] = ()
    tables: tuple[ReportTable, ...] = ()
    figures: tuple[Figure, ...] = ()
    quotes: tuple[Quote, ...] = ()
    gaps: tuple[Gap, ...] = ()
    cautions: tuple[str, ...] = ()
    absent: str | None = None


def listed(words: Sequence[str], last: str = "and") -> str:
    """Words as a sentence lists them.

    >>> listed(["A", "B", "C"])
    'A, B and C'
    """
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {last} {words[-1]}"


def counted(number: int, one: str, many: str = "") -> str:
    """
    >>> counted(1, "trace"), counted(1200, "trace")
    ('1 trace', '1,200 traces')
    """
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def distinct(cautions: Sequence[str | None]) -> tuple[str, ...]:
    """Without repeats and blanks."""
    return tuple(dict.fromkeys(c for c in cautions if c))
