"""Sets traces aside, and opens them: what writes a lock and counts a look at it (`runs.locked_part` says what a lock is).

    lock_traces("traces.jsonl", 0.3)                       traces.locked.json: 6 of 20 traces, whole items
    unlock("traces.jsonl", ["runs/humans", "runs/llm"], why="final test")
                                                           traces.looks.jsonl: one line more; then these runs may be measured there

A look lies on the disk before anything is opened: whoever kills the command in between has counted it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import ArgumentError, RunError
from ..files.ledger import Ledger
from ..intake.traces import no_trace
from ..intake.traces_file import TracesFile
from ..job import locked, save_record
from ..provenance import digest, draw_order, now
from ..runs.locked_part import (
    LOCKED,
    CountedLook,
    Lock,
    LockedPart,
    LockedTrace,
    LookedRun,
    asked_key,
    locks_of,
    looks_path,
    open_lock,
    read_lock,
    same_groups,
    text_key,
)
from ..runs.run import CoderRun, require_complete
from ..trace import Trace
from .draw import hash_random, how_many, systematic
from .population import stratum_of


@dataclass(frozen=True)
class DrawnLock:
    """What is set aside: ``part``, to be written to ``path``; ``there``: it lies there already."""

    path: Path
    part: LockedPart
    there: bool


def draw_lock(traces: str | Path, share: float, *, seed: int = 0, out: str | Path | None = None) -> DrawnLock:
    """Draw so many of the traces, whole items, spread over domains. Traces of one item, or of the same text, stay together.

    Raises `InputError` for what is in the file; `RunError` where there is one item only, or where the traces are locked already,
    with other settings.
    """
    if not 0 < share < 1:
        raise ArgumentError(f"--lock {share}", "give a share between 0 and 1, as .3")
    file = TracesFile(traces)
    if not file.total:
        raise no_trace(traces)
    path = Path(out) if out is not None else file.path.with_name(f"{file.path.stem}{LOCKED}")
    if not path.name.endswith(LOCKED):
        raise ArgumentError(f"{path}: no lock would be found under this name", f"name it *{LOCKED}")
    part = _drawn(file, share, seed)
    return DrawnLock(path, part, _there(file, path, part))


def _drawn(file: TracesFile, share: float, seed: int) -> LockedPart:
    groups = _groups(file)
    if len(groups) < 2:
        raise RunError(
            f"all traces of {file.path} are of one item: a part of it says nothing of others",
            "lock traces of several items",
        )
    domain = {name: stratum_of(members[0], ("domain",)) for name, members in groups.items()}
    order = sorted(groups, key=lambda name: (domain[name], draw_order(seed, name)))
    n = min(how_many(share, len(order)), len(order) - 1)
    taken = [order[place] for place in systematic(len(order), n, hash_random(seed, "lock"))]
    chosen = {trace.id: trace for name in taken for trace in groups[name]}
    known = {name: LockedTrace(text=text_key(t), asked=asked_key(t)) for name, t in sorted(chosen.items())}
    counts = {"traces": file.total, "items": len(order), "locked": len(known), "locked_items": n}
    made_of = [file.digest, share, seed, sorted(known)]
    return LockedPart(
        lock_id="k-" + digest(made_of).removeprefix("sha256:")[:12],
        made=now(),
        traces=file.path.name,
        traces_digest=file.digest,
        share=share,
        seed=seed,
        counts=counts,
        locked=known,
    )


def _groups(traces: TracesFile) -> dict[str, list[Trace]]:
    """Traces of one item, and such as have the same text, are one group (`same_groups`)."""
    found: dict[str, list[Trace]] = {}
    for trace, group in zip(traces, same_groups(traces), strict=True):
        found.setdefault(group, []).append(trace)
    return found


def _there(file: TracesFile, path: Path, part: LockedPart) -> bool:
    """Whether this very lock is there. Raises `RunError` where another one is."""
    if path.is_symlink() or path.exists():
        if read_lock(path).lock_id == part.lock_id:
            return True
        raise RunError(
            f"{path} is another lock", "a lock is never drawn anew: pcode unlock ends it (--end), and says so"
        )
    for lock in locks_of(file.path, path):
        if lock.part.lock_id == part.lock_id:
            raise RunError(f"{file.path} is locked already by {lock.path}", "one lock is enough")
        if any(lock.holds(trace) for trace in file):
            raise RunError(
                f"traces of {file.path} are locked already by {lock.path}",
                "a lock is never drawn anew: pcode unlock ends it (--end), and says so",
            )
    return False


def lock_traces(
    traces: str | Path, share: float, *, seed: int = 0, out: str | Path | None = None
) -> DrawnLock:
    """`draw_lock`, written."""
    drawn = draw_lock(traces, share, seed=seed, out=out)
    write_lock(drawn)
    return drawn


def write_lock(drawn: DrawnLock) -> None:
    """Unless it lies there already."""
    if drawn.there:
        return
    if looks_path(drawn.path).exists():
        raise RunError(f"{looks_path(drawn.path)} holds looks at another lock", "move it away")
    save_record(drawn.path, drawn.part)


def carry_locks(sources: Sequence[str | Path], out: str | Path) -> list[Lock]:
    """Put copies of the locks of ``sources`` beside what was made of them, where they do not count there already; returns these."""
    folder = Path(out).parent
    here = {lock.part.lock_id for lock in locks_of(out)}
    found = [lock for lock in locks_of(*sources) if lock.part.lock_id not in here]
    for lock in found:
        lock.write_copy(folder)
    return found


def refuse_locked(sources: Sequence[str | Path]) -> None:
    """Raise `RunError` where part of ``sources`` is locked: a corpus has no locked part."""
    if locks := locks_of(*sources):
        raise RunError(
            f"{locks[0].path} counts for what is imported, and a corpus has no locked part",
            "import what is locked into a traces file, without --shards",
        )


def lock_at(place: str | Path) -> Lock:
    """The one lock that counts for a traces file, a run or a folder, or that a file is. Raises `RunError` where there is none, or several."""
    path = Path(place)
    if not path.exists():
        raise RunError(f"{path} is not there", "name the traces that are locked, or the lock")
    found = (open_lock(path),) if path.name.endswith(LOCKED) else locks_of(path)
    if not found:
        raise RunError(f"no lock counts for {path}", "pcode sample TRACES --lock .3 sets traces aside")
    if len(found) > 1:
        raise RunError(
            f"{len(found)} locks count for {path}", f"name one: {', '.join(str(x.path) for x in found)}"
        )
    lock = found[0]
    if lock.part.home is not None:
        raise RunError(
            f"{lock.path} is a copy of a lock that is not found at {lock.path.parent / lock.part.home}",
            "looks are counted where the lock lies: put it back with its looks",
        )
    return lock


@dataclass(frozen=True)
class Unlocked:
    """``lock``: as it is now; ``look``: what was counted, or would be; ``None`` where every run had been looked at."""

    lock: Lock
    look: CountedLook | None


def unlock(
    place: str | Path,
    runs: Sequence[str | Path],
    *,
    why: str,
    who: str,
    end: bool = False,
    dry_run: bool = False,
) -> Unlocked:
    """Count a look at the locked part of ``place`` (`lock_at`), which opens it for ``runs``: what measures reads it there.

    A machine's run need not hold the locked traces yet: ``annotate --locked`` codes them afterwards. ``end``: the lock ends, and the traces may
    be used for anything. Runs that were looked at before, as they are, need no look and count none.

    Raises `RunError` where the lock ended, or a run is not complete.
    """
    if not why.strip() or not who.strip():
        raise ArgumentError("a look says who looked, and why", "--who NAME --why WHY")
    if bool(runs) == end:
        raise ArgumentError(
            "say what is looked at: runs, or that the lock ends",
            "pcode unlock TRACES RUN… --why WHY; or --end",
        )
    found = [CoderRun(run, locked="always") for run in runs]
    require_complete(found, None)
    lock = lock_at(place)
    with locked(lock.path.parent):
        lock = open_lock(lock.path)  # another process may have counted a look meanwhile
        if lock.ended:
            raise RunError(
                f"{lock.path} ended on {lock.looks[-1].when[:10]}", "its traces may be used for anything"
            )
        new = [_looked(run) for run in found if not lock.opens(run.manifest.look_key)]
        if not (new or end):
            return Unlocked(lock, None)
        look = CountedLook(
            look=len(lock.looks) + 1,
            lock_id=lock.part.lock_id,
            when=now(),
            who=who,
            why=why,
            locked=len(lock.part.locked),
            end=end,
            runs=tuple(new),
        )
        return Unlocked(lock if dry_run else _count(lock, look), look)


def _count(lock: Lock, look: CountedLook) -> Lock:
    """The look first, on the disk; then the lock says how many there are."""
    ledger = Ledger(looks_path(lock.path))
    try:
        ledger.append(look.model_dump(mode="json"), sync=True)
    finally:
        ledger.close()
    save_record(lock.path, lock.part.model_copy(update={"looks": look.look}))
    return open_lock(lock.path)


def _looked(run: CoderRun) -> LookedRun:
    m = run.manifest
    return LookedRun(
        run=str(run.folder),
        run_id=m.run_id,
        key=m.look_key,
        codebook=f"{m.codebook.get('id')}@{m.codebook.get('version')}",
        codebook_digest=m.codebook.get("digest", ""),
        coder=m.coder,
        coders=tuple(coder.name for coder in m.coders),
    )
