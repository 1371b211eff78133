"""α_U, the unitizing alpha of 1995 and 2004: another coefficient than ᵤα, with squared differences of unit limits.

    coder i   ──[ b_g      e_g ]────────          two units of one code that overlap: (b_g − b_h)² + (e_g − e_h)²
    coder j   ─────[ b_h          e_h ]─          a unit in a gap of the other coder: its length squared

D_o: their sum over all pairs of m coders, / (m(m − 1)/2 · L²). D_e: the same if units and gaps were placed by chance, with
N units, lengths l_g, and the gaps w of all coders (Krippendorff 1995, *Sociological Methodology* 25, 47–76; 2004, *Content
Analysis*, 2nd ed., 251–256):

    D_e = 2/L · Σ_g [ (N − 1)(2l³ − 3l² + l)/3 + l² Σ_{w ≥ l} (w − l + 1) ] / ( mL(mL − 1) − Σ_g l(l − 1) )

Code by code, and over all codes α_U = 1 − ΣD_o/ΣD_e; units of different codes may overlap. It depends on the scale: the
1995 paper's figures are the limit of ever finer units of length. Several traces: lengths add up, pairs are within a
trace, and a gap ends where its trace ends.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from .additive import Floats, Ints, percentile, trace_draws
from .continuum import Continuum, Span, coders_of, codes_of, in_order
from .unitizing import UnitizingAlpha

_BLOCK = 4_000_000  # numbers held at once by the bootstrap


@dataclass(frozen=True)
class Unitizing1995:
    """α_U over all codes and code by code. ``left_out``: continua that not all coders coded, or where a coding is missing."""

    alpha: UnitizingAlpha
    per_code: dict[str, UnitizingAlpha]
    coders: tuple[str, ...]
    n_continua: int
    left_out: int
    method: str
    replicates: int
    seed: int


class _Code(NamedTuple):
    """What D_o and D_e need of one code: numerators of D_o per continuum; units and gaps, longest gap first, with places."""

    distance: Floats
    unit: Floats
    unit_place: Ints
    gap: Floats
    gap_place: Ints


def alpha_u_1995(continua: Sequence[Continuum], *, replicates: int = 1000, seed: int = 0) -> Unitizing1995:
    """α_U of the coders of ``continua``, with percentile intervals over continua; only continua that all coders coded.

    Raises `PedagogyError` where units of one coder and one code overlap, or leave the text. O(n log n) for n units.
    """
    coders, codes = coders_of(continua), codes_of(continua)
    used = [c for c in continua if len(c.spans) == len(coders) and _complete(c)]
    length = np.array([c.length for c in used], dtype=np.float64)
    data = [_code(used, coders, code) for code in codes] if len(coders) > 1 and used else []
    parts = _drawn(data, length, len(coders), replicates, seed) if len(used) > 1 and data else None
    point = np.ones((1, len(used)))
    observed = [float(_observed(point, c, length, len(coders))[0]) for c in data]
    expected = [float(_expected(point, c, length, len(coders))[0]) for c in data]
    why = _why(coders, used, codes)
    per_code = {
        code: _result(observed[at], expected[at], None if parts is None else parts[:, :, at], why)
        for at, code in enumerate(codes)
        if data
    }
    whole = None if parts is None else parts.sum(axis=2)
    return Unitizing1995(
        alpha=_result(sum(observed), sum(expected), whole, why),
        per_code=per_code,
        coders=coders,
        n_continua=len(used),
        left_out=len(continua) - len(used),
        method="alpha_U (Krippendorff 1995, 2004); percentile bootstrap over traces",
        replicates=replicates,
        seed=seed,
    )


def _complete(continuum: Continuum) -> bool:
    return all(span.code is not None for spans in continuum.spans.values() for span in spans)


def _why(coders: Sequence[str], used: Sequence[Continuum], codes: Sequence[str]) -> str | None:
    if len(coders) < 2:
        return "there are no two coders"
    if not used:
        return "no text was coded by all coders without missing codings"
    return None if codes else "no coder chose any span"


def _result(observed: float, expected: float, parts: Floats | None, why: str | None) -> UnitizingAlpha:
    if why is None and not expected > 0:
        why = "no disagreement is possible by chance: there is no unit, or they are too short or leave no gap"
    if why:
        return UnitizingAlpha(None, why, None, None, None, "undefined", 0.0)
    if parts is None or not len(parts[0]):
        one = "one trace: there is nothing to redraw, code more traces"
        none = one if parts is None else "no resamples were asked for"
        return UnitizingAlpha(1 - observed / expected, None, observed, expected, None, none, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        found = percentile(np.where(parts[1] > 0, 1 - parts[0] / parts[1], np.nan))
    none_defined = None if found.ci else "undefined in every resample"
    return UnitizingAlpha(
        1 - observed / expected, None, observed, expected, found.ci, none_defined, found.undefined_share
    )


def _code(continua: Sequence[Continuum], coders: Sequence[str], code: str) -> _Code:
    distance = np.zeros(len(continua))
    units: list[tuple[int, int]] = []
    gaps: list[tuple[int, int]] = []
    for place, continuum in enumerate(continua):
        found = [in_order(continuum, coder, code) for coder in coders]
        for i, mine in enumerate(found):
            units += [(span.end - span.start, place) for span in mine]
            gaps += [(gap, place) for gap in _gaps(mine, continuum.length)]
            distance[place] += sum(_distance(mine, other) for other in found[:i])
    gaps.sort(reverse=True)
    unit, gap = (np.array(rows, dtype=np.int64).reshape(-1, 2).T for rows in (units, gaps))
    return _Code(distance, unit[0].astype(np.float64), unit[1], gap[0].astype(np.float64), gap[1])


def _gaps(spans: Sequence[Span], length: int) -> Iterator[int]:
    """Lengths of what lies before, between and behind a coder's units."""
    at = 0
    for span in spans:
        if span.start > at:
            yield span.start - at
        at = span.end
    if length > at:
        yield length - at


def _distance(mine: Sequence[Span], other: Sequence[Span]) -> int:
    """Squared differences of overlapping units, and squared lengths of units in gaps; both lists in order."""
    whole = 0
    met_mine, met_other = [False] * len(mine), [False] * len(other)
    g = h = 0
    while g < len(mine) and h < len(other):
        a, b = mine[g], other[h]
        if a.start < b.end and b.start < a.end:
            met_mine[g] = met_other[h] = True
            whole += (a.start - b.start) ** 2 + (a.end - b.end) ** 2
        if a.end <= b.end:
            g += 1
        else:
            h += 1
    alone = [*zip(mine, met_mine, strict=True), *zip(other, met_other, strict=True)]
    return whole + sum((span.end - span.start) ** 2 for span, met in alone if not met)


def _observed(weights: Floats, code: _Code, length: Floats, m: int) -> Floats:
    """(R,) D_o; ``weights``: (R, continua) how often each is drawn."""
    return np.asarray(2 * (weights @ code.distance) / (m * (m - 1) * (weights @ length) ** 2))


def _expected(weights: Floats, code: _Code, length: Floats, m: int) -> Floats:
    """(R,) D_e."""
    l, w = code.unit, weights[:, code.unit_place]  # noqa: E741 - the paper's symbol
    number = w.sum(axis=1)
    met = (number - 1) * (w @ ((2 * l**3 - 3 * l**2 + l) / 3))
    # Gaps come longest first: the first `fits` of them are as long as the unit or longer.
    fits = np.searchsorted(-code.gap, -l, side="right")
    drawn = weights[:, code.gap_place]
    count, room = (_running(values)[:, fits] for values in (drawn, drawn * (code.gap + 1)))
    alone = (w * l**2 * (room - l * count)).sum(axis=1)
    whole = weights @ length
    pairs = m * whole * (m * whole - 1) - w @ (l * (l - 1))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(2 / whole * (met + alone) / pairs)


def _running(values: Floats) -> Floats:
    """(R, n + 1) sums of the first 0, 1, … n columns."""
    return np.concatenate([np.zeros((len(values), 1)), np.cumsum(values, axis=1)], axis=1)


def _drawn(data: Sequence[_Code], length: Floats, m: int, replicates: int, seed: int) -> Floats:
    """(2, replicates, codes) D_o and D_e of redrawn continua."""
    rows = max(1, _BLOCK // max(len(code.gap) + len(code.unit) + 1 for code in data))
    parts = [np.empty((2, 0, len(data)))]
    for block in trace_draws(len(length), replicates, seed):
        for start in range(0, len(block), rows):
            weights = block[start : start + rows]
            pair = [
                np.column_stack([part(weights, code, length, m) for code in data])
                for part in (_observed, _expected)
            ]
            parts.append(np.stack(pair))
    return np.concatenate(parts, axis=1)
