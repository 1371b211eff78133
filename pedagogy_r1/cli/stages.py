"""The command line as a pipeline's stages use it: words checked by the commands themselves, and run in processes of their own.

A process for each stage, so that a teacher of 32 billion parameters is gone from the GPU when the student comes.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from ..errors import InputError
from ..shipped import folder


class CommandLine:
    """Implements `train.pipeline.StageCommands`."""

    def check(self, words: Sequence[str]) -> list[str]:
        """Words that name files or folders to be read; `InputError` for words that the command does not take."""
        command, ctx = self._parsed(words)
        found: dict[str, None] = {}
        for param in command.params:
            values = ctx.params.get(param.name or "")
            for value in values if isinstance(values, tuple | list) else [values]:
                if value is not None and param.name != "out" and _is_file(param, str(value)):
                    found[str(value)] = None
        return list(found)

    def module(self, words: Sequence[str]) -> str:
        """The module of the command's function."""
        command, _, _ = _resolve(words)
        return str(getattr(command.callback, "__module__", "pedagogy_r1.cli.main"))

    def shipped(self, words: Sequence[str]) -> list[Path]:
        """The condition and the codebook that the words name, or leave to the default."""
        _, ctx = self._parsed(words)
        found = []
        if condition := ctx.params.get("condition"):
            found += [folder("conditions") / f"{condition}.yaml"]
        if codebook := ctx.params.get("codebook"):
            name, _, version = str(codebook).partition("@")
            found += sorted((folder("codebook") / name).glob(f"{version or '*'}.yaml"))
        return [path for path in found if path.is_file()]

    def run(
        self, words: Sequence[str], launcher: Sequence[str], environment: Mapping[str, str], lock: int
    ) -> int:
        """The command's status. Ctrl-C goes to the command too, which ends in its own way."""
        start = [*launcher, "-m", "pedagogy_r1"] if launcher else [sys.executable, "-m", "pedagogy_r1"]
        env = {**os.environ, **environment}
        process = subprocess.Popen(  # noqa: S603 - our own command, in our own Python or the recipe's launcher
            [*start, *words],
            pass_fds=(lock,),
            env=env,
            preexec_fn=_die_with_parent(),
        )
        while True:
            try:
                return process.wait()
            except KeyboardInterrupt:
                continue

    def _parsed(self, words: Sequence[str]) -> tuple[click.Command, click.Context]:
        command, name, rest = _resolve(words)
        try:
            return command, command.make_context(name, list(rest))
        except click.UsageError as error:
            raise InputError(error.format_message(), f"see: pcode {name} --help") from None


def _resolve(words: Sequence[str]) -> tuple[click.Command, str, Sequence[str]]:
    from .main import cli

    command: click.Command = cli
    taken: list[str] = []
    while isinstance(command, click.Group):
        name = words[len(taken)] if len(taken) < len(words) else ""
        found = command.get_command(click.Context(command), name)
        if found is None:
            known = command.list_commands(click.Context(command))
            from ..errors import did_you_mean

            raise InputError(f"no command is named {' '.join([*taken, name])!r}", did_you_mean(name, known))
        taken.append(name)
        command = found
    return command, " ".join(taken), words[len(taken) :]


def _is_file(param: click.Parameter, value: str) -> bool:
    """Declared as a path; or, among other words, one that is the path of a file."""
    if isinstance(param.type, click.Path):
        return True
    path = Path(value)
    return bool(path.suffix) and "\0" not in value and len(value) < 4000 and path.is_file()


def _die_with_parent() -> Callable[[], Any] | None:
    """On Linux, a stage ends when its pipeline is killed, so that the next one finds nobody at work."""
    if sys.platform != "linux":
        return None
    import ctypes
    import signal

    prctl = ctypes.CDLL(None, use_errno=True).prctl
    return lambda: prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
