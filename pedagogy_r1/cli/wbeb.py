"""``pcode wbeb``: the benchmark. Its commands are the modules ``_wbeb_*.py`` beside this one."""

from __future__ import annotations

import importlib
import pkgutil

import click

_ORDER = ["build", "eval", "baselines", "compare"]
_PREFIX = "_wbeb_"


class WbebCommands(click.Group):
    """Imports only the command that is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order of work."""
        home = importlib.import_module(__package__ or "pedagogy_r1.cli")
        names = [
            m.name.removeprefix(_PREFIX)
            for m in pkgutil.iter_modules(home.__path__)
            if m.name.startswith(_PREFIX)
        ]
        return sorted(names, key=lambda name: (_ORDER.index(name) if name in _ORDER else len(_ORDER), name))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The module's ``command``."""
        if cmd_name not in self.list_commands(ctx):
            return None
        found: click.Command = importlib.import_module(f".{_PREFIX}{cmd_name}", __package__).command
        return found


@click.group("wbeb", cls=WbebCommands)
def command() -> None:
    """Build the benchmark's items, evaluate models on them, compare the results."""
