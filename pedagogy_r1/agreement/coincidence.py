"""Coincidences of spans: how much of each coder's matter meets which of another's, in one sweep over all continua.

    edges   |  |    |   |     |        every start and end cuts the text into elementary stretches
    A       [ x     ]   [  y  ]        in each of which every coder has one code, a gap, or is missing
    B       [ x|  y     ]

Continua are laid end to end, so that ten thousand short traces cost one sort. Time O(n log n) for n spans and O(m² n)
for m coders, whatever the lengths.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from .additive import Floats, Ints
from .continuum import Continuum, in_order

Pairing = Literal["2016", "union"]

Bools = npt.NDArray[np.bool_]

_MISSING, _GAP = -1, 0


class Spans(NamedTuple):
    """One coder's spans over all continua laid end to end; the first is a sentinel that holds nothing."""

    start: Ints
    end: Ints
    code: Ints
    place: Ints


class Stretches(NamedTuple):
    """``width``, ``place``: (B,) length and continuum; ``code``, ``span``: (m, B), ``span`` 0 where there is none."""

    width: Ints
    place: Ints
    code: Ints
    span: Ints


def sums_by_continuum(
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
    cut: Stretches, i: int, width: Floats, m: Ints, others: list[Ints], mine: Spans, pairing: Pairing
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


def _per_span(span: Ints, values: Floats, spans: Spans) -> Floats:
    return _sum(span, values, len(spans.start))


def _offsets(continua: Sequence[Continuum]) -> Ints:
    """(n + 1,) where each continuum begins, and the end of the last."""
    return np.cumsum([0, *(continuum.length for continuum in continua)], dtype=np.int64)


def _spans(continua: Sequence[Continuum], coder: str, codes: Sequence[str]) -> Spans:
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
    return Spans(*np.array(rows, dtype=np.int64).T)


def _stretches(continua: Sequence[Continuum], spans: Sequence[Spans]) -> Stretches:
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
    return Stretches(np.diff(edges), place, code, span)
