"""The report: four answers in plain words, methods for an appendix, and every table and figure behind them."""

from .answers import PlainAnswer
from .build_report import Report, build_report, make_report, write_report
from .figures import Figure
from .section import Gap, Quote, ReportTable, Section, TableColumn, columns
from .sections.code_order import CodeOrder, measure_order, order_section
from .sections.coder_agreement import agreement_section, disagreements
from .sections.contrasts import Contrasts, contrast_section, measure_contrasts
from .sections.corrections import Corrections, correction_section, measure_corrections
from .sections.frequencies import Frequencies, frequency_section, measure_frequency
from .sections.methods import coverage_section
from .sections.noise_share import Noise, measure_noise, noise_section
from .sections.other_coders import Robustness, measure_robustness, robustness_section
from .study import ColumnContrast, ReportSettings, Study, open_study, parse_comparison
from .study_agreement import Agreement, measure_agreement

__all__ = [
    "Agreement",
    "PlainAnswer",
    "CodeOrder",
    "TableColumn",
    "ColumnContrast",
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
    "ReportSettings",
    "Study",
    "ReportTable",
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
