"""``pcode wbeb eval``: a model's answers to items, scored."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..formatting import interval, level_words, shown
from . import model_options, options
from .console import escape, notice, print_plan, progress_bar, put, put_json, report_missing, say, table

if TYPE_CHECKING:
    from ..wbeb.domain import Score
    from ..wbeb.evaluation import DomainScores, Evaluation


@click.command("eval", cls=options.Command)
@click.argument("model")
@click.argument("items", type=options.PATH)
@options.out("Folder to write, or to resume; with --shards also an address.", options.JOB)
@options.option("--condition", "Prompt condition: a name, or a YAML file.", default="generic")
@options.choice("--split", "Which items are asked.", ["test", "train", "all"])
@options.option("--domain domains", "Only this one; may be repeated.", multiple=True, metavar="DOMAIN")
@options.limit("so many items a domain and task, drawn by the seed")
@options.option(
    "--logprobs/--no-logprobs probabilities",
    "KT: ask for token probabilities, where the server gives them.",
    default=True,
)
@options.flag("--baselines", "KT: also score the classical models, learnt from the train split.")
@options.resampling("groups", seed_of=None)
@model_options.generation()
@model_options.sharding()
@options.dry_run("asked")
@options.as_json("the scores (or the plan)")
def command(
    model: str, items: Path, out: Path, baselines: bool, dry_run: bool, as_json: bool, **given: Any
) -> int:
    """Put ITEMS to MODEL (BACKEND:NAME) and score the answers.

    Writes OUT/scores.json and scores.csv, and OUT/traces.jsonl, which `pcode annotate` takes as it is. The same command
    resumes a run that was interrupted. With --shards OUT is a corpus of the same traces, in a folder or under s3:// or
    gs://, made shard by shard by so many processes, and scored when all are there (docs/scale.md).
    """
    from ..estimate import Resampling
    from ..wbeb.evaluation import evaluate, learners, write_scores
    from ..wbeb.generate import execute, plan, prepare
    from ..wbeb.generate_corpus import execute_shards, plan_shards, prepare_shards
    from ..wbeb.item import read_items, select

    there = list(read_items(items))
    how = Resampling(seed=given["seed"], **options.taken(given, "replicates", "level"))
    limit, which = given.pop("limit") or None, options.taken(given, "split", "domains")
    chosen = select(there, limit=limit, seed=given["seed"], **which)
    train = [item for item in there if item.split == "train"]
    if baselines:
        learners(train)  # an error now rather than when all is asked and paid
    shards, makes = model_options.sharded(given)
    asked = {"model": model, "pool": train, **model_options.requested(given, model)}
    if shards:
        job = prepare_shards(chosen, out, **shards, **asked)
        planned, run = partial(plan_shards, job), partial(execute_shards, job, **makes)
    else:
        whole = prepare(chosen, out, **asked)
        planned, run = partial(plan, whole), partial(execute, whole)
    if dry_run:
        print_plan(planned(), as_json)
        return 0
    with progress_bar("answers") as progress:
        generation = run(progress=progress)
    if generation.manifest.status == "complete":
        evaluation = evaluate(generation, how, baselines_from=train if baselines else None)
        write_scores(generation, evaluation)
        if not put_json(evaluation.as_json(), as_json):
            _print(evaluation)
            traces = generation.place if shards else generation.folder / "traces.jsonl"
            say(f"written to {generation.place}; code the traces with: pcode annotate {traces} -o RUN")
    return report_missing(generation.manifest)


def _print(evaluation: Evaluation) -> None:
    parameters = evaluation.parameters
    shots = f", {parameters['shots']} examples" if parameters["shots"] else ""
    put(f"[bold]{escape(evaluation.model)}[/] · condition {escape(evaluation.condition)}{shots}")
    rows = [
        _cells(row, score, first=not k, baseline=row in evaluation.baselines)
        for row in (*evaluation.rows, *evaluation.baselines)
        for k, score in enumerate(row.scores)
    ]
    heads = ("", "", "score", " ", level_words(evaluation.level), "n", "chance", "majority")
    put(table(*heads, "unread", "cut off", "tokens", rows=rows, left=("", "score")))
    for note in evaluation.notes:
        notice(note)
    for row in (*evaluation.rows, *evaluation.baselines):
        name = row.who if row in evaluation.baselines else _name(row)
        for note in row.notes:
            notice(f"{name}: {note}")
        for score in row.scores:
            if score.remarks and row in evaluation.rows:
                say(f"{name} {score.name}: {score.remarks}")


def _cells(row: DomainScores, score: Score, *, first: bool, baseline: bool) -> tuple[str, ...]:
    e = score.estimate
    whose = (_name(row) if first else "", row.who if baseline else "", score.name)
    value = "[yellow]undefined[/]" if e.value is None else shown(e.value)
    numbers = (escape(interval(e.low, e.high)), f"{e.n:,}", shown(score.chance), shown(score.majority))
    shares = [
        shown(row.parse_failures, "percent"),
        shown(row.truncated, "percent"),
        shown(row.tokens, "count"),
    ]
    return (*map(escape, whose), value, *numbers, *(shares if first else ("", "", "")))


def _name(row: DomainScores) -> str:
    return " ".join(filter(None, (row.domain, row.task)))
