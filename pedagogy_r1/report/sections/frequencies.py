"""How often each code occurs: over all, by domain, condition, model and correctness, and by any column that is asked for.

measure_frequency(study).by["condition"]["units"]   the main coder's `CodeShare`s, one for each code and condition

The crosstab (``pcode report --by metadata.grade``) puts units with each code side by side, value by value:

    code    grade 5      grade 6      no grade
    IA-SQ   12           30           4
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from typing import Any

import numpy as np
import pandas as pd

from ...formatting import counted
from ...limits import FEWEST_CLUSTERS
from ...runs.tally import Tally
from ...runs.where import in_order, label_of, value_text, values_of
from ...stats.code_frequency import frequency
from ...stats.code_shares import Basis, CodeShare
from ..column_contrast import BY, COLUMNS, sameness, value_words
from ..figures.composition_bars import MOST_PARTS, BarPart, stacked_bars, with_other
from ..figures.dot_plot import Dot, dot_rows
from ..figures.figure import Figure
from ..section import (
    MOST_ACROSS,
    Gap,
    ReportTable,
    Row,
    Section,
    columns,
    estimate_cells,
    interval_methods,
    interval_words,
    listed,
    no_interval,
    quoted,
    side_by_side,
    with_interval,
)
from ..study import Study
from ..study_cascades import cascade_cautions

BASES: tuple[Basis, ...] = ("units", "tokens")
MOST_GROUPS, MOST_COMPOSED = 6, 12
"""Groups that a figure of intervals, and one of bars, still shows; a table shows all."""


@dataclass(frozen=True)
class Frequencies:
    """``overall``: all coders, by basis; ``by``: column → basis → the main coder's shares; ``absent``: column → why."""

    overall: Mapping[Basis, tuple[CodeShare, ...]]
    by: Mapping[str, Mapping[Basis, tuple[CodeShare, ...]]]
    absent: Mapping[str, str]


def measure_frequency(study: Study) -> Frequencies:
    """Shares of the primary codes, with intervals clustered by item."""
    own, level = study.of_main(), study.settings.level
    whole = study.table
    if study.overlaps:
        whole = study.codings[~study.codings["coder"].isin(list(study.overlaps))]
    bases = BASES if study.main not in study.overlaps else BASES[:1]
    values = {column: study.values(column, study.main) for column in COLUMNS}
    return Frequencies(
        {
            "units": frequency(study.table, level=level),
            "tokens": frequency(whole, basis="tokens", level=level),
        },
        {
            column: {basis: frequency(own, [column], basis=basis, level=level) for basis in bases}
            for column in COLUMNS
            if len(values[column]) > 1
        },
        {
            column: sameness(column, values[column], study.main)
            for column in COLUMNS
            if len(values[column]) < 2
        },
    )


def frequency_section(study: Study, found: Frequencies) -> Section:
    """Tables for all of it, figures for the main coder."""
    percent, units = study.settings.percent, found.overall["units"]
    main = [s for s in units if s.coder == study.main]
    caption = "How often each code is the primary code, by coder."
    tables = [
        *_wide(study, "coder", "coder", units),
        _table(study, "frequency", caption, "coder", found.overall),
    ]
    names = [c.name for c in study.data.coders]
    coders = names[:MOST_GROUPS]
    words = _intervals(percent, (s for s in units if s.coder in coders))
    about = f", by coder, {words}{f' clustered by {units[0].cluster}' if words.startswith('with ') else ''}."
    about += _rest(coders, names)
    figures = [_figure(study, "frequency", about, {(s.coder, s.code): s for s in units}, coders, coders)]
    for column, shares in found.by.items():
        caption = (
            f"How often each code is the primary code, by {BY.get(column, column)}, as {study.main} coded."
        )
        tables += _wide(study, column, f"shown_{column}", shares["units"])
        tables.append(_table(study, f"frequency_by_{column}", caption, column, shares))
        figures.append(_group_figure(study, shares["units"], column))
    figures += [
        _composition_figure(study, shares["tokens"], column)
        for column, shares in found.by.items()
        if column != "correct" and "tokens" in shares
    ]
    lead = (
        f"A share is of the units, or of their tokens, that a coder coded; {study.main} coded "
        f"{counted(study.coded(study.main), 'unit')}{' and is shown by group below' if found.by else ''}. Intervals, where one can be given, "
        f"are clustered by {main[0].cluster}: units of one {main[0].cluster} resemble each other."
    )
    return Section(
        "frequency",
        "How often each code occurs",
        (lead,),
        tuple(tables),
        tuple(figures),
        gaps=(
            *(Gap(f"Frequencies by {BY.get(column, column)}", why) for column, why in found.absent.items()),
            *(Gap(f"Share of tokens as coded by {coder}", why) for coder, why in study.overlaps.items()),
        ),
        cautions=(*_never_used(study, main), *cascade_cautions(study)),
    )


def _never_used(study: Study, shares: Sequence[CodeShare]) -> Iterator[str]:
    rare = [s for s in shares if s.share.value == 0]
    still = " The upper limit says how common it may still be." if any(s.share.interval for s in rare) else ""
    if rare:
        yield f"Never used by {study.main}: {quoted(s.code for s in rare)}.{still}"


def _table(
    study: Study, name: str, caption: str, by: str, shares: Mapping[Basis, Sequence[CodeShare]]
) -> ReportTable:
    shown = (
        *columns((by, f"shown_{by}" if by != "coder" else by, "text")),
        *columns(("code", "code", "code"), ("of", "basis")),
        *with_interval("share", "", "share", study.settings.level),
        *columns(("count", "count", "count"), ("total", "total", "count")),
        *columns(
            ("design effect", "design_effect", "number"),
            ("traces", "n_traces", "count"),
            ("effective", "effective", "number"),
        ),
    )
    return ReportTable(name, caption, shown, tuple(_row(s) for basis in BASES for s in shares.get(basis, ())))


def _wide(study: Study, by: str, key: str, shares: Sequence[CodeShare]) -> Iterator[ReportTable]:
    """Codes down, coders or values across."""
    whose = "" if by == "coder" else f", as {study.main} coded"
    caption = f"Share of units with each primary code by {BY.get(by, by)}{whose}, side by side"
    rows = [_row(share) for share in shares]
    if wide := side_by_side(f"frequency_codes_by_{by}", caption, rows, key, "share", study.settings.level):
        yield wide


def _row(share: CodeShare) -> Row:
    own: Row = {f"shown_{name}": value_words(name, value) for name, value in share.group}
    own |= {"coder": share.coder, "code": share.code, "basis": share.basis}
    own |= {"count": share.count, "total": share.total, "n_traces": share.n_traces}
    own |= {"effective": share.share.effective_clusters, "warnings": "; ".join(share.share.warnings)}
    own |= estimate_cells(share.share, more=True)
    return own | {"n_missing": share.n_missing, "method": share.share.method}


def _figure(
    study: Study, name: str, about: str, own: Mapping[Any, CodeShare], groups: Sequence[Any], names: list[str]
) -> Figure:
    """``own``: by group and code; ``names``: what each of the ``groups`` is called."""
    rows = [
        [Dot(own[group, code].share, study.palette[code], g) for g, group in enumerate(groups)]
        for code in study.codes
    ]
    axis = "share of units"
    draw = partial(
        dot_rows, study.called_codes(study.codes), rows, axis=axis, groups=names, percent=True, limits=(0, None),
        log=study.settings.scale == "log",
    )  # fmt: skip
    return Figure(name, f"Share of units with each primary code{about}", draw)


def _intervals(percent: str, shares: Iterable[CodeShare]) -> str:
    return interval_words(percent, [no_interval(s.share) for s in shares if s.share.value is not None])


def _values(shares: Sequence[CodeShare]) -> list[Any]:
    return list(dict.fromkeys(s.group[0][1] for s in shares))


def _rest(drawn: Sequence[Any], all_: Sequence[Any]) -> str:
    """What a figure does not show, in words."""
    more = len(all_) > len(drawn)
    return f" The first {len(drawn)} of {len(all_)} are drawn; the table has all." if more else ""


def _group_figure(study: Study, shares: Sequence[CodeShare], column: str) -> Figure:
    values = _values(shares)
    drawn = values[:MOST_GROUPS]
    rest = _rest(drawn, values)
    words = _intervals(study.settings.percent, (s for s in shares if s.group[0][1] in drawn))
    about = f" by {BY.get(column, column)}, as {study.main} coded, {words}.{rest}"
    own = {(s.group[0][1], s.code): s for s in shares}
    names = [value_words(column, value) for value in drawn]
    return _figure(study, f"frequency_by_{column}", about, own, drawn, names)


def _composition_figure(study: Study, shares: Sequence[CodeShare], column: str) -> Figure:
    every = _values(shares)
    values = every[:MOST_COMPOSED]
    own = {(s.group[0][1], s.code): s.share.value or 0.0 for s in shares}
    table = np.array([[own[value, code] for code in study.codes] for value in values])
    names = [value_words(column, value) for value in values]
    colors = study.palette
    parts, table, rare = with_other(
        [BarPart(study.labels[code], colors[code], colors.pattern(code)) for code in study.codes], table
    )
    other = (
        f" Other: {rare} codes; the {MOST_PARTS - 1} that reach the largest share in any bar are drawn apart."
        if rare
        else ""
    )
    return Figure(
        f"composition_by_{column}",
        f"What the reasoning is made of, by {column}: share of tokens under each primary code, as {study.main} coded.{_rest(values, every)}{other}",
        partial(stacked_bars, names, parts, table, axis="share of tokens"),
    )


@dataclass(frozen=True)
class Crosstab:
    """``field`` as it was asked for; ``values``: its values in order, the missing one last; ``shares``: of every coder, the main
    one first, value by value; ``traces``: how many the main coder coded, by value."""

    field: str
    values: tuple[str, ...]
    shares: tuple[CodeShare, ...]
    traces: Mapping[str, int]

    @property
    def label(self) -> str:
        """What the column is called: ``grade`` of ``metadata.grade``."""
        return label_of(self.field)


def measure_crosstab(study: Study) -> Crosstab | None:
    """`None` where no column is asked for. Raises `ArgumentError` for one that the traces do not have."""
    field = study.settings.by
    if field is None:
        return None
    if study.tally is not None:
        return _tallied_crosstab(study, study.tally, field)
    of_trace = values_of(chain.from_iterable(run.traces() for run in study.runs), field)
    found = set(of_trace.values())
    known = found - {None, ""}
    absent = {"": _unlike('""', known), None: _unlike(f"no {label_of(field)}", known)}
    values = [*in_order(known), *(name for value, name in absent.items() if value in found)]
    column = (
        study.codings["trace_id"]
        .astype(object)
        .map(lambda trace: absent.get(of_trace[trace], of_trace[trace]))
    )
    table = study.codings.assign(**{_COLUMN: pd.Categorical(column, categories=values)})
    shares = tuple(
        share
        for coder in _main_first(study)
        for share in frequency(table[table["coder"] == coder], [_COLUMN], level=study.settings.level)
    )
    traces = {_crosstab_value(share): share.n_traces for share in shares if share.coder == study.main}
    return Crosstab(field, tuple(values), shares, traces)


def _main_first(study: Study) -> list[str]:
    return [study.main, *(name for name in study.data.names if name != study.main)]


def _tallied_crosstab(study: Study, tally: Tally, field: str) -> Crosstab:
    """Raises `RunError` for a field that a tally does not have."""
    known = tally.values_of(field)
    texts = [value for value in known if value]
    absent = {"": _unlike('""', set(texts)), None: _unlike(f"no {label_of(field)}", set(texts))}
    values = [*in_order(texts), *(name for value, name in absent.items() if value in known)]

    def named(share: CodeShare) -> CodeShare:
        value = share.group[0][1]
        text = None if value is None else value_text(value)
        return replace(share, group=((_COLUMN, absent.get(text, text)),))

    shares: list[CodeShare] = []
    for coder in _main_first(study):
        own = map(named, frequency(tally.of_coder(coder), [field], level=study.settings.level))
        shares += sorted(own, key=lambda share: values.index(_crosstab_value(share)))
    traces = {_crosstab_value(share): share.n_traces for share in shares if share.coder == study.main}
    return Crosstab(field, tuple(values), tuple(shares), traces)


_COLUMN = "crosstab"


def _unlike(name: str, known: Collection[str | None]) -> str:
    """What a value without a name is called, in brackets where a value has that name."""
    while name in known:
        name = f"({name})"
    return name


def _crosstab_value(share: CodeShare) -> str:
    return str(share.group[0][1])


def crosstab_section(study: Study, found: Crosstab) -> Section:
    """Counts side by side, the shares of every coder, and which values have few traces."""
    few = [value for value in found.values if 0 < found.traces.get(value, 0) < FEWEST_CLUSTERS]
    none = [value for value in found.values if not found.traces.get(value)]
    cautions = []
    if few:
        named = listed([f"{value} ({counted(found.traces[value], 'trace')})" for value in few])
        cautions.append(
            f"Values of {found.label} with fewer than {FEWEST_CLUSTERS} traces that {study.main} coded: {named}."
        )
    if none:
        cautions.append(f"{study.main} coded no unit of {found.label} {listed(none)}.")
    coded = [value for value in found.values if value not in none]
    lead = (
        f"How often {study.main} gave each code as the primary one, by {found.field}: "
        f"{counted(len(coded), 'value')} in {counted(sum(found.traces.values()), 'trace')}. Nothing is tested here."
    )
    tables = [_crosstab_shares(study, found)]
    if len(coded) <= MOST_ACROSS:
        tables.insert(0, _counts(study, found, coded))
    return Section("crosstab", f"Codes by {found.label}", (lead,), tuple(tables), cautions=tuple(cautions))


def _counts(study: Study, found: Crosstab, values: list[str]) -> ReportTable:
    own = {(_crosstab_value(s), s.code): s for s in found.shares if s.coder == study.main}
    rows: list[Row] = [
        {"code": code} | {f"value {value}": int(own[value, code].count) for value in values}
        for code in study.codes
    ]
    total: Row = {"code": "all units"}
    total |= {f"value {value}": int(own[value, study.codes[0]].total) for value in values}
    return ReportTable(
        "crosstab_counts",
        f"Units with each primary code, by {found.label}, as {study.main} coded.",
        columns(("code", "code", "code"), *((value, f"value {value}", "count") for value in values)),
        (*rows, total),
    )


def _crosstab_shares(study: Study, found: Crosstab) -> ReportTable:
    rows = tuple(
        {"by": _crosstab_value(s), "code": s.code, "coder": s.coder, "count": s.count, "total": s.total}
        | {"n_traces": s.n_traces, "n_missing": s.n_missing}
        | estimate_cells(s.share, more=True)
        for s in found.shares
    )
    shown = (
        *columns((found.label, "by", "text"), ("code", "code", "code"), "coder"),
        *with_interval("share", "", "share", study.settings.level),
        *columns(("count", "count", "count"), ("total", "total", "count"), ("traces", "n_traces", "count")),
    )
    return ReportTable(
        "crosstab",
        f"Share of units with each primary code, by {found.label} and coder.",
        shown,
        rows,
        note=f"Intervals: {ways}." if (ways := interval_methods(s.share for s in found.shares)) else "",
    )


def section(study: Study) -> list[Section]:
    """For the page: the second one where a column is asked for."""
    crosstab = study.once(measure_crosstab)
    frequencies = frequency_section(study, study.once(measure_frequency)).at(40)
    return [frequencies, *([] if crosstab is None else [crosstab_section(study, crosstab).at(41)])]
