"""``pcode annotate``: machine coding of traces."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from ._progress import traces_bar
from .options import backend_options

LLM_OPTIONS = (
    *(
        "base_url",
        "window",
        "context",
        "concurrency",
        "temperature",
        "repeats",
        "critic",
        "max_output_tokens",
    ),
    *("max_tokens_total", "timeout", "retries", "backoff", "retry_missing", "api_key_env"),
)


@click.command("annotate")
@click.argument("traces", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path),
    required=True,
    help="Run directory to write, or to resume.",
)
@click.option(
    "--codebook", default="schoen", show_default=True, help="Codebook: ID, ID@VERSION or a YAML file."
)
@click.option(
    "--coder",
    default=None,
    help="cues (rules, no model; the default), llm (implied by --model), or a plugin.",
)
@click.option("--model", default=None, help="Language model, as BACKEND:NAME, e.g. openai:gpt-4.1.")
@click.option(
    "--scheme",
    default=None,
    help="Unit scheme: sentence@1, paragraph@1, thought@1 [default: the codebook's].",
)
@click.option("--lang", default=None, help="Language of the traces [default: each trace's own].")
@click.option(
    "--units", type=click.Path(path_type=Path), default=None, help="Code exactly the units of this run."
)
@click.option("--workers", type=click.IntRange(1), default=None, help="cues: number of processes.")
@click.option("--base-url", default=None, help="llm: server, e.g. http://127.0.0.1:8000/v1.")
@click.option("--window", type=click.IntRange(1), default=None, help="llm: units a request [default: 20].")
@click.option(
    "--context", type=click.IntRange(0), default=None, help="llm: preceding units shown, not coded."
)
@click.option("--concurrency", type=click.IntRange(1), default=None, help="llm: most requests in flight.")
@click.option("--temperature", type=click.FloatRange(0), default=None, help="llm: sampling temperature.")
@click.option(
    "--repeats", type=click.IntRange(1), default=None, help="llm: code everything K times, as K coders."
)
@click.option(
    "--critic", is_flag=True, default=None, help="llm: second pass that confirms or changes; both are kept."
)
@click.option("--max-output-tokens", type=click.IntRange(1), default=None, help="llm: limit for one reply.")
@click.option(
    "--max-tokens-total",
    type=click.IntRange(1),
    default=None,
    help="llm: stop cleanly when this many are used.",
)
@click.option(
    "--timeout", type=click.FloatRange(0, min_open=True), default=None, help="llm: seconds for one request."
)
@click.option(
    "--retries", type=click.IntRange(0), default=None, help="llm: further tries of a failed request."
)
@click.option(
    "--backoff", type=click.FloatRange(0), default=None, help="llm: seconds before the first retry."
)
@click.option(
    "--retry-missing", is_flag=True, default=None, help="llm: ask again for units recorded as missing."
)
@click.option(
    "--api-key-env", default=None, help="llm: environment variable with the key [default: OPENAI_API_KEY]."
)
@click.option(
    "--backend-option",
    "backend",
    multiple=True,
    metavar="KEY=VALUE",
    help="llm: option of hf: or vllm: (docs/models.md); may be repeated.",
)
@click.option(
    "--price-in",
    type=click.FloatRange(0),
    default=None,
    help="Money per million prompt tokens, for --dry-run.",
)
@click.option(
    "--price-cached", type=click.FloatRange(0), default=None, help="The same for cached prompt tokens."
)
@click.option("--price-out", type=click.FloatRange(0), default=None, help="The same for completion tokens.")
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--dry-run", is_flag=True, help="Say what would be done and paid, and stop.")
@click.option("--json", "as_json", is_flag=True, help="Print the run's manifest (or plan) as JSON.")
@click.pass_context
def command(
    ctx: click.Context,
    /,
    traces: Path,
    out: Path,
    coder: str | None,
    model: str | None,
    dry_run: bool,
    as_json: bool,
    backend: tuple[str, ...],
    **given: Any,
) -> None:
    """Code every unit of TRACES and write a run directory.

    The same command resumes a run that was interrupted. Without --model the rule-based coder `cues` is used:
    a baseline that needs no key, no server and no download.
    """
    from ..coding.annotate import execute, plan, prepare

    prices = {name: given.pop(f"price_{name}") for name in ("in", "cached", "out")}
    options = {"model": model, "backend": backend_options(backend) or None} | {
        name: given.pop(name) for name in ("workers", *LLM_OPTIONS)
    }
    options = {name: value for name, value in options.items() if value is not None}
    job = prepare(traces, out, coder=coder or ("llm" if model else "cues"), **given, **options)
    if dry_run:
        _print_plan(plan(job), prices, as_json)
        return
    with traces_bar("annotate") as progress:
        run = execute(job, progress=progress, notice=_notice, restart=bool(options.get("retry_missing")))
    manifest = run.manifest
    if foreign := manifest.usage.get("foreign_traces"):
        _notice(_foreign(job.book.lang, foreign, manifest.counts["missing"]))
    if as_json:
        click.echo(json.dumps(manifest.model_dump(mode="json"), ensure_ascii=False, indent=1))
    else:
        _print_run(manifest, run.folder)
    if manifest.status != "complete":
        again = "resume with the same command" + (
            " and a larger --max-tokens-total" if manifest.status == "stopped" else ""
        )
        click.secho(f"{manifest.status}: {manifest.stopped_why}; {again}", fg="yellow", err=True)
        ctx.exit(130 if manifest.status == "interrupted" else 1)
    if sum(manifest.counts["missing"].values()):
        ctx.exit(1)


def _notice(text: str) -> None:
    click.secho(text, fg="yellow", err=True)


def _foreign(lang: str, traces: dict[str, int], missing: dict[str, int]) -> str:
    """``cues are English (en), 3 traces are ko, zh: 80 units missing``."""
    from ..unit.language import pipeline

    count = sum(traces.values())
    return (
        f"cues are {type(pipeline(lang)).__name__} ({lang}), {count} {'trace is' if count == 1 else 'traces are'} "
        f"{', '.join(sorted(traces))}: {sum(missing.values())} units missing"
    )


def _print_run(manifest: Any, folder: Path) -> None:
    counts = manifest.counts
    missing = sum(counts["missing"].values())
    click.echo(
        f"{counts['traces']} traces, {counts['units']} units, {counts['coded']} codings by {', '.join(c.name for c in manifest.coders)}"
    )
    if missing:
        reasons = ", ".join(f"{n} {reason}" for reason, n in counts["missing"].items())
        again = " (ask again with --retry-missing)" if manifest.usage.get("requests") else ""
        _notice(f"{missing} codings are missing: {reasons}{again}")
    if counts["units"] and "fallback" in manifest.usage:
        click.echo(
            f"fallback (no cue fired): {manifest.usage['fallback'] / counts['units']:.0%} of units".replace(
                "%", " %"
            )
        )
    if manifest.usage.get("requests"):
        use = manifest.usage
        click.echo(
            f"{use['requests']} requests, {use['prompt_tokens']} prompt tokens ({use['cached_tokens']} cached), {use['completion_tokens']} completion tokens"
        )
    click.echo(
        f"codebook {manifest.codebook['id']}@{manifest.codebook['version']}, run {manifest.run_id}, written to {folder}"
    )


def _print_plan(plan: dict[str, Any], prices: dict[str, float | None], as_json: bool) -> None:
    if any(price is not None for price in prices.values()) and "prompt_tokens" in plan:
        cached = plan.get("cached_tokens", 0) if prices["cached"] is not None else 0
        fresh = plan["prompt_tokens"] - cached
        money = (
            fresh * (prices["in"] or 0)
            + cached * (prices["cached"] or 0)
            + plan.get("completion_tokens", 0) * (prices["out"] or 0)
        )
        plan["money"] = round(money / 1e6, 4)
    if as_json:
        click.echo(json.dumps(plan, ensure_ascii=False, indent=1))
        return
    for name, value in plan.items():
        click.echo(
            f"{name.replace('_', ' '):>20}  {f'{value:,}' if isinstance(value, int | float) else value}"
        )
    click.echo("nothing was sent or written")
