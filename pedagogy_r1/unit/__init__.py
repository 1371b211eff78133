"""Units and the schemes that cut them: ``sentence@1``, ``paragraph@1``, ``thought@1``, ``given@DIGEST``."""

from ..trace import Unit, unit_id
from .unitizer import SCHEMES, TraceSpan, Unitizer, given_scheme, given_units, made_units, unitize

__all__ = [
    "SCHEMES", "TraceSpan", "Unit", "Unitizer", "given_scheme", "given_units", "made_units", "unit_id", "unitize",
]  # fmt: skip
