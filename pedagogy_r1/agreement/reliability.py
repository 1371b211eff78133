"""Reliability data: which coder gave which value to which unit.

    unit      A        B        cues
    u3f…      IA-SQ    IA-SQ    TR-SP
    u90…      KA-RO    (missing) KA-RO

Built from one or more runs made under the same codebook. Values are indices into ``categories``;
``MISSING`` (-1) is a unit that a coder did not code, which is never the same as the category ``none``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..codebook import NONE, Codebook
from ..errors import CodebookError, RunError
from ..runs.coding import CoderInfo
from ..runs.run import CoderRun
from .additive import Ints
from .distance import NUMERIC
from .profile import MISSING

FIELDS = ("item", "domain", "condition", "model")


@dataclass(frozen=True)
class ReliabilityData:
    """Coders × units.

    ``primary``: (coders, units) index of the primary code, or ``MISSING``.
    ``present``: (coders, units) bit k is set where code k was given, as primary or secondary code.
    ``cluster``: (units,) index into ``traces``.
    ``missing``: per coder, how often each reason for a missing coding was recorded.
    ``level``: the codebook's level of measurement; ``scale``: the numbers the codes stand for, at interval and ratio.
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
    level: str = "nominal"
    scale: tuple[float, ...] = ()
    fields: tuple[dict[str, str | None], ...] = ()

    def on_scale(self) -> Ints:
        """``primary`` without "none", which has no place in an order: a coding of no code is missing there."""
        if self.level == "nominal" or NONE not in self.categories:
            return self.primary
        return np.where(self.primary == self.categories.index(NONE), MISSING, self.primary)

    def where(self, name: str, value: str | None) -> ReliabilityData:
        """Only the units of traces whose field ``name`` (item, domain, condition, model) is ``value``."""
        wanted = np.array([fields.get(name) == value for fields in self.fields], dtype=bool)
        units = np.flatnonzero(wanted[self.cluster])
        missing = tuple(Counter[str]() for _ in self.coders)
        return replace(
            self,
            unit_ids=tuple(self.unit_ids[u] for u in units),
            cluster=self.cluster[units],
            primary=self.primary[:, units],
            present=self.present[:, units],
            missing=missing,
        )

    def of(self, names: Sequence[str]) -> ReliabilityData:
        """The same units, only these coders, in this order."""
        known = [coder.name for coder in self.coders]
        rows = []
        for name in names:
            if name not in known:
                from ..errors import did_you_mean

                raise RunError(f"no coder is named {name!r}", did_you_mean(name, known))
            rows.append(known.index(name))
        return replace(
            self,
            coders=tuple(self.coders[i] for i in rows),
            primary=self.primary[rows],
            present=self.present[rows],
            missing=tuple(self.missing[i] for i in rows),
        )

    def presence(self, code: str) -> Ints:
        """(coders, units): 1 where the code was given, 0 where another or none was, ``MISSING`` where missing."""
        bit = self.categories.index(code)
        return np.where(self.primary == MISSING, MISSING, (self.present >> bit) & 1)


def reliability_data(runs: Sequence[CoderRun]) -> ReliabilityData:
    """Join the codings of several runs by unit; the runs must share one codebook version.

    A coder who appears in two runs is one coder if no unit was coded twice, else two, named ``coder@run``.
    """
    book = _one_codebook(runs)
    categories = book.code_ids if book.exhaustive else (*book.code_ids, NONE)
    categories = _with_none(categories, runs)
    table = _Table({name: i for i, name in enumerate(categories)})
    for run, label in zip(runs, run_labels(runs), strict=True):
        table.add(run, label)
    return replace(table.finish(categories), level=book.level, scale=_scale(book))


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


def _with_none(categories: tuple[str, ...], runs: Iterable[CoderRun]) -> tuple[str, ...]:
    """An exhaustive codebook has no category ``none``, unless somebody coded so all the same."""
    if NONE in categories or all(coding.codes != () for run in runs for coding in run.codings()):
        return categories
    return (*categories, NONE)


def _one_codebook(runs: Sequence[CoderRun]) -> Codebook:
    if not runs:
        raise RunError("no run was given", "name at least one run directory")
    (name, first), *others = ((run.folder, run.codebook) for run in runs)
    for other, book in others:
        if book.id != first.id:
            raise CodebookError(
                f"{name} was coded under {first.stamp} and {other} under {book.stamp}",
                "codings under different codebooks cannot be compared: code the same units under one of them, "
                "with pcode annotate --codebook ID@VERSION --units RUN",
            )
        if book.digest != first.digest:
            raise CodebookError(
                f"{name} was coded under {first.stamp} and {other} under {book.stamp}",
                "carry the older codings over with: pcode codebook migrate RUN --to ID@VERSION -o NEW_RUN",
            )
    return first


def run_labels(runs: Sequence[CoderRun]) -> list[str]:
    """Names of the runs, with as many parent directories as tell them apart: ``a/cues``, ``b/cues``."""
    paths = [run.folder.resolve() for run in runs]
    for path, count in Counter(paths).items():
        if count > 1:
            raise RunError(f"{path} is given {count} times", "give each run once")
    longest = max(len(path.parts) for path in paths)
    tails = [["/".join(path.parts[-n:]) for path in paths] for n in range(1, longest + 1)]
    return [
        next(tail[i] for tail in tails if tail.count(tail[i]) == 1 or tail is tails[-1])
        for i in range(len(paths))
    ]


class _Table:
    """Collects codings run by run; columns grow as units appear."""

    def __init__(self, index: dict[str, int]) -> None:
        self.index = index
        self.units: dict[str, int] = {}
        self.cluster: list[int] = []
        self.traces: dict[str, int] = {}
        self.fields: list[dict[str, str | None]] = []
        self.columns: dict[tuple[str, str], tuple[CoderInfo, dict[int, tuple[int, int]], Counter[str]]] = {}

    def add(self, run: CoderRun, label: str) -> None:
        for trace in run.traces():
            if trace.id not in self.traces:
                self.traces[trace.id] = len(self.traces)
                self.fields.append({name: getattr(trace, name) for name in FIELDS})
        for unit in run.units():
            if unit.id not in self.units:
                self.units[unit.id] = len(self.units)
                self.cluster.append(self.traces[unit.trace_id])
        columns: dict[str, tuple[CoderInfo, dict[int, tuple[int, int]], Counter[str]]] = {
            coder.name: (coder, {}, Counter()) for coder in run.manifest.coders
        }
        for coding in run.codings():
            column = columns.get(coding.coder)
            place = self.units.get(coding.unit_id)
            if column is None or place is None:
                what = f"coder {coding.coder!r}" if column is None else f"unit {coding.unit_id!r}"
                raise RunError(
                    f"{run.folder}: a coding names {what}, which the run does not have",
                    "restore the run directory",
                )
            if coding.codes is None:
                column[2][coding.missing_reason or "missing"] += 1
                continue
            codes = [self.index[code] for code in coding.codes] or [self.index[NONE]]
            column[1][place] = (codes[0], sum(1 << code for code in set(codes)))
        for name, found in columns.items():
            self.columns[name, label] = found

    def finish(self, categories: tuple[str, ...]) -> ReliabilityData:
        merged = self._merge()
        primary = np.full((len(merged), len(self.units)), MISSING, dtype=np.int64)
        present = np.zeros_like(primary)
        for row, (_, values, _) in enumerate(merged):
            places = np.fromiter(values, dtype=np.int64, count=len(values))
            pairs = np.array(list(values.values()), dtype=np.int64).reshape(-1, 2)
            primary[row, places], present[row, places] = pairs[:, 0], pairs[:, 1]
        return ReliabilityData(
            coders=tuple(coder for coder, _, _ in merged),
            categories=categories,
            unit_ids=tuple(self.units),
            traces=tuple(self.traces),
            cluster=np.array(self.cluster, dtype=np.int64),
            primary=primary,
            present=present,
            missing=tuple(missing for _, _, missing in merged),
            fields=tuple(self.fields),
        )

    def _merge(self) -> list[tuple[CoderInfo, dict[int, tuple[int, int]], Counter[str]]]:
        by_name: dict[str, list[str]] = {}
        for name, run in self.columns:
            by_name.setdefault(name, []).append(run)
        merged = []
        for name, runs in by_name.items():
            parts = [self.columns[name, run] for run in runs]
            if sum(len(part[1]) for part in parts) == len(set().union(*(part[1] for part in parts))):
                values: dict[int, tuple[int, int]] = {}
                missing: Counter[str] = Counter()
                for _, more, reasons in parts:
                    values |= more
                    missing += reasons
                merged.append((parts[0][0], values, missing))
            else:
                for run, (coder, values, missing) in zip(runs, parts, strict=True):
                    merged.append((CoderInfo(name=f"{name}@{run}", kind=coder.kind), values, missing))
        return merged


def as_table(data: ReliabilityData) -> list[dict[str, Any]]:
    """One row per unit with each coder's primary code (``None`` where missing), for a look or a data frame."""
    names = [coder.name for coder in data.coders]
    return [
        {"unit_id": unit, "trace_id": data.traces[data.cluster[u]]}
        | {
            name: None if (v := data.primary[c, u]) == MISSING else data.categories[v]
            for c, name in enumerate(names)
        }
        for u, unit in enumerate(data.unit_ids)
    ]
