"""``pcode wbeb``: the benchmark. Its commands are the modules ``cmd_wbeb_*.py`` beside this one."""

from __future__ import annotations

import click

from .main import Commands


@click.group("wbeb", cls=Commands, within="wbeb")
def command() -> None:
    """Build the benchmark's items, evaluate models on them, compare the results."""
