"""A run carried to a later version of its codebook: what can be carried is, marked so; the rest is listed.

{"unit_id": "u3f…", "coder": "A", "codes": ["IA-PN"], "carried_from": "schoen@1.0.0#1f0c…", …}
{"unit_id": "u90…", "coder": "A", "codes": null, "missing_reason": "recode: TR-SP was split into TR-S, TR-P", …}

RUN/recode.csv    unit_id,trace_id,start,end,quote,coder,code,was,reason,memo,kind
                  u90…,aime-3,512,547,"Wait, that …",A,,TR-SP,"TR-SP was split into TR-S, TR-P",,human
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

from ..codebook.check import load_checked
from ..codebook.codebook import MigrationMap, carry, migration_map
from ..errors import CodebookError
from ..files.records import write_csv
from ..provenance import file_digest
from ..trace import Unit
from .run import CoderRun, Manifest, require_complete
from .run_writer import RunWriter

RECODE = "recode.csv"
COLUMNS = ("unit_id", "trace_id", "start", "end", "quote", "coder", "code", "was", "reason", "memo", "kind")


class Recode(NamedTuple):
    """A coding that could not be carried: whose, of which unit, what it was, why, what the coder had noted, and is."""

    unit: Unit
    coder: str
    codes: tuple[str, ...]
    reason: str
    memo: str = ""
    kind: str = ""


class Migrated(NamedTuple):
    """The new run; how many codings stayed the same and how many changed their codes; what has to be recoded; and how many
    more codings of locked traces have to be, which are in no list: it would show what they were.
    """

    run: CoderRun
    same: int
    changed: int
    recode: list[Recode]
    locked: int = 0


def migrate_run(run: CoderRun | str | Path, codebook: str | Path, out: str | Path) -> Migrated:
    """Carry every coding of ``run`` to ``codebook``, a later version of its own; the old run stays as it is.

    What has to be recoded is also written to ``out/recode.csv``, for coders to fill in and ``pcode import`` to read. Codings of
    locked traces are carried like others, and listed nowhere.

    Raises `CodebookError` if the codebook is another one or has no migration from the run's version.
    """
    old = run if isinstance(run, CoderRun) else CoderRun(run, locked="always")
    require_complete([old], None)
    source, book = old.codebook, load_checked(codebook)
    if source.id != book.id:
        raise CodebookError(
            f"{old.folder} was coded with {source.ref}, not with {book.id}",
            "a migration leads to a later version of the same codebook",
        )
    path = migration_map(book, source.version)
    manifest = Manifest.new(
        "migrate",
        book,
        {"codings": file_digest(old.sound("codings.jsonl"))},
        **old.manifest.model_dump(include={"coders", "scheme", "lang", "parameters", "seed"}),
        coder="migrate",
        source={
            "run": str(old.folder),
            "run_id": old.manifest.run_id,
            "codebook": source.stamp,
            "coder": old.manifest.coder,
        },
    )
    with RunWriter(Path(out), manifest, book, restart=True, may_change=[RECODE], locks=old.locks) as writer:
        result = _carry_all(old, path, writer)
        _write_recode(Path(out) / RECODE, result[2])
        writer.finish("complete")
    return Migrated(CoderRun(out), *result)


def _carry_all(old: CoderRun, path: MigrationMap, writer: RunWriter) -> tuple[int, int, list[Recode], int]:
    counts = Counter[str]()
    kinds = {coder.name: coder.kind for coder in old.manifest.coders}
    recode: list[Recode] = []
    for index, (trace, units, codings) in enumerate(old.by_trace()):
        by_id = {unit.id: unit for unit in units}
        shut = any(lock.holds(trace) for lock in old.locks)
        carried = []
        for coding in codings:
            fate = carry(coding.codes, path)
            counts[fate.status] += 1
            update = {
                "codes": fate.codes,
                "codebook": path.book.stamp,
                "carried_from": coding.carried_from or coding.codebook,
                "run_id": writer.manifest.run_id,
            }
            if fate.status == "recode":
                update["missing_reason"] = f"recode: {fate.reason}"
                lost, memo = coding.codes or (), coding.rationale or ""
                of_whom = (coding.coder, lost, fate.reason, memo, kinds.get(coding.coder, ""))
                if shut:
                    counts["locked"] += 1
                else:
                    recode.append(Recode(by_id[coding.unit_id], *of_whom))
            carried.append(coding.model_copy(update=update))
        if index >= writer.done:
            writer.write(trace, units, carried)
    return counts["same"], counts["changed"], recode, counts["locked"]


def _write_recode(path: Path, recode: list[Recode]) -> None:
    """The table to be filled in. One that is there is left: the same migration made it, and it may hold work."""
    if path.exists() or not recode:
        return
    rows: list[tuple[Any, ...]] = [COLUMNS]
    for one in recode:
        unit, was = one.unit, "; ".join(one.codes)
        where = (unit.id, unit.trace_id, unit.start, unit.end, unit.text)
        rows.append((*where, one.coder, "", was, one.reason, one.memo, one.kind))
    write_csv(path, rows)
