"""What coders said of the units of traces, as targets: for every unit the share of its coders that gave each code.

coders A: IA-SQ, B: IA-SQ, C: OA-ME      →  IA-SQ .67, OA-ME .33
a second code                            →  SECOND of its coder's share
nobody coded it                          →  no target; the unit is seen, as a neighbour, and not learned from
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ...codebook import NONE, Codebook
from ...errors import InputError
from ...runs.locked_part import same_groups
from ...runs.run import CoderRun, Coding, cut_alike, one_codebook, require_complete
from ...trace import Trace, Unit
from .learned_model import Floats, Ints
from .unit_cues import UnitCues
from .unit_features import SeenUnit, see

SECOND = 0.25
"""Of what a coder says of a unit, the part that a second code is."""


@dataclass(frozen=True)
class TaughtTrace:
    """A trace, its units, and who gave which code: ``targets``, units × codes, rows sum to 1, or to 0 where nobody coded."""

    trace: Trace
    units: tuple[Unit, ...]
    seen: tuple[SeenUnit, ...]
    targets: Floats
    second: float
    """Share of its codings that have a second code."""
    group: str
    """What is in one fold with it (`same_groups`): traces of its item, and of its text."""


@dataclass(frozen=True)
class TaughtTraces:
    """All of them, and who the coders are."""

    book: Codebook
    codes: tuple[str, ...]
    coders: tuple[str, ...]
    people: bool
    traces: tuple[TaughtTrace, ...]

    @property
    def units(self) -> int:
        """How many were coded."""
        return sum(int((one.targets.sum(axis=1) > 0).sum()) for one in self.traces)

    def folds(self, most: int, seed: int) -> Ints:
        """The fold of each trace: traces of one item or text in the same, the folds of nearly equal numbers of units.

        Raises `InputError` where there are fewer than two items.
        """
        sizes: dict[str, int] = {}
        for one in self.traces:
            sizes[one.group] = sizes.get(one.group, 0) + len(one.units)
        fold = item_folds(sizes, most, seed)
        return np.array([fold[one.group] for one in self.traces], dtype=np.int64)

    def only(self, which: Iterable[int]) -> TaughtTraces:
        """Some of the traces."""
        return TaughtTraces(
            self.book, self.codes, self.coders, self.people, tuple(self.traces[i] for i in which)
        )


def item_folds(sizes: Mapping[str, int], most: int, seed: int) -> dict[str, int]:
    """The fold of each group (`same_groups`), of at most so many; they hold nearly equal numbers of units. ``sizes``: units of each.

    Raises `InputError` where there are fewer than two groups.
    """
    if len(sizes) < 2:
        raise InputError(
            "all traces are of one item, or share texts: nothing can be predicted out of fold",
            "code traces of other items too",
        )
    order = np.random.default_rng(seed).permutation(sorted(sizes))
    filled = np.zeros(min(most, len(sizes)), dtype=np.int64)
    fold = {}
    for group in sorted(order.tolist(), key=lambda group: -sizes[group]):
        fold[group] = int(filled.argmin())
        filled[fold[group]] += sizes[group]
    return fold


def trace_digest(trace: Trace) -> str:
    """Of exactly its question and its reasoning; `text_key` is blind to white space and to the question."""
    return hashlib.blake2b(f"{trace.question}\0{trace.reasoning}".encode(), digest_size=12).hexdigest()


def read_coded(runs: Sequence[CoderRun], coders: Sequence[str] = ()) -> TaughtTraces:
    """The codings of the runs: of people, or of machines where there are no people; of ``coders`` alone, if any are named.

    Raises `InputError` for runs of other units or codebooks, and where nobody coded anything.
    """
    require_complete(runs, None)
    book = one_codebook(runs)
    known = {coder.name: coder.kind for run in runs for coder in run.manifest.coders}
    if unknown := [name for name in coders if name not in known]:
        raise InputError(f"no coder of the runs is called {unknown[0]!r}", f"there are: {', '.join(known)}")
    chosen = [name for name in known if name in coders] if coders else list(known)
    people = [name for name in chosen if known[name] == "human"]
    chosen = people or chosen
    traces: dict[str, Trace] = {}
    units: dict[str, list[Unit]] = {}
    said: dict[str, list[Coding]] = {}
    for run in runs:
        for trace, found, codings in run.by_trace():
            traces.setdefault(trace.id, trace)
            cut_alike(units, trace.id, found, run)
            for coding in codings:
                if coding.coder in chosen and coding.codes is not None:
                    said.setdefault(coding.unit_id, []).append(coding)
    if not said:
        raise InputError("nobody coded anything in these runs", "give runs with codings to learn from")
    given = {code for codings in said.values() for one in codings for code in one.codes or (NONE,)}
    codes = tuple(code for code in (*book.code_ids, NONE) if code in given)
    cues = UnitCues(book)
    group = dict(zip(traces, same_groups(traces.values()), strict=True))
    made = (_coded(traces[i], mine, said, codes, cues, group[i]) for i, mine in units.items() if mine)
    coded = tuple(one for one in made if one.targets.any())
    return TaughtTraces(book, codes, tuple(chosen), bool(people), coded)


def _coded(
    trace: Trace,
    units: list[Unit],
    said: dict[str, list[Coding]],
    codes: tuple[str, ...],
    cues: UnitCues,
    group: str,
) -> TaughtTrace:
    targets, seconds, codings = np.zeros((len(units), len(codes))), 0, 0
    for row, unit in zip(targets, units, strict=True):
        mine = said.get(unit.id, ())
        for coding in mine:
            first, *more = coding.codes or (NONE,)
            row[codes.index(first)] += (1 - SECOND if more else 1) / len(mine)
            for code in more:
                row[codes.index(code)] += SECOND / len(more) / len(mine)
            seconds += bool(more)
        codings += len(mine)
    seen = see(trace.question, [unit.text for unit in units], cues, trace.lang)
    return TaughtTrace(trace, tuple(units), tuple(seen), targets, seconds / max(1, codings), group)
