"""``pcode wbeb compare``: evaluations side by side."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from . import options
from .console import escape, notice, put, put_json, say, table

if TYPE_CHECKING:
    from ..wbeb.comparison_table import TextTable

CSV = ("scores", "differences", "thinking", "published")


@click.command("compare", cls=options.Command)
@click.argument("folders", nargs=-1, required=True, type=options.PATH, metavar="DIR…")
@options.option("--base", "Run that others are held against: its folder or name [default: the first].")
@options.out(
    "Folder for compare.md, compare.json and CSV tables.",
    options.folder_of("compare.md", "compare.json", *(f"{name}.csv" for name in CSV)),
    required=False,
)
@options.resampling("groups")
@options.as_json()
def command(folders: tuple[Path, ...], base: str | None, out: Path | None, as_json: bool, **how: Any) -> None:
    """Compare the evaluations that `pcode wbeb eval` wrote into DIR….

    Over the items that all of them answered: scores, paired differences, conditions of one model against each other, and
    thought tokens of right and wrong answers. The published numbers stand below for reference.
    """
    from ..estimate import Resampling
    from ..wbeb.compare import compare
    from ..wbeb.comparison_table import NOTE, commands, tables, write
    from ..wbeb.comparison_table import as_json as plain

    comparison = compare(folders, base=base, how=Resampling(**how))
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        for path in write(out, comparison):
            say(f"written to {path}", err=True)
    if put_json(plain(comparison), as_json):
        return
    for k, found in enumerate(tables(comparison)):
        _print(found, stacked=not k)
    say(f"\n{NOTE}")
    for note in comparison.notes:
        notice(note)
    if lines := commands(comparison):
        say("\nhow often each code comes under the conditions:")
        for line in lines:
            say(f"  {line}")


def _print(found: TextTable, *, stacked: bool) -> None:
    """``stacked``: intervals under their scores, since there are many columns."""
    heads = ["\n".join(name.rsplit(" ", 1)) if stacked else name for name in found.columns]
    rows = [[escape(cell.replace(" [", "\n[") if stacked else cell) for cell in row] for row in found.rows]
    shown = table(*heads, rows=rows, left=(heads[0], "less", "score", ""), title=found.title)
    shown.columns[0].no_wrap = True
    put()
    put(shown)
