"""Codes one after another: which code follows which within traces, and what is left of that when the order is gone.

    A A B ? B      pairs AA, AB; a missing coding, a gap or the end of a trace breaks the chain

How often each code follows each, and mean and variance of that when a trace's codes are shuffled, are sums over traces
(`Followed`): those of a corpus are the sums of its shards'.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..estimate import Floats, Ints


@dataclass(frozen=True)
class Chains:
    """``value``, ``trace``: (positions,) of coded units or runs, traces ascending; ``first``: where a pair begins."""

    value: Ints
    trace: Ints
    first: Ints
    k: int

    def count(self, value: Ints) -> Ints:
        pairs = value[self.first] * self.k + value[self.first + 1]
        return np.bincount(pairs, minlength=self.k**2).reshape(self.k, self.k)


@dataclass(frozen=True)
class Followed:
    """``observed``: (K, K) how often the column's code follows the row's; ``mean``, ``variance``: of that when codes are shuffled within
    traces. ``coded``: units, ``traces`` with one, ``broken``: neighbours that are no pair, since a coding is missing."""

    observed: Ints
    mean: Floats
    variance: Floats
    coded: int
    traces: int
    broken: int

    @classmethod
    def of(cls, chains: Chains, broken: int) -> Followed:
        """Of some traces' units."""
        observed, traces = chains.count(chains.value), len(np.unique(chains.trace))
        return cls(observed, *shuffle_moments(chains), len(chains.value), traces, broken)

    def __add__(self, other: Followed) -> Followed:
        """Of other traces too."""
        return Followed(*(getattr(self, name) + getattr(other, name) for name in vars(self)))


def chains_of(value: Ints, trace: Ints, index: Ints, k: int) -> tuple[Chains, int]:
    """Coded units in order; and how many neighbours are no pair because a coding is missing between or at them."""
    order = np.lexsort((index, trace))
    value, trace, index = value[order], trace[order], index[order]
    within = int((trace[1:] == trace[:-1]).sum())
    coded = value >= 0
    value, trace, index = value[coded], trace[coded], index[coded]
    first = np.flatnonzero((trace[1:] == trace[:-1]) & (index[1:] == index[:-1] + 1))
    return Chains(value, trace, first, k), within - len(first)


def runs_of(chains: Chains) -> Chains:
    """Repeats within a chain become one."""
    paired = np.zeros(len(chains.value), dtype=bool)
    paired[chains.first + 1] = True
    again = paired.copy()
    again[1:] &= chains.value[1:] == chains.value[:-1]
    kept = np.flatnonzero(~again)
    first = np.flatnonzero(paired[kept][1:]) if len(kept) else np.empty(0, dtype=np.int64)
    return Chains(chains.value[kept], chains.trace[kept], first, chains.k)


def shuffle_moments(chains: Chains) -> tuple[Floats, Floats]:
    """(K, K) mean and variance of the counts when codes are shuffled within traces.

    A trace with L coded units, P pairs, of which T·2 ordered pairs of pairs share a unit, and c_i units of code i:
    E n_ij = P (c_i c_j)/(L)₂, and E n_ij² = E n_ij + 2T·[i=j](c_i)₃/(L)₃ + (P(P−1)−2T)·(c_i)₂(c_j)₂/(L)₄, where
    (x)_r = x(x−1)…(x−r+1) and i = j takes (c_i)₂ and (c_i)₄ for the products.
    """
    traces, at = np.unique(chains.trace, return_inverse=True)
    k, g = chains.k, len(traces)
    c = np.bincount(at * k + chains.value, minlength=g * k).reshape(g, k).astype(float)
    size = c.sum(axis=1)
    pairs = np.bincount(at[chains.first], minlength=g).astype(float)
    twice = chains.first[1:][np.diff(chains.first) == 1]
    triples = np.bincount(at[twice], minlength=g).astype(float)
    same = np.arange(k)
    two = over_or_zero(pairs, _falling(size, 2))
    mean_of = np.einsum("g,gi,gj->ij", two, c, c)
    mean_of[same, same] = two @ _falling(c, 2)
    apart = over_or_zero(pairs * (pairs - 1) - 2 * triples, _falling(size, 4))
    c2 = _falling(c, 2)
    square = np.einsum("g,gi,gj->ij", apart, c2, c2)
    square[same, same] = apart @ _falling(c, 4) + over_or_zero(2 * triples, _falling(size, 3)) @ _falling(
        c, 3
    )
    ones = np.einsum("g,gi,gj->ij", two**2, c**2, c**2)
    ones[same, same] = two**2 @ c2**2
    return mean_of, mean_of + square - ones


def _falling(x: Floats, r: int) -> Floats:
    result = np.ones_like(x)
    for step in range(r):
        result = result * np.maximum(x - step, 0)
    return result


def over_or_zero(a: Floats, b: Floats) -> Floats:
    """a / b, 0 where b is."""
    return np.divide(a, b, out=np.zeros_like(a), where=b > 0)
