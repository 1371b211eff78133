"""``pcode report``: the answers, the methods, and every table and figure, in one page and as files."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..formatting import visible
from . import options
from .console import say

if TYPE_CHECKING:
    from ..runs.where import Where


@click.command("report", cls=options.Command)
@click.argument("runs", nargs=-1, required=True, type=options.PATH)
@options.out(
    "Folder for the page, tables and figures.",
    options.folder_of("report.html", "report.json", "tables/*", "figures/*"),
)
@options.option("--title", "Title of the page; default: the codebook's.", default="", show_default=False)
@options.coder("Whose codings the frequencies show; default: who coded most units.")
@options.option(
    "--by",
    "Also a table of the codes by this field of the traces, as metadata.grade or domain.",
    metavar="FIELD",
)
@options.contrasts()
@options.where()
@options.partial()
@options.resampling(ways=True)
@options.option(
    "--inclusion",
    "Table of unit_id (or trace_id) and inclusion_probability: how people's units were drawn. Default: assumed, and said.",
    options.PATH,
    metavar="FILE",
)
@options.choice("--labels", "What codes are called in figures.", ("ids", "names"))
@options.choice(
    "--figure-width",
    "Of the figures' files: a journal's two columns (180 mm) or one (85 mm).",
    ("double", "single"),
)
@options.choice("--scale", "Of shares in figures; log where one code dwarfs the rest.", ("linear", "log"))
@options.names("--ribbons", "Draw these traces unit by unit, a ribbon for each coder.", metavar="TRACE")
@options.option(
    "--stress",
    "Folder of pcode codebook stress, for the methods; again for another coder's.",
    options.PATH,
    multiple=True,
    metavar="FOLDER",
)
@options.option(
    "--registered",
    "What pcode preregister wrote [default: preregistration.json above the first run, if there is one].",
    options.PATH,
    metavar="FILE",
)
def command(
    runs: tuple[Path, ...],
    out: Path,
    title: str,
    contrasts: tuple[str, ...],
    family: tuple[str, ...],
    inclusion: Path | None,
    stress: tuple[Path, ...],
    registered: Path | None,
    where: Where | None,
    partial: bool,
    **given: Any,
) -> None:
    """Write a report on RUNS: OUT/report.html, tables as CSV and LaTeX, figures as SVG and PNG.

    Give the humans' run and the machine's together: agreement, corrected shares and the comparison need both. What cannot
    be estimated from the runs is left out, and the page says why. Of runs over a corpus with more than 2 million codings,
    which are added up shard by shard, so is what is made from single units.
    """
    from ..coding.stress_report import read_stress
    from ..report import ReportSettings, build_report, parse_comparisons
    from ..report.preregistration import find_registered, read_registered
    from ..runs.gathering import by_shards
    from ..runs.run import restricted
    from ..runs.where import values_of
    from ..sampling.inclusion import read_inclusion

    registered = registered or find_registered(runs[0])
    settings = ReportSettings(
        contrasts=parse_comparisons(contrasts),
        family=tuple(dict.fromkeys(family)) or None,
        inclusion=read_inclusion(inclusion) if inclusion else None,
        stress=tuple(map(read_stress, stress)),
        registered=read_registered(registered) if registered else None,
        **given,
    )
    found = restricted(runs, where)
    if settings.by and not by_shards(found):
        values_of(
            (trace for run in found for trace in run.traces()), settings.by
        )  # before anything is computed
    report = build_report(found, out, settings, title=title, progress=_say, partial=partial)
    if sys.stderr.isatty():
        click.echo("\r\x1b[2K", nl=False, err=True)
    for sentence in report.study.partial:
        say(sentence, color="yellow")
    for answer in report.answers:
        say(f"{answer.question} {answer.short}")
    beside = f"{len(report.tables)} tables, {len(report.figures)} figures beside it"
    say(f"written to {out / 'report.html'} ({beside})")


def _say(step: str) -> None:
    """One line that changes, on a terminal; nothing else where."""
    if sys.stderr.isatty():
        click.echo(f"\r\x1b[2K{visible(step)} …", nl=False, err=True)
