"""Small studies for tests: two people and a machine, traces, a codebook and a report."""

from __future__ import annotations

import shutil
from pathlib import Path

from pedagogy_r1.report import ReportSettings, build_report

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
