"""Writing a run, trace by trace, so that it can be killed at any moment and taken up again.

    writer = RunWriter(folder, manifest, book)
    for trace, units, codings in …:  writer.write(trace, units, codings)
    writer.finish("complete")

A complete run whose files are not what they were is written again from the start.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from ..codebook import Codebook
from ..codebook.check import load_checked
from ..codebook.codebook import SNAPSHOT
from ..codebook.snapshot import dump_codebook
from ..errors import DiskError
from ..files.checkpointed import CheckpointedFiles
from ..files.records import dump, write_text
from ..files.seal import CHECKPOINTS, LEDGER
from ..job import JobFolder, Status, ended_by
from ..provenance import digest
from ..trace import Trace, Unit
from ..unit.unitizer import Unitizer
from .locked_part import Lock, locks_of
from .run import FILES, CoderRun, Coding, Manifest, require_complete


def codebook_for(named: str | Path | Codebook | None, *runs: str | Path | None) -> Codebook:
    """The codebook of a new run or packet: the one that is named (or given), else that of the first of the ``runs`` it rests on, else schoen."""
    if isinstance(named, Codebook):
        return named
    if named is None and (run := next((one for one in runs if one is not None), None)):
        return CoderRun(run).codebook
    return load_checked(named or "schoen")


def unitizer_of(scheme: str, lang: str | None, units: str | Path | None) -> tuple[Unitizer, dict[str, Any]]:
    """What cuts the units of a new run: a scheme, or another run whose units they are, exactly; and what to record of it."""
    if units is None:
        return Unitizer(scheme, lang), {}
    run = CoderRun(units, locked="always")
    require_complete([run], None)
    spans: dict[str, list[tuple[int, int]]] = {}
    for unit in run.units():
        spans.setdefault(unit.trace_id, []).append((unit.start, unit.end))
    return Unitizer(run.manifest.scheme, lang, spans=spans), {
        "units": str(units),
        "units_digest": digest(spans),
    }


_USAGE, _STAGE = "usage: ", "stage: "
"""Mark the tallies, and codes given by a coder of a cascade, among a writer's counts."""


class RunWriter:
    """``done`` traces lie complete on disk; ``complete``: there is nothing to do. ``damaged``: files that were changed.

    ``restart`` writes the run again even if it is complete; ``may_change``: files beside it that are there to be changed; ``locks``: those that
    its traces are under, of which it keeps copies, beside those that count for the folder. As a context it records what ended it, and lets go of the folder.
    """

    def __init__(
        self,
        folder: Path,
        manifest: Manifest,
        book: Codebook,
        *,
        restart: bool = False,
        may_change: Collection[str] = (),
        locks: Iterable[Lock] = (),
    ) -> None:
        known = {lock.part.lock_id: lock for lock in (*locks_of(folder), *locks)}
        self._may_change, self._locks = may_change, tuple(known.values())
        self._job = JobFolder(folder, manifest, ours=(LEDGER,))
        previous = self._job.previous
        self.damaged = self._job.damaged([*FILES, SNAPSHOT])
        restart = restart or bool(self.damaged)
        self.complete = previous is not None and previous.status == "complete" and not restart
        self._ended = self.complete
        if previous is not None and self.complete:
            self._job.record, self.done = previous, int(previous.counts.get("traces", 0))
            return
        try:
            self._open(folder, book, restart)
        except BaseException as error:
            self._job.give_up(error)
            raise

    def _open(self, folder: Path, book: Codebook, restart: bool) -> None:
        """The record lies there first: from then on the folder is this run's, whatever happens."""
        if self._job.previous is None:
            self._job.save()
        if restart:
            (folder / CHECKPOINTS).unlink(missing_ok=True)
        self._files = CheckpointedFiles(folder, {name.removesuffix(".jsonl"): name for name in FILES})
        self.done, self.counts = self._files.done, self._files.counts
        path, text = folder / SNAPSHOT, dump_codebook(book)
        if not path.is_file() or path.read_bytes() != text.encode():
            write_text(path, text)
        for lock in self._locks:
            lock.write_copy(folder)
        self._job.save()

    def __enter__(self) -> RunWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Whatever ended the session before `finish` is recorded."""
        try:
            if not self._ended and error is not None:
                status, why = ended_by(error)
                self.finish(status, why=why)
        finally:
            self.close()

    @property
    def manifest(self) -> Manifest:
        """As it lies on disk, or is about to."""
        return self._job.record

    def write(
        self, trace: Trace, units: list[Unit], codings: list[Coding], tally: Mapping[str, int] | None = None
    ) -> None:
        """Append one trace with its units and codings; a checkpoint follows at most a second later.

        ``tally``: what the trace adds to `usage`, by name; ``"a: b"`` adds to ``b`` within ``a``.
        """
        self.done += 1
        self.counts["traces"] += 1
        self.counts["units"] += len(units)
        self.counts["tokens"] += sum(unit.tokens for unit in units)
        for coding in codings:
            self.counts["coded" if coding.codes is not None else f"missing: {coding.missing_reason}"] += 1
            if coding.stage is not None and coding.codes is not None:
                self.counts[f"{_STAGE}{coding.stage}"] += 1
        for name, number in (tally or {}).items():
            self.counts[_USAGE + name] += number
        self._files.append(
            {
                "traces": dump(trace.model_dump(mode="json", exclude_defaults=True)) + "\n",
                "units": "".join(unit.json_line() for unit in units),
                "codings": "".join(coding.json_line() for coding in codings),
            }
        )

    @property
    def usage(self) -> dict[str, Any]:
        """All tallies, over all sessions of the run."""
        found: dict[str, Any] = {}
        for key in sorted(self.counts):
            if key.startswith(_USAGE):
                name, _, part = key.removeprefix(_USAGE).partition(": ")
                if part:
                    found.setdefault(name, {})[part] = self.counts[key]
                else:
                    found[name] = self.counts[key]
        return found

    def checkpoint(self) -> None:
        """Everything written so far survives a kill from here on."""
        self._files.checkpoint()

    def finish(self, status: Status, *, why: str | None = None, **updates: Any) -> Manifest:
        """Record how the run ended; ``complete`` removes the checkpoints.

        Raises `DiskError` where the last pieces find no room; the run is then recorded as stopped.
        """
        self._ended = True
        try:
            self._files.close()
        except DiskError as error:
            self._job.finish("stopped", why=error.message, counts=_tidy(self.counts), **updates)
            raise
        how: dict[str, Any] = {"known": self._files.sha256, "may_change": self._may_change}
        manifest = self._job.finish(status, why=why, counts=_tidy(self.counts), **how, **updates)
        if status == "complete":
            (self._job.folder / CHECKPOINTS).unlink()
        return manifest

    def close(self) -> None:
        """Let another process have the directory."""
        self._job.close()


def _tidy(counts: Counter[str]) -> dict[str, Any]:
    """Counts with the missing ones gathered: ``{"traces": 3, "coded": 40, "missing": {"timeout": 1}, …}``."""
    missing = {k.removeprefix("missing: "): n for k, n in sorted(counts.items()) if k.startswith("missing: ")}
    stages = {k.removeprefix(_STAGE): n for k, n in sorted(counts.items()) if k.startswith(_STAGE)}
    own = {k: counts[k] for k in ("traces", "units", "tokens", "coded")} | {"missing": missing}
    return own | ({"stages": stages} if stages else {})
