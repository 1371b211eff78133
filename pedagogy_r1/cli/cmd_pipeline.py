"""``pcode pipeline``: recipes, run stage by stage.

Each stage is a process of its own, so that a teacher of 32 billion parameters is gone from the GPU when the student comes.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import InputError, did_you_mean
from ..formatting import counted
from ..shipped import folder
from . import options
from .cmd_pipeline_invented import teach, tiny
from .completes import completes
from .console import escape, notice, put, put_json, say
from .main import cli

if TYPE_CHECKING:
    from ..train.pipeline import Pipeline, PlannedStage
    from ..train.recipe import Recipe

SET = options.option(
    "--set pairs",
    "Another value for one of the recipe's parameters; may be repeated.",
    multiple=True,
    metavar="KEY=VALUE",
)


def _recipes() -> list[str]:
    from ..train.recipe import recipes

    return list(recipes())


RECIPE = click.argument("recipe", **completes(_recipes))


@click.group("pipeline", cls=options.Group)
def command() -> None:
    """Run recipes: every stage of Pedagogy-R1 from one file."""


@command.command("run")
@RECIPE
@options.out("Folder of the pipeline [default: pipeline/RECIPE].", options.OWN, required=False)
@options.option("--from start", "Run from this stage on, changed or not.", metavar="STAGE")
@SET
@options.flag("--keep-code", "Stages made by another version of the code count as made.")
@options.flag("--force", "Empty a stage's folder also of files that the pipeline did not write.")
@options.dry_run("run and why, and how many files deleted")
@options.as_json("what was (or would be) done")
def run(
    recipe: str,
    out: Path | None,
    start: str | None,
    pairs: tuple[str, ...],
    keep_code: bool,
    force: bool,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Run RECIPE (a name, or a YAML file). What is unchanged is not run again; what was cut off is taken up.

    A stage runs if its words, the files it reads, or the code behind its command have changed, or if what it wrote is not
    there as it was. Stages lie in OUT, one folder each; OUT/stages says what each was made of. A stage that runs anew empties
    its folder first (but for replies that were paid for); one that holds anything else than it wrote is refused.
    """
    from ..train.pipeline import Pipeline

    read = _recipe(recipe, pairs)
    out = out or Path("pipeline") / read.id
    pipeline = Pipeline(read, out, CommandLine(), keep_code=keep_code, force=force)
    if dry_run:
        steps = list(pipeline.plan(start))
        if not put_json(_steps(pipeline, steps), as_json):
            _print_plan(pipeline, steps)
        return 0
    steps = pipeline.run(start, tell=lambda step: _announce(pipeline, step))
    put_json(_steps(pipeline, steps), as_json)
    failed = [step.task.name for step in steps if (pipeline.record(step.task.name) or {}).get("exit") == 1]
    say(f"{len(steps)} stages done, in {out}", bold=True, err=True)
    if failed:
        notice(f"done with failures, which each lists: {', '.join(failed)}")
    return 1 if failed else 0


@command.command("list")
def list_() -> None:
    """List the shipped recipes."""
    from ..train.recipe import load_recipe, recipes

    width = max(map(len, recipes()), default=0)
    for name in recipes():
        say(f"{name:<{width}}  {load_recipe(name).title}")


@command.command("show")
@RECIPE
@SET
def show(recipe: str, pairs: tuple[str, ...]) -> None:
    """Print RECIPE whole, with what it extends, as a file to be changed: pcode pipeline show paper-7b > mine.yaml."""
    say(_recipe(recipe, pairs).yaml(), nl=False)


@command.command("cost")
@RECIPE
@options.option("--gpu gpus", "Only this one; may be repeated.", multiple=True)
@SET
@options.as_json("the table")
def cost(recipe: str, gpus: tuple[str, ...], pairs: tuple[str, ...], as_json: bool) -> None:
    """Estimate hours of each stage of RECIPE on several GPUs, from the models' shapes and the GPUs' data sheets."""
    from ..train.cost import cost_table, cost_text

    rows = cost_table(_recipe(recipe, pairs), gpus)
    if not put_json([row._asdict() for row in rows], as_json):
        say(cost_text(rows))


command.add_command(tiny)
command.add_command(teach)


def _recipe(name: str, pairs: tuple[str, ...]) -> Recipe:
    from ..train.recipe import load_recipe, parse_parameter

    return load_recipe(name).with_parameters(dict(map(parse_parameter, pairs)))


def _steps(pipeline: Pipeline, steps: Iterable[PlannedStage]) -> list[dict[str, Any]]:
    found = []
    for step in steps:
        task, seconds = step.task, (pipeline.record(step.task.name) or {}).get("seconds")
        plan = {"stage": task.name, "will": step.will, "why": step.why, "empties": step.empties}
        plan["words"] = task.words(pipeline.out)
        found.append(plan | {"needs": list(task.needs), "seconds": seconds})
    return found


_COLOURS = {"run": "green", "resume": "cyan", "look": "yellow", "keep": "white"}


def _print_plan(pipeline: Pipeline, steps: list[PlannedStage]) -> None:
    for step in steps:
        will = f"[{_COLOURS[step.will]}]{step.will:<6}[/]"
        put(f"{will} [bold]{escape(step.task.name)}[/]  {escape(step.why + _empties(pipeline, step))}")
        if step.will != "keep":
            put(f"       [dim]pcode {escape(shlex.join(step.task.words(pipeline.out)))}[/]")
    counts = {will: sum(step.will == will for step in steps) for will in _COLOURS}
    put("  ".join(f"{count} {will}" for will, count in counts.items() if count) + "; nothing was run")


def _announce(pipeline: Pipeline, step: PlannedStage) -> None:
    if step.will == "keep":
        say(f"── {step.task.name}: {step.why}", dim=True, err=True)
    else:
        say(f"── {step.task.name}: {step.will} ({step.why}{_empties(pipeline, step)})", bold=True, err=True)
        say(f"   pcode {shlex.join(step.task.words(pipeline.out))}", err=True)


def _empties(pipeline: Pipeline, step: PlannedStage) -> str:
    files = counted(step.empties, "file")
    return f"; empties {step.task.folder(pipeline.out)} of {files}" if step.empties else ""


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
            [*start, *words], pass_fds=(lock,), env=env, preexec_fn=_die_with_parent()
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
    command: click.Command = cli
    taken: list[str] = []
    while isinstance(command, click.Group):
        name = words[len(taken)] if len(taken) < len(words) else ""
        found = command.get_command(click.Context(command), name)
        if found is None:
            known = command.list_commands(click.Context(command))
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
