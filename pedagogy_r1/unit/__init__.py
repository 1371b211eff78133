"""Units and the schemes that cut them: ``sentence@1``, ``paragraph@1``, ``thought@1``, ``given@DIGEST``.

Names are imported when they are first used: whoever reads units (`unit.unit`) needs nothing of what cuts them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import lazy_names

if TYPE_CHECKING:  # for type checkers, which cannot follow names that are made below
    # ruff: noqa: F401
    from .unit import Unit, unit_id
    from .unitizer import SCHEMES, TraceSpan, Unitizer, given_scheme, given_units, made_units, unitize

_FILES = {
    "unit": ("Unit", "unit_id"),
    "unitizer": ("SCHEMES", "TraceSpan", "Unitizer", "given_scheme", "given_units", "made_units", "unitize"),
}
__getattr__, __dir__, __all__ = lazy_names(__name__, _FILES)
