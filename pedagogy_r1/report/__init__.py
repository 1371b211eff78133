"""The report: four answers in plain words, methods for an appendix, and every table and figure behind them.

Names are imported from their files when they are first used: a study needs the sections that it asks for, and no others.
"""

from __future__ import annotations

from ..lazy import lazy_names

_FILES = {
    "answers": ("PlainAnswer",),
    "study_report": ("Report", "build_report", "make_report", "write_report"),
    "figures.figure": ("Figure",),
    "section": ("Gap", "Quote", "ReportTable", "Section", "TableColumn", "columns", "with_interval"),
    "sections.code_order": ("CodeOrder", "measure_order", "order_section"),
    "sections.coder_agreement": ("agreement_section", "disagreements"),
    "sections.contrasts": (
        "Contrasts",
        "Robustness",
        "contrast_section",
        "measure_contrasts",
        "measure_robustness",
        "robustness_section",
    ),
    "sections.corrections": ("Corrections", "correction_section", "measure_corrections"),
    "sections.frequencies": ("Frequencies", "frequency_section", "measure_frequency"),
    "sections.methods": ("coverage_section",),
    "sections.noise_share": ("Noise", "measure_noise", "noise_section"),
    "column_contrast": ("ColumnContrast", "parse_comparison", "parse_comparisons"),
    "study": ("ReportSettings", "Study", "open_study"),
    "study_agreement": ("Agreement", "measure_agreement"),
}
__getattr__, __dir__, __all__ = lazy_names(__name__, _FILES)
