"""How far coders agree, in words, tables and figures; and the units on which they do not, quoted.

“I could also share out the 9.0 V as 1.5 to 3.0.”    A: IA-PL   B: IA-MT   cues: KA-RO
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np

from ...agreement.code_accuracy import EACH
from ...agreement.comparison import KINDS, Comparison
from ...agreement.profile import MISSING
from ...estimate import Ints, joined
from ...formatting import counted, interval, shown
from ...limits import ALPHA_RELIABLE, ALPHA_TENTATIVE
from ..figures.dot_plot import Dot, dot_rows
from ..figures.figure import Figure
from ..figures.heat_maps import heat_map
from ..people_confusion import measure_people_confusion
from ..section import (
    NO_INTERVAL,
    Gap,
    Quote,
    Section,
    interval_methods,
    listed,
    no_interval,
    no_intervals,
    shortened,
)
from ..study import NOT_ADDED_UP, Study
from ..study_agreement import LEAST_HUMANS, Agreement, agreement_tables, measure_agreement

LIMITS = {limit: shown(limit) for limit in (ALPHA_TENTATIVE, ALPHA_RELIABLE)}


def agreement_section(study: Study, found: Agreement) -> Section:
    """The section, or why there is none."""
    if len(study.data.coders) < 2:
        only = study.data.coders[0].name
        why = f"only one coder, {only}, is in these runs: there is nobody to agree with"
        gap = Gap("Reliability", f"{why}. Have a second person code some of the traces, and add that run.")
        return Section("agreement", "Agreement", absent=why, gaps=(gap,))
    return Section(
        "agreement",
        "Agreement",
        tuple(_lead(study, found)),
        tuple(agreement_tables(study, found)),
        tuple(_figures(study, found)),
        gaps=tuple(_gaps(study, found)),
        cautions=joined(*_cautions(found)),
    )


def _gaps(study: Study, found: Agreement) -> Iterator[Gap]:
    for c in found.comparisons:
        if c.result.why_undefined:
            yield Gap(f"α of {' – '.join(c.coders)}", c.result.why_undefined)
    for name, d in found.report.differences.items():
        if d.why_undefined:
            yield Gap(f"The difference in α between {name} and people", d.why_undefined)
    if study.machines and 0 < len(study.humans) < LEAST_HUMANS:
        why = f"the alternative-annotator test needs {LEAST_HUMANS} people, and {len(study.humans)} coded"
        yield Gap("Whether the machine may replace a coder", why)
    elif study.tally is not None and study.machines and study.humans:
        yield Gap("Whether the machine may replace a coder", NOT_ADDED_UP)
    if not study.humans:
        yield Gap("Agreement with people", "no run holds codings by people")
    elif len(study.humans) == 1:
        yield Gap("Agreement among people", f"{study.humans[0]} is the only person who coded")


def _lead(study: Study, found: Agreement) -> Iterator[str]:
    yield (
        f"Krippendorff's α ({study.data.measurement}, on the primary code) is 1 where coders always agree and 0 where they agree no "
        f"more than chance would. {_intervals(found)}Intervals over units, where they stand beside, take units of one trace for independent and "
        "are too narrow where those resemble each other."
    )
    for name, d in found.report.differences.items():
        if d.value is not None:
            span = f" {interval(d.low, d.high, 'signed')}" if d.interval else f" ({no_interval(d)})"
            yield (
                f"On the {counted(d.n, 'unit')} that {name} and at least two people coded, people reach α = "
                f"{shown(d.first)} with each other and {shown(d.second)} with {name}: a difference of "
                f"{shown(d.value, 'signed')}{span}."
            )
    errors = found.report.machine_errors
    if errors and errors.mean_correlation is not None and errors.effective is not None:
        yield (
            f"The errors of machine coders against people's codes correlate by {shown(errors.mean_correlation, 'number')} on average "
            f"(1: the same errors, 0: unrelated ones): {len(study.machines)} of them are worth "
            f"{shown(errors.effective, 'number')} whose errors are unrelated."
        )
    for one in found.report.replacements:
        yield f"May {one.machine} replace a coder? {one.verdict()}"


def _intervals(found: Agreement) -> str:
    """How the intervals over traces were made, if there are any."""
    made = interval_methods(c.result for c in found.comparisons)
    return f"Intervals: {made}, since units of one trace resemble each other. " if made else ""


def _cautions(found: Agreement) -> Iterator[str]:
    more: dict[str, list[str]] = {}
    for c in found.comparisons:
        for w in c.result.warnings:
            if not w.startswith(NO_INTERVAL):
                more.setdefault(w, []).append(" – ".join(c.coders))
    yield from (f"α of {shortened(names)}: {w}." for w, names in more.items())
    yield from no_intervals(((" – ".join(c.coders), c.result) for c in found.comparisons), "α of")
    for c in found.comparisons:
        share = max(c.result.unit_undefined_share, c.result.undefined_share)
        if c.result.value is not None and share > 0:
            lost = shown(share, "share") if share >= 0.001 else "under 0.1 %"
            yield f"α of {' – '.join(c.coders)}: {lost} of the resamples have none and are left out."


def _figures(study: Study, found: Agreement) -> Iterator[Figure]:
    """Those that the data allow."""
    yield _alpha_figure(study, found.comparisons)
    both = [_first(found, "human-human"), _first(found, "human-machine")]
    chosen = [c for c in both if c] or list(found.comparisons[:1])
    if any(one.result.value is not None for c in chosen for one in c.per_code):
        yield _code_figure(study, chosen)
    people = study.once(measure_people_confusion)
    if people is not None:
        caption = (
            f"What {listed(people.people)} said of the same units: counts, coloured by their share of the row. The diagonal is agreement."
            f"{'' if len(people.people) == 2 else ' Every pair of people counts both ways.'}"
        )
        yield _confusion_figure(study, "confusion_people", caption, people.counts, *people.sides)
    rows, columns = found.confusion_of
    if found.confusion is not None and columns not in study.humans:
        caption = (
            f"What {columns} said where {rows} said the code in the row: counts of units, coloured by their share of the "
            "row. The diagonal is agreement."
        )
        yield _confusion_figure(study, "confusion", caption, found.confusion, rows, columns)


def _first(found: Agreement, kind: str) -> Comparison | None:
    return max(found.of_kind(kind), key=lambda c: (c.result.n, len(c.coders)), default=None)


def _named(c: Comparison) -> str:
    return f"{c.kind.replace('-', '–')} ({' – '.join(c.coders)})"


def _alpha_figure(study: Study, comparisons: Sequence[Comparison]) -> Figure:
    tentative, reliable = LIMITS.values()
    least = min([0.0, *(c.result.low for c in comparisons if c.result.low is not None)])
    return Figure(
        "alpha",
        f"Krippendorff's α of each group of coders. Thick: {study.settings.percent} interval over traces; hair line: over units. "
        f"Dashed: Krippendorff's limits for tentative conclusions ({tentative}) and for reliable ones ({reliable}).",
        partial(
            dot_rows,
            [" – ".join(c.coders) for c in comparisons],
            [[Dot(c.result, group=KINDS.index(c.kind), thin=c.result.unit_interval)] for c in comparisons],
            axis="Krippendorff's α",
            groups=[kind.replace("-", "–") for kind in KINDS],
            marks=LIMITS,
            limits=(least - 0.03, 1.02),
        ),
    )


def _code_figure(study: Study, chosen: Sequence[Comparison]) -> Figure:
    names, groups = [one.code for one in chosen[0].per_code], [_named(c) for c in chosen]
    rows = [
        [Dot(c.per_code[k].result, study.palette[code], group) for group, c in enumerate(chosen)]
        for k, code in enumerate(names)
    ]
    axis = "α of presence or absence"
    return Figure(
        "alpha_by_code",
        f"α of each code's presence, {listed(groups)}. Bars: {study.settings.percent} intervals over traces. A code "
        "without a mark is undefined there.",
        partial(
            dot_rows,
            study.called_codes(names),
            rows,
            axis=axis,
            groups=groups,
            marks=LIMITS,
            limits=(None, 1.02),
        ),
    )


def _confusion_figure(study: Study, name: str, caption: str, counts: Ints, rows: str, columns: str) -> Figure:
    used = np.flatnonzero(counts.sum(axis=0) + counts.sum(axis=1))
    own = counts[np.ix_(used, used)]
    total = own.sum(axis=1, keepdims=True)
    share = np.divide(own, total, out=np.full(own.shape, np.nan), where=own > 0)
    names = study.called_codes(study.codes[k] for k in used)
    texts = [[f"{n:,}" if n else "" for n in row] for row in own.tolist()]
    draw = partial(
        heat_map, names, names, share, texts, row_axis=rows, axis=columns, scale="share of the row"
    )
    return Figure(name, caption, draw)


def disagreements(study: Study, most: int | None = None) -> tuple[tuple[Quote, ...], int]:
    """The units to talk over before anything is coded again, as `agree` ranks them; and how many units disagree."""
    report = study.once(measure_agreement).report
    quotes = (Quote(u.trace_id, u.text, tuple(u.codes.items())) for u in report.disagreed[:most])
    return tuple(quotes), report.n_disagreed


def quote_section(study: Study) -> Section:
    """Disagreements, quoted."""
    title = "Disagreements, quoted"
    if len(study.data.coders) < 2:
        return Section("quotes", title, absent="one coder cannot disagree")
    if study.tally is not None:
        return Section(
            "quotes", title, absent=NOT_ADDED_UP, gaps=(Gap("Disagreements, quoted", NOT_ADDED_UP),)
        )
    quotes, units = disagreements(study)
    if not quotes:
        shared = bool(((study.data.primary != MISSING).sum(axis=0) >= 2).any())
        why = "the coders never give different primary codes" if shared else "no unit was coded by two coders"
        return Section("quotes", title, absent=why, gaps=() if shared else (Gap("Disagreements", why),))
    lead = (
        f"Coders give different primary codes to {counted(units, 'unit')}. Here are some on which most of them differ, rare "
        f"confusions first, at most {EACH} of a kind."
    )
    return Section("quotes", title, (lead,), quotes=quotes)


def section(study: Study) -> tuple[Section, ...]:
    """For the page."""
    return agreement_section(study, study.once(measure_agreement)).at(30), quote_section(study).at(95)
