"""Spans laid over units: each unit takes the codes of the span that covers most of it.

    spans   |------ TR-SP ------||---- KA-RO ----|
    units   |---- 1 ----||------ 2 ------||- 3 -|      1: TR-SP, overlap 1.0   2: TR-SP, .56   3: KA-RO, 1.0

On a tie the earlier span wins. What is lost that way (spans that own no unit) is counted, and each coding keeps the
share of its unit that the span covers.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple

from ..unit import Unit
from .parse_cells import Judgement

NO_SPAN = "no span overlaps"
"""Why a unit of a coded trace is missing after projection."""


class Projection(NamedTuple):
    """For each unit its judgement (``None``: no span overlaps it), and how many spans own no unit."""

    owners: list[Judgement | None]
    landless: int


def project(units: Sequence[Unit], judgements: Sequence[Judgement]) -> Projection:
    """Lay one coder's spans on a trace's units; ``overlap`` is the share of the unit's characters covered."""
    spans = sorted(judgements, key=lambda span: (span.start, span.end))
    starts = [span.start for span in spans]
    furthest = list(accumulate((span.end for span in spans), max))
    owners: list[Judgement | None] = []
    owning: set[tuple[int, int]] = set()
    for unit in units:
        best, covered = None, 0
        # Backwards from the last span that begins before the unit's end, as long as any earlier one can reach it.
        at = bisect_left(starts, unit.end) - 1
        while at >= 0 and furthest[at] > unit.start:
            span = spans[at]
            overlap = min(unit.end, span.end) - max(unit.start, span.start)
            if overlap > 0 and overlap >= covered:
                best, covered = span, overlap
            at -= 1
        if best is None:
            owners.append(None)
            continue
        owning.add((best.start, best.end))
        owners.append(best._replace(overlap=round(covered / (unit.end - unit.start), 6)))
    return Projection(owners, len({(span.start, span.end) for span in spans} - owning))
