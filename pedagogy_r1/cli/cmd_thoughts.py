"""``pcode thoughts``: language models find the thoughts of traces and judge them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ._progress import traces_bar
from .options import backend_options

if TYPE_CHECKING:
    from ..tokens.thought_run import ThoughtRun


@click.command("thoughts")
@click.argument("traces", type=click.Path(path_type=Path))
@click.option(
    "-o", "--out", type=click.Path(path_type=Path), required=True, help="Folder to write, or to resume."
)
@click.option(
    "--segmenter",
    default=None,
    metavar="BACKEND:NAME",
    help="Model that decides which switch cues are genuine [default: none; thought@1 cuts].",
)
@click.option(
    "--judge",
    "judges",
    multiple=True,
    metavar="BACKEND:NAME",
    help="Model that judges each thought; give two. Without judges thoughts are only cut.",
)
@click.option(
    "--base-url",
    "base_urls",
    multiple=True,
    metavar="[MODEL=]URL",
    help="Server of all models, or of one: --base-url openai:B=http://127.0.0.1:8001/v1.",
)
@click.option(
    "--api-key-env",
    "api_key_envs",
    multiple=True,
    metavar="[MODEL=]VARIABLE",
    help="Environment variable with the key, of all models or of one [default: OPENAI_API_KEY].",
)
@click.option(
    "--backend-option",
    "backend",
    multiple=True,
    metavar="KEY=VALUE",
    help="Option of hf: or vllm: models; may be repeated.",
)
@click.option("--all", "every", is_flag=True, help="Judge the thoughts of right responses, too.")
@click.option("--temperature", type=float, default=0.0, show_default=True, help="A negative one is not sent.")
@click.option("--max-output-tokens", type=click.IntRange(1), default=None, help="Limit for one reply.")
@click.option(
    "--max-tokens-total",
    type=click.IntRange(1),
    default=None,
    help="Stop cleanly when a model, in one part, has used so many.",
)
@click.option(
    "--concurrency", type=click.IntRange(1), default=16, show_default=True, help="Most requests in flight."
)
@click.option(
    "--timeout",
    type=click.FloatRange(0, min_open=True),
    default=300.0,
    show_default=True,
    help="Seconds for one request.",
)
@click.option(
    "--retries",
    type=click.IntRange(0),
    default=6,
    show_default=True,
    help="Further tries of a failed request.",
)
@click.option(
    "--backoff",
    type=click.FloatRange(0),
    default=0.5,
    show_default=True,
    help="Seconds before the first retry.",
)
@click.option("--retry-missing", is_flag=True, help="Ask again for what an earlier session gave up.")
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--dry-run", is_flag=True, help="Say what would be asked, and stop.")
@click.option("--json", "as_json", is_flag=True, help="Print the manifest (or plan) as JSON.")
@click.pass_context
def command(
    ctx: click.Context,
    /,
    traces: Path,
    out: Path,
    backend: tuple[str, ...],
    dry_run: bool,
    as_json: bool,
    **given: Any,
) -> None:
    """Cut the reasoning of TRACES into thoughts, and have two models judge those of wrong responses.

    Writes OUT/thoughts.jsonl for `pcode tokens TRACES --thoughts OUT/thoughts.jsonl`. The same command resumes a run
    that was interrupted.
    """
    from ..tokens.asked_thoughts import execute, plan
    from ..tokens.thought_run import prepare

    try:
        job = prepare(traces, out, backend=backend_options(backend), **given)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    if dry_run:
        _print_plan(plan(job), as_json)
        return
    with traces_bar("thoughts") as progress:
        run = execute(job, progress=progress)
    if as_json:
        click.echo(json.dumps(run.model_dump(mode="json"), ensure_ascii=False, indent=1))
    elif run.status == "complete":
        _print_run(run, traces, out)
    if run.status != "complete":
        more = " and a larger --max-tokens-total" if run.status == "stopped" else ""
        _notice(f"{run.status}: {run.stopped_why}; resume with the same command{more}")
        ctx.exit(130 if run.status == "interrupted" else 1)
    if run.missing:
        ctx.exit(1)


def _notice(text: str) -> None:
    click.secho(text, fg="yellow", err=True)


def _print_run(run: ThoughtRun, traces: Path, out: Path) -> None:
    from ..tokens.segmenter import NO_CUES

    counts = run.counts
    click.echo(f"{counts['traces']:,} traces, {counts['thoughts']:,} thoughts by {run.segmenter.model}")
    if "genuine" in counts:
        click.echo(f"{counts['genuine']:,} of {counts['cues_asked']:,} switch cues are genuine")
    if run.judges:
        agree = counts["judges_agree"]
        click.echo(
            f"{counts['judged']:,} thoughts judged by {' and '.join(j.model for j in run.judges)}: "
            f"{counts['correct']:,} correct"
        )
        click.echo(
            f"sure of a thought (2 of 2): both {agree['both_sure']:,}, first only {agree['first_only']:,}, "
            f"second only {agree['second_only']:,}, neither {agree['neither_sure']:,}"
        )
        for why, count in counts["traces_not_judged"].items():
            click.echo(f"not judged: {count:,} traces ({why})")
    for why, count in counts["missing"].items():
        again = "" if NO_CUES in why else "; ask again with --retry-missing"
        _notice(f"missing: {count:,} ({why}){again}")
    click.echo(f"next: pcode tokens {traces} --thoughts {out / 'thoughts.jsonl'}")


def _print_plan(plan: dict[str, Any], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(plan, ensure_ascii=False, indent=1))
        return
    click.echo(f"traces  {plan['traces']:,}")
    for part, asked in [("segmenter", plan["segmenter"]), *(("judge", judge) for judge in plan["judges"])]:
        numbers = ", ".join(
            f"{name.replace('_', ' ')} {n:,}" for name, n in asked.items() if isinstance(n, int)
        )
        click.echo(f"{part}  {asked['model']}{': ' * bool(numbers)}{numbers}")
    click.echo(plan["estimate"])
    click.echo("nothing was sent or written")
