"""``pcode completion bash``: what makes the shell complete commands, options, codebooks, recipes and formats."""

from __future__ import annotations

import click

from . import options
from .console import say


@click.command("completion", cls=options.Command)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(ctx: click.Context, shell: str) -> None:
    """Print what makes SHELL complete pcode's commands, options and names.

    \b
    bash:  pcode completion bash \\
             > ~/.local/share/bash-completion/completions/pcode
    zsh:   pcode completion zsh > "${fpath[1]}/_pcode"
    fish:  pcode completion fish > ~/.config/fish/completions/pcode.fish

    Open a new shell afterwards.
    """
    from click.shell_completion import get_completion_class

    made = get_completion_class(shell)
    assert made is not None
    say(made(ctx.find_root().command, {}, "pcode", "_PCODE_COMPLETE").source())
