"""``pcode unitizing``: agreement of coders who drew their own spans, on where the spans are and on what they are."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from ..formatting import interval, shown
from ..limits import LEVEL
from .console import console, notice, print_json, table
from .options import PATH, coders_option, json_option, partial_option, resampling_options

if TYPE_CHECKING:
    from ..agreement import Unitizing


@click.command("unitizing")
@click.argument("runs", nargs=-1, required=True, type=PATH)
@coders_option("Only these coders.")
@click.option(
    "--pairing",
    type=click.Choice(["2016", "union"]),
    default="2016",
    show_default=True,
    help="How three or more coders are paired in cu-α; union: for comparison with other software.",
)
@click.option(
    "--silent",
    type=click.Choice(["missing", "nothing"]),
    default="missing",
    show_default=True,
    help="A coder without a span in a trace did not code it, or found nothing there.",
)
@partial_option()
@resampling_options(level=False)
@json_option()
def command(
    runs: tuple[Path, ...],
    coders: tuple[str, ...],
    silent: Literal["missing", "nothing"],
    partial: bool,
    as_json: bool,
    **how: Any,
) -> None:
    """The unitizing α family over RUNS whose coders chose their own spans (pcode import --units own).

    u: spans and codes together; |u: spans alone; cu: codes, where spans meet; (k)u: one code.
    """
    from ..agreement import continua_of, unitizing_alpha
    from ..runs.run import CoderRun, require_complete

    opened = [CoderRun(run) for run in runs]
    unfinished = require_complete(opened, partial)
    found = unitizing_alpha(continua_of(opened, coders=coders, silent=silent, partial=partial), **how)
    for sentence in unfinished:
        notice(sentence)
    if as_json:
        print_json(asdict(found) | {"partial": list(unfinished)})
    else:
        _print(found)


def _print(found: Unitizing) -> None:
    from rich.markup import escape

    out = console()
    coders = escape(" – ".join(found.coders))
    out.print(f"[bold]{coders}[/] · {found.n_continua} traces, {found.length:,} characters")
    family = {
        "u  spans and codes": found.u,
        "|u  spans alone": found.binary,
        "cu  codes where spans meet": found.coded,
    } | {f"({code})u": alpha for code, alpha in found.per_code.items()}
    rows = []
    for name, alpha in family.items():
        coverage = "" if alpha.coverage is None else shown(alpha.coverage, "share")
        note = alpha.why_undefined or alpha.why_no_interval or ""
        limits = interval(*(alpha.ci or (None, None)))
        rows.append((escape(name), shown(alpha.estimate), limits, coverage, f"[dim]{escape(note)}[/]"))
    heads = ("", "α", f"{shown(LEVEL, 'percent')} over traces", "coverage", "note")
    out.print(table(*heads, rows=rows, left=("", "note")))
    out.print(escape(found.method), style="dim")
    if found.warning:
        out.print(escape(found.warning), style="yellow")
