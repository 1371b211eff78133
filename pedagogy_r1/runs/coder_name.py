"""Names of coders: each is a folder in a packet, on any system, and a word on the command line.

A   coder-2   민지   Anne Marie          not: key, a/b, .hidden, "A " or both A and a
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..errors import InputError

_NAME = re.compile(r"\w([\w .-]{0,58}[\w-])?")
RESERVED = frozenset({"key", "none", "gold", "con", "prn", "aux", "nul"})
"""``key`` is a folder of the packet itself; the last four are no names for folders on Windows."""


def check_coders(names: Sequence[str]) -> None:
    """Raise `InputError` unless these can be the coders of one packet."""
    if not names:
        raise InputError("no coder is named", "name them: --coders A,B")
    for name in names:
        if not _NAME.fullmatch(name) or name.lower() in RESERVED:
            raise InputError(
                f"--coders: {name!r} cannot be a coder's name",
                "use letters, digits, spaces, points, - and _, at most 60; not key, none or gold",
            )
    folded = [name.casefold() for name in names]
    for name, fold in zip(names, folded, strict=True):
        if folded.count(fold) > 1:
            raise InputError(f"--coders: {name!r} is there twice", "give every coder a name of their own")
