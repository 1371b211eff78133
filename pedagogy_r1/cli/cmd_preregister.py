"""``pcode preregister``: what is settled before the codings are compared, sealed, with its date."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from . import options
from .console import put_json, say


@click.command("preregister", cls=options.Command)
@options.out("Folder for preregistration.json and preregistration.md; best the study's.", options.NEW)
@options.codebook(
    "Codebook: ID, ID@VERSION or a YAML file. [default: schoen; with --packet that packet's]", default=None
)
@options.option(
    "--contrast contrasts",
    "A planned comparison, as condition:cop:generic; may be repeated.",
    multiple=True,
    required=True,
    metavar="COLUMN:A:B",
)
@options.names("--family", "The confirmatory codes; default: all of the codebook's.", metavar="CODE,…")
@options.choice(
    "--correction",
    "Of p for the codes of a comparison: family-wise by permutation, Benjamini–Hochberg's, or none.",
    ["family", "bh", "none"],
)
@options.option("--level", "Confidence level of the intervals.", options.LEVELS, default=0.95)
@options.option(
    "--whose coder", "Whose codings shall be compared; default: who coded most units.", metavar="NAME"
)
@options.coders("The people who shall code.")
@options.option("--n-units", "Units that people shall code.", options.FROM_1)
@options.option("--n-traces", "Traces that people shall code.", options.FROM_1)
@options.option("--packet", "The packet that was drawn: how, and for whom.", options.PATH)
@options.option(
    "--sample-plan", "plan.csv of pcode sample --plan -o, or its folder.", options.PATH, metavar="FILE"
)
@options.option(
    "--hypotheses",
    "A text (Markdown) with what is expected, and why; it is sealed with the rest.",
    options.PATH,
    metavar="FILE",
)
@options.option("--title", "Title; default: the codebook's.", default="", show_default=False)
@options.as_json("what was registered")
def command(out: Path, as_json: bool, **given: Any) -> None:
    """Write down what is settled before the codings are compared: a text to fill in and hand on, and a sealed record with its digest.

    \b
    pcode preregister -o my-study --contrast condition:cop:generic \\
      --family IA-SQ,OA-ME --packet my-study/packet
    pcode report my-study/runs/people my-study/runs/machine -o my-study/report

    The report finds it above the first run (or by --registered) and says which comparisons were registered, which were not, and what was
    done otherwise. What was registered is never written anew.
    """
    from ..report.preregistration import planned, write_registered

    found = write_registered(planned(**given), out)
    if put_json(found.record.model_dump(mode="json"), as_json):
        return
    say(f"written to {out}: preregistration.json, preregistration.md")
    say(f"digest, to be published before the codings are compared: {found.digest}")
    say("next: fill in what is open in preregistration.md, and hand both to a registry")
