"""N-grams that occur again: exact (ranks, no hash collisions) and linear in the text for a fixed n.

    words   a b c a b c a        3-gram ranks   0 1 2 0 1      tokens in a 3-gram seen earlier: the last four

The rank of a 2m-gram is the number of the pair (rank of its first half, rank of its second half); numbering is a
hash table's work, one pass a doubling (Karp, Miller & Rosenberg 1972).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Ints = npt.NDArray[np.int64]
    Bools = npt.NDArray[np.bool_]
    Ids = npt.NDArray[np.uint64]


def numbered(values: Ints | Ids) -> Ints:
    """(n,) 0, 1, 2 … in order of first occurrence; equal values get equal numbers."""
    import numpy as np
    import pandas as pd

    return pd.factorize(values)[0].astype(np.int64)


def wider(ranks: Ints, shift: int) -> Ints:
    """Ranks of (m + shift)-grams from those of m-grams, ``shift`` ≤ m."""
    if len(ranks) <= shift:
        return ranks[:0]
    return numbered(ranks[:-shift] * (int(ranks.max()) + 1) + ranks[shift:])


def ngram_ranks(ids: Ints | Ids, n: int) -> Ints:
    """(len − n + 1,) equal numbers for equal n-grams; empty where the text is shorter than n."""
    if n < 1:
        raise ValueError(f"an n-gram has at least one token, not {n}")
    ranks, width = numbered(ids), 1
    while width < n and len(ranks):
        shift = min(width, n - width)
        ranks = wider(ranks, shift)
        width += shift
    return ranks


def covered(starts: Bools, n: int) -> Bools:
    """(len + n − 1,) tokens that lie in an n-gram whose first token is marked; (len,) n-gram starts in."""
    import numpy as np

    if not len(starts):
        return np.zeros(0, dtype=bool)
    steps = np.zeros(len(starts) + n, dtype=np.int64)
    steps[: len(starts)] += starts
    steps[n:] -= starts
    return np.cumsum(steps[:-1]) > 0


def repeats_itself(ids: Ids, n: int) -> Bools:
    """(len,) tokens in an n-gram that began earlier in the same text too."""
    import numpy as np
    import pandas as pd

    ranks = ngram_ranks(ids, n)
    if not len(ranks):
        return np.zeros(len(ids), dtype=bool)
    return covered(pd.Series(ranks).duplicated().to_numpy(), n)


def repeats_other(ids: Ids, other: Ids, n: int) -> Bools:
    """(len,) tokens of ``ids`` in an n-gram that occurs in ``other``."""
    import numpy as np

    if len(ids) < n or len(other) < n:
        return np.zeros(len(ids), dtype=bool)
    ranks = ngram_ranks(np.concatenate([other, ids]), n)
    known = np.zeros(int(ranks.max()) + 1, dtype=bool)
    known[ranks[: len(other) - n + 1]] = True
    return covered(known[ranks[len(other) :]], n)
