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
a border inside it changes nothing). Hence all sums are over traces, and intervals leave out (or redraw) traces. Where a coder is
missing, m is that of the coders who are there, and matter of fewer than two is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, Literal, NamedTuple

import numpy as np

from ..errors import PedagogyError, did_you_mean
from ..estimate import BOOTSTRAP, Estimate, Interval, Resampling, over_clusters
from ..formatting import level_words
from ..limits import LEVEL
from ..runs.run import CoderRun
from .continuum import Continuum, coders_of, codes_of, continua_of, in_order
from .profile import MISSING, Floats, Ints

Pairing = Literal["2016", "union"]
PAIRINGS = ("2016", "union")

_MISSING, _GAP = -1, 0
_NOTHING = 1e-12  # relative; below it a difference of lengths is rounding


@dataclass(frozen=True)
class UnitizingAlpha(Estimate):
    """One coefficient over traces; α = 1 − observed / expected (shares of disagreement). ``coverage``: see the family's
    table."""

    observed: float | None = None
    expected: float | None = None
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

    @property
    def family(self) -> dict[str, UnitizingAlpha]:
        """All coefficients, by name."""
        codes = {f"({code})u": alpha for code, alpha in self.per_code.items()}
        return {"u": self.u, "|u": self.binary, "cu": self.coded, **codes}

    def as_json(self) -> dict[str, Any]:
        """Plain values for a file."""
        return asdict(self)


def unitizing_alpha(
    continua: Sequence[Continuum],
    *,
    pairing: Pairing = "2016",
    replicates: int = 1000,
    seed: int = 0,
    level: float = LEVEL,
    interval: Interval = "jackknife",
) -> Unitizing:
    """ᵤα, |ᵤα, cᵤα and every (k)ᵤα of the coders of ``continua`` (nominal codes), with intervals over continua.

    From runs: ``unitizing_alpha(continua_of([CoderRun("runs/A"), CoderRun("runs/B")]))``. Raises `PedagogyError` naming
    continuum, coder and offsets where spans of one coder overlap or leave the text. Data for which a coefficient is
    undefined raise nothing: ``why_undefined`` says why. O(n log n) in the number of spans, whatever the length.

    >>> from .continuum import Span
    >>> text = Continuum("t", 20, {"A": [Span(2, 5, "x"), Span(9, 12, "y")], "B": [Span(2, 6, "x")]})
    >>> round(unitizing_alpha([text]).u.value, 3)
    0.521
    """
    if pairing not in PAIRINGS:
        raise ValueError(f"no pairing is named {pairing!r}: {did_you_mean(pairing, list(PAIRINGS))}")
    coders, codes = coders_of(continua), codes_of(continua)
    sums, lengths = _sums_by_continuum(continua, coders, codes, pairing)
    used = np.flatnonzero(lengths > 0)
    results = _results(sums[used], lengths[used], codes, Resampling(replicates, seed, level, interval))
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
        method=_method(pairing, len(coders), Resampling(replicates, seed, level, interval)),
    )


class ChosenSpans(NamedTuple):
    """Coders who chose their own units: how many of the ``total`` two of them chose alike, and ᵤα over the whole text."""

    alike: int
    total: int
    alpha: Estimate

    @property
    def share(self) -> float:
        """Of the units that any of them chose."""
        return self.alike / self.total if self.total else 0.0


def chosen_spans(
    runs: Sequence[CoderRun], names: Sequence[str], primary: Ints, how: Resampling
) -> ChosenSpans | None:
    """Of coders ``names`` with codes ``primary`` (coders, units); ``None`` where not all of them chose their units."""
    chose = {name for run in runs for own in run.choosers for name in (own, f"{own}@{run.name}")}
    if len(names) < 2 or not chose.issuperset(names):
        return None
    times = (primary != MISSING).sum(axis=0)
    try:
        continua = continua_of([run for run in runs if run.own_units], coders=names, partial=True)
        alpha: Estimate = unitizing_alpha(
            continua, replicates=how.replicates, seed=how.seed, level=how.level, interval=how.interval
        ).u
    except PedagogyError as error:
        alpha = Estimate.undefined(error.message)
    return ChosenSpans(int((times >= 2).sum()), int((times > 0).sum()), alpha)


def _results(sums: Floats, lengths: Floats, codes: Sequence[str], how: Resampling) -> list[UnitizingAlpha]:
    point = sums.sum(axis=0)
    observed, expected = _disagreement(point[None])
    total, _, cross, _ = _by_code(point[None])[:, 0]
    coverage = [None, None, _share(cross.sum(), total.sum()), *map(_share, cross[1:], total[1:])]
    results = []
    for at, reason in enumerate(_reasons(point, expected[0], codes)):
        over = over_clusters(partial(_alpha_at, at), sums, lengths, how, scale="agreement")
        if reason:
            known = {field: over[field] for field in ("level", "n", "clusters", "effective_clusters")}
            results.append(UnitizingAlpha.undefined(reason, coverage=coverage[at], **known))
            continue
        o, e = float(observed[0, at]), float(expected[0, at])
        results.append(UnitizingAlpha(1 - o / e, **over, observed=o, expected=e, coverage=coverage[at]))
    return results


def _alpha_at(at: int, sums: Floats) -> Floats:
    """(R, F) sums → (R,) one of the coefficients."""
    observed, expected = _disagreement(sums)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(1 - observed[:, at] / expected[:, at])


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
        return ["no text was coded by two coders"] * len(expected)
    alike = "all coders {}, so there is nothing that chance could confuse"
    reasons = [
        alike.format("left everything uncoded" if total[0] else "gave everything the same code"),
        alike.format("coded nothing" if total[0] else "left no gap"),
        _why_uncoded(
            cross,
            cross.sum(),
            "nowhere did two coders code the same matter",
            "it has one and the same code",
            "so many coders",
        ),
        *(
            _why_uncoded(
                cross,
                own,
                f"no span coded {code} intersects another coder's span",
                f"it is coded {code}",
                code,
            )
            for own, code in zip(cross[1:], codes, strict=True)
        ),
    ]
    return [
        reason if undefined else None for reason, undefined in zip(reasons, np.isnan(expected), strict=True)
    ]


def _why_uncoded(cross: Floats, own: float, nowhere: str, same: str, what: str) -> str:
    if not own:
        return nowhere
    if np.count_nonzero(cross) == 1:
        return f"wherever coded matter intersects {same}"
    return f"too little coded matter intersects for {what}: its expected coincidences under chance are not positive"


def _method(pairing: Pairing, coders: int, how: Resampling) -> str:
    way = "jackknife" if how.interval != BOOTSTRAP else "percentile bootstrap"
    text = f"u-alpha family (Krippendorff et al. 2016, with its erratum); {level_words(how.level, '')} {way} over traces"
    if pairing == "union":
        return text + "; cu- and (k)u-alpha paired by the union of the others' spans, for comparison only"
    return text + (
        "; cu- and (k)u-alpha paired by intersections (eq. 10), which for three or more coders differs from the union "
        "pairing also in circulation"
        if coders > 2
        else ""
    )


# Coincidences of spans: how much of each coder's matter meets which of another's, in one sweep over all continua.
#
#     edges   |  |    |   |     |        every start and end cuts the text into elementary stretches
#     A       [ x     ]   [  y  ]        in each of which every coder has one code, a gap, or is missing
#     B       [ x|  y     ]
#
# Continua are laid end to end, so that ten thousand short traces cost one sort. Time O(n log n) for n spans and O(m² n)
# for m coders, whatever the lengths.


class _Spans(NamedTuple):
    """One coder's spans over all continua laid end to end; the first is a sentinel that holds nothing."""

    start: Ints
    end: Ints
    code: Ints
    place: Ints


class _Stretches(NamedTuple):
    """``width``, ``place``: (B,) length and continuum; ``code``, ``span``: (m, B), ``span`` 0 where there is none."""

    width: Ints
    place: Ints
    code: Ints
    span: Ints


def _sums_by_continuum(
    continua: Sequence[Continuum], coders: Sequence[str], codes: Sequence[str], pairing: Pairing
) -> tuple[Floats, Floats]:
    """(n, 4 (1 + codes) + 2) sums and (n,) lengths that two coders or more coded.

    Per continuum, per code (0: gap): length over coders, coincidence with the same code, coincidence with coded matter,
    part of T*; then coincidence of gaps with coded matter, and T.
    """
    spans = [_spans(continua, coder, codes) for coder in coders]
    cut = _stretches(continua, spans)
    n, size = len(continua), len(codes) + 1
    m = (cut.code != _MISSING).sum(axis=0)
    width = np.where(m >= 2, cut.width, 0).astype(np.float64)
    weight = width / np.maximum(m - 1, 1)
    by_code = np.zeros((4, n * size))
    gap, square = np.zeros(n), np.zeros(n)
    for i, mine in enumerate(cut.code):
        here = mine != _MISSING
        cell = cut.place * size + np.maximum(mine, 0)
        by_code[0] += _sum(cell, width * here, n * size)
        others = [other for j, other in enumerate(cut.code) if j != i]
        for other in others:
            by_code[1] += _sum(cell, weight * ((mine == other) & here), n * size)
            by_code[2] += _sum(cell, weight * ((mine > _GAP) & (other > _GAP)), n * size)
            gap += _sum(cut.place, weight * ((mine == _GAP) & (other > _GAP)), n)
        square += _sum(cut.place, width * (mine == _GAP), n)
        square += _sum(spans[i].place, _per_span(cut.span[i], width * (mine > _GAP), spans[i]) ** 2, n)
        by_code[3] += _sum(
            spans[i].place * size + np.maximum(spans[i].code, 0),
            _paired(cut, i, width, m, others, spans[i], pairing),
            n * size,
        )
    sums = by_code.reshape(4, n, size).transpose(1, 0, 2).reshape(n, 4 * size)
    return np.column_stack([sums, gap, square]), _sum(cut.place, width, n)


def _paired(
    cut: _Stretches, i: int, width: Floats, m: Ints, others: list[Ints], mine: _Spans, pairing: Pairing
) -> Floats:
    """(spans,) each span's part of T*; with missing coders the m of each stretch."""
    coded = cut.code[i] > _GAP
    if pairing == "union":
        met = np.zeros_like(coded)
        for other in others:
            met |= other > _GAP
        return _per_span(cut.span[i], width * (coded & met), mine) ** 2
    weight = width / np.sqrt(np.maximum(m - 1, 1))
    part = np.zeros(len(mine.start))
    for other in others:
        part += _per_span(cut.span[i], weight * (coded & (other > _GAP)), mine) ** 2
    return part


def _sum(place: Ints, values: Floats, n: int) -> Floats:
    return np.asarray(np.bincount(place, values, minlength=n), dtype=np.float64)


def _per_span(span: Ints, values: Floats, spans: _Spans) -> Floats:
    return _sum(span, values, len(spans.start))


def _offsets(continua: Sequence[Continuum]) -> Ints:
    """(n + 1,) where each continuum begins, and the end of the last."""
    return np.cumsum([0, *(continuum.length for continuum in continua)], dtype=np.int64)


def _spans(continua: Sequence[Continuum], coder: str, codes: Sequence[str]) -> _Spans:
    """A coder's spans; a continuum that the coder did not code is one missing stretch."""
    index: dict[str | None, int] = {code: at for at, code in enumerate(codes, 1)} | {None: _MISSING}
    rows = [(-1, -1, _GAP, 0)]
    for place, (offset, continuum) in enumerate(zip(_offsets(continua).tolist(), continua, strict=False)):
        if coder not in continuum.spans:
            rows.append((offset, offset + continuum.length, _MISSING, place))
            continue
        rows += [
            (offset + span.start, offset + span.end, index[span.code], place)
            for span in in_order(continuum, coder)
        ]
    return _Spans(*np.array(rows, dtype=np.int64).T)


def _stretches(continua: Sequence[Continuum], spans: Sequence[_Spans]) -> _Stretches:
    offsets = _offsets(continua)
    edges = np.unique(np.concatenate([offsets, *(edge[1:] for s in spans for edge in (s.start, s.end))]))
    left = edges[:-1]
    code = np.zeros((len(spans), len(left)), dtype=np.int64)
    span = np.zeros_like(code)
    for row, mine in enumerate(spans):
        at = np.searchsorted(mine.start, left, side="right") - 1
        inside = left < mine.end[at]
        span[row] = np.where(inside, at, 0)
        code[row] = np.where(inside, mine.code[at], _GAP)
    place = np.searchsorted(offsets, left, side="right") - 1
    return _Stretches(np.diff(edges), place, code, span)
