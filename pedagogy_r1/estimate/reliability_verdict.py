"""What an α shows, by the lower limit of its interval, as Krippendorff asks (2004, *Content Analysis*, p. 241).

    .861 [.812, .899]   reaches .800
    .743 [.684, .801]   reaches .667, not shown to reach .800       tentative conclusions
    .861 [.590, .960]   not shown to reach .800, nor .667           few traces: the interval is wide
    .861, no interval   no verdict without an interval

A point estimate shows nothing by itself: with few traces .86 may be .59. The words hold at the interval's own level.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..formatting import shown
from ..limits import ALPHA_RELIABLE, ALPHA_TENTATIVE
from .estimate import Estimate, few

Standing = Literal["reliable", "tentative", "not shown", "low", "unknown"]


@dataclass(frozen=True)
class Verdict:
    """``standing``: in a word, for a colour; ``words``: what the interval shows, with α as their subject."""

    standing: Standing
    words: str


def verdict(alpha: Estimate) -> Verdict:
    """By the limits of the interval over traces. Without one nothing is shown, and the estimate says why there is none; nor by
    percentiles of few resampled traces, which the estimate calls too narrow."""
    reliable, tentative = shown(ALPHA_RELIABLE), shown(ALPHA_TENTATIVE)
    if alpha.value is None:
        return Verdict("unknown", "undefined")
    if alpha.low is None or alpha.high is None:
        return Verdict("unknown", "no verdict without an interval")
    if few(alpha.clusters, effective=alpha.effective_clusters) in alpha.warnings:
        return Verdict("unknown", "no verdict, as the interval tends to be too narrow")
    if alpha.low >= ALPHA_RELIABLE:
        return Verdict("reliable", f"reaches {reliable}")
    if alpha.low >= ALPHA_TENTATIVE:
        but = "is below" if alpha.high < ALPHA_RELIABLE else "not shown to reach"
        return Verdict("tentative", f"reaches {tentative}, {but} {reliable}")
    if alpha.high < ALPHA_TENTATIVE:
        return Verdict("low", f"below {tentative}")
    short = tentative if alpha.value < ALPHA_RELIABLE else f"{reliable}, nor {tentative}"
    return Verdict("not shown", f"not shown to reach {short}")
