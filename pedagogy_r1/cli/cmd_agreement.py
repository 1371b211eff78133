"""``pcode agreement``: how far coders agree, human with human and human with machine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from ._agreement import print_report


@click.command("agreement")
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--by",
    type=click.Choice(["code", "domain", "condition", "model", "item"]),
    default=None,
    help="Also print α by code, or within each domain, condition …",
)
@click.option(
    "--replace",
    type=click.Choice(["expert", "skilled", "crowd"]),
    default=None,
    help="May a machine replace a human? Say what the humans are; it sets the cost of theirs (ε .2, .15, .1).",
)
@click.option(
    "--reference", default=None, help="A coder to measure the others against: precision, recall, F1 by code."
)
@click.option(
    "--before",
    multiple=True,
    type=click.Path(path_type=Path),
    help="A run of the same coders under an earlier codebook version: what did the new one change? May be repeated.",
)
@click.option("--hayes", is_flag=True, help="Also the Hayes–Krippendorff intervals, which are too narrow.")
@click.option("--coders", default=None, help="Only these coders, separated by commas.")
@click.option(
    "--replicates", type=click.IntRange(0), default=1000, show_default=True, help="Bootstrap resamples."
)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option(
    "--json",
    "json_file",
    type=click.Path(path_type=Path, allow_dash=True),
    default=None,
    help="Write everything here; - for stdout.",
)
def command(
    runs: tuple[Path, ...],
    by: str | None,
    replace: Any,
    reference: str | None,
    before: tuple[Path, ...],
    hayes: bool,
    coders: str | None,
    replicates: int,
    seed: int,
    json_file: Path | None,
) -> None:
    """Krippendorff's α over RUNS, with bootstrap intervals over units and over traces.

    Runs are joined by unit: give the humans' run and the machine's to compare them. α is that of the primary code, at
    the codebook's level (nominal, for Schön); --by code adds the presence or absence of every code, --by domain the
    comparisons within each domain. --replace runs the alternative-annotator test (Calderon et al. 2025).
    """
    from ..agreement import agree
    from ..files.records import atomic

    names = [name.strip() for name in coders.split(",")] if coders else []
    report = agree(
        runs,
        coders=names,
        by=None if by == "code" else by,
        replace=replace,
        reference=reference,
        before=before,
        hayes=hayes,
        replicates=replicates,
        seed=seed,
    )
    if json_file is not None:
        text = json.dumps(report.as_json(), ensure_ascii=False, indent=1)
        if str(json_file) == "-":
            click.echo(text)
            return
        with atomic(json_file) as file:
            file.write(text + "\n")
    print_report(report, codes=by == "code")
    if json_file is not None:
        click.echo(f"written to {json_file}", err=True)
