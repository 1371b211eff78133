"""What follows what: transitions between the codes of neighbouring units, within traces.

    TR-SP → IA-SQ   31 times, 12.4 expected within these traces, adjusted residual +6.1, family p 0.001

Lag 1 of lag-sequential analysis (Bakeman & Quera 2011). A missing coding, a gap or the end of a trace breaks the chain.
Long traces and traces that are mostly one code make neighbours alike without any order, so the test shuffles the codes
*within* each trace (Bakeman, Robinson & Quera 1996), which leaves each trace its own frequencies. Mean and variance of a
count under that shuffle are exact (`shuffle_moments`); its distribution is simulated, or normal where there are many units.

``self_transitions=False`` asks where a coder goes *when the code changes*: repeats become one run, the diagonal is
structurally zero (`expected_counts`), runs are shuffled, and neighbours that the shuffle makes equal are left out.

    adjusted residual   (n_ij − m_ij) / √(m_ij (1 − h_ij)),   about N(0, 1) if the next code does not depend on this one

m_ij: expected count; h_ij: the cell's leverage in the Poisson model with row and column effects; with all cells 1 − h is the
familiar (1 − n_i./n)(1 − n_.j/n) (Haberman 1973; Bakeman & Quera 2011, ch. 9).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import special

from ..errors import RunError, did_you_mean
from ..estimate import Floats, Ints, joined
from ..limits import FEW_EXPECTED
from ..runs.code_chains import Chains, Followed, chains_of, over_or_zero, runs_of
from ..runs.codings_table import of_coder
from ..runs.tally import Tally

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


def transitions(table: pd.DataFrame | Tally, *, coder: str | None = None, **options: Any) -> Transitions:
    """Transitions between the primary codes (and ``none``) of one coder. Raises `RunError` for an unknown coder.

    ``options``: ``self_transitions``, ``permutations`` and ``seed`` of `sequence_transitions`. Restrict the table beforehand
    (``table[table["condition"] == "cop"]``) to see one group. Of a tally (`table_or_tally`) all is the same but p, which is
    normal, since the order of the units is not held to be shuffled; and what follows what is known of all traces only, so that a tally
    of some is a `RunError`.
    """
    if isinstance(table, Tally):
        return _of_tally(table, coder, **options)
    own = of_coder(table, coder)
    return sequence_transitions(
        own["primary"].cat.codes.to_numpy().astype(np.int64),
        pd.factorize(own["trace_id"])[0].astype(np.int64),
        own["index"].to_numpy().astype(np.int64),
        tuple(str(code) for code in own["primary"].cat.categories),
        coder=str(own["coder"].iloc[0]) if len(own) else coder or "",
        **options,
    )


def _of_tally(
    tally: Tally,
    coder: str | None,
    *,
    self_transitions: bool = True,
    permutations: int = PERMUTATIONS,  # noqa: ARG001 - the units that would be shuffled are not held
    seed: int = 0,
) -> Transitions:
    names = [each.name for each in tally.coders]
    coder = coder or (names[0] if len(names) == 1 else None)
    if coder is None:
        raise RunError(f"the tally holds {len(names)} coders", f"name one of them: {', '.join(names) or '-'}")
    if coder not in names:
        raise RunError(f"no coder is named {coder!r}", did_you_mean(coder, names))
    if tally.follows is None:
        raise RunError(
            "what follows what is known of all traces of a corpus together, not of some",
            "ask for all of them",
        )
    found, codes = tally.follows[names.index(coder)], tally.categories
    k = len(codes)
    known = replace(
        found, observed=found.observed[:k, :k], mean=found.mean[:k, :k], variance=found.variance[:k, :k]
    )
    return counted_transitions(known, codes, coder=coder, self_transitions=self_transitions, seed=seed)


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
    chains, broken = chains_of(value, trace, index, len(codes))
    found = Followed.of(chains, broken)
    if not self_transitions:
        chains = runs_of(chains)
    affordable = min(permutations, _WORK // max(1, len(chains.value)))
    if affordable >= min(permutations, _LEAST) and permutations:

        def by_shuffling(z: Floats, mean: Floats | None, sd: Floats | None, expected: Floats) -> _Tested:
            drawn = _shuffled(chains, affordable, seed, mean, sd, expected)
            how = f"{affordable} shuffles within traces, seed {seed}"
            return _Tested(*_p_values(z, drawn), affordable, how)

        return _finished(found, codes, coder, by_shuffling, self_transitions=self_transitions, seed=seed)
    note = "; too many units to shuffle" if permutations else ""
    return counted_transitions(
        found, codes, coder=coder, self_transitions=self_transitions, seed=seed, note=note
    )


class _Tested(NamedTuple):
    """(K, K) p of each cell, and against the largest |z| of all; so many shuffles."""

    p: Floats
    p_family: Floats
    permutations: int
    how: str


def counted_transitions(
    found: Followed,
    codes: tuple[str, ...],
    *,
    coder: str = "",
    self_transitions: bool = True,
    seed: int = 0,
    note: str = "; the order of the units is not held",
) -> Transitions:
    """`transitions` of a corpus, from the sums of its shards: p is normal."""

    def normal(z: Floats, *_: object) -> _Tested:
        p = 2 * special.ndtr(-np.abs(z))
        family = 1 - (1 - p) ** int((~np.isnan(z)).sum())
        return _Tested(p, family, 0, f"normal p, Šidák over the cells{note}")

    return _finished(found, codes, coder, normal, self_transitions=self_transitions, seed=seed)


def _finished(
    found: Followed,
    codes: tuple[str, ...],
    coder: str,
    test: Callable[[Floats, Floats | None, Floats | None, Floats], _Tested],
    *,
    self_transitions: bool,
    seed: int,
) -> Transitions:
    observed, mean, sd = found.observed, None, None
    if self_transitions:
        mean, sd = found.mean, np.sqrt(np.maximum(0.0, found.variance))
    else:  # a code that follows itself belongs to the same run
        observed = observed - np.diag(observed.diagonal())
    expected = expected_counts(observed, diagonal=self_transitions)
    residual = adjusted_residuals(observed, expected)
    with np.errstate(divide="ignore", invalid="ignore"):
        z = residual if mean is None or sd is None else np.where(sd > 0, (observed - mean) / sd, np.nan)
        probability = observed / observed.sum(axis=1, keepdims=True)
    tested = test(z, mean, sd, expected)
    kind = "all transitions" if self_transitions else "transitions between runs of different codes"
    return Transitions(
        codes, coder, self_transitions, observed, probability, expected, residual, yules_q(observed), mean, z,
        tested.p, tested.p_family, int(observed.sum()), found.traces, found.broken, tested.permutations, seed,
        f"lag 1, {kind}; {tested.how}", _warnings(observed, expected[~np.isnan(residual)]),
    )  # fmt: skip


def _warnings(observed: Ints, expected: Floats) -> tuple[str, ...]:
    thin = len(expected) > 0 and float((expected < FEW_EXPECTED).mean()) > 0.5
    rough = f"most expected counts are below {FEW_EXPECTED:.0f}: trust the permutation p, not the residuals"
    return joined(None if observed.sum() else "no unit follows another", rough if thin else None)


def _shuffled(
    chains: Chains, permutations: int, seed: int, mean: Floats | None, sd: Floats | None, expected: Floats
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
        fitted = fitted * over_or_zero(rows, fitted.sum(axis=-1, keepdims=True))
        fitted = fitted * over_or_zero(columns, fitted.sum(axis=-2, keepdims=True))
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
