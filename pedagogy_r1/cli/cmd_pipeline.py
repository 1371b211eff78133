"""``pcode pipeline``: recipes, run stage by stage."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ._pipeline_teach import teach
from ._pipeline_tiny import tiny
from .console import console

if TYPE_CHECKING:
    from ..train.pipeline import Pipeline, PlannedStage
    from ..train.recipe import Recipe

PATH = click.Path(path_type=Path)
SET = click.option(
    "--set",
    "pairs",
    multiple=True,
    metavar="KEY=VALUE",
    help="Another value for one of the recipe's parameters.",
)


@click.group("pipeline")
def command() -> None:
    """Run recipes: every stage of Pedagogy-R1 from one file."""


@command.command("run")
@click.argument("recipe")
@click.option(
    "-o", "--out", type=PATH, default=None, help="Folder of the pipeline [default: pipeline/RECIPE]."
)
@click.option(
    "--from", "start", default=None, metavar="STAGE", help="Run from this stage on, changed or not."
)
@SET
@click.option("--keep-code", is_flag=True, help="Stages made by another version of the code count as made.")
@click.option("--dry-run", is_flag=True, help="Say what would run and why, and stop.")
@click.option("--json", "as_json", is_flag=True, help="Print what was (or would be) done as JSON.")
@click.pass_context
def run(
    ctx: click.Context,
    /,
    recipe: str,
    out: Path | None,
    start: str | None,
    pairs: tuple[str, ...],
    keep_code: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Run RECIPE (a name, or a YAML file). What is unchanged is not run again; what was cut off is taken up.

    A stage runs if its words, the files it reads, or the code behind its command have changed, or if what it wrote is not
    there as it was. Stages lie in OUT, one folder each; OUT/stages says what each was made of.
    """
    from ..train.pipeline import Pipeline
    from .stages import CommandLine

    read = _recipe(recipe, pairs)
    out = out or Path("pipeline") / read.id
    pipeline = Pipeline(read, out, CommandLine(), keep_code=keep_code)
    if dry_run:
        steps = list(pipeline.plan(start))
        if as_json:
            click.echo(json.dumps([_step(pipeline, step) for step in steps], ensure_ascii=False, indent=1))
        else:
            _print_plan(pipeline, steps)
        return
    steps = pipeline.run(start, tell=lambda step: _announce(pipeline, step))
    if as_json:
        click.echo(json.dumps([_step(pipeline, step) for step in steps], ensure_ascii=False, indent=1))
    failed = [step.task.name for step in steps if (pipeline.record(step.task.name) or {}).get("exit") == 1]
    click.secho(f"{len(steps)} stages done, in {out}", bold=True, err=True)
    if failed:
        click.secho(f"done with failures, which each lists: {', '.join(failed)}", fg="yellow", err=True)
        ctx.exit(1)


@command.command("list")
def list_() -> None:
    """List the shipped recipes."""
    from ..train.recipe import load_recipe, recipes

    width = max(map(len, recipes()), default=0)
    for name in recipes():
        click.echo(f"{name:<{width}}  {load_recipe(name).title}")


@command.command("show")
@click.argument("recipe")
@SET
def show(recipe: str, pairs: tuple[str, ...]) -> None:
    """Print RECIPE whole, with what it extends, as a file to be changed: pcode pipeline show paper-7b > mine.yaml."""
    click.echo(_recipe(recipe, pairs).yaml(), nl=False)


@command.command("cost")
@click.argument("recipe")
@click.option("--gpu", "gpus", multiple=True, help="Only this one; may be repeated.")
@SET
@click.option("--json", "as_json", is_flag=True, help="Print the table as JSON.")
def cost(recipe: str, gpus: tuple[str, ...], pairs: tuple[str, ...], as_json: bool) -> None:
    """Estimate hours of each stage of RECIPE on several GPUs, from the models' shapes and the GPUs' data sheets."""
    from ..train.cost import cost_table, cost_text

    rows = cost_table(_recipe(recipe, pairs), gpus)
    click.echo(json.dumps([row.as_json() for row in rows], indent=1) if as_json else cost_text(rows))


command.add_command(tiny)
command.add_command(teach)


def _recipe(name: str, pairs: tuple[str, ...]) -> Recipe:
    from ..train.recipe import load_recipe, parse_parameter

    return load_recipe(name).with_parameters(dict(map(parse_parameter, pairs)))


def _step(pipeline: Pipeline, step: PlannedStage) -> dict[str, Any]:
    record = pipeline.record(step.task.name) or {}
    return {
        "stage": step.task.name,
        "will": step.will,
        "why": step.why,
        "words": step.task.words(pipeline.out),
        "needs": list(step.task.needs),
        "seconds": record.get("seconds"),
    }


_COLOURS = {"run": "green", "resume": "cyan", "look": "yellow", "keep": "white"}


def _print_plan(pipeline: Pipeline, steps: list[PlannedStage]) -> None:
    import shlex

    from rich.markup import escape

    out = console()
    for step in steps:
        head = (
            f"[{_COLOURS[step.will]}]{step.will:<6}[/] [bold]{escape(step.task.name)}[/]  {escape(step.why)}"
        )
        out.print(head)
        if step.will != "keep":
            out.print(f"       [dim]pcode {escape(shlex.join(step.task.words(pipeline.out)))}[/]")
    counts = {will: sum(step.will == will for step in steps) for will in _COLOURS}
    out.print("  ".join(f"{count} {will}" for will, count in counts.items() if count) + "; nothing was run")


def _announce(pipeline: Pipeline, step: PlannedStage) -> None:
    import shlex

    if step.will == "keep":
        click.secho(f"── {step.task.name}: {step.why}", dim=True, err=True)
    else:
        click.secho(f"── {step.task.name}: {step.will} ({step.why})", bold=True, err=True)
        click.echo(f"   pcode {shlex.join(step.task.words(pipeline.out))}", err=True)
