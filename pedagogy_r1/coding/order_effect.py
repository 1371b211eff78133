"""Does a model's code depend on the order in which it reads the codes? Another order for each repeat, and what changed with it.

    orders = CodeOrders(book, seed=0, repeats=3)
    orders.of("aime-3", 0)      ("OA-ME", "TR-SP", …), drawn anew for every trace and repeat
    orders.of("aime-3", 2)      with three repeats or more, the last one's is the first one's

Two repeats that read the codes in the same order differ in their seed alone, two others in order and seed: the difference of what
changes is the order's. With two repeats there is no such pair, and the two cannot be told apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

from ..codebook import Codebook
from ..codebook.altered_codebook import reordered
from ..errors import InputError
from ..estimate import Estimate, Floats, Resampling, Scale, clustered, quotient
from ..estimate.jackknife import Statistic
from ..formatting import Kind, interval, shown
from ..provenance import draw_order
from ..runs.run import CoderRun

FOR_CONTROL = 3
"""Repeats from which on two of them read the codes in the same order."""


@dataclass(frozen=True)
class CodeOrders:
    """The order of the codes in every request of a run. Raises `InputError` where it means something or nothing is compared."""

    book: Codebook
    seed: int
    repeats: int

    def __post_init__(self) -> None:
        if self.repeats < 2:
            raise InputError(
                "with --permute repeats are compared, and there is one",
                "add --repeats 3 (2 cannot tell the order from the seed)",
            )
        if self.book.level != "nominal":
            raise InputError(
                f"{self.book.ref} is {self.book.level}: the order of its codes means something",
                "leave out --permute",
            )

    def of(self, trace_id: str, repeat: int) -> tuple[str, ...]:
        """The codes' ids in the order in which one repeat (from 0) reads them for one trace."""
        if self.repeats >= FOR_CONTROL and repeat == self.repeats - 1:
            repeat = 0
        drawn = {code: draw_order(self.seed, f"{repeat}\0{trace_id}\0{code}") for code in self.book.code_ids}
        return tuple(sorted(drawn, key=drawn.__getitem__))

    def codebook(self, order: Sequence[str]) -> Codebook:
        """The codebook in that order, under its own name."""
        return reordered(self.book, order)


@dataclass(frozen=True)
class OrderEffect:
    """What `order_effect` found. ``other``, ``same``: of two codings of a unit, the share that differ in the first code, where the
    repeats read the codes in another order, and in the same one; ``more``: their difference in points; ``first``: the share of codes that
    were the first to be read, which is ``chance`` if the order says nothing."""

    other: Estimate
    same: Estimate
    more: Estimate
    first: Estimate
    chance: float

    def says(self) -> str:
        """In words, with no more than the repeats can tell."""
        if self.other.value is None:
            return f"order of the codes: {self.other.why_undefined}"
        words = f"order of the codes: {_share(self.other)} of the pairs of codings of a unit differ where the codes stood in another order"
        if self.more.value is None:
            words += "; how much of that another seed alone would change, these repeats cannot tell (--repeats 3 can)"
        else:
            words += f", {_share(self.same)} where only the seed was another: {_share(self.more, 'points')} points of difference"
            limits = self.more.interval
            if limits is not None and limits[0] <= 0 <= limits[1]:
                words += ", which does not show that the order matters"
        if self.first.value is None:
            return words
        return f"{words}; {_share(self.first)} of the codes given were the first in the list ({shown(self.chance, 'percent')} if its order said nothing)"

    def as_json(self) -> dict[str, Any]:
        """What ``run.json`` holds of it."""
        parts = {name: getattr(self, name).as_json() for name in ("other", "same", "more", "first")}
        return {"says": self.says(), **parts, "chance": self.chance}


def _share(e: Estimate, kind: Kind = "percent") -> str:
    """The value, with its interval or why there is none."""
    why = f" ({'; '.join(e.warnings)})" if e.warnings else ""
    return (
        f"{shown(e.value, kind)} {interval(e.low, e.high, kind)}"
        if e.interval
        else shown(e.value, kind) + why
    )


def order_effect(
    run: CoderRun, orders: CodeOrders, names: Sequence[str], how: Resampling = Resampling()
) -> OrderEffect:
    """Compare the codings of a run's repeats, ``names`` in order, trace by trace; intervals over traces."""
    rows: list[list[float]] = []
    traces: list[str] = []
    for trace, units, codings in run.by_trace():
        said = {(c.unit_id, c.coder): c.primary for c in codings if c.codes is not None}
        order = [orders.of(trace.id, repeat) for repeat in range(len(names))]
        row = [0.0] * 6
        for one, two in combinations(range(len(names)), 2):
            at = 2 if order[one] == order[two] else 0
            for unit in units:
                a, b = (said.get((unit.id, names[k])) for k in (one, two))
                if a is not None and b is not None:
                    row[at] += a != b
                    row[at + 1] += 1
        for k, name in enumerate(names):
            given = [said.get((unit.id, name)) for unit in units]
            row[4] += sum(code == order[k][0] for code in given)
            row[5] += sum(code in order[k] for code in given)
        rows.append(row)
        traces.append(trace.id)
    return effect_of(rows, traces, 1 / len(orders.book.codes), how)


def effect_of(
    rows: Sequence[Sequence[float]], traces: Sequence[str], chance: float, how: Resampling = Resampling()
) -> OrderEffect:
    """From six numbers a trace: pairs that differ, and all, in another order; the same in one order; first codes, and all codes."""
    import numpy as np

    table = np.array(rows, dtype=np.float64).reshape(-1, 6)

    def over(columns: Sequence[int], statistic: Statistic, scale: Scale, why: str) -> Estimate:
        part = table[:, columns]
        found = clustered(part.T.tolist(), traces, statistic, how, scale=scale, why=why)
        return replace(found, n=int(part[:, 1::2].sum()))

    other = over(
        (0, 1), quotient, "share", "no unit was coded by two repeats that read the codes in another order"
    )
    same = over(
        (2, 3), quotient, "share", "no unit was coded by two repeats that read the codes in the same order"
    )
    more = Estimate.undefined(same.why_undefined or other.why_undefined or "", level=how.level)
    if None not in (same.value, other.value):
        more = _within(over((0, 1, 2, 3), _points, "plain", "the two shares have no difference"))
    first = over((4, 5), quotient, "share", "no code was given")
    return OrderEffect(other, same, more, first, chance)


def _points(sums: Floats) -> Floats:
    """(R, 4) sums → (R,) the first share less the second, in points."""
    return 100 * (quotient(sums[:, :2]) - quotient(sums[:, 2:]))


def _within(e: Estimate) -> Estimate:
    """A difference of shares reaches from −100 to 100 points."""
    return (
        e
        if e.interval is None
        else replace(e, low=max(-100.0, e.interval[0]), high=min(100.0, e.interval[1]))
    )
