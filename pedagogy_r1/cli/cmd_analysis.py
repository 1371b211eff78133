"""``pcode analysis``: the studies that ship with the package, to run as they are or to copy and change."""

from __future__ import annotations

import ast
import runpy
import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click

from ..errors import PedagogyError, did_you_mean
from ..shipped import folder
from . import options
from .completes import completes
from .console import say


@click.group("analysis", cls=options.Group)
def command() -> None:
    """Studies of a page each: list them, copy one to change it, or run it as it is."""


@command.command("list")
def list_studies() -> None:
    """Every study, and what it asks."""
    studies = _studies()
    width = max(map(len, studies), default=0)
    for name, path in studies.items():
        about = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
        say(f"{name:{width}}  {' '.join(about.split(chr(10) * 2)[0].split())}")


@command.command("copy")
@click.argument("name", **completes(lambda: list(_studies())))
@options.out("Folder or file to copy to.", options.NEW, default=".")
def copy_study(name: str, out: Path) -> None:
    """Copy the study NAME, to change it; a file that is there already is left alone."""
    source = _study(name)
    target = out / source.name if out.is_dir() or not out.suffix else out
    if target.exists():
        raise PedagogyError(f"{target} is there already", "choose another place with -o")
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    say(f"copied to {target}; run it with: pcode analysis run {target} RUN…")


@command.command("run", context_settings={"ignore_unknown_options": True, "help_option_names": []})
@click.argument("name", **completes(lambda: list(_studies())))
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def run_study(name: str, arguments: tuple[str, ...]) -> None:
    """Run the study NAME, or a file of your own, with ARGUMENTS: run directories first; --help shows the rest.

    A file named by -o that pcode did not write, or that was changed since, is replaced with --force alone.
    """
    if name in ("-h", "--help"):
        click.echo(click.get_current_context().get_help())
        return
    words = list(arguments)
    force, main = "--force" in words, _main(_study(name))
    from ..files.written import replacing

    with ExitStack() as held:
        for path in _written([word for word in words if word != "--force"]):
            held.enter_context(replacing(path, beside=["{name}"], force=force))
        main([word for word in words if word != "--force"])


def _written(words: Sequence[str]) -> Iterator[Path]:
    """The file that a study's ``-o`` names, as argparse understands it."""
    for word, following in zip(words, [*words[1:], ""], strict=True):
        name, equals, value = word.partition("=")
        if name in ("-o", "--out") and (equals or following):
            yield Path(value if equals else following)
        elif word[:2] == "-o" and len(word) > 2:
            yield Path(word[2:])


def _studies() -> dict[str, Path]:
    return {path.stem: path for path in sorted(folder("analysis").glob("*.py"))}


def _study(name: str) -> Path:
    studies = _studies()
    if name in studies:
        return studies[name]
    if name.endswith(".py") and Path(name).is_file():
        return Path(name)
    raise PedagogyError(f"no study is named {name!r}", did_you_mean(name, list(studies)))


def _main(path: Path) -> Any:
    """The study's ``main``, which takes a list of arguments."""
    main = runpy.run_path(str(path), run_name=f"pedagogy_r1_analysis_{path.stem}").get("main")
    if not callable(main):
        raise PedagogyError(f"{path} has no function main()", "a study exposes main(arguments)")
    return main
