"""``pcode import``: what humans coded, into a run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..formatting import counted, plain_coder
from . import options
from .completes import completes, plugin_names
from .console import notice, put_json, say

if TYPE_CHECKING:
    from ..human.read_codings import CodingsReport


@click.command("import", cls=options.Command)
@click.argument("files", nargs=-1, required=True, type=options.PATH)
@options.option("--traces", "The traces that were coded. [with --units RUN: that run's]", options.PATH)
@options.out("Run directory to write.", options.Writes("job", beside=("{name}.problems.jsonl",)))
@options.codebook(
    "Codebook the coders used: ID@VERSION or a YAML file. [with --packet or --units RUN: theirs]",
    default=None,
)
@options.option(
    "--packet",
    "The packet that the files came back of: its traces, units and codebook are used.",
    options.PATH,
)
@options.coder("Whose the files are, where they do not say it, or name an account of the tool.")
@options.units("own: the spans are the units; RUN: the units of that run.", metavar="own|RUN")
@options.option("--project", "Lay the spans on these units, by largest overlap.", metavar="SCHEME")
@options.option(
    "--overlap",
    "Share of a unit's characters that a span laid on it must cover; of less the unit is missing [default: any].",
    options.SHARE,
)
@options.scheme("The rows are units of this scheme. [unit_ids: found out]")
@options.option(
    "--format layout",
    "long, wide, sheet, label_studio, doccano, prodigy, inception, qdpx, web, or another plugin [default: by what is in the file].",
    multiple=True,
    callback=options.one,
    metavar="NAME",
    **completes(plugin_names("human.tools")),
)
@options.option(
    "--kind",
    "human or machine: what the coders are of whom no column kind says it [default: human]; NAME=machine: what one of them is.",
    multiple=True,
    metavar="[NAME=]KIND",
)
@options.flag(
    "--split-by-annotator",
    "Make each account of the tool (completed_by, annotator, _annotator_id) a coder of its name.",
)
@options.lang()
@options.on_error()
@options.as_json("the report")
def command(
    files: tuple[Path, ...],
    traces: Path | None,
    out: Path,
    layout: str | None,
    units: Path | None,
    as_json: bool,
    kind: tuple[str, ...],
    **how: Any,
) -> int:
    """Import human codings from FILES (CSV, TSV, XLSX, ODS, JSON, JSONL, Parquet, or what a tool exports).

    Layouts: `trace_id start end quote coder code [memo]`, `unit_id coder code [memo]` (one row per unit and code, the
    first is primary), or `unit_id` and one column a coder. An empty cell is missing; "none" means that no code applies.
    All problems are listed at once; with --on-error skip the rest is imported.

    What coders send back of a packet is imported with --packet alone; docs/packets.md says what each tool exports.
    """
    from ..human.import_codings import import_codings

    how |= {
        "kind": _kinds(kind),
        "format": layout and layout.replace("-", "_"),
        "units": units and str(units),
    }
    report = import_codings(files, traces, out, **how)
    _say(report)
    if not put_json(report.as_json(), as_json):
        missing = f" and {report.missing} missing" if report.missing else ""
        what = f"{counted(report.codings - report.missing, 'coding')}{missing} by {', '.join(report.coders)}"
        where = f"{counted(report.units, 'unit')} of {counted(report.traces, 'trace')} ({report.scheme})"
        say(f"{what} on {where} written to {report.out}")
    return 1 if report.problems else 0


def _kinds(words: tuple[str, ...]) -> Any:
    """``("A=machine", "B=human")`` → by name; ``("machine",)`` → of all."""
    pairs = [(plain_coder(name), kind.strip()) for name, _, kind in (word.rpartition("=") for word in words)]
    for (name, kind), word in zip(pairs, words, strict=True):
        if kind not in ("human", "machine") or ("=" in word and not name):
            raise click.UsageError(f"--kind {word!r} is neither human nor machine, nor NAME=machine")
    of = dict(pairs)
    if len(pairs) < 2 and not any(of):
        return of.get("")
    if not any(of):
        raise click.UsageError("--kind: one for all coders, or NAME=machine for each")
    if "" in of or len(of) < len(pairs):
        raise click.UsageError("--kind: give each coder once, as NAME=machine, or one kind for all")
    return of


def _say(report: CodingsReport) -> None:
    for file, layout in report.formats.items():
        ignored = report.ignored.get(file)
        say(f"{file}: {layout}" + (f"; not read: {', '.join(ignored)}" if ignored else ""), err=True)
    for remark in _remarks(report):
        notice(remark)
    for problem in report.problems[:50]:
        notice(f"left out {problem}", "red")
    if report.aside:
        notice(f"{len(report.problems)} codings are left out; all are listed in {report.aside}", "red")


def _remarks(report: CodingsReport) -> Iterator[str]:
    yield from report.remarks
    for cause, n in report.moved.items():
        yield f"{n} spans moved ({cause}){_at(report, cause)}"
    if report.outside:
        yield f"{report.outside} spans lie in the answer, not in the reasoning, and are left out (to code answers too: traces import --map reasoning=FIELD){_at(report, 'outside')}"
    if report.alone:
        alone = ", ".join(f"{coder} {n}" for coder, n in report.alone.items())
        yield f"{report.shared} spans are shared; spans that only one coder has: {alone}"
    for coder, n in report.landless.items():
        if n:
            yield f"{n} spans of {coder} own no unit after projection"
    yield from (f"{n} × {what}{_at(report, what)}" for what, n in report.counts.items() if n)
    if report.not_coded:
        yield f'{report.not_coded} rows say "not coded": no coding is made of them'
    if left := report.traces_left_out:
        but = ", or only for practice," if report.practice else ""
        yield counted(
            left, f"trace that nobody coded{but} is left out", f"traces that nobody coded{but} are left out"
        )


def _at(report: CodingsReport, what: str) -> str:
    """Where: the first ten rows, and how many more (``--json`` has them all)."""
    places = report.places.get(what, [])
    more = f" and {len(places) - 10} more" if len(places) > 10 else ""
    return f": {', '.join(places[:10])}{more}" if places else ""
