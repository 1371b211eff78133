"""How often each code occurs: over all, and by domain, condition, model and correctness; in units and in tokens.

measure_frequency(study).by["condition"]["units"]   the main coder's `CodeShare`s, one for each code and condition
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ...stats.code_shares import CodeShare, frequency
from ...stats.sums import Basis
from ..figures import Dot, Figure, dot_rows, stacked_bars
from ..section import Gap, ReportTable, Row, Section, columns, counted, distinct, estimate_cells
from ..study import COLUMNS, Study, sameness, value_words

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas

BASES: tuple[Basis, ...] = ("units", "tokens")
MOST_GROUPS = 6
"""Groups that a figure still shows; a table shows all."""


@dataclass(frozen=True)
class Frequencies:
    """``overall``: all coders, by basis; ``by``: column → basis → the main coder's shares; ``absent``: column → why."""

    overall: Mapping[Basis, tuple[CodeShare, ...]]
    by: Mapping[str, Mapping[Basis, tuple[CodeShare, ...]]]
    absent: Mapping[str, str]


def measure_frequency(study: Study) -> Frequencies:
    """Shares of the primary codes, with intervals clustered by item."""
    overall = {basis: frequency(study.table, basis=basis) for basis in BASES}
    own = study.of_main()
    by, absent = {}, {}
    for column in COLUMNS:
        values = own[column].dropna().unique().tolist()
        if len(values) < 2:
            absent[column] = sameness(column, values)
        else:
            by[column] = {basis: frequency(own, [column], basis=basis) for basis in BASES}
    return Frequencies(overall, by, absent)


def frequency_section(study: Study, found: Frequencies) -> Section:
    """Tables for all of it, figures for the main coder."""
    tables = [
        ReportTable(
            "frequency",
            "How often each code is the primary code, by coder.",
            _columns(()),
            tuple(_row(s) for basis in BASES for s in found.overall[basis]),
            first=len(study.codes) * len(study.data.coders),
        )
    ]
    for column, shares in found.by.items():
        tables.append(
            ReportTable(
                f"frequency_by_{column}",
                f"How often each code is the primary code, by {column}, as {study.main} coded.",
                _columns((column,)),
                tuple(_row(s) for basis in BASES for s in shares[basis]),
                first=_page_rows(study, shares["units"]),
            )
        )
    figures = [
        Figure(
            "frequency",
            f"Share of units with each primary code, by coder, with 95 % intervals clustered by {found.overall['units'][0].cluster}.",
            lambda: _draw_overall(study, found),
        )
    ]
    figures += [_group_figure(study, found, column) for column in found.by]
    figures += [_composition_figure(study, found, column) for column in found.by if column != "correct"]
    gaps = [Gap(f"Frequencies by {column}", why) for column, why in found.absent.items()]
    main = [s for s in found.overall["units"] if s.coder == study.main]
    lead = (
        f"A share is of the units, or of their tokens, that a coder coded; {study.main} coded "
        f"{counted(study.coded(study.main), 'unit')} and is shown by group below. Intervals are clustered by "
        f"{main[0].cluster}: units of one {main[0].cluster} resemble each other.",
    )
    rare = [s.code for s in main if s.share.value == 0]
    note = (
        f"Never used by {study.main}: {', '.join(rare)}. The interval then says how common it may still be."
        if rare
        else None
    )
    return Section(
        "frequency", "How often each code occurs", lead, tuple(tables), tuple(figures), gaps=tuple(gaps),
        cautions=distinct([note]),
    )  # fmt: skip


def _page_rows(study: Study, shares: Sequence[CodeShare]) -> int:
    """All shares of units, or those of the first groups; never half a group."""
    return len(study.codes) * min(len(shares) // len(study.codes), 3)


def _columns(by: Sequence[str]) -> Any:
    return columns(
        *((name, f"shown_{name}", "text") for name in by),
        *((("coder", "coder", "text"),) if not by else ()),
        ("code", "code", "code"),
        ("of", "basis", "text"),
        ("share", "value", "share"),
        ("95 %", ("low", "high"), "share"),
        ("count", "count", "count"),
        ("total", "total", "count"),
        ("design effect", "design_effect", "number"),
        ("traces", "n_traces", "count"),
    )


def _row(share: CodeShare) -> Row:
    own: Row = {f"shown_{name}": value_words(name, value) for name, value in share.group}
    own |= {"coder": share.coder, "code": share.code, "basis": share.basis}
    own |= {"count": share.count, "total": share.total, "n_traces": share.n_traces}
    return own | estimate_cells(share.share) | {"n_missing": share.n_missing, "method": share.share.method}


def _dot(study: Study, share: CodeShare, group: int) -> Dot:
    e = share.share
    return Dot(e.value, e.low, e.high, study.palette[share.code], group)


def _draw_overall(study: Study, found: Frequencies) -> Canvas:
    coders = [c.name for c in study.data.coders][:MOST_GROUPS]
    own = {(s.coder, s.code): s for s in found.overall["units"]}
    rows = [[_dot(study, own[coder, code], g) for g, coder in enumerate(coders)] for code in study.codes]
    return dot_rows(study.codes, rows, axis="share of units", groups=coders, percent=True, limits=(0, None))


def _values(shares: Sequence[CodeShare]) -> list[Any]:
    return list(dict.fromkeys(s.group[0][1] for s in shares))


def _group_figure(study: Study, found: Frequencies, column: str) -> Figure:
    values = _values(found.by[column]["units"])
    left_out = (
        f" The first {MOST_GROUPS} of {len(values)} are drawn; the table has all."
        if len(values) > MOST_GROUPS
        else ""
    )
    return Figure(
        f"frequency_by_{column}",
        f"Share of units with each primary code by {column}, as {study.main} coded, with 95 % intervals.{left_out}",
        lambda: _draw_groups(study, found, column),
    )


def _draw_groups(study: Study, found: Frequencies, column: str) -> Canvas:
    shares = found.by[column]["units"]
    values = _values(shares)[:MOST_GROUPS]
    own = {(s.group[0][1], s.code): s for s in shares}
    rows = [[_dot(study, own[value, code], g) for g, value in enumerate(values)] for code in study.codes]
    names = [value_words(column, value) for value in values]
    return dot_rows(study.codes, rows, axis="share of units", groups=names, percent=True, limits=(0, None))


def _composition_figure(study: Study, found: Frequencies, column: str) -> Figure:
    return Figure(
        f"composition_by_{column}",
        f"What the reasoning is made of, by {column}: share of tokens under each primary code, as {study.main} coded.",
        lambda: _draw_composition(study, found, column),
    )


def _draw_composition(study: Study, found: Frequencies, column: str) -> Canvas:
    shares = found.by[column]["tokens"]
    values = _values(shares)[:12]
    own = {(s.group[0][1], s.code): s.share.value or 0.0 for s in shares}
    table = np.array([[own[value, code] for code in study.codes] for value in values])
    names = [value_words(column, value) for value in values]
    colors = [study.palette[code] for code in study.codes]
    return stacked_bars(names, study.codes, table, colors, axis="share of tokens")


def section(study: Study) -> Section:
    """For the page."""
    return frequency_section(study, study.once(measure_frequency)).at(40)
