"""Tokens: noise share, repetition, underthinking (ξ_UT) and efficiency of reasoning traces."""

from .asked_thoughts import find_thoughts
from .efficiency import Efficiency, Solutions, efficiency, outcome_term, process_term, solutions_of
from .estimate import Estimate, Resampling
from .measured import Measured, measure
from .noise import NoiseShare, NoiseTokens, noise_families, noise_share, noise_tokens
from .repetition import Repetition, repetition
from .report import Coded, TokenReport, measure_coder, measure_traces, token_report
from .thought import Response, Thought, read_thoughts, response_of
from .thought_run import ThoughtRun
from .tokenizer import SpacyTokenizer, Tokenizer, Tokens, load_tokenizer
from .underthinking import Underthinking, underthinking_term, wrong_to_right, xi_ut, xi_wut

__all__ = [
    "Coded",
    "Efficiency",
    "Estimate",
    "Measured",
    "NoiseShare",
    "NoiseTokens",
    "Repetition",
    "Resampling",
    "Response",
    "Solutions",
    "SpacyTokenizer",
    "Thought",
    "ThoughtRun",
    "TokenReport",
    "Tokenizer",
    "Tokens",
    "Underthinking",
    "efficiency",
    "find_thoughts",
    "load_tokenizer",
    "measure",
    "measure_coder",
    "measure_traces",
    "noise_families",
    "noise_share",
    "noise_tokens",
    "outcome_term",
    "process_term",
    "read_thoughts",
    "repetition",
    "response_of",
    "solutions_of",
    "token_report",
    "underthinking_term",
    "wrong_to_right",
    "xi_ut",
    "xi_wut",
]
