"""Small studies for tests: two people and a machine, traces, a codebook and a report; and what a forger makes of their archives."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

from pedagogy_r1.files.archive import write_zip
from pedagogy_r1.files.seal import write_sealed
from pedagogy_r1.report import ReportSettings, build_report
from pedagogy_r1.supplement.archive_record import MANIFEST, RECORD, manifest_text

from ..make_runs import BOOK, make_run

PEOPLE = {"h": ("A", "B", "A", "C", "A", "B", "C", "A"), "k": ("A", "A", "A", "C", "A", "B", "B", "A")}
MACHINE = {"m": ("A", "B", "B", "C", "A", "B", "C", "C")}


def make_study(folder: Path, settings: ReportSettings | None = None, times: int = 1) -> Path:
    """``runs/people``, ``runs/machine``, ``traces.jsonl``, ``book.yaml`` and ``report``; the folder."""
    people = make_run(folder / "runs/people", {name: codes * times for name, codes in PEOPLE.items()})
    machine = make_run(folder / "runs/machine", {"m": MACHINE["m"] * times}, machines=["m"])
    shutil.copyfile(people.folder / "traces.jsonl", folder / "traces.jsonl")
    (folder / "book.yaml").write_text(BOOK)
    settings = settings or ReportSettings(replicates=0, permutations=99)
    build_report([people, machine], folder / "report", settings)
    return folder


def sealed_anew(members: dict[str, bytes], path: Path) -> dict[str, bytes]:
    """What a forger does who knows all the digests."""
    own = {name: data for name, data in members.items() if name not in (RECORD, MANIFEST)}
    list_ = manifest_text({name: hashlib.sha256(data).hexdigest() for name, data in own.items()}).encode()
    record = json.loads(members[RECORD]) | {"manifest": hashlib.sha256(list_).hexdigest()}
    write_sealed(path, record)
    return own | {MANIFEST: list_, RECORD: path.read_bytes()}


def zipped_anew(path: Path, members: dict[str, bytes]) -> Path:
    with path.open("wb") as file:
        write_zip(file, members.items())
    return path
