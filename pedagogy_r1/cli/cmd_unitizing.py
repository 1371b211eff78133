"""``pcode unitizing``: agreement of coders who drew their own spans, on where the spans are and on what they are."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..formatting import counted, level_words, shown
from . import options
from .console import alpha_cells, cluster_cells, escape, put, put_json, put_verdicts, said_of, say, table

if TYPE_CHECKING:
    from ..agreement.gamma import Gamma
    from ..agreement.unitizing import Unitizing
    from ..runs.where import Where

NAMES = {"u": "u  spans and codes", "|u": "|u  spans alone", "cu": "cu  codes where spans meet"}


@click.command("unitizing", cls=options.Command)
@click.argument("runs", nargs=-1, required=True, type=options.PATH)
@options.coders("Only these coders.")
@options.choice(
    "--pairing",
    "How three or more coders are paired in cu-α; union: for comparison with other software.",
    ["2016", "union"],
)
@options.choice(
    "--silent",
    "A coder without a span in a trace did not code it, or found nothing there.",
    ["missing", "nothing"],
)
@options.where()
@options.partial()
@options.resampling(ways=True)
@options.flag(
    "--gamma", "Also γ of every trace, from --seed; it takes overlaps (pip install pedagogy-r1[gamma])."
)
@options.as_json()
def command(
    runs: tuple[Path, ...], where: Where | None, partial: bool, gamma: bool, as_json: bool, **how: Any
) -> None:
    """The unitizing α family over RUNS whose coders chose their own spans (pcode import --units own).

    u: spans and codes together; |u: spans alone; cu: codes, where spans meet; (k)u: one code. --gamma adds γ (Mathet et
    al. 2015), which forgives a limit that is slightly off.
    """
    from ..agreement.continuum import continua_of, overlap_in
    from ..agreement.gamma import gamma as gammas
    from ..agreement.unitizing import unitizing_alpha
    from ..runs.run import require_complete, restricted

    found_runs = restricted(runs, where)
    unfinished = require_complete(found_runs, partial)
    continua = continua_of(found_runs, partial=partial, **options.taken(how, "coders", "silent"))
    aligned = gammas(continua, seed=how["seed"]) if gamma else []
    lapping = overlap_in(continua) if gamma else ""
    found = None if lapping else unitizing_alpha(continua, **how)
    own = {"gamma": [one.as_json() for one in aligned]} if gamma else {}
    told = found.as_json() if found else {"why_undefined": lapping}
    if not put_json(told | own | {"partial": list(unfinished)}, as_json):
        for sentence in unfinished:
            say(sentence, color="yellow")
        if found:
            _print(found, f"{level_words(how['level'])} over traces")
        else:
            say(f"no unitizing alpha: {lapping}", color="yellow")
        _print_gamma(aligned)


def _print(found: Unitizing, over: str) -> None:
    coders = escape(" – ".join(found.coders))
    put(f"[bold]{coders}[/] · {counted(found.n_continua, 'trace')}, {found.length:,} characters")
    rows = []
    for name, alpha in found.family.items():
        coverage = "" if alpha.coverage is None else shown(alpha.coverage, "share")
        note = f"[dim]{escape(alpha.why_undefined or '')}[/]"
        name = escape(NAMES.get(name, name))
        rows.append((name, *alpha_cells(alpha), *cluster_cells(alpha), coverage, note))
    heads = ("", "α", over, "traces", "effective", "coverage", "note")
    put(table(*heads, rows=rows, left=("", "note")))
    put(escape(found.method), style="dim")
    put_verdicts(found.family.items())
    for line in said_of((why, name) for name, alpha in found.family.items() for why in alpha.warnings):
        put(escape(line), style="yellow")


def _print_gamma(aligned: Sequence[Gamma]) -> None:
    if aligned:
        rows = []
        for one in aligned:
            note = f"[dim]{escape(one.why_undefined or '')}[/]"
            rows.append((escape(one.name), shown(one.value), shown(one.gamma_cat), note))
        put(table("trace", "γ", "γ of codes", "note", rows=rows, left=("trace", "note")))
        put(escape(aligned[0].method), style="dim")
