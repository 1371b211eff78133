"""``pcode help annotate``: what ``pcode annotate --help`` prints."""

from __future__ import annotations

import click

from ..errors import did_you_mean
from . import options


@click.command("help", cls=options.Command)
@click.argument("names", nargs=-1, metavar="[COMMAND]...")
@click.pass_context
def command(ctx: click.Context, names: tuple[str, ...]) -> None:
    """Show what COMMAND does, as `pcode COMMAND --help`; without one, all commands."""
    assert ctx.parent is not None
    within: click.Context = ctx.parent
    for name in names:
        if not isinstance(within.command, click.Group):
            raise click.UsageError(f"{within.command_path} has no commands of its own")
        found = within.command.get_command(within, name)
        if found is None:
            near = did_you_mean(name, within.command.list_commands(within))
            raise click.UsageError(f"no command is named {name!r}; {near}")
        within = found.make_context(name, [], parent=within, resilient_parsing=True)
    click.echo(within.get_help())
