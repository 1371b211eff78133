"""Krippendorff agreement between coders, human and machine, with intervals."""

from .alpha import Alpha, krippendorff_alpha
from .comparison import CodeAlpha, Comparison, Confusion
from .profile import MISSING, Profiles, profiles, value_counts
from .reliability import ReliabilityData, reliability_data
from .report import AgreementReport, DisagreedUnit, agree

__all__ = [
    "MISSING",
    "AgreementReport",
    "Alpha",
    "CodeAlpha",
    "Comparison",
    "Confusion",
    "DisagreedUnit",
    "Profiles",
    "ReliabilityData",
    "agree",
    "krippendorff_alpha",
    "profiles",
    "reliability_data",
    "value_counts",
]
