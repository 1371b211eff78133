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

__all__ = [
    "NONE",
    "Code",
    "Codebook",
    "Family",
    "Features",
    "Hit",
    "Migration",
    "NearMiss",
    "Rule",
    "WeightedCue",
    "find_codebook",
    "load_codebook",
    "parse_codebook",
    "released",
]
