"""``pcode version``: of this package, of Python, and of what results depend on."""

from __future__ import annotations

import click

from . import options
from .console import put, put_json, table


@click.command("version", cls=options.Command)
@options.as_json("all of them")
def command(as_json: bool) -> None:
    """Print the versions that every run records: of pcode, Python and the packages that results depend on."""
    from ..provenance import versions

    found = versions()
    if not put_json(found, as_json):
        put(
            table(
                "", "", rows=[(f"[bold]{name}[/]", number) for name, number in found.items()], headless=True
            )
        )
