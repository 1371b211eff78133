"""``pcode import``: human codings in files → a run like any coder's.

    coder_A.csv, coder_B.csv  +  traces.jsonl  →  RUN/{run.json, traces.jsonl, units.jsonl, codings.jsonl}

Read (`read_codings.py`, `tools/`) → find the places in the traces (`locate_rows.py`) → read the cells (`parse_cells.py`) →
units (`build_codings.py`) → write. All problems of all files are found before anything is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

from ..codebook import Codebook, load_codebook
from ..errors import ArgumentError, InputError
from ..files.records import write_jsonl
from ..formatting import plain_coder
from ..intake.import_report import listed, mend_hint
from ..provenance import file_digest
from ..runs.locked_part import Lock, locks_of
from ..runs.run import CoderInfo, CoderKind, CoderRun, Coding, Manifest
from ..runs.run_writer import RunWriter, unitizer_of
from ..trace import Trace, Unit
from ..unit.unitizer import SCHEMES, SPAN, Unitizer
from .build_codings import build_codings
from .locate_rows import find_scheme, place_spans, place_units
from .packet_return import ReturnedPacket
from .parse_cells import SpanCoding, parse_cells
from .raw_coding import RawCoding
from .read_codings import CodingsRead, CodingsReport, read_codings


def import_codings(
    files: Iterable[str | Path],
    traces: str | Path | None,
    out: str | Path,
    *,
    codebook: str | Path | None = None,
    packet: str | Path | None = None,
    coder: str | None = None,
    units: str | Path | None = None,
    project: str | None = None,
    overlap: float | None = None,
    scheme: str | None = None,
    format: str | None = None,
    kind: CoderKind | Mapping[str, CoderKind] | None = None,
    split_by_annotator: bool = False,
    lang: str | None = None,
    on_error: Literal["stop", "skip"] = "stop",
) -> CodingsReport:
    """Import codings into the run directory ``out``.

    Say at most one of: ``units="own"`` (the spans become the units), ``units=RUN`` (the units of that run; then
    ``traces`` may be left out), ``project=SCHEME`` (largest overlap; ``overlap``: the share of a unit that its span must cover, else the unit is missing),
    ``scheme=SCHEME`` (rows must be exactly its units).
    Files by ``unit_id`` find their scheme themselves. What came back of a ``packet`` needs none of these, nor traces and
    codebook: spans that are not its units are laid on them by largest overlap; units that were asked of a coder and did
    not come back are missing; practice units are left out. ``coder`` is whose the files are where they do not say it.
    ``kind`` is what the coders are of whom the files do not say it (human, if not given), or what single ones are by name.
    A file in which one coder is two accounts of a tool is refused, unless ``split_by_annotator`` makes each account a coder.
    With ``on_error="stop"`` any problem raises `InputError`, which names up to 50 of them (all are in ``OUT.problems.jsonl``), and no run is written.
    """
    coder = None if coder is None else plain_coder(coder)
    back = ReturnedPacket(packet, coder) if packet is not None else None
    asked = _Asked(units, project, overlap, scheme, lang, coder, kind, split_by_annotator, on_error, back)
    asked.check(traces=traces, codebook=codebook)
    book, paths = asked.codebook(codebook), [Path(file) for file in files]
    if twice := [path for path in paths if paths.count(path) > 1]:
        raise ArgumentError(f"{twice[0]} is named twice", "name each coder's file once")
    report = CodingsReport(str(out))
    read = asked.read(paths, report, book, format)
    where = asked.traces(traces)
    cut = asked.unitizer(read, where, book)
    placed, projecting = asked.place(read, where, cut, report)
    coded = parse_cells(placed, book, report)
    kept = {one.coder for found in coded.values() for one in found}
    report.coders = [name for name in read.coders if name in kept]
    _settle_problems(report, on_error)
    if back and (absent := [name for name in back.packet.manifest.coders if name not in read.coders]):
        report.remarks.append(
            f"nothing in these files is by {', '.join(absent)}: the run has no codings by {'them' if absent[1:] else absent[0]}"
        )
    if not coded:
        raise InputError(f"{', '.join(map(str, paths))}: no coding to import", _why_nothing(report))
    cut = cut or _own_units(coded, lang, report)
    report.scheme = cut.scheme
    source = asked.source(paths, where)
    manifest = asked.manifest(report, book, read.kinds, source, projecting)
    codings = build_codings(report, where, coded, cut, projecting, book, manifest, back, overlap or 0.0)
    _write(Path(out), book, manifest, codings, locks_of(where))
    return report


class _Asked(NamedTuple):
    """What the command says: what shall be the units, whose the codings are, and what packet they came back of."""

    units: str | Path | None
    project: str | None
    overlap: float | None
    scheme: str | None
    lang: str | None
    coder: str | None
    kind: CoderKind | Mapping[str, CoderKind] | None
    split: bool
    on_error: str
    back: ReturnedPacket | None

    @property
    def own(self) -> bool:
        return str(self.units) == "own" or bool(self.back and self.back.spans)

    def check(self, **others: object) -> None:
        """Raise `ValueError` where one thing is said twice; a packet says all of them, and ``others`` too."""
        said = {"units": self.units, "project": self.project, "scheme": self.scheme}
        if sum(value is not None for value in said.values()) > 1:
            raise ArgumentError("--units, --project and --scheme exclude each other", "say one of them")
        if self.split and self.coder is not None:
            raise ArgumentError(
                "--split-by-annotator names the coders, and so does --coder", "say one of them"
            )
        if self.overlap is not None and not (self.project or self.back):
            raise ArgumentError(
                "--overlap is of spans that are laid on units", "add --project SCHEME, or --packet PACKET"
            )
        for option, value in {**said, **others}.items():
            if self.back and value is not None:
                raise ArgumentError(f"--{option} is known from the packet", "leave it out")

    def traces(self, traces: str | Path | None) -> Path:
        """The traces file: as given, the packet's, or that of the run whose units are taken."""
        if self.back:
            return self.back.traces
        if traces is not None:
            return Path(traces)
        if self.units is None or self.own:
            raise ArgumentError("no traces file is given", "add --traces traces.jsonl")
        return CoderRun(self.units).sound("traces.jsonl")

    def unitizer(self, read: CodingsRead, traces: Path, book: Codebook) -> Unitizer | None:
        """What cuts the units; ``None`` if the spans of the files do, or nothing was read."""
        if self.back and not self.back.spans:
            return self.back.unitizer(self.lang)
        if not read.rows:
            return None
        if self.units is not None and not self.own:
            return unitizer_of("", self.lang, self.units)[0]
        if read.by_unit and (self.own or self.project):
            raise InputError(
                f"{_needs_spans(self)} spans, and these files name units by unit_id",
                "give trace_id start end quote"
                if self.back
                else "leave it out, or give trace_id start end quote",
            )
        if read.by_unit:
            found = self.scheme or find_scheme(read.rows, traces, [*read.schemes, book.unit], self.lang)
            return Unitizer(found, self.lang)
        if self.own:
            return None
        scheme = self.project or self.scheme
        if not scheme:
            cut = SCHEMES[0] if book.unit == SPAN else book.unit
            raise InputError(
                "these files code spans: what shall be the units?",
                f"--units own (the spans themselves), --project {cut} (by largest overlap), --scheme {cut} (spans must be its units), or --units RUN",
            )
        return Unitizer(scheme, self.lang)

    def codebook(self, codebook: str | Path | None) -> Codebook:
        """As given, or that of the packet, or of the run whose units are taken."""
        if self.back:
            return self.back.packet.codebook
        if codebook is None and self.units is not None and not self.own:
            return CoderRun(self.units).codebook
        if codebook is None:
            raise ArgumentError(
                "no codebook is given",
                "add --codebook ID@VERSION, or --units RUN or --packet PACKET, whose codebook is taken",
            )
        return load_codebook(codebook)

    def read(
        self, paths: Sequence[Path], report: CodingsReport, book: Codebook, format: str | None
    ) -> CodingsRead:
        """The rows of all files."""
        how: dict[str, Any] = {"kind": self.kind, "coder": self.coder, "back": self.back, "split": self.split}
        return read_codings(paths, report, book, format=format, **how)

    def source(self, paths: Sequence[Path], traces: Path) -> dict[str, Any]:
        """For ``run.json``: the files, and what they held."""
        return {
            "files": [str(path) for path in paths],
            "traces": str(traces),
            "files_digest": [file_digest(path) for path in paths],
            "traces_digest": file_digest(traces),
            **(self.back.source() if self.back else {}),
        }

    def place(
        self, read: CodingsRead, traces: Path, cut: Unitizer | None, report: CodingsReport
    ) -> tuple[list[RawCoding], bool]:
        """The rows that have a place, and whether their spans need not be units: as asked, or of a packet whose units they are not."""
        back, projecting = self.back, bool(self.project)
        if not read.rows:
            return [], projecting
        exact = None if projecting else cut
        if exact and read.by_unit:
            placed = place_units(read.rows, traces, report, exact)
        else:
            placed = place_spans(read.rows, traces, report, exact, strict=back is None)
        if back is None:
            return placed, projecting
        if not back.spans and any(raw.place not in back.units for raw in placed):
            return placed, True
        kept: list[RawCoding] = []
        for raw in placed:
            what, practice = back.asked(raw.place, raw.coder)
            if practice is None:
                report.problems.append(raw.problem(f"{what} was not drawn for {raw.coder}"))
            elif practice:
                report.practice += 1
                report.add("practice, left out", [raw.where])
            else:
                kept.append(raw)
        return kept, False

    def _kinds(
        self, report: CodingsReport, kinds: dict[str, CoderKind]
    ) -> tuple[CoderKind, CoderKind | dict[str, CoderKind] | None]:
        """What a coder is of whom the files say nothing, and what of that goes into the parameters."""
        if isinstance(self.kind, Mapping):
            return "human", dict(self.kind)
        other: CoderKind = self.kind or "human"
        return other, None if kinds.keys() >= set(report.coders) else other

    def manifest(
        self,
        report: CodingsReport,
        book: Codebook,
        kinds: dict[str, CoderKind],
        source: dict[str, Any],
        projecting: bool,
    ) -> Manifest:
        """``run.json``; what the files and traces are called does not determine the codings."""
        other, given = self._kinds(report, kinds)
        parameters = {
            "units": "own" if self.own else str(self.units) if self.units else None,
            "project": self.project,
            "overlap": self.overlap,
            "on_error": self.on_error,
            "coder": self.coder or None,
            "laid on units": (projecting and bool(self.coder or self.back)) or None,
            "kind": given,
            "split by annotator": self.split or None,
        }
        how: dict[str, Any] = {
            "coder": "import:" + "+".join(sorted({name.split(" ")[0] for name in report.formats.values()})),
            "parameters": {name: value for name, value in parameters.items() if value is not None},
            "scheme": report.scheme,
        }
        digests = {name: source[name] for name in ("files_digest", "traces_digest")}
        return Manifest.new(
            "import",
            book,
            {**how, "lang": self.lang, "source": digests},
            **how,
            coders=[CoderInfo(name=name, kind=kinds.get(name, other)) for name in report.coders],
            lang=self.lang or "",
            source=source,
        )


def _needs_spans(asked: _Asked) -> str:
    who = f"the coders of {asked.back.packet.folder} draw" if asked.back else ""
    return who or f"{'--units own' if asked.own else '--project'} needs"


def _settle_problems(report: CodingsReport, on_error: str) -> None:
    """Sort the problems and write them aside; with ``stop``, raise."""
    order = {name: at for at, name in enumerate(report.formats)}
    report.problems.sort(key=lambda problem: (order[problem.file], problem.row))
    out = Path(report.out)
    aside = out.with_name(out.name + ".problems.jsonl")
    if not report.problems:
        aside.unlink(missing_ok=True)
        return
    write_jsonl(aside, (problem._asdict() for problem in report.problems))
    report.aside = str(aside)
    if on_error == "stop":
        count = len(report.problems)
        raise InputError(
            f"{count} of {report.rows} codings cannot be imported; no run was written{listed(report.problems, count)}",
            mend_hint(report.kept, str(aside)),
        )


def _why_nothing(report: CodingsReport) -> str:
    if report.problems:
        return "see the problems above"
    if report.outside:
        return "all that was coded lies in the answers (to code answers too: traces import --map reasoning=FIELD)"
    return "all that was coded is practice" if report.practice else "nobody has coded anything in them yet"


def _own_units(coded: dict[str, list[SpanCoding]], lang: str | None, report: CodingsReport) -> Unitizer:
    """What cuts the spans themselves; counts those that only one coder has."""
    by_span: dict[tuple[str, int, int], set[str]] = {}
    for trace_id, found in coded.items():
        for one in found:
            by_span.setdefault((trace_id, one.start, one.end), set()).add(one.coder)
    if len(set().union(*by_span.values())) > 1:
        report.alone.update(next(iter(who)) for who in by_span.values() if len(who) == 1)
        report.shared = sum(len(who) > 1 for who in by_span.values())
    return Unitizer.given(by_span, lang)


def _write(
    out: Path,
    book: Codebook,
    manifest: Manifest,
    coded: Iterator[tuple[Trace, list[Unit], list[Coding]]],
    locks: Iterable[Lock],
) -> None:
    with RunWriter(out, manifest, book, locks=locks) as writer:
        for number, (trace, units, codings) in enumerate(coded):
            if not writer.complete and number >= writer.done:
                writer.write(trace, units, codings)
        if not writer.complete:
            writer.finish("complete")
