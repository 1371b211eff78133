"""A coder run: a directory that holds everything that was coded, by whom, and how.

    RUN/run.json        what, when, with which versions and parameters (`Manifest`)
    RUN/codebook.yaml   the codebook as it was
    RUN/traces.jsonl    the traces
    RUN/units.jsonl     their units
    RUN/codings.jsonl   one line per unit and coder, in the order of the units
    RUN/ledger.jsonl    language-model coders only: every request and raw reply

While it is being written the directory also holds ``checkpoint.jsonl`` and a lock.
"""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from itertools import groupby, islice
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ..codebook import Codebook, parse_codebook
from ..errors import InputError, RunError
from ..files.lock import lock
from ..files.records import BadRow, Ledger, Row, atomic, dump, read_jsonl
from ..provenance import now
from ..trace import Trace
from ..unit import Unit
from .coding import CoderInfo, Coding

Status = Literal["running", "interrupted", "stopped", "complete"]

FILES = ("traces.jsonl", "units.jsonl", "codings.jsonl")
"""What a run consists of, beside its manifest and its codebook."""


class Manifest(BaseModel):
    """``run.json``: all that is needed to repeat the run. ``fingerprint`` is the digest of what determines the codings."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    run_id: str
    fingerprint: str
    status: Status
    stopped_why: str | None = None
    started: str
    finished: str | None = None
    seconds: float = 0.0
    codebook: dict[str, str]
    coders: list[CoderInfo]
    coder: str
    """Plugin that made the codings: ``cues``, ``llm``, or an importer's name."""
    scheme: str
    lang: str = "en"
    parameters: dict[str, Any] = Field(default_factory=dict)
    source: dict[str, Any] = Field(default_factory=dict)
    seed: int | None = None
    counts: dict[str, Any] = Field(default_factory=dict)
    usage: dict[str, Any] = Field(default_factory=dict)
    versions: dict[str, str] = Field(default_factory=dict)
    bytes: dict[str, int] = Field(default_factory=dict)
    """Sizes of the files of a complete run, by which damage is noticed; runs of earlier versions have none."""


class CoderRun:
    """A run on disk, for reading. Files are streamed; nothing is held but the manifest and the codebook."""

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        path = self.folder / "run.json"
        if not path.is_file():
            raise RunError(
                f"{self.folder}: not a run directory (no run.json)",
                "make one with: pcode annotate, or pcode import",
            )
        try:
            self.manifest = Manifest.model_validate_json(path.read_bytes())
        except ValidationError as error:
            raise RunError(
                f"{path}: {error.errors()[0]['msg']} ({error.errors()[0]['loc']})",
                "the file was changed by hand; restore it",
            ) from None

    @property
    def name(self) -> str:
        """The directory's own name."""
        return self.folder.resolve().name

    @property
    def codebook(self) -> Codebook:
        """The codebook under which the run was made, checked against the recorded digest."""
        path = self.folder / "codebook.yaml"
        if not path.is_file():
            raise RunError(f"{path} is missing", "restore it; codings mean nothing without their codebook")
        book = parse_codebook(path.read_bytes(), str(path))
        if book.digest != self.manifest.codebook.get("digest"):
            raise RunError(
                f"{path} is not the codebook the run was made with ({book.stamp})", "restore the file"
            )
        return book

    def traces(self) -> Iterator[Trace]:
        """The run's traces, in order."""
        return (Trace.model_validate(data) for data in self._lines("traces.jsonl"))

    def units(self) -> Iterator[Unit]:
        """The run's units, trace by trace, in order."""
        return (Unit.model_validate(data) for data in self._lines("units.jsonl"))

    def codings(self) -> Iterator[Coding]:
        """All codings, in the order of the units."""
        return (Coding.model_validate(data) for data in self._lines("codings.jsonl"))

    def by_trace(self) -> Iterator[tuple[Trace, list[Unit], list[Coding]]]:
        """Trace by trace: the trace, its units, and everybody's codings of them."""
        groups = groupby(self.units(), key=lambda unit: unit.trace_id)
        codings = self.codings()
        group, coding = next(groups, None), next(codings, None)
        for trace in self.traces():
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
            raise RunError(
                f"{self.folder}: unit {stray} belongs to no trace of the run, or is out of order",
                "restore the run's files",
            )

    @cached_property
    def prefix(self) -> dict[str, int] | None:
        """How many lines of each file are sure, of a run that is running or was killed: those before its last checkpoint.

        ``None`` of a run that has ended: all of them.
        """
        if self.manifest.status != "running":
            return None
        path = self.folder / "checkpoint.jsonl"
        lines = [row.data for row in read_jsonl(path) if isinstance(row, Row)] if path.is_file() else []
        counts: dict[str, int] = lines[-1]["counts"] if lines else {}
        codings = sum(n for name, n in counts.items() if name == "coded" or name.startswith("missing: "))
        sure = {"traces": counts.get("traces", 0), "units": counts.get("units", 0), "codings": codings}
        return {f"{name}.jsonl": number for name, number in sure.items()}

    def damaged(self) -> list[str]:
        """Files that are missing, or not of the size they had when the run was complete; of another run, none."""
        if self.manifest.status != "complete":
            return []
        sizes = {name: _size(self.folder / name) for name in FILES}
        return [n for n, size in sizes.items() if size is None or size != self.manifest.bytes.get(n, size)]

    def _lines(self, name: str) -> Iterator[dict[str, Any]]:
        path = self.folder / name
        size = _size(path)
        if size is None:
            raise RunError(f"{path} is missing", "run the same command again to complete the run")
        if size != self.manifest.bytes.get(name, size):
            raise RunError(
                f"{path} has {size:,} bytes, and {self.manifest.bytes[name]:,} when the run was complete",
                "run the same command again, which makes the run again, or restore the file",
            )
        for row in islice(read_jsonl(path), self.prefix[name] if self.prefix else None):
            if isinstance(row, BadRow):
                raise InputError(
                    f"{path}:{row.line}: {row.why}", "run the same command again, or restore the file"
                )
            yield row.data


def require_complete(runs: Iterable[CoderRun], partial: bool | None = False) -> tuple[str, ...]:
    """The one policy for unfinished runs: refused, as the first traces of a file are a biased sample of it.

    ``partial``: go on with the traces there are; every output then has to carry the words that are returned, one
    sentence for each unfinished run. ``None``: there is no going on, as what is made of the run could not show it.
    """
    said = []
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
        said.append(
            f"{run.folder} is {manifest.status}{why}: only a prefix of its traces is here, the first {held}"
        )
    return tuple(said)


class RunWriter:
    """Writes a run, trace by trace, so that it can be killed at any moment and taken up again.

    ``done`` traces lie complete on disk; after a kill everything behind the last checkpoint is cut off. A complete run
    whose files (``damaged``) are not what they were is written again from the start.
    """

    def __init__(self, folder: Path, manifest: Manifest, book: Codebook, *, restart: bool = False) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = lock(folder)
        self._began = time.monotonic()
        previous = self._previous(manifest)
        self.damaged = CoderRun(folder).damaged() if previous else []
        restart = restart or bool(self.damaged)
        self.complete = previous is not None and previous.status == "complete" and not restart
        self.manifest = (
            manifest if previous is None else manifest.model_copy(update={"started": previous.started})
        )
        self._before = previous.seconds if previous else 0.0
        if self.complete:
            assert previous is not None
            self.manifest = previous
            self.done = int(previous.counts.get("traces", 0))
            return
        if restart or previous is None:
            (folder / "checkpoint.jsonl").unlink(missing_ok=True)
        self._open()
        if previous is None or self.damaged:
            with atomic(folder / "codebook.yaml") as file:
                file.write(dump_codebook(book))
        self._save()

    def _previous(self, manifest: Manifest) -> Manifest | None:
        if not (self.folder / "run.json").exists():
            strangers = [
                p.name
                for p in self.folder.iterdir()
                if p.name not in (".lock", "codebook.yaml", "ledger.jsonl") and p.name[0] != "."
            ]
            if strangers:
                self.close()
                raise RunError(
                    f"{self.folder} is not empty and holds no run ({strangers[0]} …)",
                    "choose another directory with -o",
                )
            return None
        try:
            previous = CoderRun(self.folder).manifest
        except RunError:
            self.close()
            raise
        if previous.fingerprint != manifest.fingerprint:
            self.close()
            raise RunError(
                f"{self.folder} holds another run: {_difference(previous, manifest)}",
                "choose another directory with -o, or delete this one",
            )
        return previous

    def _open(self) -> None:
        self._checkpoints = Ledger(self.folder / "checkpoint.jsonl")
        last: dict[str, Any] = {"done": 0, "bytes": {}, "counts": {}}
        for _, value in self._checkpoints:
            if all(
                (_size(self.folder / f"{name}.jsonl") or 0) >= size for name, size in value["bytes"].items()
            ):
                last = value  # a file that somebody shortened does not reach up to the later ones
        self.done = int(last["done"])
        self.counts = Counter(last["counts"])
        self._files = {}
        for name in ("traces", "units", "codings"):
            file = (self.folder / f"{name}.jsonl").open("ab")
            file.truncate(last["bytes"].get(name, 0))
            file.seek(0, os.SEEK_END)
            self._files[name] = file
        self._saved = time.monotonic()

    def write(
        self, trace: Trace, units: list[Unit], codings: list[Coding], tally: Mapping[str, int] | None = None
    ) -> None:
        """Append one trace with its units and codings; a checkpoint follows at most a second later.

        ``tally``: what the trace adds to `usage`, by name; ``"a: b"`` adds to ``b`` within ``a``.
        """
        self._files["traces"].write(
            dump(trace.model_dump(mode="json", exclude_defaults=True)).encode() + b"\n"
        )
        self._files["units"].write("".join(unit.json_line() for unit in units).encode())
        self._files["codings"].write("".join(coding.json_line() for coding in codings).encode())
        self.done += 1
        self.counts["traces"] += 1
        self.counts["units"] += len(units)
        self.counts["tokens"] += sum(unit.tokens for unit in units)
        for coding in codings:
            if coding.codes is None:
                self.counts[f"missing: {coding.missing_reason}"] += 1
            else:
                self.counts["coded"] += 1
        for name, number in (tally or {}).items():
            self.counts[USAGE + name] += number
        if time.monotonic() - self._saved > 1:
            self.checkpoint()

    @property
    def usage(self) -> dict[str, Any]:
        """All tallies, over all sessions of the run."""
        found: dict[str, Any] = {}
        for key in sorted(self.counts):
            if key.startswith(USAGE):
                name, _, part = key.removeprefix(USAGE).partition(": ")
                if part:
                    found.setdefault(name, {})[part] = self.counts[key]
                else:
                    found[name] = self.counts[key]
        return found

    def checkpoint(self) -> None:
        """Everything written so far survives a kill from here on."""
        for file in self._files.values():
            file.flush()
        sizes = {name: file.tell() for name, file in self._files.items()}
        self._checkpoints.append({"done": self.done, "bytes": sizes, "counts": dict(self.counts)})
        self._saved = time.monotonic()

    def finish(self, status: Status, *, why: str | None = None, **updates: Any) -> Manifest:
        """Record how the run ended; ``complete`` removes the checkpoints."""
        self.checkpoint()
        for file in self._files.values():
            file.close()
        self._checkpoints.close()
        sizes = {name: (self.folder / name).stat().st_size for name in FILES} if status == "complete" else {}
        updates |= {"counts": tidy_counts(self.counts), "bytes": sizes}
        self._save(status=status, stopped_why=why, finished=now(), **updates)
        if status == "complete":
            (self.folder / "checkpoint.jsonl").unlink()
        return self.manifest

    def _save(self, **updates: Any) -> None:
        seconds = round(self._before + time.monotonic() - self._began, 3)
        self.manifest = self.manifest.model_copy(update={"seconds": seconds, **updates})
        with atomic(self.folder / "run.json") as file:
            file.write(json.dumps(self.manifest.model_dump(mode="json"), indent=1, ensure_ascii=False) + "\n")

    def close(self) -> None:
        """Let another process have the directory."""
        os.close(self._lock)


USAGE = "usage: "
"""Marks the tallies among a writer's counts."""


def tidy_counts(counts: Counter[str]) -> dict[str, Any]:
    """Counts with the missing ones gathered: ``{"traces": 3, "coded": 40, "missing": {"timeout": 1}, …}``."""
    missing = {k.removeprefix("missing: "): n for k, n in sorted(counts.items()) if k.startswith("missing: ")}
    return {k: counts[k] for k in ("traces", "units", "tokens", "coded")} | {"missing": missing}


def dump_codebook(book: Codebook) -> str:
    """YAML of a codebook that parses to the same digest."""
    import yaml

    return yaml.safe_dump(
        book.model_dump(mode="json", exclude_defaults=True), sort_keys=False, allow_unicode=True, width=100
    )


def _size(path: Path) -> int | None:
    return path.stat().st_size if path.is_file() else None


def _difference(old: Manifest, new: Manifest) -> str:
    """The first things in which two manifests differ, in words: files by their names, never by a digest."""
    a, b = (
        {**m.parameters, "scheme": m.scheme, "coder": m.coder, "seed": m.seed, "lang": m.lang}
        for m in (old, new)
    )
    books = [f"{m.codebook.get('id')}@{m.codebook.get('version')}" for m in (old, new)]
    if books[0] != books[1]:
        a["codebook"], b["codebook"] = books
    changed = [
        f"{key}: {a.get(key)!r} there, {b.get(key)!r} now"
        for key in dict.fromkeys([*a, *b])
        if a.get(key) != b.get(key)
    ]
    if books[0] == books[1] and old.codebook != new.codebook:
        changed.append(f"the codebook {books[0]} has changed since")
    for key in dict.fromkeys([*old.source, *new.source]):
        if key.endswith("_digest") and old.source.get(key) != new.source.get(key):
            changed.append(_changed_files(key.removesuffix("_digest"), old.source, new.source))
    return "; ".join(changed[:3]) or "made with other inputs"


def _changed_files(key: str, old: dict[str, Any], new: dict[str, Any]) -> str:
    """Which of the files under ``source[key]`` is another one: by its content, or by its name."""
    there, here = (
        dict(zip(_many(s.get(key)), _many(s.get(f"{key}_digest")), strict=False)) for s in (old, new)
    )
    for name, now_digest in here.items():
        if there.get(name, now_digest) != now_digest:
            return f"{name} has changed since"
    if there.keys() == here.keys():
        return f"{key}: in another order" if len(here) > 1 else f"the {key} are others"
    return f"{key}: {', '.join(there) or 'none'} there, {', '.join(here) or 'none'} now"


def _many(value: Any) -> list[str]:
    return [] if value is None else [str(each) for each in value] if isinstance(value, list) else [str(value)]
