"""``pcode wbeb compare``: evaluations side by side."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .console import console, notice

if TYPE_CHECKING:
    from ..wbeb.comparison_table import TextTable

PATH = click.Path(path_type=Path)


@click.command("compare")
@click.argument("folders", nargs=-1, required=True, type=PATH, metavar="DIR…")
@click.option(
    "--base", default=None, help="Run that others are held against: its folder or name [default: the first]."
)
@click.option(
    "-o", "--out", type=PATH, default=None, help="Folder for compare.md, compare.json and CSV tables."
)
@click.option(
    "--replicates",
    type=click.IntRange(0),
    default=1000,
    show_default=True,
    help="Bootstrap resamples of groups.",
)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
def command(
    folders: tuple[Path, ...], base: str | None, out: Path | None, replicates: int, seed: int, as_json: bool
) -> None:
    """Compare the evaluations that `pcode wbeb eval` wrote into DIR….

    Over the items that all of them answered: scores, paired differences, conditions of one model against each other, and
    thought tokens of right and wrong answers. The published numbers stand below for reference.
    """
    from ..estimate import Resampling
    from ..wbeb.compare import compare
    from ..wbeb.comparison_table import commands, tables, write
    from ..wbeb.published import NOTE

    comparison = compare(folders, base=base, how=Resampling(replicates, seed))
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        for path in write(out, comparison):
            click.echo(f"written to {path}", err=True)
    if as_json:
        click.echo(json.dumps(comparison.as_json(), ensure_ascii=False, indent=1))
        return
    for k, table in enumerate(tables(comparison)):
        _print(table, stacked=not k)
    click.echo(f"\n{NOTE}")
    for note in comparison.notes:
        notice(note)
    if lines := commands(comparison):
        click.echo("\nhow often each code comes under the conditions:")
        for line in lines:
            click.echo(f"  {line}")


def _print(found: TextTable, *, stacked: bool) -> None:
    """``stacked``: intervals under their scores, since there are many columns."""
    from rich import table as rich
    from rich.markup import escape

    table = rich.Table(box=None, pad_edge=False, header_style="dim", title=escape(found.title))
    table.title_justify, table.title_style = "left", "bold"
    for k, name in enumerate(found.columns):
        head = "\n".join(name.rsplit(" ", 1)) if stacked else name
        left = k == 0 or name in ("less", "score", "")
        table.add_column(escape(head), justify="left" if left else "right", no_wrap=k == 0)
    for row in found.rows:
        table.add_row(*(escape(cell.replace(" [", "\n[") if stacked else cell) for cell in row))
    out = console()
    out.print()
    out.print(table)
