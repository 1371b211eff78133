"""Paragraphs, as offsets: the scheme ``paragraph@1``. A blank line ends one, except inside fenced code."""

from __future__ import annotations

import re

from .protected import mask
from .sentence import Span, merged, trimmed

_BLANK = re.compile(r"\n[^\S\n]*+\n\s*+|\r\n?[^\S\r]*+\r\s*+|\u2029")


def paragraphs(text: str) -> list[Span]:
    """Half-open offsets of the paragraphs, in order."""
    masked = mask(text)
    cuts = [0, *(at for blank in _BLANK.finditer(masked) for at in blank.span()), len(text)]
    return merged(text, (trimmed(text, start, end) for start, end in zip(cuts[::2], cuts[1::2], strict=True)))
