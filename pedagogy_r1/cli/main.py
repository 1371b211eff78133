"""``pcode``: finds its commands in this folder, and is the only place that catches errors.

    cmd_agreement.py    pcode agreement        cmd_wbeb_eval.py    pcode wbeb eval

Exit status: 0 done, 1 done with failures listed, 2 the user can mend it, 130 interrupted.
"""

from __future__ import annotations

import importlib
import io
import os
import pkgutil
import sys
import traceback
import warnings
from collections.abc import Callable
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import click

from ..errors import (
    FEWER_FILES,
    FontWarning,
    LedgerWarning,
    LockedWarning,
    PedagogyError,
    did_you_mean,
    disk_error,
    too_many_open,
)
from ..formatting import visible
from ..plugins import PluginWarning
from ..spacy_module import ALONE
from .console import Listing, notice, say

HERE = [str(Path(__file__).parent)]

CHAPTERS = {
    "Data": ("init", "status", "traces", "corpus", "codebook"),
    "Coding": ("annotate", "coder", "panel", "thoughts"),
    "People": ("preregister", "sample", "packet", "web", "import", "disagreements", "unlock"),
    "Measurement": ("agreement", "unitizing", "tokens", "report", "quotes", "analysis", "archive"),
    "Pipeline": ("wbeb", "build", "eval", "baselines", "compare", "distill", "filter", "sft", "pipeline"),
    "More": ("demo", "export", "verify", "plugins", "completion", "help", "version"),
}
"""Of ``pcode --help``, in the order of work; a command that is in none stands with the last."""

GROUPS = {"wbeb": "Build the benchmark's items, evaluate models on them, compare the results."}
"""Commands that are nothing but a family of others."""


class Commands(Listing):
    """Commands are the modules ``cmd_NAME.py`` beside this one, which define ``command``; only the one asked for is imported.

    ``within``: a group of its own, whose modules are ``cmd_WITHIN_NAME.py``.
    """

    def __init__(self, *args: Any, within: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.prefix = f"cmd_{within}_" if within else "cmd_"

    @cached_property
    def names(self) -> list[str]:
        """In the order of work, the rest by name; the folder is read once."""
        modules = [m.name for m in pkgutil.iter_modules(HERE) if m.name.startswith(self.prefix)]
        found = {name.removeprefix(self.prefix).partition("_")[0] for name in modules}
        order = [name for names in CHAPTERS.values() for name in names]
        return sorted(found, key=lambda name: (order.index(name) if name in order else len(order), name))

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - the signature is click's
        """The names of its commands."""
        return self.names

    def chapters(self, names: list[str]) -> dict[str, list[str]]:
        """All of ``pcode``'s commands by what they are for; those of a family together."""
        if self.prefix != "cmd_":
            return super().chapters(names)
        of = {name: chapter for chapter, some in CHAPTERS.items() for name in some}
        last = next(reversed(CHAPTERS))
        return {chapter: [name for name in names if of.get(name, last) == chapter] for chapter in CHAPTERS}

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import just the command asked for."""
        if cmd_name not in self.list_commands(ctx):
            return None
        if cmd_name in GROUPS:
            return Commands(cmd_name, help=GROUPS[cmd_name], within=cmd_name)
        module = importlib.import_module(f".{self.prefix}{cmd_name}", __package__)
        command: click.Command = module.command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Like click's, with a suggestion for a mistyped command."""
        if args and not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            ctx.fail(f"no command is named {args[0]!r}; {did_you_mean(args[0], self.list_commands(ctx))}")
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Turn our errors into a message, a hint and a status, without a traceback; and warnings of plugins into sentences."""
        try:
            with warnings.catch_warnings():
                warnings.showwarning = partial(_warn, warnings.showwarning)
                return super().invoke(ctx)
        except PedagogyError as error:
            _say_error(error.message, error.hint)
            ctx.exit(2)
        except KeyboardInterrupt:
            click.echo("interrupted", err=True)
            ctx.exit(130)
        except Exception as error:
            if isinstance(error, ValueError) and _raised_here(error):
                _say_error(str(error))
            elif (full := disk_error(error)) is not None:
                _say_error(full.message, full.hint)
                _flushed()
            elif too_many_open(error):
                where = f"{name}: " if (name := getattr(error, "filename", None)) else ""
                _say_error(f"{where}too many open files", FEWER_FILES)
            elif isinstance(error, OSError) and error.filename is not None:
                why = f"{error.filename}: {(error.strerror or str(error)).lower()}"
                _say_error(why, "check the path and its permissions")
            else:
                raise
            ctx.exit(2)


def _say_error(message: str, hint: str = "") -> None:
    notice(f"error: {message}", "red")
    if hint:
        say(f"hint:  {hint}", err=True)


def _flushed() -> OSError | None:
    """What is printed reaches its file; else the fault, and what is left of it is let go of."""
    try:
        sys.stdout.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return error
    return None


def _warn(others: Callable[..., None], message: Warning | str, category: type[Warning], *where: Any) -> None:
    """What Python calls with a warning: of a plugin, a ledger, a font or a lock, it is a sentence; ``others`` are shown as ever."""
    if issubclass(category, LockedWarning):
        notice(str(message))
    elif issubclass(category, PluginWarning | LedgerWarning | FontWarning):
        notice(f"warning: {message}")
    else:
        others(visible(str(message)), category, *where)


def _raised_here(error: ValueError) -> bool:
    """Whether this package refused an argument itself; what numpy or a decoder raises is a fault of ours, with its traceback."""
    frames = traceback.extract_tb(error.__traceback__)
    return type(error) is ValueError and Path(frames[-1].filename).is_relative_to(Path(__file__).parents[1])


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="pedagogy-r1", prog_name="pcode")
def cli() -> None:
    """Code reasoning traces about teaching, and measure whether the codes can be trusted."""


def _any_terminal() -> None:
    """A terminal that has no α shows ``\\u03b1``; where stdout or stderr was closed, what is printed goes nowhere."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, Path(os.devnull).open("w"))  # noqa: SIM115 - it is open as long as we run
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def main() -> None:
    """Entry point of the ``pcode`` script."""
    status: Any = 0
    fault: OSError | None = None
    _any_terminal()
    os.environ[ALONE] = "1"
    try:
        cli(prog_name="pcode")
    except SystemExit as end:
        status = end.code
    except BrokenPipeError:
        sys.stderr.close()
    except OSError as error:  # of `--help`, which is printed before any command is reached
        fault = error
    fault = _flushed() or fault
    if fault is not None:
        full = disk_error(fault, "what was printed")
        if full is None:
            raise fault
        _say_error(full.message, full.hint)
        status = 2
    sys.exit(status)
