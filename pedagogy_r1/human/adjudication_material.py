"""What is adjudicated, and where it is read from: a packet that was coded in the browser, or runs.

    from_packet(Packet("packet"))                                   units that were given, as the coders' logs say of them
    from_runs([CoderRun("runs/people")])                            any runs of the same units
    from_runs([CoderRun("runs/people")], Packet("packet"))          with what the coders wrote to each other in the browser

Where coders drew spans, the run has one unit for each place where a span lies. Who read the trace and has none there *did not draw it*:

    unit 512–547 of aime-3   A: IA-SQ   B: did not draw it          →  a disagreement, "alone"
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence

from ..errors import InputError, LockedWarning
from ..files.seal import WEB_LOG
from ..provenance import digest
from ..runs.locked_part import hidden_of, locks_of
from ..runs.run import CoderRun, cut_alike
from ..trace import Trace, Unit
from .adjudication import ADJUDICATED, NOT_DRAWN, CoderView, Material
from .coding_log import EMPTY, LoggedChange, Work, read_log
from .packet import Packet, blind_id


def from_packet(packet: Packet) -> Material:
    """What the packet's coders said in the browser; traces that are locked are left out, and a `LockedWarning` says so.

    Raises `InputError` if fewer than two coded, `RunError` where all traces are locked.
    """
    if packet.manifest.spans:
        raise InputError(
            f"{packet.folder}: its coders draw spans, and an import says which of them are alike",
            f"pcode import --packet {packet.folder} {packet.folder}/*/{WEB_LOG} -o RUN, then pcode web RUN --packet {packet.folder} --adjudicate NAME -o OUT",
        )
    said: dict[str, dict[str, CoderView]] = {}
    logs = _logs(packet)
    coders = list(logs)
    if len(coders) < 2:
        who = f"{coders[0]} alone" if coders else "nobody"
        raise InputError(
            f"{packet.folder}: {who} has coded in the browser",
            "adjudicate what was coded elsewhere as a run: pcode import --packet, then pcode web RUN --adjudicate NAME",
        )
    for coder, work in logs.items():
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
        _comments(logs, packet.units),
    )


def from_runs(runs: Sequence[CoderRun], packet: Packet | None = None) -> Material:
    """The people of the runs; where there is but one, machines too. Raises `InputError` for runs that do not go together.

    ``packet``: where they coded in the browser; what they wrote to each other there comes along, and who read which trace.
    """
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
    logs = _logs(packet) if packet else {}
    if all(run.manifest.parameters.get("units") == "own" for run in runs):
        said = _with_those_who_drew_nothing(said, units, coders, _readers(units, said, packet, logs))
    comments = _comments(logs, units)
    return Material(
        book,
        scheme,
        tuple(coders),
        traces,
        units,
        said,
        f"runs-{source}",
        locks=locks,
        comments=comments,
    )


def _logs(packet: Packet) -> dict[str, Work]:
    """What each coder of the packet said in the browser, by coder."""
    found = {coder: packet.folder / coder / WEB_LOG for coder in packet.manifest.coders}
    return {coder: read_log(path)[1] for coder, path in found.items() if path.is_file()}


def _comments(logs: Mapping[str, Work], units: Mapping[str, Sequence[Unit]]) -> dict[str, list[LoggedChange]]:
    """By unit, in the order of time. A span is the unit that lies where it was drawn."""
    places = {
        (blind_id(trace_id), unit.start, unit.end): unit.id
        for trace_id, found in units.items()
        for unit in found
    }
    comments: dict[str, list[LoggedChange]] = {}
    for work in logs.values():
        for name, told in work.comments.items():
            span = work.entries.get(name, EMPTY).span
            unit_id = places.get((span.document, *span.place), "") if span else name
            comments.setdefault(unit_id, []).extend(told)
    return {unit_id: sorted(told, key=lambda one: one.at) for unit_id, told in comments.items()}


def _readers(
    units: Mapping[str, Sequence[Unit]],
    said: Mapping[str, Mapping[str, CoderView]],
    packet: Packet | None,
    logs: Mapping[str, Work],
) -> dict[str, set[str]]:
    """By trace, who read it: who drew a span in it, or said in the browser that it is read to its end."""
    readers = {
        trace_id: {coder for unit in found for coder in said.get(unit.id, ())}
        for trace_id, found in units.items()
    }
    for coder, work in logs.items():
        for task in packet.tasks(coder) if packet else ():
            trace_id = task.trace.id
            if trace_id in readers and work.entries.get(blind_id(trace_id), EMPTY).read:
                readers[trace_id].add(coder)
    return readers


def _with_those_who_drew_nothing(
    said: Mapping[str, dict[str, CoderView]],
    units: Mapping[str, Sequence[Unit]],
    coders: Sequence[str],
    readers: Mapping[str, set[str]],
) -> dict[str, dict[str, CoderView]]:
    """Every reader of a trace has a view of every span in it: who did not draw it says so."""
    nothing = CoderView(None, NOT_DRAWN)
    return {
        unit.id: {
            coder: said.get(unit.id, {}).get(coder, nothing) for coder in coders if coder in readers[trace_id]
        }
        for trace_id, found in units.items()
        for unit in found
    }


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
