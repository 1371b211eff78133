"""Noise of a corpus: `noise_share`, from the tokens of each pattern of answers in each trace (`Tally`).

Tokens are those that the units carry; what lies in no unit is in no tally, so that all tokens are those of units, coded or not.
"""

from __future__ import annotations

import numpy as np

from ..estimate import Clusters, Ints, Resampling
from ..runs.tally import Tally
from .noise import NoiseFamilies, NoiseShare, noise_of_sums


def corpus_noise(
    tally: Tally,
    coder: str,
    families: NoiseFamilies,
    how: Resampling = Resampling(),
    *,
    clusters: Ints | None = None,
    over: str = "traces",
) -> NoiseShare:
    """One coder's, over the traces where anything is known of the coder. ``clusters``: (traces,) numbers, of items say; else every
    trace is one."""
    row = [each.name for each in tally.coders].index(coder)
    primary = tally.primary[row]
    readings = [families.reading((c,)) if c in families.family else (False, False) for c in tally.categories]
    noise = np.array([*readings, (False, False)], dtype=np.float64)[primary]
    coded, missing = primary >= 0, tally.reason[row] >= 0
    columns = np.column_stack([noise, coded, missing, coded | missing, np.zeros(len(primary))])
    said = tally.units[coded | missing].trace_sizes > 0
    table = tally.tokens.sums(columns.astype(np.float64))
    numbers = np.arange(len(said)) if clusters is None else clusters
    found, number = np.unique(numbers[said & (table[:, 2] > 0)], return_inverse=True)
    return noise_of_sums(table[said], Clusters(number, len(found)), families, how, over)
