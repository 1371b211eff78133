"""What of a study's folder goes into its archive: the files that pcode knows, and no others.

    study/traces.jsonl            study/runs/people/{run.json,codebook.yaml,traces,units,codings}.jsonl …
    study/packet/key/sample.csv   study/report/{report.html,report.json,tables/*,figures/*}

A note, a spreadsheet, a file of passwords that lies beside them stays where it is. What the texts may not be shared of, or what is
locked, is written anew without it (`shared_run.py`), or left out and named.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from ..errors import InputError, RunError
from ..files.records import BadRow, read_jsonl, write_jsonl
from ..files.seal import LEDGER, PACKET, RECORDS, RUN, STAGES, WEB_LOG
from ..human.packet import Packet
from ..report.report_record import RECORD as REPORT_RECORD
from ..report.report_record import ReportRecord, read_report
from ..report.study_folder import PLAN, README, StudyFolder
from ..runs.locked_part import Lock, locks_of
from ..runs.run import FILES, CoderRun
from ..runs.verify import verify
from ..trace import Trace
from .archive_record import STUDY
from .shared_run import text_digests, write_shared

RUNS = ("people", "machine", "decisions")

HOLDS_TEXTS = "holds the texts"
HOLDS_LOCKED = "holds texts that are locked"

PACKET_WITHOUT_TEXTS = (PACKET, "codebook.yaml", "key/sample.csv", "order.jsonl")


@dataclass
class StudyContents:
    """``files``: by name in the archive; ``left_out``: why; ``locked``: how many traces were left out of a run or file.

    ``copies``: an empty folder, for what is written anew.
    """

    study: StudyFolder
    copies: Path
    texts: bool = True
    files: dict[str, Path] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    locked: dict[str, int] = field(default_factory=dict)

    @property
    def root(self) -> Path:
        """The study's folder."""
        return self.study.folder

    @cached_property
    def runs(self) -> dict[str, CoderRun]:
        """By their place in the study; read as far as a look was counted."""
        found = [part.path for kind in RUNS for part in self.study.of(kind)]
        return {name: CoderRun(self.root / name, locked="looked") for name in found}

    @cached_property
    def packets(self) -> dict[str, Packet]:
        """By their place in the study."""
        return {part.path: Packet(self.root / part.path) for part in self.study.of("packet")}

    @cached_property
    def reports(self) -> dict[str, ReportRecord]:
        """By their place in the study. Raises `RunError` for one that cannot be rebuilt from it."""
        found = {}
        for part in self.study.of("report"):
            place = Path(part.path).parent.as_posix()
            found[place] = read_report(self.root / place)
            self._check_report(place, found[place])
        if not found:
            raise RunError(
                f"{self.root} holds no report",
                "write one first: pcode report RUN… -o report; pcode status says more",
            )
        return found

    @cached_property
    def unseen(self) -> tuple[Lock, ...]:
        """Locks that nobody has looked at: what they hold is in no archive."""
        places = [self.root, *(self.root / name for name in self.runs)]
        return tuple(lock for lock in locks_of(*places) if not lock.counted)

    def metadata_fields(self) -> set[str]:
        """Fields of the traces that a report was asked for."""
        found = {one.partition("=")[0] for report in self.reports.values() for one in report.where}
        return found | {str(by) for report in self.reports.values() if (by := report.settings.by)}

    def collect(self) -> None:
        """Find everything. Raises `RunError` or `InputError` for what was changed, is not complete, or lies elsewhere."""
        if self.study.troubles:
            raise InputError(
                f"{self.root}: not readable: {self.study.troubles[0]}", "mend it, or move it away"
            )
        self._locks()
        for place, report in self.reports.items():
            self._report(place, report)
        for name, run in self.runs.items():
            self._run(name, run)
        for name, packet in self.packets.items():
            self._packet(name, packet)
        for kind in ("codebook", "recipe", "registered", "lock", "plan"):
            for part in self.study.of(kind):
                self._beside(part.path)
        for part in self.study.of("traces"):
            self._traces(part.path)
        for kind in ("job", "stress"):
            for part in self.study.of(kind):
                self._job(part.path)
        if (self.root / README).is_file():
            self._add(README)

    def _add(self, name: str, path: Path | None = None) -> None:
        self.files[f"{STUDY}/{name}"] = path or self.root / name

    def _leave(self, name: str, why: str) -> None:
        self.left_out[f"{STUDY}/{name}"] = why

    def _locks(self) -> None:
        """Looks are counted where the lock lies: one above the study would not be there when it is unpacked."""
        here = self.root.resolve()
        for lock in locks_of(self.root, *(self.root / name for name in self.runs)):
            if not lock.path.resolve().is_relative_to(here):
                raise RunError(
                    f"{lock.path} locks traces of {self.root} and lies outside of it",
                    "archive the folder in which the lock lies",
                )

    def _check_report(self, place: str, report: ReportRecord) -> None:
        here = self.root.resolve()
        where = self.root / place
        if report.added_up:
            raise RunError(
                f"{where / REPORT_RECORD} was added up from the shards of runs over a corpus, and an archive holds runs as files of single codings, "
                "from which another report comes out",
                "archive the study without that report; it is made again where the runs are, by pcode report",
            )
        for whole in report.read_from(where.resolve()):
            if not whole.is_relative_to(here):
                raise RunError(
                    f"{where / REPORT_RECORD} was made from {whole}, which is not in {self.root}",
                    "an archive holds all that its numbers come from: move it into the study and write the report again",
                )
        for one in report.runs:
            run = CoderRun(Path(os.path.normpath(where / one.path)), locked="always")
            if one.codings not in (None, run.manifest.sha256.get("codings.jsonl", one.codings)):
                raise RunError(
                    f"{where / REPORT_RECORD}: {run.folder} holds other codings than the report was made from",
                    "write the report again: pcode report",
                )

    def _report(self, place: str, report: ReportRecord) -> None:
        names = [REPORT_RECORD, "report.html"]
        names += [f"tables/{name}.{end}" for name in report.tables for end in ("csv", "tex")]
        names += [f"figures/{name}.{end}" for name in report.figures for end in ("svg", "png")]
        for name in names:
            if not (self.root / place / name).is_file():
                raise RunError(
                    f"{self.root / place / name} is missing", "write the report again: pcode report"
                )
            self._add(f"{place}/{name}")

    def _run(self, name: str, run: CoderRun) -> None:
        if wrong := [
            f
            for each in verify(run.folder)
            if not each.holds
            for f in each.files
            if f.state in ("changed", "missing")
        ]:
            raise RunError(
                f"{run.folder}: {wrong[0].file} {wrong[0].why}",
                "pcode verify says more; restore it from a copy",
            )
        hidden = run.hidden.ids
        if hidden:
            self.locked[f"{STUDY}/{name}"] = len(hidden)
        ledger = run.folder / LEDGER
        if (
            self.texts and not hidden and run.shards is None
        ):  # a corpus is in no archive, and so goes into the run
            known = run.manifest.sha256 or dict.fromkeys((*FILES, "codebook.yaml", LEDGER))
            for file in (RUN, *known):
                if (run.folder / file).is_file():
                    self._add(f"{name}/{file}")
            return
        copy = self.copies / name
        write_shared(run, copy, texts=self.texts, fields=self.metadata_fields())
        for path in sorted(copy.iterdir()):
            self._add(f"{name}/{path.name}", path)
        if ledger.is_file():
            self._leave(f"{name}/{LEDGER}", HOLDS_LOCKED if self.texts else HOLDS_TEXTS)

    def _packet(self, name: str, packet: Packet) -> None:
        whole = self.texts and not self._unseen_in(packet.traces.values())
        logs = [f"{coder}/{WEB_LOG}" for coder in packet.manifest.coders]
        for file in (PACKET, *(packet.manifest.sha256 or ("codebook.yaml", "key/sample.csv")), *logs):
            if not (packet.folder / file).is_file():
                continue
            if whole or file.endswith(PACKET_WITHOUT_TEXTS):
                self._add(f"{name}/{file}")
            else:
                self._leave(f"{name}/{file}", HOLDS_LOCKED if self.texts else HOLDS_TEXTS)

    def _unseen_in(self, traces: Iterable[Trace]) -> int:
        return sum(any(lock.holds(one) for lock in self.unseen) for one in traces) if self.unseen else 0

    def _traces(self, name: str) -> None:
        path = self.root / name
        if self.texts and not self.unseen:
            self._add(name)
            return
        copy = self.copies / f"{name}.part"
        if not self.texts:
            copy = self.copies / name.replace(".jsonl", ".sha256.jsonl")
            write_jsonl(copy, text_digests(_parsed(path)))
            self._add(copy.relative_to(self.copies).as_posix(), copy)
            self._leave(name, f"{HOLDS_TEXTS}; {copy.name} has the sha256 of each")
            return
        if hidden := self._unseen_in(_parsed(path)):
            self.locked[f"{STUDY}/{name}"] = hidden
            kept = (one for one in _parsed(path) if not any(lock.holds(one) for lock in self.unseen))
            write_jsonl(copy, (one.model_dump(mode="json", exclude_none=True) for one in kept))
        self._add(name, copy if hidden else path)

    def _beside(self, name: str) -> None:
        """A file, and those that belong to it: a plan's picture, a lock's looks, a registration as people read it."""
        self._add(name)
        stem = name.removesuffix(".locked.json")
        for more in (f"{stem}.looks.jsonl",) if stem != name else ():
            if (self.root / more).is_file():
                self._add(more)
        if name.endswith("preregistration.json") and (self.root / name).with_suffix(".md").is_file():
            self._add(name.removesuffix(".json") + ".md")
        if Path(name).name == PLAN:
            for end in (".svg", ".png"):
                if (self.root / name).with_suffix(end).is_file():
                    self._add(name.removesuffix(".csv") + end)

    def _job(self, name: str) -> None:
        """The records and recipes of another command's folder; not its weights, and of its ledger what may be shared."""
        folder = self.root / name
        wanted = [*RECORDS, "recipe.yaml", "stress.json", "stress.md"]
        wanted += [
            path.relative_to(folder).as_posix() for path in sorted((folder / STAGES).glob("[!.]*.json"))
        ]
        for file in wanted:
            if (folder / file).is_file():
                self._add(f"{name}/{file}")
        if (folder / LEDGER).is_file():
            if self.texts and not self.unseen:
                self._add(f"{name}/{LEDGER}")
            else:
                self._leave(f"{name}/{LEDGER}", HOLDS_TEXTS)


def _parsed(path: Path) -> Iterator[Trace]:
    for row in read_jsonl(path):
        if isinstance(row, BadRow):
            raise InputError(f"{path}:{row.line}: {row.why}", "mend the line")
        yield Trace.model_validate(row.data)
