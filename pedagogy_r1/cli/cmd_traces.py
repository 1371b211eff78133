"""``pcode traces``: bring traces in, look at them, check them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import InputError, did_you_mean
from ..formatting import counted
from . import options
from .completes import completes, plugin_names
from .console import notice, put_json, say

if TYPE_CHECKING:
    from ..intake import ImportReport


@click.group("traces", cls=options.Group)
def command() -> None:
    """Import reasoning traces, look at them, check them."""


@command.command("import")
@click.argument("files", nargs=-1, required=True, type=options.PATH)
@options.out(
    "Traces file to write (JSONL); with --shards the folder or address of a corpus.",
    options.Writes("file", beside=("{name}", "{name}.skipped.jsonl"), unless="shards"),
)
@options.shards("Write a corpus of so many Parquet files, for more traces than one file is good for.")
@options.option(
    "--map pairs",
    "Take TARGET from FIELD: a column, or a dotted path.",
    multiple=True,
    metavar="TARGET=FIELD",
)
@options.option("--model", "Model of all traces.")
@options.option("--domain", "Domain of all traces.", multiple=True, callback=options.one)
@options.option("--condition", "Condition of all traces.")
@options.lang("Language of all traces, e.g. ko [default: en].")
@options.option(
    "--no-think",
    "What a response without any think tag is taken for [default: reasoning; answer where reasoning has its own place].",
    ["reasoning", "answer", "error"],
)
@options.option(
    "--think-tags",
    "Tags around the reasoning, beside those that are known.",
    (str, str),
    multiple=True,
    metavar="OPEN CLOSE",
)
@options.option(
    "--format",
    "Format of all records [default: by their content].",
    multiple=True,
    callback=options.one,
    metavar="NAME",
    **completes(plugin_names("intake.formats")),
)
@options.option(
    "--explode",
    "Make a trace of each of several generations in a row: generations, or a column.",
    metavar="NAME",
)
@options.on_error()
@options.as_json("the report")
def import_(files: tuple[Path, ...], out: Path, pairs: tuple[str, ...], as_json: bool, **given: Any) -> int:
    """Convert FILES (JSONL, JSON, CSV, TSV, XLSX, ODS, Parquet, .eval; .gz and .zst; directories, patterns, corpora) into one traces file.

    The format of each record is told by its content (pcode traces formats lists them). Targets of --map: id item question
    response reasoning answer reference correct domain condition model lang. Well-known names are taken without it; every
    other field is kept under metadata. A response is split at <think>…</think> and the tags of other families; --no-think
    says what a response without any is. --on-error skip imports the good rows and writes the others to OUT.skipped.jsonl;
    records that are no traces (failed requests, other spans) go there in any case. With --shards OUT is a corpus, in a folder or
    under s3:// or gs://, and they go to OUT/skipped.jsonl. A corpus among FILES is read shard by shard, into other shards or one file.
    """
    from ..intake import import_traces
    from ..intake.fields import parse_map
    from ..sampling.locked import carry_locks, refuse_locked

    how = options.taken(given, "on_error", "no_think", "format", "explode", "think_tags", "shards")
    if how["shards"] is not None:
        refuse_locked(files)
    report = import_traces(files, out, mapping=parse_map(pairs), constants=given, **how)
    for lock in carry_locks(files, out) if how["shards"] is None else ():
        notice(f"{lock.path.name} counts for {out} too: a copy of it lies beside")
    _say(report)
    if not put_json(report.as_json(), as_json):
        traces, rows = counted(report.traces, "trace"), counted(report.rows, "row")
        say(f"{traces} of {rows} written to {report.out}")
    return 1 if report.skipped > report.left_out else 0


def _say(report: ImportReport) -> None:
    for name, rows in report.formats.most_common():
        say(
            f"{'format':>10}   {name}" + ("" if rows == report.rows else f" ({counted(rows, 'row')})"),
            err=True,
        )
    for (target, name), rows in sorted(report.mapped.items()):
        say(f"{target:>10} ← {name}" + ("" if rows == report.traces else f" ({rows} rows)"), err=True)
    for text, note in report.notes.items():
        more = ", …" if note.count > len(note.first) else ""
        notice(f"{note.count} × {text}: {', '.join(note.first)}{more}")
    for problem in report.problems:
        notice(f"skipped {problem}", "red")
    if report.joined:
        say(f"{report.joined} rows added to the trace of another: one response, several filters", err=True)
    if report.exploded:
        say(f"{report.exploded} further generations of a row are traces of the same item", err=True)
    if left := report.skipped - report.left_out - len(report.problems):
        notice(f"… and {left} more", "red")
    if report.aside:
        say(f"{counted(report.skipped, 'skipped row is', 'skipped rows are')} in {report.aside}", err=True)


@command.command("formats")
@options.as_json("the formats")
def formats(as_json: bool) -> None:
    """List the formats that import knows, with an example of each."""
    import json

    from ..intake.sniff import Formats

    known = Formats().all
    listed = [
        {"name": name, "what": format.what, "example": format.example}
        for name, format in sorted(known.items())
    ]
    if not put_json(listed, as_json):
        for one in listed:
            say(f"{one['name']}: {one['what']}\n  {json.dumps(one['example'], ensure_ascii=False)}")


@command.command("export")
@click.argument("file", type=options.PATH)
@options.out("File (.eval, .json, .jsonl) or, for hf, new folder to write.", options.FILE)
@options.option("--to", "What is to read them.", ["inspect", "hf", "openai-messages"], required=True)
def export(file: Path, out: Path, to: str) -> None:
    """Write the traces of FILE, of a run directory or of a corpus, as other programs read them.

    inspect: a log (.eval or .json) whose samples are the traces, traces of one item its epochs. hf: a folder with Parquet and a
    data card, for load_dataset. openai-messages: JSONL of messages with reasoning_content. Codings go out with pcode export.
    """
    from ..intake.export_traces import export_traces

    say(f"{counted(export_traces(file, out, to), 'trace')} written to {out}")


@command.command("show")
@click.argument("file", type=options.PATH)
@click.argument("trace_id", required=False)
def show(file: Path, trace_id: str | None) -> None:
    """List the traces of FILE, or print one of them whole."""
    from ..intake import some_traces

    ids = []
    for trace in some_traces(file):
        ids.append(trace.id)
        if trace_id is None:
            facts = (trace.id, trace.domain, trace.condition, trace.model, trace.think)
            say("  ".join([*filter(None, facts), f"{len(trace.reasoning):,} characters"]))
        elif trace.id == trace_id:
            parts = ("question", "reasoning", "answer")
            for name, value in trace.model_dump(exclude=set(parts), exclude_none=True).items():
                say(f"{name}: {value}")
            for part in parts:
                say(f"\n── {part} " + "─" * 40 + f"\n{getattr(trace, part)}")
            return
    if trace_id is not None:
        raise InputError(f"{file} has no trace {trace_id!r}", did_you_mean(trace_id, ids))


@command.command("check")
@click.argument("file", type=options.PATH)
def check(file: Path) -> None:
    """Read FILE strictly and count its traces; the first bad line is an error."""
    from collections import Counter

    from ..intake import some_traces

    think: Counter[str] = Counter()
    empty = 0
    for trace in some_traces(file):
        think[trace.think or "unknown"] += 1
        empty += not trace.reasoning.strip()
    ways = ", ".join(f"{n} {way}" for way, n in think.most_common())
    say(f"{counted(think.total(), 'trace')} ({ways}), {empty} without reasoning")
