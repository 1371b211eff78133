"""Noise of a corpus, from the tokens of each pattern of answers in each trace (`Tally`): `noise_share`, and what `measure_coder` finds.

Tokens are those that the units carry, spaCy's. What lies in no unit is in no tally: it is known where the traces themselves were
measured (`tallied_noise`), and else all tokens are those of units, coded or not (`corpus_noise`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ..errors import InputError
from ..estimate import Clusters, Flags, Floats, Ints, Resampling
from ..runs.tally import Tally
from .measured import Measured
from .noise import NoiseFamilies, NoiseShare, NoiseTokens, noise_families, noise_of_sums
from .tokens_report import CoderNoise


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
    sums, said = _sums(tally, coder, families)
    strict, wider, coded, missing, _ = sums.T
    table = np.column_stack([strict, wider, coded, missing, coded + missing, np.zeros(len(said))])
    numbers = np.arange(len(said)) if clusters is None else clusters
    found, number = np.unique(numbers[said & (coded > 0)], return_inverse=True)
    return noise_of_sums(table[said], Clusters(number, len(found)), families, how, over)


def _sums(tally: Tally, coder: str, families: NoiseFamilies) -> tuple[Floats, Flags]:
    """(traces, 5) tokens that are noise, strict and wider, that are coded, that lack a coding for a known reason, and of all units;
    and (traces,) whether anything is known of the coder."""
    row = tally.row(coder)
    primary = tally.primary[row]
    readings = [families.reading((c,)) if c in families.family else (False, False) for c in tally.categories]
    noise = np.array([*readings, (False, False)], dtype=np.float64)[primary]
    coded, missing = primary >= 0, tally.reason[row] >= 0
    columns = np.column_stack([noise, coded, missing, np.ones(len(primary))])
    return tally.tokens.sums(columns.astype(np.float64)), tally.units[coded | missing].trace_sizes > 0


def tallied_noise(
    tally: Tally,
    coder: str,
    label: str,
    measured: Mapping[str, Measured],
    *,
    strict: Sequence[str] = ("UT",),
    routine: Sequence[str] = ("KA",),
) -> CoderNoise:
    """`measure_coder` from the tally of one run over the corpus whose traces were measured, by spaCy's tokens; without units.

    ``label``: what the coder is called. Raises `InputError` for a trace that was not measured, or has fewer tokens than its units.
    """
    families = noise_families(tally.book, strict, routine)
    sums, _ = _sums(tally, coder, families)
    rows = []
    for name, (noise, wider, coded, _, every) in zip(
        tally.traces["id"].to_pylist(), sums.astype(np.int64).tolist(), strict=True
    ):
        trace = measured.get(name)
        if trace is None or trace.reasoning < every:
            what = "is not" if trace is None else f"has {trace.reasoning} tokens, and {every} in its units,"
            raise InputError(
                f"trace {name}, coded by {coder}, {what} in the corpus",
                "give the corpus that was coded, and the version of spaCy that it was coded with",
            )
        rows.append(
            NoiseTokens(name, trace.reasoning, coded, every - coded, trace.reasoning - every, noise, wider)
        )
    return CoderNoise(label, tally.book.stamp, families, tuple(rows), None)
