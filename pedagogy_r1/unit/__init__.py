"""Units and the schemes that cut them: ``sentence@1``, ``paragraph@1``, ``thought@1``, ``given@DIGEST``."""

from .unit import Unit, unit_id
from .unitize import SCHEMES, TraceSpan, Unitizer, given_scheme, given_units, unitize

__all__ = ["SCHEMES", "TraceSpan", "Unit", "Unitizer", "given_scheme", "given_units", "unit_id", "unitize"]
