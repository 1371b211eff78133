"""``pcode distill``: a teacher's answers to questions drawn evenly over the domains."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ._progress import traces_bar
from .options import backend_options, generation_options, status_of

if TYPE_CHECKING:
    from ..train.distill import Distillation
    from ..wbeb.generation import Generation

FILE = click.Path(path_type=Path)


@click.command("distill")
@click.argument("items", type=FILE)
@click.option("-o", "--out", type=FILE, required=True, help="Folder to write, or to resume.")
@click.option("--model", required=True, help="Teacher, as BACKEND:NAME, e.g. vllm:Qwen/QwQ-32B.")
@click.option(
    "--condition", default="cop", show_default=True, help="Prompt condition: a name, or a YAML file."
)
@click.option("--n", type=click.IntRange(1), default=5000, show_default=True, help="Questions to draw.")
@click.option(
    "--weights", default=None, metavar="SK=2,KT=1", help="Share of each domain [default: all the same]."
)
@generation_options
@click.option("--dry-run", is_flag=True, help="Say what would be drawn and asked, and stop.")
@click.option("--json", "as_json", is_flag=True, help="Print the manifest (or plan) as JSON.")
@click.pass_context
def command(
    ctx: click.Context,
    /,
    items: Path,
    out: Path,
    weights: str | None,
    backend: tuple[str, ...],
    dry_run: bool,
    as_json: bool,
    **given: Any,
) -> None:
    """Draw questions from the train half of ITEMS and put them to a teacher.

    Every domain gives the same number, or its share by --weights; a domain with fewer gives all it has and the others fill
    the gap. OUT/traces.jsonl says of every answer whether it is right. The same command resumes a run that was interrupted.
    """
    from ..train.distill import parse_weights, prepare_distill, run_distill

    distillation = prepare_distill(
        items, out, weights=parse_weights(weights), backend=backend_options(backend), **given
    )
    if dry_run:
        _print_plan(distillation, as_json)
        return
    _print_short(distillation)
    with traces_bar("distill") as progress:
        generation = run_distill(distillation, progress)
    manifest = generation.manifest
    if as_json:
        click.echo(json.dumps(manifest.model_dump(mode="json"), ensure_ascii=False, indent=1))
    else:
        _print_outcomes(generation)
    ctx.exit(status_of(manifest))


def _print_short(distillation: Distillation) -> None:
    for row in distillation.draw.short:
        click.secho(
            f"{row.domain} has {row.train:,} items in train, {row.wanted:,} wanted: the other domains give more",
            fg="yellow",
            err=True,
        )


def _print_plan(distillation: Distillation, as_json: bool) -> None:
    plan = distillation.plan()
    if as_json:
        click.echo(json.dumps(plan, ensure_ascii=False, indent=1))
        return
    _print_short(distillation)
    for name, value in plan.items():
        if isinstance(value, dict):
            text = ", ".join(f"{count:,} {domain}" for domain, count in value.items())
        else:
            text = f"{value:,}" if isinstance(value, int) else str(value)
        click.echo(f"{name.replace('_', ' '):>28}  {text}")
    click.echo("nothing was sent or written")


def _print_outcomes(generation: Generation) -> None:
    from ..train.distill import outcomes

    found = outcomes(generation)
    head = ("domain", "traces", "correct", "wrong", "unread", "truncated")
    click.echo("  ".join(f"{name:>9}" for name in head))
    for domain, counts in found.items():
        click.echo("  ".join([f"{domain:>9}", *(f"{counts[name]:>9,}" for name in head[1:])]))
    right = sum(counts["correct"] for counts in found.values())
    whole = sum(counts["traces"] for counts in found.values())
    click.echo(f"{right:,} of {whole:,} traces are right, written to {generation.folder / 'traces.jsonl'}")
