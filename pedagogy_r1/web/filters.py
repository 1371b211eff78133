"""Which traces, and which of their units, somebody wants to see.

    ?domain=PK&code=IA-SQ&coder=A&differ=primary&q=pupil      units that A coded IA-SQ, about which another coder
                                                              differs, with "pupil" in them, of traces in PK

Conditions about units (code, coder, differ) and a search hold of one and the same unit. A search by itself also looks at
question and answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlencode

from ..codebook import NONE
from .index import MISSING, Index, TraceRow, fold
from .scan import read_line
from .trace_view import unit_spans

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Mask = npt.NDArray[np.bool_]

DIFFER = {
    "primary": "primary codes differ",
    "any": "any code differs",
    "agree": "coders agree",
}
OPEN = "missing"
"""Stands for units that a coder left open, where a code is asked for."""


@dataclass(frozen=True)
class Filters:
    """As in the address; ``""`` asks for nothing."""

    domain: str = ""
    condition: str = ""
    model: str = ""
    correct: str = ""
    code: str = ""
    coder: str = ""
    differ: str = ""
    q: str = ""

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Filters:
        """From an address; what is not a filter is left alone."""
        return cls(**{name: query[name].strip() for name in cls.__dataclass_fields__ if name in query})

    def query(self, **more: object) -> str:
        """The address's end, from ``?`` on. ``more`` stands before the filters, or in the place of one."""
        every = {**more, **asdict(self), **more}
        wanted = {key: value for key, value in every.items() if value not in ("", None, [])}
        return "?" + urlencode(wanted, doseq=True, errors="replace") if wanted else ""

    @property
    def about_units(self) -> bool:
        """Whether single units are asked for, beside a search."""
        return bool(self.code or self.coder or self.differ)

    @property
    def any(self) -> bool:
        """Whether anything is asked for."""
        return self != Filters()


class TraceHit(NamedTuple):
    """A trace, by number, and how many of its units fit; none where units were not asked about."""

    number: int
    units: int | None


def select(index: Index, filters: Filters) -> list[TraceHit]:
    """The traces that fit, in order. Waits for as much of the index as it needs."""
    index.wait_traces()
    numbers = [n for n, row in enumerate(index.rows) if _fits(row, filters)]
    needle = fold(filters.q)
    if needle:
        index.wait_texts()
        numbers = [n for n in numbers if needle in index.rows[n].folded]
    if not filters.about_units:
        return [TraceHit(n, None) for n in numbers]
    mask = unit_mask(index, filters)
    counts = ((n, _count(index, index.rows[n], mask, needle)) for n in numbers)
    return [TraceHit(n, count) for n, count in counts if count]


def _count(index: Index, row: TraceRow, mask: Mask, needle: bytes) -> int:
    """How many of the row's units fit."""
    found = mask[row.units[0] : row.units[1]]
    if not needle or not found.any():
        return int(found.sum())
    texts = zip(_texts(index, row), found.tolist(), strict=True)
    return sum(needle in text for text, fits in texts if fits)


def unit_mask(index: Index, filters: Filters) -> Mask:
    """(units of all traces,) whether coder, code and disagreement are as asked."""
    import numpy as np

    cells = index.matrix()
    chosen = [i for i, c in enumerate(index.columns) if not filters.coder or c.label == filters.coder]
    mask: Mask = np.ones(len(cells), dtype=bool)
    if filters.code:
        wanted = np.array([_is(number, codes, filters.code) for number, codes in enumerate(index.sets)])
        mask &= wanted[cells[:, chosen]].any(axis=1)
    elif filters.coder:
        mask &= (cells[:, chosen] > MISSING).any(axis=1)
    if filters.differ:
        mask &= differing(cells, index.sets, filters.differ)
    return mask


def differing(cells: npt.NDArray[np.uint16], sets: Sequence[tuple[str, ...] | None], how: str) -> Mask:
    """(units,) whether coders differ (``primary``, ``any``) or ``agree``; of units that fewer than two coded, neither.

    ``agree`` is about primary codes.
    """
    import numpy as np

    further = slice(1, None) if how == "any" else slice(0)
    keys = [None if codes is None else (*codes[:1], *sorted(codes[further])) for codes in sets]
    known: dict[tuple[str, ...], int] = {}
    table = np.array(
        [-1 if key is None else known.setdefault(key, len(known)) for key in keys], dtype=np.int32
    )
    said = table[cells]
    two = (said >= 0).sum(axis=1) >= 2
    highest = said.max(axis=1, initial=-1)
    lowest = np.where(said < 0, np.iinfo(np.int32).max, said).min(axis=1, initial=np.iinfo(np.int32).max)
    found: Mask = two & ((highest == lowest) if how == "agree" else (highest != lowest))
    return found


def _is(number: int, codes: tuple[str, ...] | None, wanted: str) -> bool:
    if wanted == OPEN:
        return number == MISSING
    return codes is not None and (not codes if wanted == NONE else wanted in codes)


def _fits(row: TraceRow, filters: Filters) -> bool:
    return (
        filters.domain in ("", row.domain)
        and filters.condition in ("", row.condition)
        and filters.model in ("", row.model)
        and filters.correct in ("", {True: "yes", False: "no", None: ""}[row.correct])
    )


def _texts(index: Index, row: TraceRow) -> list[bytes]:
    """The row's units' texts, folded, in its order."""
    reasoning: Any = read_line(index.path(row.run, "traces.jsonl"), row.at).get("reasoning") or ""
    return [fold(reasoning[start:end]) for start, end in unit_spans(index, row)]
