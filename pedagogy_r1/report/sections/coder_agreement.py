"""How far coders agree, in words, tables and figures; and the units on which they do not, quoted.

“I could also share out the 9.0 V as 1.5 to 3.0.”    A: IA-PL   B: IA-MT   cues: KA-RO
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ...agreement.comparison import Comparison
from ...agreement.profile import MISSING, profiles
from ...formatting import shown
from ...limits import FEW_CLUSTERS
from ..agreement_tables import agreement_tables
from ..figures import Dot, Figure, dot_rows, heat_map
from ..reliability import LEAST_HUMANS, Agreement, measure_agreement
from ..section import Gap, Quote, Section, counted, distinct, listed
from ..study import Study

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas


def agreement_section(study: Study, found: Agreement) -> Section:
    """The section, or why there is none."""
    if len(study.data.coders) < 2:
        only = study.data.coders[0].name
        why = f"only one coder, {only}, is in these runs: there is nobody to agree with"
        gap = Gap("Reliability", f"{why}. Have a second person code some of the traces, and add that run.")
        return Section("agreement", "Agreement", absent=why, gaps=(gap,))
    gaps = [
        Gap(f"α of {' and '.join(c.coders)}", c.result.why_undefined)
        for c in found.comparisons
        if c.result.why_undefined
    ]
    gaps += [
        Gap(f"The difference in α between {name} and people", d.why_undefined)
        for name, d in found.differences
        if d.why_undefined
    ]
    if study.machines and 0 < len(study.humans) < LEAST_HUMANS:
        why = f"the alternative-annotator test needs {LEAST_HUMANS} people, and {len(study.humans)} coded"
        gaps.append(Gap("Whether the machine may replace a coder", why))
    if not study.humans:
        gaps.append(Gap("Agreement with people", "no run holds codings by people"))
    elif len(study.humans) == 1:
        gaps.append(Gap("Agreement among people", f"{study.humans[0]} is the only person who coded"))
    return Section(
        "agreement",
        "Agreement",
        _lead(study, found),
        agreement_tables(study, found),
        agreement_figures(study, found),
        gaps=tuple(gaps),
        cautions=_cautions(found),
    )


def _lead(study: Study, found: Agreement) -> tuple[str, ...]:
    level = study.data.measurement
    words = (
        f"Krippendorff's α ({level}, on the primary code) is 1 where coders always agree and 0 where they agree no more "
        "than chance would. The interval redraws whole traces, since sentences of one trace resemble each other; the one "
        "over units, given beside it, takes them for independent and is too narrow where they are not."
    )
    lines = [words]
    for name, d in found.differences:
        if d.value is not None:
            span = f" [{shown(d.low, 'signed')}, {shown(d.high, 'signed')}]" if d.interval else ""
            lines.append(
                f"On the {counted(d.n, 'unit')} that {name} and at least two people coded, people reach α = "
                f"{shown(d.first, 'coefficient')} with each other and {shown(d.second, 'coefficient')} with {name}: a "
                f"difference of {shown(d.value, 'signed')}{span}."
            )
    errors = found.errors
    if errors and errors.mean_correlation is not None and errors.effective is not None:
        lines.append(
            f"Machine coders err together: their errors against people's codes correlate by "
            f"{shown(errors.mean_correlation, 'number')} on average, so that {len(study.machines)} of them are worth "
            f"{shown(errors.effective, 'number')} that err independently."
        )
    lines += [f"May {one.machine} replace a coder? {one.verdict()}" for one in found.replacements]
    return tuple(lines)


def _cautions(found: Agreement) -> tuple[str, ...]:
    few = [c.result.clusters for c in found.comparisons if 2 <= c.result.clusters < FEW_CLUSTERS]
    cautions = []
    if few:
        cautions.append(
            f"Intervals over traces rest on {min(few)} traces; with fewer than {FEW_CLUSTERS} they tend to be too narrow."
        )
    for c in found.comparisons:
        if c.result.value is not None and max(c.result.unit_undefined_share, c.result.undefined_share) > 0:
            share = max(c.result.unit_undefined_share, c.result.undefined_share)
            cautions.append(
                f"α of {' and '.join(c.coders)} was undefined in {share:.1%} of the resamples, which are left out."
            )
    return distinct(cautions)


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
    if any(one.result.value is not None for c in chosen for one in c.per_code):
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
    return max(same, key=lambda c: (c.result.n, len(c.coders)), default=None)


KINDS = ("human-human", "human-machine", "machine-machine", "all")


def _draw_alpha(comparisons: Sequence[Comparison]) -> Canvas:
    names, rows = [], []
    for c in comparisons:
        names.append(" – ".join(c.coders))
        rows.append([Dot(c.result, group=KINDS.index(c.kind), thin=c.result.unit_interval)])
    kinds = [kind.replace("-", "–") for kind in KINDS]
    least = min([0.0, *(d.estimate.low for row in rows for d in row if d.estimate.low is not None)])
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
            row.append(Dot(result, study.palette[code], group))
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


MOST = 12
EACH = 2
"""Quotes of one and the same confusion; more would crowd out the others."""

LENGTH = 400


def disagreements(study: Study, most: int = MOST) -> tuple[tuple[Quote, ...], int]:
    """Quotes, the largest share of disagreeing pairs first, then the rarer confusion; and how many units disagree."""
    found = profiles(study.data.primary, len(study.codes))
    m = found.counts.sum(axis=1)
    share = (m**2 - (found.counts**2).sum(axis=1)) / np.maximum(m * (m - 1), 1)
    units_of = np.bincount(found.profile, minlength=len(m))
    order = [p for p in np.lexsort((units_of, -m, -share)) if share[p] > 0]
    chosen: list[int] = []
    for profile in order:
        if len(chosen) >= most:
            break
        chosen += np.flatnonzero(found.profile == profile)[:EACH].tolist()
    units = [int(found.units[i]) for i in chosen[:most]]
    texts = study.quoted({study.data.unit_ids[u] for u in units})
    quotes = tuple(
        Quote(*texts[study.data.unit_ids[u]], _said(study, u))
        for u in units
        if study.data.unit_ids[u] in texts
    )
    return quotes, int(units_of[share > 0].sum())


def _said(study: Study, unit: int) -> tuple[tuple[str, str], ...]:
    return tuple(
        (coder.name, study.codes[value])
        for coder, value in zip(study.data.coders, study.data.primary[:, unit], strict=True)
        if value != MISSING
    )


def quote_section(study: Study) -> Section:
    """Disagreements, quoted."""
    title = "Disagreements, quoted"
    if len(study.data.coders) < 2:
        return Section("quotes", title, absent="one coder cannot disagree")
    quotes, units = disagreements(study)
    if not quotes:
        shared = bool(((study.data.primary != MISSING).sum(axis=0) >= 2).any())
        why = "the coders never disagree" if shared else "no unit was coded by two coders"
        return Section("quotes", title, absent=why, gaps=() if shared else (Gap("Disagreements", why),))
    lead = (
        f"Coders give different primary codes to {counted(units, 'unit')}. Here are some on which most of them differ, rare "
        f"confusions first, at most {EACH} of a kind.",
    )
    return Section("quotes", title, lead, quotes=quotes)


def section(study: Study) -> tuple[Section, ...]:
    """For the page."""
    return agreement_section(study, study.once(measure_agreement)).at(30), quote_section(study).at(95)
