"""``pcode annotate``: machine coding of traces."""

from __future__ import annotations

from pathlib import Path
from shlex import join
from typing import TYPE_CHECKING, Any

import click

from ..errors import ArgumentError
from ..formatting import counted, shown
from . import model_options, options
from .completes import coder_names, completes
from .console import exit_status, notice, print_plan, progress_bar, put_json, say, say_renamed

if TYPE_CHECKING:
    from ..coding.annotate import Annotation
    from ..files.places import Place
    from ..intake.corpus import TraceCorpus
    from ..intake.traces_file import TracesFile
    from ..runs.run import CoderRun

ASKED = options.together(
    options.option("--window", "llm: Units a request [default: 20].", options.FROM_1),
    options.option("--context", "llm: Preceding units shown, not coded.", options.FEW_0),
    options.option("--max-output-tokens", "llm: Limit for one reply.", options.FROM_1),
    options.option(
        "--codebook-form",
        "llm: How much of the codebook the model reads: all; definitions, exclusions and an example; or a line a code "
        "[default: full].",
        ["full", "compact", "names"],
    ),
    model_options.requests("llm:"),
)
"""How a language model is shown the codebook and the units; of `pcode codebook stress` too."""
LLM = options.together(
    options.option("--repeats", "llm: Code everything K times, as K coders.", options.FEW_1),
    options.flag(
        "--permute",
        "llm: Another order of the codes for each trace and repeat; how much depends on it is said.",
        default=None,
    ),
    options.option(
        "--examples",
        "llm: A run of codings; of each window the model is shown the most similar units of other traces and items.",
        options.PATH,
        metavar="RUN",
    ),
    options.option("--k", "llm: Examples a window [default: 8]; 0: none.", options.FEW_0),
    options.option(
        "--example-tokens", "llm: What they may come to together [default: 2000].", options.FROM_1
    ),
    options.option(
        "--example-encoder",
        "llm: A sentence encoder (folder) that says which are most similar, in place of words and letters.",
        options.PATH,
    ),
    options.flag("--critic", "llm: Second pass that confirms or changes; both are kept.", default=None),
    ASKED,
)
PRICES = options.together(
    options.option("--price-in", "Money per million prompt tokens, for --dry-run.", options.NOT_NEGATIVE),
    options.option("--price-cached", "The same for cached prompt tokens.", options.NOT_NEGATIVE),
    options.option("--price-out", "The same for completion tokens.", options.NOT_NEGATIVE),
)


@click.command("annotate", cls=options.Command)
@click.argument("traces", type=options.PATH)
@options.out("Run directory to write, or to resume.", options.JOB)
@options.codebook(
    "Codebook: ID, ID@VERSION or a YAML file. [default: schoen; with --units RUN that run's]", default=None
)
@options.coder(
    "cues (rules, no model), llm (implied by --model), learned:FOLDER (pcode coder fit; learned:schoen comes with pcode), or a plugin. "
    "[default: learned:schoen for English traces under schoen@1.1.0, else cues]",
    **completes(coder_names),
)
@options.option("--model", "Language model, as BACKEND:NAME, e.g. openai:gpt-4.1.")
@options.scheme()
@options.lang()
@options.units("Code exactly the units of this run.")
@options.option("--workers", "cues, and any coder over a corpus: Number of processes.", options.FEW_1)
@options.engine("Of a corpus:")
@options.option(
    "--error",
    "learned: Leave units open so that at most this share of the codes given is wrong.",
    options.SHARE,
)
@options.option("--confidence", "learned: How sure that is [default: .90].", options.SHARE)
@options.option(
    "--then",
    "With --error: who is asked for the units left open, and for no others: a model, as BACKEND:NAME, with the llm options; "
    "another coder; or people:RUN, what people said of them (pcode sample --deferred).",
    metavar="CODER",
)
@options.option(
    "--encoder", "learned: Where the encoder lies now that the coder was fitted with.", options.PATH
)
@LLM
@PRICES
@options.flag("--locked", "Code the locked traces alone, which pcode unlock has opened for this coder.")
@options.seed("what is drawn at random")
@options.dry_run("done and paid")
@options.as_json("the run's manifest (or the plan)")
def command(traces: Path, out: Path, coder: str | None, dry_run: bool, as_json: bool, **given: Any) -> int:
    """Code every unit of TRACES (a traces file, or a corpus: pcode traces import --shards) and write a run directory.

    The same command resumes a run that was interrupted. Without --model and --coder, English traces under schoen@1.1.0 are
    coded by `learned:schoen`, which learned from machine-coded texts about teaching, and all others by the rule-based coder
    `cues`: baselines that need no key, no server and no download. The first line says how far the coder agrees with whom.
    """
    from ..coding.annotate import execute, plan, prepare
    from ..intake.corpus import TraceCorpus
    from ..intake.traces import traces_of

    prices = options.taken(given, "price_in", "price_cached", "price_out")
    engine, work = options.taken(given, "engine", "work").values()
    given = model_options.requested(given, given["model"] or given["then"])
    file = traces_of(traces)
    if not isinstance(file, TraceCorpus) and (engine or work):
        raise ArgumentError(
            f"--{'engine' if engine else 'work'} is for a corpus, and {traces} is a traces file",
            f"make it one with: pcode traces import {traces} --shards 64 -o CORPUS",
        )
    chosen = _chosen(coder, file, out, given)
    if isinstance(file, TraceCorpus):
        return _over_corpus(file, out, chosen, prices, engine, work, dry_run=dry_run, as_json=as_json)
    job = prepare(file, out, **chosen)
    if dry_run:
        print_plan(_paid(plan(job), prices), as_json)
        return 0
    with progress_bar("annotate") as progress:
        run = execute(job, progress=progress, notice=notice, restart=bool(given["retry_missing"]))
    return _told(run, job, as_json)


def _chosen(coder: str | None, file: TracesFile, out: Path, given: dict[str, Any]) -> dict[str, Any]:
    """The coder and its options; where none is named, the default one."""
    from ..coding.annotate import shipped_coder

    if coder is None and not given["model"] and given["workers"] is None:
        from ..coding.default_coder import default_coder  # what a learned coder needs, nobody else waits for

        names = {name: given[name] for name in ("codebook", "units", "lang")}
        coder = default_coder(file, out, **names)
    chosen = chosen_coder(coder, given)
    if chosen["coder"] == "learned" and "path" in chosen and "codebook" not in chosen:
        from ..coding.learned.fit_coder import LearnedCoderFolder

        chosen["codebook"] = LearnedCoderFolder(shipped_coder(chosen["path"]) or chosen["path"]).codebook_file
    return chosen


def _over_corpus(
    corpus: TraceCorpus,
    out: Path,
    chosen: dict[str, Any],
    prices: dict[str, float | None],
    engine: str | None,
    work: Path | None,
    *,
    dry_run: bool,
    as_json: bool,
) -> int:
    from ..coding.annotate_corpus import execute_corpus, plan_corpus, prepare_corpus

    workers = chosen.pop("workers", 1)
    job = prepare_corpus(corpus, out, work=work, **chosen)
    if dry_run:
        print_plan(_paid(plan_corpus(job), prices), as_json)
        return 0
    again = bool(chosen.get("retry_missing"))
    with progress_bar("annotate") as progress:
        run = execute_corpus(job, engine=engine or "local", workers=workers, progress=progress, restart=again)
    return _told(run, job.whole, as_json)


def _told(run: CoderRun, job: Annotation, as_json: bool) -> int:
    """What came of it; the exit status."""
    manifest = run.manifest
    if not as_json and (trust := getattr(job.coder, "trust", None)):
        say(trust)
    if foreign := manifest.usage.get("foreign_traces"):
        notice(
            _foreign(job.manifest.coder, job.book.lang, foreign, {} if manifest.stages else manifest.failed)
        )
    say_renamed(manifest.usage, "codings")
    if not put_json(manifest.model_dump(mode="json"), as_json):
        _print_run(manifest, run.place)
    return exit_status(manifest.status, manifest.stopped_why, sum(manifest.failed.values()))


def chosen_coder(coder: str | None, given: dict[str, Any]) -> dict[str, Any]:
    """What was said of the coder and its options, as `prepare` takes it: of ``learned:FOLDER`` the folder as ``path``."""
    name, _, folder = (coder or ("llm" if given["model"] else "cues")).partition(":")
    chosen = {name: value for name, value in given.items() if value not in (None, {})}
    return chosen | {"coder": name} | ({"path": folder} if folder else {})


def _foreign(name: str, lang: str, traces: dict[str, int], missing: dict[str, int]) -> str:
    """``cues: English (en), 3 traces are ko, zh: 80 units missing``; without ``missing`` not how many."""
    from ..unit.language import pipeline

    count = sum(traces.values())
    units = f": {counted(sum(missing.values()), 'unit')} missing" if missing else ""
    return (
        f"{name}: {type(pipeline(lang)).__name__} ({lang}), {counted(count, 'trace is', 'traces are')} "
        f"{', '.join(sorted(traces))}{units}"
    )


def _print_run(manifest: Any, folder: Place) -> None:
    from ..coding.people_codings import DISAGREE

    counts, missing = manifest.counts, sum(manifest.failed.values())
    say(
        f"{counted(counts['traces'], 'trace')}, {counted(counts['units'], 'unit')}, {counted(counts['coded'], 'coding')} "
        f"by {manifest.who}"
    )
    if "error" in manifest.parameters and (manifest.deferred or manifest.stages):
        say(_promised(manifest))
    if missing:
        said = ", ".join(f"{n} {reason}" for reason, n in manifest.failed.items())
        again = " (ask again with --retry-missing)" if manifest.usage.get("requests") else ""
        if DISAGREE in manifest.failed:
            again = " (adjudicate them, and give the adjudicated run: docs/coding.md)"
        notice(f"{counted(missing, 'coding is', 'codings are')} missing: {said}{again}")
    if counts["units"] and "fallback" in manifest.usage:
        share = shown(manifest.usage["fallback"] / counts["units"], "percent")
        say(f"fallback (no cue fired): {share} of units")
    if (use := manifest.usage).get("requests"):
        prompt = f"{use['prompt_tokens']} prompt tokens ({use['cached_tokens']} cached)"
        say(f"{use['requests']} requests, {prompt}, {use['completion_tokens']} completion tokens")
    if effect := use.get("code_order"):
        say(effect["says"])
    book = f"{manifest.codebook['id']}@{manifest.codebook['version']}"
    say(f"codebook {book}, run {manifest.run_id}, written to {folder}")
    if manifest.status == "complete":
        say(f"next: {_next(manifest, folder)}")


def _next(manifest: Any, folder: Place) -> str:
    """What a run is for: what it left open is coded by people; else it is held against people's codings."""
    if manifest.deferred and not manifest.stages:
        drawn = join(["pcode", "sample", str(manifest.source["traces"]), "--deferred", str(folder)])
        return f"{drawn} --others .05 --coders A,B -o PACKET"
    return f"{join(['pcode', 'agreement', str(folder)])} HUMANS, or first: pcode sample"


def _promised(manifest: Any) -> str:
    """How many units are open, and what the learned coder's codes keep for it."""
    asked = manifest.parameters
    given = "the codes given" if not manifest.stages else "its codes"
    promise = (
        f"so that, with {shown(asked['confidence'], 'percent')} confidence, at most {shown(asked['error'], 'percent')} of {given} are not its "
        f"teachers', over as many traces as it learned from ({asked['calibrated_on']}), as far as they are like those"
    )
    left = f"{counted(manifest.deferred, 'unit is', 'units are')} deferred"
    if not manifest.stages:
        return f"{left}: {promise}"
    first, then = manifest.stages
    open_still = f"; {left} still" if manifest.deferred else ""
    return f"{first} coded what it is sure of, {promise}; {then} was asked about the rest{open_still}"


def _paid(plan: dict[str, Any], prices: dict[str, float | None]) -> dict[str, Any]:
    """The plan with what its tokens cost, where a price is given."""
    if "prompt_tokens" not in plan or all(price is None for price in prices.values()):
        return plan
    cached = plan.get("cached_tokens", 0) if prices["price_cached"] is not None else 0
    money = (
        (plan["prompt_tokens"] - cached) * (prices["price_in"] or 0)
        + cached * (prices["price_cached"] or 0)
        + plan.get("completion_tokens", 0) * (prices["price_out"] or 0)
    )
    return plan | {"money": round(money / 1e6, 4)}
