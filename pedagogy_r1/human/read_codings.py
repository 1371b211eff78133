"""The rows of all files of an import, and the report that says what became of each.

1,309 rows = 1,309 kept + 0 "not coded" + 0 in the answer + 0 problems; shared spans: 499, alone: {"D": 191, "Gemini": 120}

What a file says of its coders' kind and of its codebook is checked against the command: exports have these columns, so that
a round trip neither makes a machine human nor renames its codes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, get_args

from ..codebook import Codebook
from ..errors import ArgumentError, InputError, did_you_mean
from ..files.records import BadRow, whole_text
from ..formatting import counted, plain_coder
from ..runs.run import NOT_CODED, CoderKind, CoderRun, Coding
from .packet_return import ReturnedPacket
from .raw_coding import CodingRowError, CodingsFile, RawCoding, RowProblem, read_codings_file
from .tools import CodingsReader, choose


@dataclass
class CodingsReport:
    """What an import of codings did: every row is in ``kept``, ``not_coded``, ``outside``, ``practice`` or ``problems``.

    ``outside``: spans in the answer, or a think tag; ``practice``: on units of a packet that are for practice alone;
    ``alone``: spans (with ``units="own"``) that only this coder has; ``landless``: spans that own no unit after
    projection; ``moved``: rows by the presumed cause of their shifted offsets; ``places``: the ``file:row`` of all that
    ``moved``, ``counts`` and ``outside`` count, by the cause, the remark, or ``outside``.
    """

    out: str
    rows: int = 0
    kept: int = 0
    not_coded: int = 0
    outside: int = 0
    practice: int = 0
    traces: int = 0
    traces_left_out: int = 0
    units: int = 0
    codings: int = 0
    missing: int = 0
    """Of the codings: those without codes, each with its reason."""
    scheme: str = ""
    coders: list[str] = field(default_factory=list)
    formats: dict[str, str] = field(default_factory=dict)
    ignored: dict[str, list[str]] = field(default_factory=dict)
    moved: Counter[str] = field(default_factory=Counter)
    shared: int = 0
    alone: Counter[str] = field(default_factory=Counter)
    landless: Counter[str] = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=Counter)
    places: dict[str, list[str]] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    """Of whole files: what was not read of them."""
    problems: list[RowProblem] = field(default_factory=list)
    aside: str | None = None

    def add(self, remark: str, where: list[str], counter: Counter[str] | None = None) -> None:
        """Count something worth saying of these rows, in ``counts`` if nothing else is said."""
        if where:
            counter = self.counts if counter is None else counter
            counter[remark] += len(where)
            self.places.setdefault(remark, []).extend(where)

    def count_trace(self, units: Sequence[object], codings: Sequence[Coding]) -> None:
        self.traces += 1
        self.traces_left_out = max(0, self.traces_left_out - 1)
        self.units += len(units)
        self.codings += len(codings)
        self.missing += sum(coding.codes is None for coding in codings)

    @property
    def run(self) -> CoderRun:
        return CoderRun(self.out)

    def as_json(self) -> dict[str, Any]:
        """For ``--json``."""
        plain = {k: dict(v) if isinstance(v, Counter) else v for k, v in vars(self).items()}
        plain["counts"] = {k: n for k, n in self.counts.items() if n}
        return plain | {"problems": [problem._asdict() for problem in self.problems]}


class CodingsRead(NamedTuple):
    """The rows of all files, before anything is known about the traces. ``kinds``: of the coders whose kind the files say."""

    rows: list[RawCoding]
    by_unit: bool
    schemes: list[str]
    coders: list[str]
    kinds: dict[str, CoderKind]


def read_codings(
    paths: Sequence[Path],
    report: CodingsReport,
    book: Codebook,
    *,
    format: str | None = None,
    kind: CoderKind | Mapping[str, CoderKind] | None = None,
    coder: str | None = None,
    back: ReturnedPacket | None = None,
    split: bool = False,
) -> CodingsRead:
    """Read all files. What is wrong with a row goes into the report; with a file, `InputError` is raised."""
    if not paths:
        raise ArgumentError("no file to import", "name at least one")
    rows: list[RawCoding] = []
    schemes: list[str] = []
    names: dict[str, None] = {}
    declared = _Declared(book, kind)
    for path in paths:
        people = _People(str(path), split)
        for file in read_codings_file(path, report.remarks, coder=None if back else coder):
            name, reader = choose(file, format)
            coders, ignored = reader.columns(file)
            report.formats[file.name] = name + (f" (coders: {', '.join(coders)})" if coders else "")
            report.ignored |= {file.name: ignored} if ignored else {}
            schemes += _schemes(file)
            for raw in _owned(file, reader, report, people, back, coder):
                names[raw.coder] = None
                declared.check(raw)
                if _says_something(raw, report):
                    rows.append(raw)
    declared.finish(names)
    _say_alike(report, names)
    return CodingsRead(rows, _name_units(rows), schemes, list(names), declared.kinds)


def _name_units(rows: Sequence[RawCoding]) -> bool:
    """Whether rows say which unit they are of; else they have a span each."""
    return any(raw.unit_id for raw in rows) or not any(raw.trace_id and raw.start is not None for raw in rows)


def _owned(
    file: CodingsFile,
    reader: CodingsReader,
    report: CodingsReport,
    people: _People,
    back: ReturnedPacket | None,
    coder: str | None,
) -> Iterator[RawCoding]:
    """The rows of a file, each with its coder's name; what is wrong with one goes into the report."""
    for raw in reader.read(file):
        report.rows += 1
        if isinstance(raw, BadRow):
            report.problems.append(RowProblem(file.name, raw.line, raw.why))
            continue
        raw = raw._replace(file=file.name)
        try:
            raw = _named(people.split(_sound(raw, report)), report)
            raw = back.own(raw, str(file.path)) if back else raw._replace(coder=raw.coder or coder or "")
        except CodingRowError as error:
            report.problems.append(RowProblem(file.name, raw.row, str(error)))
            continue
        people.count(raw)
        yield raw
    people.check()


def _sound(raw: RawCoding, report: CodingsReport) -> RawCoding:
    """The row with U+FFFD for each half of a character, which no file could hold: ``"a\\ud800b"`` is JSON all the same."""
    halves: dict[str, Any] = {
        name: whole
        for name, value in raw._asdict().items()
        if isinstance(value, str) and (whole := whole_text(value)) != value
    }
    if halves:
        report.add("halves of characters replaced by U+FFFD", [raw.where])
    return raw._replace(**halves)


def _named(raw: RawCoding, report: CodingsReport) -> RawCoding:
    """The row, with what nobody sees taken off its coder's name: ``A`` and ``A\\u200b`` are one person."""
    name = plain_coder(raw.coder)
    if name != raw.coder.strip():
        report.add("invisible characters or spaces taken off the coder's name", [raw.where])
    return raw._replace(coder=name, by=plain_coder(raw.by))


def _says_something(raw: RawCoding, report: CodingsReport) -> bool:
    """Whether the row is somebody's coding; others are counted."""
    report.add("flagged by the coder", [raw.where] if raw.flag else [])
    report.add(raw.moved, [raw.where] if raw.moved else [], report.moved)
    if not raw.coder:
        report.problems.append(raw.problem("no coder"))
        return False
    empty = raw.exported and raw.missing_reason == NOT_CODED
    report.not_coded += empty
    return not empty


def _schemes(file: CodingsFile) -> list[str]:
    if "scheme" not in file.plain:
        return []
    return [str(row.data.get(file.plain["scheme"])) for row in file.rows[:1] if not isinstance(row, BadRow)]


def _say_alike(report: CodingsReport, names: Collection[str]) -> None:
    """Names that a person might take for one."""
    seen: dict[str, str] = {}
    for name in names:
        other = seen.setdefault(name.casefold(), name)
        if other != name:
            report.remarks.append(f"coders {other!r} and {name!r} differ in case alone, and are two")


class _People:
    """Who made the rows of one file, by the tool's own account of it: two people are never one coder.

    {"data": {"coder": "A", …}, "annotations": [{"completed_by": 1, …}]}
    {"data": {"coder": "A", …}, "annotations": [{"completed_by": 2, …}]}    → refused: A is 1 and 2
    """

    def __init__(self, file: str, apart: bool) -> None:
        self.file, self.apart = file, apart
        self._rows: dict[str, Counter[str]] = {}

    def split(self, raw: RawCoding) -> RawCoding:
        """With ``--split-by-annotator``, the row under the name of its account. Raises `CodingRowError` if it has none."""
        if not self.apart:
            return raw
        if not raw.by:
            raise CodingRowError("no annotator is named, by whom to split")
        return raw._replace(coder=raw.by)

    def count(self, raw: RawCoding) -> None:
        if raw.by:
            self._rows.setdefault(raw.coder, Counter())[raw.by] += 1

    def check(self) -> None:
        """Raise `InputError` for a coder who is two people."""
        for coder, found in self._rows.items():
            if len(found) > 1 and not self.apart:
                who = ", ".join(f"{name!r} ({counted(n, 'row')})" for name, n in sorted(found.items()))
                raise InputError(
                    f"{self.file}: {len(found)} annotators under one coder{f', {coder}' if coder else ''}: {who}",
                    "take them apart with --split-by-annotator, which names each coder for the account; "
                    "one person with two accounts: export each account to a file of its own",
                )


class _Declared:
    """What the rows say of themselves, against what the command says: the coder's kind, and the codebook.

    …,coder,…,codebook,…,kind
    …,cues,…,schoen@1.0.0#1f0c…,…,machine       --codebook schoen@1.1.0   → refused, with the way to carry it over
    """

    def __init__(self, book: Codebook, kind: CoderKind | Mapping[str, CoderKind] | None) -> None:
        self.book, self.said = book, kind if isinstance(kind, Mapping) else {}
        self.kind: CoderKind | None = None if isinstance(kind, Mapping) else kind
        self.kinds: dict[str, CoderKind] = {}
        self._first: dict[str, str] = {}
        self._right: set[str | None] = {None}

    def check(self, raw: RawCoding) -> None:
        """Take in one row; raises `InputError` if it contradicts the command or an earlier row."""
        if raw.codebook not in self._right:
            self._check_codebook(raw.where, raw.codebook or "")
            self._right.add(raw.codebook)
        if raw.kind is not None and raw.coder:
            self._check_kind(raw.where, raw.coder, raw.kind.lower())

    def finish(self, coders: Collection[str]) -> None:
        """Take in what the command says of single coders; raises `InputError` for one who is in no file."""
        for coder, kind in self.said.items():
            if coder not in coders:
                near = did_you_mean(coder, list(coders))
                raise InputError(f"--kind {coder}={kind}: no coder of the files is named {coder!r}", near)
            self.kinds.setdefault(coder, kind)

    def _check_kind(self, where: str, coder: str, word: str) -> None:
        kind: CoderKind | None = next((known for known in get_args(CoderKind) if known == word), None)
        if kind is None:
            raise InputError(
                f"{where}: kind {word[:40]!r} is neither human nor machine",
                "mend the cell, or rename the column if it says something else",
            )
        said = self.kinds.setdefault(coder, kind)
        first = self._first.setdefault(coder, where)
        if kind != said:
            raise InputError(
                f"{where}: coder {coder} is {kind}, and {said} in {first}",
                "one name is one coder: rename one of them, or mend the kind",
            )
        other = self.said.get(coder, self.kind)
        if other not in (None, kind):
            raise InputError(
                f"{where}: coder {coder} is {kind}, and --kind says {other}",
                "leave --kind out, or mend the column kind",
            )

    def _check_codebook(self, where: str, stamp: str) -> None:
        ref, _, cut = stamp.partition("#")
        name, _, version = ref.partition("@")
        hint = f"import with --codebook {ref}"
        if name == self.book.id and version in ("", self.book.version):
            if self.book.digest.removeprefix("sha256:").startswith(cut):
                return
            hint = "the codebook has changed since; give the codebook.yaml of the run that was exported"
        elif name == self.book.id:
            hint += f", then carry the run over: pcode codebook migrate RUN --to {self.book.ref} -o NEW"
        mine = self.book.stamp if cut else self.book.ref
        raise InputError(f"{where}: coded with {stamp}, and --codebook is {mine}", hint)
