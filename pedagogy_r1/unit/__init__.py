"""Units and the schemes that cut them: ``sentence@1``, ``paragraph@1``, ``thought@1``, ``given@DIGEST``.

Names are imported when they are first used: whoever reads units (`unit.unit`) needs nothing of what cuts them.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .unit import Unit, unit_id
    from .unitizer import SCHEMES, TraceSpan, Unitizer, given_scheme, given_units, made_units, unitize

__all__ = [
    "SCHEMES",
    "TraceSpan",
    "Unit",
    "Unitizer",
    "given_scheme",
    "given_units",
    "made_units",
    "unit_id",
    "unitize",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = "unit" if name in ("Unit", "unit_id") else "unitizer"
    return getattr(importlib.import_module(f".{home}", __name__), name)


def __dir__() -> list[str]:
    return __all__
