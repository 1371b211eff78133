"""A study in one file, for the supplement of a paper: everything that its numbers come from, and nothing else.

    pcode archive STUDY -o study.zip

    ro-crate-metadata.json  what each file is (RO-Crate)         study/…          the study, as it lay
    manifest-sha256.txt     sha256sum -c manifest-sha256.txt     project/*.qdpx   texts and codes for QualCoder and others
    archive.json            what was left out, and why           checklist.md     what a reader wants reported, filled in
    methods.md, software.json, constraints.txt, README.md

It is written whole or not at all, and the same study gives the same bytes. `archive_check.py` rebuilds the numbers.
"""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from ..files.archive import write_zip
from ..files.records import atomic
from ..files.seal import sealed
from ..formatting import counted
from ..provenance import versions
from ..report.report_record import ReportRecord
from ..report.study_folder import read_study
from .api_keys import refuse_keys
from .archive_record import MANIFEST, RECORD, STUDY, ArchiveRecord, digest_of, manifest_text
from .checklist import StudyFacts, as_markdown, fill_in
from .coded_project import MOST, coded_projects
from .crate import ABOUT, METADATA, crate_of
from .rebuilt import without_texts
from .software import constraints, software
from .study_contents import StudyContents

Member = bytes | Path


class WrittenArchive(NamedTuple):
    """``sha256``: of the whole file."""

    path: Path
    record: ArchiveRecord
    files: int
    sha256: str


@dataclass
class _Gathered:
    contents: StudyContents
    members: dict[str, Member]
    needs_texts: dict[str, tuple[str, ...]]


def write_archive(
    study: str | Path, out: Path, *, texts: bool = True, license_: str | None = None, title: str = ""
) -> WrittenArchive:
    """Write the archive of a study's folder to ``out``. ``texts``: whether the texts of traces go in, or their digests alone.

    Raises `RunError` or `InputError` where a report is missing or was not made from what lies there, where a run was changed, and
    where a file holds what looks like a key.
    """
    with tempfile.TemporaryDirectory(prefix="pcode-archive-") as place:
        parts = _gather(Path(study), Path(place), texts=texts)
        contents, members = parts.contents, parts.members
        for name, data in members.items():
            if not name.endswith((".png", ".qdpx")):
                refuse_keys(name, data)
        made = max(report.written for report in contents.reports.values())
        head = ArchiveRecord(
            title=title or contents.root.resolve().name,
            made=made,
            texts=texts,
            manifest="",
            reports=tuple(f"{STUDY}/{name}" for name in contents.reports),
            left_out=dict(sorted(contents.left_out.items())),
            locked=dict(sorted(contents.locked.items())),
            needs_texts=parts.needs_texts,
            versions=versions(),
        )
        members["README.md"] = _readme(head).encode()
        files = {name: (_size(data), digest_of(data)) for name, data in members.items()}
        reports = {f"{STUDY}/{name}": one for name, one in contents.reports.items()}
        members[METADATA] = crate_of(head, files, ABOUT, reports, license_)
        sums = {name: sum_ for name, (_, sum_) in files.items()} | {METADATA: digest_of(members[METADATA])}
        members[MANIFEST] = manifest_text(sums).encode()
        members[RECORD] = sealed(
            head.model_copy(update={"manifest": digest_of(members[MANIFEST])}).model_dump(mode="json")
        )
        first = (METADATA, RECORD, MANIFEST, "README.md")
        order = [*first, *sorted(members.keys() - set(first))]
        with atomic(out, "wb") as file:
            write_zip(file, ((name, members[name]) for name in order))
        return WrittenArchive(out, head, len(order), digest_of(out))


def _gather(study: Path, place: Path, *, texts: bool) -> _Gathered:
    contents = StudyContents(read_study(study), place / "copies", texts)
    contents.collect()
    members: dict[str, Member] = dict(contents.files)
    needs: dict[str, tuple[str, ...]] = {}
    if not texts:
        for name, report in contents.reports.items():
            made = without_texts(report, members, name, place / "unpacked" / name)
            members |= made.files
            needs |= {f"{STUDY}/{name}": made.lost} if made.lost else {}
    members["methods.md"] = _methods(contents.reports).encode()
    members["software.json"] = (json.dumps(software(), indent=1, ensure_ascii=False) + "\n").encode()
    members["constraints.txt"] = constraints().encode()
    facts = StudyFacts(contents.runs, contents.packets, contents.reports, texts, _locked_words(contents))
    items = fill_in(facts)
    members["checklist.md"] = as_markdown(items, contents.root.resolve().name).encode()
    listed = [one.as_json() for one in items]
    members["checklist.json"] = (json.dumps({"items": listed}, indent=1, ensure_ascii=False) + "\n").encode()
    for name, project in coded_projects(list(contents.runs.values())) if texts else ():
        if project is None:
            contents.left_out[f"project/{name}"] = (
                f"more than {MOST:,} units: no program for reading opens it"
            )
        else:
            members[f"project/{name}"] = project
    return _Gathered(contents, members, needs)


def _size(data: Member) -> int:
    return len(data) if isinstance(data, bytes) else data.stat().st_size


def _locked_words(contents: StudyContents) -> tuple[str, ...]:
    return tuple(f"{part.path}: {part.what}" for part in contents.study.of("lock"))


def _methods(reports: dict[str, ReportRecord]) -> str:
    lines = []
    for name, report in reports.items():
        lines.append(f"# Methods: {report.title} ({name})\n")
        lines += [f"**{one.head}.** {one.text}\n" for one in report.methods]
    return "\n".join(lines)


def _readme(record: ArchiveRecord) -> str:
    lines = [
        f"# {record.title}\n",
        "A study of reasoning traces, with everything that its numbers come from. Begin with `study/`: reports are pages that any browser",
        f"opens ({', '.join(f'`{name}/report.html`' for name in record.reports)}). `checklist.md` says what was done with which model, `methods.md` how.\n",
        "    sha256sum -c manifest-sha256.txt      # every file is what it was",
        "    pip install -c constraints.txt pedagogy-r1",
        "    pcode archive verify study.zip        # every number of the reports is rebuilt, without a network, and compared\n",
    ]
    if not record.texts:
        lines.append(
            "The texts may not be shared: `*.sha256.jsonl` has a digest of each, and quotes, memos and ledgers are left out.\n"
        )
    if record.left_out:
        lines.append("Left out:\n")
        lines += [f"- `{name}`: {why}" for name, why in record.left_out.items()]
    lines += [
        f"- `{name}`: {counted(n, 'trace')} that is locked"
        if n == 1
        else f"- `{name}`: {n:,} traces that are locked"
        for name, n in record.locked.items()
    ]
    return "\n".join(lines).rstrip() + "\n"
