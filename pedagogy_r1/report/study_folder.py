"""A study's folder: what is in it, what is missing, and which command comes next.

    pcode init talk        talk/traces.jsonl  talk/codebook.yaml  talk/README.md, with the next commands
    pcode status talk      6 traces; runs/people: 2 people, 120 units; next: pcode report runs/people runs/machine -o report

Nothing is recorded for it: `read_study` looks for what other commands wrote (run.json, packet.json, report.html), so a folder
that was made by hand is understood as well.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..codebook import find_codebook, load_codebook
from ..codebook.bump import refuse_taken
from ..codebook.new_codebook import FIRST, new_codebook
from ..coding.stress_report import JSON as STRESS
from ..coding.stress_report import read_stress
from ..errors import InputError, PedagogyError
from ..files.records import Row, read_jsonl, write_text
from ..files.seal import PACKET, RECIPE, RUN, WEB_LOG
from ..formatting import counted
from ..human.coding_log import read_log
from ..human.packet import Packet, blind_id
from ..intake import TracesFile
from ..intake.corpus import CORPUS, TraceCorpus
from ..killed import killed
from ..runs.locked_part import LOCKED, open_lock
from ..runs.run import CoderRun
from ..shipped import folder as shipped
from ..unit.unitizer import SPAN
from .preregistration import JSON as REGISTERED
from .preregistration import read_registered

TRACES, CODEBOOK, README, REPORT = "traces.jsonl", "codebook.yaml", "README.md", "report.html"
PLAN = "plan.csv"
"""What ``pcode sample --plan -o`` writes."""
DEEPEST = 4
"""Folders within folders that are looked into."""

COMMANDS = (
    ("pcode annotate {traces} --codebook {book} -o runs/machine", "a machine codes every unit"),
    ("pcode sample {traces} --codebook {book} -o packet --fraction .33 --coders A,B", "what two people shall code, drawn at random"),
    ("pcode web --packet packet --coder A --coder B", "they code in a browser, blind; Ctrl-C ends it"),
    ("pcode import --packet packet packet/A/web.jsonl packet/B/web.jsonl -o runs/people", "take their codings in"),
    ("pcode report runs/people runs/machine -o report --inclusion packet/key/sample.csv", "how far they agree, and how often each code is given"),
)  # fmt: skip
"""From texts to a report, in order."""


@dataclass(frozen=True)
class StudyPart:
    """One thing in the folder: ``kind`` (traces, codebook, packet, people, machine, decisions, job, report, plan, registered, stress,
    lock, recipe), its path in it, and what it holds.

    ``open``: whose work in a packet is not done. ``book``: the codebook that it is, or was made under, ``id@version``.
    ``spans``: a codebook whose units people draw, so that no machine can go first.
    """

    kind: str
    path: str
    what: str
    open: tuple[str, ...] = ()
    coders: tuple[str, ...] = ()
    book: str = ""
    spans: bool = False


@dataclass(frozen=True)
class StudyFolder:
    """What `read_study` found in ``folder``; ``troubles``: what could not be read, and why."""

    folder: Path
    found: tuple[StudyPart, ...]
    troubles: tuple[str, ...]

    def of(self, kind: str) -> list[StudyPart]:
        return [one for one in self.found if one.kind == kind]

    @property
    def missing(self) -> list[str]:
        """What a study has and this folder has not, in the order of work."""
        wanted = {
            "traces": "traces",
            "machine": "codings by a machine",
            "packet": "a packet for people to code",
            "people": "codings by people",
            "report": "a report",
        }
        return [
            words
            for kind, words in wanted.items()
            if not self.of(kind) and not (kind == "packet" and self.of("people"))
        ]

    def next_command(self) -> tuple[str, str]:
        """The command that comes next, as it is typed in the folder, and what it does."""
        traces, people, packets = (self.of(kind) for kind in ("traces", "people", "packet"))
        if not traces:
            return f"pcode traces import FILES -o {TRACES}", "take in the texts that shall be coded"
        runs = self._runs()
        machine = runs[1:] if people else self.of("machine")
        book, spans = self._book(runs or machine or packets)
        names = {"traces": shlex.quote(traces[0].path), "book": shlex.quote(book)}
        annotate, sample, _, _, report = ((command.format(**names), what) for command, what in COMMANDS)
        if not machine and not spans and not self.of("report"):
            taken = {one.path for one in self.found} & {"runs/machine"}
            return annotate[0] + (f"-{Path(book).stem}" if taken else ""), annotate[1] + self._which(book)
        if not people:
            first = min(packets, key=lambda packet: bool(packet.open), default=None)
            return self._people(first) if first else (sample[0], sample[1] + self._which(book))
        there = " ".join(shlex.quote(one.path) for one in runs)
        if not self.of("report"):
            return f"pcode report {there} -o report{self._inclusion(runs)}", report[1]
        return f"pcode agreement {there}", "all is there: look at the report, and at α by code with --by code"

    def _inclusion(self, runs: list[StudyPart]) -> str:
        """The option that says how people's units were drawn, where the one packet here is the one they coded."""
        packets = self.of("packet")
        if len(packets) != 1 or len(runs) < 2:
            return ""
        packet, people = packets[0], runs[0]
        theirs = packet.book == people.book and set(people.coders) <= set(packet.coders)
        return f" --inclusion {shlex.quote(f'{packet.path}/key/sample.csv')}" if theirs else ""

    def _runs(self) -> list[StudyPart]:
        """People's codings and a machine's under the same codebook, since only these can be compared; else people's alone."""
        people, machine = self.of("people"), self.of("machine")
        pairs = [[person, one] for person in people for one in machine if person.book == one.book]
        return pairs[-1] if pairs else people[-1:]

    def _book(self, work: list[StudyPart]) -> tuple[str, bool]:
        """The codebook that the work was done under (its file, where that is here), else the study's; and whether people draw its units."""
        books = self.of("codebook")
        used = work[0].book if work else ""
        files = [one for one in books if one.book == used] or ([] if used else books)
        file = min(files, key=lambda one: one.path != CODEBOOK, default=None)
        return (file.path, file.spans) if file else (used or "schoen", False)

    def _which(self, book: str) -> str:
        """Which of several codebooks a command names."""
        count = len(self.of("codebook"))
        return f"; by {book}, one of {count} codebooks here" if count > 1 else ""

    def _people(self, packet: StudyPart) -> tuple[str, str]:
        where = shlex.quote(packet.path)
        if packet.open:
            coders = " ".join(f"--coder {shlex.quote(coder)}" for coder in packet.open)
            return (
                f"pcode web --packet {where} {coders}",
                f"{', '.join(packet.open)}: there is more to code; it can be stopped and gone on with",
            )
        logs = " ".join(shlex.quote(f"{packet.path}/{coder}/{WEB_LOG}") for coder in packet.coders)
        return f"pcode import --packet {where} {logs} -o runs/people", "take their codings in"


def read_study(folder: str | Path) -> StudyFolder:
    """What is in a study's folder. Raises `InputError` where there is no such folder."""
    root = Path(folder)
    if not root.is_dir():
        raise InputError(f"{root}: no such folder", "make one with: pcode init FOLDER")
    found: list[StudyPart] = []
    troubles: list[str] = []
    for path in _files(root, DEEPEST):
        try:
            found += _look(path, root)
        except (PedagogyError, OSError, ValueError) as error:
            troubles.append(f"{path.relative_to(root)}: {error}")
    return StudyFolder(root, tuple(found), tuple(troubles))


def _files(folder: Path, deep: int) -> Iterator[Path]:
    """The files that tell what a folder is; what lies in a folder that is a run or packet is part of that."""
    try:
        there = sorted(folder.iterdir())
    except OSError:
        return
    if (folder / CORPUS) in there:
        yield folder / CORPUS
        return
    if whole := [path for path in there if path.name in (RUN, PACKET, REPORT, STRESS)]:
        yield from whole
        return
    yield from (path for path in there if path.is_file() and _tells(path))
    for path in there:
        if deep and path.is_dir() and not path.is_symlink() and path.name[0] not in "._":
            yield from _files(path, deep - 1)


def _tells(path: Path) -> bool:
    """Whether a file of this name may tell something."""
    known = path.name in (PLAN, REGISTERED) or path.name.endswith(LOCKED)
    return known or path.suffix in (".jsonl", ".yaml", ".yml")


def _look(path: Path, root: Path) -> Iterator[StudyPart]:
    name, inside = path.relative_to(root).as_posix(), path.parent.relative_to(root).as_posix()
    if path.name == RUN:
        yield _run(path.parent, inside)
    elif path.name == PACKET:
        yield _packet(path.parent, inside)
    elif path.name == CORPUS:
        corpus = TraceCorpus(path.parent)
        yield StudyPart(
            "traces", inside, f"{counted(corpus.total, 'trace')} in {counted(corpus.shards, 'shard')}"
        )
    elif path.name == REPORT:
        yield StudyPart("report", name, "open it in a browser")
    elif path.name == STRESS:
        yield StudyPart("stress", inside, read_stress(path.parent).says)
    elif path.name == PLAN:
        yield StudyPart("plan", name, "how many units people should code")
    elif path.name == REGISTERED:
        found = read_registered(path).record
        what = counted(len(found.contrasts), "comparison")
        yield StudyPart("registered", name, f"{what}, registered {found.registered[:10]}")
    elif path.name.endswith(LOCKED):
        lock = open_lock(path)
        what = counted(len(lock.part.locked), "trace")
        yield StudyPart("lock", name, f"{what} set aside; {lock.looked()}")
    elif path.suffix in (".yaml", ".yml"):
        yield from _yaml(path, name)
    elif _traces(path):
        yield StudyPart("traces", name, counted(TracesFile(path).total, "trace"))


def _yaml(path: Path, name: str) -> Iterator[StudyPart]:
    text = path.read_text(encoding="utf-8", errors="replace")
    if "codes:" in text:
        book = load_codebook(path)
        holds = f"{book.ref}, {counted(len(book.codes), 'code')}"
        yield StudyPart("codebook", name, holds, book=book.ref, spans=book.unit == SPAN)
    elif path.name == RECIPE or re.search(r"^stages:", text, re.MULTILINE):
        yield StudyPart("recipe", name, "a recipe of pcode pipeline")


def _traces(path: Path) -> bool:
    """Whether the file's first line looks like a trace."""
    first = next(iter(read_jsonl(path)), None)
    return isinstance(first, Row) and {"id", "reasoning"} <= first.data.keys()


def _run(folder: Path, name: str) -> StudyPart:
    record = json.loads((folder / RUN).read_text(encoding="utf-8"))
    if not isinstance(record, dict) or "run_id" not in record or "coders" not in record:
        state = record.get("status", "") if isinstance(record, dict) else ""
        if isinstance(state, str) and state not in ("", "complete"):
            state = _going_on(folder, state)
        return StudyPart(
            "job", name, f"another command's folder ({state})" if state else "another command's folder"
        )
    manifest = CoderRun(folder).manifest
    coders = ", ".join(coder.name for coder in manifest.coders)
    kinds = {coder.kind for coder in manifest.coders}
    kind = (
        "decisions" if manifest.coder.startswith("adjudicat") else "people" if "human" in kinds else "machine"
    )
    what = manifest.what()
    what += "" if what.endswith(f" {coders}") else f": {coders}"
    if units := manifest.counts.get("units"):
        what += f"; {counted(units, 'unit')}"
    if manifest.status != "complete":
        what += f"; {_going_on(folder, manifest.status)}"
    book = f"{manifest.codebook.get('id')}@{manifest.codebook.get('version')}"
    return StudyPart(kind, name, what, coders=tuple(coder.name for coder in manifest.coders), book=book)


def _going_on(folder: Path, status: str) -> str:
    """The status of a session that is not complete in words, and what to do."""
    if killed(folder, status):
        status = "killed while it was running"
    return "running now: wait for it" if status == "running" else f"{status}: the same command goes on"


def _packet(folder: Path, name: str) -> StudyPart:
    packet = Packet(folder)
    said, still = [], []
    for coder in packet.manifest.coders:
        asked = {
            blind_id(task.trace.id) if packet.manifest.spans else task.unit.id
            for task in packet.tasks(coder)
            if not task.practice
        }
        units, done = len(asked), _done(folder / coder / WEB_LOG, asked, packet.manifest.spans)
        said.append(f"{coder} {done:,} of {units:,}")
        still += [coder] if done < units else []
    what = "traces done" if packet.manifest.spans else "units decided"
    what += f" in the browser: {', '.join(said)}"
    return StudyPart("packet", name, what, tuple(still), packet.manifest.coders, packet.codebook.ref)


def _done(log: Path, asked: set[str], spans: bool) -> int:
    """How many of the units a coder's log in the browser has decided; of the traces in which ``spans`` are drawn, how many are read."""
    if not log.is_file():
        return 0
    _, work = read_log(log)
    return (
        sum(name in asked and one.read for name, one in work.entries.items())
        if spans
        else work.decided(asked)
    )


def new_study(folder: str | Path, *, codebook: str | None = None, new: str | None = None) -> list[Path]:
    """Make a study's folder: traces (the sample of the demo), a codebook, and a README with the next commands; the files.

    ``codebook``: a copy of this one; ``new``: the id of a codebook to write. Raises `InputError` where the folder holds something.
    """
    root = Path(folder)
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise InputError(f"{root} is there already, and not empty", "name a new folder")
    if codebook is not None and new is not None:
        raise InputError(
            "one codebook: a copy of one that is there, or a new one", "drop --codebook or --new-codebook"
        )
    if new is not None:
        text = new_codebook(new)
        ref = f"{new}@{FIRST}"
    else:
        source = find_codebook(codebook or "schoen")
        text, ref = source.read_text(encoding="utf-8"), load_codebook(source).ref
    refuse_taken(root / CODEBOOK, ref.partition("@")[0], ref.partition("@")[2])
    write_text(root / TRACES, (shipped("demo") / TRACES).read_bytes())
    write_text(root / CODEBOOK, text)
    write_text(root / README, _readme(root.resolve().name, ref))
    return [root / name for name in (README, TRACES, CODEBOOK)]


def _readme(name: str, ref: str) -> str:
    filled = [(command.format(traces=TRACES, book=CODEBOOK), what) for command, what in COMMANDS]
    width = max(len(command) for command, _ in filled)
    lines = [
        f"# {name}",
        "",
        f"`{TRACES}` is a sample that comes with pcode (invented: no number of it may be cited). Put your own in its place:",
        "",
        f"    pcode traces import FILES -o {TRACES} --force",
        "",
        f"`{CODEBOOK}` is {ref}: what coders go by. `pcode codebook manual {CODEBOOK} -o manual.html` is what they are trained with.",
        "",
        "The next five commands, typed in this folder; `pcode status` says which of them comes next:",
        "",
        *(f"    {command:<{width}}   # {what}" for command, what in filled),
        "",
    ]
    return "\n".join(lines)
