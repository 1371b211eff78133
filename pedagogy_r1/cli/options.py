"""Options of several commands, each defined once: one name has one meaning and one shape everywhere.

@out_option("Run directory to write.")      -o, --out PATH
@json_option("the manifest")                --json: print it, instead of text for people
@json_file_option()                         --json-out FILE: write it, beside the text
@coders_option("Only these coders.")        --coder A --coder B, or --coders A,B
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from ..limits import LEVEL
from .console import notice

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

PATH = click.Path(path_type=Path)

OLD_NAMES = {
    "--output": "--out",
    "--by": "--strata",
    "--model": "--only",
    "--name": "--host-name",
    "--train": "--gold",
}
"""What an option was called before, where a command knows the new name and not the old one."""


class Command(click.Command):
    """A command that takes options by their old names too, and says so on stderr."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Like click's, of the arguments as they are called today."""
        known = {name for param in self.params for name in param.opts}
        return super().parse_args(ctx, list(_renamed(args, known)))


class Group(click.Group):
    """Its commands are `Command`; they are listed in the order in which they were added."""

    command_class = Command

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order of work."""
        return list(self.commands)


def _renamed(args: Sequence[str], known: set[str]) -> Iterator[str]:
    words = iter(enumerate(args))
    for place, word in words:
        name, equals, value = word.partition("=")
        new = OLD_NAMES.get(name)
        if new in known and name not in known:
            notice(f"{name} is called {new} now")
            yield new + equals + value
        elif name == "--json" and "--json-out" in known:
            if not equals and place + 1 < len(args) and _was_file(args[place + 1]):
                equals, value = "=", next(words)[1]
            if equals and value != "-":
                notice("--json FILE is called --json-out FILE now")
                yield f"--json-out={value}"
            elif equals:
                notice("--json needs no - now: it prints to stdout")
                yield "--json"
            else:
                yield word
        else:
            yield word


def _was_file(word: str) -> bool:
    """Whether the word behind ``--json`` is its file, as it was once written, and not the command's next argument."""
    return word == "-" or (word[:1] != "-" and (word.endswith(".json") or not Path(word).exists()))


def together(*decorators: Decorator) -> Decorator:
    """Several options as one decorator; ``--help`` shows them in this order."""

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        for decorator in reversed(decorators):
            command = decorator(command)
        return command

    return decorate


# --- what a value may be


def one(_: click.Context, param: click.Parameter, values: Sequence[Any]) -> Any:
    """Callback of an option that other commands let be repeated, and this one does not."""
    if len(values) > 1:
        raise click.BadParameter(f"one only, here are {len(values)}", param=param)
    return values[0] if values else None


def words(_: click.Context, __: click.Parameter, values: Sequence[str]) -> tuple[str, ...]:
    """Callback of a repeatable option whose value may also hold several, separated by commas."""
    return tuple(word.strip() for value in values for word in value.split(",") if word.strip())


def names_option(
    *names: str, metavar: str, help: str, default: Sequence[str] = (), required: bool = False
) -> Decorator:
    """Several names: ``--family A,B`` or ``--family A --family B``."""
    return click.option(
        *names,
        multiple=True,
        callback=words,
        metavar=metavar,
        default=tuple(default) or None,
        show_default=True,
        required=required,
        help=f"{help} Separated by commas, or repeated.",
    )


# --- what goes in and comes out


def out_option(help: str, *, required: bool = True, default: str | None = None) -> Decorator:
    """``-o, --out``: the file or folder to write."""
    return click.option(
        *("-o", "--out"),
        type=PATH,
        required=required and not default,
        default=default,
        show_default=True,
        help=help,
    )


def json_option(what: str = "everything") -> Decorator:
    """``--json``: JSON on stdout instead of text."""
    return click.option("--json", "as_json", is_flag=True, help=f"Print {what} as JSON.")


def json_file_option() -> Decorator:
    """``--json-out FILE``, for commands whose JSON is worth keeping."""
    return click.option(
        "--json-out", "json_file", type=PATH, metavar="FILE", help="Write everything as JSON here."
    )


def dry_run_option(what: str) -> Decorator:
    """``--dry-run``: nothing is sent or written."""
    return click.option("--dry-run", is_flag=True, help=f"Say what would be {what}, and stop.")


def codebook_option(
    help: str = "Codebook: ID, ID@VERSION or a YAML file.", default: str | None = "schoen"
) -> Decorator:
    """``--codebook``."""
    return click.option("--codebook", default=default, show_default=True, help=help)


def scheme_option(
    help: str = "Unit scheme: sentence@1, paragraph@1, thought@1 [default: the codebook's].",
) -> Decorator:
    """``--scheme``: into which units reasoning is cut."""
    return click.option("--scheme", default=None, metavar="SCHEME", help=help)


def lang_option(help: str = "Language of the traces [default: each trace's own].") -> Decorator:
    """``--lang``."""
    return click.option("--lang", default=None, help=help)


def units_option(help: str, metavar: str = "RUN") -> Decorator:
    """``--units RUN``: exactly the units of that run."""
    return click.option("--units", type=PATH, default=None, metavar=metavar, help=help)


def coder_option(help: str) -> Decorator:
    """``--coder NAME``, where there is one."""
    return click.option("--coder", multiple=True, callback=one, metavar="NAME", help=help)


def coders_option(help: str) -> Decorator:
    """``--coder A --coder B``, or ``--coders A,B``."""
    return names_option("--coder", "--coders", "coders", metavar="A,B", help=help)


def on_error_option() -> Decorator:
    """``--on-error stop|skip``."""
    return click.option(
        "--on-error",
        type=click.Choice(["stop", "skip"]),
        default="stop",
        show_default=True,
        help="What to do about bad rows.",
    )


def partial_option() -> Decorator:
    """``--partial``: what `require_complete` refuses otherwise."""
    return click.option(
        "--partial",
        is_flag=True,
        help="Take runs that are not complete, as far as they are; all output says so.",
    )


# --- intervals, contrasts


def seed_option(of: str = "the resamples") -> Decorator:
    """``--seed``."""
    return click.option("--seed", type=int, default=0, show_default=True, help=f"Seed of {of}.")


def level_option() -> Decorator:
    """``--level``: confidence of every interval that the command makes."""
    return click.option(
        "--level",
        type=click.FloatRange(0, 1, min_open=True, max_open=True),
        default=LEVEL,
        show_default=True,
        help="Confidence level of the intervals.",
    )


def resampling_options(of: str = "traces", *, seed: str | None = "the resamples") -> Decorator:
    """``--replicates``, ``--seed`` and ``--level``. ``seed``: what it is of; ``None``: the command has one already."""
    replicates = click.option(
        "--replicates",
        type=click.IntRange(0),
        default=1000,
        show_default=True,
        help=f"Bootstrap resamples of {of}; 0: no intervals.",
    )
    return together(replicates, *([seed_option(seed)] if seed else []), level_option())


def contrast_options() -> Decorator:
    """``--contrast``, ``--family`` and ``--permutations``: what is compared, on which codes, and how it is tested."""
    return together(
        click.option(
            "--contrast",
            "contrasts",
            multiple=True,
            metavar="COLUMN:A:B",
            help="Compare these, as condition:cop:generic; may be repeated. Default: all conditions, models, right and wrong.",
        ),
        names_option(
            "--family",
            metavar="CODE,…",
            help="The confirmatory codes, named before looking; default: all of the codebook's.",
        ),
        click.option(
            "--permutations",
            type=click.IntRange(1),
            default=9999,
            show_default=True,
            help="Relabellings of a contrast.",
        ),
    )


# --- models


def request_options(
    whose: str = "",
    *,
    temperature: float | None = None,
    concurrency: int | None = None,
    timeout: float | None = None,
    retries: int | None = None,
    backoff: float | None = None,
    retry_missing: bool | None = False,
) -> Decorator:
    """How a model is reached and asked. ``whose``: what stands before each help, as ``llm:``; the rest are defaults."""
    before = f"{whose} " if whose else ""
    shown: dict[str, Any] = {"show_default": True}
    return together(
        click.option(
            "--base-url",
            multiple=True,
            metavar="[MODEL=]URL",
            help=f"{before}Server of the model, e.g. http://127.0.0.1:8000/v1; MODEL=URL: of one of several models.",
        ),
        click.option(
            "--api-key-env",
            multiple=True,
            metavar="[MODEL=]VARIABLE",
            help=f"{before}Environment variable with the key [default: OPENAI_API_KEY].",
        ),
        click.option(
            "--backend-option",
            "backend",
            multiple=True,
            metavar="KEY=VALUE",
            help=f"{before}Option of hf: or vllm: (docs/models.md); may be repeated.",
        ),
        click.option(
            "--temperature",
            type=float,
            default=temperature,
            **shown,
            help=f"{before}Sampling temperature; below 0: not sent.",
        ),
        click.option(
            "--concurrency",
            type=click.IntRange(1),
            default=concurrency,
            **shown,
            help=f"{before}Most requests in flight"
            + ("." if concurrency else " [default: 16; 256 for a model in this process]."),
        ),
        click.option(
            "--timeout",
            type=click.FloatRange(0, min_open=True),
            default=timeout,
            **shown,
            help=f"{before}Seconds for one request.",
        ),
        click.option(
            "--retries",
            type=click.IntRange(0),
            default=retries,
            **shown,
            help=f"{before}Further tries of a failed request.",
        ),
        click.option(
            "--backoff",
            type=click.FloatRange(0),
            default=backoff,
            **shown,
            help=f"{before}Seconds before the first retry.",
        ),
        click.option(
            "--max-tokens-total",
            type=click.IntRange(1),
            default=None,
            help=f"{before}Stop cleanly when this many are used.",
        ),
        click.option(
            "--retry-missing",
            is_flag=True,
            default=retry_missing,
            help=f"{before}Ask again for what never came.",
        ),
    )


def generation_options() -> Decorator:
    """The options of `wbeb.generate`: answers of one model to many items."""
    return together(
        click.option(
            "--samples", type=click.IntRange(1), default=1, show_default=True, help="Answers an item."
        ),
        click.option(
            "--shots",
            type=click.IntRange(0),
            default=0,
            show_default=True,
            help="Examples before each item, from train.",
        ),
        seed_option("the answers, the examples and the intervals"),
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
        request_options(temperature=0.6, timeout=1800, retries=6, backoff=0.5),
    )


def requested(given: Mapping[str, Any], model: str | None) -> dict[str, Any]:
    """``given`` with the server, key and backend options that are ``model``'s own."""
    found = {**given, "backend": backend_options(given["backend"])}
    for name in ("base_url", "api_key_env"):
        own = {text.removeprefix(f"{model}=") for text in given[name] if text.startswith(f"{model}=")}
        for_all = {text for text in given[name] if not text.startswith(f"{model}=")}
        if len(chosen := own or for_all) > 1:
            raise click.UsageError(f"--{name.replace('_', '-')} is given {len(chosen)} times for one model")
        found[name] = next(iter(chosen), None)
    return found


def backend_options(pairs: Sequence[str]) -> dict[str, Any]:
    """``("batch_size=8", "dtype=float32")`` → ``{"batch_size": 8, "dtype": "float32"}``."""
    found: dict[str, Any] = {}
    for pair in pairs:
        key, equals, text = pair.partition("=")
        if not equals or not key:
            raise click.UsageError(
                f"--backend-option {pair!r} is no KEY=VALUE, as --backend-option batch_size=8"
            )
        found[key.replace("-", "_")] = _number_or_text(text)
    return found


def _number_or_text(text: str) -> Any:
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, bool | int | float) else text
