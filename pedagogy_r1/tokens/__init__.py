"""Tokens: noise share, repetition, underthinking (ξ_UT) and efficiency of reasoning traces.

Names are imported when they are first used.
"""

from __future__ import annotations

from ..lazy import lazy_names

_FILES = {
    ".estimate": ("Estimate", "Resampling"),
    "asked_thoughts": ("find_thoughts",),
    "measured": ("Measured", "measure"),
    "noise": ("NoiseShare", "NoiseTokens", "noise_families", "noise_share", "noise_tokens"),
    "response_thoughts": ("Response", "Thought", "read_thoughts", "response_of"),
    "solutions": ("Efficiency", "Solutions", "efficiency", "outcome_term", "process_term", "solutions_of"),
    "thought_run": ("ThoughtRun",),
    "tokenizer": ("SpacyTokenizer", "Tokenizer", "Tokens", "load_tokenizer"),
    "tokens_report": ("Coded", "TokenReport", "measure_coder", "measure_traces", "token_report"),
    "underthinking": ("Underthinking", "underthinking_term", "wrong_to_right", "xi_ut", "xi_wut"),
    "word_repetition": ("Repetition", "repetition"),
}
__getattr__, __dir__, __all__ = lazy_names(__name__, _FILES)
