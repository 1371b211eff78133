"""spaCy, imported where it is needed, and in the processes of ``pcode`` without PyTorch.

    spacy_module().blank("en")

Where PyTorch is installed spaCy's thinc imports it for models, and blank pipelines have none: it takes two seconds and 190 MB of
every command. ``pcode`` says so by the variable `ALONE`, which its workers inherit; a program that imports this package keeps
spaCy as it is, since it may load a model of its own. PyTorch itself can be imported afterwards.
"""

from __future__ import annotations

import os
import sys
from typing import Any

ALONE = "PCODE_SPACY_ALONE"


def spacy_module() -> Any:
    """The module ``spacy``; its parts can be imported behind it."""
    aside = os.environ.get(ALONE) == "1" and not {"spacy", "thinc", "torch"} & sys.modules.keys()
    if aside:
        sys.modules["torch"] = None  # type: ignore[assignment]  # importing it is an ImportError, which thinc expects
    try:
        import spacy
    finally:
        if aside:
            del sys.modules["torch"]
    return spacy
