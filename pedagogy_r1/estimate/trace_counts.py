"""How many units of each pattern every trace has: what is left of a corpus whose units are too many to hold.

    units    t1: KA KA TR   t2: TR        patterns  0: KA   1: TR

    starts   0  2  3                      trace t stands in rows starts[t] to starts[t + 1]
    pattern  0  1  1
    count    2  1  1                      two units of KA and one of TR in t1, one of TR in t2

Two units of one trace to which every coder gave the same are the same to every statistic here, so a row with a count stands
for them; a statistic over units is then one of a few hundred patterns, and one over traces a product of this table with a
small one. A row takes some bytes, and products are made for some traces at a time: 10⁸ codings fit into half a gigabyte.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from .resample import Flags, Floats, Ints

_ROWS = 1 << 21
"""Rows that a product is made of at once: each costs 12 bytes while it lasts."""


@dataclass(frozen=True)
class TraceCounts:
    """A sparse table of traces by patterns.

    ``starts``: (traces + 1,); ``pattern``, ``count``: (rows,) whole numbers of any width; ``often``: (patterns,) units of each pattern.
    ``columns``: (n,) which pattern each of its columns is, each at most once.
    """

    starts: Ints
    pattern: Any
    count: Any
    often: Ints
    columns: Ints

    @classmethod
    def of(cls, starts: Ints, pattern: Any, count: Any, width: int) -> TraceCounts:
        """A column for every pattern, of ``width``; numbers are kept as narrow as they are small."""
        import numpy as np

        pattern, count = narrow(pattern), narrow(count)
        return cls(starts, pattern, count, _units_of(pattern, count, width), np.arange(width))

    def __getitem__(self, columns: Ints | Flags) -> TraceCounts:
        """Only these columns, in this order: like an array of the units' traces."""
        return replace(self, columns=self.columns[columns])

    @property
    def traces(self) -> int:
        """How many traces there are, those without units among them."""
        return len(self.starts) - 1

    @property
    def sizes(self) -> Ints:
        """(n,) units that each column stands for."""
        return self.often[self.columns]

    @cached_property
    def trace_sizes(self) -> Ints:
        """(traces,) units in the columns."""
        import numpy as np

        return self.sums(np.ones(len(self.columns))).astype(np.int64)

    def sums(self, table: Floats) -> Floats:
        """(traces,) or (traces, F) sums over units of a number, (n,), or several, (n, F), of each column."""
        import numpy as np

        every = np.zeros((len(self.often), *table.shape[1:]))
        every[self.columns] = table
        found = np.empty((self.traces, *table.shape[1:]))
        for traces, block in self._blocks():
            found[traces] = block @ every
        return found

    def _blocks(self) -> Iterator[tuple[slice, Any]]:
        """The table, some traces at a time, as scipy has it."""
        import numpy as np
        from scipy.sparse import csr_matrix

        first = 0
        while first < self.traces:
            last = int(np.searchsorted(self.starts, self.starts[first] + _ROWS, side="right")) - 1
            last = min(max(last, first + 1), self.traces)
            rows = slice(int(self.starts[first]), int(self.starts[last]))
            where = (self.starts[first : last + 1] - self.starts[first]).astype(np.int32)
            data = self.count[rows].astype(np.float64), self.pattern[rows].astype(np.int32), where
            yield slice(first, last), csr_matrix(data, shape=(last - first, len(self.often)))
            first = last

    def of_traces(self, wanted: Flags) -> TraceCounts:
        """Only these traces. ``wanted``: (traces,)."""
        import numpy as np

        lengths = np.diff(self.starts)
        kept = np.repeat(wanted, lengths)
        starts = np.concatenate([[0], np.cumsum(lengths[wanted])])
        pattern, count = self.pattern[kept], self.count[kept]
        return replace(
            self,
            starts=starts,
            pattern=pattern,
            count=count,
            often=_units_of(pattern, count, len(self.often)),
        )


@dataclass(frozen=True)
class HeldCounts(TraceCounts):
    """Counts of units that are held besides, so that every number is the one that the units give, to the last digit.

    ``trace``, ``of_unit``: (units,) the trace and the pattern of each.
    """

    trace: Ints
    of_unit: Ints

    @classmethod
    def of_units(cls, trace: Ints, of_unit: Ints, traces: int, width: int) -> HeldCounts:
        """A column for every pattern, of ``width``; ``traces``: how many there are."""
        import numpy as np

        cells, count = np.unique(trace * width + of_unit, return_counts=True)
        starts = np.searchsorted(cells, np.arange(traces + 1) * width)
        plain = TraceCounts.of(starts, cells % width, count, width)
        return cls(**vars(plain), trace=trace, of_unit=of_unit)

    def in_order(self, values: Ints) -> Ints:
        """(n,) values, not below 0, of the columns → (units,) of the units in these, in the units' own order."""
        import numpy as np

        every = np.full(len(self.often), -1)
        every[self.columns] = values
        of_unit = every[self.of_unit]
        found: Ints = of_unit[of_unit >= 0]
        return found

    def sums(self, table: Floats) -> Floats:
        """As of units, one added after the other: where rounding cannot come in, a product gives the same."""
        import numpy as np

        found = super().sums(table)
        wide, own = (one if one.ndim == 2 else one[:, None] for one in (table, found))
        for column in np.flatnonzero(~_exact(wide, len(self.trace))):
            every = np.zeros(len(self.often))
            every[self.columns] = wide[:, column]
            own[:, column] = np.bincount(self.trace, every[self.of_unit], self.traces)
        return found

    def of_traces(self, wanted: Flags) -> HeldCounts:
        """Only these traces. ``wanted``: (traces,)."""
        import numpy as np

        kept = wanted[self.trace]
        fewer = TraceCounts(self.starts, self.pattern, self.count, self.often, self.columns).of_traces(wanted)
        trace = (np.cumsum(wanted) - 1)[self.trace[kept]]
        return HeldCounts(**vars(fewer), trace=trace, of_unit=self.of_unit[kept])


_FINE = 1 << 10
"""Numbers that are so many-eths (halves, quarters …) are added up without rounding, in whichever order."""


def _exact(table: Floats, units: int) -> Flags:
    """(F,) which columns of (n, F) numbers are sums that double precision holds exactly, of up to so many units."""
    import numpy as np

    scaled = table * _FINE
    small = np.abs(scaled).max(axis=0, initial=0) * units < 2**53
    exact: Flags = small & (scaled == np.rint(scaled)).all(axis=0)
    return exact


def _units_of(pattern: Any, count: Any, width: int) -> Ints:
    """(width,) units of each pattern."""
    import numpy as np

    every = np.zeros(width, dtype=np.int64)
    for start in range(0, len(pattern), _ROWS):
        rows = slice(start, start + _ROWS)
        # A sum of whole numbers below 2⁵³ is exact in float64.
        every += np.bincount(pattern[rows], count[rows], width).astype(np.int64)
    return every


def narrow(numbers: Any) -> Any:
    """Whole numbers from 0 on in as few bytes as hold them."""
    import numpy as np

    most = int(numbers.max(initial=0))
    return numbers.astype(
        next(t for t in (np.uint8, np.uint16, np.uint32, np.int64) if most <= np.iinfo(t).max)
    )
