"""The inks of figures; the colours of codes are the codebook's (`codebook/code_colors.py`).

#1d1f23     written into an SVG file as this, and changed to var(--ink) where the SVG stands in the page

Every figure can be read without colour: codes are named beside their marks, groups differ in shape.
"""

from __future__ import annotations

INK, MUTED, RULE, PAPER = "#1d1f23", "#666b73", "#d8dade", "#fffffe"

VARIABLES = {INK: "var(--ink)", MUTED: "var(--muted)", RULE: "var(--rule)", PAPER: "var(--card)"}
