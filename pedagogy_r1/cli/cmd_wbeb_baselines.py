"""``pcode wbeb baselines``: what classical knowledge tracing gets on the same test items."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..formatting import DASH, interval, level_words, shown
from . import options
from .console import console, escape, put_json, table

if TYPE_CHECKING:
    from ..wbeb.domain import Score
    from ..wbeb.item import Item
    from ..wbeb.kt.baselines import TracerScores

MODELS = ("majority", "IRT", "PFA", "BKT", "DKT")


@click.command("baselines", cls=options.Command)
@click.argument("items", type=options.PATH)
@options.option(
    "--only models",
    "Only this model; may be repeated. DKT needs torch.",
    click.Choice(MODELS, case_sensitive=False),
    multiple=True,
)
@options.resampling("students", seed_of="the resamples, and of DKT")
@options.out("CSV file for the table.", required=False)
@options.as_json()
@options.json_file()
def command(
    items: Path,
    models: tuple[str, ...],
    seed: int,
    replicates: int,
    level: float,
    out: Path | None,
    as_json: bool,
    json_file: Path | None,
) -> None:
    """Train knowledge-tracing models on the train split of ITEMS, and score them on its test split.

    Scored on every step of the test students from their second on, as the literature does, and on the items' target steps
    alone, which is what language models are scored on.
    """
    from ..estimate import Resampling
    from ..wbeb.kt.baselines import baselines
    from ..wbeb.kt.steps import students

    train, test = _split(items)
    rows = baselines(
        test,
        students(train),
        students(test),
        models=models or MODELS,
        seed=seed,
        how=Resampling(replicates, seed, level),
        progress=lambda name: click.echo(f"{name} …", err=True),
    )
    if out is not None:
        _write_csv(rows, out)
        click.echo(f"written to {out}", err=True)
    if not put_json(lambda: {"seed": seed, "rows": [row.as_json() for row in rows]}, as_json, json_file):
        _print(rows, train, test, level_words(level))


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


def _print(rows: list[TracerScores], train: list[Item], test: list[Item], head: str) -> None:
    out = console()
    groups = [len({item.group for item in part}) for part in (train, test)]
    out.print(f"[bold]Knowledge tracing[/] · {groups[0]:,} students to train on, {groups[1]:,} to foretell")
    for on in dict.fromkeys(row.on for row in rows):
        lines = [_line(row) for row in rows if row.on == on]
        out.print(table(on, "AUC", head, "accuracy", head, "majority", "n", rows=lines))
    for note in sorted({note for row in rows for note in _notes(row)}):
        out.print(escape(note), style="yellow")


def _notes(row: TracerScores) -> Iterator[str]:
    if row.why_missing:
        yield f"{row.model}: {row.why_missing}"
    for score in row.scores:
        if score.estimate.why_undefined:
            yield f"{row.on}: no {score.name}: {score.estimate.why_undefined}"


def _line(row: TracerScores) -> tuple[str, ...]:
    if row.why_missing:
        return row.model, DASH
    area, accuracy = row.scores
    return (row.model, *_cells(area), *_cells(accuracy), shown(accuracy.majority), f"{area.estimate.n:,}")


def _cells(score: Score) -> tuple[str, str]:
    estimate = score.estimate
    return f"[bold]{shown(estimate.value)}[/]", f"[dim]{interval(estimate.low, estimate.high)}[/]"


def _write_csv(rows: list[TracerScores], path: Path) -> None:
    from ..files.records import atomic

    names = ["name", "value", "low", "high", "level", "n", "clusters"]
    names += ["chance", "majority", "why_undefined", "note"]
    with atomic(path) as file:
        writer: Any = csv.writer(file, lineterminator="\n")
        writer.writerow(("model", "on", *names))
        for row in rows:
            for score in row.scores:
                found = score.as_json()
                writer.writerow((row.model, row.on, *(found[name] for name in names)))
            if row.why_missing:
                writer.writerow((row.model, row.on, *("" for _ in names[:-2]), row.why_missing, ""))
