"""``report.json``: every number of a report, and all that is needed to make the same report again.

    {"seal": "sha256:5a0c…", "record": 1, "written": "2026-11-29T…", "title": "…",
     "runs": [{"path": "../runs/people", "run_id": "import-…", "codings": "9f86…"}, …],
     "settings": {"seed": 0, "replicates": 1000, "contrasts": ["condition:cop:generic"], …},
     "tables": {"alpha": {"caption": "…", "rows": [{"coders": "A – B", "value": 0.7917…}, …]}, …}, …}

It holds no text of a trace: quotations stand on the page alone. Paths are from where it lies. ``settings_at`` and ``runs_at`` give
what `make_report` needs; a report that is made again has the same date, so that the same runs give the same files.
"""

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from ..coding.stress_report import StressRecord
from ..errors import RunError
from ..estimate.resample import Interval
from ..files.seal import SealedRecord
from ..job import read_record, save_record
from ..limits import LEAST_LEVEL, LEVEL, MOST_LEVEL, MOST_RESAMPLES
from ..provenance import file_digest, versions
from ..runs.run import CoderRun, restricted
from ..runs.where import Where
from ..sampling.inclusion import read_inclusion
from .answers import PlainAnswer
from .column_contrast import parse_comparison
from .figures.figure import Figure
from .figures.sheet import Width
from .preregistration import read_registered
from .section import ReportTable, Section
from .sections.methods import MethodsParagraph
from .study import ReportSettings, Study

RECORD = "report.json"


class Recorded(Protocol):
    """What a report is recorded by (`study_report.Report`)."""

    @property
    def study(self) -> Study: ...

    @property
    def title(self) -> str: ...

    @property
    def answers(self) -> tuple[PlainAnswer, ...]: ...

    @property
    def methods(self) -> tuple[MethodsParagraph, ...]: ...

    @property
    def sections(self) -> tuple[Section, ...]: ...

    @property
    def tables(self) -> tuple[ReportTable, ...]: ...

    @property
    def figures(self) -> tuple[Figure, ...]: ...


SOFTWARE = "Seeds and software"
"""The paragraph of the methods that is another one under other versions."""


class RunInReport(BaseModel, frozen=True, extra="forbid"):
    """A run that was read. ``said``: how sentences of the report call its folder; ``codings``: sha256, of an earlier version none."""

    path: str
    said: str
    run_id: str
    codings: str | None = None


class FileInReport(BaseModel, frozen=True, extra="forbid"):
    """Another file that was read: how units were drawn, what was registered."""

    path: str
    sha256: str


class RecordedSettings(BaseModel, frozen=True, extra="forbid"):
    """`ReportSettings` without the files that they name; what is missing in the record of an earlier version is what was usual then."""

    coder: str | None = None
    replicates: int = Field(1000, ge=0, le=MOST_RESAMPLES)
    permutations: int = Field(9999, ge=1, le=MOST_RESAMPLES)
    seed: int = Field(0, ge=0)
    level: float = Field(LEVEL, ge=LEAST_LEVEL, le=MOST_LEVEL)
    interval: Interval = "jackknife"
    by: str | None = None
    labels: Literal["ids", "names"] = "ids"
    figure_width: Width = "double"
    scale: Literal["linear", "log"] = "linear"
    contrasts: tuple[str, ...] = ()
    ribbons: tuple[str, ...] = ()
    family: tuple[str, ...] | None = None


class RecordedParagraph(BaseModel, frozen=True, extra="forbid"):
    """A paragraph of the methods."""

    head: str
    text: str


class ReportRecord(SealedRecord):
    """``report.json``. ``tables``: by name, caption, note and rows, unrounded."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    record: int = 1
    written: str
    title: str
    runs: tuple[RunInReport, ...] = Field(min_length=1)
    where: tuple[str, ...] = ()
    partial: tuple[str, ...] = ()
    added_up: bool = False
    """Whether the runs were so large that they were added up shard by shard."""
    settings: RecordedSettings
    inclusion: FileInReport | None = None
    registered: FileInReport | None = None
    stress: tuple[StressRecord, ...] = ()
    versions: dict[str, str]
    answers: list[dict[str, Any]]
    methods: list[RecordedParagraph]
    sections: list[dict[str, Any]]
    figures: dict[str, str]
    tables: dict[str, dict[str, Any]]

    def read_from(self, folder: Path) -> Iterator[Path]:
        """All that was read, where the record lies in ``folder``: runs, and other files."""
        read = [run.path for run in self.runs]
        read += [one.path for one in (self.inclusion, self.registered) if one]
        return (Path(os.path.normpath(folder / path)) for path in read)

    def runs_at(self, folder: Path) -> tuple[CoderRun, ...]:
        """The runs as they were read, where the record lies in ``folder``."""
        where = Where.parse(self.where) if self.where else None
        return restricted([Path(os.path.normpath(folder / run.path)) for run in self.runs], where)

    def settings_at(self, folder: Path) -> ReportSettings:
        """The settings. Raises `RunError` where a file that they name is another one now."""
        given = self.settings.model_dump(exclude={"contrasts"})
        contrasts = tuple(map(parse_comparison, self.settings.contrasts))
        inclusion, registered = (_there(folder, one) for one in (self.inclusion, self.registered))
        return ReportSettings(
            contrasts=contrasts,
            inclusion=read_inclusion(inclusion) if inclusion else None,
            registered=read_registered(registered) if registered else None,
            stress=self.stress,
            written=self.written,
            **given,
        )

    def numbers(self) -> dict[str, Any]:
        """All that a report says, without what depends on the versions of libraries alone."""
        methods = [one.model_dump() for one in self.methods if one.head != SOFTWARE]
        own = self.model_dump(mode="json", include={"answers", "sections", "figures", "tables", "title"})
        return own | {"methods": methods}


def _there(folder: Path, file: FileInReport | None) -> Path | None:
    if file is None:
        return None
    path = Path(os.path.normpath(folder / file.path))
    if not path.is_file() or file_digest(path).removeprefix("sha256:") != file.sha256:
        state = "was changed since the report was made" if path.is_file() else "is missing"
        raise RunError(f"{path} {state}", "restore it, or write the report again with pcode report")
    return path


def read_report(folder: str | Path) -> ReportRecord:
    """The record of a report's folder. Raises `RunError` where there is none, or it was changed."""
    path = Path(folder) / RECORD
    none = RunError(f"{path} is missing", "write the report again: pcode report")
    return read_record(path, ReportRecord, no_file=none)


def write_report_record(report: Recorded, out: Path) -> None:
    """Write ``OUT/report.json``."""
    save_record(out / RECORD, record_of(report, out))


def record_of(report: Recorded, out: Path) -> ReportRecord:
    """What ``OUT/report.json`` holds."""
    study, s = report.study, report.study.settings
    picked = study.runs[0].picked
    plainly = {name: getattr(s, name) for name in RecordedSettings.model_fields}
    settings = RecordedSettings(**plainly | {"contrasts": [one.given for one in s.contrasts]})
    return ReportRecord(
        written=s.written,
        title=report.title,
        runs=tuple(_run(run, out) for run in study.runs),
        where=picked.asked if picked else (),
        partial=study.partial,
        added_up=study.tally is not None,
        settings=settings,
        inclusion=_file(s.inclusion.source if s.inclusion else None, out),
        registered=_file(s.registered.source if s.registered else None, out),
        stress=s.stress,
        versions=versions("scipy", "scikit-learn", "matplotlib", "pyarrow"),
        answers=[
            {"question": a.question, "short": a.short, "text": list(a.text), "points": list(a.points)}
            for a in report.answers
        ],
        methods=[RecordedParagraph(**one._asdict()) for one in report.methods],
        sections=[_section(section) for section in report.sections],
        figures={figure.name: figure.caption for figure in report.figures},
        tables={
            table.name: {"caption": table.caption, "note": table.note, "rows": plain(table.rows)}
            for table in report.tables
        },
    )


def _run(run: CoderRun, out: Path) -> RunInReport:
    return RunInReport(
        path=_from(out, run.folder),
        said=str(run.folder),
        run_id=run.manifest.run_id,
        codings=run.manifest.sha256.get("codings.jsonl"),
    )


def _file(path: str | Path | None, out: Path) -> FileInReport | None:
    if path is None:
        return None
    with Path(path).open("rb") as file:
        return FileInReport(
            path=_from(out, Path(path)), sha256=hashlib.file_digest(file, "sha256").hexdigest()
        )


def _from(out: Path, path: Path) -> str:
    return Path(os.path.relpath(path.resolve(), out.resolve())).as_posix()


def _section(section: Section) -> dict[str, Any]:
    return {
        "id": section.id,
        "title": section.title,
        "absent": section.absent,
        "lead": list(section.lead),
        "cautions": list(section.cautions),
        "gaps": [gap._asdict() for gap in section.gaps],
        "tables": [table.name for table in section.tables],
        "figures": [figure.name for figure in section.figures],
    }


def plain(value: Any) -> Any:
    """A value as JSON has it; a number that is none (``inf``) as its name.

    >>> plain(({"n": np.int64(3), "p": float("inf")},))
    [{'n': 3, 'p': 'inf'}]
    """
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, np.ndarray | Sequence) and not isinstance(value, str):
        return [plain(one) for one in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)
