"""``pcode export``: runs as one tidy table."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("export")
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path),
    required=True,
    help="File to write: .csv, .xlsx, .parquet or .jsonl.",
)
def command(runs: tuple[Path, ...], out: Path) -> None:
    """Write the codings of RUNS as a table, one row per unit × coder × code.

    A unit with no code has one row with an empty code; a reason beside it says that the coding is missing. In CSV and
    XLSX, text that a spreadsheet would run as a formula gets an apostrophe in front.
    """
    from ..coding.export import export_runs

    count = export_runs(runs, out)
    click.echo(f"{count} rows written to {out}")
