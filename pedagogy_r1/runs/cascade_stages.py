"""Which coder of a cascade gave which code, unit by unit: for whoever takes a cascade apart.

stages_of([CoderRun("runs/whole")])     {"cascade": {"u3f…": "learned", "u90…": "people"}}
"""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import RunError
from ..formatting import counted
from .run import CoderRun
from .run_columns import coder_names

PEOPLE = "people"
"""The stage of units that people coded: a cascade that people completed holds their own codes there."""


def stages_of(runs: Sequence[CoderRun]) -> dict[str, dict[str, str]]:
    """By cascade, as it is called beside the coders of the other runs, and by unit id: who coded it, or was asked last."""
    if not any(run.manifest.stages for run in runs):
        return {}
    found: dict[str, dict[str, str]] = {}
    for run, names in zip(runs, coder_names(runs), strict=True):
        if run.manifest.stages:
            for one in run.codings():
                if one.stage is not None:
                    found.setdefault(names[one.coder], {})[one.unit_id] = one.stage
    return found


def refuse_own_codes(runs: Sequence[CoderRun]) -> None:
    """Raise `RunError` for a cascade that people completed: taken for a machine's votes, people's codes would agree with themselves."""
    for run in runs:
        if n := run.manifest.stages.get(PEOPLE):
            raise RunError(
                f"{run.folder}: {counted(n, 'code')} of its cascade are people's own, and a panel is of machine coders",
                "give the run that people did not complete",
            )
