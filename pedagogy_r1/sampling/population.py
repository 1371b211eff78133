"""The population of a sample: every unit that could be drawn, and where a machine saw a rare code in one.

    trace     stratum           units
    aime-3    SK | cop | R1     u3f…, u90…, u77…          seen: u90…
    aime-4    SK | generic | R1 (none: no reasoning)      not in the population, and counted

Strata say which traces resemble each other from the outside, so that each kind gets its share of the sample: by
domain, condition and model, or any other fields (``metadata.school``). A trace without a value has the value ``–``: it
belongs to a stratum like any other.

Only ids are held, so that a population of 300,000 units fits easily; the units of what was drawn are cut again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import CodebookError, InputError, RunError, did_you_mean
from ..intake.fields import MISSING, find
from ..runs.run import DEFERRED, CoderRun, require_complete
from ..trace import Trace, Unit

STRATA = ("domain", "condition", "model")
"""The fields that make a stratum, unless told otherwise."""

FIELDS = ("domain", "condition", "model", "item", "lang", "correct", "think", "reference")
NOTHING = "–"

Stratum = tuple[str, ...]


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
        raise InputError(
            "none of the traces has a unit to code",
            "check that their reasoning is not empty, and that a run of units (--units, --deferred) is of these traces",
        )
    return Population(tuple(members), empty)


def seen_by(run: str | Path, codes: Sequence[str], population: Population) -> frozenset[str]:
    """Ids of the units to which any coder of ``run`` gave one of ``codes``, as primary or secondary code.

    Raises `CodebookError` for a code the run's codebook has not, `RunError` if run and population share no unit, or the
    codes were given to none of the shared ones.
    """
    coded = CoderRun(run, locked="always")
    require_complete([coded], None)
    known = coded.codebook.code_ids
    for code in codes:
        if code not in known:
            raise CodebookError(f"{run}: its codebook has no code {code!r}", did_you_mean(code, list(known)))
    wanted, ours = set(codes), {unit for member in population.members for unit in member.unit_ids}
    shared, seen = 0, set()
    for coding in coded.codings():
        if coding.unit_id in ours:
            shared += 1
            if wanted.intersection(coding.codes or ()):
                seen.add(coding.unit_id)
    if not shared:
        raise RunError(
            f"{run} has coded none of the units that could be drawn ({coded.manifest.scheme})",
            f"take its units: --units {run}",
        )
    if not seen:
        raise RunError(
            f"{run} gives {' or '.join(codes)} to none of the units that could be drawn",
            "draw without --enrich, or name another code",
        )
    return frozenset(seen)


def deferred_by(run: str | Path, population: Population) -> frozenset[str]:
    """Ids of the units that a coder of ``run`` left open. Raises `RunError` if there are none, or where their trace is not here."""
    coded = CoderRun(run, locked="always")
    require_complete([coded], None)
    found = {coding.unit_id for coding in coded.codings() if coding.missing_reason == DEFERRED}
    if not found:
        raise RunError(
            f"{run}: no unit was deferred",
            "a learned coder defers units with: pcode annotate --coder learned:FOLDER --error .10",
        )
    ours = {unit for member in population.members for unit in member.unit_ids}
    if lost := len(found - ours):
        raise RunError(
            f"{run} deferred {lost:,} units of traces that are not in this file",
            "give the traces that it coded",
        )
    return frozenset(found)


def only_units(population: Population, wanted: frozenset[str]) -> Population:
    """The population of these units alone."""
    members = (m._replace(unit_ids=tuple(u for u in m.unit_ids if u in wanted)) for m in population.members)
    return Population(tuple(m for m in members if m.unit_ids), population.empty)


def stratum_of(trace: Trace, by: Sequence[str]) -> Stratum:
    """The trace's value of each field of ``by``, as text."""
    return tuple(_text(_value(trace, name)) for name in by)


def stratum_name(stratum: Stratum) -> str:
    """How a stratum is written.

    >>> stratum_name(("SK", "cop"))
    'SK | cop'
    """
    return " | ".join(stratum) or "all"


def check_fields(by: Sequence[str], traces: Iterable[Trace]) -> None:
    """Raise `InputError` for a field that no trace has and that is none of `FIELDS`."""
    unknown = [name for name in by if name not in FIELDS]
    if not unknown:
        return
    known: dict[str, None] = dict.fromkeys(FIELDS)
    for trace in traces:
        unknown = [name for name in unknown if _value(trace, name) is None]
        if not unknown:
            return
        known |= dict.fromkeys(f"metadata.{key}" for key in list(trace.metadata)[:50])
    raise InputError(f"--strata: no trace has a field {unknown[0]!r}", did_you_mean(unknown[0], list(known)))


def _value(trace: Trace, name: str) -> Any:
    """``metadata.a.b``, or ``a.b`` where it is no field of a trace, is looked up in the metadata."""
    if name in FIELDS:
        return getattr(trace, name)
    value, _ = find(trace.metadata, name.removeprefix("metadata."))
    return None if value is MISSING else value


def _text(value: Any) -> str:
    if value is None or value == "":
        return NOTHING
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
