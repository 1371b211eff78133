"""``pcode disagreements``: what coders confuse, what the codebook says of it, and which rule decides."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..formatting import counted, shown
from . import options
from .console import escape, put, put_json, say, table

if TYPE_CHECKING:
    from ..agreement.disagreement import ConfusedPair, Disagreements, QuotedUnit
    from ..codebook import Code


@click.command("disagreements", cls=options.Command)
@click.argument("runs", nargs=-1, required=True, type=options.PATH)
@options.coders("Whose. [default: all people; with fewer than two, the two coders there are]")
@options.names("--pair", "Only this pair of codes.", metavar="X,Y")
@options.option("--pairs most", "Pairs printed in full.", options.FROM_0, default=5)
@options.option("--quotes", "Quotes a pair.", options.FROM_0, default=4)
@options.partial()
@options.as_json("everything, all units included,")
@options.out(
    "Folder for a sheet for the meeting (HTML and Markdown), tables (CSV) and the JSON.",
    options.folder_of("disagreements.*", "pairs.csv", "units.csv"),
    required=False,
)
def command(
    runs: tuple[Path, ...], most: int, quotes: int, as_json: bool, out: Path | None, **which: Any
) -> None:
    """Print what the coders of RUNS confuse, pair of codes by pair of codes, with quotes and memos.

    Each pair comes with what the codebook says of both codes and the rule that decides between them, or that there is
    none: that is the rule to write next (`pcode codebook bump`). Units with the same primary code never appear.
    """
    from ..agreement.disagreement import disagreements

    found = disagreements(runs, **which)
    if out is not None:
        from ..report.disagreement_sheet import write_sheet

        for path in write_sheet(found, out, max(quotes, 8)):
            say(f"written to {path}", err=True)
    if not put_json(found.as_json(), as_json):
        _print(found, most, quotes)


def _print(found: Disagreements, most: int, quotes: int) -> None:
    from ..report.disagreement_sheet import heading

    put(f"[bold]{escape(found.book.stamp)}[/] · {escape(heading(found))}")
    if not found.pairs:
        shared = "no unit was coded by two of them" if not found.n_units else "none to show"
        put(shared, style="yellow")
        return
    rows = []
    for pair in found.pairs:
        rule = escape(", ".join(f"in {rule.code}" for rule in pair.rules)) or "[yellow]none: to be written[/]"
        rows.append((escape(" – ".join(pair.codes)), str(pair.count), shown(pair.share, "percent"), rule))
    put(table("codes", "count", "share", "rule", rows=rows, left=("codes", "rule")))
    for pair in found.pairs[:most]:
        _print_pair(found, pair, quotes)
    if len(found.pairs) > most:
        say(
            f"{counted(len(found.pairs) - most, 'more pair')}: --pairs {len(found.pairs)}, or -o DIR",
            err=True,
        )


def _print_pair(found: Disagreements, pair: ConfusedPair, quotes: int) -> None:
    from ..report.disagreement_sheet import code_of, counted_pair

    put(f"\n[bold]{escape(' – '.join(pair.codes))}[/]  {escape(counted_pair(pair))}")
    for name in pair.codes:
        _print_code(name, code_of(found, name))
    for rule in pair.rules:
        put(f"  [green]rule[/] of {rule.code} against {rule.against}: {escape(rule.rule)}")
    if not pair.rules:
        put(f"  {escape(pair.undecided)}", style="yellow")
    for unit in pair.quotes(quotes):
        _print_unit(unit)


def _print_code(name: str, code: Code | None) -> None:
    if code is None:
        put(f"  [bold]{escape(name)}[/]  no code applies")
        return
    put(f"  [bold]{escape(code.id)}[/] {escape(code.name)}: {escape(_line(code.definition))}")
    for mark, texts in (("+", code.include), ("−", code.exclude)):
        for text in texts:
            put(f"    [dim]{mark}[/] {escape(_line(text))}")


def _print_unit(unit: QuotedUnit) -> None:
    put(f"  “{escape(_line(unit.text))}” [dim]{escape(unit.trace_id)}[/]")
    for one in unit.said:
        memo = f": {escape(_line(one.memo))}" if one.memo else ""
        put(f"    {escape(one.coder)} [bold]{escape('; '.join(one.codes) or 'none')}[/]{memo}")


def _line(text: str) -> str:
    return " ".join(text.split())
