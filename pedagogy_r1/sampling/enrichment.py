"""Enrichment: more of what a machine took for a rare code, and by how much its probability rises.

    --enrich OA-ME --run runs/cues               what the run took for OA-ME is five times as likely to be drawn
    --enrich OA-ME --run … --enrich-factor 10    ten times
    --enrich OA-ME --run … --enrich-share .5     as likely as makes it half of the sample (expected)

What the machine did not see keeps a probability above 0: it may have overlooked some, and only people can tell.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from ..errors import InputError

FACTOR = 5.0
MOST = 1000.0


class Enrichment(NamedTuple):
    """``codes`` as ``run`` gave them; ``share``, if given, takes the place of ``factor``."""

    codes: tuple[str, ...]
    run: str | Path
    factor: float = FACTOR
    share: float | None = None

    def check(self) -> None:
        """Raise `InputError` for a factor or share that cannot be."""
        if not 1 <= self.factor <= MOST:
            raise InputError(
                f"--enrich-factor {self.factor:g} is not between 1 and {MOST:g}",
                "5 draws five times as many; 1 is no enrichment",
            )
        if self.share is not None and not 0 < self.share < 1:
            raise InputError(
                f"--enrich-share {self.share:g} is not between 0 and 1",
                "with .5 half of the sample is what the machine took for the code; the other half keeps it honest",
            )

    def weights(self, seen: Sequence[bool], n: int) -> list[float]:
        """Relative probabilities of the elements, of which ``n`` are to be drawn."""
        if self.share is None:
            return [self.factor if hit else 1.0 for hit in seen]
        hits = sum(seen)
        if hits == len(seen):
            return [1.0] * len(seen)
        there, elsewhere = self.share * n / hits, (1 - self.share) * n / (len(seen) - hits)
        return [there if hit else elsewhere for hit in seen]
