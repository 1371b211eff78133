"""``pcode packet``: what coders are sent, in the format of the tool they code in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from . import options
from .completes import completes, plugin_names
from .console import say


@click.group("packet", cls=options.Group)
def command() -> None:
    """Write coders' files of a packet (`pcode sample` makes one; `pcode import --packet` takes back what they coded)."""


@command.command("write")
@click.argument("packet", type=options.PATH)
@options.names(
    "--format formats",
    "Formats, as xlsx,label-studio.",
    required=True,
    metavar="NAME,…",
    **completes(plugin_names("human.tools")),
)
@options.coders("For these coders alone. [default: all]")
@options.out("Folder for the coders' folders. [default: the packet]", options.OWN, required=False)
@options.flag("--force", options.FORCE)
@options.flag(
    "--spans",
    "Whole traces in which coders mark stretches, instead of unit by unit (label-studio, doccano, prodigy).",
)
def write(
    packet: Path,
    formats: tuple[str, ...],
    coders: tuple[str, ...],
    out: Path | None,
    force: bool,
    spans: bool,
) -> None:
    """Write the files that the coders of PACKET are sent, into PACKET/CODER/.

    Nothing in them says what anybody else coded, nor which condition or model a trace comes from. A file that a coder has
    begun to fill in is not replaced.
    """
    from ..human.packet import Packet
    from ..human.tools import write_formats

    options: dict[str, Any] = {"spans": True} if spans else {}
    for path in write_formats(Packet(packet), formats, coders, out, force=force, **options):
        say(path)


@command.command("formats")
def formats() -> None:
    """List the formats."""
    from ..human.tools import formats

    for name in formats():
        say(name.replace("_", "-"))
