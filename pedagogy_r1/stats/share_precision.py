"""How precise will a code's frequency be? By formula, from the design effect of units that come in traces.

deff = 1 + (m − 1)ρ        m units a trace, ρ their intraclass correlation (Kish 1965)
n*   = n / deff            as many independent units; the interval is Korn–Graubard's on n*, t of G − 1, G = n/m traces

5 %, 25 units a trace, ρ = .1 (deff 3.4)      n = 200: 1.1–13.6 %      n = 1,600: 3.3–7.2 %
"""

from __future__ import annotations

from bisect import bisect_left
from typing import NamedTuple

from ..estimate import clopper_pearson, critical
from ..limits import LEVEL


class SharePrecision(NamedTuple):
    """The interval to be expected with ``n`` units."""

    n: int
    low: float
    high: float

    @property
    def half(self) -> float:
        """Half its width."""
        return (self.high - self.low) / 2


def design_effect(per_trace: float, icc: float) -> float:
    """1 + (m − 1)ρ."""
    return 1 + (per_trace - 1) * icc


def icc_of(deff: float, per_trace: float) -> float:
    """ρ behind a design effect that was seen, within [0, .95].

    >>> icc_of(design_effect(25, 0.1), 25)
    0.1
    """
    return 0.0 if per_trace <= 1 else round(min(0.95, max(0.0, (deff - 1) / (per_trace - 1))), 6)


def share_precision(
    share: float, n: int, *, per_trace: float = 1, icc: float = 0.0, level: float = LEVEL
) -> SharePrecision:
    """The interval around ``share`` from ``n`` units, ``per_trace`` of each trace; at least two traces are counted."""
    t = critical(max(2, round(n / per_trace)), level)
    return SharePrecision(n, *clopper_pearson(share, n / design_effect(per_trace, icc), t, level))


def units_needed(
    share: float,
    half: float,
    *,
    per_trace: float = 1,
    icc: float = 0.0,
    level: float = LEVEL,
    most: int = 1_000_000,
) -> int | None:
    """The least n whose interval is no wider than ± ``half``; None beyond ``most``."""

    def narrow(n: int) -> bool:
        return share_precision(share, n, per_trace=per_trace, icc=icc, level=level).half <= half

    found = bisect_left(range(1, most + 1), True, key=narrow) + 1
    return found if found <= most else None
