"""``pcode report``: the answers, the methods, and every table and figure, in one page and as files."""

from __future__ import annotations

import sys
from pathlib import Path

import click


@click.command("report")
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path),
    required=True,
    help="Folder for the page, tables and figures.",
)
@click.option("--title", default="", help="Title of the page; default: the codebook's.")
@click.option(
    "--coder", default=None, help="Whose codings the frequencies show; default: who coded most units."
)
@click.option(
    "--contrast",
    "contrasts",
    multiple=True,
    metavar="COLUMN:A:B",
    help="Compare these, as condition:cop:generic; may be repeated. Default: all conditions, models, right and wrong.",
)
@click.option(
    "--family",
    default=None,
    metavar="CODE,…",
    help="The confirmatory codes, named before looking; default: all of the codebook's.",
)
@click.option(
    "--replicates", type=click.IntRange(0), default=1000, show_default=True, help="Bootstrap resamples."
)
@click.option(
    "--permutations",
    type=click.IntRange(1),
    default=9999,
    show_default=True,
    help="Relabellings of a contrast.",
)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option(
    "--inclusion",
    type=click.Path(path_type=Path),
    default=None,
    metavar="FILE",
    help="Table of unit_id (or trace_id) and inclusion_probability: how people's units were drawn. Default: assumed, and said.",
)
def command(
    runs: tuple[Path, ...],
    out: Path,
    title: str,
    coder: str | None,
    contrasts: tuple[str, ...],
    family: str | None,
    replicates: int,
    permutations: int,
    seed: int,
    inclusion: Path | None,
) -> None:
    """Write a report on RUNS: OUT/report.html, tables as CSV and LaTeX, figures as SVG and PNG.

    Give the humans' run and the machine's together: agreement, corrected shares and the comparison need both. What cannot
    be estimated from the runs is left out, and the page says why.
    """
    from ..report import ReportSettings, build_report, parse_comparison
    from ..sampling.inclusion import read_inclusion

    settings = ReportSettings(
        coder=coder,
        contrasts=tuple(parse_comparison(text) for text in contrasts),
        family=tuple(code.strip() for code in family.split(",") if code.strip()) if family else None,
        replicates=replicates,
        permutations=permutations,
        seed=seed,
        inclusion=read_inclusion(inclusion) if inclusion else None,
    )
    report = build_report(runs, out, settings, title=title, progress=_say)
    if sys.stderr.isatty():
        click.echo("\r\x1b[2K", nl=False, err=True)
    for answer in report.answers:
        click.echo(f"{answer.question} {answer.short}")
    click.echo(
        f"written to {out / 'report.html'} ({len(report.tables)} tables, {len(report.figures)} figures beside it)"
    )


def _say(step: str) -> None:
    """One line that changes, on a terminal; nothing else where."""
    if sys.stderr.isatty():
        click.echo(f"\r\x1b[2K{step} …", nl=False, err=True)
