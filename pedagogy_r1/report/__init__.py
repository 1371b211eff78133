"""The report: four answers in plain words, methods for an appendix, and every table and figure behind them."""

from .answer import Answer
from .contrast import Contrasts, contrast_section, measure_contrasts
from .corrections import Corrections, correction_section, measure_corrections
from .coverage import coverage_section
from .figure import Figure
from .frequency import Frequencies, frequency_section, measure_frequency
from .noise import Noise, measure_noise, noise_section
from .order import CodeOrder, measure_order, order_section
from .quoted import disagreements
from .reliability import Agreement, measure_agreement
from .reliability_section import agreement_section
from .report import Report, build_report, make_report, write_report
from .robustness import Robustness, measure_robustness, robustness_section
from .section import Gap, Quote, Section
from .settings import Comparison, Settings, parse_comparison
from .study import Study, open_study
from .table import Column, Table, columns

__all__ = [
    "Agreement",
    "Answer",
    "CodeOrder",
    "Column",
    "Comparison",
    "Contrasts",
    "Corrections",
    "Figure",
    "Frequencies",
    "Gap",
    "Noise",
    "Quote",
    "Report",
    "Robustness",
    "Section",
    "Settings",
    "Study",
    "Table",
    "agreement_section",
    "build_report",
    "columns",
    "contrast_section",
    "correction_section",
    "coverage_section",
    "disagreements",
    "frequency_section",
    "make_report",
    "measure_agreement",
    "measure_contrasts",
    "measure_corrections",
    "measure_frequency",
    "measure_noise",
    "measure_order",
    "measure_robustness",
    "noise_section",
    "open_study",
    "order_section",
    "parse_comparison",
    "robustness_section",
    "write_report",
]
