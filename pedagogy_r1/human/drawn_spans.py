"""A span that a coder drew: where it lies, and its text.

    {"document": "t90c2…", "start": 512, "end": 547, "quote": "Wait, is it 24?"}

Offsets are code points, half-open, into the trace's reasoning; the trace goes by its blind name (`packet.blind_id`), since a coder's
file must not tell how it was made. The quote is what an import anchors on.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from pydantic import BaseModel, Field

from ..errors import InputError
from ..trace import Trace
from ..unit.sentence import trimmed
from .packet import blind_id


class DrawnSpan(BaseModel, frozen=True, extra="forbid"):
    """One stretch of one trace."""

    document: str
    start: int = Field(ge=0)
    end: int = Field(ge=0)
    quote: str = Field(min_length=1)

    @property
    def place(self) -> tuple[int, int]:
        """Start and end."""
        return self.start, self.end


def draw_span(trace: Trace, start: int, end: int, quote: str | None = None) -> DrawnSpan:
    """The stretch of ``trace`` without the white space at its ends.

    Raises `InputError` where it holds nothing, or where its text is not the ``quote`` that was seen.
    """
    text = trace.reasoning
    if not 0 <= start < end <= len(text) or not text[start:end].strip():
        raise InputError("there is nothing to draw a span on", "choose some words first")
    if quote is not None and text[start:end] != quote:
        raise InputError(
            "the text on the page is not the text of the trace: nothing was drawn",
            "load the page again; if it stays so, the browser counts characters in another way",
        )
    start, end = trimmed(text, start, end)
    return DrawnSpan(document=blind_id(trace.id), start=start, end=end, quote=text[start:end])


def check_apart(spans: Iterable[DrawnSpan], overlap: bool) -> None:
    """Raise `InputError` where two of one trace lie in the same place, or overlap and may not."""
    order = sorted(spans, key=lambda span: (span.document, span.start, span.end))
    for one, other in pairwise(order):
        if one.document != other.document:
            continue
        if one.place == other.place:
            raise InputError(
                f"there is a span already just there: {_short(one.quote)}",
                "choose it, and give it a second code",
            )
        if not overlap and other.start < one.end:
            raise would_overlap(one.quote, other.quote, "trim, split or remove one of them first")


def would_overlap(one: str, other: str, hint: str) -> InputError:
    """That these two may not both be there."""
    return InputError(
        f"the spans {_short(one)} and {_short(other)} would overlap, which the codebook does not allow", hint
    )


def _short(text: str) -> str:
    text = " ".join(text.split())
    return f"“{text if len(text) <= 40 else text[:39] + '…'}”"
