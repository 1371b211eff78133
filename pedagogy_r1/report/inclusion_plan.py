"""With what probability people were given each unit: recorded by the sampling plan, or assumed, and then said.

recorded    π = 0.05 to 0.3, from inclusion.csv
assumed     whole traces were coded: the 6 of 14 traces were drawn at random, π = 0.43
assumed     else: the 120 of 500 units were drawn at random, π = 0.24
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..estimate import Flags, Floats, Ints
from ..limits import WHOLE_TRACE
from .study import Study


@dataclass(frozen=True)
class InclusionPlan:
    """How people's units were chosen. ``pi``: the probability of each unit, or (units,) of them; ``words``: the plan.

    ``recorded``: by the sampling plan; otherwise it is read off the codings. ``assumed``: what is assumed of it, if anything.
    """

    pi: float | Floats
    words: str
    recorded: bool = False
    assumed: str | None = None


def recorded_plan(study: Study, units: Ints, coded: Flags) -> InclusionPlan | None:
    """The plan of `ReportSettings.inclusion`; it must know every unit that the machine coded."""
    inclusion = study.settings.inclusion
    if inclusion is None:
        return None
    data = study.data
    keys = [data.unit_ids[u] for u in units], [data.traces[t] for t in data.cluster[units]]
    pi, drawn = np.array(inclusion.of(*keys)), inclusion.were_drawn(*keys)
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
    spread = f"π = {low:.4g}" if low == high else f"π from {low:.4g} to {high:.4g}"
    what = "units" if inclusion.by == "unit_id" else "traces"
    words = (
        f"{int(coded.sum()):,} of {len(coded):,} units were coded, and the probability with which each of the {what} was "
        f"drawn is recorded in {Path(inclusion.source).name} ({spread}, expected {expected:,.0f} units){open_still}"
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
