"""Units and the schemes that cut them: ``sentence@1``, ``paragraph@1``, ``thought@1``, ``given@DIGEST``.

What cuts units is imported when it is first used: whoever only reads them needs nothing of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import lazy_names
from ..trace import Unit, unit_id

if TYPE_CHECKING:  # for type checkers, which cannot follow names that are made below
    # ruff: noqa: F401
    from .unitizer import SCHEMES, TraceSpan, Unitizer, given_scheme, given_units, made_units, unitize

_FILES = {
    "unitizer": ("SCHEMES", "TraceSpan", "Unitizer", "given_scheme", "given_units", "made_units", "unitize"),
}
__getattr__, __dir__, _cutting = lazy_names(__name__, _FILES)
__all__ = ["Unit", "unit_id", *_cutting]
