"""Which disagreements are listed, and the table of first codes that one picks them from.

            B: IA-SQ  KA-RO  TR-SP
A: IA-SQ          40      7      ·         a cell is a link to the units on which A said its row, B its column
   KA-RO           2    113      1
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import NamedTuple
from urllib.parse import urlencode

from ..codebook import NONE, Codebook
from ..human.adjudication import NOT_DRAWN, CoderView, Dispute, Material
from ..runs.run import primary_code
from .coded_text import TaskPlace

MISSING = "missing"
"""What a coder is filed under who found that a unit cannot be coded."""

APART = "not drawn"
"""What a coder is filed under who read the trace and did not draw the span."""

SHADES = 5


class HeatCell(NamedTuple):
    """Units on which the first coder said ``row`` and the second ``column``. ``shade``: 0 (none) to 5 (most of those that differ)."""

    row: str
    column: str
    units: int
    open: int
    shade: int


class HeatMap(NamedTuple):
    """``rows`` of cells; both coders have the same ``codes``: those that occur on units on which the two differ."""

    coders: tuple[str, str]
    codes: list[str]
    rows: list[list[HeatCell]]


class DisputeFilter(NamedTuple):
    """What the address of the list asks for; what is empty narrows nothing. ``pair``: of coders, from 0.

    ``coder``: who differs from somebody; ``said``: the first code of that coder, or of anybody.
    """

    pair: int
    row: str
    column: str
    show: str
    trace: str
    sort: str
    coder: str
    said: str

    @classmethod
    def of(cls, query: Mapping[str, str], coders: Sequence[str]) -> DisputeFilter:
        """Anything that is not known counts as not said."""
        pair = query.get("pair", "0")
        pairs = len(coder_pairs(coders))
        known = pair.isascii() and pair.isdigit() and len(pair) < 6 and int(pair) < pairs
        return cls(
            int(pair) if known else 0,
            *(query.get(name, "") for name in cls._fields[1:]),
        )

    @property
    def query(self) -> str:
        """What the address of a page that goes on with the same list ends with: "?show=open&trace=2", or nothing."""
        said = {name: value for name, value in self._asdict().items() if value}
        return "?" + urlencode(said) if said else ""


def coder_pairs(coders: Sequence[str]) -> list[tuple[str, str]]:
    """Every two, in the order of their names in the material."""
    return list(combinations(coders, 2))


def filed(said: Mapping[str, CoderView], coder: str) -> str | None:
    """The first code of a coder as the table has it; none where the coder was not asked or has not come to it."""
    view = said.get(coder)
    if view is None or view.waiting:
        return None
    if view.codes is None:
        return APART if view.missing_reason == NOT_DRAWN else MISSING
    return primary_code(view.codes)


def fits(spot: TaskPlace, dispute: Dispute, over: bool, wanted: DisputeFilter, pair: tuple[str, str]) -> bool:
    """Whether a disagreement is among those wanted."""
    if wanted.show == "open" and over:
        return False
    if wanted.show in ("first", "second", "missing", "alone") and wanted.show != dispute.kind:
        return False
    if wanted.trace and wanted.trace != str(spot.trace):
        return False
    if not _of_coder(dispute.said, wanted.coder, wanted.said):
        return False
    sides = zip((wanted.row, wanted.column), pair, strict=True)
    return all(not code or filed(dispute.said, coder) == code for code, coder in sides)


def _of_coder(said: Mapping[str, CoderView], coder: str, code: str) -> bool:
    """Whether ``coder`` (or, if none is named, anybody) said ``code`` first, and differs from somebody."""
    if coder:
        mine = said.get(coder)
        if (
            mine is None
            or mine.waiting
            or all(one.waiting or one.codes == mine.codes for one in said.values())
        ):
            return False
    return not code or code in {filed(said, one) for one in ([coder] if coder else said)}


def ordered(
    found: Sequence[tuple[TaskPlace, Dispute]], sort: str, pair: tuple[str, str]
) -> list[tuple[TaskPlace, Dispute]]:
    """In the order of the traces; ``sort`` "codes": those alike together, the commonest first."""
    if sort != "codes":
        return list(found)
    alike = [tuple(filed(dispute.said, coder) or "" for coder in pair) for _, dispute in found]
    counts = Counter(alike)
    places = sorted(range(len(found)), key=lambda i: (-counts[alike[i]], alike[i], i))
    return [found[i] for i in places]


def heat_map(material: Material, book: Codebook, pair: tuple[str, str], undecided: frozenset[str]) -> HeatMap:
    """Over all units that both coders coded. ``undecided``: ids of the disagreements that are open."""
    together: Counter[tuple[str, str]] = Counter()
    left: Counter[tuple[str, str]] = Counter()
    for unit_id, said in material.said.items():
        a, b = (filed(said, coder) for coder in pair)
        if a is not None and b is not None:
            together[a, b] += 1
            left[a, b] += a != b and unit_id in undecided
    differing = {cell: n for cell, n in together.items() if cell[0] != cell[1]}
    there = {code for cell in differing for code in cell}
    codes = [code for code in (*book.code_ids, NONE, MISSING, APART) if code in there]
    most = max(differing.values(), default=1)
    rows = [
        [
            HeatCell(a, b, together[a, b], left[a, b], 0 if a == b else -(-SHADES * together[a, b] // most))
            for b in codes
        ]
        for a in codes
    ]
    return HeatMap(pair, codes, rows)
