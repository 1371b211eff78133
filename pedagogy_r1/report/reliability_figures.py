"""The figures of the agreement section: α of each group of coders, of each code, and what is taken for what."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..agreement import Comparison
from .figure import Figure
from .figures import Dot, dot_rows, heat_map
from .reliability import Agreement
from .section import listed
from .study import Study

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas


def agreement_figures(study: Study, found: Agreement) -> tuple[Figure, ...]:
    """Those that the data allow."""
    figures = [
        Figure(
            "alpha",
            "Krippendorff's α of each group of coders. Thick: 95 % interval over traces; hair line: over units. Dashed: "
            "Krippendorff's limits for tentative conclusions (.667) and for reliable ones (.800).",
            lambda: _draw_alpha(found.comparisons),
        )
    ]
    chosen = [c for c in (_first(found, "human-human"), _first(found, "human-machine")) if c]
    chosen = chosen or list(found.comparisons[:1])
    if any(one.result.alpha is not None for c in chosen for one in c.per_code):
        figures.append(
            Figure(
                "alpha_by_code",
                "α of each code's presence, "
                + listed([f"{c.kind.replace('-', '–')} ({' – '.join(c.coders)})" for c in chosen])
                + ". Bars: 95 % intervals over traces. A code without a mark is undefined there.",
                lambda: _draw_codes(study, chosen),
            )
        )
    if found.confusion is not None:
        rows, machine = found.confusion_of
        figures.append(
            Figure(
                "confusion",
                f"What {machine} said where {rows} said the code in the row: counts of units, coloured by their share of the "
                "row. The diagonal is agreement.",
                lambda: _draw_confusion(study, found),
            )
        )
    return tuple(figures)


def _first(found: Agreement, kind: str) -> Comparison | None:
    same = found.of_kind(kind)
    return max(same, key=lambda c: (c.result.n_units, len(c.coders)), default=None)


KINDS = ("human-human", "human-machine", "machine-machine", "all")


def _draw_alpha(comparisons: Sequence[Comparison]) -> Canvas:
    names, rows = [], []
    for c in comparisons:
        low, high = c.result.ci_cluster or (None, None)
        names.append(" – ".join(c.coders))
        rows.append([Dot(c.result.alpha, low, high, group=KINDS.index(c.kind), thin=c.result.ci)])
    kinds = [kind.replace("-", "–") for kind in KINDS]
    least = min([0.0, *(d.low for row in rows for d in row if d.low is not None)])
    return dot_rows(
        names,
        rows,
        axis="Krippendorff's α",
        groups=kinds,
        marks={0.667: ".667", 0.8: ".800"},
        limits=(least - 0.03, 1.02),
    )


def _draw_codes(study: Study, chosen: Sequence[Comparison]) -> Canvas:
    rows: list[list[Dot]] = []
    names = [one.code for one in chosen[0].per_code]
    for k, code in enumerate(names):
        row = []
        for group, c in enumerate(chosen):
            result = c.per_code[k].result
            low, high = result.ci_cluster or (None, None)
            row.append(Dot(result.alpha, low, high, study.palette[code], group))
        rows.append(row)
    groups_ = [f"{c.kind.replace('-', '–')} ({' – '.join(c.coders)})" for c in chosen]
    return dot_rows(
        names,
        rows,
        axis="α of presence or absence",
        groups=groups_,
        marks={0.667: ".667", 0.8: ".800"},
        limits=(None, 1.02),
    )


def _draw_confusion(study: Study, found: Agreement) -> Canvas:
    assert found.confusion is not None
    counts = found.confusion
    used = np.flatnonzero(counts.sum(axis=0) + counts.sum(axis=1))
    own = counts[np.ix_(used, used)]
    total = own.sum(axis=1, keepdims=True)
    share = np.divide(own, total, out=np.full(own.shape, np.nan), where=own > 0)
    names = [study.codes[k] for k in used]
    texts = [[f"{n:,}" if n else "" for n in row] for row in own.tolist()]
    rows, machine = found.confusion_of
    return heat_map(
        names, names, share, texts, row_axis=rows, axis=machine, scale="share of the row", span=(0, 1)
    )
