"""Where results are printed: stdout, coloured on a terminal, and never cut to 80 columns in a pipe."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console


def console() -> Console:
    """A rich console on stdout."""
    from rich.console import Console

    return Console(
        emoji=False,  # a condition named x:cop:y stays what it is
        highlight=False,
        soft_wrap=not sys.stdout.isatty(),
        width=None if sys.stdout.isatty() else 160,
    )
