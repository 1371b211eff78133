"""Whether an archive is what was written, and whether its numbers come out again.

    changed   study/runs/people/codings.jsonl   holds other bytes than manifest-sha256.txt says
    rebuilt   study/report                      2,114 numbers and 412 texts: all the same

First every file is held against its digest, then each report is made again from the runs, in a folder of its own, and compared
(`rebuilt.py`). Nothing is asked of a network, and nothing is rebuilt from files that were changed.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, Literal, NamedTuple

from ..errors import InputError, PedagogyError
from ..files.archive import Archive
from ..job import read_record
from ..report.report_record import RECORD as REPORT_RECORD
from ..report.report_record import read_report
from ..runs.run import CoderRun
from .archive_record import MANIFEST, RECORD, ArchiveRecord, digest_of, parse_manifest
from .rebuilt import ReportComparison, compare, make_again

AGAIN = "get the archive again from where it was published"

MemberState = Literal["changed", "missing", "added"]


class MemberFinding(NamedTuple):
    """A file that is not what was written."""

    file: str
    state: MemberState
    why: str


class RebuiltReport(NamedTuple):
    """``wrong``: numbers and texts that differ; ``lost``: what needs the texts, which the archive does not hold; ``failed``: why nothing came out."""

    report: str
    numbers: int = 0
    texts: int = 0
    wrong: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    failed: str = ""


class ArchiveFinding(NamedTuple):
    """What is to be said of an archive; ``sha256``: of the whole file; ``kinds``: how many files belong to what."""

    path: Path
    sha256: str
    record: ArchiveRecord | None
    kinds: dict[str, int]
    members: tuple[MemberFinding, ...]
    reports: tuple[RebuiltReport, ...]

    @property
    def files(self) -> int:
        """How many there are."""
        return sum(self.kinds.values())

    @property
    def holds(self) -> bool:
        """Whether every file is what it was, and every number came out again."""
        return not self.members and not any(one.wrong or one.failed for one in self.reports)

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "archive": str(self.path),
            "sha256": self.sha256,
            "holds": self.holds,
            "files": self.files,
            "kinds": self.kinds,
            "texts": self.record.texts if self.record else None,
            "members": [one._asdict() for one in self.members],
            "reports": [one._asdict() for one in self.reports],
        }


def verify_archive(path: str | Path, *, rebuild: bool = True) -> ArchiveFinding:
    """Raises `InputError` for what is no archive of a study, or was made to do harm."""
    path = Path(path)
    if not path.is_file():
        raise InputError(
            f"{path}: {'is a directory' if path.is_dir() else 'no such file'}",
            "name a file of: pcode archive STUDY -o",
        )
    archive = Archive(path, str(path), AGAIN)
    if lacking := [name for name in (RECORD, MANIFEST) if name not in archive.names]:
        raise InputError(
            f"{path}: no archive of a study, or no whole one ({' and '.join(lacking)} not in it)",
            "make one with: pcode archive STUDY -o",
        )
    strange = archive.as_written()
    with tempfile.TemporaryDirectory(prefix="pcode-verify-") as place:
        folder = Path(place)
        sums = archive.unpack(folder)
        record, found = _members(folder, sums)
        if strange and not found:
            found = [MemberFinding(strange, "changed", "its entry in the zip file is not as pcode writes it")]
        reports = _reports(folder, record, sums) if record and rebuild and not found else ()
        kinds = dict(sorted(Counter(map(_kind, sums)).items()))
        return ArchiveFinding(path, digest_of(path), record, kinds, tuple(found), tuple(reports))


def _kind(name: str) -> str:
    """What a file belongs to: ``study/runs``, ``project``; one beside those is ``others``.

    >>> _kind("study/runs/people/run.json"), _kind("project/abc.qdpx"), _kind("study/book.yaml"), _kind("README.md")
    ('study/runs', 'project', 'others', 'others')
    """
    *above, _ = name.split("/")
    return "/".join(above[:2]) if above and above != ["study"] else "others"


def _members(folder: Path, sums: dict[str, str]) -> tuple[ArchiveRecord | None, list[MemberFinding]]:
    """The record, if it is what it was, and every file that is not."""
    found: list[MemberFinding] = []
    record: ArchiveRecord | None = None
    try:
        none = InputError(f"{RECORD} is missing", AGAIN)
        record = read_record(folder / RECORD, ArchiveRecord, no_file=none)  # type: ignore[arg-type]
    except PedagogyError:
        found.append(MemberFinding(RECORD, "changed", "its seal does not fit it"))
    if record and sums[MANIFEST] != record.manifest:
        found.append(MemberFinding(MANIFEST, "changed", f"is not the list of which {RECORD} has the digest"))
        return record, found
    try:
        known = parse_manifest((folder / MANIFEST).read_bytes(), str(folder))
    except InputError as error:
        return record, [*found, MemberFinding(MANIFEST, "changed", error.message)]
    for name, sum_ in known.items():
        if name not in sums:
            found.append(MemberFinding(name, "missing", f"{MANIFEST} names it"))
        elif sums[name] != sum_:
            found.append(MemberFinding(name, "changed", f"holds other bytes than {MANIFEST} says"))
    added = sums.keys() - known.keys() - {RECORD, MANIFEST}
    found += [MemberFinding(name, "added", f"{MANIFEST} does not name it") for name in added]
    return record, sorted(found)


def _reports(folder: Path, record: ArchiveRecord, names: Collection[str]) -> Iterator[RebuiltReport]:
    for name in record.reports:
        try:
            _only_from_here(folder, name, names)
            own, made = make_again(folder / name)
            found = compare(folder / name, own, made)
        except PedagogyError as error:
            said = error.message.replace(f"{folder}/", "")
            yield RebuiltReport(name, failed=said)
            continue
        yield _told(name, found, record)


def _only_from_here(folder: Path, name: str, names: Collection[str]) -> None:
    """Raise `InputError` for a report that would be made of anything but files of the archive."""
    if f"{name}/{REPORT_RECORD}" not in names:
        raise InputError(f"{name}/{REPORT_RECORD} is not in the archive", AGAIN)
    report = read_report(folder / name)
    for path in report.read_from(folder / name):
        if not path.is_relative_to(folder):
            raise InputError(
                f"{name}/{REPORT_RECORD} was made from {path}, which is not in the archive", AGAIN
            )
    for path in report.read_from(folder / name):
        if path.is_dir() and CoderRun(path, locked="always").manifest.shards:
            raise InputError(f"{path} is a run over a corpus, which is in no archive", AGAIN)


def _told(name: str, found: ReportComparison, record: ArchiveRecord) -> RebuiltReport:
    expected = set(record.needs_texts.get(name, ()))
    wrong = tuple(one.words for one in found.differences if one.where not in expected)
    lost = tuple(one.where for one in found.differences if one.where in expected)
    return RebuiltReport(name, found.numbers, found.texts, wrong, lost)
