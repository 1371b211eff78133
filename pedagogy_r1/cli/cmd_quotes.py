"""``pcode quotes``: every quotation of a code, to read and to cite."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..formatting import counted
from . import options
from .console import notice, say

if TYPE_CHECKING:
    from ..runs.where import Where


@click.command("quotes", cls=options.Command)
@click.argument("runs", nargs=-1, required=True, type=options.PATH)
@options.option("--code", "The code; none: where no code applies.", required=True)
@options.out("File to write: .docx, .html, .md or .csv.", options.FILE)
@options.coders("Only as given by these coders.")
@options.where()
@options.partial()
def command(
    runs: tuple[Path, ...], code: str, out: Path, coders: tuple[str, ...], where: Where | None, partial: bool
) -> None:
    """Write every unit of RUNS that was given a code, with its trace, the units before and after it, and who gave the code.

    A unit that several coders gave the code, in one run or in several, is quoted once, with all of them and all codes that
    they gave it. The table (.csv) has a row a quotation and coder.
    """
    from ..report.quotation_sheet import nobody, write_quotations
    from ..runs.quotations import quotations
    from ..runs.run import restricted

    found = quotations(restricted(runs, where), code, coders=coders, partial=partial)
    write_quotations(found, out)
    for sentence in found.partial:
        notice(sentence)
    if not found.quotations:
        used = "pcode report says how often each code was given" + ("; or drop --coder" if coders else "")
        notice(f"nothing to quote: {nobody(found)}; {used}")
    say(f"{counted(len(found.quotations), 'quotation')} of {code} written to {out}")
