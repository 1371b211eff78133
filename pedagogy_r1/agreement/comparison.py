"""A comparison: α of one group of coders, with what entered it and what did not; and the units on which they differ.

A–B      human–human      α = .74  [.61, .84] over traces, [.66, .81] over units
A–cues   human–machine    α = .41  …

Its data says which coder gave which value to which unit (`ReliabilityData`), from one or more runs made under the same
codebook: values are indices into ``categories``; ``MISSING`` (-1) is a unit that a coder did not code, which is never
the same as the category ``none``.

most disagreed   “I could also share out the 9.0 V as 1.5 to 3.0.”   A: IA-PL   B: IA-MT   cues: KA-RO
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from itertools import combinations
from typing import Any, Literal

import numpy as np

from ..codebook import NONE, Codebook
from ..errors import CodebookError, RunError, did_you_mean
from ..estimate import Resampling
from ..runs.run import CoderInfo, CoderRun, quoted
from ..runs.run_columns import RunColumns, read_columns
from .alpha import MULTIVALUED, NUMERIC, Alpha, Reliability, krippendorff_alphas
from .coefficients import Coefficient, beside_alpha
from .profile import MISSING, Ints, Profiles, profiles

FIELDS = ("item", "domain", "condition", "model")


@dataclass(frozen=True)
class ReliabilityData:
    """Coders × units.

    ``primary``: (coders, units) index of the primary code, or ``MISSING``.
    ``present``: (coders, units) bit k is set where code k was given, as primary or secondary code.
    ``cluster``: (units,) index into ``traces``.
    ``missing``: per coder, how often each reason for a missing coding was recorded.
    ``measurement``: the codebook's level; ``scale``: the numbers the codes stand for, at interval and ratio.
    ``fields``: per trace, its item, domain, condition and model.
    """

    coders: tuple[CoderInfo, ...]
    categories: tuple[str, ...]
    unit_ids: tuple[str, ...]
    traces: tuple[str, ...]
    cluster: Ints
    primary: Ints
    present: Ints
    missing: tuple[Counter[str], ...]
    measurement: str = "nominal"
    scale: tuple[float, ...] = ()
    fields: tuple[dict[str, str | None], ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Of the coders."""
        return tuple(coder.name for coder in self.coders)

    def rows(self, kind: str) -> list[int]:
        """The ``human`` or ``machine`` coders' rows."""
        return [row for row, coder in enumerate(self.coders) if coder.kind == kind]

    def on_scale(self) -> Reliability:
        """Primary codes at the codebook's level. Above nominal "none" has no place: a coding of no code is missing there."""
        values = self.primary
        if self.measurement != "nominal" and NONE in self.categories:
            values = np.where(values == self.categories.index(NONE), MISSING, values)
        return Reliability(values, self.cluster, self.scale or len(self.categories), self.measurement)

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
        units = np.flatnonzero(wanted[self.cluster])
        return replace(
            self,
            unit_ids=tuple(self.unit_ids[u] for u in units),
            cluster=self.cluster[units],
            primary=self.primary[:, units],
            present=self.present[:, units],
            missing=tuple(Counter[str]() for _ in self.coders),
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
            missing=tuple(self.missing[i] for i in rows),
        )


def reliability_data(runs: Sequence[CoderRun]) -> ReliabilityData:
    """Join the codings of several runs by unit; the runs must share one codebook version.

    A coder who appears in two runs is one coder if no unit was coded twice, else two, named ``coder@run``.
    """
    return reliability_of(read_columns(runs))


def reliability_of(columns: RunColumns) -> ReliabilityData:
    """The same, where the runs were read already."""
    units = columns.units["id"].combine_chunks().dictionary_encode()
    traces = columns.traces["id"].combine_chunks().dictionary_encode()
    unit, trace = (found.indices.to_numpy().astype(np.int64) for found in (units, traces))
    cluster = np.empty(len(units.dictionary), dtype=np.int64)
    cluster[unit[::-1]] = trace[columns.numbers("units", "trace")[::-1]]
    coded = columns.primary >= 0
    cells = columns.numbers("codings", "coder")[coded], unit[columns.numbers("codings", "unit")[coded]]
    primary = np.full((len(columns.coders), len(cluster)), MISSING, dtype=np.int64)
    present = np.zeros_like(primary)
    primary[cells], present[cells] = columns.primary[coded], columns.present[coded]
    first = np.unique(trace, return_index=True)[1]
    return ReliabilityData(
        coders=columns.coders,
        categories=columns.categories,
        unit_ids=tuple(units.dictionary.to_pylist()),
        traces=tuple(traces.dictionary.to_pylist()),
        cluster=cluster,
        primary=primary,
        present=present,
        missing=columns.missing(),
        measurement=columns.book.level,
        scale=_scale(columns.book),
        fields=tuple(columns.traces.select(list(FIELDS)).take(first).to_pylist()),
    )


def _scale(book: Codebook) -> tuple[float, ...]:
    if book.level not in NUMERIC:
        return ()
    unnumbered = [code.id for code in book.codes if code.value is None]
    if unnumbered:
        raise CodebookError(
            f"{book.ref} is {book.level}, but {', '.join(unnumbered)} has no value",
            "give every code a 'value'",
        )
    return tuple(float(code.value) for code in book.codes if code.value is not None)


Kind = Literal["human-human", "human-machine", "machine-machine", "all"]
KINDS: tuple[Kind, ...] = ("human-human", "human-machine", "machine-machine", "all")


@dataclass(frozen=True)
class CodeAlpha:
    """α of one code's presence or absence, and how often the code was given (``prevalence``, share of values)."""

    code: str
    prevalence: float | None
    result: Alpha


@dataclass(frozen=True)
class Comparison:
    """Agreement within ``coders``.

    ``coverage``: per coder, the share of all units that this coder coded. ``dropped``: units that do not enter,
    by reason. ``sets``: α of the sets of codes, where a coder gave second codes, by MASI and Jaccard distance and
    multi-valued. ``beside``: percent agreement, κ and AC1. ``missing``: per coder, recorded reasons for missing codings.
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
    """Who is compared with whom: every pair; all humans, if more than two; everybody, if more than two."""
    humans = tuple(data.names[row] for row in data.rows("human"))
    found: list[tuple[tuple[str, ...], Kind]] = [
        ((first.name, second.name), _kind(first.kind, second.kind))
        for first, second in combinations(data.coders, 2)
    ]
    if len(humans) > 2:
        found.append((humans, "human-human"))
    if len(data.coders) > 2:
        found.append((data.names, "all"))
    return sorted(found, key=lambda group: (KINDS.index(group[1]), len(group[0])))


def _kind(first: str, second: str) -> Kind:
    if first != second:
        return "human-machine"
    return "human-human" if first == "human" else "machine-machine"


def compare(data: ReliabilityData, kind: Kind, how: Resampling = Resampling()) -> Comparison:
    """Agreement of all coders of ``data``: on the primary code, on each code's presence, and on the sets of codes."""
    coded = data.primary != MISSING
    given = coded.sum(axis=0)
    sets = _sets(data)
    problems = [
        data.on_scale(),
        *(Reliability(data.presence(code), data.cluster, 2) for code in data.categories),
        *sets.values(),
    ]
    result, *rest = krippendorff_alphas(problems, how)
    return Comparison(
        coders=data.names,
        kind=kind,
        measurement=data.measurement,
        result=result,
        per_code=tuple(
            CodeAlpha(code, _prevalence(problem.values), alpha)
            for code, problem, alpha in zip(data.categories, problems[1:], rest, strict=False)
        ),
        sets=dict(zip(sets, rest[len(data.categories) :], strict=True)),
        beside=beside_alpha(data.primary, data.cluster, len(data.categories), how),
        coverage={
            name: round(float(row.mean()), 6) if coded.size else 0.0
            for name, row in zip(data.names, coded, strict=True)
        },
        dropped={
            "coded by nobody here": int((given == 0).sum()),
            "coded by one coder only": int((given == 1).sum()),
        },
        missing={name: _missing(data, i) for i, name in enumerate(data.names)},
    )


def _sets(data: ReliabilityData) -> dict[str, Reliability]:
    """Sets of codes as values, "none" as the empty one; nothing where nobody gave a second code."""
    if not (data.present & (data.present - 1)).any():
        return {}
    values, sets = data.sets()
    domain = [codes - {NONE} for codes in sets]
    measurements = ("masi", "jaccard", MULTIVALUED)
    return {name: Reliability(values, data.cluster, domain, name) for name in measurements}


def _missing(data: ReliabilityData, row: int) -> dict[str, int]:
    recorded = dict(sorted(data.missing[row].items()))
    silent = int((data.primary[row] == MISSING).sum()) - sum(recorded.values())
    return recorded | ({"not coded": silent} if silent > 0 else {})


def _prevalence(present: Ints) -> float | None:
    values = present[present != MISSING]
    return float(values.mean()) if values.size else None


MOST = 10
EACH = 2
"""Units of one and the same confusion; more would crowd out the others."""


@dataclass(frozen=True)
class Confusion:
    """Two values that coders gave to the same unit: how often, over all pairs of coders and pairable units."""

    codes: tuple[str, str]
    count: int


def confusions(data: ReliabilityData) -> list[Confusion]:
    """All confused pairs of primary codes, most frequent first."""
    together = _together(profiles(data.primary, len(data.categories)))
    found = [
        Confusion((data.categories[a], data.categories[b]), int(together[a, b]))
        for a, b in combinations(range(len(data.categories)), 2)
        if together[a, b]
    ]
    return sorted(found, key=lambda c: (-c.count, c.codes))


def _together(found: Profiles) -> Ints:
    """(codes, codes) how often two coders gave them to one unit; the diagonal means nothing."""
    return (found.counts * found.sizes[:, None]).T @ found.counts


def ranked_units(data: ReliabilityData, each: int | None = None) -> Ints:
    """Places of all units on which coders differ, the one to talk over first at the head.

    The largest share of disagreeing pairs of coders first; among equals more coders, then the rarer confusion, which is the
    more telling one, then the units' own order. ``each``: at most so many units to which the same codes were given.
    """
    found = profiles(data.primary, len(data.categories))
    m = found.counts.sum(axis=1)
    share = (m**2 - (found.counts**2).sum(axis=1)) / (m * (m - 1))
    together = _together(found)
    rarity = np.array(
        [
            min((int(together[a, b]) for a, b in combinations(np.flatnonzero(counts), 2)), default=0)
            for counts in found.counts
        ]
    )
    own = found.profile
    differ = share[own] > 0
    if each is not None:
        order = np.argsort(own, kind="stable")
        first = np.searchsorted(own[order], np.arange(len(m)))
        differ[order] &= np.arange(len(own)) - first[own[order]] < each
    own, units = own[differ], found.units[differ]
    ranked: Ints = units[np.lexsort((units, rarity[own], -m[own], -share[own]))]
    return ranked


@dataclass(frozen=True)
class DisagreedUnit:
    """A unit on which coders differ, with the primary code that each of them gave."""

    unit_id: str
    trace_id: str
    text: str
    codes: dict[str, str]


def most_disagreed(
    runs: Sequence[CoderRun], data: ReliabilityData, most: int = MOST
) -> tuple[DisagreedUnit, ...]:
    """The head of `ranked_units`, quoted; at most `EACH` of a kind."""
    units = ranked_units(data, EACH)[:most].tolist()
    texts = quoted(runs, {data.unit_ids[unit] for unit in units})
    return tuple(
        DisagreedUnit(data.unit_ids[unit], *texts[data.unit_ids[unit]], _primary_codes(data, unit))
        for unit in units
    )


def _primary_codes(data: ReliabilityData, unit: int) -> dict[str, str]:
    return {
        name: data.categories[value]
        for name, value in zip(data.names, data.primary[:, unit], strict=True)
        if value != MISSING
    }
