"""``pcode annotate``: machine coding of traces."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ..formatting import shown
from .console import exit_status, notice, print_json, print_plan, progress_bar
from .options import (
    PATH,
    codebook_option,
    coder_option,
    dry_run_option,
    json_option,
    lang_option,
    out_option,
    request_options,
    requested,
    scheme_option,
    seed_option,
    together,
    units_option,
)

LLM = together(
    click.option(
        "--window", type=click.IntRange(1), default=None, help="llm: Units a request [default: 20]."
    ),
    click.option(
        "--context", type=click.IntRange(0), default=None, help="llm: Preceding units shown, not coded."
    ),
    click.option(
        "--repeats", type=click.IntRange(1), default=None, help="llm: Code everything K times, as K coders."
    ),
    click.option(
        "--critic",
        is_flag=True,
        default=None,
        help="llm: Second pass that confirms or changes; both are kept.",
    ),
    click.option(
        "--max-output-tokens", type=click.IntRange(1), default=None, help="llm: Limit for one reply."
    ),
    request_options("llm:", retry_missing=None),
)
PRICES = together(
    click.option(
        "--price-in",
        type=click.FloatRange(0),
        default=None,
        help="Money per million prompt tokens, for --dry-run.",
    ),
    click.option(
        "--price-cached", type=click.FloatRange(0), default=None, help="The same for cached prompt tokens."
    ),
    click.option(
        "--price-out", type=click.FloatRange(0), default=None, help="The same for completion tokens."
    ),
)


@click.command("annotate")
@click.argument("traces", type=PATH)
@out_option("Run directory to write, or to resume.")
@codebook_option()
@coder_option("cues (rules, no model; the default), llm (implied by --model), or a plugin.")
@click.option("--model", default=None, help="Language model, as BACKEND:NAME, e.g. openai:gpt-4.1.")
@scheme_option()
@lang_option()
@units_option("Code exactly the units of this run.")
@click.option("--workers", type=click.IntRange(1), default=None, help="cues: Number of processes.")
@LLM
@PRICES
@seed_option("what is drawn at random")
@dry_run_option("done and paid")
@json_option("the run's manifest (or the plan)")
@click.pass_context
def command(
    ctx: click.Context,
    /,
    traces: Path,
    out: Path,
    coder: str | None,
    dry_run: bool,
    as_json: bool,
    **given: Any,
) -> None:
    """Code every unit of TRACES and write a run directory.

    The same command resumes a run that was interrupted. Without --model the rule-based coder `cues` is used:
    a baseline that needs no key, no server and no download.
    """
    from ..coding.annotate import execute, plan, prepare

    prices = {name: given.pop(f"price_{name}") for name in ("in", "cached", "out")}
    given = requested(given, given["model"])
    options = {name: value for name, value in given.items() if value not in (None, {})}
    job = prepare(traces, out, coder=coder or ("llm" if given["model"] else "cues"), **options)
    if dry_run:
        print_plan(_paid(plan(job), prices), as_json)
        return
    with progress_bar("annotate") as progress:
        run = execute(job, progress=progress, notice=notice, restart=bool(given["retry_missing"]))
    manifest = run.manifest
    if foreign := manifest.usage.get("foreign_traces"):
        notice(_foreign(job.book.lang, foreign, manifest.counts["missing"]))
    if as_json:
        print_json(manifest.model_dump(mode="json"))
    else:
        _print_run(manifest, run.folder)
    ctx.exit(exit_status(manifest.status, manifest.stopped_why, sum(manifest.counts["missing"].values())))


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
        notice(f"{missing} codings are missing: {reasons}{again}")
    if counts["units"] and "fallback" in manifest.usage:
        share = shown(manifest.usage["fallback"] / counts["units"], "percent")
        click.echo(f"fallback (no cue fired): {share} of units")
    if manifest.usage.get("requests"):
        use = manifest.usage
        click.echo(
            f"{use['requests']} requests, {use['prompt_tokens']} prompt tokens ({use['cached_tokens']} cached), {use['completion_tokens']} completion tokens"
        )
    click.echo(
        f"codebook {manifest.codebook['id']}@{manifest.codebook['version']}, run {manifest.run_id}, written to {folder}"
    )


def _paid(plan: dict[str, Any], prices: dict[str, float | None]) -> dict[str, Any]:
    """The plan with what its tokens cost, where a price is given."""
    if "prompt_tokens" not in plan or all(price is None for price in prices.values()):
        return plan
    cached = plan.get("cached_tokens", 0) if prices["cached"] is not None else 0
    money = (
        (plan["prompt_tokens"] - cached) * (prices["in"] or 0)
        + cached * (prices["cached"] or 0)
        + plan.get("completion_tokens", 0) * (prices["out"] or 0)
    )
    return plan | {"money": round(money / 1e6, 4)}
