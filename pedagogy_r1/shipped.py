"""Finds the folders that stand beside the package in a checkout and inside it in a wheel.

checkout:  <root>/codebook/schoen/1.0.0.yaml
wheel:     site-packages/pedagogy_r1/_shipped/codebook/schoen/1.0.0.yaml
"""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def folder(name: str) -> Path:
    """The shipped folder ``name`` (``codebook``, ``analysis``, ``demo`` …): packaged copy, else sibling."""
    packaged = _PACKAGE / "_shipped" / name
    return packaged if packaged.is_dir() else _PACKAGE.parent / name
