"""The runs of a report, opened and joined once; every section computes from this.

study = open_study(["runs/humans", "runs/cues"])
study.main        "cues", whose codings the frequencies show
study.humans      ("A", "B")
study.reference   A human code for each unit that has one
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeVar

import numpy as np
import pandas as pd

from ..agreement.agreement_report import without_own_codes
from ..agreement.code_accuracy import majority
from ..agreement.comparison import ReliabilityData, reliability_of
from ..agreement.continuum import own_spans
from ..agreement.corpus_agreement import reliability_of_tally
from ..agreement.profile import MISSING
from ..codebook import Codebook
from ..codebook.code_colors import Palette, palette
from ..coding.stress_report import StressRecord
from ..errors import ArgumentError, RunError, did_you_mean
from ..estimate import Interval, Ints, Resampling
from ..formatting import level_words
from ..limits import LEVEL
from ..provenance import now
from ..runs.cascade_stages import stages_of
from ..runs.codings_table import frame_of
from ..runs.corpus_tally import tallied
from ..runs.gathering import by_shards, codings_of_corpora, require_gathered
from ..runs.run import CoderRun, opened, require_complete, run_labels
from ..runs.run_columns import read_columns
from ..runs.tally import NOT_ASKED, Tally
from ..sampling.inclusion import Inclusion
from ..stats.corpus_shares import said_in, trace_table
from .column_contrast import ColumnContrast
from .figures.sheet import Width
from .preregistration import Registered

Measured = TypeVar("Measured")

NEARLY = 0.99
"""Coders who coded nearly as much as the one who coded most count as equal; people come first, then the runs' order."""


RULES, BASELINE = "cues", "a rule-based baseline"
"""The coder plugin that goes by the codebook's cues, and what it is: something to beat, not a measurement."""


@dataclass(frozen=True)
class ReportSettings:
    """``coder``: whose codings the frequencies show; default who coded most units, a rule-based machine last. ``contrasts``: default all
    that the runs allow. ``family``: codes whose error is controlled together, named before looking; default all.
    ``inclusion``: with what probability each unit was given to people, from the sampling plan. ``level``: of confidence. ``interval``: how those of α and of noise are made, see `Resampling`."""

    coder: str | None = None
    contrasts: tuple[ColumnContrast, ...] = ()
    family: tuple[str, ...] | None = None
    replicates: int = 1000
    permutations: int = 9999
    seed: int = 0
    inclusion: Inclusion | None = None
    level: float = LEVEL
    interval: Interval = "jackknife"
    by: str | None = None
    """A field of the traces (``metadata.grade``) by which the codes are tabulated."""
    labels: Literal["ids", "names"] = "ids"
    """What codes are called in figures."""
    figure_width: Width = "double"
    """Of the figures' files, in columns of a journal's page."""
    scale: Literal["linear", "log"] = "linear"
    """Of shares in figures."""
    ribbons: tuple[str, ...] = ()
    """Ids of traces that are drawn unit by unit."""
    stress: tuple[StressRecord, ...] = ()
    """Tests of whether a coder reads the codebook, for the methods."""
    registered: Registered | None = None
    """What was registered before: contrasts, codebook, sampling."""
    written: str = field(default_factory=now)
    """When the report is written; one that is made again keeps its date."""

    @property
    def how(self) -> Resampling:
        """How intervals are made that resample."""
        return Resampling(self.replicates, self.seed, self.level, self.interval)

    @property
    def percent(self) -> str:
        """The level in words: ``95 %``."""
        return level_words(self.level)

    @property
    def alpha(self) -> float:
        """The p below which a difference is called shown."""
        return round(1 - self.level, 9)

    @property
    def alpha_words(self) -> str:
        """``.05``"""
        return f"{self.alpha:g}".lstrip("0")

    def __post_init__(self) -> None:
        Resampling(level=self.level)  # refuses what is no level
        if self.replicates < 0 or self.permutations < 1:
            raise ArgumentError(
                f"{self.replicates} resamples and {self.permutations} permutations",
                "give 0 or more resamples and 1 or more permutations",
            )


class Reference(NamedTuple):
    """(units,) the human code, `MISSING` where there is none; and how many units' codes a tie decided."""

    primary: Ints
    ties: int
    first: str


@dataclass(frozen=True)
class Study:
    """``table``: `stats.code_table`, or the tally of runs over a corpus that hold too many codings to gather; ``data``: the same as coders
    × units (patterns); ``main``: the coder shown by default."""

    runs: tuple[CoderRun, ...]
    book: Codebook
    table: pd.DataFrame | Tally
    data: ReliabilityData
    main: str
    settings: ReportSettings
    partial: tuple[str, ...] = ()
    """Of each run that is not complete, a sentence that says so."""
    overlaps: Mapping[str, str] = field(default_factory=dict)
    """By coder whose units overlap each other, the words that say so: see `own_spans`."""
    _measured: dict[Callable[..., Any], Any] = field(default_factory=dict, repr=False, compare=False)

    def once(self, measure: Callable[[Study], Measured]) -> Measured:
        """What ``measure(study)`` returns, computed when it is first asked for."""
        if measure not in self._measured:
            self._measured[measure] = measure(self)
        found: Measured = self._measured[measure]
        return found

    @property
    def tally(self) -> Tally | None:
        """Where the study is one: what needs single units is then left out, see `NOT_ADDED_UP`."""
        return self.table if isinstance(self.table, Tally) else None

    @property
    def codings(self) -> pd.DataFrame:
        """The table of a study that is no tally."""
        assert not isinstance(self.table, Tally)
        return self.table

    @property
    def added_up(self) -> str:
        """What a page from tallies leaves out, in a sentence."""
        if self.tally is None:
            return ""
        return (
            f"These runs hold {codings_of_corpora(self.runs):,} codings over a corpus, and are added up shard by shard. What is made from single units or "
            "texts is left out: quotes, co-occurrence and position of codes, comparisons with their permutations, corrected shares, chosen traces, and tests "
            "of putting a machine in a person's place."
        )

    @property
    def humans(self) -> tuple[str, ...]:
        """Names of the human coders."""
        return tuple(self.data.names[row] for row in self.data.rows("human"))

    @property
    def machines(self) -> tuple[str, ...]:
        """Names of the machine coders."""
        return tuple(self.data.names[row] for row in self.data.rows("machine"))

    @cached_property
    def machines_in_order(self) -> tuple[str, ...]:
        """Machines: models and learned coders before rule-based ones, then who coded most."""
        return tuple(sorted(self.machines, key=lambda name: (self.rule_based(name), -self.coded(name))))

    @property
    def machine(self) -> str | None:
        """The machine whose errors are corrected: the main coder, else the first of `machines_in_order`."""
        return self.main if self.main in self.machines else next(iter(self.machines_in_order), None)

    def rule_based(self, coder: str) -> bool:
        """Whether it is the coder of the codebook's cues: a baseline, and no model."""
        made = {
            run.manifest.coder
            for label, run in self.labelled
            if coder in {name for c in run.manifest.coders for name in (c.name, f"{c.name}@{label}")}
        }
        return coder in self.machines and (made == {RULES} or coder.split("@")[0] == RULES)

    def called(self, coder: str) -> str:
        """``cues (a rule-based baseline)``; any other coder by name alone."""
        return f"{coder} ({BASELINE})" if self.rule_based(coder) else coder

    @cached_property
    def labelled(self) -> tuple[tuple[str, CoderRun], ...]:
        """The runs with their names, and as many folders above them as tell them apart."""
        return tuple(zip(run_labels(self.runs), self.runs, strict=True))

    @property
    def own_spans(self) -> bool:
        """Whether coders chose their own units in one of the runs."""
        return any(run.own_units for run in self.runs)

    @cached_property
    def choosers(self) -> tuple[str, ...]:
        """Coders who chose their own units."""
        chose = {
            name for label, run in self.labelled for own in run.choosers for name in (own, f"{own}@{label}")
        }
        return tuple(name for name in self.data.names if name in chose)

    @property
    def codes(self) -> tuple[str, ...]:
        """The codebook's codes, then ``none`` where somebody may say so."""
        return self.data.categories

    @cached_property
    def stages(self) -> dict[str, dict[str, str]]:
        """`stages_of` the runs: by cascade and unit id, who coded it."""
        return stages_of(self.runs)

    @cached_property
    def comparable(self) -> ReliabilityData:
        """``data``, but for people's own codes in a cascade that they completed, with which they would agree with themselves."""
        return without_own_codes(self.data, self.stages)

    @cached_property
    def alike(self) -> ReliabilityData:
        """`comparable`, counted by what was given."""
        return self.comparable.counted()

    @cached_property
    def labels(self) -> Mapping[str, str]:
        """What a code is called in figures: its id, or its name, with the id where two have one name."""
        if self.settings.labels == "ids":
            return {code: code for code in self.codes}
        names = {code.id: code.name for code in self.book.codes}
        twice = {name for name, n in Counter(names.values()).items() if n > 1}
        return {
            code: f"{name} ({code})" if (name := names.get(code, code)) in twice else name
            for code in self.codes
        }

    def called_codes(self, codes: Iterable[str]) -> list[str]:
        """`labels` of the codes."""
        return [self.labels.get(code, code) for code in codes]

    @cached_property
    def palette(self) -> Palette:
        """A colour for each code."""
        return palette(self.book)

    def row(self, coder: str) -> Ints:
        """(units,) primary codes of one coder."""
        row: Ints = self.data.primary[self.data.names.index(coder)]
        return row

    def coded(self, coder: str) -> int:
        """How many units a coder coded."""
        return int(self.data.sizes[self.row(coder) != MISSING].sum())

    def traces_coded(self, coder: str) -> int:
        """In how many traces a coder coded a unit."""
        units = self.row(coder) != MISSING
        if self.data.counts is not None:
            return int((self.data.counts[units].trace_sizes > 0).sum())
        return len(np.unique(self.data.cluster[units]))

    def asked(self, coder: str) -> tuple[int, int]:
        """About how many units, of how many traces, a coder was asked."""
        own = self.of_coder(coder)
        if not isinstance(own, Tally):
            return len(own), int(own["trace_id"].nunique())
        units = own.units[own.patterns[0] != NOT_ASKED]
        return int(units.sizes.sum()), int((units.trace_sizes > 0).sum())

    @property
    def tokens(self) -> int:
        """Of all units that a coder was asked about."""
        if self.tally is not None:
            asked = (self.tally.patterns != NOT_ASKED).any(axis=0)
            return int(self.tally.tokens[asked].sizes.sum())
        assert self.data.tokens is not None
        return int(self.data.tokens.sum())

    @cached_property
    def item(self) -> Ints:
        """(units,) number of the item, within its domain; of the trace where the item is not known (as `stats.item_numbers`)."""
        keys: dict[Any, int] = {}
        own = [
            (f.get("domain"), f["item"]) if f.get("item") else trace
            for f, trace in zip(self.data.fields, self.data.traces, strict=True)
        ]
        number = np.array([keys.setdefault(key, len(keys)) for key in own], dtype=np.int64)
        return number[self.data.cluster]

    @cached_property
    def reference(self) -> Reference | None:
        """The code that most people gave; where they tie, that of the person who coded most. None without people."""
        if not self.humans:
            return None
        people = sorted(self.humans, key=lambda name: -self.coded(name))
        values = np.vstack([self.row(name) for name in people])
        found = majority(values, len(self.codes))
        tied = (found == MISSING) & (values != MISSING).any(axis=0)
        for own in values:
            found = np.where((found == MISSING) & tied, own, found)
        return Reference(found, int(self.data.sizes[tied].sum()), people[0])

    def values(self, column: str, coder: str | None = None) -> list[Any]:
        """The values that a column has, of the traces that a coder (default: any) was asked about, sorted; without the missing one."""
        own = self.table if coder is None else self.of_coder(coder)
        if isinstance(own, Tally):
            own = trace_table(own)[said_in(own)]
        return sorted(own[column].dropna().unique().tolist())

    def of_coder(self, coder: str) -> pd.DataFrame | Tally:
        """What one coder said."""
        if isinstance(self.table, Tally):
            return self.table.of_coder(coder)
        return self.table[self.table["coder"] == coder]

    def of_main(self) -> pd.DataFrame | Tally:
        """What the main coder said."""
        return self.of_coder(self.main)

    def rows_of(self, coder: str) -> pd.DataFrame:
        """The rows of one coder, in a study that is no tally."""
        return self.codings[self.codings["coder"] == coder]


def open_study(
    runs: Sequence[CoderRun | str | Path], settings: ReportSettings | None = None, *, partial: bool = False
) -> Study:
    """Open and join the runs; ``partial``: unfinished ones too. Raises `RunError`, `CodebookError` or `InputError` for what cannot be joined."""
    settings = settings or ReportSettings()
    found = opened(runs)
    unfinished = require_complete(found, partial)
    if by_shards(found):
        return _of_tally(found, settings)
    require_gathered(found, "A report")
    columns = read_columns(found)
    if not len(columns.codings):
        raise RunError("the runs hold no coding", "annotate some traces first, or import codings")
    data = reliability_of(columns)
    table, overlaps = own_spans(frame_of(columns), found)
    study = Study(found, columns.book, table, data, "", settings, unfinished, overlaps)
    return replace(study, main=_main(study))


def _of_tally(runs: tuple[CoderRun, ...], settings: ReportSettings) -> Study:
    """Of runs over a corpus that are added up. Raises `ArgumentError` for what was asked for and needs single units."""
    asked = {
        "--contrast": settings.contrasts,
        "--family": settings.family,
        "--inclusion": settings.inclusion,
        "--ribbons": settings.ribbons,
    }
    if needless := [name for name, value in asked.items() if value]:
        raise ArgumentError(
            f"{' and '.join(needless)} cannot be had of these runs: {NOT_ADDED_UP}",
            "leave it out, or import some of the corpus's files as a traces file and code that: it gets the same codes",
        )
    tally = tallied(runs)
    if not (tally.patterns != NOT_ASKED).any():
        raise RunError("the runs hold no coding", "annotate some traces first, or import codings")
    study = Study(runs, tally.book, tally, reliability_of_tally(tally), "", settings)
    return replace(study, main=_main(study))


NOT_ADDED_UP = "made from single units, which of so many codings over a corpus are not gathered: these are added up shard by shard"
"""Why a page that comes from tallies has not all that others have."""


def _main(study: Study) -> str:
    """Who coded most; a person before a machine that coded nearly as much, a rule-based machine only where there is no other."""
    data, wanted = study.data, study.settings.coder
    if wanted is not None:
        if wanted not in data.names:
            raise RunError(f"no coder is named {wanted!r}", did_you_mean(wanted, list(data.names)))
        return wanted
    models = any(not study.rule_based(name) for name in study.machines)
    able = [coder for coder in data.coders if not (models and study.rule_based(coder.name))]
    coded = [study.coded(coder.name) for coder in able]
    most = [coder for coder, n in zip(able, coded, strict=True) if n >= NEARLY * max(coded)]
    return next((coder.name for coder in most if coder.kind == "human"), most[0].name)
