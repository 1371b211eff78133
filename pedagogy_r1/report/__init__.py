"""The report: four answers in plain words, methods for an appendix, and every table and figure behind them.

Names are imported from their files when they are first used: a study needs the sections that it asks for, and no others.
"""

from __future__ import annotations

import importlib
from typing import Any

_FILES = {
    "answers": ("PlainAnswer",),
    "study_report": ("Report", "build_report", "make_report", "write_report"),
    "figures": ("Figure",),
    "section": ("Gap", "Quote", "ReportTable", "Section", "TableColumn", "columns", "with_interval"),
    "sections.code_order": ("CodeOrder", "measure_order", "order_section"),
    "sections.coder_agreement": ("agreement_section", "disagreements"),
    "sections.contrasts": ("Contrasts", "contrast_section", "measure_contrasts"),
    "sections.corrections": ("Corrections", "correction_section", "measure_corrections"),
    "sections.frequencies": ("Frequencies", "frequency_section", "measure_frequency"),
    "sections.methods": ("coverage_section",),
    "sections.noise_share": ("Noise", "measure_noise", "noise_section"),
    "sections.other_coders": ("Robustness", "measure_robustness", "robustness_section"),
    "study": ("ColumnContrast", "ReportSettings", "Study", "open_study", "parse_comparison"),
    "study_agreement": ("Agreement", "measure_agreement"),
}
_HOMES = {name: file for file, names in _FILES.items() for name in names}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f".{_HOMES[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
