"""How far a coder is, and how long the rest takes at the coder's own pace.

time_left(log.work, 120)            →  "about 25 min"      the last 100 decisions took 12.5 s each, breaks left out
reading_left(log.work, 9000, 36000) →  "about 2 h 00 min"  so many characters were gone through in half an hour, breaks left out
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from typing import NamedTuple

from ..human.coding_log import Work

BREAK = 300
"""Seconds: who says nothing for longer was doing something else."""

LATELY, ENOUGH = 100, 10
"""The pace is that of the last 100 units that were decided, and is not said before ten."""


class Progress(NamedTuple):
    """Units that are done, of all; and of those for practice. Where all is practice, it is what counts."""

    done: int
    total: int
    practised: int
    practice: int


class TraceProgress(NamedTuple):
    """One trace: ``number`` is where to go on in it."""

    trace: int
    number: int
    done: int
    total: int
    practice: bool


def progress_of(units: Sequence[tuple[bool, bool]]) -> Progress:
    """Of units that are (practice, done)."""
    practice = [over for is_practice, over in units if is_practice]
    earnest = [over for is_practice, over in units if not is_practice]
    if not earnest:
        practice, earnest = [], practice
    return Progress(sum(earnest), len(earnest), sum(practice), len(practice))


def time_left(work: Work, units: int) -> str:
    """In words, for so many units; nothing where that cannot be said yet."""
    seconds = pace(work)
    return _words(seconds * units) if seconds is not None and units else ""


def reading_left(work: Work, through: int, left: int) -> str:
    """The same where spans are drawn: for so many characters that are ``left``, when so many were gone ``through``."""
    times = [datetime.fromisoformat(change.at) for change in work.changes]
    worked = [step for step in _steps(times) if step <= BREAK]
    if len(worked) < ENOUGH or not through or not left:
        return ""
    return _words(sum(worked) / through * left)


def _words(seconds: float) -> str:
    minutes = round(seconds / 60)
    if minutes < 1:
        return "less than a minute"
    if minutes < 60:
        return f"about {minutes} min"
    return f"about {minutes // 60} h {5 * (minutes % 60 // 5):02} min"


def pace(work: Work) -> float | None:
    """Seconds a unit, of those decided last: from one first decision to the next. None with too few of them."""
    seen: set[str] = set()
    times: list[str] = []
    for change in work.changes:
        if change.unit_id not in seen and (change.codes is not None or change.missing):
            seen.add(change.unit_id)
            times.append(change.at)
    lately = [datetime.fromisoformat(at) for at in times[-LATELY - 1 :]]
    worked = [step for step in _steps(lately) if step <= BREAK]
    return sum(worked) / len(worked) if len(worked) >= ENOUGH else None


def _steps(times: Sequence[datetime]) -> list[float]:
    """Seconds from each to the next."""
    return [(b - a).total_seconds() for a, b in pairwise(times)]
