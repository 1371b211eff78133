"""Coding by people: packets out, codings in, and one decision where they disagree."""
