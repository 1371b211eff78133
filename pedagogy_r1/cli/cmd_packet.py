"""``pcode packet``: what coders are sent, in the format of the tool they code in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click


@click.group("packet")
def command() -> None:
    """Write coders' files of a packet (`pcode sample` makes one; `pcode import --packet` takes back what they coded)."""


@command.command("write")
@click.argument("packet", type=click.Path(path_type=Path))
@click.option(
    "--format", "names", required=True, metavar="NAMES", help="One or more, with commas: xlsx,label-studio."
)
@click.option(
    "--coder", "coders", multiple=True, help="For this coder alone; may be repeated. [default: all]"
)
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path),
    default=None,
    help="Folder for the coders' folders. [default: the packet]",
)
@click.option(
    "--spans",
    is_flag=True,
    help="Whole traces in which coders mark stretches, instead of unit by unit (label-studio, doccano, prodigy).",
)
def write(packet: Path, names: str, coders: tuple[str, ...], out: Path | None, spans: bool) -> None:
    """Write the files that the coders of PACKET are sent, into PACKET/CODER/.

    Nothing in them says what anybody else coded, nor which condition or model a trace comes from.
    """
    from ..human.packet import Packet
    from ..human.tools import write_formats

    options: dict[str, Any] = {"spans": True} if spans else {}
    for path in write_formats(Packet(packet), names.split(","), coders, out, **options):
        click.echo(path)


@command.command("formats")
def formats() -> None:
    """List the formats."""
    from ..human.tools import formats

    for name in formats():
        click.echo(name.replace("_", "-"))
