"""Krippendorff agreement between coders, human and machine, with intervals."""

from .alpha import Alpha, nominal_alpha
from .comparison import CodeAlpha, Comparison, Confusion
from .reliability import MISSING, ReliabilityData, reliability_data, value_counts
from .report import AgreementReport, DisagreedUnit, agree

__all__ = [
    "MISSING",
    "AgreementReport",
    "Alpha",
    "CodeAlpha",
    "Comparison",
    "Confusion",
    "DisagreedUnit",
    "ReliabilityData",
    "agree",
    "nominal_alpha",
    "reliability_data",
    "value_counts",
]
