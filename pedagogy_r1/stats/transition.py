"""What follows what: transitions between the codes of neighbouring units, within traces.

    TR-SP → IA-SQ   31 times, 12.4 expected within these traces, adjusted residual +6.1, family p 0.001

Lag 1 of lag-sequential analysis (Bakeman & Quera 2011). A missing coding, a gap or the end of a trace breaks the chain.
Long traces and traces that are mostly one code make neighbours alike without any order, so the test shuffles the codes
*within* each trace (Bakeman, Robinson & Quera 1996), which leaves each trace its own frequencies. Mean and variance of a
count under that shuffle are exact (`_moments`); its distribution is simulated, or normal where there are many units.

``self_transitions=False`` asks where a coder goes *when the code changes*: repeats become one run, the diagonal is
structurally zero (`expected_counts`), runs are shuffled, and neighbours that the shuffle makes equal are left out.

    adjusted residual   (n_ij − m_ij) / √(m_ij (1 − h_ij)),   about N(0, 1) if the next code does not depend on this one

m_ij: expected count; h_ij: the cell's leverage in the Poisson model with row and column effects; with all cells 1 − h is the
familiar (1 − n_i./n)(1 − n_.j/n) (Haberman 1973; Bakeman & Quera 2011, ch. 9).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import special

from ..estimate import Floats, Ints, joined
from ..limits import FEW_EXPECTED
from ..runs.run_columns import of_coder

PERMUTATIONS = 1000
_WORK = 30_000_000
"""Units times shuffles that a minute or so allows; beyond, and at fewer than ``_LEAST`` shuffles, p is normal."""
_LEAST = 200

_FITS = 500
_TOLERANCE = 1e-8
_FORCED = 0.02


@dataclass(frozen=True)
class Transitions:
    """(K, K) arrays: row i, then column j. NaN marks a cell that is undefined: `why_undefined` says why.

    ``probability``: n_ij over its row; ``expected``: under independence (`expected_counts`); ``residual``: adjusted;
    ``within``: mean of the count when codes are shuffled within traces; ``z``: (count − mean)/sd under that shuffle (without
    self-transitions: the adjusted residual); ``p``: two-sided, each cell alone; ``p_family``: against the largest |z| of all.
    """

    codes: tuple[str, ...]
    coder: str
    self_transitions: bool
    observed: Ints
    probability: Floats
    expected: Floats
    residual: Floats
    yules_q: Floats
    within: Floats | None
    z: Floats
    p: Floats
    p_family: Floats
    n_pairs: int
    n_traces: int
    n_broken: int
    permutations: int
    seed: int
    method: str
    warnings: tuple[str, ...]

    def why_undefined(self, before: str, after: str) -> str | None:
        """Why a cell has no residual, or ``None`` if it has one."""
        i, j = self.codes.index(before), self.codes.index(after)
        if not np.isnan(self.residual[i, j]):
            return None
        if before == after and not self.self_transitions:
            return "a run cannot be followed by a run of the same code"
        if not self.observed[i].sum():
            return f"no unit follows one with {before}"
        if not self.observed[:, j].sum():
            return f"no unit with {after} follows another"
        return "row and column sums leave this count no choice"

    def rows(self) -> list[dict[str, Any]]:
        """One dict for each cell, ``None`` where undefined, for a table."""
        names = ("observed", "probability", "expected", "residual", "yules_q", "within", "z", "p", "p_family")
        return [
            {"from": a, "to": b}
            | {name: _number(getattr(self, name), i, j) for name in names}
            | {"why_undefined": self.why_undefined(a, b)}
            for i, a in enumerate(self.codes)
            for j, b in enumerate(self.codes)
        ]


def _number(array: Any, i: int, j: int) -> float | None:
    return None if array is None or np.isnan(array[i, j]) else float(array[i, j])


@dataclass(frozen=True)
class _Chains:
    """``value``, ``trace``: (positions,) of coded units or runs, traces ascending; ``first``: where a pair begins."""

    value: Ints
    trace: Ints
    first: Ints
    k: int

    def count(self, value: Ints) -> Ints:
        pairs = value[self.first] * self.k + value[self.first + 1]
        return np.bincount(pairs, minlength=self.k**2).reshape(self.k, self.k)


def transitions(table: pd.DataFrame, *, coder: str | None = None, **options: Any) -> Transitions:
    """Transitions between the primary codes (and ``none``) of one coder. Raises `RunError` for an unknown coder.

    ``options``: ``self_transitions``, ``permutations`` and ``seed`` of `sequence_transitions`. Restrict the table beforehand
    (``table[table["condition"] == "cop"]``) to see one group.
    """
    own = of_coder(table, coder)
    return sequence_transitions(
        own["primary"].cat.codes.to_numpy().astype(np.int64),
        pd.factorize(own["trace_id"])[0].astype(np.int64),
        own["index"].to_numpy().astype(np.int64),
        tuple(str(code) for code in own["primary"].cat.categories),
        coder=str(own["coder"].iloc[0]) if len(own) else coder or "",
        **options,
    )


def sequence_transitions(
    value: Ints,
    trace: Ints,
    index: Ints,
    codes: tuple[str, ...],
    *,
    coder: str = "",
    self_transitions: bool = True,
    permutations: int = PERMUTATIONS,
    seed: int = 0,
) -> Transitions:
    """`transitions` from arrays: (units,) number of the code (−1 missing), of the trace, and the unit's index in it."""
    chains, broken = _chains(value, trace, index, len(codes))
    if not self_transitions:
        chains = _runs(chains)
    observed = chains.count(chains.value)
    expected = expected_counts(observed, diagonal=self_transitions)
    residual = adjusted_residuals(observed, expected)
    mean, sd = _moments(chains) if self_transitions else (None, None)
    with np.errstate(divide="ignore", invalid="ignore"):
        z = residual if mean is None or sd is None else np.where(sd > 0, (observed - mean) / sd, np.nan)
        probability = observed / observed.sum(axis=1, keepdims=True)
    affordable = min(permutations, _WORK // max(1, len(chains.value)))
    if affordable >= min(permutations, _LEAST) and permutations:
        p, p_family = _p_values(z, _shuffled(chains, affordable, seed, mean, sd, expected))
        how = f"{affordable} shuffles within traces, seed {seed}"
    else:
        affordable = 0
        p = 2 * special.ndtr(-np.abs(z))
        p_family = 1 - (1 - p) ** int((~np.isnan(z)).sum())
        how = "normal p, Šidák over the cells" + ("; too many units to shuffle" if permutations else "")
    kind = "all transitions" if self_transitions else "transitions between runs of different codes"
    return Transitions(
        codes, coder, self_transitions, observed, probability, expected, residual, yules_q(observed), mean, z, p,
        p_family, int(observed.sum()), len(np.unique(chains.trace)), broken, affordable, seed,
        f"lag 1, {kind}; {how}", _warnings(observed, expected[~np.isnan(residual)]),
    )  # fmt: skip


def _warnings(observed: Ints, expected: Floats) -> tuple[str, ...]:
    thin = len(expected) > 0 and float((expected < FEW_EXPECTED).mean()) > 0.5
    rough = f"most expected counts are below {FEW_EXPECTED:.0f}: trust the permutation p, not the residuals"
    return joined(None if observed.sum() else "no unit follows another", rough if thin else None)


def _chains(value: Ints, trace: Ints, index: Ints, k: int) -> tuple[_Chains, int]:
    """Coded units in order; and how many neighbours are no pair because a coding is missing between or at them."""
    order = np.lexsort((index, trace))
    value, trace, index = value[order], trace[order], index[order]
    within = int((trace[1:] == trace[:-1]).sum())
    coded = value >= 0
    value, trace, index = value[coded], trace[coded], index[coded]
    first = np.flatnonzero((trace[1:] == trace[:-1]) & (index[1:] == index[:-1] + 1))
    return _Chains(value, trace, first, k), within - len(first)


def _runs(chains: _Chains) -> _Chains:
    """Repeats within a chain become one."""
    paired = np.zeros(len(chains.value), dtype=bool)
    paired[chains.first + 1] = True
    again = paired.copy()
    again[1:] &= chains.value[1:] == chains.value[:-1]
    kept = np.flatnonzero(~again)
    first = np.flatnonzero(paired[kept][1:]) if len(kept) else np.empty(0, dtype=np.int64)
    return _Chains(chains.value[kept], chains.trace[kept], first, chains.k)


def _moments(chains: _Chains) -> tuple[Floats, Floats]:
    """(K, K) mean and sd of the counts when codes are shuffled within traces.

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
    two = _over(pairs, _falling(size, 2))
    mean_of = np.einsum("g,gi,gj->ij", two, c, c)
    mean_of[same, same] = two @ _falling(c, 2)
    apart = _over(pairs * (pairs - 1) - 2 * triples, _falling(size, 4))
    c2 = _falling(c, 2)
    square = np.einsum("g,gi,gj->ij", apart, c2, c2)
    square[same, same] = apart @ _falling(c, 4) + _over(2 * triples, _falling(size, 3)) @ _falling(c, 3)
    ones = np.einsum("g,gi,gj->ij", two**2, c**2, c**2)
    ones[same, same] = two**2 @ c2**2
    return mean_of, np.sqrt(np.maximum(0.0, mean_of + square - ones))


def _falling(x: Floats, r: int) -> Floats:
    result = np.ones_like(x)
    for step in range(r):
        result = result * np.maximum(x - step, 0)
    return result


def _over(a: Floats, b: Floats) -> Floats:
    return np.divide(a, b, out=np.zeros_like(a), where=b > 0)


def _shuffled(
    chains: _Chains, permutations: int, seed: int, mean: Floats | None, sd: Floats | None, expected: Floats
) -> Floats:
    """(permutations, K, K) the statistic ``z`` of shuffled codes; NaN where it has no value."""
    rng = np.random.default_rng(seed)
    trace = np.unique(chains.trace, return_inverse=True)[1]
    counts = np.empty((permutations, chains.k, chains.k))
    for b in range(permutations):
        counts[b] = chains.count(chains.value[np.argsort(trace + rng.random(len(trace)))])
    with np.errstate(divide="ignore", invalid="ignore"):
        if mean is not None and sd is not None:
            return np.where(sd > 0, (counts - mean) / sd, np.nan)
        fitted = expected_counts(counts, diagonal=False)
        off = np.where(np.eye(chains.k, dtype=bool), np.nan, counts)
        return (off - fitted) / np.sqrt(fitted * slack(expected))


def _p_values(z: Floats, drawn: Floats) -> tuple[Floats, Floats]:
    """Two-sided p of each cell, and against the largest cell of every shuffle."""
    size = np.nan_to_num(np.abs(drawn), nan=0.0)
    bar = np.abs(z) * (1 - 1e-9)
    p = ((size >= bar).sum(axis=0) + 1) / (len(drawn) + 1)
    size[:, np.isnan(z)] = 0.0
    largest = size.max(axis=(1, 2), initial=0.0)
    family = ((largest[:, None, None] >= bar).sum(axis=0) + 1) / (len(drawn) + 1)
    undefined = np.isnan(z)
    return np.where(undefined, np.nan, p), np.where(undefined, np.nan, family)


def expected_counts(counts: npt.NDArray[np.generic], *, diagonal: bool) -> Floats:
    """(…, K, K) expected counts of one or many tables; cells of empty rows and columns are 0.

        all cells           m_ij = n_i. n_.j / n
        without diagonal    m_ij = a_i b_j for i ≠ j, fitted to the row and column sums (iterative proportional fitting)

    Without the diagonal a code cannot follow itself, so what would be expected without that knowledge is wrong for every
    other cell too.
    """
    n = counts.astype(float)
    if diagonal:
        total = np.maximum(n.sum(axis=(-2, -1), keepdims=True), 1)
        return n.sum(axis=-1, keepdims=True) * n.sum(axis=-2, keepdims=True) / total  # type: ignore[no-any-return]
    fitted = np.broadcast_to(1.0 - np.eye(n.shape[-1]), n.shape).copy()
    n = n * fitted
    fitted = _fit(fitted, n)
    unsettled = np.abs(fitted.sum(axis=-1) - n.sum(axis=-1)).max(axis=-1, initial=0.0) > _TOLERANCE
    if unsettled.any():
        # The margins force cells to 0, which the fit nears without end: set them to 0, and fit the others.
        gone = unsettled[..., None, None] & (fitted < _FORCED)
        fitted = _fit(np.where(gone, 0.0, fitted), n)
    return fitted


def _fit(fitted: Floats, n: Floats) -> Floats:
    rows, columns = n.sum(axis=-1, keepdims=True), n.sum(axis=-2, keepdims=True)
    for _ in range(_FITS):
        fitted = fitted * _over(rows, fitted.sum(axis=-1, keepdims=True))
        fitted = fitted * _over(columns, fitted.sum(axis=-2, keepdims=True))
        if np.abs(fitted.sum(axis=-1, keepdims=True) - rows).max(initial=0.0) < _TOLERANCE:
            break
    return fitted


def slack(expected: Floats) -> Floats:
    """(K, K) 1 − h: share of a cell's variance that the margins leave; NaN where the cell is settled or empty."""
    k, m = len(expected), expected.ravel()
    one, eye = np.ones((k, 1)), np.eye(k)
    x = np.hstack([np.kron(eye, one), np.kron(one, eye)])
    information = (x * m[:, None]).T @ x
    leverage = m * np.einsum("ij,jk,ik->i", x, np.linalg.pinv(information, hermitian=True), x)
    left = np.where((m > 0) & (1 - leverage > 1e-9), 1 - leverage, np.nan)
    return left.reshape(k, k)


def adjusted_residuals(counts: Ints, expected: Floats) -> Floats:
    """(K, K) adjusted residuals; NaN where the margins leave nothing to vary."""
    return (counts - expected) / np.sqrt(np.where(expected > 0, expected, np.nan) * slack(expected))


def yules_q(counts: Ints) -> Floats:
    """(K, K) Yule's Q of "this code, that code next" against all else, −1 to 1; NaN where undefined.

    Q = (ad − bc) / (ad + bc), a: n_ij, b: rest of the row, c: rest of the column, d: all others.
    """
    n = counts.astype(float)
    rows, columns = n.sum(axis=1, keepdims=True), n.sum(axis=0, keepdims=True)
    b, c = rows - n, columns - n
    d = n.sum() - rows - columns + n
    with np.errstate(invalid="ignore", divide="ignore"):
        return (n * d - b * c) / (n * d + b * c)  # type: ignore[no-any-return]
