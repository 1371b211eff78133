"""One test for a whole family of codes: swap the two conditions within items, and keep the largest statistic.

    item      cop − generic          swapped         −         +         +         −        …  10,000 times
    aime-3      +0.04                aime-3        −0.04     +0.04     +0.04     −0.04
    aime-7      +0.01                aime-7        −0.01     −0.01     +0.01     +0.01

If the condition changes nothing, an item's two sets of traces could have been the other way round: its difference keeps
its size and changes its sign at random. Items found under one condition only have no partner; the labels of these items
are permuted among themselves. The statistic of a code is its log odds ratio over a standard error in which each side has its own
share and spread,

    T = |logit p_a − logit p_b| / √max(Σ_g l_g², Σ 1/n),   l_g = (y_ga − p_a m_ga)/(M_a p_a q_a) − (y_gb − p_b m_gb)/(M_b p_b q_b),

computed anew for every swap (m: units; M_a = Σ m_ga; p_a: share with ½ added to both counts; q = 1 − p; Σ 1/n: over the four
counts, as if units were independent), so that unequal numbers of units, and none of a code on a short side, do no harm
(Janssen 1997). Family p: step-down max-T (Westfall & Young 1993, algorithm 4.1), which uses that codes are correlated, since
all codes of an item are swapped together. It holds where, without a difference, the traces of both sides vary alike; where they
visibly do not (`unlike`), `code_contrast` adds a test that does without.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy import special

from ..estimate import BLOCK, Flags, Floats
from .code_shares import Sums

PERMUTATIONS = 10_000
_TIE = 1e-9
"""Swapping everything gives the same statistic, but for rounding: what is this near counts as equal."""


@dataclass(frozen=True)
class Permuted:
    """``p``: (codes,) each alone; ``p_family``: (codes,) step-down max-T. NaN where a code never or
    always occurs, and outside the family.

    ``permutations``: how many labellings were looked at; ``exact``: these are all there are.
    """

    p: Floats
    p_family: Floats
    permutations: int
    exact: bool
    shared: int


def max_t(
    a: Sums, b: Sums, family: Flags | None = None, *, permutations: int = PERMUTATIONS, seed: int = 0
) -> Permuted:
    """Test all codes of two groups whose clusters are aligned (row g of both is the same item).

    ``family``: (codes,) which of them are corrected for together; default: all.
    """
    shared = (a.total > 0) & (b.total > 0)
    alone = (a.total > 0) != (b.total > 0)
    rng = np.random.default_rng(seed)
    count = 2 ** int(shared.sum())
    exact = not alone.any() and count <= permutations
    hits, units = a.coded.sum(axis=0) + b.coded.sum(axis=0), a.total.sum() + b.total.sum()
    parts = _Parts(a, b)
    defined = (hits > 0) & (hits < units)
    observed = parts.statistics(np.zeros((1, len(shared)), dtype=bool))[0]
    total = count if exact else permutations
    block = max(1, BLOCK // max(1, len(shared), 4 * len(defined)))
    found = np.concatenate(
        [
            parts.statistics(_swaps(shared, alone, a.total > 0, start, min(block, total - start), exact, rng))
            for start in range(0, total, block)
        ]
    )
    p = np.where(defined, _share_as_large(found, observed, exact), np.nan)
    p_family = _step_down(observed, found, defined if family is None else defined & family, exact)
    return Permuted(p, p_family, total, exact, int(shared.sum()))


def _swaps(
    shared: Flags, alone: Flags, in_a: Flags, start: int, size: int, exact: bool, rng: np.random.Generator
) -> Flags:
    """(size, clusters): whether a cluster's two sides are exchanged."""
    swaps = np.zeros((size, len(shared)), dtype=bool)
    places = np.flatnonzero(shared)
    if exact:
        bits = np.arange(start, start + size)[:, None] >> np.arange(len(places))
        swaps[:, places] = (bits & 1).astype(bool)
        return swaps
    swaps[:, places] = rng.random((size, len(places))) < 0.5
    places = np.flatnonzero(alone)
    if len(places):
        held = np.broadcast_to(in_a[places], (size, len(places)))
        swaps[:, places] = rng.permuted(held, axis=1) != held
    return swaps


class _Parts:
    """The sums over clusters of which every relabelled statistic is made: all but two are sums over side a or side b."""

    def __init__(self, a: Sums, b: Sums) -> None:
        """Tokens count as the units that they came in."""
        scale = (a.units + b.units) / (a.total.sum() + b.total.sum())
        (ya, ma), (yb, mb) = ((side.coded * scale, side.total[:, None] * scale) for side in (a, b))
        own, other = (
            np.column_stack([y, y**2, y * m, y * m_other, m, m**2])
            for y, m, m_other in ((ya, ma, mb), (yb, mb, ma))
        )
        self.codes = ya.shape[1]
        self.own, self.other, self.change = own.sum(axis=0), other.sum(axis=0), other - own
        self.y_y, self.m_m = (ya * yb).sum(axis=0), float((ma * mb).sum())

    def statistics(self, swaps: Flags) -> Floats:
        """(labellings, codes) T²."""
        moved = swaps.astype(float) @ self.change
        of_a, of_b = (self._side(sums) for sums in (self.own + moved, self.other - moved))
        crossed = self.y_y - of_b.p * of_a.y_m_other - of_a.p * of_b.y_m_other + of_a.p * of_b.p * self.m_m
        variance = of_a.squares / of_a.n**2 + of_b.squares / of_b.n**2 - 2 * crossed / (of_a.n * of_b.n)
        ratio = special.logit(of_a.p) - special.logit(of_b.p)
        return np.asarray(ratio**2 / np.maximum(variance, 1 / of_a.n + 1 / of_b.n))

    def _side(self, sums: Floats) -> _Side:
        y, y_y, y_m, y_m_other = (sums[:, k * self.codes : (k + 1) * self.codes] for k in range(4))
        m, m_m = sums[:, -2:-1], sums[:, -1:]
        p = (y + 0.5) / (m + 1)
        return _Side(p, (m + 1) * p * (1 - p), y_y - 2 * p * y_m + p**2 * m_m, y_m_other)


class _Side(NamedTuple):
    """(labellings, codes) each: p; M p q, whose inverse is 1/y + 1/(M − y); Σ (y − p m)²; Σ y times the other side's m."""

    p: Floats
    n: Floats
    squares: Floats
    y_m_other: Floats


def unlike(a: Sums, b: Sums) -> float:
    """How many times more traces vary on one side than on the other: the median over codes that both have, 1 or more.

    Of variances of a share over p(1 − p) and for as many effective clusters, linearised.
    """
    found = []
    for side in (a, b):
        total = side.total.sum()
        p = side.coded.sum(axis=0) / total
        with np.errstate(divide="ignore", invalid="ignore"):
            squares = ((side.coded - np.outer(side.total, p)) ** 2).sum(axis=0)
            present = int((side.total > 0).sum())
            found.append(squares * present / max(1, present - 1) / (side.total**2).sum() / (p * (1 - p)))
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = np.abs(np.log(found[0] / found[1]))
    ratios = ratios[np.isfinite(ratios)]
    return float(np.exp(np.median(ratios))) if len(ratios) else 1.0


def _step_down(observed: Floats, found: Floats, members: Flags, exact: bool) -> Floats:
    """(codes,) p within the family: the largest statistic is held against the largest of all, the next of the rest …"""
    family = np.full(len(observed), np.nan)
    places = np.flatnonzero(members)
    if len(places):
        order = places[np.argsort(-observed[places], kind="stable")]
        largest = np.maximum.accumulate(found[:, order[::-1]], axis=1)[:, ::-1]
        family[order] = np.maximum.accumulate(_share_as_large(largest, observed[order], exact))
    return family


def _share_as_large(found: Floats, observed: Floats, exact: bool) -> Floats:
    """(codes,) p; the observed labelling counts as one of the random ones."""
    extra = 0 if exact else 1
    share: Floats = ((found >= observed * (1 - _TIE)).sum(axis=0) + extra) / (len(found) + extra)
    return share
