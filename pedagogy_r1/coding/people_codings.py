"""What people said of some units, as the second coder of a cascade: ``--then people:RUN``.

    A: IA-SQ   B: IA-SQ              IA-SQ
    A: IA-SQ   B: OA-ME, KA-RO       missing: people disagree (adjudicate, and give the adjudicated run)
    A: –       B: OA-ME              OA-ME
    nobody coded it                  deferred still

What several people come to together: `agreed_codes`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import RunError
from ..provenance import file_digest
from ..runs.cascade_stages import PEOPLE
from ..runs.run import DEFERRED, CoderInfo, CoderRun, Coding, require_codebook, require_complete, same_text
from ..trace import Trace, Unit
from . import Context, Emit, Outcome, Unitizer
from .agreed_codes import agreed_codes

DISAGREE = "people disagree"


class _PeopleSaid(NamedTuple):
    codes: tuple[str, ...] | None
    rationale: str


class PeopleCodings:
    """The codings of the people of a run. Raises `RunError` for a run without people or not complete, `CodebookError` for one under
    another codebook."""

    def __init__(self, context: Context, run: Path) -> None:
        self.context = context
        self.run = CoderRun(run, locked="always")  # codes are passed on, and only of traces that are coded
        require_complete([self.run], None)
        self.names = tuple(c.name for c in self.run.manifest.coders if c.kind == "human")
        if not self.names:
            raise RunError(f"{run}: no coder of the run is a person", "give the run that pcode import wrote")
        require_codebook(self.run, context.book)

    @property
    def coders(self) -> list[CoderInfo]:
        """All of them as one."""
        return [CoderInfo(name=PEOPLE, kind="human")]

    @property
    def parameters(self) -> dict[str, Any]:
        """Which codings, and whose."""
        return {"people": list(self.names), "codings": file_digest(self.run.sound("codings.jsonl"))}

    @cached_property
    def _said(self) -> dict[str, _PeopleSaid]:
        found: dict[str, list[Coding]] = {}
        for coding in self.run.codings():
            if coding.codes is not None and coding.coder in self.names:
                found.setdefault(coding.unit_id, []).append(coding)
        return {unit: _agreed(codings) for unit, codings in found.items()}

    @cached_property
    def _texts(self) -> dict[str, str]:
        return {unit.id: unit.text for unit in self.run.units()}

    def _asked(self, trace: Trace, units: list[Unit]) -> list[Unit]:
        """Raises `InputError` where people read another text."""
        asked = [units[at] for at in self.context.positions(trace, units)]
        for unit in asked:
            same_text(self.run, trace.id, unit.text, self._texts.get(unit.id, unit.text))
        return asked

    def plan(self, traces: Iterable[Trace], unitize: Unitizer) -> dict[str, Any]:
        """Nothing is paid; of the units that are asked for, how many people coded alike, and on how many they differ."""
        counts = Counter[str]()
        for trace in traces:
            units = unitize(trace)
            for unit in self._asked(trace, units):
                said = self._said.get(unit.id)
                counts["open" if said is None else "differ" if said.codes is None else "coded"] += 1
        return {
            "requests": 0,
            "coded_by_people": counts["coded"],
            "people_disagree": counts["differ"],
            "open_still": counts["open"],
        }

    def code(self, traces: Iterable[Trace], unitize: Unitizer, emit: Emit) -> Outcome:
        """What people said of the units that are asked for."""
        said = self._said
        for trace in traces:
            units = unitize(trace)
            emit(trace, units, [self._coding(unit, said) for unit in self._asked(trace, units)])
        return Outcome()

    def _coding(self, unit: Unit, said: dict[str, _PeopleSaid]) -> Coding:
        found = said.get(unit.id)
        known: dict[str, Any] = {
            "coder": PEOPLE,
            "codebook": self.context.book.stamp,
            "run_id": self.context.run_id,
        }
        if found is None:
            return Coding(unit_id=unit.id, codes=None, missing_reason=DEFERRED, **known)
        why = DISAGREE if found.codes is None else None
        return Coding(
            unit_id=unit.id, codes=found.codes, missing_reason=why, rationale=found.rationale, **known
        )


def _agreed(codings: Sequence[Coding]) -> _PeopleSaid:
    who = "; ".join(f"{one.coder}: {', '.join(one.codes or ()) or 'none'}" for one in codings)
    return _PeopleSaid(agreed_codes(codings), who)
