"""``pcode sample --plan``: how many units people have to code, as a table and a picture."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from ..report.sample_size import SampleSize


def show_plan(out: Path | None, as_json: bool, given: dict[str, Any]) -> None:
    """Print the table; with ``out``, write plan.csv, plan.svg and plan.png there."""
    from ..codebook import load_codebook
    from ..report.sample_size import assume, sample_size

    coders = [name for name in (given["coders"] or "A,B").split(",") if name.strip()]
    names = ("run", "code", "alpha", "prevalence", "per_trace", "icc")
    assumed = assume(
        codes=len(load_codebook(given["codebook"]).codes), coders=len(coders), **{n: given[n] for n in names}
    )
    size = sample_size(assumed, precision=given["precision"], seed=given["seed"])
    if out is not None:
        _write(size, out)
    if as_json:
        click.echo(json.dumps(_json(size), ensure_ascii=False, indent=1))
        return
    _print(size)
    if out is not None:
        click.echo(f"written to {out}: plan.csv, plan.svg, plan.png")


def _json(size: SampleSize) -> dict[str, Any]:
    a = size.assumed
    assumed = {
        name: getattr(a, name)
        for name in ("alpha", "code_alpha", "prevalence", "per_trace", "icc", "coders", "code")
    }
    return {
        "assumed": assumed | {"shares": list(a.shares), "origin": dict(a.origin)},
        "precision": size.precision,
        "needed": dict(size.needed),
        "rows": size.rows(),
        "simulated_studies": size.runs,
        "seed": size.seed,
    }


def _write(size: SampleSize, out: Path) -> None:
    from ..files.records import atomic

    rows, picture = size.rows(), size.figure().render()
    with atomic(out / "plan.csv") as file:
        table = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        table.writeheader()
        table.writerows(rows)
    with atomic(out / "plan.svg") as file:
        file.write(picture.svg)
    with atomic(out / "plan.png", "wb") as file:
        file.write(picture.png)


def _print(size: SampleSize) -> None:
    from rich.markup import escape
    from rich.table import Table

    from .console import console

    a, out = size.assumed, console()
    out.print(
        escape(
            f"α {a.alpha:.3g} ({a.origin['alpha']}); {a.code}: {100 * a.prevalence:.3g} % of units "
            f"({a.origin['prevalence']}), α {a.code_alpha:.3g}; {a.per_trace} units a trace ({a.origin['per_trace']}), "
            f"intraclass correlation {a.icc:.3g} ({a.origin['icc']}); {a.coders} coders"
        )
    )
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in (
        "units",
        "traces",
        "α ±",
        "shown ≥ .667",
        "α of the code ±",
        "its frequency, 95 %",
        "units with it",
    ):
        table.add_column(column, justify="right")
    for r in size.rows():
        table.add_row(
            f"{r['n_units']:,}", f"{r['n_traces']:,}", _number(r["alpha_half"]), _number(r["alpha_shown"]),
            _number(r["code_alpha_half"]), f"{100 * r['code_low']:.1f}–{100 * r['code_high']:.1f} %",
            f"{r['code_expected']:.0f}",
        )  # fmt: skip
    out.print(table)
    own = min(size.precision, a.prevalence / 2)
    words = {
        "alpha": f"α ± {size.precision:g}",
        "code_alpha": f"α of {a.code} ± {size.precision:g}",
        "share": f"the frequency of {a.code} ± {100 * own:.3g} points",
    }
    parts = [f"{words[name]}: {'out of reach' if n is None else f'{n:,}'}" for name, n in size.needed.items()]
    out.print(escape(f"units needed for {'; '.join(parts)}"))
    out.print(
        f"α: {size.runs} simulated studies a row, seed {size.seed}; frequency: by formula, without a machine's help",
        style="dim",
    )


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}".lstrip("0")
