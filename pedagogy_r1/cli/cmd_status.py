"""``pcode status``: what is in a study's folder, and which command comes next."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from . import options
from .console import escape, notice, put, put_json, say, table


@click.command("status", cls=options.Command)
@click.argument("folder", type=options.PATH, default=".")
@options.as_json()
def command(folder: Path, as_json: bool) -> None:
    """Say what is in the study FOLDER (here, if none is named), what is missing, and which command comes next.

    Of a corpus: how many traces. Of a run over one, and of answers in shards:
    how many shards are done.
    """
    from ..formatting import counted
    from ..intake.corpus import TraceCorpus, is_corpus
    from ..report.study_folder import read_study
    from ..shards.shard_record import progress_of

    if (over := progress_of(folder)) is not None:
        if not put_json(over._asdict(), as_json):
            say(over.said())
        return
    if is_corpus(folder):
        corpus = TraceCorpus(folder)
        if not put_json({"traces": corpus.total, "shards": corpus.shards}, as_json):
            say(f"a corpus: {counted(corpus.total, 'trace')} in {counted(corpus.shards, 'shard')}")
            say(f"next: pcode annotate {shlex.quote(str(folder))} -o RUN --workers N")
        return
    study = read_study(folder)
    next_command, why = study.next_command()
    found = [vars(one) for one in study.found]
    told = {"found": found, "missing": study.missing, "troubles": study.troubles}
    if put_json({"folder": str(folder), **told, "next": next_command, "why": why}, as_json):
        return
    rows = [(one.kind, f"[bold]{escape(one.path)}[/]", escape(one.what)) for one in study.found]
    put(table("", "", "", rows=rows, left=("",), headless=True))
    for trouble in study.troubles:
        notice(f"not readable: {trouble}")
    if study.missing:
        say(f"missing: {', '.join(study.missing)}")
    say(f"next: {next_command}")
    say(f"      {why}", dim=True)
