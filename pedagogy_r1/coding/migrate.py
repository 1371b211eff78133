"""A run carried to a later version of its codebook: what can be carried is, marked so; the rest is listed.

{"unit_id": "u3f…", "coder": "A", "codes": ["IA-PN"], "carried_from": "schoen@1.0.0#1f0c…", …}
{"unit_id": "u90…", "coder": "A", "codes": null, "missing_reason": "recode: TR-SP was split into TR-S, TR-P", …}
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from ..codebook import load_codebook
from ..codebook.migration import MigrationMap, carry, migration_map
from ..errors import CodebookError, RunError
from ..provenance import digest, file_digest, now, versions
from ..unit import Unit
from .run import CoderRun, Manifest, RunWriter


class Recode(NamedTuple):
    """A coding that could not be carried: whose, of which unit, what it was, and why."""

    unit: Unit
    coder: str
    codes: tuple[str, ...]
    reason: str


class Migrated(NamedTuple):
    """The new run; how many codings stayed the same and how many changed their codes; what has to be recoded."""

    run: CoderRun
    same: int
    changed: int
    recode: list[Recode]


def migrate_run(run: CoderRun | str | Path, codebook: str | Path, out: str | Path) -> Migrated:
    """Carry every coding of ``run`` to ``codebook``, a later version of its own; the old run stays as it is.

    Raises `CodebookError` if the codebook is another one or has no migration from the run's version.
    """
    old = run if isinstance(run, CoderRun) else CoderRun(run)
    if old.manifest.status != "complete":
        raise RunError(
            f"{old.folder} is {old.manifest.status}", "complete it first, with the command that started it"
        )
    source, book = old.codebook, load_codebook(codebook)
    if source.id != book.id:
        raise CodebookError(
            f"{old.folder} was coded with {source.ref}, not with {book.id}",
            "a migration leads to a later version of the same codebook",
        )
    path = migration_map(book, source.version)
    fingerprint = digest({"codings": file_digest(old.folder / "codings.jsonl"), "codebook": book.digest})
    manifest = Manifest(
        **old.manifest.model_dump(include={"coders", "scheme", "lang", "parameters", "seed"}),
        run_id=f"migrate-{fingerprint.removeprefix('sha256:')[:12]}",
        fingerprint=fingerprint,
        status="running",
        started=now(),
        codebook={"id": book.id, "version": book.version, "digest": book.digest},
        coder="migrate",
        source={
            "run": str(old.folder),
            "run_id": old.manifest.run_id,
            "codebook": source.stamp,
            "coder": old.manifest.coder,
        },
        versions=versions(),
    )
    writer = RunWriter(Path(out), manifest, book, restart=True)
    try:
        result = _carry_all(old, path, writer)
        writer.finish("complete")
    finally:
        writer.close()
    return Migrated(CoderRun(out), *result)


def _carry_all(old: CoderRun, path: MigrationMap, writer: RunWriter) -> tuple[int, int, list[Recode]]:
    same = changed = 0
    recode: list[Recode] = []
    for index, (trace, units, codings) in enumerate(old.by_trace()):
        texts = {unit.id: unit for unit in units}
        carried = []
        for coding in codings:
            fate = carry(coding.codes, path)
            update = {
                "codebook": path.book.stamp,
                "carried_from": coding.carried_from or coding.codebook,
                "run_id": writer.manifest.run_id,
            }
            if fate.status == "recode":
                assert coding.codes is not None
                recode.append(Recode(texts[coding.unit_id], coding.coder, coding.codes, fate.reason))
                carried.append(
                    coding.model_copy(
                        update=update | {"codes": None, "missing_reason": f"recode: {fate.reason}"}
                    )
                )
                continue
            same, changed = same + (fate.status == "same"), changed + (fate.status == "changed")
            carried.append(coding.model_copy(update=update | {"codes": fate.codes}))
        if index >= writer.done:
            writer.write(trace, units, carried)
    return same, changed, recode
