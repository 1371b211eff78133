"""``pcode wbeb baselines``: what classical knowledge tracing gets on the same test items."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .console import console

if TYPE_CHECKING:
    from ..wbeb.domain import Score
    from ..wbeb.item import Item
    from ..wbeb.kt.baselines import TracerScores

MODELS = ("majority", "IRT", "PFA", "BKT", "DKT")


@click.command("baselines")
@click.argument("items", type=click.Path(path_type=Path))
@click.option(
    "--model",
    "models",
    multiple=True,
    type=click.Choice(MODELS, case_sensitive=False),
    help="Only this one; repeatable. DKT needs torch.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="For DKT; the others draw nothing.")
@click.option(
    "--replicates",
    type=click.IntRange(0),
    default=1000,
    show_default=True,
    help="Bootstrap resamples of students.",
)
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path),
    default=None,
    metavar="FILE",
    help="Write the table as CSV.",
)
@click.option(
    "--json",
    "json_file",
    type=click.Path(path_type=Path, allow_dash=True),
    default=None,
    help="Write everything here; - for stdout.",
)
def command(
    items: Path, models: tuple[str, ...], seed: int, replicates: int, out: Path | None, json_file: Path | None
) -> None:
    """Train knowledge-tracing models on the train split of ITEMS, and score them on its test split.

    Scored on every step of the test students from their second on, as the literature does, and on the items' target steps
    alone, which is what language models are scored on.
    """
    from ..estimate import Resampling
    from ..files.records import atomic
    from ..wbeb.kt.baselines import baselines
    from ..wbeb.kt.windows import students

    train, test = _split(items)
    rows = baselines(
        test,
        students(train),
        students(test),
        models=models or MODELS,
        seed=seed,
        how=Resampling(replicates, 0),
        progress=lambda name: click.echo(f"{name} …", err=True),
    )
    if out is not None:
        _write_csv(rows, out)
        click.echo(f"written to {out}", err=True)
    if json_file is not None:
        text = json.dumps(
            {"seed": seed, "rows": [row.as_json() for row in rows]}, ensure_ascii=False, indent=1
        )
        if str(json_file) == "-":
            click.echo(text)
            return
        with atomic(json_file) as file:
            file.write(text + "\n")
    _print(rows, train, test)
    if json_file is not None:
        click.echo(f"written to {json_file}", err=True)


def _split(path: Path) -> tuple[list[Item], list[Item]]:
    """KT items of the train and of the test split."""
    from ..errors import InputError
    from ..files.records import need_file
    from ..wbeb.item import read_items

    need_file(path, "items come from: pcode wbeb build")
    found = [item for item in read_items(path) if item.domain == "KT"]
    if not found:
        raise InputError(f"{path}: no KT items", "baselines are for knowledge tracing")
    parts = tuple([item for item in found if item.split == part] for part in ("train", "test"))
    for name, part in zip(("train", "test"), parts, strict=True):
        if not part:
            raise InputError(f"{path}: no KT items in the split {name}", "pcode wbeb build splits items")
    return parts[0], parts[1]


def _print(rows: list[TracerScores], train: list[Item], test: list[Item]) -> None:
    from rich.markup import escape
    from rich.table import Table

    from ..formatting import shown

    out = console()
    groups = [len({item.group for item in part}) for part in (train, test)]
    out.print(f"[bold]Knowledge tracing[/] · {groups[0]:,} students to train on, {groups[1]:,} to foretell")
    for on in dict.fromkeys(row.on for row in rows):
        table = Table(box=None, pad_edge=False, header_style="dim", title=None)
        for number, name in enumerate((on, "AUC", "95 %", "accuracy", "95 %", "majority", "n")):
            table.add_column(name, justify="left" if number == 0 else "right")
        for row in (row for row in rows if row.on == on):
            if row.why_missing:
                table.add_row(row.model, "–")
                continue
            area, accuracy = row.scores
            table.add_row(
                row.model, *_cells(area), *_cells(accuracy), shown(accuracy.majority), f"{area.estimate.n:,}"
            )
        out.print(table)
    notes = {f"{row.model}: {row.why_missing}" for row in rows if row.why_missing}
    notes |= {
        f"{row.on}: no {s.name}: {s.estimate.why_undefined}"
        for row in rows
        for s in row.scores
        if s.estimate.why_undefined
    }
    for note in sorted(notes):
        out.print(escape(note), style="yellow")


def _cells(score: Score) -> tuple[str, str]:
    from rich.markup import escape

    from ..formatting import interval, shown

    estimate = score.estimate
    return f"[bold]{shown(estimate.value)}[/]", f"[dim]{escape(interval(estimate.low, estimate.high))}[/]"


def _write_csv(rows: list[TracerScores], path: Path) -> None:
    import csv

    from ..files.records import atomic

    names = ["name", "value", "low", "high", "level", "n", "clusters"]
    names += ["chance", "majority", "why_undefined", "note"]
    with atomic(path) as file:
        table: Any = csv.writer(file, lineterminator="\n")
        table.writerow(("model", "on", *names))
        for row in rows:
            for score in row.scores:
                found = score.as_json()
                table.writerow((row.model, row.on, *(found[name] for name in names)))
            if row.why_missing:
                table.writerow((row.model, row.on, *("" for _ in names[:-2]), row.why_missing, ""))
