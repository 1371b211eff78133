"""How much of the reasoning is noise: restated item, repetition, filler; and, more widely, everything not reflective.

measure_noise(study).groups[0].share.strict.value   all tokens that the main coder coded
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from ...codebook.code_colors import DISTINCT, NO_CODE
from ...estimate import Estimate, Flags
from ...runs.tally import Tally
from ...stats.code_shares import item_numbers
from ...stats.corpus_shares import said_in, trace_table
from ...tokens.corpus_noise import corpus_noise
from ...tokens.noise import PAPER, NoiseFamilies, NoiseShare, NoiseTokens, noise_families, noise_share
from ..column_contrast import COLUMNS, value_words
from ..figures.dot_plot import Dot, dot_rows
from ..figures.figure import Figure
from ..section import (
    NO_INTERVAL,
    Gap,
    ReportTable,
    Row,
    Section,
    columns,
    estimate_cells,
    no_intervals,
    shortened,
    with_interval,
)
from ..study import Study

PAPER_SHARE = 0.65
STRICT, NONREFLECTIVE = NO_CODE, DISTINCT[2]


@dataclass(frozen=True)
class NoiseGroup:
    """One coder's noise in one group; ``column`` is empty for all traces."""

    coder: str
    column: str
    value: str
    share: NoiseShare


@dataclass(frozen=True)
class Noise:
    """The main coder first: over all, then by group; then the other coders over all."""

    families: NoiseFamilies
    groups: tuple[NoiseGroup, ...]
    refused: Mapping[str, str] = field(default_factory=dict)
    """By coder whose units do not divide the text, why there is no share of its words."""

    @property
    def overall(self) -> tuple[NoiseGroup, ...]:
        """Of every coder, over all that the coder coded."""
        return tuple(group for group in self.groups if not group.column)

    def of(self, coder: str) -> NoiseGroup | None:
        """The coder's noise over all, if there is a share."""
        return next((group for group in self.overall if group.coder == coder), None)


def measure_noise(study: Study) -> Noise:
    """Shares of coded tokens, from the tokens that the units carry, with intervals over items (traces where unknown).

    Of each coder's own units, and none where they overlap: their tokens would count twice.
    """
    families = noise_families(study.book)
    groups: list[NoiseGroup] = []
    for coder in (study.main, *(name for name in study.data.names if name != study.main)):
        if coder not in study.overlaps:
            groups += _of_coder(study, coder, families, COLUMNS if coder == study.main else ())
    return Noise(families, tuple(groups), study.overlaps)


def _of_coder(study: Study, coder: str, families: NoiseFamilies, by: Sequence[str] = ()) -> list[NoiseGroup]:
    if study.tally is not None:
        return _of_tally(study, study.tally.of_coder(coder), coder, families, by)
    own, how = study.rows_of(coder), study.settings.how
    rows, items, first = _traces(own, families)
    over = "items" if len(set(items)) < len(rows) else "traces"

    def share(chosen: Sequence[int]) -> NoiseShare:
        picked = [items[i] for i in chosen]
        return noise_share([rows[i] for i in chosen], families, how, clusters=picked, over=over)

    found = [NoiseGroup(coder, "", "all", share(range(len(rows))))]
    for column in by:
        of_trace = [None if pd.isna(v) else v for v in own[column].iloc[first].astype(object)]
        values = sorted({v for v in of_trace if v is not None}, key=str)
        if len(values) > 1:
            for value in values:
                chosen = [i for i, v in enumerate(of_trace) if v == value]
                found.append(NoiseGroup(coder, column, value_words(column, value), share(chosen)))
    return found


def _of_tally(
    study: Study, own: Tally, coder: str, families: NoiseFamilies, by: Sequence[str]
) -> list[NoiseGroup]:
    table, said = trace_table(own), said_in(own)
    items = item_numbers(table)
    over = "items" if len(np.unique(items[said])) < said.sum() else "traces"

    def share(chosen: Flags) -> NoiseShare:
        part = own.of_traces(chosen)
        return corpus_noise(part, coder, families, study.settings.how, clusters=items[chosen], over=over)

    found = [NoiseGroup(coder, "", "all", share(said))]
    for column in by:
        values = sorted(study.values(column, coder), key=str)
        for value in values if len(values) > 1 else ():
            chosen = said & (table[column] == value).fillna(False).to_numpy(dtype=bool)
            found.append(NoiseGroup(coder, column, value_words(column, value), share(chosen)))
    return found


def _traces(own: pd.DataFrame, families: NoiseFamilies) -> tuple[list[NoiseTokens], list[int], Any]:
    """A row for each trace, its item's number, and the place of its first unit."""
    trace, names = pd.factorize(own["trace_id"])
    primary = own["primary"].cat.codes.to_numpy()
    weight = own["tokens"].to_numpy().astype(float)
    codes = [str(code) for code in own["primary"].cat.categories]
    readings = np.array(
        [families.reading((c,)) if c in families.family else (False, False) for c in codes] + [(False, False)]
    )

    def total(chosen: Any) -> list[int]:
        return [round(x) for x in np.bincount(trace, weight * chosen, minlength=len(names)).tolist()]

    coded = total(primary >= 0)
    missing = total(primary < 0)
    strict, wider = total(readings[primary, 0]), total(readings[primary, 1])
    rows = [
        NoiseTokens(str(name), c + m, c, m, 0, s, w)
        for name, c, m, s, w in zip(names, coded, missing, strict, wider, strict=True)
    ]
    first = np.unique(trace, return_index=True)[1]
    return rows, item_numbers(own)[first].tolist(), first


def noise_section(study: Study, found: Noise) -> Section:
    """The section, or why the codebook has no noise."""
    if found.families.why_no_strict or not found.groups:
        lacking = f"the codebook names no noise: {found.families.why_no_strict}"
        why = lacking if found.families.why_no_strict else "; ".join(found.refused.values())
        return Section("noise", "Noise", absent=why, gaps=(Gap("Noise", why),))
    lead = (
        "Noise in the strict sense restates the item, repeats itself or could stand anywhere. Routine domain work, such as "
        "computing, is not noise but is not reflective either; the non-reflective share counts both. The paper reports "
        f"“{PAPER}” without saying which it means, so it stands beside both. A unit counts with all its tokens, by its "
        "primary code; tokens without a coding are in no share.",
    )
    drawn = [g for g in found.groups if g.coder == study.main]
    figures = (_figure(study, drawn),) if drawn else ()
    named = [
        (f"{g.coder}{f' ({g.column} {g.value})' if g.column else ''}", g.share.strict) for g in found.groups
    ]
    cautions = (*_warned(named), *no_intervals(named, "Noise as coded by"))
    table = _table(found, study.settings.level)
    return Section("noise", "Noise", lead, (table,), figures, gaps=tuple(_gaps(found)), cautions=cautions)


def _warned(named: Sequence[tuple[str, Estimate]]) -> list[str]:
    """What is to be said of estimates that have an interval, each warning once with all whom it is of."""
    of: dict[str, list[str]] = {}
    for name, e in named:
        for warning in e.warnings:
            if not warning.startswith(NO_INTERVAL):
                of.setdefault(warning, []).append(name)
    return [f"Noise as coded by {shortened(names)}: {warning}." for warning, names in of.items()]


def _table(found: Noise, level: float) -> ReportTable:
    strict = ", ".join(sorted(found.families.strict))
    routine = ", ".join(sorted(found.families.routine))
    return ReportTable(
        "noise",
        f"Noise as a share of coded tokens. Strict: family {strict}; non-reflective: {strict} and {routine}.",
        (
            *columns("coder", "by", "group"),
            *with_interval("strict", "strict", "share", level),
            *with_interval("non-reflective", "nonreflective", "share", level),
            *columns(("tokens coded", "coded", "count"), ("missing", "missing", "count")),
            *columns(("traces", "traces", "count")),
        ),
        tuple(_row(group) for group in found.groups),
    )


def _gaps(found: Noise) -> Iterator[Gap]:
    if no_routine := found.families.why_no_routine:
        yield Gap("The non-reflective share", no_routine)
    for group in found.groups:
        if why := group.share.strict.why_undefined:
            yield Gap(f"Noise as coded by {group.coder}, {group.value}", why)
    for coder, why in found.refused.items():
        yield Gap(f"Noise as coded by {coder}", why)


def _figure(study: Study, drawn: Sequence[NoiseGroup]) -> Figure:
    return Figure(
        "noise",
        f"Noise as a share of tokens, as {study.main} coded, strict and non-reflective, with {study.settings.percent} intervals. "
        "Dashed: the paper's 65 %, whose reading is not known.",
        partial(
            dot_rows,
            [f"{g.column}: {g.value}" if g.column else "all" for g in drawn],
            [[Dot(g.share.strict, STRICT, 0), Dot(g.share.nonreflective, NONREFLECTIVE, 1)] for g in drawn],
            axis="share of coded tokens",
            groups=("strict", "non-reflective"),
            marks={PAPER_SHARE: "the paper: 65 %"},
            percent=True,
            limits=(0, 1),
        ),
    )


def _row(group: NoiseGroup) -> Row:
    s = group.share
    own: Row = {"coder": group.coder, "by": group.column, "group": group.value}
    names = ("strict", "nonreflective", "strict_mean", "nonreflective_mean")
    own |= estimate_cells({name: getattr(s, name) for name in names})
    own |= {"tokens": s.tokens, "coded": s.coded, "missing": s.missing, "traces": s.traces}
    own |= {"level": s.strict.level, "method": s.strict.method, "warnings": "; ".join(s.strict.warnings)}
    return own | {"why_undefined": s.strict.why_undefined}


def section(study: Study) -> Section:
    """For the page."""
    return noise_section(study, study.once(measure_noise)).at(70)
