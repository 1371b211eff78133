"""Frequencies, contrasts, order, co-occurrence and place of codes, with intervals that know units come in traces."""

from ..runs.code_table import code_table, of_coder
from .contrast import CodeContrast, ContrastFamily, contrast
from .cooccurrence import CodePair, cooccurrence
from .corrected import Corrected, corrected_logistic, corrected_prevalence
from .epistemic import EpistemicNetwork, epistemic_network
from .estimate import Estimate
from .frequency import CodeShare, frequency
from .glm import BinomialFit, binomial_glm
from .multiverse import Analysis, Conclusion, Multiverse, conclusions, multiverse
from .position import CodePosition, position
from .transition import Transitions, sequence_transitions, transitions

__all__ = [
    "Analysis",
    "BinomialFit",
    "CodeContrast",
    "CodePair",
    "CodePosition",
    "CodeShare",
    "Conclusion",
    "Corrected",
    "ContrastFamily",
    "EpistemicNetwork",
    "Estimate",
    "Multiverse",
    "Transitions",
    "binomial_glm",
    "code_table",
    "conclusions",
    "contrast",
    "cooccurrence",
    "corrected_logistic",
    "corrected_prevalence",
    "epistemic_network",
    "frequency",
    "multiverse",
    "of_coder",
    "position",
    "sequence_transitions",
    "transitions",
]
