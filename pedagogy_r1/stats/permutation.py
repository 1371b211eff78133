"""One test for a whole family of codes: swap the two conditions within items, and keep the largest statistic.

    item      cop − generic          swapped         −         +         +         −        …  10,000 times
    aime-3      +0.04                aime-3        −0.04     +0.04     +0.04     −0.04
    aime-7      +0.01                aime-7        −0.01     −0.01     +0.01     +0.01

If the condition changes nothing, an item's two sets of traces could have been the other way round: its difference keeps
its size and changes its sign at random. Items found under one condition only have no partner; the labels of these items
are permuted among themselves. The statistic of a code is its difference over the clustered standard error,

    T = |Σ_g w_g| / √Σ_g w_g²,      w_g = (y_ga − p m_ga)/M_a − (y_gb − p m_gb)/M_b,

computed anew for every swap (p: pooled share, m: units, M_a = Σ m_ga), so that unequal numbers of units do no harm
(Janssen 1997; Hemerik, Goeman & Finos 2020 for sign-flipped scores). Family p: step-down max-T (Westfall & Young 1993,
algorithm 4.1), which uses that codes are correlated, since all codes of an item are swapped together.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

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
    pooled = (a.coded.sum(axis=0) + b.coded.sum(axis=0)) / (a.total.sum() + b.total.sum())
    ea, eb = a.coded - np.outer(a.total, pooled), b.coded - np.outer(b.total, pooled)
    parts = _Parts(ea, eb, a.total, b.total)
    defined = (pooled > 0) & (pooled < 1)
    observed = parts.statistics(np.zeros((1, len(shared)), dtype=bool))[0]
    total = count if exact else permutations
    block = max(1, BLOCK // max(1, len(shared)))
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
    """The sums over clusters of which every relabelled statistic is made."""

    def __init__(self, ea: Floats, eb: Floats, ma: Floats, mb: Floats) -> None:
        self.ma, self.dm, self.m = ma.sum(), mb - ma, ma.sum() + mb.sum()
        self.ea, self.de = ea.sum(axis=0), eb - ea
        self.qa, self.dq = (ea**2).sum(axis=0), eb**2 - ea**2
        self.q = self.qa + (eb**2).sum(axis=0)
        self.cross = (ea * eb).sum(axis=0)

    def statistics(self, swaps: Flags) -> Floats:
        """(labellings, codes) T² = (Σw)² / Σw²; 0 where nothing varies."""
        s = swaps.astype(float)
        ma = (self.ma + s @ self.dm)[:, None]
        mb = self.m - ma
        difference = (self.ea + s @ self.de) * (1 / ma + 1 / mb)  # the residuals of both sides add up to 0
        qa = self.qa + s @ self.dq
        squares = qa / ma**2 + (self.q - qa) / mb**2 - 2 * self.cross / (ma * mb)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(squares > 1e-18, difference**2 / squares, 0.0)


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
