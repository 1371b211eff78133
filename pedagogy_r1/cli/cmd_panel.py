"""``pcode panel``: several machine coders to one, with a confidence for each code."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..formatting import counted, shown
from . import options
from .console import cluster_cells, escape, estimate_cells, notice, put, put_json, say, table

if TYPE_CHECKING:
    from ..agreement.machine_panel import Panel


@click.command("panel", cls=options.Command)
@click.argument("runs", nargs=-1, required=True, type=options.PATH)
@options.out("Run directory to write, or to resume.", options.JOB)
@options.option(
    "--people",
    "A run in which people coded some of the units: votes are weighted by it, and α is said. May be repeated.",
    options.PATH,
    multiple=True,
    metavar="RUN",
)
@options.option(
    "--method",
    "How votes become a code [default: weighted with --people, else dawid-skene].",
    ["majority", "dawid-skene", "weighted"],
)
@options.coders("Only these machine coders.")
@options.seed("the folds over items")
@options.resampling(seed_of=None)
@options.as_json()
def command(runs: tuple[Path, ...], out: Path, people: tuple[Path, ...], as_json: bool, **given: Any) -> None:
    """Make one coder of the machine coders of RUNS, which coded the same units under the same codebook.

    \b
    pcode panel runs/a runs/b runs/c -o runs/panel --people runs/humans
    pcode agreement runs/humans runs/panel

    Each coding has a confidence, and who voted for what as its rationale. weighted learns from people's codings how far each
    coder errs and which err together; what it says of a trace was learned without the trace's item. dawid-skene takes how
    far each errs from the votes alone. majority counts votes; the first coder decides a tie, or with --people the best one.
    """
    from ..agreement.machine_panel import panel

    found = panel(runs, out, people=people, **given)
    if not put_json(found.as_json(), as_json):
        _print(found, out)


def _print(found: Panel, out: Path) -> None:
    missing = f", {found.missing:,} missing (no coder coded them)" if found.missing else ""
    ties = f", {counted(found.ties, 'tie')} {found.run.manifest.parameters['ties']}" if found.ties else ""
    of = f"{counted(len(found.coders), 'coder')} ({', '.join(found.coders)})"
    say(f"{found.method} of {of}: {counted(found.units, 'unit')}{missing}{ties}")
    if found.alphas:
        rows = [
            (escape(name), *estimate_cells(alpha), f"{alpha.n:,}", *cluster_cells(alpha))
            for name, alpha in found.alphas.items()
        ]
        out_of_fold = "" if found.method == "dawid-skene" else ", out of fold over items"
        title = f"mean α with {', '.join(found.people)}, on units that they coded{out_of_fold}"
        heads = ("coder", "α", "over traces", "units", "traces", "effective")
        put(table(*heads, rows=rows, left=("coder",), title=title))
        for name, alpha in found.alphas.items():
            if alpha.why_undefined:
                notice(f"α of {name} is undefined: {alpha.why_undefined}")
    errors = found.errors
    if errors and errors.mean_correlation is not None and errors.effective is not None:
        say(
            f"the coders' errors against people's codes correlate by {shown(errors.mean_correlation, 'number')} on average: "
            f"{len(found.coders)} of them are worth {shown(errors.effective, 'number')} whose errors are unrelated"
        )
    elif errors and errors.why_undefined:
        say(f"whether the coders err together cannot be said: {errors.why_undefined}")
    for remark in found.remarks:
        notice(remark)
    say(f"next: pcode agreement {out} HUMANS")
