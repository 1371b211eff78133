"""Text cells that a spreadsheet would run as a formula, made harmless, and back.

    -3 + 4 = 1   ⇄   '-3 + 4 = 1

A cell is given one apostrophe if it begins with ``= + - @``, a tab or a line end, whatever number of apostrophes
stands before; so taking one away always restores it.
"""

from __future__ import annotations

import re

_RISKY = re.compile("'*[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
_MADE_HARMLESS = re.compile("'+[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")


def neutralise(cell: str) -> str:
    """Put an apostrophe before what a spreadsheet would take for a formula.

    >>> neutralise("=1+1"), neutralise("'=1+1"), neutralise("1+1")
    ("'=1+1", "''=1+1", '1+1')
    """
    return "'" + cell if _RISKY.match(cell) else cell


def restore(cell: str) -> str:
    """Undo `neutralise`.

    >>> restore(neutralise("-x")), restore("'tis")
    ('-x', "'tis")
    """
    return cell[1:] if _MADE_HARMLESS.match(cell) else cell
