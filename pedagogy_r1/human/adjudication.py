"""Adjudicating: where coders differ, somebody decides and says why; that is a third coding, and theirs stay as they are.

    Dispute(unit u3f…, said (A: IA-SQ, B: OA-ME "judges the thinking"), kind "first")
    OUT/ledger.jsonl      every decision as it was made: who, when, from which codes, to which, why (`coding_log.py`)
    OUT/run.json …        a run of one coder, "adjudicated": what was decided, and what needed no decision
    OUT/log.csv           the ledger for a reviewer: n,at,who,trace_id,unit_id,unit,A,B,decision,reason,stands
    OUT/log.md            one heading a unit: the text, what each coder said, the decision, and earlier ones if there were any

What counts as settled without a decision: units on which all agree, and those that one coder alone was asked for. Decisions
that were taken back or replaced are in the logs too; ``stands`` says which count.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any, Literal, NamedTuple

from ..codebook import NONE, Codebook
from ..errors import InputError, LockedWarning
from ..files.records import write_csv, write_text
from ..files.seal import WEB_LOG
from ..provenance import digest
from ..runs.locked_part import Lock, hidden_of, locks_of
from ..runs.run import CoderInfo, CoderKind, CoderRun, Coding, Manifest, cut_alike
from ..runs.run_writer import RunWriter
from ..sampling.assignment import CONTEXT
from ..trace import Trace, Unit
from .coding_log import EMPTY, NOT_YET, Entry, LoggedChange, Work, read_log
from .packet import CodingTask, Packet
from .packet_return import NOT_RETURNED
from .parse_cells import EMPTY_CELL

ADJUDICATED = "adjudicated"
"""The name of the third coder."""

UNDECIDED = "not adjudicated yet"
NOBODY = "nobody coded it"

Kind = Literal["first", "second", "missing"]
"""First codes differ; only further codes do; one coded what another could not."""


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
    """How the coders differ, if they do; whoever has not come to the unit yet does not count."""
    seen = [one for one in said if not one.waiting]
    coded = {one.codes for one in seen if one.codes is not None}
    if len({codes[:1] for codes in coded}) > 1:
        return "first"
    if len(coded) > 1:
        return "second"
    return "missing" if coded and any(one.codes is None for one in seen) else None


def from_packet(packet: Packet) -> Material:
    """What the packet's coders said in the browser; traces that are locked are left out, and a `LockedWarning` says so.

    Raises `InputError` if fewer than two coded, `RunError` where all traces are locked.
    """
    if packet.manifest.spans:
        raise InputError(
            f"{packet.folder}: its coders draw spans, and an import says which of them are alike",
            f"pcode import --packet {packet.folder} {packet.folder}/*/{WEB_LOG} -o RUN, then pcode web RUN --adjudicate NAME -o OUT",
        )
    said: dict[str, dict[str, CoderView]] = {}
    comments: dict[str, list[LoggedChange]] = {}
    coders = [c for c in packet.manifest.coders if (packet.folder / c / WEB_LOG).is_file()]
    if len(coders) < 2:
        who = f"{coders[0]} alone" if coders else "nobody"
        raise InputError(
            f"{packet.folder}: {who} has coded in the browser",
            "adjudicate what was coded elsewhere as a run: pcode import --packet, then pcode web RUN --adjudicate NAME",
        )
    for coder in coders:
        _, work = read_log(packet.folder / coder / WEB_LOG)
        for unit_id, told in work.comments.items():
            comments.setdefault(unit_id, []).extend(told)
        for task in packet.tasks(coder):
            if not task.practice:
                view = CoderView.of(work.entries.get(task.unit.id, EMPTY))
                said.setdefault(task.unit.id, {})[coder] = view
    manifest, locks = packet.manifest, locks_of(packet.folder / "key")
    hidden = hidden_of(packet.traces.values(), locks, packet.folder)
    if hidden.said:
        warnings.warn(hidden.said, LockedWarning, stacklevel=2)
    return Material(
        packet.codebook,
        manifest.scheme,
        tuple(coders),
        packet.traces,
        {name: units for name, units in packet.units.items() if name not in hidden.ids},
        said,
        manifest.packet_id,
        manifest.context,
        manifest.whole_traces,
        locks,
        comments,
    )


def from_runs(runs: Sequence[CoderRun]) -> Material:
    """The people of the runs; where there is but one, machines too. Raises `InputError` for runs that do not go together."""
    coders = _coders(runs)
    if len({run.manifest.scheme for run in runs}) > 1:
        raise InputError("the runs are of units of different schemes", "code the same units")
    traces: dict[str, Trace] = {}
    units: dict[str, list[Unit]] = {}
    said: dict[str, dict[str, CoderView]] = {}
    for run in runs:
        for trace, found, codings in run.by_trace():
            traces.setdefault(trace.id, trace)
            cut_alike(units, trace.id, found, run)
            for coding in codings:
                if coding.coder in coders:
                    view = CoderView(coding.codes, coding.missing_reason, coding.rationale)
                    said.setdefault(coding.unit_id, {})[coding.coder] = view
    source = digest(sorted(run.manifest.fingerprint for run in runs)).removeprefix("sha256:")[:12]
    book, scheme = runs[0].codebook, runs[0].manifest.scheme
    locks = tuple(lock for run in runs for lock in run.locks)
    return Material(book, scheme, tuple(coders), traces, units, said, f"runs-{source}", locks=locks)


def _coders(runs: Sequence[CoderRun]) -> list[str]:
    everybody = [coder for run in runs for coder in run.manifest.coders]
    people = [coder.name for coder in everybody if coder.kind == "human"]
    coders = people if len(set(people)) > 1 else [coder.name for coder in everybody]
    if twice := [name for name in coders if coders.count(name) > 1]:
        raise InputError(f"{twice[0]} is in two of the runs", "give one run of each coder")
    if len(coders) < 2 or ADJUDICATED in coders:
        raise InputError(
            f"adjudicating needs two coders, and here is {', '.join(coders) or 'none'}",
            "give the run of two people, or the runs of each",
        )
    return coders


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
    """The third coder's coding of a unit, if anybody was asked for it."""
    said = material.said.get(unit.id)
    if not said:
        return None
    view = _decision(unit, dispute, work) if dispute else _agreed(said)
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
    """A line of the ledger, and whether it counts."""

    change: LoggedChange
    stands: bool


def decisions(disputes: Mapping[str, Dispute], work: Work) -> Iterator[LoggedDecision]:
    """In the order in which they were made. What was saved while it was being typed is not a decision."""
    changes = [change for change in work.changes if not change.comment]
    for change, following in zip_longest(changes, changes[1:]):
        if _half(change, following):
            continue
        dispute = disputes.get(change.unit_id)
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
    before = [words(change.said[coder]) if coder in change.said else "" for coder in coders]
    stands = "yes" if decision.stands else "taken back" if change.undoes else "no"
    where = [change.at, change.who, unit.trace_id, unit.id, unit.text]
    return [*where, *before, _outcome(change), change.memo, stands]


def _page(
    material: Material,
    disputes: Mapping[str, Dispute],
    found: Sequence[LoggedDecision],
    units: Iterable[Unit],
) -> Iterator[str]:
    standing = sum(decision.stands for decision in found)
    yield "# Adjudication\n"
    yield (
        f"{len(disputes)} units on which {', '.join(map(plain, material.coders))} differ; {standing} decided. "
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
        yield f"- {plain(coder)}: **{words(view.codes)}**{_why(view.memo)}"
    yield from map(_line, mine)
    if not any(decision.stands for decision in mine):
        yield "- *not decided*" if disputed else "- *they agree now*"
    yield ""


def _line(decision: LoggedDecision) -> str:
    change, mark = decision.change, "**" if decision.stands else "~~"
    undone = " (the one before is taken back)" if change.undoes else ""
    return f"- {change.at} {plain(change.who)}: {mark}{_outcome(change)}{mark}{_why(change.memo)}{undone}"


def words(codes: tuple[str, ...] | None) -> str:
    return "missing" if codes is None else "; ".join(codes) or NONE


def _outcome(change: LoggedChange) -> str:
    return "cannot be coded" if change.missing else "nothing" if change.codes is None else words(change.codes)


def _why(memo: str | None) -> str:
    return f" – {plain(memo)}" if memo else ""


def plain(text: str) -> str:
    """Text on one line in which nothing is markup."""
    return "".join(f"\\{c}" if c in "\\`*_{}[]<>#|~" else c for c in " ".join(text.split()))
