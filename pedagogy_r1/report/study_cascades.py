"""Cascades and deferred units in a study: what may be said of shares where a machine chose who codes which unit.

Units that a machine left open are no random part of all. A cascade that people completed holds their own codes there: those need no
correction, and say nothing of how often the machine errs elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..coding.people_codings import DISAGREE
from ..estimate import Flags, Ints
from ..formatting import counted
from ..runs.cascade_stages import PEOPLE
from ..runs.run import DEFERRED
from .study import Study

DRAW = "draw from all with pcode sample --deferred RUN --others .05, and give PACKET/key/sample.csv with --inclusion"


def why_not_corrected(study: Study, machine: str, units: Ints, coded: Flags) -> str | None:
    """Why people's codes cannot correct a machine's shares; ``None`` where they may. ``units``: numbers of those that the machine
    coded; ``coded``: (units,) whether people coded them."""
    missing = study.data.missing[study.data.names.index(machine)]
    if n := missing[DEFERRED]:
        return (
            f"{machine} left {counted(n, 'unit')} open, which are no random part of all: a share corrected on the others would not be one of "
            "all units; have them coded with pcode annotate --then"
        )
    if n := missing[DISAGREE]:
        return (
            f"people disagree on {counted(n, 'unit')} that {machine} left to them, which are no random part of all; adjudicate them, and give "
            "the adjudicated run to --then people:RUN"
        )
    of = study.stages.get(machine)
    if of is None or coded.all():
        return None
    ids = [study.data.unit_ids[unit] for unit in units]
    stage = np.array([of.get(unit) or "" for unit in ids])
    if study.settings.inclusion is None:
        return _unrecorded(machine, stage, coded)
    traces = [study.data.traces[study.data.cluster[unit]] for unit in units]
    pi = np.array(study.settings.inclusion.of(ids, traces))
    if n := int(((stage == PEOPLE) & (pi < 1)).sum()):
        return (
            f"{counted(n, 'unit')} of {machine} have people's own codes because they were drawn, with a probability below 1: what a correction "
            "is made of must not depend on the draw; correct the run that people did not complete"
        )
    return None


def _unrecorded(machine: str, stage: np.ndarray, coded: Flags) -> str | None:
    """Without a record of the draw: a stage that people saw nothing of, or that is their own, is no random choice of theirs."""
    if n := int((stage == PEOPLE).sum()):
        return (
            f"{counted(n, 'code')} of {machine} are people's own, of units that it left open, and nothing records how the other units that "
            f"people coded were chosen; {DRAW}"
        )
    for name in dict.fromkeys(stage.tolist()):
        if not coded[stage == name].any():
            return (
                f"people coded none of the {counted(int((stage == name).sum()), 'unit')} that {name} coded in {machine}, so that nothing says how often it errs "
                f"there; {DRAW}"
            )
    return None


def cascade_cautions(study: Study) -> Iterator[str]:
    """Of every machine that left units open, and of every cascade, what its shares are."""
    for name, reasons in zip(study.data.names, study.data.missing, strict=True):
        if n := reasons[DEFERRED]:
            yield (
                f"{counted(n, 'unit')} that {name} left open are in none of its shares, and they are no random part of all: its shares are "
                "those of the units that it coded."
            )
    for name, of in study.stages.items():
        if name in study.data.names and PEOPLE in of.values():
            own = sum(stage == PEOPLE for stage in of.values())
            yield (
                f"{counted(own, 'code')} of {name} are people's; the others are a machine's, taken at face value, and its errors are in the shares."
            )
