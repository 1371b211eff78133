"""``pcode distill``: a teacher's answers to questions drawn evenly over the domains."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from . import model_options, options
from .console import notice, print_plan, progress_bar, put_json, report_missing, say

if TYPE_CHECKING:
    from ..wbeb.generation import Generation


@click.command("distill", cls=options.Command)
@click.argument("items", type=options.PATH)
@options.out("Folder to write, or to resume; with --shards also an address.", options.JOB)
@options.option("--model", "Teacher, as BACKEND:NAME, e.g. vllm:Qwen/QwQ-32B.", required=True)
@options.option("--condition", "Prompt condition: a name, or a YAML file.", default="cop")
@options.option("--n", "Questions to draw.", options.FROM_1, default=5000)
@options.option("--weights", "Share of each domain [default: all the same].", metavar="SK=2,KT=1")
@model_options.generation()
@model_options.sharding()
@options.dry_run("drawn and asked")
@options.as_json("the manifest (or the plan)")
def command(items: Path, out: Path, weights: str | None, dry_run: bool, as_json: bool, **given: Any) -> int:
    """Draw questions from the train half of ITEMS and put them to a teacher.

    Every domain gives the same number, or its share by --weights; a domain with fewer gives all it has and the others fill
    the gap. OUT/traces.jsonl says of every answer whether it is right. The same command resumes a run that was interrupted.
    With --shards OUT is a corpus of the same traces, in a folder or under s3:// or gs://, made shard by shard by so many
    processes (docs/scale.md).
    """
    from ..train.distill import parse_weights, prepare_distill, run_distill

    shards, makes = model_options.sharded(given)
    settings = model_options.requested(given, given["model"]) | shards
    distillation = prepare_distill(items, out, weights=parse_weights(weights), **settings)
    for row in distillation.draw.short:
        there, wanted = f"{row.train:,} items in train", f"{row.wanted:,} wanted"
        notice(f"{row.domain} has {there}, {wanted}: the other domains give more")
    if dry_run:
        print_plan(distillation.plan(), as_json)
        return 0
    with progress_bar("distill") as progress:
        generation = run_distill(distillation, progress, **makes)
    manifest = generation.manifest
    if not put_json(manifest.model_dump(mode="json"), as_json):
        _print_outcomes(generation)
    return report_missing(manifest)


def _print_outcomes(generation: Generation) -> None:
    found = generation.outcomes()
    head = ("domain", "traces", "correct", "wrong", "unread", "truncated")
    say("  ".join(f"{name:>9}" for name in head))
    for domain, counts in found.items():
        say("  ".join([f"{domain:>9}", *(f"{counts[name]:>9,}" for name in head[1:])]))
    right = sum(counts["correct"] for counts in found.values())
    whole = sum(counts["traces"] for counts in found.values())
    where = generation.place if generation.manifest.shards else generation.folder / "traces.jsonl"
    say(f"{right:,} of {whole:,} traces are right, written to {where}")
