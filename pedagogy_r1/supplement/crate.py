"""``ro-crate-metadata.json``: what an archive holds, in the words that repositories for research data read (RO-Crate 1.1).

Every file is an entity with its kind, size and sha256; each report is the result of an action whose objects are its runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..files.records import dump
from ..report.report_record import ReportRecord
from .archive_record import STUDY, ArchiveRecord

METADATA = "ro-crate-metadata.json"

FORMATS = {
    ".json": "application/json",
    ".jsonl": "application/jsonl",
    ".csv": "text/csv",
    ".md": "text/markdown",
    ".txt": "text/plain",
    ".yaml": "application/yaml",
    ".html": "text/html",
    ".tex": "application/x-tex",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".qdpx": "application/zip",
}


def crate_of(
    record: ArchiveRecord,
    files: Mapping[str, tuple[int, str]],
    about: Mapping[str, str],
    reports: Mapping[str, ReportRecord],
    license_: str | None,
) -> bytes:
    """The metadata. ``files``: size and sha256 by name; ``about``: what a file is, by name."""
    from rocrate.model.contextentity import ContextEntity
    from rocrate.rocrate import ROCrate

    crate = ROCrate(version="1.1")
    crate.name = record.title
    crate.description = "A study of reasoning traces: codings, codebooks, how units were drawn, reports, and what is needed to rebuild their numbers."
    crate.root_dataset["datePublished"] = record.made
    if license_:
        crate.root_dataset["license"] = license_
    made = {
        name: crate.add_file(
            dest_path=name,
            properties={
                "name": about.get(name, name),
                "contentSize": str(size),
                "sha256": sum_,
                "encodingFormat": FORMATS.get(name[name.rfind(".") :], "application/octet-stream"),
            },
        )
        for name, (size, sum_) in sorted(files.items())
    }
    software: Any = crate.add(
        ContextEntity(
            crate,
            "#pedagogy_r1",
            {
                "@type": "SoftwareApplication",
                "name": "pedagogy_r1",
                "softwareVersion": record.versions["pedagogy_r1"],
            },
        )
    )
    for place, report in reports.items():
        used = [made[name] for name in files if name in _inputs(place, report)]
        properties: dict[str, Any] = {
            "@type": "CreateAction",
            "name": "pcode report",
            "endTime": report.written,
        }
        action: Any = crate.add(ContextEntity(crate, f"#{place}", properties))
        action["instrument"] = software
        action["object"] = used
        action["result"] = [made[name] for name in files if name.startswith(f"{place}/")]
        crate.root_dataset.append_to("mentions", action)
    return (_pretty(crate.metadata.generate()) + "\n").encode()


def _inputs(place: str, report: ReportRecord) -> set[str]:
    """The files that a report was made from."""
    found = set()
    for run in report.runs:
        folder = _joined(place, run.path)
        found |= {f"{folder}/{name}.jsonl" for name in ("traces", "units", "codings")}
    for one in (report.inclusion, report.registered):
        found |= {_joined(place, one.path)} if one else set()
    return found


def _joined(place: str, path: str) -> str:
    parts: list[str] = []
    for part in f"{place}/{path}".split("/"):
        if part == "..":
            parts = parts[:-1]
        elif part != ".":
            parts.append(part)
    return "/".join(parts)


def _pretty(value: Any) -> str:
    """One entity a line, so that two archives can be compared by eye."""
    entities = ",\n  ".join(dump(entity) for entity in value["@graph"])
    return f'{{"@context": {dump(value["@context"])},\n "@graph": [\n  {entities}\n]}}'


ABOUT = {
    "README.md": "How to read this archive",
    "archive.json": "What this archive holds, and what was left out",
    "checklist.json": "Reporting checklist",
    "checklist.md": "Reporting checklist",
    "methods.md": "Methods, written out from what the runs recorded",
    "software.json": "Software under which the archive was made",
    "constraints.txt": "Versions for pip: pip install -c constraints.txt pedagogy-r1",
    f"{STUDY}/README.md": "The study's own notes",
}
