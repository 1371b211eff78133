"""Whether a folder holds what was written into it, file by file, by the record that lies there.

    verify("runs/cues")     holds    run.json        sealed
                            changed  codings.jsonl   has 81,112 bytes as it had, but not the same ones
                            holds    codebook.yaml   sha256; schoen@1.0.0, digest as recorded
                            holds    ledger.jsonl    sha256; 431 lines, each with its checksum

Of runs, answers, thoughts, trained students, filters, packets, and of a pipeline its recipe and each stage. What an earlier version recorded nothing
of cannot be checked, and is said to be so.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

from ..codebook import parse_codebook
from ..codebook.codebook import SNAPSHOT
from ..errors import PedagogyError, RunError
from ..files.checkpointed import checkpointed_sums
from ..files.ledger import LedgerLines
from ..files.seal import (
    BATCHES,
    CHECKPOINTS,
    LEDGER,
    PACKET,
    RECIPE,
    RECORDS,
    STAGES,
    WEB_LOG,
    broken,
    difference,
    has_seal,
    names_in,
)
from ..files.written import recorded, recorded_names
from ..formatting import counted
from .locked_part import LOCKED, lost_home

State = Literal["holds", "changed", "missing", "added", "not checked"]

WRONG: tuple[State, ...] = ("changed", "missing", "added")


class FileFinding(NamedTuple):
    """What is to be said of one file; ``why``: by what it is known, or in which way it is not what it was."""

    file: str
    state: State
    why: str


class FolderFinding(NamedTuple):
    """Of one folder and its record. ``status``: as the record says."""

    folder: Path
    status: str
    files: tuple[FileFinding, ...]

    @property
    def holds(self) -> bool:
        """Whether nothing is wrong; what could not be checked is not."""
        return not any(found.state in WRONG for found in self.files)

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        files = [found._asdict() for found in self.files]
        return {"folder": str(self.folder), "status": self.status, "holds": self.holds, "files": files}


def verify(folder: str | Path) -> list[FolderFinding]:
    """Check a folder by its record; a pipeline's by that of each stage, and each stage's by its own.

    Raises `RunError` where there is no record.
    """
    folder = Path(folder)
    found = [_checked(made, path) for made, path in records(folder)]
    own = tuple(_of_pipeline(folder))
    return [FolderFinding(folder, "pipeline", own), *found] if own else found


def _of_pipeline(folder: Path) -> Iterator[FileFinding]:
    """Of a pipeline, what no stage's record is about: the recipe that it was run by, and that the records are all there."""
    known, path = recorded(folder / RECIPE), folder / RECIPE
    if known:
        why = difference(path, None, known.removeprefix("sha256:"))
        yield FileFinding(RECIPE, _state(why), why or "sha256")
    elif path.is_file() and (folder / STAGES).is_dir():
        yield FileFinding(RECIPE, "not checked", "nothing is recorded of it")
    if known and not (folder / STAGES).is_dir():
        yield FileFinding(STAGES, "missing", "the records of all stages are missing")
    for name in recorded_names(folder / STAGES):
        if not (folder / STAGES / name).is_file():
            yield FileFinding(f"{STAGES}/{name}", "missing", "is missing")


def records(folder: Path) -> list[tuple[Path, Path]]:
    """What there is to be checked: a folder, and the record of what lies in it. Raises `RunError` where there is none."""
    if not folder.is_dir():
        why = "is a file" if folder.exists() else "is not there"
        raise RunError(f"{folder} {why}", "name the folder of a run")
    found = [*_own_record(folder), *_stage_records(folder)]
    if not found and not recorded(folder / RECIPE):
        raise RunError(
            f"{folder}: no record of what lies there ({', '.join(RECORDS)})",
            "name a run, or the folder of answers, a student, a filter, a packet or a pipeline",
        )
    return found


def _own_record(folder: Path) -> list[tuple[Path, Path]]:
    return [(folder, folder / name) for name in RECORDS if (folder / name).is_file()][:1]


def _stage_records(folder: Path) -> list[tuple[Path, Path]]:
    """Of a pipeline: stage by stage its record, if it is there, and that of what lies in its folder."""
    there = (p.name for p in (folder / STAGES).glob("[!.]*.json") if p.name != "digests.json")
    found = []
    for name in sorted({*there, *recorded_names(folder / STAGES)}):
        made, path = folder / Path(name).stem, folder / STAGES / name
        found += [(made, path)] if path.is_file() else []
        found += _own_record(made)
    return found


def _checked(folder: Path, path: Path) -> FolderFinding:
    """``path``: the record; of a pipeline's stage it lies elsewhere."""
    data = path.read_bytes()
    try:
        record = json.loads(data)
        status = str(record.get("status", "complete"))
    except (ValueError, AttributeError, RecursionError):
        return FolderFinding(folder, "unknown", (FileFinding(path.name, "changed", "is no record any more"),))
    if broken(data):
        why = "was changed since it was written: its seal does not fit it"
        own = FileFinding(path.name, "changed", why)
    elif not has_seal(data):
        own = FileFinding(path.name, "not checked", "of an earlier version, which did not seal it")
    else:
        own = FileFinding(path.name, "holds", "sealed")
    files = _files(folder, path, record)
    if own.state == "changed":
        files = (_doubted(found) for found in files)
    return FolderFinding(folder, status, (own, *files))


def _doubted(found: FileFinding) -> FileFinding:
    """A record that was changed may be what is wrong, where a file does not fit it."""
    if found.state not in WRONG:
        return found
    return found._replace(state="not checked", why=f"{found.why}, by a record that was changed itself")


def _files(folder: Path, path: Path, record: Mapping[str, Any]) -> Iterator[FileFinding]:
    sums = _of_type(record.get("sha256"), str, type(None))
    sizes = _of_type(record.get("bytes"), int)
    there = names_in(folder, path.name if path.parent == folder else "")
    if path.parent != folder:  # ledgers are left to the stage's own record
        there = [name for name in there if Path(name).name not in (LEDGER, BATCHES)]
    packet = path.name == PACKET
    for name in dict.fromkeys([*sums, *sizes, *there]):
        found = _file(folder, name, sums, sizes, work=packet)
        yield found if found.state in WRONG else _looked_into(folder / name, found, record)
    if (folder / CHECKPOINTS).is_file() and path.parent == folder:
        yield from _checkpoints(folder)


def _of_type(value: Any, *types: type) -> dict[str, Any]:
    """What a record says by file, as far as it is what a record says: one that was changed may hold anything."""
    pairs = value.items() if isinstance(value, dict) else ()
    return {name: one for name, one in pairs if type(one) in types}


def _file(
    folder: Path, name: str, sums: Mapping[str, Any], sizes: Mapping[str, Any], *, work: bool
) -> FileFinding:
    """By size and digest, as far as they are recorded. ``work``: people's work may lie beside."""
    known, size = sums.get(name), sizes.get(name)
    if name in sums and known is None:
        return FileFinding(name, "not checked", "it is there to be changed")
    if name not in sums and name not in sizes:
        return _unrecorded(folder / name, name, added=bool(sums) and not work, work=work)
    if why := difference(folder / name, size, known):
        return FileFinding(name, _state(why), why)
    if known is None:
        return FileFinding(name, "holds", "size alone: an earlier version recorded no sha256")
    grown = size is not None and (folder / name).stat().st_size > size
    return FileFinding(name, "holds", f"sha256{', and it has grown since' if grown else ''}")


def _unrecorded(path: Path, name: str, *, added: bool, work: bool) -> FileFinding:
    """Of a file that the folder's record does not know: another command may have written it there later."""
    if later := recorded(path):
        why = difference(path, None, later.removeprefix("sha256:"))
        return FileFinding(name, _state(why), why or "sha256; written later, by pcode")
    if added:
        return FileFinding(name, "added", "was not there when the record was written")
    return FileFinding(name, "not checked", "nothing is recorded of it" if not work else "people's work")


def _state(why: str) -> State:
    """Of a `difference`."""
    return "missing" if why == "is missing" else "changed" if why else "holds"


def _looked_into(path: Path, found: FileFinding, record: Mapping[str, Any]) -> FileFinding:
    """What a file says of itself: a codebook its digest, a ledger its checksums; the copy of a lock, where the lock is."""
    if path.name in (LEDGER, BATCHES, WEB_LOG):
        return _ledger(path, found)
    if path.name.endswith(LOCKED):
        return found._replace(state="changed", why=why) if (why := lost_home(path)) else found
    said = record.get("codebook")
    if path.name != SNAPSHOT or not isinstance(said, dict):
        return found
    try:
        book = parse_codebook(path.read_bytes(), path.name)
    except PedagogyError as error:
        return found._replace(state="changed", why=error.message)
    if book.digest != said.get("digest"):
        return found._replace(state="changed", why=f"is another codebook than was recorded ({book.stamp})")
    state: State = "holds" if found.state == "not checked" else found.state
    return found._replace(state=state, why=_and(found, f"{book.ref}, digest as recorded"))


def _and(found: FileFinding, more: str) -> str:
    return more if found.state == "not checked" else f"{found.why}; {more}"


def _ledger(path: Path, found: FileFinding) -> FileFinding:
    lines = LedgerLines(path)
    for _ in lines:
        """What is wrong is noted."""
    if lines.bad:
        more = f" and {len(lines.bad) - 1} more" if len(lines.bad) > 1 else ""
        return found._replace(
            state="changed", why=f"line {lines.bad[0]}{more} cannot be read, or not as written"
        )
    if lines.faults:
        return found._replace(state="changed", why=lines.faults[0])
    many = counted(lines.lines, "line")
    if lines.unsummed:
        return found._replace(
            why=f"{found.why}; {lines.unsummed:,} of {many} of an earlier version: no checksum"
        )
    state: State = "holds" if found.state == "not checked" else found.state
    return found._replace(state=state, why=_and(found, f"{many}, each with its checksum"))


def _checkpoints(folder: Path) -> Iterator[FileFinding]:
    """Of a run that is at work, was killed or stopped: how far its files are what they were."""
    found = _ledger(
        folder / CHECKPOINTS, FileFinding(CHECKPOINTS, "not checked", "nothing is recorded of it")
    )
    yield found
    if found.state in WRONG:
        return
    for name, size, sha256 in checkpointed_sums(folder):
        if sha256 is not None:
            why = difference(folder / name, None, sha256, first=size)
            yield FileFinding(name, _state(why), why or f"its first {size:,} bytes, by the last checkpoint")
