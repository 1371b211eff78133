"""``pcode demo``: the main job, once, on the sample that ships with the package."""

from __future__ import annotations

from pathlib import Path

import click

from .options import out_option


@click.command("demo")
@out_option("Folder for the results.", default="demo-out")
@click.pass_context
def command(ctx: click.Context, out: Path) -> None:
    """Annotate the sample traces, import two people's codings, and print how far they agree.

    No key, no server, no download. Running it again finds everything done and prints the same.
    """
    from ..runs.export import export_runs
    from ..shipped import folder
    from . import cmd_agreement as agreement
    from . import cmd_annotate as annotate
    from . import cmd_import as import_

    sample = folder("demo")
    traces, machine, humans = sample / "traces.jsonl", out / "cues", out / "humans"
    _step(
        "1",
        "annotate: the rule-based coder, a baseline that runs anywhere",
        f"pcode annotate {traces} -o {machine}",
    )
    ctx.invoke(annotate.command, traces=traces, out=machine)
    files = [sample / "coder_A.csv", sample / "coder_B.csv"]
    _step(
        "2",
        "import: the codings of two people (invented, for the sample)",
        f"pcode import {files[0]} {files[1]} --traces {traces} -o {humans} --codebook schoen@1.0.0 --project sentence@1",
    )
    ctx.invoke(
        import_.command,
        files=tuple(files),
        traces=traces,
        out=humans,
        codebook="schoen@1.0.0",
        project="sentence@1",
    )
    _step(
        "3",
        "agreement: people with each other, and with the machine",
        f"pcode agreement {humans} {machine} --json-out {out / 'agreement.json'}",
    )
    ctx.invoke(agreement.command, runs=(humans, machine), json_file=out / "agreement.json")
    export_runs([humans, machine], out / "codings.csv")
    click.secho("\nnext", bold=True)
    click.echo(
        f"  pcode report {humans} {machine} -o {out / 'report'}  {click.style('all of it on one page, with figures', dim=True)}"
    )
    click.secho("\nlook at", bold=True)
    for path, what in (
        (out / "codings.csv", "every unit, coder and code, one row each"),
        (out / "agreement.json", "every comparison, with intervals and per code"),
        (machine / "run.json", "what made the codings: codebook, digest, versions"),
        (sample / "README.md", "who wrote the sample, and why no number above may be cited"),
    ):
        click.echo(f"  {path}  {click.style(what, dim=True)}")


def _step(number: str, title: str, shown: str) -> None:
    click.secho(f"\n{number}. {title}", bold=True)
    click.secho(f"   $ {shown}", dim=True)
