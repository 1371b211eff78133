"""α on the locked part and on the rest: what development could not see, beside what it could.

On the locked part (traces.locked.json), looked at once, on 2026-11-29, α of A – cues is .47 [.38, .56] (301 units of 12 traces); on the
rest .55 [.47, .62] (688 units of 28 traces).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ..estimate import Estimate, Resampling
from ..formatting import counted, interval, shown
from ..runs.locked_part import Lock
from ..runs.run import CoderRun
from .alpha import Alpha, krippendorff_alphas
from .comparison import Kind, ReliabilityData, groups


@dataclass(frozen=True)
class LockedAlpha:
    """α of ``coders`` on the traces of a lock that were looked at, and on the rest. ``looks``: when they were counted."""

    lock: str
    looks: tuple[str, ...]
    looked: str
    coders: tuple[str, ...]
    kind: Kind
    locked: Alpha
    rest: Alpha

    def sentence(self) -> str:
        """Both, with their intervals, or why there are none."""
        joint = ";" if len(self.looks) > 1 else ","
        return (
            f"On the locked part ({self.lock}), {self.looked}{joint} α of {' – '.join(self.coders)} is {_words(self.locked)}; "
            f"on the rest {_words(self.rest)}."
        )

    def as_json(self) -> dict[str, Any]:
        """JSON object."""
        return asdict(self) | {"locked": self.locked.as_json(), "rest": self.rest.as_json()}


def _words(alpha: Estimate) -> str:
    if alpha.value is None:
        return f"undefined ({alpha.why_undefined})"
    of = f"{counted(alpha.n, 'unit')} of {counted(alpha.clusters, 'trace')}"
    if alpha.interval is None:
        return f"{shown(alpha.value)} ({of}; {'; '.join(alpha.warnings)})"
    return f"{shown(alpha.value)} {interval(alpha.low, alpha.high)} ({of})"


def locked_alphas(
    data: ReliabilityData, runs: Sequence[CoderRun], how: Resampling = Resampling()
) -> tuple[LockedAlpha, ...]:
    """Of each lock of the ``runs``, whose ``data`` hold some of its traces: people with each other, and with every machine."""
    found: list[LockedAlpha] = []
    for lock in _locks(runs):
        ids = {trace.id for run in runs for trace in run.traces() if lock.holds(trace)}
        inside = np.array([trace in ids for trace in data.traces], dtype=bool)
        if not inside.any():
            continue
        sides = data.only(inside[data.cluster]), data.only(~inside[data.cluster])
        for names, kind in groups(data):
            if kind in ("human-human", "human-machine"):
                alphas = krippendorff_alphas([side.of(names).on_scale() for side in sides], how)
                found.append(_of(lock, names, kind, alphas))
    return tuple(found)


def _of(lock: Lock, names: tuple[str, ...], kind: Kind, alphas: Sequence[Alpha]) -> LockedAlpha:
    dates = tuple(look.when[:10] for look in lock.counted)
    return LockedAlpha(lock.path.name, dates, lock.looked(), names, kind, *alphas)


def _locks(runs: Sequence[CoderRun]) -> list[Lock]:
    return list({lock.part.lock_id: lock for run in runs for lock in run.locks if lock.counted}.values())
