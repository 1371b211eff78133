"""Krippendorff agreement between coders, human and machine, and all that belongs beside it, with intervals."""

from .accuracy import CodeAccuracy, Share, accuracy
from .alpha import Alpha, Reliability, krippendorff_alpha, krippendorff_alphas
from .coefficients import Coefficient, chance_corrected, cohen_kappa, percent_agreement
from .comparison import CodeAlpha, Comparison, Confusion
from .continuum import Continuum, Span, continua_of
from .difference import Difference, human_machine_difference, recoding_difference
from .disagreement import ConfusedPair, Disagreements, QuotedUnit, Said, disagreements
from .drift import drift
from .hayes import HayesKrippendorff, hayes_krippendorff
from .machine_errors import MachineErrors, machine_errors, majority
from .multivalued import MultiValued, multivalued_alpha
from .profile import MISSING, Profiles, profiles, value_counts
from .reliability import ReliabilityData, reliability_data
from .replacement import alternative_annotator_test, replacement_test
from .replacement_report import ReplacementReport
from .report import AgreementReport, DisagreedUnit, Group, agree
from .unitizing import Unitizing, UnitizingAlpha, unitizing_alpha
from .unitizing_1995 import alpha_u_1995

__all__ = [
    "MISSING",
    "AgreementReport",
    "Alpha",
    "CodeAccuracy",
    "CodeAlpha",
    "Coefficient",
    "Comparison",
    "ConfusedPair",
    "Confusion",
    "Continuum",
    "Difference",
    "DisagreedUnit",
    "Disagreements",
    "Group",
    "HayesKrippendorff",
    "MachineErrors",
    "MultiValued",
    "Profiles",
    "QuotedUnit",
    "Reliability",
    "ReliabilityData",
    "ReplacementReport",
    "Said",
    "Share",
    "Span",
    "Unitizing",
    "UnitizingAlpha",
    "accuracy",
    "agree",
    "alpha_u_1995",
    "alternative_annotator_test",
    "chance_corrected",
    "continua_of",
    "cohen_kappa",
    "disagreements",
    "drift",
    "hayes_krippendorff",
    "human_machine_difference",
    "krippendorff_alpha",
    "krippendorff_alphas",
    "machine_errors",
    "majority",
    "multivalued_alpha",
    "percent_agreement",
    "profiles",
    "recoding_difference",
    "reliability_data",
    "replacement_test",
    "unitizing_alpha",
    "value_counts",
]
