"""An estimate: a number with its interval, or why there is none. α, κ, shares, differences, scores: all are this.

    noise share   .412  [.371, .455]   95 % percentile cluster bootstrap over traces, 1000 resamples; 48 traces, 31.2 effective
    α             undefined: everybody gave IA-SQ to every unit

In JSON and CSV the fields have the same names everywhere: ``value``, ``low``, ``high``, ``level``, ``method``, …
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, Self

from ..limits import FEW_CLUSTERS, LEVEL


@dataclass(frozen=True)
class Estimate:
    """A number, its interval, and how the interval was made.

    ``value`` is ``None`` where it is undefined, and then ``why_undefined`` says why. ``low`` and ``high`` are ``None`` where
    no interval can be given (``warnings`` say why); an infinite limit is ``math.inf``. ``n``: observations (units, values,
    answers) in ``clusters`` (traces, items, students) that vary independently; ``effective_clusters``: (Σm)²/Σm², how many
    clusters of equal size m carry as much. ``undefined_share``: of the resamples, left out of the interval.
    ``design_effect``: variance over that of as many independent units.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    level: float = LEVEL
    method: str = "none"
    n: int = 0
    clusters: int = 0
    effective_clusters: float | None = None
    why_undefined: str | None = None
    warnings: tuple[str, ...] = ()
    seed: int | None = None
    undefined_share: float = 0.0
    design_effect: float | None = None

    @classmethod
    def undefined(cls, why: str, **known: Any) -> Self:
        """No value, and the reason; ``known``: other fields."""
        return cls(None, why_undefined=why, **known)

    @property
    def interval(self) -> tuple[float, float] | None:
        """Both limits, or ``None`` where there is no interval."""
        return None if self.low is None or self.high is None else (self.low, self.high)

    @property
    def half(self) -> float | None:
        """Half the interval's width."""
        return None if self.interval is None else (self.interval[1] - self.interval[0]) / 2

    def as_json(self) -> dict[str, Any]:
        """JSON object; an infinite limit becomes the string ``"inf"`` or ``"-inf"``, which JSON has no number for."""
        return {
            key: str(value) if isinstance(value, float) and math.isinf(value) else value
            for key, value in asdict(self).items()
        } | {"warnings": list(self.warnings)}


def few(clusters: int, over: str = "traces", effective: float | None = None) -> str | None:
    """A warning where the clusters, or the ``effective`` ones, are few for a percentile of resamples; ``over``: what they are."""
    real = clusters if effective is None else min(float(clusters), effective)
    if real >= FEW_CLUSTERS:
        return None
    count = f"{clusters} {over}" if real > 0.9 * clusters else f"{clusters} {over} ({real:.1f} effective)"
    return f"{count} only: with fewer than {FEW_CLUSTERS} the interval tends to be too narrow"


def joined(*warnings: str | None) -> tuple[str, ...]:
    """The warnings that there are, each once, in order."""
    return tuple(dict.fromkeys(warning for warning in warnings if warning))
