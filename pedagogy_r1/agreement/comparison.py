"""A comparison: α of one group of coders, with what entered it and what did not.

A–B      human–human      α = .74  [.61, .84] over traces, [.66, .81] over units
A–cues   human–machine    α = .41  …

Its data says which coder gave which value to which unit (`ReliabilityData`), from one or more runs made under the same
codebook: values are indices into ``categories``; ``MISSING`` (-1) is a unit that a coder did not code, which is never
the same as the category ``none``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from itertools import combinations, compress
from typing import Any, Literal

import numpy as np

from ..codebook import NONE
from ..errors import RunError, did_you_mean
from ..estimate import Flags, HeldCounts, Resampling, TraceCounts, compact
from ..runs.joined_columns import joined_columns
from ..runs.run import NOT_ASKED, CoderInfo, CoderRun
from ..runs.run_columns import RunColumns, read_columns
from .alpha import MULTIVALUED, Alpha, Reliability, krippendorff_alphas
from .coefficients import Coefficient, beside_alpha
from .profile import MISSING, ByTrace, Ints, sizes_of

FIELDS = ("item", "domain", "condition", "model")

NO_REASON = -1


@dataclass(frozen=True)
class ReliabilityData:
    """Coders × units.

    ``primary``: (coders, units) index of the primary code, or ``MISSING``.
    ``present``: (coders, units) bit k is set where code k was given, as primary or secondary code.
    ``cluster``: (units,) index into ``traces``.
    ``reason``: (coders, units) index into ``reasons`` of why a coding is missing; `NO_REASON` where there is a coding, or
    nothing was recorded: the coder was not asked.
    ``measurement``: the codebook's level; ``scale``: the numbers the codes stand for, at interval and ratio.
    ``exhaustive``: every unit has a code, says the codebook.
    ``fields``: per trace, its item, domain, condition and model.
    ``counts``: of a corpus, whose units were counted and are not held: what is said of units above is then said of patterns, and
    this says how many units of each there are in each trace; ``unit_ids``, ``traces``, ``cluster`` and ``fields`` are empty. `counted`
    makes the same of units, and keeps ``fields``.
    """

    coders: tuple[CoderInfo, ...]
    categories: tuple[str, ...]
    unit_ids: tuple[str, ...]
    traces: tuple[str, ...]
    cluster: Ints
    primary: Ints
    present: Ints
    reason: Ints
    reasons: tuple[str, ...] = ()
    measurement: str = "nominal"
    scale: tuple[float, ...] = ()
    exhaustive: bool = False
    fields: tuple[dict[str, str | None], ...] = ()
    counts: TraceCounts | None = None
    tokens: Ints | None = None
    """(units,) of each that a coder was asked about, else 0; where that is known."""

    @property
    def by_trace(self) -> ByTrace:
        """The trace of each unit, or, of a corpus, how many units of each pattern are in each."""
        return self.cluster if self.counts is None else self.counts

    @property
    def sizes(self) -> Ints:
        """(units,) how many units each of them stands for: one, but of a corpus."""
        return sizes_of(self.by_trace)

    @property
    def n_units(self) -> int:
        """How many units there are."""
        return len(self.unit_ids) if self.counts is None else int(self.counts.sizes.sum())

    @property
    def n_traces(self) -> int:
        """How many traces there are, those without units among them."""
        return len(self.traces) if self.counts is None else self.counts.traces

    @property
    def names(self) -> tuple[str, ...]:
        """Of the coders."""
        return tuple(coder.name for coder in self.coders)

    def rows(self, kind: str) -> list[int]:
        """The ``human`` or ``machine`` coders' rows."""
        return [row for row, coder in enumerate(self.coders) if coder.kind == kind]

    @property
    def codes(self) -> tuple[str, ...]:
        """The categories without "none"."""
        return tuple(code for code in self.categories if code != NONE)

    @property
    def choices(self) -> int:
        """How many categories these coders could choose from: those of the codebook, and "none" also where it has no place
        there but one of them gave it. Not what others in the same runs gave."""
        if not self.exhaustive or NONE not in self.categories:
            return len(self.categories)
        none = self.categories.index(NONE)
        return len(self.categories) if (self.primary == none).any() else len(self.codes)

    @property
    def missing(self) -> tuple[Counter[str], ...]:
        """Per coder, how often each reason for a missing coding was recorded."""
        n, sizes = len(self.reasons), self.sizes
        counts = [np.bincount(row[row >= 0], sizes[row >= 0], n).astype(int).tolist() for row in self.reason]
        return tuple(
            Counter({why: n for why, n in zip(self.reasons, own, strict=True) if n}) for own in counts
        )

    @property
    def asked(self) -> Flags:
        """(coders, units): whether a run holds anything of the coder there, codes or the reason why there are none."""
        return np.asarray((self.primary != MISSING) | (self.reason != NO_REASON))

    def on_scale(self) -> Reliability:
        """Primary codes at the codebook's level. Above nominal "none" has no place: a coding of no code is missing there."""
        values = self.primary
        if self.measurement != "nominal" and NONE in self.categories:
            values = np.where(values == self.categories.index(NONE), MISSING, values)
        size = len(self.categories) if self.measurement == "nominal" else len(self.codes)
        return Reliability(values, self.by_trace, self.scale or size, self.measurement)

    def to_choose(self) -> Reliability:
        """Primary codes as categories that these coders could choose from; above nominal the same as `on_scale`."""
        if self.measurement != "nominal":
            return self.on_scale()
        return Reliability(self.primary, self.by_trace, self.choices)

    def presence(self, code: str) -> Ints:
        """(coders, units): 1 where the code was given, 0 where another or none was, ``MISSING`` where missing."""
        bit = self.categories.index(code)
        return np.where(self.primary == MISSING, MISSING, (self.present >> bit) & 1)

    def sets(self) -> tuple[Ints, tuple[frozenset[str], ...]]:
        """(coders, units) sets of codes as indices, and the sets; "none" is a code like any other here."""
        masks, place = np.unique(self.present, return_inverse=True)
        values = np.where(self.primary == MISSING, MISSING, place.reshape(self.present.shape))
        return values, tuple(
            frozenset(c for k, c in enumerate(self.categories) if mask >> k & 1) for mask in masks.tolist()
        )

    def where(self, name: str, value: str | None) -> ReliabilityData:
        """Only the units of traces whose field ``name`` (item, domain, condition, model) is ``value``."""
        wanted = np.array([fields.get(name) == value for fields in self.fields], dtype=bool)
        if self.counts is None:
            return self.only(wanted[self.cluster])
        counts = self.counts.of_traces(wanted)
        fields = tuple(compress(self.fields, wanted.tolist()))
        part = replace(self, counts=counts, fields=fields)
        return part.only(counts.sizes > 0)

    def counted(self) -> ReliabilityData:
        """The same, with how many units of each trace everybody gave the same codes to: what is computed over units is then computed
        over these, of which there are far fewer, and is the same to the last digit (`HeldCounts`)."""
        if self.counts is not None:
            return self
        key = np.zeros(len(self.cluster), dtype=np.int64)
        for row in (*self.primary, *self.reason, *self.present):
            own, place = compact(row - row.min(initial=0))
            key = compact(key * len(own) + place)[1]
        found, first = np.unique(key, return_index=True)
        return replace(
            self,
            unit_ids=(),
            traces=(),
            cluster=np.empty(0, dtype=np.int64),
            tokens=None,
            counts=HeldCounts.of_units(self.cluster, key, len(self.traces), len(found)),
            primary=self.primary[:, first],
            present=self.present[:, first],
            reason=self.reason[:, first],
        )

    def only(self, wanted: Flags) -> ReliabilityData:
        """Only these units. ``wanted``: (units,)."""
        units = np.flatnonzero(wanted)
        return replace(
            self,
            unit_ids=() if self.counts else tuple(compress(self.unit_ids, wanted.tolist())),
            cluster=self.cluster if self.counts else self.cluster[units],
            counts=self.counts and self.counts[units],
            primary=self.primary[:, units],
            present=self.present[:, units],
            reason=self.reason[:, units],
            tokens=None if self.tokens is None else self.tokens[units],
        )

    def without(self, name: str, units: Flags, why: str) -> ReliabilityData:
        """The codings of one coder on these units taken for missing, with this reason. ``units``: (units,)."""
        gone = np.zeros(self.primary.shape, dtype=bool)
        row = self.names.index(name)
        gone[row] = units & (self.primary[row] != MISSING)
        return replace(
            self,
            primary=np.where(gone, MISSING, self.primary),
            present=np.where(gone, 0, self.present),
            reason=np.where(gone, len(self.reasons), self.reason),
            reasons=(*self.reasons, why),
        )

    def of(self, names: Sequence[str]) -> ReliabilityData:
        """The same units, only these coders, in this order."""
        for name in names:
            if name not in self.names:
                raise RunError(f"no coder is named {name!r}", did_you_mean(name, list(self.names)))
        rows = [self.names.index(name) for name in names]
        return replace(
            self,
            coders=tuple(self.coders[i] for i in rows),
            primary=self.primary[rows],
            present=self.present[rows],
            reason=self.reason[rows],
        )


def reliability_data(runs: Sequence[CoderRun]) -> ReliabilityData:
    """Join the codings of several runs by unit; the runs must share one codebook version.

    A coder who appears in two runs is one coder if no unit was coded twice, and no trace cut in two ways, else two, named ``coder@run``.
    """
    return reliability_of(read_columns(runs))


def reliability_of(columns: RunColumns) -> ReliabilityData:
    """The same, where the runs were read already."""
    joined = joined_columns(columns)
    coded = columns.primary >= 0
    every = columns.numbers("codings", "coder"), joined.unit[columns.numbers("codings", "unit")]
    cells = every[0][coded], every[1][coded]
    primary = np.full((len(columns.coders), len(joined.cluster)), MISSING, dtype=np.int64)
    present = np.zeros_like(primary)
    primary[cells], present[cells] = columns.primary[coded], columns.present[coded]
    reason, reasons = _reasons(columns, ~coded, every, primary)
    tokens = np.zeros(len(joined.cluster), dtype=np.int64)
    tokens[every[1][::-1]] = columns.numbers("units", "tokens")[columns.numbers("codings", "unit")[::-1]]
    return ReliabilityData(
        coders=columns.coders,
        categories=columns.categories,
        unit_ids=tuple(joined.units.to_pylist()),
        traces=tuple(joined.traces.to_pylist()),
        cluster=joined.cluster,
        primary=primary,
        present=present,
        reason=reason,
        reasons=reasons,
        measurement=columns.book.level,
        scale=columns.book.scale,
        exhaustive=columns.book.exhaustive,
        tokens=tokens,
        fields=tuple(columns.traces.select(list(FIELDS)).take(joined.first).to_pylist()),
    )


def _reasons(
    columns: RunColumns, lost: Flags, cells: tuple[Ints, Ints], primary: Ints
) -> tuple[Ints, tuple[str, ...]]:
    """Why codings are missing, and the reasons in words; a coder who is missing in one run and codes in another is not."""
    found = columns.codings["missing_reason"].filter(lost).combine_chunks().fill_null("missing")
    encoded = found.dictionary_encode()
    reason = np.full(primary.shape, NO_REASON, dtype=np.int64)
    reason[cells[0][lost], cells[1][lost]] = encoded.indices.to_numpy()
    return np.where(primary == MISSING, reason, NO_REASON), tuple(encoded.dictionary.to_pylist())


Kind = Literal["human-human", "human-machine", "machine-machine", "all"]
KINDS: tuple[Kind, ...] = ("human-human", "human-machine", "machine-machine", "all")


@dataclass(frozen=True)
class CodeAlpha:
    """α of one code's presence or absence, and how often the code was given: ``prevalence``, the share of the values that
    enter α, those of units that two coders or more coded."""

    code: str
    prevalence: float | None
    result: Alpha


@dataclass(frozen=True)
class Comparison:
    """Agreement within ``coders``.

    ``coverage``: per coder, the share of all units that this coder coded. ``dropped``: units that do not enter,
    by reason. ``sets``: α of the sets of codes, where a coder gave second codes, by MASI and Jaccard distance and
    multi-valued. ``beside``: see `beside_alpha`. ``missing``: per coder, recorded reasons for missing codings, and units that
    the coder was `NOT_ASKED` about.
    """

    coders: tuple[str, ...]
    kind: Kind
    measurement: str
    result: Alpha
    per_code: tuple[CodeAlpha, ...]
    sets: dict[str, Alpha]
    beside: tuple[Coefficient, ...]
    coverage: dict[str, float]
    dropped: dict[str, int]
    missing: dict[str, dict[str, int]]

    def as_json(self) -> dict[str, Any]:
        """The object that ``pcode agreement --json`` lists under ``comparisons``."""
        codes = [{"code": c.code, "prevalence": c.prevalence, **c.result.as_json()} for c in self.per_code]
        own = asdict(self) | {"per_code": codes} | self.result.as_json()
        del own["result"]
        return own


def groups(data: ReliabilityData) -> list[tuple[tuple[str, ...], Kind]]:
    """Who is compared with whom: every pair; all humans, if more than two; everybody, if more than these."""
    humans = tuple(data.names[row] for row in data.rows("human"))
    found: list[tuple[tuple[str, ...], Kind]] = [
        ((first.name, second.name), _kind(first.kind, second.kind))
        for first, second in combinations(data.coders, 2)
    ]
    if len(humans) > 2:
        found.append((humans, "human-human"))
    if 2 < len(data.coders) != len(humans):
        found.append((data.names, "all"))
    return sorted(found, key=lambda group: (KINDS.index(group[1]), len(group[0])))


def _kind(first: str, second: str) -> Kind:
    if first != second:
        return "human-machine"
    return "human-human" if first == "human" else "machine-machine"


def compare(data: ReliabilityData, kind: Kind, how: Resampling = Resampling()) -> Comparison:
    """Agreement of all coders of ``data``: on the primary code, on each code's presence, and on the sets of codes."""
    coded, sizes = data.primary != MISSING, data.sizes
    pairable = coded.sum(axis=0) >= 2
    sets = _sets(data)
    problems = [
        data.on_scale(),
        *(Reliability(data.presence(code), data.by_trace, 2) for code in data.categories),
        *sets.values(),
    ]
    result, *rest = krippendorff_alphas(problems, how)
    return Comparison(
        coders=data.names,
        kind=kind,
        measurement=data.measurement,
        result=result,
        per_code=tuple(
            CodeAlpha(code, _prevalence(problem.values[:, pairable], sizes[pairable]), alpha)
            for code, problem, alpha in zip(data.categories, problems[1:], rest, strict=False)
        ),
        sets=dict(zip(sets, rest[len(data.categories) :], strict=True)),
        beside=beside_alpha(data.to_choose(), how),
        coverage={
            name: round(int(sizes[row].sum()) / data.n_units, 6) if coded.size else 0.0
            for name, row in zip(data.names, coded, strict=True)
        },
        dropped=_dropped(coded, data.asked, sizes),
        missing={name: _missing(data, i) for i, name in enumerate(data.names)},
    )


def _dropped(coded: Flags, asked: Flags, sizes: Ints) -> dict[str, int]:
    """Units that enter no pair, each under one reason."""
    given, open_to_two = coded.sum(axis=0), asked.sum(axis=0) >= 2
    return {
        "asked of fewer than two coders": int(sizes[~open_to_two & (given < 2)].sum()),
        "coded by nobody here": int(sizes[open_to_two & (given == 0)].sum()),
        "coded by one coder only": int(sizes[open_to_two & (given == 1)].sum()),
    }


def _sets(data: ReliabilityData) -> dict[str, Reliability]:
    """Sets of codes as values, "none" as the empty one; nothing where nobody gave a second code."""
    if not (data.present & (data.present - 1)).any():
        return {}
    values, sets = data.sets()
    domain = [codes - {NONE} for codes in sets]
    measurements = ("masi", "jaccard", MULTIVALUED)
    return {name: Reliability(values, data.by_trace, domain, name) for name in measurements}


def _missing(data: ReliabilityData, row: int) -> dict[str, int]:
    recorded = dict(sorted(data.missing[row].items()))
    silent = int(data.sizes[~data.asked[row]].sum())
    return recorded | ({NOT_ASKED: silent} if silent else {})


def _prevalence(present: Ints, sizes: Ints) -> float | None:
    """``sizes``: (units,) how many units each of them stands for."""
    values = int(((present != MISSING) @ sizes).sum())
    return int(((present == 1) @ sizes).sum()) / values if values else None
