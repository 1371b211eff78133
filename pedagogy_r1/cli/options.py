"""What commands that ask a model many items share: options, the plan, and how it ended."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from ..wbeb.generation import GenerationManifest

Decorated = Callable[..., Any]

SHOWN = 10
"""Missing replies that are listed by name."""

OPTIONS = (
    click.option("--samples", type=click.IntRange(1), default=1, show_default=True, help="Answers an item."),
    click.option(
        "--shots",
        type=click.IntRange(0),
        default=0,
        show_default=True,
        help="Examples before each item, from train.",
    ),
    click.option(
        "--seed",
        type=int,
        default=0,
        show_default=True,
        help="Of the answers, the examples and the intervals.",
    ),
    click.option(
        "--temperature",
        type=float,
        default=0.6,
        show_default=True,
        help="Sampling temperature; below 0: not sent.",
    ),
    click.option(
        "--top-p",
        type=click.FloatRange(0, 1),
        default=0.95,
        show_default=True,
        help="Nucleus of sampling; 1: all.",
    ),
    click.option(
        "--max-tokens",
        type=click.IntRange(1),
        default=8192,
        show_default=True,
        help="Limit for one answer, thinking included.",
    ),
    click.option(
        "--name", default=None, help="What the model is called in traces and tables [default: NAME]."
    ),
    click.option("--base-url", default=None, help="openai: server, e.g. http://127.0.0.1:8000/v1."),
    click.option(
        "--api-key-env", default=None, help="Environment variable with the key [default: OPENAI_API_KEY]."
    ),
    click.option(
        "--backend-option",
        "backend",
        multiple=True,
        metavar="KEY=VALUE",
        help="Option of hf: or vllm:; may be repeated.",
    ),
    click.option(
        "--concurrency",
        type=click.IntRange(1),
        default=None,
        help="Most requests in flight [default: 16; 256 for a model in this process].",
    ),
    click.option(
        "--timeout",
        type=click.FloatRange(0, min_open=True),
        default=1800,
        show_default=True,
        help="Seconds for one request.",
    ),
    click.option(
        "--retries",
        type=click.IntRange(0),
        default=6,
        show_default=True,
        help="Further tries of a failed request.",
    ),
    click.option(
        "--backoff",
        type=click.FloatRange(0),
        default=0.5,
        show_default=True,
        help="Seconds before the first retry.",
    ),
    click.option(
        "--max-tokens-total",
        type=click.IntRange(1),
        default=None,
        help="Stop cleanly when this many are used.",
    ),
    click.option("--retry-missing", is_flag=True, help="Ask again for answers that never came."),
)


def generation_options(command: Decorated) -> Decorated:
    """The options of `wbeb.generate`, in this order."""
    for option in reversed(OPTIONS):
        command = option(command)
    return command


def backend_options(pairs: Sequence[str]) -> dict[str, Any]:
    """``("batch_size=8", "dtype=float32")`` → ``{"batch_size": 8, "dtype": "float32"}``."""
    from ..errors import InputError

    found: dict[str, Any] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise InputError(
                f"--backend-option {pair!r} is no KEY=VALUE", "e.g. --backend-option batch_size=8"
            )
        found[key.replace("-", "_")] = _value(value)
    return found


def _value(text: str) -> Any:
    """A number or true/false where it is one, else text."""
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, bool | int | float) else text


def print_plan(plan: dict[str, Any], as_json: bool) -> None:
    """What would be done; nothing was."""
    if as_json:
        click.echo(json.dumps(plan, ensure_ascii=False, indent=1))
        return
    for name, value in plan.items():
        text = f"{value:,}" if isinstance(value, int | float) else str(value)
        click.echo(f"{name.replace('_', ' '):>28}  {text}")
    click.echo("nothing was sent or written")


def notice(text: str) -> None:
    """A sentence that the user ought to see."""
    click.secho(text, fg="yellow", err=True)


def status_of(manifest: GenerationManifest) -> int:
    """Say what is missing and why it ended early; the exit status: 0, 1, or 130."""
    for lost in manifest.missing[:SHOWN]:
        notice(f"no answer to {lost.item} (sample {lost.sample + 1}): {lost.reason}")
    if manifest.missing:
        more = len(manifest.missing) - SHOWN
        notice((f"… and {more} more; " if more > 0 else "") + "ask again with --retry-missing")
    if manifest.status != "complete":
        notice(f"{manifest.status}: {manifest.stopped_why}; resume with the same command")
        return 130 if manifest.status == "interrupted" else 1
    return 1 if manifest.missing else 0
