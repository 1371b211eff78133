"""``pcode import``: human codings in files → a run like any coder's.

    coder_A.csv, coder_B.csv  +  traces.jsonl  →  RUN/{run.json, traces.jsonl, units.jsonl, codings.jsonl}

Read (`importers/`) → place in the traces (`placing.py`) → judge the cells (`judging.py`) → units → write. All
problems of all files are found before anything is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

from ..codebook import Codebook, load_codebook
from ..errors import InputError
from ..files.records import BadRow, write_jsonl
from ..provenance import digest, file_digest, now, versions
from ..runs.coding import NOT_CODED, CoderInfo, CoderKind
from ..runs.run import CoderRun, Manifest
from ..runs.run_writer import RunWriter
from ..unit import Unitizer
from .build_codings import Coded, lay
from .declared_coder import Claims
from .import_report import CodingsReport
from .importers import RawCoding, Table, choose, read_table
from .locate_rows import Entry, Placing, find_scheme, place_spans, place_units
from .packet_return import Returned
from .parse_cells import Judge, Judged, Judgement, Problem, judge_all

SHOWN = 50
OWN = "own"


class _Files(NamedTuple):
    """The rows of all files, before anything is known about the traces."""

    entries: list[Entry]
    by_unit: bool
    schemes: list[str]
    coders: list[str]
    kinds: dict[str, CoderKind]


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
    scheme: str | None = None,
    format: str | None = None,
    kind: CoderKind | None = None,
    lang: str | None = None,
    on_error: Literal["stop", "skip"] = "stop",
) -> CodingsReport:
    """Import codings into the run directory ``out``.

    Say at most one of: ``units="own"`` (the spans become the units), ``units=RUN`` (the units of that run; then
    ``traces`` may be left out), ``project=SCHEME`` (largest overlap), ``scheme=SCHEME`` (rows must be exactly its units).
    Files by ``unit_id`` find their scheme themselves. What came back of a ``packet`` needs none of these, nor traces and
    codebook: spans that are not its units are laid on them by largest overlap; units that were asked of a coder and did
    not come back are missing; practice units are left out. ``coder`` is whose the files are where they do not say it.
    ``kind`` is what the coders are of whom the files do not say it
    (human, if not given). With ``on_error="stop"`` any problem raises `InputError`, which
    names up to 50 of them (all are in ``OUT.problems.jsonl``), and no run is written.
    """
    _exclusive(units, project, scheme, packet, traces, codebook)
    back = Returned(packet, coder) if packet is not None else None
    book, out, paths = _codebook(codebook, back), Path(out), [Path(file) for file in files]
    report = CodingsReport(str(out))
    read = _read(paths, format, report, book, kind, coder, back)
    run = CoderRun(units) if units is not None and str(units) != OWN else None
    where = back.traces if back else _traces(traces, run)
    unitizer, placing, projecting = None, Placing(), False
    if read.entries:
        unitizer = (
            back.unitizer(lang)
            if back
            else _unitizer(read, where, book, run, str(units) == OWN, project, scheme, lang)
        )
        placing, loose = _place(read, where, None if project else unitizer, back, report)
        projecting = loose or bool(project)
    judge = Judge(book)
    judged = judge_all(judge, placing.placed)
    judgements = judged.judgements
    _record(report, read, placing, judged)
    _settle_problems(report, out, on_error)
    if not judgements:
        raise InputError(
            f"{', '.join(map(str, paths))}: no coding to import",
            "see the problems above" if report.problems else "the files are empty",
        )
    if unitizer is None:
        spans = [(trace_id, j.start, j.end) for trace_id, found in judgements.items() for j in found]
        unitizer = Unitizer.given(spans, lang)
        _count_alone(report, judgements)
    manifest = _manifest(
        report,
        book,
        unitizer,
        lang,
        where,
        paths,
        kinds={coder: read.kinds.get(coder, kind or "human") for coder in report.coders},
        how={"units": str(units) if units else None, "project": project, "on_error": on_error}
        | ({"coder": coder, "laid on units": projecting or None} if coder or back else {})
        | ({} if read.kinds.keys() >= set(report.coders) else {"kind": kind or "human"}),
    )
    if back:
        source = {"packet": str(packet), "packet_digest": file_digest(back.packet.folder / "packet.json")}
        manifest = manifest.model_copy(update={"source": manifest.source | source})
    _write(out, book, manifest, lay(report, where, judgements, unitizer, projecting, book, manifest, back))
    report.scheme = unitizer.scheme
    return report


def _exclusive(
    units: object, project: object, scheme: object, packet: object, traces: object, codebook: object
) -> None:
    if sum(x is not None for x in (units, project, scheme)) > 1:
        raise InputError("--units, --project and --scheme exclude each other", "say one of them")
    known = {
        "--units": units,
        "--project": project,
        "--scheme": scheme,
        "--traces": traces,
        "--codebook": codebook,
    }
    for option, value in known.items():
        if packet is not None and value is not None:
            raise InputError(f"{option} is known from the packet", f"leave {option} out")


def _codebook(codebook: str | Path | None, back: Returned | None) -> Codebook:
    if back:
        return back.packet.codebook
    if codebook is None:
        raise InputError(
            "no codebook is given",
            "add --codebook ID@VERSION, or --packet PACKET for what came back of a packet",
        )
    return load_codebook(codebook)


def _read(
    paths: Sequence[Path],
    format: str | None,
    report: CodingsReport,
    book: Codebook,
    kind: CoderKind | None,
    coder: str | None,
    back: Returned | None,
) -> _Files:
    if not paths:
        raise InputError("no file to import", "name at least one")
    entries: list[Entry] = []
    schemes: list[str] = []
    names: dict[str, None] = {}
    claims = Claims(book, kind)
    for path in paths:
        table = read_table(path)
        name, importer = choose(table, format)
        coders, ignored = importer.columns(table)
        report.formats[str(path)] = name + (f" (coders: {', '.join(coders)})" if coders else "")
        report.ignored |= {str(path): ignored} if ignored else {}
        schemes += _schemes(table)
        for raw in importer.read(table):
            report.rows += 1
            raw = _own(raw, str(path), coder, back)
            if not isinstance(raw, BadRow):
                names[raw.coder] = None
                claims.hear(str(path), raw)
                report.add("flagged by the coder", [f"{path}:{raw.row}"] if raw.flag else [])
            if isinstance(raw, BadRow):
                report.problems.append(Problem(str(path), raw.line, raw.why))
            elif not raw.coder:
                report.problems.append(Problem(str(path), raw.row, "no coder"))
            elif raw.exported and raw.missing_reason == NOT_CODED:
                report.not_coded += 1
            else:
                entries.append(Entry(str(path), raw))
    with_id = sum(bool(entry.raw.unit_id) for entry in entries)
    by_span = sum(bool(entry.raw.trace_id) and entry.raw.start is not None for entry in entries)
    return _Files(entries, with_id > 0 or not by_span, schemes, list(names), claims.kinds)


def _own(raw: RawCoding | BadRow, file: str, coder: str | None, back: Returned | None) -> RawCoding | BadRow:
    """The row with its coder, and its trace under the name the packet has for it."""
    if isinstance(raw, BadRow):
        return raw
    if back is None:
        return raw if raw.coder else raw._replace(coder=coder or "")
    owned = back.own(raw, file)
    return BadRow(raw.row, owned, "") if isinstance(owned, str) else owned


def _schemes(table: Table) -> list[str]:
    if "scheme" not in table.plain:
        return []
    return [str(row.data.get(table.plain["scheme"])) for row in table.rows[:1] if not isinstance(row, BadRow)]


def _traces(traces: str | Path | None, run: CoderRun | None) -> Path:
    if traces is not None:
        return Path(traces)
    if run is None:
        raise InputError("no traces file is given", "add --traces traces.jsonl")
    return run.folder / "traces.jsonl"


def _unitizer(
    read: _Files,
    traces: Path,
    book: Codebook,
    run: CoderRun | None,
    own: bool,
    project: str | None,
    scheme: str | None,
    lang: str | None,
) -> Unitizer | None:
    """What cuts the units; ``None`` if the spans of the files do."""
    if run is not None:
        spans: dict[str, list[tuple[int, int]]] = {}
        for unit in run.units():
            spans.setdefault(unit.trace_id, []).append((unit.start, unit.end))
        return Unitizer(
            run.manifest.scheme, lang, {trace_id: tuple(found) for trace_id, found in spans.items()}
        )
    if read.by_unit:
        if own or project:
            what = "--units own" if own else "--project"
            raise InputError(
                f"{what} needs spans, and these files name units by unit_id",
                "leave it out, or give trace_id start end quote",
            )
        return Unitizer(scheme or find_scheme(read.entries, traces, [*read.schemes, book.unit], lang), lang)
    if own:
        return None
    if not (project or scheme):
        raise InputError(
            "these files code spans: what shall be the units?",
            f"--units own (the spans themselves), --project {book.unit} (by largest overlap), --scheme {book.unit} (spans must be its units), or --units RUN",
        )
    return Unitizer(project or scheme or "", lang)


def _place(
    read: _Files, traces: Path, exact: Unitizer | None, back: Returned | None, report: CodingsReport
) -> tuple[Placing, bool]:
    """Where the rows lie, and whether the spans of a packet's files are other than its units, which ``exact`` cuts."""
    if exact is None:
        return place_spans(read.entries, traces), False
    if read.by_unit:
        placing = place_units(read.entries, traces, exact)
    else:
        placing = place_spans(read.entries, traces, exact, strict=back is None)
    if back is None:
        return placing, False
    if not back.exact(placing.placed):
        return placing, True
    placing.placed, practice, uncalled = back.asked(placing.placed)
    placing.problems += uncalled
    report.practice = len(practice)
    report.add("practice, left out", practice)
    return placing, False


def _record(
    report: CodingsReport,
    read: _Files,
    placing: Placing,
    judged: Judged,
) -> None:
    order = {name: at for at, name in enumerate(report.formats)}
    problems = [*report.problems, *placing.problems, *judged.problems]
    report.problems = sorted(problems, key=lambda problem: (order[problem.file], problem.row))
    report.kept, report.outside, report.traces_left_out = judged.kept, len(placing.outside), placing.traces
    report.moved.update({cause: len(where) for cause, where in placing.moved.items()})
    report.places |= placing.moved | ({"outside": placing.outside} if placing.outside else {})
    for remark, where in judged.places.items():
        report.add(remark, where)
    kept = {judgement.coder for found in judged.judgements.values() for judgement in found}
    report.coders = [coder for coder in read.coders if coder in kept]


def _settle_problems(report: CodingsReport, out: Path, on_error: str) -> None:
    """Write the problems aside; with ``stop``, raise."""
    aside = out.with_name(out.name + ".problems.jsonl")
    if not report.problems:
        aside.unlink(missing_ok=True)
        return
    write_jsonl(aside, (problem._asdict() for problem in report.problems))
    report.aside = str(aside)
    if on_error == "stop":
        shown = "".join(f"\n  {problem}" for problem in report.problems[:SHOWN])
        more = f"\n  … and {len(report.problems) - SHOWN} more" if len(report.problems) > SHOWN else ""
        raise InputError(
            f"{len(report.problems)} of {report.rows} codings cannot be imported; no run was written{shown}{more}",
            f"mend them (all are listed in {aside}), or import the other {report.kept} with --on-error skip",
        )


def _count_alone(report: CodingsReport, judgements: dict[str, list[Judgement]]) -> None:
    by_span: dict[tuple[str, int, int], set[str]] = {}
    for trace_id, found in judgements.items():
        for judgement in found:
            by_span.setdefault((trace_id, judgement.start, judgement.end), set()).add(judgement.coder)
    coders = {coder for who in by_span.values() for coder in who}
    if len(coders) > 1:
        report.alone.update(next(iter(who)) for who in by_span.values() if len(who) == 1)
        report.shared = sum(len(who) > 1 for who in by_span.values())


def _manifest(
    report: CodingsReport,
    book: Codebook,
    unitizer: Unitizer,
    lang: str | None,
    traces: Path,
    paths: Sequence[Path],
    kinds: dict[str, CoderKind],
    how: dict[str, Any],
) -> Manifest:
    digests = {"files_digest": [file_digest(path) for path in paths], "traces_digest": file_digest(traces)}
    coder = "import:" + "+".join(sorted({name.split(" ")[0] for name in report.formats.values()}))
    parameters = {name: value for name, value in how.items() if value is not None}
    what = {
        "codebook": book.digest,
        "coder": coder,
        "parameters": parameters,
        "scheme": unitizer.scheme,
        "lang": lang,
        "source": digests,
    }
    fingerprint = digest(what)
    return Manifest(
        run_id=f"import-{fingerprint.removeprefix('sha256:')[:12]}",
        fingerprint=fingerprint,
        status="running",
        started=now(),
        codebook={"id": book.id, "version": book.version, "digest": book.digest},
        coders=[CoderInfo(name=name, kind=kind) for name, kind in kinds.items()],
        coder=coder,
        scheme=unitizer.scheme,
        lang=lang or "",
        parameters=parameters,
        source={"files": [str(path) for path in paths], "traces": str(traces), **digests},
        versions=versions(),
    )


def _write(out: Path, book: Codebook, manifest: Manifest, coded: Iterator[Coded]) -> None:
    writer = RunWriter(out, manifest, book)
    try:
        for number, (trace, units, codings) in enumerate(coded):
            if not writer.complete and number >= writer.done:
                writer.write(trace, units, codings)
        if not writer.complete:
            writer.finish("complete")
    finally:
        writer.close()
