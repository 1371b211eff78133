"""Noise: the share of a trace's tokens that carry nothing forward, as coded.

    strict           UT            restated item, repetition, generic remark
    non-reflective   UT and KA     the same, and routine domain work

The paper reports "about 65 %" and does not say under which reading; both are given. A unit counts by its primary
code. What is missing is no noise: tokens of units without a coding, and tokens in no unit, are counted apart and the
shares are over coded tokens.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ..codebook import Codebook
from ..errors import CodebookError, did_you_mean
from .estimate import Estimate, Resampling, bootstrap, quotient, undefined

PAPER = "about 65 %"
"""Lee et al. 2025, arXiv 2505.18467: "noise or filler", of reasoning tokens in 42 traces."""

Codes = tuple[str, ...] | None
"""Primary code first; ``()`` none applies; ``None`` missing."""


@dataclass(frozen=True)
class NoiseFamilies:
    """Which codes are noise, by the codebook's families. ``why_*``: why a reading cannot be had."""

    codebook: str
    family: Mapping[str, str]
    strict: frozenset[str]
    routine: frozenset[str]
    why_no_strict: str | None = None
    why_no_routine: str | None = None

    def reading(self, codes: Codes) -> tuple[bool, bool]:
        """Whether a unit is noise under the strict and under the non-reflective reading."""
        if not codes:
            return False, False
        if codes[0] not in self.family:
            raise CodebookError(
                f"{self.codebook} has no code {codes[0]!r}", did_you_mean(codes[0], list(self.family))
            )
        family = self.family[codes[0]]
        return family in self.strict, family in self.strict or family in self.routine


def noise_families(
    book: Codebook, strict: Sequence[str] = ("UT",), routine: Sequence[str] = ("KA",)
) -> NoiseFamilies:
    """The noise of a codebook: ``strict`` families, and the ``routine`` ones that the wider reading adds."""
    known = [family.id for family in book.families]

    def lacking(names: Sequence[str]) -> str | None:
        absent = [name for name in names if name not in known]
        if not absent:
            return None
        return f"{book.ref} has no family {', '.join(absent)}; it has {', '.join(known)}"

    return NoiseFamilies(
        book.ref,
        {code.id: code.family for code in book.codes},
        frozenset(strict),
        frozenset(routine),
        lacking(strict),
        lacking(routine),
    )


@dataclass(frozen=True)
class NoiseTokens:
    """One coder's tokens in one trace. ``tokens`` = all of its reasoning; ``coded`` + ``missing`` lie in units."""

    trace_id: str
    tokens: int
    coded: int
    missing: int
    outside: int
    strict: int
    nonreflective: int


def noise_tokens(
    trace_id: str,
    unit_tokens: Sequence[int],
    codes: Sequence[Codes],
    families: NoiseFamilies,
    *,
    tokens: int,
    outside: int = 0,
) -> NoiseTokens:
    """Add up a trace's units: (units,) tokens and (units,) codes of one coder."""
    coded = missing = strict = nonreflective = 0
    for count, given in zip(unit_tokens, codes, strict=True):
        if given is None:
            missing += count
            continue
        is_strict, is_wider = families.reading(given)
        coded += count
        strict += count * is_strict
        nonreflective += count * is_wider
    return NoiseTokens(trace_id, tokens, coded, missing, outside, strict, nonreflective)


@dataclass(frozen=True)
class NoiseShare:
    """Noise of several traces, under both readings: pooled over tokens, and the mean of the traces' own shares."""

    strict: Estimate
    nonreflective: Estimate
    strict_mean: Estimate
    nonreflective_mean: Estimate
    traces: int
    tokens: int
    coded: int
    missing: int
    outside: int

    def as_json(self) -> dict[str, Any]:
        """Plain values, for ``--json``."""
        return asdict(self)


def noise_share(
    rows: Sequence[NoiseTokens],
    families: NoiseFamilies,
    how: Resampling,
    *,
    clusters: Sequence[Hashable] | None = None,
    over: str = "traces",
) -> NoiseShare:
    """Shares with intervals over clusters (default: traces).

        pooled  Σ_t noise_t / Σ_t coded_t        mean  (1/T) Σ_t noise_t / coded_t

    A trace of which nothing is coded enters the counts, not the shares.
    """
    names = list(clusters) if clusters is not None else [row.trace_id for row in rows]
    kept = [(row, name) for row, name in zip(rows, names, strict=True) if row.coded]
    groups = [name for _, name in kept]

    def estimates(counts: list[int], why: str | None) -> tuple[Estimate, Estimate]:
        if why is not None:
            return undefined(why, len(kept), how.seed), undefined(why, len(kept), how.seed)
        coded = [row.coded for row, _ in kept]
        own = [count / whole for count, whole in zip(counts, coded, strict=True)]
        empty = "no token is coded"
        return (
            bootstrap([counts, coded], groups, quotient, how, over=over, why=empty, unit_range=True),
            bootstrap([own, [1.0] * len(own)], groups, quotient, how, over=over, why=empty, unit_range=True),
        )

    strict = estimates([row.strict for row, _ in kept], families.why_no_strict)
    wider = estimates(
        [row.nonreflective for row, _ in kept], families.why_no_strict or families.why_no_routine
    )
    return NoiseShare(
        strict[0],
        wider[0],
        strict[1],
        wider[1],
        traces=len(rows),
        tokens=sum(row.tokens for row in rows),
        coded=sum(row.coded for row in rows),
        missing=sum(row.missing for row in rows),
        outside=sum(row.outside for row in rows),
    )
