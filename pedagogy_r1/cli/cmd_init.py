"""``pcode init``: a folder for a study."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from . import options
from .console import say


@click.command("init", cls=options.Command)
@click.argument("folder", type=options.PATH)
@options.codebook("Codebook to copy into it: ID, ID@VERSION or a YAML file. [default: schoen]", default=None)
@options.option("--new-codebook", "Write a codebook of this id to begin with instead.", metavar="ID")
def command(folder: Path, codebook: str | None, new_codebook: str | None) -> None:
    """Make FOLDER for a study: sample traces, a codebook, and a README with the next five commands.

    \b
    pcode init my-study
    pcode status my-study
    """
    from ..report.study_folder import new_study

    for path in new_study(folder, codebook=codebook, new=new_codebook):
        say(f"written: {path}", err=True)
    say(f"next: cd {shlex.quote(str(folder))}, read README.md, and: pcode status", err=True)
