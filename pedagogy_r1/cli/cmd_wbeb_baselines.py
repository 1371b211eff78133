"""``pcode wbeb baselines``: what classical knowledge tracing gets on the same test items."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import InputError
from ..formatting import DASH, level_words, shown
from . import options
from .console import escape, estimate_cells, put, put_json, say, table

if TYPE_CHECKING:
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
@options.out("CSV file for the table.", options.FILE, required=False)
@options.as_json()
@options.json_file()
def command(
    items: Path, models: tuple[str, ...], out: Path | None, as_json: bool, json_file: Path | None, **how: Any
) -> None:
    """Train knowledge-tracing models on the train split of ITEMS, and score them on its test split.

    Scored on every step of the test students from their second on, as the literature does, and on the items' target steps
    alone, which is what language models are scored on.
    """
    from ..estimate import Resampling
    from ..files.records import write_csv
    from ..wbeb.kt.baselines import baselines
    from ..wbeb.kt.steps import students

    train, test = _split(items)
    rows = baselines(
        test,
        students(train),
        students(test),
        models=models or MODELS,
        seed=how["seed"],
        how=Resampling(**how),
        progress=lambda name: say(f"{name} …", err=True),
    )
    if out is not None:
        write_csv(out, _csv_rows(rows))
        say(f"written to {out}", err=True)
    found = {"seed": how["seed"], "rows": [row.as_json() for row in rows]}
    if not put_json(found, as_json, json_file):
        _print(rows, train, test, level_words(how["level"]))


def _split(path: Path) -> tuple[list[Item], list[Item]]:
    """KT items of the train and of the test split."""
    from ..files.records import need_file
    from ..wbeb.item import read_items

    need_file(path, "items come from: pcode wbeb build")
    found = [item for item in read_items(path) if item.domain == "KT"]
    if not found:
        raise InputError(f"{path}: no KT items", "baselines are for knowledge tracing")
    parts = {name: [item for item in found if item.split == name] for name in ("train", "test")}
    for name, part in parts.items():
        if not part:
            raise InputError(f"{path}: no KT items in the split {name}", "pcode wbeb build splits items")
    return parts["train"], parts["test"]


def _print(rows: list[TracerScores], train: list[Item], test: list[Item], head: str) -> None:
    groups = [len({item.group for item in part}) for part in (train, test)]
    put(f"[bold]Knowledge tracing[/] · {groups[0]:,} students to train on, {groups[1]:,} to foretell")
    for on in dict.fromkeys(row.on for row in rows):
        lines = [_line(row) for row in rows if row.on == on]
        put(table(on, "AUC", head, "accuracy", head, "majority", "n", rows=lines))
    for note in sorted({note for row in rows for note in _notes(row)}):
        put(escape(note), style="yellow")


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
    cells = [*estimate_cells(area.estimate), *estimate_cells(accuracy.estimate)]
    return (row.model, *cells, shown(accuracy.majority), f"{area.estimate.n:,}")


def _csv_rows(rows: list[TracerScores]) -> Iterator[tuple[Any, ...]]:
    names = ["name", "value", "low", "high", "level", "n", "clusters"]
    names += ["chance", "majority", "why_undefined", "note"]
    yield ("model", "on", *names)
    for row in rows:
        for score in row.scores:
            found = score.as_json()
            yield (row.model, row.on, *(found[name] for name in names))
        if row.why_missing:
            yield (row.model, row.on, *("" for _ in names[:-2]), row.why_missing, "")
