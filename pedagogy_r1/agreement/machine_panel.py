"""Several machine coders to one, with a confidence for each code: a run whose only coder is ``panel``.

    found = panel(["runs/a", "runs/b", "runs/c"], "runs/panel", people=["runs/humans"])

    {"unit_id": "u3f…", "coder": "panel", "codes": ["IA-SQ"], "confidence": 0.87, "rationale": "IA-SQ: a, c; OA-ME: b", …}

With people's codings, each coder's votes count by how far it errs where people coded (``weighted``), and what the panel says of
a trace was learned without its item; without, how far each errs is taken from the votes alone (``dawid-skene``). What no coder of
the panel coded is missing. The panel gives a first code; second ones are not asked.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, islice
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

import numpy as np

from ..codebook import NONE
from ..coding.learned.coded_traces import item_folds
from ..errors import ArgumentError, InputError, RunError
from ..estimate import Estimate, Flags, Resampling
from ..formatting import counted
from ..limits import FEW_WEIGHED, LEVEL
from ..provenance import file_digest
from ..runs.cascade_stages import refuse_own_codes
from ..runs.run import (
    CoderInfo,
    CoderRun,
    Coding,
    Manifest,
    cut_alike,
    one_codebook,
    opened,
    require_complete,
)
from ..runs.run_writer import RunWriter
from ..trace import Trace, Unit, item_group
from .alpha_difference import alpha_with_people
from .code_accuracy import MachineErrors, machine_errors, majority
from .comparison import ReliabilityData, reliability_data
from .panel_votes import Decided, dawid_skene, decide, fit_vote_weights, vote_shares, weighted_votes
from .profile import MISSING, Floats, Ints

PANEL = "panel"
Method = Literal["majority", "dawid-skene", "weighted"]
METHODS: tuple[Method, ...] = get_args(Method)

FOLDS = 10
"""At most, over items."""

ALL = -1
"""The fold of what people coded no trace of: everything that they coded may be learned from."""

NOBODY = "no coder of the panel coded it"
BEST_DECIDES = "to the coder that agrees most with people on traces of other items"


@dataclass(frozen=True)
class Panel:
    """The run, and how it came about. ``ties``: units on which the first of the coders decided.

    ``alphas``: α with people of the panel and of every coder in it, on units that people coded; ``errors``: whether the coders
    err together. Both only with people. ``remarks``: what else is to be known.
    """

    run: CoderRun
    method: Method
    coders: tuple[str, ...]
    people: tuple[str, ...]
    units: int
    missing: int
    ties: int
    alphas: dict[str, Estimate]
    errors: MachineErrors | None
    remarks: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """What ``pcode panel --json`` prints."""
        own = {name: getattr(self, name) for name in ("method", "units", "missing", "ties")}
        return own | {
            "run": str(self.run.folder),
            "coders": list(self.coders),
            "people": list(self.people),
            "alphas": {name: alpha.as_json() for name, alpha in self.alphas.items()},
            "machine_errors": self.errors and dataclasses.asdict(self.errors),
            "remarks": list(self.remarks),
        }


class _Votes(NamedTuple):
    """Of the machines, and of people on the same units. ``targets``: (units, codes) shares of the people who gave each code.
    ``group``: (units,) number of the unit's item."""

    machines: ReliabilityData
    people: ReliabilityData | None
    targets: Floats
    group: Ints

    @property
    def coded(self) -> Flags:
        """(units,) whether people coded it."""
        return np.asarray(self.targets.any(axis=1))

    def folds(self, seed: int) -> Ints:
        """(units,) the fold of the unit's item, or `ALL`. Raises `InputError` where people coded traces of one item only."""
        numbers, sizes = np.unique(self.group[self.coded], return_counts=True)
        fold = item_folds(
            {f"{n:09}": size for n, size in zip(numbers, sizes.tolist(), strict=True)}, FOLDS, seed
        )
        of_group = np.full(int(self.group.max(initial=0)) + 1, ALL, dtype=np.int64)
        for name, number in fold.items():
            of_group[int(name)] = number
        return np.asarray(of_group[self.group])


def panel(
    runs: Sequence[CoderRun | str | Path],
    out: str | Path,
    *,
    people: Sequence[CoderRun | str | Path] = (),
    method: Method | None = None,
    coders: Sequence[str] = (),
    seed: int = 0,
    replicates: int = 1000,
    level: float = LEVEL,
) -> Panel:
    """Make one coder of the machine coders of ``runs`` (or just ``coders``) and write its run to ``out``, which can be resumed.

    ``people``: runs in which people coded some of the same units. ``method``: ``weighted`` with people, else ``dawid-skene``,
    unless one is named. ``seed``: of the folds over items.

    Raises `RunError` or `InputError` for a cascade that people completed, where there are fewer than two machine coders, where traces are cut differently, where
    people coded none of the units, or traces of one item only; `CodebookError` for runs under different codebooks.
    """
    machine_runs, people_runs = opened(runs), opened(people)
    every = [*machine_runs, *people_runs]
    require_complete(every, None)
    refuse_own_codes(machine_runs)
    book = one_codebook(every)
    chosen: Method = method or ("weighted" if people_runs else "dawid-skene")
    if chosen not in METHODS:
        raise ArgumentError(f"no method is named {chosen!r}", f"there are: {', '.join(METHODS)}")
    if chosen == "weighted" and not people_runs:
        raise ArgumentError(
            "weighted votes are learned from units that people coded", "give their run with --people RUN"
        )
    groups = _same_units(machine_runs)
    votes = _votes(machine_runs, people_runs, coders, groups)
    decided = _decided(votes, chosen, seed)
    manifest = _manifest(machine_runs, people_runs, votes, chosen, seed)
    with RunWriter(Path(out), manifest, book) as writer:
        if not writer.complete:
            _write(machine_runs, votes.machines, decided, writer, book.stamp)
            writer.finish("complete", usage=writer.usage)
    made_again: tuple[str, ...] = ()
    if writer.damaged:
        made_again = (
            f"{out}: {', '.join(writer.damaged)} changed since the run was complete; it was made again",
        )
    how = Resampling(replicates, seed, level)
    return Panel(
        CoderRun(out),
        chosen,
        votes.machines.names,
        votes.people.names if votes.people else (),
        units=int(votes.machines.asked.any(axis=0).sum()),
        missing=int(((decided.code == MISSING) & votes.machines.asked.any(axis=0)).sum()),
        ties=int(decided.tied.sum()),
        alphas=_alphas(votes, decided, how),
        errors=_errors(votes),
        remarks=(*made_again, *_remarks(votes, chosen)),
    )


def _same_units(runs: Sequence[CoderRun]) -> dict[str, str]:
    """trace id → its item's group. Raises `InputError` where a trace is cut in two ways, `RunError` for one run given twice."""
    units: dict[str, list[Unit]] = {}
    groups: dict[str, str] = {}
    for run in runs:
        for trace_id, found in groupby(run.units(), key=lambda unit: unit.trace_id):
            cut_alike(units, trace_id, list(found), run)
        for trace in run.traces():
            groups.setdefault(trace.id, item_group(trace))
    return groups


def _votes(
    runs: Sequence[CoderRun],
    people_runs: Sequence[CoderRun],
    coders: Sequence[str],
    groups: dict[str, str],
) -> _Votes:
    data = reliability_data(runs)
    machines = data.of(coders) if coders else data.of([data.names[row] for row in data.rows("machine")])
    if who := [c.name for c in machines.coders if c.kind == "human"]:
        raise InputError(
            f"{who[0]} is a person, and a panel is of machine coders", "give people's run with --people"
        )
    if len(machines.coders) < 2:
        there = ", ".join(machines.names) or "none"
        raise InputError(
            f"a panel needs two machine coders, and here is {there}", "give the runs of two or more"
        )
    people = _people_on(people_runs, machines) if people_runs else None
    if people:
        machines = dataclasses.replace(machines, categories=people.categories)
    q = len(machines.categories)
    targets = vote_shares(people.primary, q) if people else np.zeros((len(machines.unit_ids), q))
    number = {name: at for at, name in enumerate(dict.fromkeys(groups.values()))}
    of_trace = np.array([number[groups[trace]] for trace in machines.traces], dtype=np.int64)
    return _Votes(machines, people, targets, of_trace[machines.cluster])


def _people_on(runs: Sequence[CoderRun], machines: ReliabilityData) -> ReliabilityData:
    """What people said of the machines' units, with the longer of both lists of categories: one may have "none" at its end."""
    data = reliability_data(runs)
    data = data.of([data.names[row] for row in data.rows("human")])
    place = {unit: at for at, unit in enumerate(machines.unit_ids)}
    at = np.array([place.get(unit, -1) for unit in data.unit_ids], dtype=np.int64)
    primary = np.full((len(data.coders), len(place)), MISSING, dtype=np.int64)
    primary[:, at[at >= 0]] = data.primary[:, at >= 0]
    if not (primary != MISSING).any():
        where = ", ".join(str(run.folder) for run in runs)
        raise RunError(
            f"{where}: people coded none of the units that the machines coded",
            "give a run of people, and machines that coded its units: pcode annotate TRACES -o NEW --units RUN",
        )
    return dataclasses.replace(
        machines,
        coders=data.coders,
        categories=max(machines.categories, data.categories, key=len),
        primary=primary,
    )


def _decided(votes: _Votes, method: Method, seed: int) -> Decided:
    """Of all units; what rests on people's codes is said of each fold by what was learned from the others."""
    given, q = votes.machines.primary, votes.targets.shape[1]
    if method == "dawid-skene" or votes.people is None:
        p = dawid_skene(given, q) if method == "dawid-skene" else vote_shares(given, q)
        return decide(p, given, range(len(given)))
    learned = _weighted if method == "weighted" else _majority
    found = Decided(
        np.full(given.shape[1], MISSING, dtype=np.int64),
        np.zeros(given.shape[1]),
        np.zeros(given.shape[1], dtype=bool),
    )
    folds = votes.folds(seed)
    for fold in np.unique(folds).tolist():
        mine = folds == fold
        taught = votes.coded & ~mine if fold != ALL else votes.coded
        for whole, part in zip(found, learned(votes, taught, given[:, mine]), strict=True):
            whole[mine] = part
    return found


def _weighted(votes: _Votes, taught: Flags, given: Ints) -> Decided:
    """What is learned from the units ``taught``, of the votes ``given``."""
    q = votes.targets.shape[1]
    weights = fit_vote_weights(votes.machines.primary[:, taught], votes.targets[taught], q)
    return decide(weighted_votes(weights, given, q), given, _best_first(votes, taught))


def _majority(votes: _Votes, taught: Flags, given: Ints) -> Decided:
    """The same; learned is only who decides a tie."""
    return decide(vote_shares(given, votes.targets.shape[1]), given, _best_first(votes, taught))


def _best_first(votes: _Votes, taught: Flags) -> list[int]:
    """Rows of the machines, those first whose codes more people gave, of the units ``taught``."""
    targets = votes.targets[taught]
    shares = []
    for row in votes.machines.primary[:, taught]:
        coded = np.flatnonzero(row != MISSING)
        shares.append(float(targets[coded, row[coded]].mean()) if len(coded) else 0.0)
    return sorted(range(len(shares)), key=lambda at: -shares[at])


def _manifest(
    runs: Sequence[CoderRun], people: Sequence[CoderRun], votes: _Votes, method: Method, seed: int
) -> Manifest:
    """Who is in the panel, how they were put together, and from which runs."""
    learns = votes.people is not None and method != "dawid-skene"
    parameters: dict[str, Any] = {
        "method": method,
        "coders": list(votes.machines.names),
        "people": list(votes.people.names) if votes.people else [],
        "ties": BEST_DECIDES if learns else f"to {votes.machines.names[0]}, the first coder",
    }
    digests = {
        "runs_digest": [file_digest(run.sound("codings.jsonl")) for run in runs],
        "people_digest": [file_digest(run.sound("codings.jsonl")) for run in people],
    }
    first = runs[0].manifest
    return Manifest.new(
        PANEL,
        runs[0].codebook,
        {"scheme": first.scheme, "seed": seed if learns else None, **parameters, **digests},
        coders=[CoderInfo(name=PANEL, kind="machine")],
        coder=PANEL,
        scheme=first.scheme,
        lang=first.lang,
        parameters=parameters,
        seed=seed if learns else None,
        source={"runs": [str(run.folder) for run in runs], "people": [str(run.folder) for run in people]}
        | digests,
    )


def _material(runs: Sequence[CoderRun]) -> Iterator[tuple[Trace, list[Unit]]]:
    """Each trace once, with its units."""
    seen: set[str] = set()
    for run in runs:
        for trace, units, _ in run.by_trace():
            if trace.id not in seen:
                seen.add(trace.id)
                yield trace, units


def _write(
    runs: Sequence[CoderRun], data: ReliabilityData, decided: Decided, writer: RunWriter, stamp: str
) -> None:
    """What was not written before the run was interrupted. A unit about which no coder was asked has no coding."""
    place = {unit: at for at, unit in enumerate(data.unit_ids)}
    asked: Flags = np.asarray(data.asked.any(axis=0))
    known: dict[str, Any] = {"coder": PANEL, "codebook": stamp, "run_id": writer.manifest.run_id}
    for trace, units in islice(_material(runs), writer.done, None):
        at = [place[unit.id] for unit in units if asked[place[unit.id]]]
        codings = [Coding(unit_id=data.unit_ids[one], **_of_unit(data, decided, one), **known) for one in at]
        writer.write(trace, units, codings, {"ties": int(decided.tied[at].sum())})


def _of_unit(data: ReliabilityData, decided: Decided, at: int) -> dict[str, Any]:
    code = int(decided.code[at])
    if code == MISSING:
        return {"codes": None, "missing_reason": NOBODY}
    name = data.categories[code]
    return {
        "codes": () if name == NONE else (name,),
        "confidence": round(min(float(decided.confidence[at]), 1.0), 4),
        "rationale": _said(data, at) + ("; a tie" if decided.tied[at] else ""),
    }


def _said(data: ReliabilityData, at: int) -> str:
    """``IA-SQ: a, c; OA-ME: b; missing: d``; the code that most gave first."""
    who: dict[str, list[str]] = {}
    for name, value in zip(data.names, data.primary[:, at].tolist(), strict=True):
        who.setdefault("missing" if value == MISSING else data.categories[value], []).append(name)
    votes = sorted(who.items(), key=lambda one: (one[0] == "missing", -len(one[1])))
    return "; ".join(f"{code}: {', '.join(names)}" for code, names in votes)


def _alphas(votes: _Votes, decided: Decided, how: Resampling) -> dict[str, Estimate]:
    """α with people: of the panel first, then of each coder."""
    if votes.people is None:
        return {}
    data, people = votes.machines, len(votes.people.coders)
    rows = np.vstack([votes.people.primary, decided.code, data.primary])
    scaled = dataclasses.replace(data, primary=rows).on_scale()
    names = (PANEL, *(f"{name} (in it)" if name == PANEL else name for name in data.names))
    with_people = (
        alpha_with_people(
            scaled.values[:people], row, scaled.cluster, scaled.domain, how, level=scaled.measurement
        )
        for row in scaled.values[people:]
    )
    return dict(zip(names, with_people, strict=True))


def _errors(votes: _Votes) -> MachineErrors | None:
    if votes.people is None:
        return None
    return machine_errors(votes.machines.primary, majority(votes.people.primary, votes.targets.shape[1]))


def _remarks(votes: _Votes, method: Method) -> Iterator[str]:
    coded = int(votes.coded.sum())
    if method == "weighted" and coded < FEW_WEIGHED:
        yield (
            f"people coded {counted(coded, 'unit')}: with fewer than {FEW_WEIGHED} weighted votes may agree with people less than the "
            "best coder does"
        )
    if method == "dawid-skene" and len(votes.machines.coders) < 3:
        yield "the votes of two coders alone do not tell which of them errs: Dawid–Skene needs three"
    if method == "dawid-skene":
        yield (
            "Dawid–Skene takes the coders' errors for independent: where they err together its confidence is too high"
        )
