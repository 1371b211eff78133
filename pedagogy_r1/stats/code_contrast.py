"""Does a condition change how often a code occurs? CoP against generic, right against wrong, model against model.

    IA-SQ   cop 2.1 % [1.1, 4.0]   generic 0 of 410 [0, 1.6]   +2.1 points [+0.5, +4.0]   family p 0.003

Units of one trace, and traces of one item, resemble each other. A χ² on units takes them for independent and finds
effects where there are none; errors clustered by item are right whether or not the conditions share items, and where
they do, what the item contributes cancels. The numbers (`share_difference.py`):

    difference   p_a − p_b, in points; limits by square-and-add of the two shares' own limits, with the correlation
                 that the clusters show (MOVER: Newcombe 1998, method 10; Zou & Donner 2008)
    odds ratio   binomial GLM, sandwich errors by cluster, t with G − 1 (`binomial_glm`); where a count is 0, Gart's ½-adjusted
                 logit on the effective counts gives the finite limit
    Cohen's h    2 arcsin √p_a − 2 arcsin √p_b; square-and-add on that scale (Cohen 1988, eq. 6.2.1)
    p_glm        t test of the GLM's coefficient; p_score: the same with the variance under no difference, which zero counts
                 do not upset (R's ``svychisq(statistic="Wald")``); p_chisq: Rao & Scott's F, ``svychisq(statistic="F")``
    p_family     step-down max-T over the confirmatory family (`permutation.py`); p_bh: Benjamini–Hochberg over all
                 other codes, for exploration
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from ..errors import RunError, did_you_mean
from ..estimate import Estimate, few, joined
from ..limits import LEVEL
from ..runs.run_columns import of_coder
from .code_shares import (
    Basis,
    Sums,
    Which,
    cluster_sums,
    cluster_word,
    coded_units,
    known_column,
    renumbered,
    shares,
)
from .permutation import PERMUTATIONS, max_t
from .share_difference import Correction, Sides, cohens_h, odds_ratio, points, score_p


@dataclass(frozen=True)
class CodeContrast:
    """One code, group a against group b. ``points``: difference of the shares in percentage points.

    ``design_effect``: variance of the log odds ratio over that of as many independent units. A p is ``None`` where the
    code never or always occurs (``why_undefined``). ``confirmatory``: in the family; then ``p_family``, else ``p_bh``.
    """

    code: str
    share_a: Estimate
    share_b: Estimate
    points: Estimate
    odds_ratio: Estimate
    cohens_h: Estimate
    design_effect: float | None
    p_glm: float | None
    p_score: float | None
    p_chisq: float | None
    p_permutation: float | None = None
    confirmatory: bool = False
    p_family: float | None = None
    p_bh: float | None = None
    why_undefined: str | None = None

    @property
    def p(self) -> float | None:
        """The p to report: corrected for the family, or for the codes explored."""
        return self.p_family if self.confirmatory else self.p_bh


@dataclass(frozen=True)
class ContrastFamily:
    """All codes of one comparison; ``family``: the codes whose error is controlled together."""

    cluster: str
    clusters: int
    shared: int
    family: tuple[str, ...]
    contrasts: tuple[CodeContrast, ...]
    n_units: tuple[int, int]
    n_traces: tuple[int, int]
    permutations: int
    exact: bool
    seed: int
    level: float
    warnings: tuple[str, ...]
    column: str = ""
    a: Any = None
    b: Any = None
    coder: str = ""
    basis: Basis = "units"
    which: Which = "primary"
    n_missing: int = 0
    n_left_out: int = 0

    @property
    def method(self) -> str:
        """What was tested, and how: ready to be printed under a table."""
        alone = self.clusters - self.shared
        how = [f"labels swapped within {self.shared} {self.cluster}s that both have"] if self.shared else []
        how += [f"permuted among {alone} {self.cluster}s that one has"] if alone else []
        drawn = f"all {self.permutations}" if self.exact else f"{self.permutations} random (seed {self.seed})"
        return (
            f"{self.column}: {self.a} against {self.b}, coder {self.coder}, share of {self.basis}, "
            f"{'primary code' if self.which == 'primary' else 'any code'}. Errors clustered by {self.cluster}. "
            f"Confirmatory family of {len(self.family)}: {', '.join(self.family)}; step-down max-T over "
            f"{drawn} relabellings, {', '.join(how)}. Other codes: Benjamini-Hochberg, exploratory."
        )


def contrast(
    table: pd.DataFrame,
    column: str,
    a: Any,
    b: Any,
    *,
    coder: str | None = None,
    family: Sequence[str] | None = None,
    codes: Sequence[str] | None = None,
    basis: Basis = "units",
    which: Which = "primary",
    **options: Any,
) -> ContrastFamily:
    """Compare the rows where ``column`` is ``a`` with those where it is ``b``, for all ``codes`` (default: all).

    ``family``: the codes of the confirmatory family, named before looking at the data; default: all. Clusters are items
    with their traces (traces, where each item has one). ``options``: those of `contrast_sums`. Raises `RunError` for an
    unknown column, value, code or coder.
    """
    own = of_coder(table, coder)
    units = coded_units(own, codes, which=which, basis=basis)
    chosen = family if family is not None else units.codes
    for code in chosen:
        if code not in units.codes:
            raise RunError(
                f"the family holds {code!r}, which is not compared", did_you_mean(code, list(units.codes))
            )
    sides = [_side(own, column, value)[units.rows] for value in (a, b)]
    both = sides[0] | sides[1]
    clusters = renumbered(units.item, both)
    by = cluster_word(clusters.count, len(np.unique(units.trace[both])))
    sums_a, sums_b = (cluster_sums(units, side, clusters, by) for side in sides)
    return replace(
        contrast_sums(sums_a, sums_b, units.codes, chosen, **options),
        column=column,
        a=a,
        b=b,
        coder=str(own["coder"].iloc[0]),
        basis=basis,
        which=which,
        n_missing=units.n_missing,
        n_left_out=int((~both).sum()),
    )


def _side(table: pd.DataFrame, column: str, value: Any) -> Any:
    known_column(table, column)
    found = (table[column] == value).fillna(False).to_numpy(dtype=bool)
    if not found.any():
        known = [str(v) for v in table[column].dropna().unique()]
        raise RunError(f"no unit has {column} {value!r}", did_you_mean(str(value), known))
    return found


def contrast_sums(
    a: Sums,
    b: Sums,
    codes: Sequence[str],
    family: Sequence[str],
    *,
    permutations: int = PERMUTATIONS,
    seed: int = 0,
    level: float = LEVEL,
    correction: Correction = "statsmodels",
) -> ContrastFamily:
    """The comparison from sums per cluster, rows aligned: `contrast` without a table."""
    if not a.total.sum() or not b.total.sum():
        raise RunError("one side has no coded unit, or no tokens", "compare other groups")
    inside = np.array([code in family for code in codes], dtype=bool)
    tested = max_t(a, b, inside, permutations=permutations, seed=seed)
    found = [
        _one(code, Sides(replace(a, coded=ya), replace(b, coded=yb)), share_a, share_b, correction)
        for code, ya, yb, share_a, share_b in zip(
            codes, a.coded.T, b.coded.T, *shares([a, b], level=level), strict=True
        )
    ]
    p_bh = _benjamini_hochberg([None if own else r.p_score for r, own in zip(found, inside, strict=True)])
    contrasts = tuple(
        replace(r, confirmatory=bool(own), p_permutation=_none(p), p_family=_none(p_family), p_bh=adjusted)
        for r, own, p, p_family, adjusted in zip(found, inside, tested.p, tested.p_family, p_bh, strict=True)
    )
    clusters = len(a.total)
    smallest = 2 / tested.permutations if tested.exact else 1 / (tested.permutations + 1)
    coarse = f"with {clusters} {a.by}s no permutation p can be below {smallest:.3g}"
    return ContrastFamily(
        a.by, clusters, tested.shared,
        tuple(code for code in codes if code in family), contrasts,
        (a.units, b.units), (a.traces, b.traces), tested.permutations, tested.exact, seed, level,
        joined(few(clusters, f"{a.by}s"), coarse if smallest > 1 - level else None),
    )  # fmt: skip


def _one(code: str, sides: Sides, a: Estimate, b: Estimate, correction: Correction) -> CodeContrast:
    """Estimates and the tests that need no permutation."""
    odds = odds_ratio(sides, a, b, correction=correction)
    pooled, why = sides.pooled, None
    hits, total = pooled.coded.sum(), pooled.total.sum()
    if hits in (0, total):
        why = f"the code {'never' if hits == 0 else 'always'} occurs on both sides"
    elif sides.clusters < 2:
        why = f"one {pooled.by} only: nothing shows how much shares vary between {pooled.by}s"
    return CodeContrast(
        code, a, b, points(sides, a, b), odds.estimate, cohens_h(sides, a, b), odds.design_effect,
        odds.p_glm, None if why else score_p(sides), odds.p_chisq, why_undefined=why,
    )  # fmt: skip


def _benjamini_hochberg(p: Sequence[float | None]) -> list[float | None]:
    """Adjusted p of those that have one (Benjamini & Hochberg 1995)."""
    from scipy.stats import false_discovery_control

    adjusted = iter(false_discovery_control([value for value in p if value is not None]).tolist())
    return [None if value is None else next(adjusted) for value in p]


def _none(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
