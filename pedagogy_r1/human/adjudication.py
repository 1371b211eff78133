"""Adjudicating: where coders differ, somebody decides and says why; that is a third coding, and theirs stay as they are.

    Dispute(unit u3f…, said (A: IA-SQ, B: OA-ME "judges the thinking"), kind "first")
    OUT/ledger.jsonl      every decision as it was made: who, when, from which codes, to which, why (`coding_log.py`)
    OUT/run.json …        a run of one coder, "adjudicated": what was decided, and what needed no decision
    OUT/log.csv           the ledger for a reviewer: n,at,who,trace_id,unit_id,unit,A,B,decision,reason,stands
    OUT/log.md            one heading a unit: the text, what each coder said, the decision, and earlier ones if there were any

What counts as settled without a decision: units on which all agree, and those that one coder alone was asked for. Where coders
draw spans, one that a single coder drew, in a trace that others read too, needs one: it is kept, with a code, or not. Decisions that
were taken back or replaced are in the logs too; ``stands`` says which count. What is decided upon: `adjudication_material.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any, Literal, NamedTuple

from ..codebook import NONE, Codebook
from ..files.records import write_csv, write_text
from ..runs.locked_part import Lock
from ..runs.run import CoderInfo, CoderKind, Coding, Manifest
from ..runs.run_writer import RunWriter
from ..sampling.assignment import CONTEXT
from ..trace import Trace, Unit
from .coding_log import EMPTY, NOT_YET, Entry, LoggedChange, Work
from .packet import CodingTask
from .packet_return import NOT_RETURNED
from .parse_cells import EMPTY_CELL

ADJUDICATED = "adjudicated"
"""The name of the third coder."""

UNDECIDED = "not adjudicated yet"
NOBODY = "nobody coded it"

NOT_DRAWN = "did not draw it"
"""Why a coder says nothing of a span: they read the trace, and drew none there."""

NOT_KEPT = "not kept"
"""What was decided of a span that one coder alone drew and that the adjudicated run does not have."""

Kind = Literal["first", "second", "missing", "alone"]
"""First codes differ; only further codes do; one coded what another could not; a span that one coder alone drew."""


class CoderView(NamedTuple):
    """One coder's view of a unit. ``codes=None`` with a reason is missing."""

    codes: tuple[str, ...] | None
    missing_reason: str | None = None
    memo: str | None = None

    @classmethod
    def of(cls, entry: Entry) -> CoderView:
        """What a log says of the unit."""
        return cls(entry.codes, entry.missing_reason, entry.memo or None)

    @property
    def waiting(self) -> bool:
        """Not yet coded, rather than found impossible to code."""
        return self.codes is None and self.missing_reason in (NOT_RETURNED, NOT_YET, EMPTY_CELL)


class Dispute(NamedTuple):
    """A unit on which coders differ."""

    task: CodingTask
    said: dict[str, CoderView]
    kind: Kind

    @property
    def codes(self) -> dict[str, tuple[str, ...] | None]:
        return {coder: said.codes for coder, said in self.said.items()}


class Material(NamedTuple):
    """Everybody's codings of the same units. ``source``: what tells this material from other material; ``locks``: those it is under."""

    book: Codebook
    scheme: str
    coders: tuple[str, ...]
    traces: Mapping[str, Trace]
    units: Mapping[str, Sequence[Unit]]
    said: Mapping[str, dict[str, CoderView]]
    source: str
    context: int = CONTEXT
    whole: bool = True
    locks: tuple[Lock, ...] = ()

    comments: Mapping[str, Sequence[LoggedChange]] = {}
    """What the coders wrote about a unit while they coded, by unit."""

    def disputes(self) -> Iterator[Dispute]:
        """In the order of the traces."""
        number = 0
        for trace_id, units in self.units.items():
            for i, unit in enumerate(units):
                said = self.said.get(unit.id, {})
                if kind := differ(said.values()):
                    number += 1
                    task = CodingTask.of(number, self.traces[trace_id], units, i, self.context)
                    yield Dispute(task, said, kind)


def differ(said: Iterable[CoderView]) -> Kind | None:
    """How the coders differ, if they do; whoever has not come to the unit yet does not count.

    Of a span that several drew, those decide who drew it.
    """
    asked = [one for one in said if not one.waiting]
    seen = [one for one in asked if one.missing_reason != NOT_DRAWN]
    if len(seen) == 1 and len(asked) > 1 and seen[0].codes is not None:
        return "alone"
    coded = {one.codes for one in seen if one.codes is not None}
    if len({codes[:1] for codes in coded}) > 1:
        return "first"
    if len(coded) > 1:
        return "second"
    return "missing" if coded and any(one.codes is None for one in seen) else None


def decided(entry: Entry, dispute: Dispute, work: Work) -> bool:
    """Whether the decision stands: it has a reason, and the coders still say what it was made upon."""
    return entry.done and bool(entry.memo) and work.said.get(dispute.task.unit.id) == dispute.codes


def adjudicated_run(material: Material, who: Sequence[str] = (), kind: CoderKind = "human") -> Manifest:
    """The manifest of the third coder's run, which is the same run whoever decided; ``kind``: what those who decided are."""
    parameters = {"coders": list(material.coders), "adjudicated by": list(who)}
    return Manifest.new(
        "adjudicated",
        material.book,
        {"adjudicated": material.source, "scheme": material.scheme}
        | ({"kind": kind} if kind != "human" else {}),
        coders=[CoderInfo(name=ADJUDICATED, kind=kind)],
        coder="adjudicate",
        scheme=material.scheme,
        parameters=parameters,
        source={"material": material.source},
    )


def write_adjudicated(
    material: Material, work: Work, out: Path, who: Sequence[str], kind: CoderKind = "human"
) -> Manifest:
    """Write the run of the third coder and its log into ``out``, over what was there of the same material. Returns its manifest."""
    manifest = adjudicated_run(material, who, kind)
    disputes = {dispute.task.unit.id: dispute for dispute in material.disputes()}
    with RunWriter(out, manifest, material.book, restart=True, locks=material.locks) as writer:
        for trace_id, units in material.units.items():
            settled = (
                _settled(unit, material, disputes.get(unit.id), work, manifest.run_id) for unit in units
            )
            writer.write(material.traces[trace_id], list(units), [coding for coding in settled if coding])
        write_log(material, work, out)
        return writer.finish("complete", parameters=manifest.parameters)


def _settled(
    unit: Unit, material: Material, dispute: Dispute | None, work: Work, run_id: str
) -> Coding | None:
    """The third coder's coding of a unit, if anybody was asked for it; of a span that one drew, if it is kept."""
    said = material.said.get(unit.id)
    if not said:
        return None
    view = _decision(unit, dispute, work) if dispute else _agreed(said)
    if dispute and dispute.kind == "alone" and view.codes is None:
        return None
    return Coding(
        unit_id=unit.id,
        coder=ADJUDICATED,
        codes=view.codes,
        missing_reason=view.missing_reason,
        rationale=view.memo,
        codebook=material.book.stamp,
        run_id=run_id,
    )


def _decision(unit: Unit, dispute: Dispute, work: Work) -> CoderView:
    entry = work.entries.get(unit.id, EMPTY)
    if not decided(entry, dispute, work):
        return CoderView(None, UNDECIDED)
    return CoderView.of(entry)


def _agreed(said: Mapping[str, CoderView]) -> CoderView:
    coded = [coder for coder, view in said.items() if view.codes is not None]
    if not coded:
        return CoderView(None, NOBODY)
    why = f"agreed by {', '.join(coded)}" if len(coded) > 1 else f"coded by {coded[0]} alone"
    return said[coded[0]]._replace(memo=why)


class LoggedDecision(NamedTuple):
    """A line of the ledger, and whether it counts. ``alone``: of a span that one coder alone drew."""

    change: LoggedChange
    stands: bool
    alone: bool = False

    @property
    def outcome(self) -> str:
        """What was decided, in words."""
        change = self.change
        if change.missing:
            return NOT_KEPT if self.alone else "cannot be coded"
        return "nothing" if change.codes is None else words(change.codes)


def decisions(disputes: Mapping[str, Dispute], work: Work) -> Iterator[LoggedDecision]:
    """In the order in which they were made. What was saved while it was being typed is not a decision."""
    changes = [change for change in work.changes if not change.comment]
    for change, following in zip_longest(changes, changes[1:]):
        if _half(change, following):
            continue
        dispute = disputes.get(change.unit_id)
        last = work.rows.get(change.unit_id) == change.n + 1
        stands = bool(last and dispute and decided(change.entry, dispute, work))
        yield LoggedDecision(change, stands, bool(dispute and dispute.kind == "alone"))


def _half(change: LoggedChange, following: LoggedChange | None) -> bool:
    """Whether the next line goes on with the same decision: a reason typed further, a code followed by its reason."""
    if following is None or following.unit_id != change.unit_id or following.undoes or change.undoes:
        return False
    same = (following.who, following.said) == (change.who, change.said)
    return same and (following.codes == change.codes or not change.memo)


def write_log(material: Material, work: Work, out: Path) -> None:
    """Write ``log.csv`` and ``log.md`` into ``out``."""
    disputes = {dispute.task.unit.id: dispute for dispute in material.disputes()}
    found = list(decisions(disputes, work))
    units = {unit.id: unit for units in material.units.values() for unit in units}
    where = ("n", "at", "who", "trace_id", "unit_id", "unit")
    rows: list[list[Any]] = [[*where, *material.coders, "decision", "reason", "stands"]]
    for decision in found:
        row = _row(material.coders, decision, units[decision.change.unit_id])
        rows.append([decision.change.n, *row])
    write_csv(out / "log.csv", rows)
    write_text(out / "log.md", "\n".join(_page(material, disputes, found, units.values())))


def _row(coders: Sequence[str], decision: LoggedDecision, unit: Unit) -> list[str]:
    change = decision.change
    before = [_before(decision, coder) for coder in coders]
    stands = "yes" if decision.stands else "taken back" if change.undoes else "no"
    where = [change.at, change.who, unit.trace_id, unit.id, unit.text]
    return [*where, *before, decision.outcome, change.memo, stands]


def _before(decision: LoggedDecision, coder: str) -> str:
    said = decision.change.said
    if coder not in said:
        return ""
    return NOT_DRAWN if decision.alone and said[coder] is None else words(said[coder])


def _page(
    material: Material,
    disputes: Mapping[str, Dispute],
    found: Sequence[LoggedDecision],
    units: Iterable[Unit],
) -> Iterator[str]:
    standing = sum(decision.stands for decision in found)
    yield "# Adjudication\n"
    alone = sum(dispute.kind == "alone" for dispute in disputes.values())
    of_them = f" ({alone} drawn by one of them)" if alone else ""
    yield (
        f"{len(disputes)} units on which {', '.join(map(plain, material.coders))} differ{of_them}; {standing} decided. "
        f"Codebook {material.book.stamp}.\n"
    )
    for unit in units:
        mine = [decision for decision in found if decision.change.unit_id == unit.id]
        if mine or unit.id in disputes:
            yield from _unit_section(unit, material.said[unit.id], mine, disputed=unit.id in disputes)


def _unit_section(
    unit: Unit, said: Mapping[str, CoderView], mine: Sequence[LoggedDecision], *, disputed: bool
) -> Iterator[str]:
    yield f"## {plain(unit.trace_id)}, unit {unit.index + 1}\n"
    yield "\n".join(f"> {plain(line)}" for line in unit.text.splitlines()) + "\n"
    for coder, view in said.items():
        what = NOT_DRAWN if view.missing_reason == NOT_DRAWN else words(view.codes)
        yield f"- {plain(coder)}: **{what}**{_why(view.memo)}"
    yield from map(_line, mine)
    if not any(decision.stands for decision in mine):
        yield "- *not decided*" if disputed else "- *they agree now*"
    yield ""


def _line(decision: LoggedDecision) -> str:
    change, mark = decision.change, "**" if decision.stands else "~~"
    undone = " (the one before is taken back)" if change.undoes else ""
    return f"- {change.at} {plain(change.who)}: {mark}{decision.outcome}{mark}{_why(change.memo)}{undone}"


def words(codes: tuple[str, ...] | None) -> str:
    return "missing" if codes is None else "; ".join(codes) or NONE


def _why(memo: str | None) -> str:
    return f" – {plain(memo)}" if memo else ""


def plain(text: str) -> str:
    """Text on one line in which nothing is markup."""
    return "".join(f"\\{c}" if c in "\\`*_{}[]<>#|~" else c for c in " ".join(text.split()))
