"""Versioned codebooks: load, check, compare, migrate, print as a coder's manual."""

from .codebook import (
    NONE,
    Code,
    Codebook,
    Family,
    Features,
    Hit,
    Migration,
    NearMiss,
    Rule,
    WeightedCue,
    find_codebook,
    load_codebook,
    parse_codebook,
    released,
)
from .cue import Cue, CuePiece, matcher_patterns, parse_cue

__all__ = [
    "NONE",
    "Code",
    "Codebook",
    "Cue",
    "CuePiece",
    "Family",
    "Features",
    "Hit",
    "Migration",
    "NearMiss",
    "Rule",
    "WeightedCue",
    "find_codebook",
    "load_codebook",
    "matcher_patterns",
    "parse_codebook",
    "parse_cue",
    "released",
]
