"""``pcode export``: runs as one tidy table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from . import options
from .console import say

if TYPE_CHECKING:
    from ..runs.where import Where


@click.command("export", cls=options.Command)
@click.argument("runs", nargs=-1, required=True, type=options.PATH)
@options.out("File to write: .csv, .xlsx, .parquet or .jsonl.", options.FILE)
@click.option(
    "--for",
    "for_",
    type=click.Choice(["ena", "tna", "scout"]),
    default=None,
    help="A table that R's rENA (a 0/1 column a code) or tna (a row a sequence) reads as it is, or one like inspect_scout's results.",
)
@options.flag("--wide", "A row a unit, a column a coder, for R's irr and irrCAC: the primary codes.")
@options.where()
@options.partial()
def command(
    runs: tuple[Path, ...], out: Path, where: Where | None, partial: bool, for_: Any, wide: bool
) -> int:
    """Write the codings of RUNS as a table, one row per unit × coder × code.

    A unit with no code has one row with an empty code; a reason beside it says that the coding is missing. In CSV and
    XLSX, text that a spreadsheet would run as a formula gets an apostrophe in front. A run that is not complete is refused;
    with --partial its first traces are written, the column run_status says so, and the exit status is 1.
    """
    from ..runs.export import export_runs
    from ..runs.run import require_complete, restricted

    found = restricted(runs, where)
    count = export_runs(found, out, partial=partial, for_=for_, wide=wide)
    say(f"{count} rows written to {out}")
    if wide:
        say("a cell is a coder's primary code; second codes are not in this table", err=True)
    unfinished = any(run.manifest.status != "complete" for run in found)
    for sentence in require_complete(found, partial):
        say(f"warning: {sentence}", color="red", bold=True, err=True)
    if unfinished:
        say("hint:  complete it with the command that started it, and export again", err=True)
    return 1 if unfinished else 0
