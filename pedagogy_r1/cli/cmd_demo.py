"""``pcode demo``: the main job, once, on the sample that ships with the package."""

from __future__ import annotations

from pathlib import Path

import click

from . import options
from .console import say


@click.command("demo", cls=options.Command)
@options.out("Folder for the results.", options.Writes("own", inside=("codings.csv",)), default="demo-out")
def command(out: Path) -> None:
    """Annotate the sample traces, import two people's codings, print how far they agree, and annotate with the learned coder.

    No key, no server, no download. Running it again finds everything done and prints the same.
    """
    from ..files.written import refuse_foreign
    from ..runs.export import export_runs
    from ..shipped import folder
    from . import cmd_agreement, cmd_annotate, cmd_import

    sample = folder("demo")
    traces, machine, humans, learned = sample / "traces.jsonl", out / "cues", out / "humans", out / "learned"
    if not all((run / "run.json").is_file() for run in (machine, humans, learned)):
        refuse_foreign(out, "demo", ("cues", "humans", "learned"))
        for run in (machine, humans, learned):
            if not (run / "run.json").is_file():
                refuse_foreign(run, "run")
    coded = (sample / "coder_A.csv", sample / "coder_B.csv")
    book = ("--codebook", "schoen@1.0.0")  # which the sample was coded under
    steps: list[tuple[str, click.Command, list[str | Path]]] = [
        (
            "annotate: the rule-based coder, a baseline that runs anywhere",
            cmd_annotate.command,
            [traces, "-o", machine, "--coder", "cues", *book],
        ),
        (
            "import: the codings of two people (invented, for the sample)",
            cmd_import.command,
            [*coded, "--traces", traces, "-o", humans, *book, "--project", "sentence@1"],
        ),
        (
            "agreement: people with each other, and with the machine",
            cmd_agreement.command,
            [humans, machine, "--json-out", out / "agreement.json"],
        ),
        (
            "annotate: the coder that was learned from the teaching corpus, under the newest codebook",
            cmd_annotate.command,
            [traces, "-o", learned],
        ),
    ]
    for number, (title, step, words) in enumerate(steps, 1):
        say(f"\n{number}. {title}", bold=True)
        say(f"   $ pcode {step.name} {' '.join(map(str, words))}", dim=True)
        if status := step.main([str(word) for word in words], step.name, standalone_mode=False):
            raise click.exceptions.Exit(status)
    export_runs([humans, machine], out / "codings.csv")
    click.secho("\nnext", bold=True)
    say(f"  pcode report {humans} {machine} -o {out / 'report'}  ", nl=False)
    say("all of it on one page, with figures", dim=True)
    click.secho("\nlook at", bold=True)
    for path, what in (
        (out / "codings.csv", "every unit, coder and code, one row each"),
        (out / "agreement.json", "every comparison, with intervals and per code"),
        (learned / "codings.jsonl", "what the learned coder says, how sure it is, and what else it might be"),
        (machine / "run.json", "what made the codings: codebook, digest, versions"),
        (sample / "README.md", "who wrote the sample, and why no number above may be cited"),
    ):
        say(f"  {path}  ", nl=False)
        say(what, dim=True)
