"""Frequencies, contrasts, order, co-occurrence and place of codes, with intervals that know units come in traces.

Names are imported when they are first used.
"""

from __future__ import annotations

from ..lazy import lazy_names

_FILES = {
    ".runs.codings_table": ("code_table", "of_coder", "table_or_tally"),
    ".estimate": ("Estimate",),
    "code_contrast": ("CodeContrast", "ContrastFamily", "contrast"),
    "code_cooccurrence": ("CodePair", "CodePosition", "cooccurrence", "position"),
    "code_frequency": ("frequency",),
    "code_shares": ("CodeShare",),
    "corrected": ("corrected_logistic", "corrected_prevalence"),
    "corrected_verdict": ("Corrected",),
    "multiverse_analysis": ("Analysis", "Conclusion", "Multiverse", "conclusions", "multiverse"),
    "survey": ("BinomialFit", "SurveyTests", "binomial_glm", "survey_tests"),
    "transition": ("Transitions", "sequence_transitions", "transitions"),
}
__getattr__, __dir__, __all__ = lazy_names(__name__, _FILES)
