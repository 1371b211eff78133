"""The unitizing α family: agreement of coders who chose their own spans (Krippendorff, Mathet, Bouvry & Widlöcher
2016, *Quality & Quantity* 50, 2347–2364; erratum 10.1007/s11135-015-0289-7).

    ᵤα     units and gaps, where they lie and how they are coded        of the whole text
    |ᵤα    coded matter against gaps, whatever the code
    cᵤα    the codes, where coded matter of two coders intersects        coverage: share of the text that this is
    (k)ᵤα  one code k, there                                             coverage: share of k that intersects

Every coder's units and gaps fill the text. ℓ_ck = Σ_i Σ_{j≠i} |c-matter of coder i ∩ k-matter of coder j| / (m − 1), the
observed coincidences of m coders; ℓ_c = Σ_k ℓ_ck, ℓ = Σ_c ℓ_c; ε_ck what chance would give, where no unit is paired with
itself, so that with T = Σ (length of unit)² + Σ (length of gap) (eq. 4):

    ᵤα = 1 − (ℓ − Σ_c ℓ_cc) / (ℓ Σ_c ℓ_c(ℓ − ℓ_c) / (ℓ² − T))          the terms of T in ε_cc cancel

cᵤα and (k)ᵤα take ℓ* over coded matter only and pair by intersections (eq. 10): T* = Σ_i Σ_g Σ_{j≠i} |g ∩ coded by j|² /
(m − 1). Another pairing circulates, T* = Σ_i Σ_g |g ∩ coded by anybody else|² (quallmer, after Krippendorff 2019): the
same for two coders, another number for three or more; it is here as ``pairing="union"`` to compare with.

Several traces are one text laid end to end (exactly: no unit reaches across a border, and a gap counts by its length, so
a border inside it changes nothing). Hence all sums are over traces, and a bootstrap redraws traces. Where a coder is
missing, m is that of the coders who are there, and matter of fewer than two is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from ..errors import PedagogyError, did_you_mean
from .additive import CONFIDENCE, Floats, percentile, trace_draws
from .coincidence import Pairing, sums_by_continuum
from .continuum import Continuum, coders_of, codes_of

PAIRINGS = ("2016", "union")
FEW = 10
"""Below so many traces a bootstrap over traces gives intervals that are too narrow, and the result says so."""

_NOTHING = 1e-12  # relative; below it a difference of lengths is rounding


@dataclass(frozen=True)
class UnitizingAlpha:
    """One coefficient, or why it is undefined; α = 1 − observed / expected (shares of disagreement).

    ``ci``: 95 % percentile interval over traces, else ``why_no_interval``. ``undefined_share``: of the resamples, left
    out. ``coverage``: see the family's table.
    """

    estimate: float | None
    why_undefined: str | None
    observed: float | None
    expected: float | None
    ci: tuple[float, float] | None
    why_no_interval: str | None
    undefined_share: float
    coverage: float | None = None


@dataclass(frozen=True)
class Unitizing:
    """The family. ``length``: characters that two coders or more coded; ``left_out``: characters (of all continua) that
    fewer did. ``absent``: by coder, the continua that the coder did not code."""

    u: UnitizingAlpha
    binary: UnitizingAlpha
    coded: UnitizingAlpha
    per_code: dict[str, UnitizingAlpha]
    coders: tuple[str, ...]
    n_continua: int
    length: int
    left_out: int
    absent: dict[str, int]
    method: str
    warning: str | None
    replicates: int
    seed: int

    def as_json(self) -> dict[str, Any]:
        """Plain values for a file."""
        return asdict(self)


def unitizing_alpha(
    continua: Sequence[Continuum],
    *,
    pairing: Literal["2016", "union"] = "2016",
    replicates: int = 1000,
    seed: int = 0,
) -> Unitizing:
    """ᵤα, |ᵤα, cᵤα and every (k)ᵤα of the coders of ``continua`` (nominal codes), with intervals over continua.

    From runs: ``unitizing_alpha(continua_of([CoderRun("runs/A"), CoderRun("runs/B")]))``. Raises `PedagogyError` naming
    continuum, coder and offsets where spans of one coder overlap or leave the text. Data for which a coefficient is
    undefined raise nothing: ``why_undefined`` says why. O(n log n) in the number of spans, whatever the length.

    >>> from .continuum import Span
    >>> text = Continuum("t", 20, {"A": [Span(2, 5, "x"), Span(9, 12, "y")], "B": [Span(2, 6, "x")]})
    >>> round(unitizing_alpha([text]).u.estimate, 3)
    0.521
    """
    if pairing not in PAIRINGS:
        raise PedagogyError(f"no pairing is named {pairing!r}", did_you_mean(pairing, list(PAIRINGS)))
    coders, codes = coders_of(continua), codes_of(continua)
    sums, lengths = sums_by_continuum(continua, coders, codes, pairing)
    used = np.flatnonzero(lengths > 0)
    results = _results(sums[used], codes, replicates, seed)
    return Unitizing(
        u=results[0],
        binary=results[1],
        coded=results[2],
        per_code=dict(zip(codes, results[3:], strict=True)),
        coders=coders,
        n_continua=len(used),
        length=round(lengths.sum()),
        left_out=sum(c.length for c in continua) - round(lengths.sum()),
        absent={coder: sum(coder not in c.spans for c in continua) for coder in coders},
        method=_method(pairing, len(coders)),
        warning=_warning(len(used)),
        replicates=replicates,
        seed=seed,
    )


def _results(sums: Floats, codes: Sequence[str], replicates: int, seed: int) -> list[UnitizingAlpha]:
    point = sums.sum(axis=0)
    observed, expected = _disagreement(point[None])
    drawn, why_no_interval = _resampled(sums, replicates, seed)
    total, _, cross, _ = _by_code(point[None])[:, 0]
    coverage = [None, None, _share(cross.sum(), total.sum()), *map(_share, cross[1:], total[1:])]
    results = []
    for at, reason in enumerate(_reasons(point, expected[0], codes)):
        if reason:
            results.append(UnitizingAlpha(None, reason, None, None, None, "undefined", 0.0, coverage[at]))
            continue
        interval = percentile(drawn[:, at])
        o, e = float(observed[0, at]), float(expected[0, at])
        results.append(
            UnitizingAlpha(
                1 - o / e,
                None,
                o,
                e,
                interval.ci,
                why_no_interval or (None if interval.ci else "undefined in every resample"),
                interval.undefined_share,
                coverage[at],
            )
        )
    return results


def _resampled(sums: Floats, replicates: int, seed: int) -> tuple[Floats, str | None]:
    """(replicates, coefficients) α of redrawn continua, or why there are none."""
    n, width = len(sums), sums.shape[1] // 4 + 2
    if n < 2:
        return np.empty((0, width)), "one trace: there is nothing to redraw, code more traces"
    if not replicates:
        return np.empty((0, width)), "no resamples were asked for"
    parts = []
    for weights in trace_draws(n, replicates, seed):
        observed, expected = _disagreement(weights @ sums)
        with np.errstate(invalid="ignore", divide="ignore"):
            parts.append(1 - observed / expected)
    return np.concatenate(parts), None


def _disagreement(sums: Floats) -> tuple[Floats, Floats]:
    """Observed and expected share of disagreement: (R, F) sums → two (R, 3 + codes), NaN where undefined."""
    total, same, cross, paired = _by_code(sums)
    gap, square = sums[:, -2], sums[:, -1]
    n, crossed = total.sum(axis=1), cross.sum(axis=1)
    free = _positive(n**2 - square, n**2)
    free_cross = _positive(crossed**2 - paired.sum(axis=1), crossed**2)
    with np.errstate(invalid="ignore", divide="ignore"):
        observed = [
            1 - same.sum(axis=1) / n,
            2 * gap / n,
            1 - same[:, 1:].sum(axis=1) / crossed,
            *(1 - same[:, 1:] / cross[:, 1:]).T,
        ]
        row = _positive(cross * crossed[:, None] - paired, (cross * crossed[:, None]))
        expected = [
            _others(total).sum(axis=1) / free,
            2 * total[:, 0] * total[:, 1:].sum(axis=1) / free,
            _others(cross).sum(axis=1) / free_cross,
            *(_others(cross) / row)[:, 1:].T,
        ]
        both = np.column_stack(observed), np.column_stack(expected)
    return both[0], np.where(both[1] > 0, both[1], np.nan)


def _by_code(sums: Floats) -> Floats:
    """(4, R, 1 + codes): per code (0: gap) its length, what coincides with the same, what coincides with coded matter,
    and its part of T*."""
    return sums[:, :-2].reshape(len(sums), 4, -1).transpose(1, 0, 2)


def _others(lengths: Floats) -> Floats:
    """ℓ_c(ℓ − ℓ_c) for each c; 0 where the difference is rounding."""
    whole = lengths.sum(axis=1, keepdims=True)
    rest = whole - lengths
    return lengths * np.where(rest > _NOTHING * whole, rest, 0.0)


def _positive(value: Floats, scale: Floats) -> Floats:
    return np.where(value > _NOTHING * scale, value, np.nan)


def _share(part: float, whole: float) -> float | None:
    return float(part / whole) if whole else None


def _reasons(point: Floats, expected: Floats, codes: Sequence[str]) -> list[str | None]:
    """For each coefficient why it is undefined, or ``None``."""
    total, _, cross, _ = _by_code(point[None])[:, 0]
    if not total.sum():
        return ["no text was coded by two coders"] * (3 + len(codes))
    reasons: list[str | None] = [None] * len(expected)
    for at in np.flatnonzero(np.isnan(expected)).tolist():
        if at == 0:
            what = "left everything uncoded" if total[0] else "gave everything the same code"
            reasons[at] = f"all coders {what}, so there is nothing that chance could confuse"
        elif at == 1:
            what = "coded nothing" if total[0] else "left no gap"
            reasons[at] = f"all coders {what}, so there is nothing that chance could confuse"
        elif at == 2:
            reasons[at] = _why_coded(cross)
        else:
            reasons[at] = _why_code(cross, at - 2, codes[at - 3])
    return reasons


_TOO_LITTLE = (
    "too little coded matter intersects for {m}: its expected coincidences under chance are not positive"
)


def _why_coded(cross: Floats) -> str:
    if not cross.sum():
        return "nowhere did two coders code the same matter"
    if np.count_nonzero(cross) == 1:
        return "wherever coded matter intersects it has one and the same code"
    return _TOO_LITTLE.format(m="so many coders")


def _why_code(cross: Floats, at: int, code: str) -> str:
    if not cross[at]:
        return f"no span coded {code} intersects another coder's span"
    if np.count_nonzero(cross) == 1:
        return f"wherever coded matter intersects it is coded {code}"
    return _TOO_LITTLE.format(m=code)


def _method(pairing: Pairing, coders: int) -> str:
    text = f"u-alpha family (Krippendorff et al. 2016, with its erratum); {CONFIDENCE:.0%} percentile bootstrap over traces"
    if pairing == "union":
        return text + "; cu- and (k)u-alpha paired by the union of the others' spans, for comparison only"
    return text + (
        "; cu- and (k)u-alpha paired by intersections (eq. 10), which for three or more coders differs from the union "
        "pairing also in circulation"
        if coders > 2
        else ""
    )


def _warning(n: int) -> str | None:
    if 1 < n < FEW:
        return f"only {n} traces: the intervals are rough, and rather too narrow"
    return None
