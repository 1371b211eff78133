"""How far coders agree, human and machine: Krippendorff's α and all that belongs beside it, with intervals.

Names are imported from their files when they are first used: whoever compares codes needs nothing of spans.
"""

from __future__ import annotations

from ..lazy import lazy_names

_FILES = {
    "agreement_report": ("AgreementReport", "GroupAgreement", "agree", "agreement_of"),
    "alpha": ("Alpha", "Reliability", "krippendorff_alpha", "krippendorff_alphas"),
    "alpha_difference": ("AlphaDifference", "drift", "human_machine_difference", "recoding_difference"),
    "code_accuracy": (
        "CodeAccuracy",
        "Confusion",
        "DisagreedUnit",
        "MachineErrors",
        "accuracy",
        "machine_errors",
        "majority",
    ),
    "coefficients": (
        "Coefficient",
        "chance_corrected",
        "cohen_kappa",
        "hayes_krippendorff",
        "percent_agreement",
    ),
    "comparison": (
        "CodeAlpha",
        "Comparison",
        "ReliabilityData",
        "compare",
        "reliability_data",
    ),
    "continuum": ("Continuum", "Span", "continua_of"),
    "disagreement": ("ConfusedPair", "Disagreements", "QuotedUnit", "Said", "disagreements"),
    "gamma": ("Gamma",),
    "joined_units": ("CoarserUnits", "coarser_units"),
    "learned_card": ("CoderCard", "coder_card", "why_refused", "write_card"),
    "machine_panel": ("Panel", "panel"),
    "profile": ("MISSING", "Profiles", "profiles", "value_counts"),
    "replacement": ("alternative_annotator_test", "replacement_test"),
    "replacement_report": ("ReplacementReport",),
    "unitizing": ("ChosenSpans", "Unitizing", "UnitizingAlpha", "chosen_spans", "unitizing_alpha"),
}
__getattr__, __dir__, __all__ = lazy_names(__name__, _FILES)
