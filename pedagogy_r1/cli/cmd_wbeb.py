"""``pcode wbeb``: the benchmark. Its commands are the modules ``cmd_wbeb_*.py`` beside this one."""

from __future__ import annotations

import click

from .cmd_wbeb_baselines import command as baselines
from .cmd_wbeb_build import command as build
from .cmd_wbeb_compare import command as compare
from .cmd_wbeb_eval import command as evaluate


class InOrder(click.Group):
    """Commands in the order of work."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """As they were added."""
        return list(self.commands)


@click.group("wbeb", cls=InOrder)
def command() -> None:
    """Build the benchmark's items, evaluate models on them, compare the results."""


for each in (build, evaluate, baselines, compare):
    command.add_command(each)
