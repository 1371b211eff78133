"""Does a condition change how often a code occurs? CoP against generic, right against wrong, model against model.

    IA-PL   cop 31.5 %   generic 23.0 %   20 items   +8.5 points [+2.1, +14.7]   odds ratio 1.54 [1.13, 2.10]   family p .009

Units of one trace, and traces of one item, resemble each other. A χ² on units takes them for independent and finds
effects where there are none; here whole items are left out or swapped, which is right whether or not the conditions share
items, and where they do, what the item contributes cancels. The numbers (`share_difference.py`):

    difference   p_a − p_b, in points; limits by square-and-add of the two shares' own limits, with the correlation
                 that the clusters show (MOVER: Newcombe 1998, method 10; Zou & Donner 2008)
    odds ratio   jackknife of its log over clusters; effective counts with ½ added where a side has (nearly) none of the code
    Cohen's h    2 arcsin √p_a − 2 arcsin √p_b; square-and-add on that scale (Cohen 1988, eq. 6.2.1)
    p_single     t test of the log odds ratio, with its standard error
    p_family     over the confirmatory family: step-down max-T (`permutation.py`), never below p_single; where the traces of one
                 side visibly vary more than those of the other, never below Holm's p either
    p_bh         Benjamini–Hochberg over p_single of all other codes, for exploration

A side with fewer than five clusters, or one of which a few hold nearly all units, is compared with nothing: the estimates
stand without interval and p, and ``why_untested`` says why. What R's survey makes of the same counts is in `survey.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from ..errors import RunError, did_you_mean
from ..estimate import Estimate, Flags, compact, effective, joined
from ..limits import LEVEL, UNLIKE, UNLIKE_PAIRED
from ..runs.codings_table import of_coder
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
from .permutation import PERMUTATIONS, Permuted, max_t, unlike
from .share_difference import Sides, cohens_h, odds_ratio, points


@dataclass(frozen=True)
class CodeContrast:
    """One code, group a against group b. ``points``: difference of the shares in percentage points.

    ``design_effect``: variance of the log odds ratio over that of as many independent units. A p is ``None`` where no
    unit of both sides has the code, or every one, or no test can hold (``why_undefined``). ``confirmatory``: in the family; then ``p_family``,
    else ``p_bh``. ``p_single``: uncorrected.
    """

    code: str
    share_a: Estimate
    share_b: Estimate
    points: Estimate
    odds_ratio: Estimate
    cohens_h: Estimate
    design_effect: float | None
    p_single: float | None = None
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
    """All codes of one comparison; ``family``: the codes whose error is controlled together.

    ``effective``: clusters of equal size that would carry as much, of side a and side b; ``why_untested``: why there is no p.
    ``unlike``: how many times more traces vary on one side than on the other (`permutation.unlike`); ``holm``: that is too
    much for relabelling alone.
    """

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
    effective: tuple[float, float] = (0.0, 0.0)
    unlike: float = 1.0
    holm: bool = False
    why_untested: str | None = None
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
        head = (
            f"{self.column}: {self.a} against {self.b}, coder {self.coder}, share of {self.basis}, "
            f"{'primary code' if self.which == 'primary' else 'any code'}. Over {self.cluster}s, "
            f"{self.effective[0]:.1f} against {self.effective[1]:.1f} effective ones. "
        )
        if self.why_untested:
            return (
                f"{head}Neither intervals nor p: {self.why_untested.removeprefix('no interval, no test: ')}."
            )
        alone = self.clusters - self.shared
        how = [f"labels swapped within {self.shared} {self.cluster}s that both have"] if self.shared else []
        how += [f"permuted among {alone} {self.cluster}s that one has"] if alone else []
        drawn = f"all {self.permutations}" if self.exact else f"{self.permutations} random (seed {self.seed})"
        holm = (
            f" Shares vary {self.unlike:.1f} times as much on one side as on the other, which relabelling does not allow for: no "
            f"p is below Holm's, of t tests over {self.cluster}s."
        )
        explored = len(self.contrasts) > len(self.family)
        others = " Other codes: Benjamini-Hochberg, exploratory." if explored else ""
        return (
            f"{head}Confirmatory family of {len(self.family)}: {', '.join(self.family)}; step-down max-T over "
            f"{drawn} relabellings, {', '.join(how)}, no p below that of the code alone.{holm if self.holm else ''}{others}"
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
    by = cluster_word(clusters.count, len(compact(units.trace[both])[0]))
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
) -> ContrastFamily:
    """The comparison from sums per cluster, rows aligned: `contrast` without a table."""
    if not a.total.sum() or not b.total.sum():
        raise RunError("one side has no coded unit, or no tokens", "compare other groups")
    inside = np.array([code in family for code in codes], dtype=bool)
    found = [
        _one(code, Sides(replace(a, coded=ya), replace(b, coded=yb)), share_a, share_b, own)
        for code, own, ya, yb, share_a, share_b in zip(
            codes, inside.tolist(), a.coded.T, b.coded.T, *shares([a, b], level=level), strict=True
        )
    ]
    why, ratio, coarse = Sides(a, b).why_none(), unlike(a, b), None
    shared = int(((a.total > 0) & (b.total > 0)).sum())
    holm = ratio > (UNLIKE_PAIRED if shared == len(a.total) else UNLIKE)
    tested = None if why else max_t(a, b, inside, permutations=permutations, seed=seed)
    if tested:
        found = _with_p(found, tested, inside, holm)
        smallest = 2 / tested.permutations if tested.exact else 1 / (tested.permutations + 1)
        coarse = f"with {len(a.total)} {a.by}s no permutation p can be below {smallest:.3g}"
        coarse = coarse if smallest > 1 - level else None
    return ContrastFamily(
        a.by, len(a.total), shared,
        tuple(code for code in codes if code in family), tuple(found),
        (a.units, b.units), (a.traces, b.traces), tested.permutations if tested else 0,
        tested is not None and tested.exact, seed, level, joined(why, coarse),
        (effective(a.total), effective(b.total)), ratio, holm, why,
    )  # fmt: skip


def _one(code: str, sides: Sides, a: Estimate, b: Estimate, own: bool) -> CodeContrast:
    """Estimates, and the test that needs no permutation."""
    odds = odds_ratio(sides, a, b)
    why = sides.alike or sides.why_none()
    return CodeContrast(
        code, a, b, points(sides, a, b), odds.estimate, cohens_h(sides, a, b), sides.design_effect,
        None if why else odds.p, own, why_undefined=why,
    )  # fmt: skip


def _with_p(found: Sequence[CodeContrast], tested: Permuted, inside: Flags, holm: bool) -> list[CodeContrast]:
    """The p of each code in the family (``inside``), and of the others. Where nothing varies, a code's own p is permuted."""
    alone = [
        None if np.isnan(p) else float(p) if one.p_single is None else one.p_single
        for one, p in zip(found, tested.p, strict=True)
    ]
    least = [p if own else None for p, own in zip(alone, inside, strict=True)]
    least = _holm(least) if holm else least
    p_bh = _benjamini_hochberg([None if own else p for p, own in zip(alone, inside, strict=True)])
    return [
        replace(
            one, p_single=p, p_bh=adjusted,
            p_family=None if floor is None else max(floor, float(p_family)),
        )
        for one, p, floor, p_family, adjusted in zip(
            found, alone, least, tested.p_family, p_bh, strict=True
        )
    ]  # fmt: skip


def _holm(p: Sequence[float | None]) -> list[float | None]:
    """Adjusted p of those that have one (Holm 1979, step-down Bonferroni)."""
    adjusted = list(p)
    order = sorted((value, place) for place, value in enumerate(p) if value is not None)
    largest = 0.0
    for done, (value, place) in enumerate(order):
        largest = max(largest, min(1.0, value * (len(order) - done)))
        adjusted[place] = largest
    return adjusted


def _benjamini_hochberg(p: Sequence[float | None]) -> list[float | None]:
    """Adjusted p of those that have one (Benjamini & Hochberg 1995)."""
    given = np.array([value for value in p if value is not None])
    order = np.argsort(given)
    scaled = given[order] * (len(given) / np.arange(1, len(given) + 1))
    scaled = np.clip(np.minimum.accumulate(scaled[::-1])[::-1], 0.0, 1.0)
    by_place = np.empty(len(given))
    by_place[order] = scaled
    adjusted = iter(
        by_place.tolist()
    )  # as scipy.stats.false_discovery_control, which takes a second to import
    return [None if value is None else next(adjusted) for value in p]
