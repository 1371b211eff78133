"""``pcode unitizing``: agreement of coders who drew their own spans, on where the spans are and on what they are."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from ._agreement import interval, number
from .console import console

if TYPE_CHECKING:
    from ..agreement import Unitizing


@click.command("unitizing")
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--coders", default=None, help="Only these coders, separated by commas.")
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
@click.option(
    "--replicates", type=click.IntRange(0), default=1000, show_default=True, help="Bootstrap resamples."
)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(
    runs: tuple[Path, ...],
    coders: str | None,
    pairing: Literal["2016", "union"],
    silent: Literal["missing", "nothing"],
    replicates: int,
    seed: int,
    as_json: bool,
) -> None:
    """The unitizing α family over RUNS whose coders chose their own spans (pcode import --units own).

    u: spans and codes together; |u: spans alone; cu: codes, where spans meet; (k)u: one code.
    """
    from ..agreement import continua_of, unitizing_alpha
    from ..runs.run import CoderRun

    names = [name.strip() for name in coders.split(",")] if coders else []
    continua = continua_of([CoderRun(run) for run in runs], coders=names, silent=silent)
    found = unitizing_alpha(continua, pairing=pairing, replicates=replicates, seed=seed)
    if as_json:
        click.echo(json.dumps(asdict(found), ensure_ascii=False, indent=1))
    else:
        _print(found)


def _print(found: Unitizing) -> None:
    from rich.markup import escape
    from rich.table import Table

    out = console()
    out.print(
        f"[bold]{escape(' – '.join(found.coders))}[/] · {found.n_continua} traces, {found.length:,} characters"
    )
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("", "α", "95 % over traces", "coverage", "note"):
        table.add_column(name, justify="left" if name in ("", "note") else "right")
    rows = [
        ("u  spans and codes", found.u),
        ("|u  spans alone", found.binary),
        ("cu  codes where spans meet", found.coded),
    ]
    rows += [(f"({code})u", alpha) for code, alpha in found.per_code.items()]
    for name, alpha in rows:
        value = "–" if alpha.estimate is None else number(alpha.estimate)
        coverage = "" if alpha.coverage is None else f"{alpha.coverage:.1%}"
        note = alpha.why_undefined or alpha.why_no_interval or ""
        table.add_row(escape(name), value, interval(alpha.ci), coverage, f"[dim]{escape(note)}[/]")
    out.print(table)
    for line in (found.method, found.warning):
        if line:
            out.print(escape(line), style="dim" if line == found.method else "yellow")
