"""``pcode import``: human codings in files → a run like any coder's.

    coder_A.csv, coder_B.csv  +  traces.jsonl  →  RUN/{run.json, traces.jsonl, units.jsonl, codings.jsonl}

Read (`read_codings.py`, `tools/`) → find the places in the traces (`locate_rows.py`) → read the cells (`parse_cells.py`) →
units (`build_codings.py`) → write. All problems of all files are found before anything is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

from ..codebook import Codebook, load_codebook
from ..errors import InputError
from ..files.records import write_jsonl
from ..provenance import file_digest
from ..runs.coding import CoderInfo, CoderKind
from ..runs.given_units import unitizer_of
from ..runs.run import Manifest
from ..runs.run_writer import RunWriter
from ..unit import Unitizer
from .build_codings import build_codings
from .locate_rows import find_scheme, place_spans, place_units
from .packet_return import ReturnedPacket
from .parse_cells import SpanCoding, parse_cells
from .raw_coding import RawCoding
from .read_codings import CodingsRead, CodingsReport, read_codings

SHOWN = 50
OWN = "own"


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
    ``kind`` is what the coders are of whom the files do not say it (human, if not given). With ``on_error="stop"`` any
    problem raises `InputError`, which names up to 50 of them (all are in ``OUT.problems.jsonl``), and no run is written.
    """
    _exclusive(units, project, scheme, packet, traces, codebook)
    back = ReturnedPacket(packet, coder) if packet is not None else None
    book, out, paths = _codebook(codebook, back), Path(out), [Path(file) for file in files]
    report = CodingsReport(str(out))
    read = read_codings(paths, report, book, format=format, kind=kind, coder=coder, back=back)
    where = back.traces if back else _traces(traces, units)
    cut = _unitizer(read, where, book, units, project, scheme, lang, back)
    placed, loose = _place(read, where, None if project else cut, back, report)
    coded = parse_cells(placed, book, report)
    _finish(report, read, coded, paths, on_error)
    if cut is None:
        spans = [(trace_id, one.start, one.end) for trace_id, found in coded.items() for one in found]
        cut = Unitizer.given(spans, lang)
        _count_alone(report, coded)
    projecting = loose or bool(project)
    parameters: dict[str, Any] = {
        "units": str(units) if units else None,
        "project": project,
        "on_error": on_error,
    }
    if coder or back:
        parameters |= {"coder": coder, "laid on units": projecting or None}
    if not read.kinds.keys() >= set(report.coders):
        parameters["kind"] = kind or "human"
    kinds = {name: read.kinds.get(name, kind or "human") for name in report.coders}
    manifest = _manifest(report, book, cut, lang, where, paths, kinds, parameters, back)
    writer = RunWriter(out, manifest, book)
    try:
        codings = build_codings(report, where, coded, cut, projecting, book, manifest, back)
        for number, (trace, its_units, its_codings) in enumerate(codings):
            if not writer.complete and number >= writer.done:
                writer.write(trace, its_units, its_codings)
        if not writer.complete:
            writer.finish("complete")
    finally:
        writer.close()
    report.scheme = cut.scheme
    return report


def _exclusive(
    units: object, project: object, scheme: object, packet: object, traces: object, codebook: object
) -> None:
    if sum(x is not None for x in (units, project, scheme)) > 1:
        raise InputError("--units, --project and --scheme exclude each other", "say one of them")
    known = {"units": units, "project": project, "scheme": scheme, "traces": traces, "codebook": codebook}
    for option, value in known.items():
        if packet is not None and value is not None:
            raise InputError(f"--{option} is known from the packet", f"leave --{option} out")


def _codebook(codebook: str | Path | None, back: ReturnedPacket | None) -> Codebook:
    if back:
        return back.packet.codebook
    if codebook is None:
        raise InputError(
            "no codebook is given",
            "add --codebook ID@VERSION, or --packet PACKET for what came back of a packet",
        )
    return load_codebook(codebook)


def _traces(traces: str | Path | None, units: str | Path | None) -> Path:
    if traces is not None:
        return Path(traces)
    if units is None or str(units) == OWN:
        raise InputError("no traces file is given", "add --traces traces.jsonl")
    return Path(units) / "traces.jsonl"


def _unitizer(
    read: CodingsRead,
    traces: Path,
    book: Codebook,
    units: str | Path | None,
    project: str | None,
    scheme: str | None,
    lang: str | None,
    back: ReturnedPacket | None,
) -> Unitizer | None:
    """What cuts the units; ``None`` if the spans of the files do, or nothing was read."""
    if not read.rows:
        return None
    if back:
        return back.unitizer(lang)
    own = str(units) == OWN
    if units is not None and not own:
        return unitizer_of("", lang, units)[0]
    if read.by_unit:
        if own or project:
            raise InputError(
                f"{'--units own' if own else '--project'} needs spans, and these files name units by unit_id",
                "leave it out, or give trace_id start end quote",
            )
        return Unitizer(scheme or find_scheme(read.rows, traces, [*read.schemes, book.unit], lang), lang)
    if own:
        return None
    if not (project or scheme):
        raise InputError(
            "these files code spans: what shall be the units?",
            f"--units own (the spans themselves), --project {book.unit} (by largest overlap), --scheme {book.unit} (spans must be its units), or --units RUN",
        )
    return Unitizer(project or scheme or "", lang)


def _place(
    read: CodingsRead,
    traces: Path,
    exact: Unitizer | None,
    back: ReturnedPacket | None,
    report: CodingsReport,
) -> tuple[list[RawCoding], bool]:
    """The rows that have a place, and whether the spans of a packet's files are other than its units, which ``exact`` cuts."""
    if not read.rows:
        return [], False
    if exact and read.by_unit:
        placed = place_units(read.rows, traces, report, exact)
    else:
        placed = place_spans(read.rows, traces, report, exact, strict=back is None)
    if exact is None or back is None:
        return placed, False
    if not back.exact(placed):
        return placed, True
    placed, practice, uncalled = back.asked(placed)
    report.problems += uncalled
    report.practice = len(practice)
    report.add("practice, left out", [raw.where for raw in practice])
    return placed, False


def _finish(
    report: CodingsReport,
    read: CodingsRead,
    coded: dict[str, list[SpanCoding]],
    paths: Sequence[Path],
    on_error: str,
) -> None:
    """Sort the problems and write them aside; raise where nothing is left, or, with ``stop``, where there is any."""
    order = {name: at for at, name in enumerate(report.formats)}
    report.problems.sort(key=lambda problem: (order[problem.file], problem.row))
    kept = {one.coder for found in coded.values() for one in found}
    report.coders = [coder for coder in read.coders if coder in kept]
    _settle_problems(report, Path(report.out), on_error)
    if not coded:
        raise InputError(
            f"{', '.join(map(str, paths))}: no coding to import",
            "see the problems above" if report.problems else "the files are empty",
        )


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


def _count_alone(report: CodingsReport, coded: dict[str, list[SpanCoding]]) -> None:
    by_span: dict[tuple[str, int, int], set[str]] = {}
    for trace_id, found in coded.items():
        for one in found:
            by_span.setdefault((trace_id, one.start, one.end), set()).add(one.coder)
    if len({coder for who in by_span.values() for coder in who}) > 1:
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
    back: ReturnedPacket | None,
) -> Manifest:
    digests = {"files_digest": [file_digest(path) for path in paths], "traces_digest": file_digest(traces)}
    coder = "import:" + "+".join(sorted({name.split(" ")[0] for name in report.formats.values()}))
    parameters = {name: value for name, value in how.items() if value is not None}
    source: dict[str, Any] = {"files": [str(path) for path in paths], "traces": str(traces), **digests}
    if back:
        folder = back.packet.folder
        source |= {"packet": str(folder), "packet_digest": file_digest(folder / "packet.json")}
    same: dict[str, Any] = {"coder": coder, "parameters": parameters, "scheme": unitizer.scheme}
    return Manifest.new(
        "import",
        book,
        {**same, "lang": lang, "source": digests},
        **same,
        coders=[CoderInfo(name=name, kind=kind) for name, kind in kinds.items()],
        lang=lang or "",
        source=source,
    )
