"""The log of an adjudication as a reviewer reads it: who decided when, from which codes, to which, and why.

    log.csv    n,at,who,trace_id,unit_id,unit,A,B,decision,reason,stands
    log.md     one heading a unit: the text, what each coder said, the decision, and earlier decisions if there were any

Every decision is there, those that were taken back or replaced too; ``stands`` says which count.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import NamedTuple

from ..codebook import NONE
from ..files.records import atomic
from ..files.spreadsheet import neutralise
from ..trace import Unit
from .adjudication import CoderView, Dispute, Material, decided
from .coding_log import LoggedChange, Work

_BEFORE = ("n", "at", "who", "trace_id", "unit_id", "unit")


class LoggedDecision(NamedTuple):
    """A line of the ledger, and whether it counts."""

    change: LoggedChange
    stands: bool


def decisions(disputes: Sequence[Dispute], work: Work) -> Iterator[LoggedDecision]:
    """In the order in which they were made. What was saved while it was being typed is not a decision."""
    by_unit = {dispute.task.unit.id: dispute for dispute in disputes}
    for change, following in zip_longest(work.changes, work.changes[1:]):
        if _half(change, following):
            continue
        dispute = by_unit.get(change.unit_id)
        last = work.rows.get(change.unit_id) == change.n + 1
        yield LoggedDecision(change, bool(last and dispute and decided(change.entry, dispute, work)))


def _half(change: LoggedChange, following: LoggedChange | None) -> bool:
    """Whether the next line goes on with the same decision: a reason typed further, a code followed by its reason."""
    if following is None or following.unit_id != change.unit_id or following.undoes or change.undoes:
        return False
    same = (following.who, following.said) == (change.who, change.said)
    return same and (following.codes == change.codes or not change.memo)


def write_log(material: Material, work: Work, out: Path) -> None:
    """Write ``log.csv`` and ``log.md`` into ``out``."""
    disputes = list(material.disputes())
    found = list(decisions(disputes, work))
    units = {unit.id: unit for units in material.units.values() for unit in units}
    with atomic(out / "log.csv") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow([*_BEFORE, *material.coders, "decision", "reason", "stands"])
        for decision in found:
            row = _row(material.coders, decision, units[decision.change.unit_id])
            table.writerow([decision.change.n, *map(neutralise, row)])
    with atomic(out / "log.md") as file:
        file.write("\n".join(_page(material, disputes, found, units.values())))


def _row(coders: Sequence[str], decision: LoggedDecision, unit: Unit) -> list[str]:
    change = decision.change
    before = [words(change.said[coder]) if coder in change.said else "" for coder in coders]
    stands = "yes" if decision.stands else "taken back" if change.undoes else "no"
    where = [change.at, change.who, unit.trace_id, unit.id, unit.text]
    return [*where, *before, _decision(change), change.memo, stands]


def _page(
    material: Material, disputes: Sequence[Dispute], found: Sequence[LoggedDecision], units: Iterable[Unit]
) -> Iterator[str]:
    standing = sum(decision.stands for decision in found)
    yield "# Adjudication\n"
    yield (
        f"{len(disputes)} units on which {', '.join(map(plain, material.coders))} differ; {standing} decided. "
        f"Codebook {material.book.stamp}.\n"
    )
    open_ones = {dispute.task.unit.id for dispute in disputes}
    for unit in units:
        mine = [decision for decision in found if decision.change.unit_id == unit.id]
        if mine or unit.id in open_ones:
            yield from _unit_section(unit, material.said[unit.id], mine, disputed=unit.id in open_ones)


def _unit_section(
    unit: Unit, said: Mapping[str, CoderView], mine: Sequence[LoggedDecision], *, disputed: bool
) -> Iterator[str]:
    yield f"## {plain(unit.trace_id)}, unit {unit.index + 1}\n"
    yield "\n".join(f"> {plain(line)}" for line in unit.text.splitlines()) + "\n"
    for coder, view in said.items():
        yield f"- {plain(coder)}: **{words(view.codes)}**{_why(view.memo)}"
    yield from map(_line, mine)
    if not any(decision.stands for decision in mine):
        yield "- *not decided*" if disputed else "- *they agree now*"
    yield ""


def _line(decision: LoggedDecision) -> str:
    change, mark = decision.change, "**" if decision.stands else "~~"
    undone = " (the one before is taken back)" if change.undoes else ""
    return f"- {change.at} {plain(change.who)}: {mark}{_decision(change)}{mark}{_why(change.memo)}{undone}"


def words(codes: tuple[str, ...] | None) -> str:
    return "missing" if codes is None else "; ".join(codes) or NONE


def _decision(change: LoggedChange) -> str:
    return "cannot be coded" if change.missing else "nothing" if change.codes is None else words(change.codes)


def _why(memo: str | None) -> str:
    return f" – {plain(memo)}" if memo else ""


def plain(text: str) -> str:
    """Text on one line in which nothing is markup."""
    return "".join(f"\\{c}" if c in "\\`*_{}[]<>#|~" else c for c in " ".join(text.split()))
