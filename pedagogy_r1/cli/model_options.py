"""Options of commands that ask a model: how it is reached, how it is asked, and how many answers of it are wanted.

@model_options.requests(temperature=0.0)      --base-url, --api-key-env, --temperature, --concurrency, …
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from ..errors import ArgumentError
from .console import backend_options
from .options import (
    FEW_0,
    FEW_1,
    FROM_1,
    NOT_NEGATIVE,
    NUMBER,
    POSITIVE,
    SHARE,
    Decorator,
    engine,
    option,
    seed,
    shards,
    taken,
    together,
)


def requests(whose: str = "", *, in_process: int = 16, **defaults: Any) -> Decorator:
    """How a model is reached and asked. ``whose``: what stands before each help, as ``llm:``; ``in_process``: most requests in
    flight, by default, of a model that runs in this process."""

    def asked(names: str, help: str, kind: Any = None, **more: Any) -> Decorator:
        default = defaults.get(names.lstrip("-").replace("-", "_"))
        return option(names, f"{whose} {help}".strip(), kind, default=default, **more)

    of_process = f"{in_process} for a model in this process; " * (in_process != 16)
    flight = f" [default: 16; {of_process}50000 with --batch]."
    return together(
        asked(
            "--base-url",
            "Server of the model, e.g. http://127.0.0.1:8000/v1; again for further servers of it. MODEL=URL: of one of several models.",
            multiple=True,
            metavar="[MODEL=]URL",
        ),
        asked(
            "--api-key-env",
            "Environment variable with the key [default: OPENAI_API_KEY].",
            multiple=True,
            metavar="[MODEL=]VARIABLE",
        ),
        asked(
            "--backend-option backend",
            "Option of the backend alone (docs/models.md); may be repeated.",
            multiple=True,
            metavar="KEY=VALUE",
        ),
        asked("--temperature", "Sampling temperature; below 0: not sent.", NUMBER),
        asked(
            "--batch",
            "openai: Through the server's batch endpoint: cheaper, and within a day. The same command collects.",
            is_flag=True,
        ),
        asked("--concurrency", f"Most requests in flight{flight}", FEW_1),
        asked(
            "--requests-per-minute",
            "Most requests a minute, to all servers and from all --workers together.",
            POSITIVE,
            metavar="N",
        ),
        asked("--timeout", "Seconds for one request.", POSITIVE),
        asked("--retries", "Further tries of a failed request.", FEW_0),
        asked("--backoff", "Seconds before the first retry.", NOT_NEGATIVE),
        asked("--max-tokens-total", "Stop cleanly when this many are used.", click.IntRange(1)),
        asked("--retry-missing", "Ask again for what never came.", is_flag=True),
    )


def generation() -> Decorator:
    """The options of `wbeb.generate`: answers of one model to many items."""
    return together(
        option("--samples", "Answers an item.", FEW_1, default=1),
        option("--shots", "Examples before each item, from train.", FEW_0, default=0),
        seed("the answers, the examples and the intervals"),
        option("--top-p", "Nucleus of sampling; 1: all.", SHARE, default=0.95),
        option("--max-tokens", "Limit for one answer, thinking included.", FROM_1, default=8192),
        option("--name", "What the model is called in traces and tables [default: NAME]."),
        requests(in_process=256, temperature=0.6, timeout=1800, retries=6, backoff=0.5),
    )


def sharding() -> Decorator:
    """``--shards``, and what makes them: answers as a corpus."""
    return together(
        shards("Make a corpus of so many Parquet files, for more answers than one file is good for."),
        option("--workers", "With --shards: Number of processes.", FEW_1),
        engine("With --shards:"),
    )


def sharded(given: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What `sharding` gave, taken out of ``given``: what the job is to know, and what is to make it; both empty without shards."""
    job, makes = taken(given, "shards", "work"), taken(given, "workers", "engine")
    if job["shards"] is None:
        for name, value in (job | makes).items():
            if value is not None:
                raise ArgumentError(f"--{name} is for answers in shards", "add: --shards 64")
        return {}, {}
    return job, {name: value for name, value in makes.items() if value is not None}


def requested(given: Mapping[str, Any], model: str | None) -> dict[str, Any]:
    """``given`` with the server, key and backend options that are ``model``'s own."""
    found = {**given, "backend": backend_options(given["backend"])}
    for name in ("base_url", "api_key_env"):
        own = [text.removeprefix(f"{model}=") for text in given[name] if text.startswith(f"{model}=")]
        for_all = [text for text in given[name] if not text.startswith(f"{model}=")]
        chosen = tuple(dict.fromkeys(own or for_all))
        if len(chosen) > 1 and name != "base_url":
            raise click.UsageError(f"--{name.replace('_', '-')} is given {len(chosen)} times for one model")
        found[name] = chosen if len(chosen) > 1 else next(iter(chosen), None)
    return found
