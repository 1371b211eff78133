"""``pcode plugins``: where the package can be extended, and by what it is."""

from __future__ import annotations

from typing import Any

import click

from . import options
from .console import escape, put, put_json, table

EXTENSION_POINTS = {
    "pedagogy_r1.intake.formats": "reads a format of other people's traces: pcode traces import, traces formats",
    "pedagogy_r1.coding.coders": "codes units by machine: pcode annotate --coder NAME",
    "pedagogy_r1.shards.engines": "has shards made: pcode annotate CORPUS, distill and wbeb eval --shards, with --engine NAME",
    "pedagogy_r1.human.tools": "writes packets for a tool that people code in, and reads what they coded: pcode packet, import",
    "pedagogy_r1.train.policies": "keeps or drops a trace: pcode filter --policy NAME",
    "pedagogy_r1.wbeb.sources": "makes benchmark items of a published data set: pcode wbeb build NAME FILE…",
    "pedagogy_r1.wbeb.domains": "asks, reads and scores items of a domain: pcode wbeb eval",
    "pedagogy_r1.chat": "reaches language models: --model NAME:…",
    "pedagogy_r1.report.sections": "adds a section to the page: pcode report",
}
"""Packages that are registries; docs/extending.md says what a plugin of each looks like."""

CLASH = "two of one name: neither can be asked for; uninstall or rename one"


@click.command("plugins", cls=options.Command)
@options.as_json()
def command(as_json: bool) -> None:
    """List the extension points, and every plugin with the distribution it comes from (docs/extending.md)."""
    from ..plugins import found, kind

    points = [
        {
            "package": package,
            "function": kind(package),
            "what": what,
            "plugins": [
                plugin._asdict() | {"clash": len(plugins) > 1}
                for plugins in found(package).values()
                for plugin in plugins
            ],
        }
        for package, what in EXTENSION_POINTS.items()
    ]
    if not put_json(points, as_json):
        _print(points)


def _print(points: list[dict[str, Any]]) -> None:
    for point in points:
        put(f"[bold]{point['package']}[/]  def {point['function']}(…)  [dim]{escape(point['what'])}[/]")
        rows = []
        for plugin in point["plugins"]:
            clash = f"[yellow]{CLASH}[/]" if plugin["clash"] else ""
            rows.append(
                (f"  {escape(plugin['name'])}", escape(plugin["target"]), escape(plugin["origin"]), clash)
            )
        put(table("", "", "", "", rows=rows, left=("",), headless=True))
