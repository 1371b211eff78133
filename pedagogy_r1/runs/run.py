"""A coder run: a directory that holds everything that was coded, by whom, and how.

    RUN/run.json        what, when, with which versions and parameters (`Manifest`)
    RUN/codebook.yaml   the codebook as it was
    RUN/traces.jsonl    the traces
    RUN/units.jsonl     their units
    RUN/codings.jsonl   one line per unit and coder, in the order of the units
    RUN/ledger.jsonl    language-model coders only: every request and raw reply

A coding is what one coder said of one unit (`unit_coding.py`). While it is being written the directory also holds ``checkpoint.jsonl`` and a lock.
"""

from __future__ import annotations

import hashlib
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from copy import copy
from functools import cached_property, lru_cache
from itertools import groupby
from pathlib import Path
from shlex import join
from typing import Any, Literal

from ..codebook import Codebook, parse_codebook
from ..codebook.codebook import SNAPSHOT, version_order
from ..errors import CodebookError, InputError, LockedWarning, RunError
from ..files.checkpointed import last_checkpoint
from ..files.places import Place
from ..files.seal import RUN, DigestWatch, Parsed, models_of
from ..job import read_record
from ..trace import GIVEN, Trace, Unit
from .locked_part import Hidden, Lock, check_copies, hidden_of, locks_of
from .manifest import Manifest as Manifest
from .shards import Shards
from .unit_coding import DEFERRED as DEFERRED
from .unit_coding import NOT_ASKED as NOT_ASKED
from .unit_coding import NOT_CODED as NOT_CODED
from .unit_coding import CoderInfo as CoderInfo
from .unit_coding import CoderKind as CoderKind
from .unit_coding import Coding as Coding
from .unit_coding import primary_code as primary_code
from .where import Picked, Where

ReadLocked = Literal["never", "looked", "always"]
"""Which traces of a locked part (`locked_part.py`) are read: none, which is what developing anything wants; those that a look was
counted for, to measure on; all, for who passes codings on and shows nobody how far they agree."""


FILES = ("traces.jsonl", "units.jsonl", "codings.jsonl")
"""What a run consists of, beside its manifest and its codebook."""


@lru_cache(maxsize=16)
def _parsed(data: bytes) -> Codebook:
    """A run's codebook, parsed once for all runs and shards that have the same: it takes a third of what a shard does beside coding."""
    return parse_codebook(data)


class CoderRun:
    """A run on disk, for reading. Files are streamed; nothing is held but the manifest and the codebook.

    ``picked``: the traces to which it is restricted (`restricted`), of which alone it reads units and codings. Traces that are
    locked are left out, and a `LockedWarning` says so, unless ``locked`` says otherwise.
    """

    picked: Picked | None = None

    def __init__(self, folder: str | Path, *, locked: ReadLocked = "never") -> None:
        self.place, self._locked = Place(folder), locked
        self.folder = self.place.here([RUN, SNAPSHOT])
        none = RunError(
            f"{self.folder}: not a run directory (no run.json)",
            "make one with: pcode annotate, or pcode import",
        )
        self.manifest = read_record(self.folder / RUN, Manifest, no_file=none)

    @property
    def name(self) -> str:
        """The directory's own name."""
        return self.folder.resolve().name

    @property
    def own_units(self) -> bool:
        """Whether the coders chose the units themselves: each coder's are then an order of their own, and may overlap."""
        return self.manifest.scheme.startswith(GIVEN)

    @property
    def choosers(self) -> tuple[str, ...]:
        """Coders who chose the units themselves: not a machine that was asked about units that people chose."""
        made = str(self.manifest.source.get("coder") or self.manifest.coder)
        every = self.manifest.coders if self.own_units else []
        return tuple(c.name for c in every if c.kind == "human" or made.startswith("import"))

    @property
    def codebook(self) -> Codebook:
        """The codebook under which the run was made, checked against the recorded digest."""
        path = self.folder / SNAPSHOT
        if not path.is_file():
            raise RunError(f"{path} is missing", "restore it; codings mean nothing without their codebook")
        data = path.read_bytes()
        try:
            book = _parsed(data)
        except CodebookError:
            book = parse_codebook(data, str(path))  # says where
        if book.digest != self.manifest.codebook.get("digest"):
            raise RunError(
                f"{path} is not the codebook the run was made with ({book.stamp})", "restore the file"
            )
        if self.manifest.sha256.get(path.name) not in (None, hashlib.sha256(data).hexdigest()):
            raise RunError(f"{path} was changed since the run, though in no code", "restore the file")
        return book

    @property
    def texts_key(self) -> str:
        """The same for two runs only if their traces are."""
        shards = self.shards and f"{self.shards.digest} {self.shards.numbers}"
        return shards or self.manifest.sha256.get("traces.jsonl") or str(self.folder)

    def only(self, picked: Picked) -> CoderRun:
        """The same run, restricted to these traces."""
        found = copy(self)
        found.picked = picked
        return found

    def keeps(self, trace_id: str) -> bool:
        """Whether the trace is read."""
        return (self.picked is None or trace_id in self.picked.ids) and trace_id not in self.hidden.ids

    @property
    def whole(self) -> bool:
        """Whether all traces are read."""
        return self.picked is None and not self.hidden.ids

    @cached_property
    def locks(self) -> tuple[Lock, ...]:
        """The locks that count for the run. Raises `RunError` where one that it recorded is gone or was changed."""
        check_copies(self.folder, self.manifest.sha256)
        return locks_of(self.folder)

    @cached_property
    def hidden(self) -> Hidden:
        """The traces that are locked and not read. Raises `RunError` where these are all."""
        if self._locked == "always":
            return Hidden(frozenset(), "")
        looked, key = self._locked == "looked", self.manifest.look_key
        shut = [lock for lock in self.locks if not (looked and lock.opens(key))]
        found = hidden_of(self._traces(), shut, self.folder) if shut else Hidden(frozenset(), "")
        if found.said:
            warnings.warn(found.said, LockedWarning, stacklevel=2)
        return found

    def traces(self) -> Iterator[Trace]:
        """The run's traces, in order."""
        return (trace for trace in self._traces() if self.keeps(trace.id))

    def units(self) -> Iterator[Unit]:
        """The run's units, trace by trace, in order."""
        return (unit for unit in self._units() if self.keeps(unit.trace_id))

    def codings(self) -> Iterator[Coding]:
        """All codings, in the order of the units."""
        if self.whole:
            return self._codings()
        return (coding for _, _, codings in self.by_trace() for coding in codings)

    def by_trace(self) -> Iterator[tuple[Trace, list[Unit], list[Coding]]]:
        """Trace by trace: the trace, its units, and everybody's codings of them."""
        return (found for found in self._by_trace() if self.keeps(found[0].id))

    def _traces(self) -> Iterator[Trace]:
        return self._parsed("traces.jsonl", Trace) if self.shards is None else self.shards.traces()

    def _units(self) -> Iterator[Unit]:
        return self._parsed("units.jsonl", Unit) if self.shards is None else self.shards.rows("units", Unit)

    def _codings(self) -> Iterator[Coding]:
        return self.shards.rows("codings", Coding) if self.shards else self._parsed("codings.jsonl", Coding)

    @cached_property
    def shards(self) -> Shards | None:
        """Those of a run over a corpus that are done; ``None`` of any other run."""
        manifest = self.manifest
        of = manifest.run_id, manifest.shards, manifest.source, manifest.sha256
        return Shards.of(self.place, *of) if manifest.shards else None

    def of_shard(self, number: int) -> CoderRun:
        """The same run over a corpus, with one of its shards alone."""
        found = copy(self)
        found.shards = self.shards.only(number) if self.shards else None
        return found

    def _by_trace(self) -> Iterator[tuple[Trace, list[Unit], list[Coding]]]:
        groups = groupby(self._units(), key=lambda unit: unit.trace_id)
        codings = self._codings()
        group, coding = next(groups, None), next(codings, None)
        for trace in self._traces():
            units: list[Unit] = []
            if group is not None and group[0] == trace.id:
                units, group = list(group[1]), next(groups, None)
            ids, found = {unit.id for unit in units}, []
            while coding is not None and coding.unit_id in ids:
                found.append(coding)
                coding = next(codings, None)
            yield trace, units, found
        if group is not None or coding is not None:
            stray = next(group[1]).id if group is not None else coding.unit_id if coding is not None else ""
            for name in FILES:
                self.sound(name)
            raise RunError(
                f"{self.folder}: unit {stray} belongs to no trace of the run, or is out of order",
                "restore the run's files",
            )

    @cached_property
    def prefix(self) -> dict[str, int] | None:
        """How many lines of each file are sure, of a run that is running or was killed: those before its last checkpoint.

        ``None`` of a run that has ended: all of them.
        """
        if self.manifest.status != "running" or self.manifest.shards:
            return None
        counts: dict[str, int] = last_checkpoint(self.folder)["counts"]
        codings = sum(n for name, n in counts.items() if name == "coded" or name.startswith("missing: "))
        sure = {"traces": counts.get("traces", 0), "units": counts.get("units", 0), "codings": codings}
        return {f"{name}.jsonl": number for name, number in sure.items()}

    def file(self, name: str) -> Path:
        """One of `FILES`, to be read: there, and of the size it had when the run ended. `RunError` otherwise."""
        if self.shards is not None:
            return self.shards.unpacked(name.removesuffix(".jsonl"))
        path = self.folder / name
        if not path.is_file():
            raise RunError(f"{path} is missing", "repeat the command that made the run, to complete it")
        size = path.stat().st_size
        if size != self.manifest.bytes.get(name, size):
            raise RunError(
                f"{path} has {size:,} bytes, and {self.manifest.bytes[name]:,} when the run was {self.manifest.status}",
                self._mend(path),
            )
        return path

    def _mend(self, path: Path) -> str:
        """What to do about a file that was changed."""
        hint = "repeat the command that made the run, which makes it anew, or restore the file"
        if path.name != "codings.jsonl":
            return hint
        kinds = [f"--kind={c.name}=machine" for c in self.manifest.coders if c.kind == "machine"]
        new = join(["pcode", "import", str(path), "--units", str(self.folder), *kinds, "-o", "NEW_RUN"])
        return f"{hint}; what was changed on purpose is a new import: {new}"

    def watch(self, name: str) -> DigestWatch:
        """For whoever reads one of `FILES` to its end: sees what is read, and at the end refuses what the run did not hold."""
        path = self.file(name)
        return DigestWatch(path, self.manifest.sha256.get(name), self._mend(path))

    def sound(self, name: str) -> Path:
        """One of `FILES` whose bytes are those that the run held; it is read for that."""
        return self.watch(name).through()

    def _parsed(self, name: str, model: type[Parsed]) -> Iterator[Parsed]:
        return models_of(self.watch(name), model, self.prefix[name] if self.prefix else None)


def require_complete(runs: Iterable[CoderRun], partial: bool | None = False) -> tuple[str, ...]:
    """The one policy for unfinished runs: refused, as the first traces of a file are a biased sample of it.

    ``partial``: go on with the traces there are; every output then has to carry the words that are returned, one
    sentence for each unfinished run. ``None``: there is no going on, as what is made of the run could not show it.
    What the runs are restricted to (`restricted`), and what of them is locked, is returned too, for every output to carry.
    """
    runs = list(runs)
    said = list(dict.fromkeys(run.picked.said for run in runs if run.picked))
    said += [run.hidden.said for run in runs if run.hidden.said]
    for run in runs:
        manifest = run.manifest
        if manifest.status == "complete":
            continue
        why = f" ({manifest.stopped_why})" if manifest.stopped_why else ""
        if not partial:
            raise RunError(
                f"{run.folder} is {manifest.status}, not complete{why}: the first traces of a file are a biased sample",
                "wait for it, or complete it with the command that started it"
                + ("" if partial is None else "; --partial goes on with the traces it has, and says so"),
            )
        held = run.prefix["traces.jsonl"] if run.prefix else manifest.counts.get("traces", 0)
        here = f"a prefix of its traces is here, the first {held}"
        if run.shards is not None:
            here = f"{len(run.shards.numbers)} of {manifest.shards} shards are here"
        said.append(f"{run.folder} is {manifest.status}{why}: only {here}")
    return tuple(said)


def marked_partial(rows: Iterable[Sequence[Any]], partial: Sequence[str]) -> Iterator[Sequence[Any]]:
    """A table, head first, with the words of `require_complete` in a last column ``partial``; unchanged if there are none."""
    said = "; ".join(partial)
    for number, row in enumerate(rows):
        yield [*row, said if number else "partial"] if said else row


def opened(runs: Iterable[CoderRun | str | Path], *, locked: ReadLocked = "never") -> tuple[CoderRun, ...]:
    """Runs, given as such or by their directories; ``locked``: of the latter, whether locked traces are read."""
    return tuple(run if isinstance(run, CoderRun) else CoderRun(run, locked=locked) for run in runs)


def restricted(runs: Iterable[CoderRun | str | Path], where: Where | None) -> tuple[CoderRun, ...]:
    """The runs, opened to be measured on and shown, with none but the traces that ``where`` asks for; a trace that one run takes
    is taken in all. Locked traces are read where a look was counted.

    Raises `ArgumentError` for a field or a value that no trace of any of them has.
    """
    found = opened(runs, locked="looked")
    if where is None:
        return found
    picked = where.pick(trace for run in found for trace in run.traces())
    return tuple(run.only(picked) for run in found)


def one_codebook(runs: Sequence[CoderRun]) -> Codebook:
    """The codebook version that all the runs share; `CodebookError` says what to do where they do not."""
    if not runs:
        raise RunError("no run was given", "name at least one run directory")
    (name, first), *others = ((run.folder, run.codebook) for run in runs)
    for other, book in others:
        if book.digest == first.digest:
            continue
        old, new = sorted(((name, first), (other, book)), key=lambda pair: version_order(pair[1].version))
        hint = (
            f"carry the older codings over with: pcode codebook migrate {old[0]} --to {new[1].ref} -o NEW_RUN"
        )
        if book.version == first.version:
            hint = "the same version with two texts: code the same units again under one of them"
        if book.id != first.id:
            hint = (
                "codings under different codebooks cannot be compared: code the same units under one of them, "
                "with pcode annotate --codebook ID@VERSION --units RUN"
            )
        raise CodebookError(f"{name} was coded under {first.stamp} and {other} under {book.stamp}", hint)
    return first


def require_codebook(run: CoderRun, book: Codebook) -> None:
    """Raise `CodebookError` for a run that was coded under another codebook than ``book``, or another text of the same version."""
    mine = run.codebook
    if mine.digest != book.digest:
        raise CodebookError(
            f"{run.folder} was coded under {mine.stamp}, and the codebook here is {book.stamp}",
            f"name that codebook, {run.folder / SNAPSHOT}, or carry the run over with: pcode codebook migrate RUN --to ID@VERSION "
            "-o NEW_RUN",
        )


def same_text(run: CoderRun, trace_id: str, mine: str, found: str) -> None:
    """Raise `InputError` where a run coded another text under the id of a trace (unit): a unit's id does not tell texts apart."""
    if mine != found:
        raise other_text(run, trace_id)


def other_text(
    run: CoderRun, trace_id: str, hint: str = "give the run that was made from this traces file"
) -> InputError:
    """The error about a run that coded another text under the id of a trace."""
    return InputError(f"{run.folder} coded another text under the trace id {trace_id!r}", hint)


def require_texts(run: CoderRun, traces: Iterable[Trace]) -> None:
    """Raise `InputError` where one of ``traces`` has another reasoning than in the run."""
    texts = {trace.id: trace.reasoning for trace in run.traces()}
    for trace in traces:
        same_text(run, trace.id, trace.reasoning, texts.get(trace.id, trace.reasoning))


def cut_alike(units: dict[str, list[Unit]], trace_id: str, found: list[Unit], run: CoderRun) -> list[Unit]:
    """A trace's units as the first of several runs has them, kept in ``units``. Raises `InputError` where ``run`` has others, or
    another text.
    """
    mine = units.setdefault(trace_id, found)
    if [unit.id for unit in mine] != [unit.id for unit in found]:
        raise InputError(
            f"{trace_id} is cut differently in {run.folder}",
            "code the units of one run with all coders: pcode annotate TRACES -o NEW --units RUN",
        )
    for one, other in zip(mine, found, strict=True):
        same_text(run, trace_id, one.text, other.text)
    return mine


def run_labels(runs: Sequence[CoderRun]) -> list[str]:
    """Names of the runs, with as many parent directories as tell them apart: ``a/cues``, ``b/cues``."""
    paths = [run.folder.resolve() for run in runs]
    for path, count in Counter(paths).items():
        if count > 1:
            raise RunError(f"{path} is given {count} times", "give each run once")
    longest = max(len(path.parts) for path in paths)
    tails = [["/".join(path.parts[-n:]) for path in paths] for n in range(1, longest + 1)]
    return [
        next(tail[i] for tail in tails if tail.count(tail[i]) == 1 or tail is tails[-1])
        for i in range(len(paths))
    ]
