"""Frequencies, contrasts, order, co-occurrence and place of codes, with intervals that know units come in traces.

Names are imported when they are first used.
"""

from __future__ import annotations

import importlib
from typing import Any

_HOMES = {
    ".runs.code_table": ("code_table", "of_coder"),
    ".estimate": ("Estimate",),
    "code_contrast": ("CodeContrast", "ContrastFamily", "contrast"),
    "code_cooccurrence": ("CodePair", "cooccurrence"),
    "code_shares": ("CodeShare", "frequency"),
    "code_position": ("CodePosition", "position"),
    "corrected": ("Corrected", "corrected_logistic", "corrected_prevalence"),
    "glm": ("BinomialFit", "binomial_glm"),
    "multiverse_analysis": ("Analysis", "Conclusion", "Multiverse", "conclusions", "multiverse"),
    "transition": ("Transitions", "sequence_transitions", "transitions"),
}
__all__ = sorted(name for names in _HOMES.values() for name in names)


def __getattr__(name: str) -> Any:
    for home, names in _HOMES.items():
        if name in names:
            return getattr(importlib.import_module(f".{home}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
