"""Units of which humans coded some, with the probability that each had of being coded: what `dsl` and `ppi` correct the machine by.

    unit     machine f   human y   π      trace
    t1:0     1           1         1/2    t1        coded: R = 1, weight 1/π = 2
    t1:1     0           NaN       1/10   t1        not coded: R = 0, but it could have been

π comes from the sampling plan, never from the data: all that the corrections promise rests on it (Egami et al. 2023,
assumption 1: π known and above zero for every unit). A unit that could not have been coded (π = 0) is therefore refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from ..estimate import Clusters, Flags, Floats, Ints, effective, joined
from ..formatting import counted, shown
from ..limits import EXTREME_WEIGHT, FEW_CODED, FEW_CODED_TRACES, FEW_WITH_CODE


@dataclass(frozen=True)
class Sampled:
    """``y``: (n,) human code as 0/1, 0 where not coded (see ``coded``); ``f``: (n,) machine code in [0, 1];
    ``pi``: (n,) inclusion probability; ``cluster``: (n,) trace of each unit as 0…G−1."""

    y: Floats
    f: Floats
    pi: Floats
    cluster: Ints
    coded: Flags

    @property
    def n(self) -> int:
        return len(self.y)

    @cached_property
    def weight(self) -> Floats:
        """R/π, (n,): how many units each human-coded unit stands for; 0 where not coded."""
        return np.where(self.coded, 1.0 / self.pi, 0.0)

    @cached_property
    def normalized(self) -> Floats:
        """n w/Σw, (n,)."""
        scale: float = self.n / self.weight.sum()
        return self.weight * scale

    @cached_property
    def n_clusters(self) -> int:
        return int(self.cluster.max()) + 1

    @cached_property
    def clusters(self) -> Clusters:
        return Clusters(self.cluster, self.n_clusters)

    @cached_property
    def coded_clusters(self) -> Ints:
        """The clusters that hold at least one human-coded unit."""
        return np.unique(self.cluster[self.coded])

    @cached_property
    def sizes(self) -> Floats:
        """(g,) Σw of each cluster that holds human codes: how many units each stands for."""
        total = self.clusters.sums(self.weight[:, None])[:, 0]
        return total[total > 0]

    @cached_property
    def dissent(self) -> Floats | None:
        """(g,) of ``sizes`` what has the code, or lacks it where that is the rarer; None where all codes are the same."""
        with_code = self.clusters.sums((self.weight * self.y)[:, None])[:, 0][self.coded_clusters]
        rarer = with_code if 2 * with_code.sum() <= self.sizes.sum() else self.sizes - with_code
        return rarer if self.constant is None else None

    @cached_property
    def constant(self) -> float | None:
        """The value of every human code where all are the same, else None."""
        seen = np.unique(self.y[self.coded])
        return float(seen[0]) if len(seen) == 1 else None

    def warnings(self) -> tuple[str, ...]:
        """What a reader should know before trusting any estimate, in plain words."""
        n_coded, traces = int(self.coded.sum()), len(self.sizes)
        real = effective(self.sizes)
        yes = int((self.y[self.coded] > 0).sum())
        rare = min(yes, n_coded - yes)
        heaviest = self.weight.max() / self.weight.sum()
        found = {
            f"only {n_coded} units are human-coded": n_coded < FEW_CODED,
            f"human codes come from {counted(traces, 'item or trace', 'items or traces')} that count for {real:.1f}": real
            < FEW_CODED_TRACES,
            _rare_words(rare, lacks=yes > rare): rare < FEW_WITH_CODE,
            f"one human-coded unit carries {shown(heaviest, 'percent')} of all weight; estimates hang on it": heaviest
            > EXTREME_WEIGHT,
        }
        return joined(*(warning for warning, holds in found.items() if holds), self._plan_warning())

    def _plan_warning(self) -> str | None:
        # The largest variance the plan can have: every trace coded whole or not at all.
        size = np.bincount(self.cluster)
        mean_pi = np.bincount(self.cluster, self.pi) / size
        spread = float(np.sqrt((size**2 * mean_pi * (1 - mean_pi)).sum()))
        expected, n_coded = float(self.pi.sum()), int(self.coded.sum())
        if abs(n_coded - expected) <= max(4 * spread, 1.0):
            return None
        return (
            f"the inclusion probabilities promise {expected:.0f} human-coded units and {n_coded} are here: "
            "human codes were lost or the probabilities are not those of the plan; corrected estimates may be biased"
        )


def sampled(y: Any, f: Any, pi: Any, cluster: Any = None) -> Sampled:
    """Check and align: ``y`` (n,) 0/1 or NaN where not human-coded, ``f`` (n,) in [0, 1], ``pi`` (n,) or one
    number, ``cluster`` (n,) any labels (each unit its own cluster when absent).

    Raises ``ValueError`` for other shapes or values, missing machine codes, π outside (0, 1], π = 1 without a human code, no human code at all.
    """
    human, machine = np.asarray(y, float), np.asarray(f, float)
    n = len(human)
    chance = np.full(n, float(pi)) if np.ndim(pi) == 0 else np.asarray(pi, float)
    groups = np.arange(n) if cluster is None else np.asarray(cluster)
    if not (human.shape == machine.shape == chance.shape == groups.shape == (n,)) or n < 2:
        shapes = f"y {human.shape}, f {machine.shape}, pi {chance.shape}, cluster {groups.shape}"
        raise ValueError(f"corrected estimates need arrays of one length, at least 2: {shapes}")
    coded = ~np.isnan(human)
    if not np.isin(human[coded], (0.0, 1.0)).all():
        raise ValueError("human codes must be 0, 1 or NaN (not coded): make one 0/1 column per code")
    if bad := int((~((machine >= 0) & (machine <= 1))).sum()):
        raise ValueError(
            f"{bad} machine codes are missing or outside [0, 1]; the machine must have coded every unit: annotate the "
            "missing units, or drop them and say so"
        )
    if bad := int((~((chance > 0) & (chance <= 1))).sum()):
        raise ValueError(
            f"{bad} units have an inclusion probability outside (0, 1]; a unit that could not have been human-coded is "
            "outside what can be estimated: leave it out and say so"
        )
    if not coded.any():
        raise ValueError("no unit is human-coded; without human codes nothing can be corrected")
    if bad := int((~coded & (chance >= 1)).sum()):
        raise ValueError(
            f"{bad} units have probability 1 of being human-coded and no human code: either the codes were lost or the "
            "probabilities are not those of the plan"
        )
    codes = groups if _numbered(groups) else np.unique(groups, return_inverse=True)[1]
    return Sampled(np.where(coded, human, 0.0), machine, chance, codes.astype(np.int64), coded)


def _numbered(groups: npt.NDArray[Any]) -> bool:
    """Whether clusters have numbers from 0 on already, none left out: then they need no sorting."""
    if groups.dtype.kind not in "iu" or groups.min() < 0 or groups.max() >= len(groups):
        return False
    return bool(np.bincount(groups).all())


def _rare_words(rare: int, *, lacks: bool) -> str:
    """How few of the human-coded units have the code, or lack it where those are fewer."""
    verb = ("has", "have") if not lacks else ("lacks", "lack")
    return (
        f"only {counted(rare, 'human-coded unit')} {verb[rare > 1]} the code"
        if rare
        else f"no human-coded unit {verb[0]} the code"
    )
