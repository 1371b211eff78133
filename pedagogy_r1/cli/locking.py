"""``pcode sample --lock``: traces set aside; and what is refused because they are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import PedagogyError
from ..formatting import counted
from ..limits import FEWEST_CLUSTERS
from .console import notice, put_json, say

if TYPE_CHECKING:
    from ..sampling.locked import DrawnLock

DRAWS = ("plan", "coders", "fraction", "n", "enrich", "run", "active", "deferred", "practice", "units")
"""Options of `pcode sample` that draw something to be coded."""


def lock_command(
    traces: Path | None,
    out: Path | None,
    share: float,
    given: dict[str, Any],
    *,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Draw the lock, write it, and say what it holds."""
    from ..sampling.locked import draw_lock, write_lock

    if traces is None:
        raise PedagogyError("no TRACES are given", "pcode sample TRACES --lock .3")
    if others := [name for name in DRAWS if given[name]]:
        raise PedagogyError(
            f"--lock sets traces aside and draws nothing, and --{others[0]} belongs to drawing",
            "leave one of them out: locked traces are drawn for coders like all others",
        )
    drawn = draw_lock(traces, share, seed=given["seed"], out=out)
    if not dry_run:
        write_lock(drawn)
    found = {
        "lock": str(drawn.path),
        "lock_id": drawn.part.lock_id,
        "seed": drawn.part.seed,
        **drawn.part.counts,
    }
    if not put_json(found | {"traces_locked": sorted(drawn.part.locked)}, as_json):
        _print(drawn, traces, dry_run)


def _print(drawn: DrawnLock, traces: Path, dry_run: bool) -> None:
    c = drawn.part.counts
    would = "would be locked" if dry_run else "were locked already" if drawn.there else "are locked"
    say(
        f"{c['locked']:,} of {counted(c['traces'], 'trace')} {would}: {c['locked_items']:,} of "
        f"{c['items']:,} items, spread over domains"
    )
    say(f"nothing was written ({drawn.path})" if dry_run else f"lock {drawn.part.lock_id}: {drawn.path}")
    if c["locked"] < FEWEST_CLUSTERS:
        notice(f"under {FEWEST_CLUSTERS} traces α has no interval: lock more")
    if not dry_run:
        say(
            f"it counts for {traces.name} and copies of it in {drawn.path.parent.resolve()} and below; "
            f"for a lock further up: -o PLACE/NAME.locked.json"
        )
        say("people code them like others; when all is settled: pcode unlock")


def refuse_locked_notes(noted: Path, codebook: str) -> None:
    """Raise `PedagogyError` where what ``pcode disagreements -o`` wrote quotes a locked trace: it was written before the lock."""
    from ..codebook.bump import read_disagreements
    from ..codebook.check import load_checked
    from ..runs.locked_part import locks_of

    locks = locks_of(noted)
    pairs = read_disagreements(noted, load_checked(codebook)).pairs if locks else ()
    quoted = {unit.trace_id for pair in pairs for unit in pair.units}
    for lock in locks:
        if ids := sorted(quoted & lock.part.locked.keys()):
            raise PedagogyError(
                f"{noted} quotes {counted(len(ids), 'trace')} that {lock.path.name} locks ({ids[0]} …)",
                "write it again with pcode disagreements RUN… -o, which leaves them out",
            )
