"""The probability with which each unit was given to people to code: what every correction of a machine rests on.

    unit_id,inclusion_probability            trace_id,inclusion_probability
    u3f0a…,0.1                               aime-3,0.5          all units of the trace, drawn with it
    u77c1…,1                                 aime-4,0.5

The sampling plan knows it, the codings do not: a unit that was drawn because a machine saw a rare code in it stands
for fewer units than one that was drawn blindly. Where no plan
was recorded, the simplest one that fits is assumed, and said:

recorded    π = 0.05 to 0.3, from inclusion.csv
assumed     whole traces were coded: the 6 of 14 traces were drawn at random, π = 0.43
assumed     else: the 120 of 500 units were drawn at random, π = 0.24
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..estimate import Flags, Floats, Ints
from ..files.records import BadRow, Row, read_rows
from ..limits import WHOLE_TRACE

COLUMN = "inclusion_probability"


@dataclass(frozen=True)
class Inclusion:
    """``by``: what the keys of ``probability`` are, ``unit_id`` or ``trace_id``."""

    by: str
    probability: Mapping[str, float]
    source: str
    drawn: frozenset[str] | None = None
    """The keys that were drawn, where the file says so: more than were coded, if people are not through."""

    def of(self, unit_ids: Sequence[str], trace_ids: Sequence[str]) -> list[float]:
        """π of each unit, in (0, 1]. Raises `InputError` for units that the file does not know."""
        keys = unit_ids if self.by == "unit_id" else trace_ids
        unknown = sorted({key for key in keys if key not in self.probability})
        if unknown:
            raise InputError(
                f"{self.source}: no {COLUMN} for {len(unknown):,} {self.by} of the machine's run, first {unknown[0]!r}",
                "the file names every unit (or trace) that could have been drawn, not only those that were",
            )
        return [self.probability[key] for key in keys]

    def were_drawn(self, unit_ids: Sequence[str], trace_ids: Sequence[str]) -> list[bool] | None:
        """Whether each unit was drawn; ``None`` where the file does not say."""
        if self.drawn is None:
            return None
        return [key in self.drawn for key in (unit_ids if self.by == "unit_id" else trace_ids)]


def read_inclusion(path: str | Path) -> Inclusion:
    """Read a table (CSV, TSV, XLSX, JSONL, Parquet). Raises `InputError` naming file:line for what is no probability."""
    found: dict[str, float] = {}
    drawn: set[str] | None = None
    by: str | None = None
    for row in read_rows(path):
        if isinstance(row, BadRow):
            raise InputError(f"{path}:{row.line}: {row.why}", "mend the line")
        by = by or ("unit_id" if row.data.get("unit_id") is not None else "trace_id")
        key, value = _key(row, by, path), _probability(row, path)
        if found.setdefault(key, value) != value:
            raise InputError(f"{path}:{row.line}: {by} {key!r} has two probabilities", "keep one")
        if row.data.get("drawn") is not None:
            drawn = drawn if drawn is not None else set()
            drawn |= {key} if str(row.data["drawn"]).strip().lower() in ("1", "true") else set()
    if by is None:
        raise InputError(f"{path}: no rows", f"columns are unit_id (or trace_id) and {COLUMN}")
    return Inclusion(by, found, str(path), None if drawn is None else frozenset(drawn))


def _key(row: Row, by: str, path: str | Path) -> str:
    key = row.data.get(by)
    if key is None or key == "":
        raise InputError(f"{path}:{row.line}: no {by}", f"columns are unit_id (or trace_id) and {COLUMN}")
    return str(key)


def _probability(row: Row, path: str | Path) -> float:
    try:
        number = float(row.data.get(COLUMN))  # type: ignore[arg-type]  # None raises TypeError
    except (TypeError, ValueError):
        number = math.nan
    if not 0 < number <= 1:
        raise InputError(
            f"{path}:{row.line}: {COLUMN} is {row.data.get(COLUMN)!r}",
            "give a number above 0 and at most 1; what could not be drawn does not belong to the population",
        )
    return number


@dataclass(frozen=True)
class InclusionPlan:
    """How people's units were chosen. ``pi``: the probability of each unit, or (units,) of them; ``words``: the plan.

    ``recorded``: by the sampling plan; otherwise it is read off the codings. ``assumed``: what is assumed of it, if anything.
    """

    pi: float | Floats
    words: str
    recorded: bool = False
    assumed: str | None = None


def recorded_plan(
    inclusion: Inclusion, units: Sequence[str], traces: Sequence[str], coded: Flags
) -> InclusionPlan:
    """The plan of a sampling plan; it must know every unit that the machine coded. ``units``, ``traces``: their ids."""
    pi, drawn = np.array(inclusion.of(units, traces)), inclusion.were_drawn(units, traces)
    low, high, expected = float(pi.min()), float(pi.max()), float(pi.sum())
    open_still, assumed = "", None
    missed = int((np.array(drawn) & ~coded).sum()) if drawn is not None else 0
    if drawn is not None and 0 < missed < sum(drawn):
        answered = 1 - missed / sum(drawn)
        pi = pi * answered
        assumed = f"the {missed:,} of {sum(drawn):,} units drawn that nobody coded are like the others"
        open_still = (
            f"; it is assumed that {assumed}, and every probability is multiplied by the share that was coded, "
            f"{answered:.3g}"
        )
    equal = low == high
    spread = f"π = {low:.4g}" if equal else f"π from {low:.4g} to {high:.4g}"
    what = "units" if inclusion.by == "unit_id" else "traces"
    drawn_how = (
        f"the probability with which each of the {what} was drawn is"
        if equal
        else f"the {what} were drawn with unequal probabilities, which are"
    )
    words = (
        f"{int(coded.sum()):,} of {len(coded):,} units were coded, and {drawn_how} "
        f"recorded in {Path(inclusion.source).name} ({spread}, expected {expected:,.0f} units){open_still}"
    )
    return InclusionPlan(pi, words, recorded=True, assumed=assumed)


def plan_of(coded: Flags, trace: Ints) -> InclusionPlan:
    """The simplest plan that fits what was coded."""
    found, place = np.unique(trace, return_inverse=True)
    share = np.bincount(place, coded) / np.bincount(place)
    touched = share > 0
    if coded.all():
        return InclusionPlan(1.0, "people coded every unit")
    if (share[touched] >= WHOLE_TRACE).all():
        inside = float(share[touched] @ np.bincount(place)[touched] / np.bincount(place)[touched].sum())
        pi = float(touched.sum() / len(found)) * inside
        assumed = f"the {int(touched.sum())} of {len(found)} traces that people coded were drawn at random"
        rest = "" if inside == 1 else ", and the units left open in them are like the others"
        words = f"whole traces were coded, and it is assumed that {assumed}{rest} (π = {pi:.4g})"
        return InclusionPlan(pi, words, assumed=assumed + rest)
    pi, chosen = float(coded.mean()), f"{int(coded.sum()):,} of {len(coded):,} units"
    assumed = f"the {chosen} that people coded were drawn at random, each with the same chance"
    return InclusionPlan(pi, f"it is assumed that {assumed} (π = {pi:.4g})", assumed=assumed)
