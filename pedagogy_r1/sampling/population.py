"""The population of a sample: every unit that could be drawn, and where a machine saw a rare code in one.

    trace     stratum           units
    aime-3    SK | cop | R1     u3f…, u90…, u77…          seen: u90…
    aime-4    SK | generic | R1 (none: no reasoning)      not in the population, and counted

Only ids are held, so that a population of 300,000 units fits easily; the units of what was drawn are cut again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from ..errors import CodebookError, InputError, RunError, did_you_mean
from ..runs.run import CoderRun
from ..trace import Trace
from ..unit import Unit
from .strata import Stratum, stratum_of


class Member(NamedTuple):
    """A trace of the population and its units' ids, in reading order."""

    trace_id: str
    stratum: Stratum
    unit_ids: tuple[str, ...]


@dataclass(frozen=True)
class Population:
    """``empty``: how many traces have no unit, and so nothing that could be coded."""

    members: tuple[Member, ...]
    empty: int

    @property
    def n_units(self) -> int:
        """How many units there are in all."""
        return sum(len(member.unit_ids) for member in self.members)


def survey(traces: Iterable[Trace], cut: Callable[[Trace], list[Unit]], by: Sequence[str]) -> Population:
    """Cut every trace and keep the ids. Raises `InputError` where there is nothing to code at all."""
    members, empty = [], 0
    for trace in traces:
        ids = tuple(unit.id for unit in cut(trace))
        if ids:
            members.append(Member(trace.id, stratum_of(trace, by), ids))
        else:
            empty += 1
    if not members:
        raise InputError("none of the traces has a unit to code", "check that their reasoning is not empty")
    return Population(tuple(members), empty)


def seen_by(run: str | Path, codes: Sequence[str], population: Population) -> frozenset[str]:
    """Ids of the units to which any coder of ``run`` gave one of ``codes``, as primary or secondary code.

    Raises `CodebookError` for a code the run's codebook has not, `RunError` if run and population share no unit, or the
    codes were given to none of the shared ones.
    """
    opened = CoderRun(run)
    known = opened.codebook.code_ids
    for code in codes:
        if code not in known:
            raise CodebookError(f"{run}: its codebook has no code {code!r}", did_you_mean(code, list(known)))
    wanted, ours = set(codes), {unit for member in population.members for unit in member.unit_ids}
    shared, seen = 0, set()
    for coding in opened.codings():
        if coding.unit_id in ours:
            shared += 1
            if wanted.intersection(coding.codes or ()):
                seen.add(coding.unit_id)
    if not shared:
        raise RunError(
            f"{run} has coded none of the units that could be drawn ({opened.manifest.scheme})",
            f"take its units: --units {run}",
        )
    if not seen:
        raise RunError(
            f"{run} gives {' or '.join(codes)} to none of the units that could be drawn",
            "draw without --enrich, or name another code",
        )
    return frozenset(seen)
