"""Reliability data: which coder gave which value to which unit.

    unit      A        B        cues
    u3f…      IA-SQ    IA-SQ    TR-SP
    u90…      KA-RO    (missing) KA-RO

Built from one or more runs made under the same codebook. Values are indices into ``categories``;
``MISSING`` (-1) is a unit that a coder did not code, which is never the same as the category ``none``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..codebook import NONE, Codebook
from ..errors import CodebookError, RunError, did_you_mean
from ..runs.coding import CoderInfo
from ..runs.run import CoderRun
from ..runs.run_columns import RunColumns, read_columns
from .alpha import NUMERIC, Reliability
from .profile import MISSING, Ints

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
